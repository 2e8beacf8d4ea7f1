# The log: libraft's core over our own WAL.

LIB_RAFT = src/raft/libraft_murder.a
noinst_LIBRARIES += $(LIB_RAFT)
src_raft_libraft_murder_a_SOURCES = \
	src/raft/applier.c src/raft/applier.h \
	src/raft/command.h \
	src/raft/compat.c src/raft/compat.h \
	src/raft/confs.c src/raft/confs.h \
	src/raft/entry.c src/raft/entry.h \
	src/raft/foreign.c src/raft/foreign.h \
	src/raft/forward.c src/raft/forward.h \
	src/raft/frame.c src/raft/frame.h \
	src/raft/fsm.h \
	src/raft/import_piece.c src/raft/import_piece.h \
	src/raft/io.c src/raft/io.h \
	src/raft/io_request.h \
	src/raft/io_send.c \
	src/raft/io_snapshot.c \
	src/raft/message.c src/raft/message.h \
	src/raft/meta.c src/raft/meta.h \
	src/raft/missing.c src/raft/missing.h \
	src/raft/net.h \
	src/raft/outbox.c src/raft/outbox.h \
	src/raft/proposer.c src/raft/proposer.h \
	src/raft/proposer_claim.c \
	src/raft/proposer_impl.h \
	src/raft/reader.c src/raft/reader.h \
	src/raft/remote.c src/raft/remote.h \
	src/raft/replica.c src/raft/replica.h \
	src/raft/replica_checkpoint.c \
	src/raft/replica_impl.h \
	src/raft/replica_leader.c \
	src/raft/replica_discard.c src/raft/replica_discard.h \
	src/raft/replica_export.c \
	src/raft/replica_import.c src/raft/replica_import.h \
	src/raft/replica_import_copy.c \
	src/raft/replica_member.c src/raft/replica_member.h \
	src/raft/replica_propose.c \
	src/raft/replica_raft.c \
	src/raft/replica_report.c src/raft/replica_report.h \
	src/raft/replica_read.c \
	src/raft/rules.c src/raft/rules.h \
	src/raft/sizes.c src/raft/sizes.h \
	src/raft/slots.c src/raft/slots.h \
	src/raft/turns.h \
	src/raft/wal.c src/raft/wal.h \
	src/raft/wal_copy.c \
	src/raft/wal_file.c \
	src/raft/wal_form.c \
	src/raft/wal_group.c src/raft/wal_group.h \
	src/raft/wal_internal.h \
	src/raft/wal_read.c src/raft/wal_read.h \
	src/raft/wal_record.c src/raft/wal_record.h \
	src/raft/wal_scan.c \
	src/raft/wal_segment.c src/raft/wal_segment.h \
	src/raft/wal_space.c \
	src/raft/wal_write.c
