#include "group_model.h"

#include <criterion/criterion.h>

#include "base/mem.h"

/* The ids of the model's users; 0 is shared by all. */
static const uint64_t users[MODEL_USERS] = { 1, 2, 0 };

static uint64_t draw(struct model *model, uint64_t max)
{
	return random_range(model->random, 0, max);
}

static struct slice word(unsigned n)
{
	static const char *const words[MODEL_WORDS] = {
		"$Junk", "$NotJunk", "$Forwarded", "work", "home", "a",
		"b",     "c",        "d",          "e",    "f",    "g",
	};

	return slice_str(words[n]);
}

/* ---- boxes ---- */

static void box_init(struct model *model, struct model_box *box)
{
	box->id = model->next_id++;
	box->root = 1 + box->id % 2;
	box->sealed = false;
	box->uidnext = 1;
	box->highestmodseq = 1;
	box->count = 0;
	box->gone_count = 0;
	box->copy = (struct op_id){ 0 };
	box->staged_count = 0;
}

void model_init(struct model *model, struct group *group, struct random *random)
{
	memset(model, 0, sizeof(*model));
	model->group = group;
	model->random = random;
	model->next_id = 10;
	for (unsigned i = 0; i < MODEL_BOXES; i++) {
		struct model_box *box = &model->boxes[i];

		box->messages =
			mem_zalloc(MODEL_MESSAGES, sizeof(*box->messages));
		box->staged = mem_zalloc(MODEL_MESSAGES, sizeof(*box->staged));
		box->gone = mem_zalloc(4 * MODEL_MESSAGES, sizeof(*box->gone));
		box_init(model, box);
	}
}

void model_fini(struct model *model)
{
	for (unsigned i = 0; i < MODEL_BOXES; i++) {
		mem_free(model->boxes[i].messages);
		mem_free(model->boxes[i].staged);
		mem_free(model->boxes[i].gone);
	}
}

static struct model_box *draw_box(struct model *model)
{
	return &model->boxes[draw(model, MODEL_BOXES - 1)];
}

static uint64_t size_of(unsigned body)
{
	return group_message(body, 0).size;
}

static struct mailgroup_usage usage_of(const struct model *model, uint64_t root)
{
	struct mailgroup_usage usage = { 0 };

	for (unsigned b = 0; b < MODEL_BOXES; b++) {
		const struct model_box *box = &model->boxes[b];

		for (unsigned i = 0; i < box->count; i++) {
			if (box->root != root || box->sealed)
				continue;
			usage.messages++;
			usage.octets += size_of(box->messages[i].body);
		}
	}
	return usage;
}

static struct model_message *find(const struct model_box *box, uint32_t uid)
{
	for (unsigned i = 0; i < box->count; i++)
		if (box->messages[i].uid == uid)
			return &box->messages[i];
	return NULL;
}

static void remove_uid(struct model_box *box, uint32_t uid, uint64_t modseq)
{
	struct model_message *message = find(box, uid);
	unsigned at = (unsigned)(message - box->messages);

	memmove(message, message + 1, (box->count - at - 1) * sizeof(*message));
	box->count--;
	box->gone[box->gone_count++] = (struct model_gone){ uid, modseq };
}

/* Limits that are sometimes low. */
static struct mailgroup_target draw_target(struct model *model,
					   const struct model_box *box)
{
	struct mailgroup_target target = { .mailbox = box->id,
					   .root = box->root };

	if (draw(model, 9) == 0)
		target.quota_messages =
			usage_of(model, box->root).messages + draw(model, 3);
	if (draw(model, 9) == 0)
		target.quota_octets =
			usage_of(model, box->root).octets + draw(model, 400);
	return target;
}

static bool over_quota(const struct model *model, const struct model_box *box,
		       const struct mailgroup_target *target, uint64_t octets,
		       uint64_t messages)
{
	struct mailgroup_usage usage = usage_of(model, box->root);

	return (target->quota_messages > 0 &&
		usage.messages + messages > target->quota_messages) ||
	       (target->quota_octets > 0 &&
		usage.octets + octets > target->quota_octets);
}

static bool has_room(const struct model_box *box, unsigned count)
{
	return box->copy.turn == 0 || box->uidnext + count <= box->copy_uid;
}

