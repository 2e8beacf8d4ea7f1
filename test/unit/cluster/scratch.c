/*
 * Scratch directories (scratch.h).
 */
#define _XOPEN_SOURCE 700
#include "scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/panic.h"

#define OPEN_MAX 8 /* descriptors of the walk */

char *scratch_new(void)
{
	const char *under = getenv("TMPDIR");
	struct buf path = { 0 };
	char *copy;

	buf_printf(&path, "%s/murder-cluster-XXXXXX",
		   under ? under : "/dev/shm");
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
