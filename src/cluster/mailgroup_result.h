/*
 * Results of a mail group's commands, as apply writes them. For the mail
 * group's own files; others read them by mailgroup_command.h.
 */
#ifndef CLUSTER_MAILGROUP_RESULT_H
#define CLUSTER_MAILGROUP_RESULT_H

#include "cluster/mailgroup_command.h"

/*
 * Each appends to `payload`. A result always fits COMMAND_RESULT_MAX: a command
 * has at most MAILGROUP_ROWS_MAX UIDs, and none stands in two of its sets.
 */
#define MAILGROUP_RESULT_ENCODER(x)                          \
	void mailgroup_##x##_result_encode(                  \
		const struct mailgroup_##x##_result *result, \
		struct buf *payload)

/* Appends the payload that mailgroup_x_result reads. */
MAILGROUP_RESULT_ENCODER(append);
MAILGROUP_RESULT_ENCODER(deliver);
MAILGROUP_RESULT_ENCODER(store);
MAILGROUP_RESULT_ENCODER(expunge);
MAILGROUP_RESULT_ENCODER(copy);
MAILGROUP_RESULT_ENCODER(copy_stage);
MAILGROUP_RESULT_ENCODER(more);
MAILGROUP_RESULT_ENCODER(claim);

#endif