/* Messages that are there, and sometimes some that are not. */
static struct uidset draw_uids(struct model *model, const struct model_box *box)
{
	struct uidset uids = { 0 };
	unsigned count = (unsigned)draw(model, 6);

	for (unsigned i = 0; i < count && box->count > 0; i++) {
		uint32_t uid = box->messages[draw(model, box->count - 1)].uid;

		uidset_add(&uids, uid, uid + (uint32_t)draw(model, 3));
	}
	if (uids.count == 0)
		uidset_add(&uids, box->uidnext, box->uidnext);
	return uids;
}

static uint32_t draw_words(struct model *model)
{
	return draw(model, 2) == 0
		       ? (uint32_t)draw(model, (1u << MODEL_WORDS) - 1) &
				 (uint32_t)draw(model, (1u << MODEL_WORDS) - 1)
		       : 0;
}

static struct mailgroup_keyword_list list_words(uint32_t words,
						struct slice *names)
{
	struct mailgroup_keyword_list list = { names, 0 };

	for (unsigned n = 0; n < MODEL_WORDS; n++)
		if ((words >> n & 1) != 0)
			names[list.count++] = word(n);
	return list;
}

static enum err apply(struct model *model, enum err err, uint16_t kind)
{
	err = group_apply(model->group, err, kind);
	model->done += err == ERR_NONE ? 1 : 0;
	return err;
}

static struct slice payload(const struct model *model)
{
	return machine_payload(&model->group->m);
}

static struct buf *body(struct model *model)
{
	return &model->group->m.body;
}

static void expect_set(struct uidset *set, const struct uidset *want)
{
	cr_assert(uidset_eq(set, want));
	uidset_fini(set);
}

/* ---- APPEND and DELIVER ---- */

static void model_append(struct model_box *box, unsigned body_number,
			 uint8_t flags, unsigned user, uint32_t words)
{
	struct model_message *message = &box->messages[box->count++];

	cr_assert_leq(box->count, MODEL_MESSAGES);
	*message = (struct model_message){
		.uid = box->uidnext++,
		.modseq = box->highestmodseq,
		.body = body_number,
		.flags = (uint8_t)(flags & ~(unsigned)MAILGROUP_SEEN),
		.words = words,
	};
	message->seen[user] = (flags & MAILGROUP_SEEN) != 0;
}

static void step_append(struct model *model)
{
	struct mailgroup_message messages[4];
	struct slice names[4][MODEL_WORDS];
	uint32_t words[4];
	struct model_box *box = draw_box(model);
	unsigned user = (unsigned)draw(model, MODEL_USERS - 1);
	struct mailgroup_append command = {
		.target = draw_target(model, box),
		.user = users[user],
		.messages = messages,
		.count = 1 + draw(model, 3),
	};
	struct mailgroup_append_result result;
	uint64_t octets = 0;
	enum err err;

	for (unsigned i = 0; i < command.count; i++) {
		unsigned n = (unsigned)draw(model, 500);

		words[i] = draw_words(model);
		messages[i] = group_message(
			n, (uint8_t)draw(model, MAILGROUP_FLAGS_ALL));
		messages[i].keywords = list_words(words[i], names[i]);
		octets += messages[i].size;
	}
	err = apply(model, mailgroup_append_encode(&command, body(model)),
		    MAILGROUP_APPEND);
	if (box->sealed) {
		cr_assert_eq(err, ERR_GONE);
	} else if (!has_room(box, (unsigned)command.count)) {
		cr_assert_eq(err, ERR_INUSE);
	} else if (over_quota(model, box, &command.target, octets,
			      command.count)) {
		cr_assert_eq(err, ERR_OVERQUOTA);
	} else {
		cr_assert_eq(err, ERR_NONE);
		cr_assert_eq(mailgroup_append_result(payload(model), &result),
			     ERR_NONE);
		cr_assert_eq(result.first_uid, box->uidnext);
		cr_assert_eq(result.modseq, ++box->highestmodseq);
		for (unsigned i = 0; i < command.count; i++)
			model_append(box, (unsigned)messages[i].size - 100,
				     messages[i].flags, user, words[i]);
	}
}

