/*
 * What a mail group must do, said once more in the simplest way: arrays that
 * are walked. Random commands go to both, and both must agree.
 */
#ifndef TEST_GROUP_MODEL_H
#define TEST_GROUP_MODEL_H

#include "base/random.h"
#include "group.h"

#define MODEL_BOXES 4
#define MODEL_USERS 3
#define MODEL_WORDS 12
#define MODEL_MESSAGES 4096
#define MODEL_KEYS 40

struct model_message {
	uint32_t uid;
	uint64_t modseq;
	unsigned body;
	uint8_t flags; /* without \Seen */
	bool seen[MODEL_USERS];
	uint32_t words; /* keywords, by number in the list of words */
};

struct model_gone {
	uint32_t uid;
	uint64_t modseq;
};

struct model_box {
	uint64_t id;
	uint64_t root;
	bool sealed;
	uint32_t uidnext;
	uint64_t highestmodseq;
	struct model_message *messages;
	unsigned count;
	struct model_gone *gone;
	unsigned gone_count;

	/* a COPY in the making; turn 0: none */
	struct op_id copy;
	uint32_t copy_uid;
	uint64_t copy_modseq;
	struct model_message *staged;
	unsigned staged_count;
};

struct model {
	struct group *group;
	struct random *random;
	struct model_box boxes[MODEL_BOXES];
	uint64_t next_id;
	bool known[MODEL_KEYS]; /* keys that were delivered */
	uint32_t known_uid[MODEL_KEYS];
	unsigned done; /* commands that were not refused */
};

void model_init(struct model *model, struct group *group,
		struct random *random);
void model_fini(struct model *model);

/* One random command to both. */
void model_step(struct model *model);

/* Asks both everything there is. */
void model_compare(struct model *model);

#endif
