/*
 * What a model has reached, said once each; for pan, the program that spin
 * writes for a model with -DCOVER.
 */
#ifndef COVER_H
#define COVER_H

#include <stdio.h>

#define COVER_MAX 64 /* names in a model */

/* `name` is a literal: the same call gives the same pointer. */
static void cover(const char *name)
{
	static const char *seen[COVER_MAX];
	int n = 0;

	while (n < COVER_MAX && seen[n] && seen[n] != name)
		n++;
	if (n == COVER_MAX || seen[n])
		return;
	seen[n] = name;
	printf("reached %s\n", name);
}

#endif