static void expect_delivered(struct model *model, struct model_box *box,
			     const struct mailgroup_target *target,
			     unsigned key, unsigned n,
			     const struct mailgroup_delivered *got)
{
	cr_assert_eq(got->duplicate, model->known[key]);
	if (model->known[key]) {
		cr_assert_eq(got->uid, model->known_uid[key]);
	} else if (box->sealed) {
		cr_assert_eq(got->err, ERR_GONE);
	} else if (!has_room(box, 1)) {
		cr_assert_eq(got->err, ERR_INUSE);
	} else if (over_quota(model, box, target, size_of(n), 1)) {
		cr_assert_eq(got->err, ERR_OVERQUOTA);
	} else {
		cr_assert_eq(got->err, ERR_NONE);
		cr_assert_eq(got->uid, box->uidnext);
		model->known[key] = true;
		model->known_uid[key] = got->uid;
		box->highestmodseq++;
		model_append(box, n, 0, 0, 0);
	}
}

static void step_deliver(struct model *model)
{
	struct mailgroup_delivery deliveries[3];
	struct model_box *boxes[3];
	unsigned keys[3];
	unsigned n = (unsigned)draw(model, 500);
	struct mailgroup_message message = group_message(n, 0);
	struct mailgroup_deliver command = {
		.hash = message.hash,
		.size = message.size,
		.date_s = message.date_s,
		.zone_min = message.zone_min,
		.structure = message.structure,
		.deliveries = deliveries,
		.count = 1 + draw(model, 2),
	};
	struct mailgroup_deliver_result result;

	for (unsigned i = 0; i < command.count; i++) {
		boxes[i] = draw_box(model);
		keys[i] = (unsigned)draw(model, MODEL_KEYS - 1);
		deliveries[i] = (struct mailgroup_delivery){
			.target = draw_target(model, boxes[i]),
			.user = users[0],
			.key = group_hash(1000 + keys[i]),
		};
	}
	cr_assert_eq(apply(model,
			   mailgroup_deliver_encode(&command, body(model)),
			   MAILGROUP_DELIVER),
		     ERR_NONE);
	cr_assert_eq(mailgroup_deliver_result(payload(model), &result),
		     ERR_NONE);
	for (unsigned i = 0; i < command.count; i++)
		expect_delivered(model, boxes[i], &deliveries[i].target,
				 keys[i], n, &result.deliveries[i]);
}

/* ---- STORE ---- */

static void model_store(const struct mailgroup_store *command, uint32_t words,
			unsigned user, uint64_t modseq,
			struct model_message *message, bool *changed)
{
	unsigned old =
		message->flags | (message->seen[user] ? MAILGROUP_SEEN : 0u);
	unsigned flags = command->flags & command->mask;
	uint32_t new_words = message->words;

	if (command->mode == MAILGROUP_STORE_ADD) {
		flags = old | flags;
		new_words |= words;
	} else if (command->mode == MAILGROUP_STORE_REMOVE) {
		flags = old & ~flags;
		new_words &= ~words;
	} else {
		flags = (old & ~(unsigned)command->mask) | flags;
		new_words = command->may_keywords ? words : new_words;
	}
	if (flags == old && new_words == message->words)
		return;
	*changed = true;
	message->flags = (uint8_t)(flags & ~(unsigned)MAILGROUP_SEEN);
	message->seen[user] = (flags & MAILGROUP_SEEN) != 0;
	message->words = new_words;
	message->modseq = modseq;
}

static void expect_stored(struct model_box *box,
			  const struct mailgroup_store *command, uint32_t words,
			  unsigned user, struct mailgroup_store_result *result)
{
	struct uidset missing = { 0 };
	struct uidset modified = { 0 };
	uint64_t modseq = box->highestmodseq + 1;
	bool changed = false;

	for (size_t i = 0; i < command->uids.count; i++)
		for (uint32_t uid = command->uids.ranges[i].first;
		     uid <= command->uids.ranges[i].last; uid++) {
			struct model_message *message = find(box, uid);

			if (!message)
				uidset_add(&missing, uid, uid);
			else if (command->conditional &&
				 message->modseq > command->unchangedsince)
				uidset_add(&modified, uid, uid);
			else
				model_store(command, words, user, modseq,
					    message, &changed);
		}
	if (changed)
		box->highestmodseq = modseq;
	cr_assert_eq(result->modseq, changed ? modseq : 0);
	expect_set(&result->missing, &missing);
	expect_set(&result->modified, &modified);
	uidset_fini(&missing);
	uidset_fini(&modified);
}

