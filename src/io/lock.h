/*
 * One process per data directory: a lock on a file that lives as long as the
 * process, however it ends.
 */
#ifndef IO_LOCK_H
#define IO_LOCK_H

#include "base/err.h"

/*
 * Makes the file (0600) if absent, locks it and writes the process id into it.
 * The lock belongs to *fd_r and is not inherited by exec.
 *
 * Errors: ERR_LOCKED (logged with the holder's id), ERR_NOTFOUND (no such
 * directory), ERR_IO.
 */
must_use enum err io_lock_take(const char *path, int *fd_r);

/* The file stays; removing it would let two processes lock two files. */
void io_lock_release(int fd);

#endif
