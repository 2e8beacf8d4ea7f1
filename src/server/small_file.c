/*
 * Small files, whole (small_file.h).
 */
#include "server/small_file.h"

static enum err read_all(struct disk *disk, int fd, size_t max, struct buf *out)
{
	uint64_t size = 0;
	enum err err = disk->size(disk, fd, &size);

	if (err)
		return err;
	if (size > max)
		return ERR_CORRUPT;
	err = disk->read(disk, fd, 0, buf_reserve(out, (size_t)size),
			 (size_t)size);
	if (!err)
		out->len += (size_t)size;
	return err;
}

enum err small_file_read(struct disk *disk, const char *directory,
			 const char *name, size_t max, struct buf *out)
{
	struct buf path = { 0 };
	enum err err;
	int fd;

	buf_printf(&path, "%s/%s", directory, name);
	err = disk->open(disk, buf_cstr(&path), DISK_READ, &fd);
	buf_fini(&path);
	if (err)
		return err;
	err = read_all(disk, fd, max, out);
	disk->close(disk, fd);
	return err;
}

static enum err write_all(struct disk *disk, const char *path,
			  struct slice octets)
{
	enum err err;
	int fd;

	err = disk->open(disk, path, DISK_CREATE, &fd);
	if (err)
		return err;
	err = disk->truncate(disk, fd, 0);
	if (!err)
		err = disk->write(disk, fd, 0, &octets, 1);
	if (!err)
		err = disk->sync(disk, fd);
	disk->close(disk, fd);
	return err;
}

enum err small_file_replace(struct disk *disk, const char *directory,
			    const char *name, struct slice octets)
{
	struct buf temporary = { 0 };
	struct buf path = { 0 };
	enum err err;

	buf_printf(&temporary, "%s/%s.tmp", directory, name);
	buf_printf(&path, "%s/%s", directory, name);
	err = write_all(disk, buf_cstr(&temporary), octets);
	if (!err)
		err = disk->rename(disk, buf_cstr(&temporary), buf_cstr(&path));
	if (!err)
		err = disk->sync_dir(disk, directory);
	buf_fini(&temporary);
	buf_fini(&path);
	return err;
}