static void step_store(struct model *model)
{
	struct slice names[MODEL_WORDS];
	uint32_t words = draw_words(model);
	struct model_box *box = draw_box(model);
	unsigned user = (unsigned)draw(model, MODEL_USERS - 1);
	struct mailgroup_store command = {
		.mailbox = box->id,
		.user = users[user],
		.mode = (enum mailgroup_store_mode)(1 + draw(model, 2)),
		.flags = (uint8_t)draw(model, MAILGROUP_FLAGS_ALL),
		.mask = (uint8_t)(draw(model, 3) == 0
					  ? draw(model, MAILGROUP_FLAGS_ALL)
					  : MAILGROUP_FLAGS_ALL),
		.may_keywords = draw(model, 3) != 0,
		.conditional = draw(model, 2) == 0,
		.unchangedsince = draw(model, box->highestmodseq),
		.keywords = list_words(words, names),
		.uids = draw_uids(model, box),
	};
	struct mailgroup_store_result result;
	enum err err =
		apply(model, mailgroup_store_encode(&command, body(model)),
		      MAILGROUP_STORE);

	cr_assert_eq(err, box->sealed ? ERR_GONE : ERR_NONE);
	if (err == ERR_NONE) {
		cr_assert_eq(mailgroup_store_result(payload(model), &result),
			     ERR_NONE);
		expect_stored(box, &command, words, user, &result);
	}
	uidset_fini(&command.uids);
}

/* ---- EXPUNGE, COPY, MOVE ---- */

/* Those of `uids` that are there. */
static struct uidset present(const struct model_box *box,
			     const struct uidset *uids, bool only_deleted)
{
	struct uidset there = { 0 };

	for (unsigned i = 0; i < box->count; i++) {
		const struct model_message *message = &box->messages[i];

		if (uidset_has(uids, message->uid) &&
		    (!only_deleted ||
		     (message->flags & MAILGROUP_DELETED) != 0))
			uidset_add(&there, message->uid, message->uid);
	}
	return there;
}

static void model_expunge(struct model_box *box, const struct uidset *uids,
			  uint64_t modseq)
{
	for (uint64_t i = 0; i < uidset_size(uids); i++)
		remove_uid(box, uidset_nth(uids, i), modseq);
}

static void step_expunge(struct model *model)
{
	struct model_box *box = draw_box(model);
	struct mailgroup_expunge command = {
		.mailbox = box->id,
		.only_deleted = draw(model, 1) == 0,
		.uids = draw_uids(model, box),
	};
	struct mailgroup_expunge_result result;
	enum err err =
		apply(model, mailgroup_expunge_encode(&command, body(model)),
		      MAILGROUP_EXPUNGE);
	struct uidset gone = present(box, &command.uids, command.only_deleted);

	cr_assert_eq(err, box->sealed ? ERR_GONE : ERR_NONE);
	if (err == ERR_NONE) {
		cr_assert_eq(mailgroup_expunge_result(payload(model), &result),
			     ERR_NONE);
		if (gone.count > 0)
			box->highestmodseq++;
		cr_assert_eq(result.modseq,
			     gone.count > 0 ? box->highestmodseq : 0);
		model_expunge(box, &gone, box->highestmodseq);
		expect_set(&result.expunged, &gone);
	}
	uidset_fini(&gone);
	uidset_fini(&command.uids);
}

static uint64_t octets_of(const struct model_box *box,
			  const struct uidset *uids)
{
	uint64_t octets = 0;

	for (uint64_t i = 0; i < uidset_size(uids); i++)
		octets += size_of(find(box, uidset_nth(uids, i))->body);
	return octets;
}

static void model_copy(struct model_box *source, struct model_box *target,
		       const struct uidset *uids, bool move)
{
	bool same = source == target;

	target->highestmodseq++;
	for (uint64_t i = 0; i < uidset_size(uids); i++) {
		struct model_message copy = *find(source, uidset_nth(uids, i));

		copy.uid = target->uidnext++;
		copy.modseq = target->highestmodseq;
		target->messages[target->count++] = copy;
		cr_assert_lt(target->count, MODEL_MESSAGES);
	}
	if (!move)
		return;
	if (!same)
		source->highestmodseq++;
	model_expunge(source, uids, source->highestmodseq);
}

