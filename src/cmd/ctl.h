/*
 * murderctl: what its files share.
 */
#ifndef CMD_CTL_H
#define CMD_CTL_H

#include "cmd/admin_client.h"

/* Exit status: see murderctl(8). */
enum ctl_status {
	CTL_DONE = 0,
	CTL_NOT_DONE = 1,
	CTL_USAGE = 2,
	CTL_UNKNOWN = 3, /* the connection was lost midway */
};

struct ctl {
	struct admin_client client;
	const char *socket; /* its path */
	bool json;          /* print objects, not text */
	bool terminal;      /* standard output is one: progress is drawn */
};

/* Behind a request that failed: the daemon has closed the connection. */
must_use enum err ctl_reconnect(struct ctl *ctl);

/*
 * Sends a request and reads to its answer, drawing progress. The answer's
 * `result` is the caller's to free; on a failure the text was printed.
 */
enum ctl_status ctl_call(struct ctl *ctl, const char *command, json_t *args,
			 json_t **result_r);

/* Prints what a failed answer says, as text or JSON. */
void ctl_print_failure(const struct ctl *ctl, const json_t *answer);

/* "[######....] 42 %  what" on standard error, in place. */
void ctl_draw_progress(const struct ctl *ctl, uint64_t done, uint64_t all,
		       const char *what);
void ctl_end_progress(const struct ctl *ctl);

/* ---- results as text ---- */
void ctl_print_status(const json_t *result);
void ctl_print_token(const json_t *result);
void ctl_print_tokens(const json_t *result);
void ctl_print_joined(const json_t *result);
void ctl_print_users(const json_t *result);
void ctl_print_mailboxes(const json_t *result);
void ctl_print_acl(const json_t *result);
void ctl_print_verify(const json_t *result);
void ctl_print_sweep(const json_t *result);
void ctl_print_routes(const json_t *result);

/* Prints the committed commands of the kept log, a line of JSON each. */
enum ctl_status ctl_log_dump(struct ctl *ctl);

/* ---- import ---- */

enum ctl_format {
	CTL_FORMAT_AUTO, /* Maildir, tar by name, else one message a file */
	CTL_FORMAT_MESSAGE,
	CTL_FORMAT_MBOX,
	CTL_FORMAT_TAR,
	CTL_FORMAT_MAILDIR,
};

struct ctl_import_options {
	enum ctl_format format;
	bool no_folders; /* those of a Maildir++ are left out */
};

/* Imports `count` paths into the mailbox of that internal name. */
enum ctl_status ctl_import(struct ctl *ctl, const char *mailbox,
			   const struct ctl_import_options *options,
			   char *const *paths, int count);

#endif
