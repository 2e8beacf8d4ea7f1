/*
 * Log entries: any octets are refused or understood; what the encoder lets
 * through is read back as it was.
 *
 * A checksum keeps a fuzzer out, so the commands are also fed behind a head
 * whose checksum is right.
 */
#include <stdint.h>

#include "base/digest.h"
#include "base/pack.h"
#include "base/panic.h"
#include "raft/entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All commands of an entry, encoded again, give the same octets. */
static void try_entry(struct slice octets)
{
	struct entry_builder again = { 0 };
	struct command command;
	struct entry entry;
	enum err err;

	if (entry_decode(octets, &entry) != ERR_NONE)
		return;
	while ((err = entry_next(&entry, &command)) == ERR_NONE) {
		MUST(command_check(&command) == ERR_NONE);
		if (!entry_builder_add(&again, &command))
			break; /* tight entries of another encoder */
	}
	if (err == ERR_END) {
		entry_builder_end(&again, entry.group, entry.term, entry.index);
		MUST(slice_eq(buf_slice(&again.octets), octets));
	}
	entry_builder_fini(&again);
}

/* A head in front of the commands, as the encoder writes it. */
static void with_head(struct slice commands, uint8_t count, struct buf *out)
{
	struct slice pieces[2];
	struct buf head = { 0 };

	pack_u32(&head, 0x5952544eu);
	pack_u16(&head, 1);
	pack_u16(&head, 0);
	pack_u32(&head, 3);
	pack_u32(&head, count);
	pack_u64(&head, 4);
	pack_u64(&head, 5);
	pieces[0] = buf_slice(&head);
	buf_add_slice(out, commands);
	while (out->len % 8 != 0)
		pack_u8(out, 0);
	pieces[1] = buf_slice(out);
	pack_u64(&head, xxh3_pieces(pieces, 2));
	buf_add_slice(&head, buf_slice(out));
	buf_clear(out);
	buf_add_slice(out, buf_slice(&head));
	buf_fini(&head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct buf entry = { 0 };

	if (size == 0 || size > 64 * 1024)
		return 0;
	try_entry(in);
	with_head(slice_from(in, 1), in.data[0], &entry);
	try_entry(buf_slice(&entry));
	buf_fini(&entry);
	return 0;
}
