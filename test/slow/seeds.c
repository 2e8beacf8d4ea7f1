/*
 * Many random lives of raft, by seed:
 *
 *     seeds rules FROM TO    three cores on the library's own fixture, parted
 *                            at random, with our rules and without R1 and R2
 *     seeds lives FROM TO    whole replicas with crashes (test/unit/raft)
 *
 * One line for each seed that goes wrong, and a last one for the table in
 * test/RESULTS.md. Status 0: nothing is wrong with the rules, and, with a
 * library that needs them, something is without.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "raft/compat.h"
#include "replica_cluster_life.h"
#include "rules_cluster.h"

static unsigned long wrong_of(const char *what, unsigned long seed,
			      const char *wrong)
{
	if (wrong == NULL)
		return 0;
	printf("seed %lu %s: %s\n", seed, what, wrong);
	fflush(stdout);
	return 1;
}

static bool rules(unsigned long from, unsigned long to)
{
	unsigned long with = 0;
	unsigned long without = 0;

	for (unsigned long seed = from; seed <= to; seed++) {
		with += wrong_of("with the rules", seed, cluster_life(seed, 0));
		without +=
			wrong_of("without R1 and R2", seed,
				 cluster_life(seed, WITHOUT_R1 | WITHOUT_R2));
	}
	printf("seeds %lu to %lu on the fixture: %lu wrong with the rules, "
	       "%lu without R1 and R2\n",
	       from, to, with, without);
	return with == 0 && (COMPAT_COWSQL || without > 0);
}

static bool lives(unsigned long from, unsigned long to)
{
	unsigned long wrong = 0;

	for (unsigned long seed = from; seed <= to; seed++)
		wrong += wrong_of("of whole replicas", seed, rc_life(seed));
	printf("seeds %lu to %lu of whole replicas: %lu wrong\n", from, to,
	       wrong);
	return wrong == 0;
}

int main(int argc, char **argv)
{
	unsigned long from;
	unsigned long to;

	if (argc != 4) {
		fprintf(stderr, "usage: seeds rules|lives FROM TO\n");
		return EXIT_FAILURE;
	}
	from = strtoul(argv[2], NULL, 10);
	to = strtoul(argv[3], NULL, 10);
	if (strcmp(argv[1], "rules") == 0)
		return rules(from, to) ? EXIT_SUCCESS : EXIT_FAILURE;
	return lives(from, to) ? EXIT_SUCCESS : EXIT_FAILURE;
}
