/*
 * Scratch directories (scratch.h).
 */
#define _XOPEN_SOURCE 700
#include "scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/panic.h"

#define OPEN_MAX 8 /* descriptors of the walk */

char *scratch_new(void)
{
	const char *under = getenv("TMPDIR");
	const char *memory = "/dev/shm"; /* syncs cost nothing there */
	struct buf path = { 0 };
	char *copy;

	if (under == NULL)
		under = access(memory, W_OK) == 0 ? memory : "/tmp";
	buf_printf(&path, "%s/murder-raft-XXXXXX", under);
	copy = mem_dup(path.data, path.len);
	buf_fini(&path);
	MUST(mkdtemp(copy) != NULL);
	return copy;
}

static int remove_it(const char *path, const struct stat *st, int type,
		     struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

void scratch_free(char **pathp)
{
	MUST(nftw(*pathp, remove_it, OPEN_MAX, FTW_DEPTH | FTW_PHYS) == 0);
	mem_free(*pathp);
	*pathp = NULL;
}
