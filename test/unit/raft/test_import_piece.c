/*
 * Pieces of an import, and the configurations that are kept: pure parts.
 */
#include <criterion/criterion.h>

#include "raft/compat.h"
#include "raft/confs.h"
#include "raft/import_piece.h"

static void piece_of_three(struct buf *out)
{
	const struct wal_entry entries[] = {
		{ 2, RAFT_COMMAND, SLICE_LIT("one") },
		{ 2, RAFT_BARRIER, SLICE_NONE },
		{ 3, RAFT_CHANGE, SLICE_LIT("a longer one") },
	};

	import_piece_begin(out, 7, 100);
	for (unsigned i = 0; i < ARRAY_LEN(entries); i++)
		cr_assert(import_piece_add(out, &entries[i]));
}

Test(import_piece, survives_its_coding)
{
	struct import_piece piece;
	struct wal_entry entry;
	struct buf out = { 0 };
	uint64_t index;

	piece_of_three(&out);
	cr_assert_eq(import_piece_open(buf_slice(&out), &piece), ERR_NONE);
	cr_expect_eq(piece.group, 7);
	cr_assert_eq(import_piece_next(&piece, &index, &entry), ERR_NONE);
	cr_expect_eq(index, 100);
	cr_expect_eq(entry.term, 2);
	cr_expect(slice_eq(entry.data, SLICE_LIT("one")));
	cr_assert_eq(import_piece_next(&piece, &index, &entry), ERR_NONE);
	cr_expect_eq(entry.type, RAFT_BARRIER);
	cr_assert_eq(import_piece_next(&piece, &index, &entry), ERR_NONE);
	cr_expect_eq(index, 102);
	cr_expect_eq(entry.term, 3);
	cr_expect_eq(import_piece_next(&piece, &index, &entry), ERR_END);
	buf_fini(&out);
}

static enum err read_all(struct slice octets)
{
	struct import_piece piece;
	struct wal_entry entry;
	uint64_t index;
	enum err err = import_piece_open(octets, &piece);

	while (err == ERR_NONE)
		err = import_piece_next(&piece, &index, &entry);
	return err;
}

Test(import_piece, what_is_cut_short_is_refused)
{
	struct buf out = { 0 };

	piece_of_three(&out);
	for (size_t len = 0; len < out.len; len++)
		cr_expect_eq(read_all(slice_of(out.data, len)), ERR_SYNTAX);
	cr_expect_eq(read_all(buf_slice(&out)), ERR_END);
	buf_add_octet(&out, 0);
	cr_expect_eq(read_all(buf_slice(&out)), ERR_SYNTAX);
	out.data[0] = 2;
	cr_expect_eq(read_all(buf_slice(&out)), ERR_VERSION);
	buf_fini(&out);
}

/* ---- configurations ---- */

static uint64_t last_of(const struct confs *confs)
{
	return confs_last(confs) == NULL ? 0 : confs_last(confs)->index;
}

Test(confs, the_one_before_is_kept)
{
	struct confs confs = { 0 };

	cr_expect_null(confs_last(&confs));
	confs_add(&confs, 1, SLICE_LIT("a"));
	confs_add(&confs, 20, SLICE_LIT("b"));
	confs_cut(&confs, 15);
	cr_expect_eq(confs.count, 2);
	cr_expect_eq(confs_truncate(&confs, 21), 0);
	cr_expect_eq(confs_truncate(&confs, 20), 1);
	cr_expect_eq(last_of(&confs), 1);
	cr_expect(slice_eq(buf_slice(&confs_last(&confs)->octets),
			   SLICE_LIT("a")));
	confs_fini(&confs);
}

Test(confs, what_is_behind_the_marker_is_enough)
{
	struct confs confs = { 0 };

	for (uint64_t i = 1; i <= 30; i++)
		confs_add(&confs, i * 10, SLICE_LIT("c"));
	confs_cut(&confs, 105);
	cr_expect_eq(confs.items[0].index, 100);
	cr_expect_eq(last_of(&confs), 300);
	confs_add(&confs, 150, SLICE_LIT("d")); /* replaces those behind */
	cr_expect_eq(last_of(&confs), 150);
	cr_expect_eq(confs.count, 6);
	confs_fini(&confs);
}
