/*
 * The file "applying" (deaths.h): {index u64, count u64, xxh3 u64}.
 */
#include "raft/deaths.h"

#include "base/buf.h"
#include "base/digest.h"
#include "base/mem.h"
#include "base/pack.h"

#define DEATHS_SIZE 24 /* octets */

/* Anything else than what deaths_write wrote says nothing. */
static void deaths_parse(struct deaths *deaths, struct slice octets)
{
	struct unpack in = unpack_of(octets);
	uint64_t index = unpack_u64(&in);
	uint64_t count = unpack_u64(&in);

	if (unpack_u64(&in) != xxh3(slice_first(octets, 16)) ||
	    !unpack_ok(&in) || count > UINT32_MAX)
		return;
	deaths->index = index;
	deaths->count = (uint32_t)count;
}

enum err deaths_open(struct deaths *deaths, struct disk *disk, const char *path)
{
	uint8_t octets[DEATHS_SIZE] = { 0 };
	struct buf name = { 0 };
	enum err err;

	*deaths = (struct deaths){ .disk = disk, .fd = -1 };
	buf_printf(&name, "%s/applying", path);
	err = disk->open(disk, buf_cstr(&name), DISK_CREATE, &deaths->fd);
	buf_fini(&name);
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

static enum err deaths_write(struct deaths *deaths, uint64_t index,
			     uint32_t count)
{
	struct buf octets = { 0 };
	struct slice piece;
	enum err err;

	pack_u64(&octets, index);
	pack_u64(&octets, count);
	pack_u64(&octets, xxh3(buf_slice(&octets)));
	piece = buf_slice(&octets);
	err = deaths->disk->write(deaths->disk, deaths->fd, 0, &piece, 1);
	buf_fini(&octets);
	return err;
}

enum err deaths_enter(struct deaths *deaths, uint64_t index)
{
	uint32_t before = index == deaths->index ? deaths->count : 0;

	return deaths_write(deaths, index, before + 1);
}

enum err deaths_leave(struct deaths *deaths)
{
	return deaths_write(deaths, 0, 0);
}
