/*
 * A serial executor with a thread of its own: the WAL's writer, the appliers.
 *
 * Tasks run one after another in the order in which they were posted; they may
 * block. All signals are blocked in the thread.
 */
#ifndef IO_THREAD_H
#define IO_THREAD_H

#include "base/task.h"

struct io_thread;

/* Starts the thread; the first 15 octets of `name` name it. */
struct io_thread *io_thread_new(const char *name);

/* Runs what is queued and what that posts here, then ends the thread. */
void io_thread_free(struct io_thread **threadp);

/* Valid as long as the thread. */
struct executor *io_thread_executor(struct io_thread *thread);

#endif
