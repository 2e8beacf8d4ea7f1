/*
 * Encoding of the checkpoint's file.
 *
 * The checksum is looked at before anything else, so that a torn or rotten
 * file is CORRUPT and only a whole one can be of an unknown VERSION.
 */
#include "store/checkpoint_file.h"

#include "base/digest.h"
#include "base/pack.h"
#include "base/panic.h"

#define CHECKPOINT_MAGIC 0x74706b63u /* "ckpt" in the file */
#define CHECKPOINT_VERSION 1
#define CHECKSUM_SIZE 8

void checkpoint_file_encode(const struct checkpoint_file *file, struct buf *out)
{
	size_t start = out->len;

	MUST(file->metas.len == 2 * (size_t)file->page_size);
	pack_u32(out, CHECKPOINT_MAGIC);
	pack_u8(out, CHECKPOINT_VERSION);
	pack_u32(out, file->page_size);
	pack_u64(out, file->number);
	pack_u64(out, file->at.index);
	pack_u64(out, file->at.term);
	buf_add_slice(out, file->metas);
	pack_u64(out, xxh3(slice_from(buf_slice(out), start)));
}

static bool checksum_is_right(struct slice octets)
{
	size_t end = octets.len - CHECKSUM_SIZE;
	struct unpack sum = unpack_of(slice_from(octets, end));

	return unpack_u64(&sum) == xxh3(slice_first(octets, end));
}

enum err checkpoint_file_decode(struct slice octets,
				struct checkpoint_file *file_r)
{
	struct unpack in = unpack_of(octets);

	if (octets.len < CHECKSUM_SIZE || octets.len > CHECKPOINT_FILE_MAX ||
	    !checksum_is_right(octets))
		return ERR_CORRUPT;
	if (unpack_u32(&in) != CHECKPOINT_MAGIC)
		return ERR_CORRUPT;
	if (unpack_u8(&in) != CHECKPOINT_VERSION)
		return ERR_VERSION;
	file_r->page_size = unpack_u32(&in);
	file_r->number = unpack_u64(&in);
	file_r->at.index = unpack_u64(&in);
	file_r->at.term = unpack_u64(&in);
	if (file_r->page_size < CHECKPOINT_PAGE_MIN ||
	    file_r->page_size > CHECKPOINT_PAGE_MAX)
		return ERR_CORRUPT;
	file_r->metas = unpack_raw(&in, 2 * (size_t)file_r->page_size);
	unpack_u64(&in); /* the checksum */
	return unpack_end(&in) ? ERR_NONE : ERR_CORRUPT;
}