static void step_copy(struct model *model)
{
	struct model_box *source = draw_box(model);
	struct model_box *target = draw_box(model);
	struct mailgroup_copy command = {
		.source = source->id,
		.target = draw_target(model, target),
		.move = draw(model, 2) != 0,
		.uids = draw_uids(model, source),
	};
	struct mailgroup_copy_result result;
	struct uidset copied = present(source, &command.uids, false);
	uint64_t count = uidset_size(&copied);
	enum err err =
		apply(model, mailgroup_copy_encode(&command, body(model)),
		      MAILGROUP_COPY);

	if (source->sealed || target->sealed) {
		cr_assert_eq(err, ERR_GONE);
	} else if (!has_room(target, (unsigned)count)) {
		cr_assert_eq(err, ERR_INUSE);
	} else if (!(command.move && source->root == target->root) &&
		   over_quota(model, target, &command.target,
			      octets_of(source, &copied), count)) {
		cr_assert_eq(err, ERR_OVERQUOTA);
	} else {
		cr_assert_eq(err, ERR_NONE);
		cr_assert_eq(mailgroup_copy_result(payload(model), &result),
			     ERR_NONE);
		cr_assert_eq(result.first_uid, count > 0 ? target->uidnext : 0);
		if (count > 0)
			model_copy(source, target, &copied, command.move);
		cr_assert_eq(result.modseq,
			     count > 0 ? target->highestmodseq : 0);
		expect_set(&result.copied, &copied);
	}
	uidset_fini(&copied);
	uidset_fini(&command.uids);
}

/* ---- staged COPY ---- */

static void model_stage(struct model *model, struct model_box *source,
			struct model_box *target, const struct uidset *uids)
{
	if (target->copy.turn == 0) {
		target->copy = model->group->m.op;
		target->copy_uid = ((target->uidnext + 4095) / 4096 + 1) * 4096;
		target->copy_modseq =
			target->highestmodseq + MAILGROUP_COPY_MODSEQ_GAP;
	}
	for (uint64_t i = 0; i < uidset_size(uids); i++) {
		struct model_message copy = *find(source, uidset_nth(uids, i));

		copy.uid = target->copy_uid + target->staged_count;
		copy.modseq = target->copy_modseq;
		target->staged[target->staged_count++] = copy;
	}
}

static uint64_t staged_octets(const struct model_box *box)
{
	uint64_t octets = 0;

	for (unsigned i = 0; i < box->staged_count; i++)
		octets += size_of(box->staged[i].body);
	return octets;
}

static void step_stage(struct model *model)
{
	struct model_box *source = draw_box(model);
	struct model_box *target = draw_box(model);
	struct mailgroup_copy_stage command = {
		.copy = target->copy,
		.source = source->id,
		.target = draw_target(model, target),
		.staged = target->staged_count,
		.uids = draw_uids(model, source),
	};
	struct mailgroup_copy_stage_result result;
	struct uidset copied = present(source, &command.uids, false);
	uint64_t count = target->staged_count + uidset_size(&copied);
	enum err err =
		apply(model, mailgroup_copy_stage_encode(&command, body(model)),
		      MAILGROUP_COPY_STAGE);

	if (source->sealed || target->sealed) {
		cr_assert_eq(err, ERR_GONE);
	} else if (over_quota(model, target, &command.target,
			      staged_octets(target) +
				      octets_of(source, &copied),
			      count)) {
		cr_assert_eq(err, ERR_OVERQUOTA);
	} else {
		cr_assert_eq(err, ERR_NONE);
		cr_assert_eq(
			mailgroup_copy_stage_result(payload(model), &result),
			ERR_NONE);
		model_stage(model, source, target, &copied);
		cr_assert_eq(result.staged, target->staged_count);
		expect_set(&result.copied, &copied);
	}
	uidset_fini(&copied);
	uidset_fini(&command.uids);
}

static void model_reveal(struct model_box *box)
{
	for (unsigned i = 0; i < box->staged_count; i++)
		box->messages[box->count++] = box->staged[i];
	cr_assert_lt(box->count, MODEL_MESSAGES);
	if (box->staged_count > 0) {
		box->uidnext = box->copy_uid + box->staged_count;
		box->highestmodseq = box->copy_modseq;
	}
}

