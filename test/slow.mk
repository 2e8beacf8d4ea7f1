# Proofs that take minutes or hours; ./check runs a sample of each.
#
#     make kill ROUNDS=20     kill -9 under load
#     make power ROUNDS=20    power cuts under load: all is lost, or torn
#     make moves ROUNDS=100   moves between groups, ended anywhere
#     make crash              every crash point, kill, failure of the disk
#     make guards             broken builds of these must be found out
#     make large              a mailbox of 4 GiB; in a build for releases
#     make distributions      a fresh system of each, as a new user; root
#     make rules SEEDS=3000   random partitions of libraft, with our rules and
#                             without
#     make lives SEEDS=3000   random lives of whole replicas
#     make models             the large configurations of test/model
#
# Configure with --enable-faults for the first five. Each that succeeds adds a
# row to test/RESULTS.md.

EXTRA_DIST += test/RESULTS.md test/slow/distributions test/slow/guards.py \
	test/slow/large.py test/slow/seeds.py
EXTRA_DIST += test/scenario/crash.py test/scenario/kill.py \
	test/scenario/ledger.py test/scenario/moves.py \
	test/scenario/murder.py test/scenario/power.py

EXTRA_PROGRAMS += test/slow/seeds
test_slow_seeds_SOURCES = test/slow/seeds.c \
	test/unit/raft/replica_cluster.c test/unit/raft/replica_cluster.h \
	test/unit/raft/replica_cluster_impl.h \
	test/unit/raft/replica_cluster_life.c \
	test/unit/raft/replica_cluster_life.h \
	test/unit/raft/replica_cluster_op.c \
	test/unit/raft/rules_cluster.c test/unit/raft/rules_cluster.h \
	test/unit/raft/scratch.c test/unit/raft/scratch.h
test_slow_seeds_CPPFLAGS = $(AM_CPPFLAGS) -iquote $(top_srcdir)/test/unit/raft
test_slow_seeds_LDADD = $(RAFT_STACK)

ROUNDS = 20
SEEDS = 3000
RESULTS = $(abs_top_srcdir)/test/RESULTS.md
SCENARIO = MURDER_BUILD=$(abs_builddir) $(top_srcdir)/test/scenario
slow_programs = murderd murderctl $(SHIM)

.PHONY: kill power crash guards large distributions rules lives models
.PHONY: kill power moves crash guards large distributions models
kill: $(slow_programs)
	$(SCENARIO)/kill.py $(ROUNDS) --results $(RESULTS)
power: $(slow_programs)
	$(SCENARIO)/power.py $(ROUNDS) --results $(RESULTS)
moves: $(slow_programs)
	$(SCENARIO)/moves.py $(ROUNDS) --results $(RESULTS)
crash: $(slow_programs)
	$(SCENARIO)/crash.py --all --results $(RESULTS)
guards: $(slow_programs)
	MURDER_BUILD=$(abs_builddir) $(top_srcdir)/test/slow/guards.py \
		--results $(RESULTS)
large: murderd murderctl
	MURDER_BUILD=$(abs_builddir) $(top_srcdir)/test/slow/large.py \
		--results $(RESULTS)
distributions:
	$(top_srcdir)/test/slow/distributions --results $(RESULTS)
rules lives: test/slow/seeds murderd
	MURDER_BUILD=$(abs_builddir) $(top_srcdir)/test/slow/seeds.py \
		$@ 1 $(SEEDS) --results $(RESULTS)
models:
	$(top_srcdir)/test/model/run --deep --results $(RESULTS)
