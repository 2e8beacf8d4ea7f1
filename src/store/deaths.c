/*
 * The file of deaths (deaths.h): {place u64, count u64, xxh3 u64}.
 */
#include "store/deaths.h"

#include "base/buf.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/pack.h"
#include "base/panic.h"
#include "store/env.h"

#define DEATHS_SIZE 24 /* octets */

static const char opening_name[] = "opening";
#define OPENING_PLACE 1 /* there is only one */

/* Anything else than what deaths_write wrote says nothing. */
static void deaths_parse(struct deaths *deaths, struct slice octets)
{
	struct unpack in = unpack_of(octets);
	uint64_t place = unpack_u64(&in);
	uint64_t count = unpack_u64(&in);

	if (unpack_u64(&in) != xxh3(slice_first(octets, 16)) ||
	    !unpack_ok(&in) || count > UINT32_MAX)
		return;
	deaths->place = place;
	deaths->count = (uint32_t)count;
}

enum err deaths_open(struct deaths *deaths, struct disk *disk, const char *path,
		     const char *name)
{
	uint8_t octets[DEATHS_SIZE] = { 0 };
	struct buf file = { 0 };
	enum err err;

	*deaths = (struct deaths){ .disk = disk, .fd = -1 };
	buf_printf(&file, "%s/%s", path, name);
	err = disk->open(disk, buf_cstr(&file), DISK_CREATE, &deaths->fd);
	buf_fini(&file);
	if (err != ERR_NONE)
		return err;
	err = disk->read(disk, deaths->fd, 0, octets, sizeof octets);
	if (err == ERR_END)
		return ERR_NONE; /* new */
	if (err == ERR_NONE)
		deaths_parse(deaths, slice_of(octets, sizeof octets));
	return err;
}

void deaths_close(struct deaths *deaths)
{
	if (deaths->disk != NULL && deaths->fd >= 0)
		deaths->disk->close(deaths->disk, deaths->fd);
	deaths->fd = -1;
}

bool deaths_too_many(const struct deaths *deaths)
{
	return deaths->count >= DEATHS_MAX;
}

static enum err deaths_write(struct deaths *deaths, uint64_t place,
			     uint32_t count)
{
	struct buf octets = { 0 };
	struct slice piece;
	enum err err;

	pack_u64(&octets, place);
	pack_u64(&octets, count);
	pack_u64(&octets, xxh3(buf_slice(&octets)));
	piece = buf_slice(&octets);
	err = deaths->disk->write(deaths->disk, deaths->fd, 0, &piece, 1);
	buf_fini(&octets);
	return err;
}

enum err deaths_enter(struct deaths *deaths, uint64_t place)
{
	uint32_t before = place == deaths->place ? deaths->count : 0;

	MUST(place != 0);
	return deaths_write(deaths, place, before + 1);
}

enum err deaths_leave(struct deaths *deaths)
{
	return deaths_write(deaths, 0, 0);
}

/* ---- opening ---- */

enum err deaths_enter_opening(struct deaths *deaths, struct disk *disk,
			      const char *path)
{
	enum err err = store_env_make_directory(disk, path);

	*deaths = (struct deaths){ .fd = -1 };
	if (err == ERR_NONE)
		err = deaths_open(deaths, disk, path, opening_name);
	if (err != ERR_NONE)
		return err;
	if (!deaths_too_many(deaths))
		return deaths_enter(deaths, OPENING_PLACE);
	LOG_ERROR("store: %s: opening it has ended the process %u times; "
		  "remove the file \"%s\" there to try once more",
		  path, deaths->count, opening_name);
	return ERR_CORRUPT;
}

enum err deaths_leave_opening(struct deaths *deaths)
{
	enum err err = deaths_leave(deaths);

	if (err != ERR_NONE || deaths->count == 0)
		return err;
	return deaths->disk->sync(deaths->disk, deaths->fd);
}