static void step_reveal(struct model *model)
{
	struct model_box *box = draw_box(model);
	struct mailgroup_copy_reveal command = {
		.copy = box->copy,
		.target = draw_target(model, box),
		.staged = box->staged_count,
	};
	enum err err = apply(
		model, mailgroup_copy_reveal_encode(&command, body(model)),
		MAILGROUP_COPY_REVEAL);

	if (box->sealed) {
		cr_assert_eq(err, ERR_GONE);
	} else if (box->copy.turn == 0) {
		cr_assert_eq(err, ERR_STALE);
	} else if (over_quota(model, box, &command.target, staged_octets(box),
			      box->staged_count)) {
		cr_assert_eq(err, ERR_OVERQUOTA);
	} else {
		cr_assert_eq(err, ERR_NONE);
		model_reveal(box);
		box->copy = (struct op_id){ 0 };
		box->staged_count = 0;
	}
}

static void step_drop(struct model *model)
{
	struct model_box *box = draw_box(model);
	struct mailgroup_copy_drop command = { box->copy, box->id };
	enum err err =
		apply(model, mailgroup_copy_drop_encode(&command, body(model)),
		      MAILGROUP_COPY_DROP);

	cr_assert_eq(err, box->sealed ? ERR_GONE : ERR_NONE);
	if (err == ERR_NONE) {
		box->copy = (struct op_id){ 0 };
		box->staged_count = 0;
	}
}

/* ---- ends ---- */

static void step_reroot(struct model *model)
{
	struct model_box *box = draw_box(model);
	struct mailgroup_reroot command = { 1 + draw(model, 2), &box->id, 1 };

	cr_assert_eq(apply(model,
			   mailgroup_reroot_encode(&command, body(model)),
			   MAILGROUP_REROOT),
		     ERR_NONE);
	if (!box->sealed)
		box->root = command.root;
}

static void step_seal(struct model *model)
{
	struct model_box *box = draw_box(model);

	if (draw(model, 9) != 0)
		return;
	cr_assert_eq(group_seal(model->group, box->id), ERR_NONE);
	box->sealed = true;
}

/* A purged mailbox is forgotten; a new one takes its place in the model. */
static void step_purge(struct model *model)
{
	struct model_box *box = draw_box(model);
	struct mailgroup_purge command = { box->id };
	struct mailgroup_more_result result = { true };

	while (box->sealed && result.more) {
		cr_assert_eq(
			apply(model,
			      mailgroup_purge_encode(&command, body(model)),
			      MAILGROUP_PURGE),
			ERR_NONE);
		cr_assert_eq(mailgroup_more_result(payload(model), &result),
			     ERR_NONE);
	}
	if (box->sealed)
		box_init(model, box);
}

void model_step(struct model *model)
{
	static void (*const steps[])(struct model * model) = {
		step_append, step_append, step_append, step_deliver,
		step_store,  step_store,  step_store,  step_expunge,
		step_copy,   step_copy,   step_stage,  step_stage,
		step_reveal, step_drop,   step_reroot, step_seal,
		step_purge,
	};

	model->group->m.now_ms += draw(model, 1000);
	steps[draw(model, ARRAY_LEN(steps) - 1)](model);
}

/* ---- comparing ---- */

static uint32_t words_of_row(const struct mailgroup_keywords *keywords,
			     const struct mailgroup_row *row)
{
	uint32_t words = 0;

	for (unsigned bit = 0; bit < MAILGROUP_KEYWORDS_MAX; bit++) {
		unsigned n = 0;

		if (!mailgroup_keyword_has(&row->keywords, bit))
			continue;
		while (n < MODEL_WORDS &&
		       !slice_eq(word(n), keywords->names[bit]))
			n++;
		cr_assert_lt(n, MODEL_WORDS);
		words |= 1u << n;
	}
	return words;
}

