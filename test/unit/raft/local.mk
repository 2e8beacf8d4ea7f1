check_PROGRAMS += test/unit/raft/unit_raft
test_unit_raft_unit_raft_SOURCES = \
	test/unit/raft/io_cluster.c test/unit/raft/io_cluster.h \
	test/unit/raft/member_cluster.c test/unit/raft/member_cluster.h \
	test/unit/raft/member_cluster_life.c \
	test/unit/raft/node_bench.c test/unit/raft/node_bench.h \
	test/unit/raft/replica_cluster.c test/unit/raft/replica_cluster.h \
	test/unit/raft/replica_cluster_impl.h \
	test/unit/raft/replica_cluster_life.c test/unit/raft/replica_cluster_life.h \
	test/unit/raft/replica_cluster_op.c \
	test/unit/raft/rules_cluster.c test/unit/raft/rules_cluster.h \
	test/unit/raft/scratch.c test/unit/raft/scratch.h \
	test/unit/raft/test_cluster.c \
	test/unit/raft/test_cluster_lives.c \
	test/unit/raft/test_entry.c \
	test/unit/raft/test_foreign.c \
	test/unit/raft/test_frame.c \
	test/unit/raft/test_growth.c \
	test/unit/raft/test_import_piece.c \
	test/unit/raft/test_io.c \
	test/unit/raft/test_leader.c \
	test/unit/raft/test_lives.c \
	test/unit/raft/test_member.c \
	test/unit/raft/test_message.c \
	test/unit/raft/test_missing.c \
	test/unit/raft/test_reader.c \
	test/unit/raft/test_replica.c \
	test/unit/raft/test_replica_claim.c \
	test/unit/raft/test_replica_deaths.c \
	test/unit/raft/test_rules.c \
	test/unit/raft/test_slots.c \
	test/unit/raft/test_starts.c \
	test/unit/raft/test_wal.c \
	test/unit/raft/test_wal_read.c \
	test/unit/raft/wal_bench.c test/unit/raft/wal_bench.h
test_unit_raft_unit_raft_LDADD = $(RAFT_STACK) $(CRITERION_LIBS)
