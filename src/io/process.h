/*
 * What a daemon sets up once for its process.
 */
#ifndef IO_PROCESS_H
#define IO_PROCESS_H

#include <stdint.h>

/*
 * Call first, before any thread: ignores SIGPIPE (a closed connection is an
 * error of the write, not the death of the process).
 */
void io_process_init(void);

/* Raises RLIMIT_NOFILE to the hard limit; returns what is now allowed. */
uint64_t io_process_raise_files(void);

#endif
