/*
 * What the directory must do, said once more in the simplest way: an unsorted
 * array of mailboxes. Random commands go to both, and both must agree.
 */
#ifndef TEST_DIR_MODEL_H
#define TEST_DIR_MODEL_H

#include "base/random.h"
#include "dir.h"

#define MODEL_NAME_MAX 256
#define MODEL_BOXES_MAX 512
#define MODEL_PEOPLE 3
#define MODEL_IDENTIFIERS 4

struct model_mailbox {
	char name[MODEL_NAME_MAX];
	uint64_t id;
	uint32_t group;
	uint32_t uidvalidity;
	uint32_t rights[MODEL_IDENTIFIERS]; /* 0: stands not in the list */
};

struct model_person {
	bool exists;
	uint32_t group;
	bool removed; /* before: his FORGET is never run */
};

struct dir_model {
	struct dir *dir;
	struct random *random;
	struct model_mailbox boxes[MODEL_BOXES_MAX];
	unsigned count;
	struct model_person people[MODEL_PEOPLE];
	uint32_t uidvalidity; /* the newest one seen */
	unsigned done;
};

void dir_model_init(struct dir_model *model, struct dir *dir,
		    struct random *random);
void dir_model_step(struct dir_model *model);
void dir_model_compare(struct dir_model *model);

#endif
