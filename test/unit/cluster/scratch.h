/*
 * A directory of the test's own, removed with all that is in it.
 */
#ifndef TEST_SCRATCH_H
#define TEST_SCRATCH_H

/* In memory unless TMPDIR is set; freed by scratch_free. */
char *scratch_new(void);

/* Removes it and frees the name; *pathp becomes NULL. */
void scratch_free(char **pathp);

#endif
