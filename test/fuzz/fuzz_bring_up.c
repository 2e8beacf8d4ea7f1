/*
 * What replicas tell each other while one is brought up: reports, pieces of an
 * import, and the command LOST. The first octet says which. Any octets are
 * refused or understood; what is encoded again is the same.
 */
#include <stdint.h>

#include "base/panic.h"
#include "raft/frame.h"
#include "raft/import_piece.h"
#include "raft/missing.h"
#include "raft/replica_report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void piece(struct slice in)
{
	struct import_piece piece;
	struct wal_entry entry;
	struct buf out = { 0 };
	uint64_t index;
	enum err err;

	if (import_piece_open(in, &piece) != ERR_NONE)
		return;
	import_piece_begin(&out, piece.group, piece.next);
	while ((err = import_piece_next(&piece, &index, &entry)) == ERR_NONE)
		MUST(import_piece_add(&out, &entry));
	MUST(err == ERR_SYNTAX || slice_eq(buf_slice(&out), in));
	buf_fini(&out);
}

static void report(struct slice in)
{
	struct replica_report once;
	struct replica_report twice;
	struct buf out = { 0 };

	if (replica_report_decode(in, &once) != ERR_NONE)
		return;
	replica_report_encode(&once, &out);
	MUST(replica_report_decode(slice_from(buf_slice(&out), FRAME_HEAD),
				   &twice) == ERR_NONE);
	MUST(once.frontier == twice.frontier && once.parked == twice.parked);
	buf_fini(&out);
}

static void lost(struct slice in)
{
	struct missing_lost_command command;
	struct buf out = { 0 };

	if (missing_lost_decode(in, &command) != ERR_NONE)
		return;
	missing_lost_body(&command, &out);
	MUST(slice_eq(buf_slice(&out), in));
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);

	if (size == 0)
		return 0;
	in = slice_from(in, 1);
	switch (data[0] % 3) {
	case 0:
		piece(in);
		break;
	case 1:
		report(in);
		break;
	default:
		lost(in);
		break;
	}
	return 0;
}
