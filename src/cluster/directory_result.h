/*
 * Results of the directory's commands, as apply writes them. For the
 * directory's own files; others read them by directory_command.h.
 */
#ifndef CLUSTER_DIRECTORY_RESULT_H
#define CLUSTER_DIRECTORY_RESULT_H

#include "cluster/directory_command.h"

/* Each appends to `payload`; a result always fits. */
#define DIRECTORY_RESULT_ENCODER(x)                          \
	void directory_##x##_result_encode(                  \
		const struct directory_##x##_result *result, \
		struct buf *payload)

/* Appends the payload that directory_x_result reads. */
DIRECTORY_RESULT_ENCODER(create);
DIRECTORY_RESULT_ENCODER(delete);
DIRECTORY_RESULT_ENCODER(rename);
DIRECTORY_RESULT_ENCODER(user_add);
DIRECTORY_RESULT_ENCODER(user_remove);
DIRECTORY_RESULT_ENCODER(user_forget);
DIRECTORY_RESULT_ENCODER(member_add);
DIRECTORY_RESULT_ENCODER(member_set);
DIRECTORY_RESULT_ENCODER(join);
DIRECTORY_RESULT_ENCODER(group_put);

#endif
