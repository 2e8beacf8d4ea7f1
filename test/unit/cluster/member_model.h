/*
 * What must become of members, tokens and replicas, said once more in the
 * simplest way: arrays of small numbers. Random commands go to the directory
 * and to this, and both must agree.
 */
#ifndef TEST_MEMBER_MODEL_H
#define TEST_MEMBER_MODEL_H

#include "base/random.h"
#include "dir.h"

#define MODEL_NODES 64
#define MODEL_TOKENS 6 /* secrets; each may have a token */
#define MODEL_GROUPS 3 /* 0 is put by the first step that does */

struct model_member {
	unsigned name; /* index of a name; node 1 has one of its own */
	unsigned key;
	unsigned next_key; /* 0: none */
	enum directory_member_state state;
	bool master;
	uint32_t level;
	uint32_t replicas;
	uint64_t epoch;
};

struct model_token {
	bool exists;
	unsigned name;
	uint64_t expires_at_ms;
	uint32_t node;
};

struct model_group {
	bool exists;
	uint64_t epoch;
	struct directory_replica replicas[MODEL_NODES];
	unsigned count;
};

struct member_model {
	struct dir *dir;
	struct random *random;
	struct model_member members[MODEL_NODES]; /* by node */
	uint32_t next_node;
	struct model_token tokens[MODEL_TOKENS];
	struct model_group groups[MODEL_GROUPS];
	uint32_t level;
	unsigned done;
};

void member_model_init(struct member_model *model, struct dir *dir,
		       struct random *random);
void member_model_step(struct member_model *model);
void member_model_compare(struct member_model *model);

#endif
