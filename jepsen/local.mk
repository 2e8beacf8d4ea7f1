# The fault tester (jepsen/README.md); needs go, root and --enable-faults.
#
#     make jepsen                  the runs that a merge must pass
#     make jepsen TIME=4h          all pairs of workloads and nemeses, as long as
#                                  that; adds a row to jepsen/RESULTS.md
#     make jepsen TIME=1h SEED=7 W=append,move N=power,partition NODES=5
#     make jepsen-mutants          builds that are broken must be found out

EXTRA_DIST += jepsen/README.md jepsen/RESULTS.md jepsen/cmd jepsen/go.mod \
	jepsen/go.sum jepsen/internal jepsen/mutants.txt jepsen/run

JEPSEN = $(abs_builddir)/jepsen-tester
CLEANFILES += jepsen-tester
SEED = 1
NODES = 1
TIME =
W =
N =

.PHONY: jepsen jepsen-mutants jepsen-tester
jepsen-tester:
	cd $(srcdir)/jepsen && go build -buildvcs=false -o $(JEPSEN) ./cmd/jepsen

jepsen: jepsen-tester $(slow_programs)
	cd $(srcdir) && if test -z "$(TIME)"; then \
		$(JEPSEN) short -build $(abs_builddir) -nodes $(NODES); \
	else \
		$(JEPSEN) long -build $(abs_builddir) -nodes $(NODES) \
			-time "$(TIME)" -seed $(SEED) -w "$(W)" -n "$(N)"; \
	fi

jepsen-mutants: jepsen-tester $(slow_programs)
	cd $(srcdir) && $(JEPSEN) mutants -build $(abs_builddir) -nodes $(NODES)
