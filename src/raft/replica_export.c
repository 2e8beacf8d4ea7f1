/*
 * What a replica gives to a peer that is being brought up (replica_import.h):
 * committed entries from the node's log, or a copy of its state.
 */
#include "raft/replica_import.h"

#include "raft/import_piece.h"
#include "raft/replica_impl.h"
#include "raft/wal_read.h"
#include "store/copy.h"

struct wal_reader *replica_export_entries(struct replica *replica,
					  uint64_t first)
{
	struct compat_view view;

	replica_view(replica, &view);
	return wal_reader_open(replica->io.log, first, view.commit_index);
}

struct exporting {
	struct buf *out;
	uint32_t group;
	bool wrong; /* more entries than a piece can have */
};

static void export_entry(void *arg, uint64_t index,
			 const struct wal_entry *entry)
{
	struct exporting *exporting = arg;

	if (exporting->out->len == 0)
		import_piece_begin(exporting->out, exporting->group, index);
	if (!import_piece_add(exporting->out, entry))
		exporting->wrong = true;
}

enum err replica_export_piece(struct wal_reader *reader, uint32_t group,
			      struct buf *out)
{
	struct exporting exporting = { out, group, false };
	enum err err;

	buf_clear(out);
	err = wal_reader_next(reader, IMPORT_PIECE_MAX, export_entry,
			      &exporting);
	/* Each entry counts as an octet at least, a record is small. */
	MUST(!exporting.wrong || err != ERR_NONE);
	return err;
}

enum err replica_export_copy(struct replica *replica,
			     struct store_copy **copy_r)
{
	struct store_env *env = replica_env(replica);

	if (env == NULL)
		return ERR_UNAVAILABLE;
	return store_copy_open(env, copy_r);
}
