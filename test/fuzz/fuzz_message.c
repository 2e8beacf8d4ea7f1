/*
 * Raft's messages: any octets are refused or understood, and what is
 * understood is sent again as it came.
 */
#include <stdint.h>

#include "base/panic.h"
#include "raft/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again(const struct raft_message *message, struct slice in)
{
	const struct raft_append_entries *append = &message->append_entries;
	struct buf out = { 0 };

	message_encode(message, &out);
	if (message->type == RAFT_IO_APPEND_ENTRIES)
		for (unsigned i = 0; i < append->n_entries; i++)
			buf_add(&out, append->entries[i].buf.base,
				append->entries[i].buf.len);
	/* Fields that this libraft lacks, and padding of a configuration. */
	if (message->type != RAFT_IO_INSTALL_SNAPSHOT)
		MUST(slice_eq(slice_from(buf_slice(&out), 6),
			      slice_from(in, 6)));
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct raft_message message;

	if (message_decode(in, &message) != ERR_NONE)
		return 0;
	again(&message, in);
	message_fini(&message);
	return 0;
}
