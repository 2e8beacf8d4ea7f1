/*
 * The one list of errors, and what the caller knows after each.
 *
 * The third column is the promise of the whole program: only an error whose
 * outcome is NOT_DONE may become a tagged NO to a command that writes; after
 * UNKNOWN the outcome is found out first, or the connection is closed without
 * a tagged answer.
 *
 * The numbers are written into results on disk (raft/): never reuse or change
 * one; new errors go to the end.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/attr.h"

/* name, number, text for operators, what we know about the change */
#define ERR_LIST(X)                                                       \
	X(NONE, 0, "no error", DONE)                                      \
	X(EXISTS, 1, "already exists", NOT_DONE)                          \
	X(NOTFOUND, 2, "does not exist", NOT_DONE)                        \
	X(DENIED, 3, "permission denied", NOT_DONE)                       \
	X(SYNTAX, 4, "malformed input", NOT_DONE)                         \
	X(INVALID, 5, "invalid value", NOT_DONE)                          \
	X(LIMIT, 6, "above a limit", NOT_DONE)                            \
	X(TOO_BIG, 7, "message too large", NOT_DONE)                      \
	X(OVERQUOTA, 8, "quota exceeded", NOT_DONE)                       \
	X(FULL, 9, "no space left", NOT_DONE)                             \
	X(CANNOT, 10, "can never be done", NOT_DONE)                      \
	X(INUSE, 11, "in use by another operation", NOT_DONE)             \
	X(GONE, 12, "mailbox was deleted", NOT_DONE)                      \
	X(MOVED, 13, "mailbox moved to another group", NOT_DONE)          \
	X(EXPUNGED, 14, "message was expunged", NOT_DONE)                 \
	X(UNSAVED, 15, "result was not saved", NOT_DONE)                  \
	X(HASCHILDREN, 16, "has children", NOT_DONE)                      \
	X(NONEXISTENT_PARENT, 17, "parent does not exist", NOT_DONE)      \
	X(CHARSET, 18, "unknown character set", NOT_DONE)                 \
	X(UNKNOWN_CTE, 19, "unknown transfer encoding", NOT_DONE)         \
	X(AUTH, 20, "wrong user or password", NOT_DONE)                   \
	X(DISABLED, 21, "account is disabled", NOT_DONE)                  \
	X(UNAVAILABLE, 22, "service unavailable", NOT_DONE)               \
	X(BUSY, 23, "too busy, try again", NOT_DONE)                      \
	X(NOT_LEADER, 24, "node is not the leader", NOT_DONE)             \
	X(CANCELLED, 25, "cancelled before it took effect", NOT_DONE)     \
	X(TAKEN, 26, "incarnation is taken by another", NOT_DONE)         \
	X(LEADER_LOST, 27, "leadership lost midway", UNKNOWN)             \
	X(FENCED, 28, "a newer incarnation of this node exists", UNKNOWN) \
	X(TIMEOUT, 29, "no answer in time", UNKNOWN)                      \
	X(CLOSED, 30, "connection closed", UNKNOWN)                       \
	X(IO, 31, "input/output error", UNKNOWN)                          \
	X(CORRUPT, 32, "data is damaged", NOT_DONE)                       \
	X(VERSION, 33, "unknown version", NOT_DONE)                       \
	X(LOCKED, 34, "locked by another process", NOT_DONE)              \
	X(END, 35, "end of data", NOT_DONE)                               \
	X(CLIENTBUG, 36, "client did what it must not", NOT_DONE)         \
	X(MISSING_BODY, 37, "body is not on this node", NOT_DONE)         \
	X(STALE, 38, "decided on an old configuration", NOT_DONE)         \
	X(EXPIRED, 39, "its time is over", NOT_DONE)

enum err {
#define X(name, number, text, outcome) ERR_##name = number,
	ERR_LIST(X)
#undef X
};

/* What the caller knows about the change that it asked for. */
enum outcome {
	OUTCOME_DONE,
	OUTCOME_NOT_DONE, /* it did not happen and never will */
	OUTCOME_UNKNOWN,  /* it may have happened, or may still happen */
};

/* The text for operators; "unknown error" for a number of a later release. */
const char *err_text(enum err err);

/* The upper-case name ("EXISTS"), for logs and JSON. */
const char *err_name(enum err err);

/* A number of a later release counts as UNKNOWN. */
enum outcome err_outcome(enum err err);

#endif