static void compare_rows(struct store_txn *txn, const struct model_box *box,
			 unsigned user)
{
	struct mailgroup_keywords *keywords = mem_alloc(sizeof(*keywords));
	struct mailgroup_walk walk;
	struct mailgroup_row row;
	unsigned i = 0;

	mailgroup_keywords_get(txn, box->id, keywords);
	mailgroup_walk_begin(&walk, txn, box->id, users[user], 1, UINT32_MAX,
			     MAILGROUP_STATE | MAILGROUP_FIXED);
	for (; mailgroup_walk_next(&walk, &row); i++) {
		const struct model_message *want = &box->messages[i];
		struct sha256 hash = group_hash(want->body);

		cr_assert_lt(i, box->count);
		cr_assert_eq(row.uid, want->uid);
		cr_assert_eq(row.modseq, want->modseq);
		cr_assert_eq(row.flags,
			     want->flags |
				     (want->seen[user] ? MAILGROUP_SEEN : 0));
		cr_assert_eq(words_of_row(keywords, &row), want->words);
		cr_assert_eq(row.size, size_of(want->body));
		cr_assert(sha256_eq(&row.hash, &hash));
	}
	mailgroup_walk_end(&walk);
	cr_assert_eq(i, box->count);
	mem_free(keywords);
}

static void compare_status(struct store_txn *txn, const struct model_box *box,
			   unsigned user)
{
	struct mailgroup_status want = {
		.exists = box->count,
		.uidnext = box->uidnext,
		.highestmodseq = box->highestmodseq,
		.sealed = box->sealed,
	};
	struct mailgroup_status got;
	uint32_t first_unseen = 0;

	for (unsigned i = box->count; i-- > 0;) {
		const struct model_message *message = &box->messages[i];

		want.size += size_of(message->body);
		if ((message->flags & MAILGROUP_DELETED) != 0) {
			want.deleted++;
			want.deleted_size += size_of(message->body);
		}
		if (message->seen[user])
			continue;
		want.unseen++;
		first_unseen = message->uid;
	}
	mailgroup_status_get(txn, box->id, users[user], &got);
	cr_assert_eq(got.exists, want.exists);
	cr_assert_eq(got.unseen, want.unseen);
	cr_assert_eq(got.deleted, want.deleted);
	cr_assert_eq(got.deleted_size, want.deleted_size);
	cr_assert_eq(got.size, want.size);
	cr_assert_eq(got.uidnext, want.uidnext);
	cr_assert_eq(got.highestmodseq, want.highestmodseq);
	cr_assert_eq(got.sealed, want.sealed);
	cr_assert_eq(mailgroup_first_unseen(txn, box->id, users[user]),
		     first_unseen);
}

static void compare_sets(struct store_txn *txn, const struct model_box *box,
			 uint64_t since)
{
	struct uidset want_uids = { 0 };
	struct uidset want_changed = { 0 };
	struct uidset want_vanished = { 0 };
	struct uidset got = { 0 };

	for (unsigned i = 0; i < box->count; i++) {
		const struct model_message *message = &box->messages[i];

		uidset_add(&want_uids, message->uid, message->uid);
		if (message->modseq > since)
			uidset_add(&want_changed, message->uid, message->uid);
	}
	for (unsigned i = 0; i < box->gone_count; i++)
		if (box->gone[i].modseq > since)
			uidset_add(&want_vanished, box->gone[i].uid,
				   box->gone[i].uid);
	mailgroup_uids(txn, box->id, &got);
	expect_set(&got, &want_uids);
	mailgroup_changed(txn, box->id, since, &got);
	expect_set(&got, &want_changed);
	cr_assert(mailgroup_vanished(txn, box->id, since, &got));
	expect_set(&got, &want_vanished);
	uidset_fini(&want_uids);
	uidset_fini(&want_changed);
	uidset_fini(&want_vanished);
}

void model_compare(struct model *model)
{
	struct store_txn *txn = machine_ask(&model->group->m);

	for (unsigned b = 0; b < MODEL_BOXES; b++) {
		const struct model_box *box = &model->boxes[b];

		for (unsigned user = 0; user < MODEL_USERS; user++) {
			compare_status(txn, box, user);
			compare_rows(txn, box, user);
		}
		compare_sets(txn, box, draw(model, box->highestmodseq));
	}
	for (uint64_t root = 1; root <= 3; root++) {
		struct mailgroup_usage want = usage_of(model, root);
		struct mailgroup_usage got;

		mailgroup_usage_get(txn, root, &got);
		cr_assert_eq(got.messages, want.messages);
		cr_assert_eq(got.octets, want.octets);
	}
	group_verify(model->group);
}
