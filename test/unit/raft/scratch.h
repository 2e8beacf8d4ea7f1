/*
 * A directory of the test's own, removed with all that is in it.
 */
#ifndef TEST_SCRATCH_H
#define TEST_SCRATCH_H

/* Under TMPDIR, or in memory if that is there, or under /tmp; the caller frees
 * it by scratch_free. */
char *scratch_new(void);
void scratch_free(char **pathp);

#endif
