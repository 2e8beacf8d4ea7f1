/*
 * Heads of the streams that carry bodies: any octets are refused or understood,
 * and what is understood and encoded again is the same.
 */
#include <stdint.h>

#include "base/panic.h"
#include "server/courier_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void body_head(struct slice in)
{
	struct courier_body_head head;
	struct buf out = { 0 };

	if (courier_body_head_decode(in, &head))
		return;
	MUST(head.hold.proposer != 0);
	courier_body_head_encode(&head, &out);
	MUST(slice_eq(buf_slice(&out), in));
	buf_fini(&out);
}

static void fetch_head(struct slice in)
{
	struct courier_fetch_head head;
	struct buf out = { 0 };

	if (courier_fetch_head_decode(in, &head))
		return;
	courier_fetch_head_encode(&head, &out);
	MUST(slice_eq(buf_slice(&out), in));
	buf_fini(&out);
}

static void have_head(struct slice in)
{
	struct courier_have_head head;
	struct buf out = { 0 };

	if (courier_have_head_decode(in, &head))
		return;
	MUST(head.count > 0 && head.count <= COURIER_HASHES_MAX);
	courier_have_head_encode(&head, &out);
	MUST(slice_eq(buf_slice(&out), in));
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);

	body_head(in);
	fetch_head(in);
	have_head(in);
	return 0;
}
