/*
 * Bodies with membership: what was acknowledged is on a live member, whatever
 * minority burns, also while members change (architecture.md 4, "Bodies").
 *
 * One group, one body (one hash), a log of few entries; two appends name the
 * body, by different proposers. Replicas 0, 1, 2 vote at first, 3 and 4 stand
 * by. Each of the steps can come at any time:
 *
 *   B1  a body is written, or "have it" is answered: the body and a hold
 *       {op id} are durable before the answer
 *   B2  a proposal lists its holders by raft id; the leader refuses it unless
 *       they are a majority of the voters of its newest configuration
 *   B3  an op is resolved by its append, by CANCEL, or by FENCE of a proposer
 *       who is no more
 *   B4  the newest configuration's majority commits
 *   B5  a replica applies the next entry. A hold ends when the *state* shows
 *       its op as resolved
 *   B6  a replica without a body that its state names fetches it
 *   B7  the sweep drops a body that no hold needs and no row of the state
 *       names, if the state is as new as a read index round begun after the
 *       start
 *   B8  ... and looks again in one step with leaving "have it"
 *   B9  a standby becomes a voter, if its frontier is at a barrier taken after
 *       it became standby and after the last change of voters
 *   B10 a voter is removed, if a majority of those who remain has a frontier
 *       at a barrier taken after the last change of voters
 *   B11 both are tested in the step that appends the change, under the newest
 *       configuration, which is committed
 *   B12 a frontier: the index before the first that named a missing body,
 *       whatever became of that row, as long as any row names it; else the
 *       applied index
 *   B13 LOST: a body that nobody has holds no frontier back any more
 *
 * The adversary rolls uncommitted entries back, kills a replica, which comes
 * back with an older state, gives proposers up, and burns replicas: of the
 * committed configuration's n voters at most (n - 1) / 2.
 *
 * Properties:
 *   SAFE      a body that committed rows name is on a live member
 *   HOLDER    no listed holder drops a body that a committed row names
 *   FRONTIER  who reported frontier I has what is named up to I
 *   RECOVER   from here, with no more faults, a fair schedule ends with no
 *             hold, no burnt voter and three voters
 *
 * Barriers are as weak as the rules allow: the index of the change itself. A
 * replica's best report is used for ever, and appended means proposed: late
 * frames are covered by any later append.
 */
#include "bodies.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cover.h"
#include "explore.h"

struct run run = {
	.log = 3,
	.ops = 1,
	.replicas = 5,
	.promotions = 1,
	.removals = 1,
	.states = 4000000,
};

static const char *const twin_names[TWINS] = {
	"none",
	"barrier_standby",
	"change_two_steps",
	"hold_by_event",
	"no_second_look",
	"frontier_of_rows",
	"holders_by_node",
	"holders_of_committed",
	"remove_unchecked",
	"sweep_early",
	"no_lost",
	"no_fence",
};

/* What must be reached, or the model shows nothing. */
static void reached(const char *name, bool condition)
{
	if (run.cover && condition)
		cover(name);
}

/* ---- steps ---- */

/* The common end of all steps; `state` is where they begin. */
#define STEP(...)                                                  \
	do {                                                       \
		make_canonical(&next);                             \
		explore_step(explore, &next, fallen, __VA_ARGS__); \
	} while (0)

/* What a trace calls a replica: its place at the start. */
#define NAME(r) ('A' + state->name[r])

struct names {
	char text[REPLICAS + 1];
};

static struct names names_of(const struct state *state, unsigned set)
{
	struct names names = { "" };
	unsigned n = 0;

	for (int name = 'A'; name < 'A' + REPLICAS; name++)
		for (unsigned r = 0; r < REPLICAS; r++)
			if ((set & bit(r)) && NAME(r) == name)
				names.text[n++] = (char)name;
	return names;
}

static void steps_of_op(struct explore *explore, const struct state *state,
			const struct view *newest, unsigned op)
{
	const char *fallen = NULL;
	struct state next = *state;
	bool room = state->len < run.log;

	reached("an_append_waits_for_holders",
		is_majority(state->answered[op], 0x07) &&
			!has_holders(state, op, newest));
	if (room && !in_log(state, LOG_APPEND, op) &&
	    has_holders(state, op, newest)) {
		append(&next, LOG_APPEND, op);
		STEP("B2   op %u is appended at %u: holders %s of voters %s%s",
		     op, next.len, names_of(state, state->answered[op]).text,
		     names_of(state, newest->voters).text,
		     run.twin == TWIN_HOLDERS_BY_NODE
			     ? ", and D is on the node of A"
			     : "");
	}
	next = *state;
	if (room && state->answered[op] != 0 && !(state->given_up & bit(op)) &&
	    !in_log(state, LOG_CANCEL, op)) {
		append(&next, LOG_CANCEL, op);
		STEP("B3   CANCEL of op %u is appended at %u", op, next.len);
	}
	next = *state;
	if (room && (state->given_up & bit(op)) &&
	    !in_log(state, LOG_FENCE, op)) {
		append(&next, LOG_FENCE, op);
		STEP("B3   FENCE of op %u's proposer is appended at %u", op,
		     next.len);
	}
	next = *state;
	if (size_of(state->given_up) < run.give_ups &&
	    !(state->given_up & bit(op))) {
		next.given_up |= bit(op);
		STEP("A    the proposer of op %u is no more", op);
	}
}

static void commit_reaches(const struct state *state,
			   const struct view *committed)
{
	uint8_t entry = state->log[state->commit];
	bool open = !(committed->resolved & bit(OF(entry)));

	reached("an_append_is_acknowledged", KIND(entry) == LOG_APPEND && open);
	reached("a_cancel_commits", KIND(entry) == LOG_CANCEL && open);
	reached("a_late_append_has_no_effect",
		KIND(entry) == LOG_APPEND && !open);
	reached("a_fence_commits", KIND(entry) == LOG_FENCE && open);
	reached("a_promotion", KIND(entry) == LOG_PROMOTE);
	reached("a_removal", KIND(entry) == LOG_REMOVE);
	reached("a_removal_of_who_burnt",
		KIND(entry) == LOG_REMOVE && (state->burnt & bit(OF(entry))));
}

static void steps_of_log(struct explore *explore, const struct state *state,
			 const struct view *committed)
{
	const char *fallen = NULL;
	struct state next = *state;

	if (may_commit(state)) {
		commit_reaches(state, committed);
		next.commit++;
		settle(&next);
		STEP("B4   index %u is committed", next.commit);
	}
	next = *state;
	if (state->len > state->commit) {
		reached("a_change_is_rolled_back",
			KIND(state->log[state->len - 1]) >= LOG_PROMOTE);
		next.len--;
		next.log[next.len] = 0;
		STEP("A    index %u is rolled back", state->len);
	}
	if (state->len == run.log)
		return;
	next = *state;
	if (committed->named) {
		append(&next, LOG_EXPUNGE, 0);
		STEP("     EXPUNGE of the rows is appended at %u", next.len);
		next = *state;
		append(&next, LOG_RENEW, 0);
		STEP("     COPY and EXPUNGE of the old row is appended at %u",
		     next.len);
	}
	next = *state;
	if (is_lost(state, committed)) {
		reached("a_body_is_lost", true);
		append(&next, LOG_LOST, 0);
		STEP("B13  LOST is appended at %u", next.len);
	}
}

static void steps_of_change(struct explore *explore, const struct state *state,
			    const struct view *newest, unsigned r)
{
	const char *fallen = NULL;
	struct state next = *state;

	if (run.twin == TWIN_CHANGE_TWO_STEPS && may_remove(state, newest, r) &&
	    !(state->decided & bit(r))) {
		next.decided |= bit(r);
		STEP("     the removal of %c is decided under the "
		     "configuration of index %u",
		     NAME(r), newest->config);
	}
	if (state->len == run.log)
		return;
	next = *state;
	if ((state->decided & bit(r)) && (newest->voters & bit(r)) &&
	    newest->config <= state->commit) {
		next.decided &= (uint8_t)~bit(r);
		append(&next, LOG_REMOVE, r);
		STEP("     the removal of %c, as decided, is appended at %u",
		     NAME(r), next.len);
	}
	next = *state;
	if (run.twin != TWIN_CHANGE_TWO_STEPS && run.removals &&
	    may_remove(state, newest, r) && size_of(newest->voters) > 1) {
		append(&next, LOG_REMOVE, r);
		STEP("B10  the removal of %c is appended at %u", NAME(r),
		     next.len);
	}
	reached("a_promotion_waits_for_bodies",
		(newest->standbys & bit(r)) &&
			state->reported[r] < newest->change &&
			state->applied[r] >= newest->change);
	reached("a_removal_waits_for_bodies",
		(newest->voters & bit(r)) && newest->config <= state->commit &&
			!may_remove(state, newest, r));
	next = *state;
	if (run.promotions && may_promote(state, newest, r)) {
		append(&next, LOG_PROMOTE, r);
		STEP("B9   the promotion of %c is appended at %u (frontier "
		     "%u)",
		     NAME(r), next.len, state->reported[r]);
	}
}

static void steps_of_sweep(struct explore *explore, const struct state *state,
			   unsigned r)
{
	const char *fallen = NULL;
	struct state next = *state;
	bool dead = is_dead(state, r);

	if (!(state->body & bit(r)) || !may_sweep(state, r))
		return;
	if (run.twin == TWIN_NO_SECOND_LOOK) {
		next.candidate |= bit(r);
		if (dead)
			STEP("B7   %c: nobody seems to need the body", NAME(r));
		next = *state;
		dead = state->candidate & bit(r);
	}
	if (!dead)
		return;
	reached("a_body_is_dropped", true);
	next.body &= (uint8_t)~bit(r);
	next.candidate &= (uint8_t)~bit(r);
	fallen = check_drop(state, r);
	STEP("B8   %c, at index %u, drops the body", NAME(r),
	     state->applied[r]);
}

static void steps_of_body(struct explore *explore, const struct state *state,
			  const struct view *committed, unsigned r)
{
	const char *fallen = NULL;
	struct view own = view_of(state, state->applied[r]);
	struct state next = *state;

	for (unsigned op = 0; op < run.ops; op++) {
		uint8_t of = bit(op);

		if (((committed->resolved | state->given_up) & of) ||
		    (state->answered[op] & bit(r)))
			continue;
		reached("have_it", state->body & bit(r));
		next = *state;
		next.body |= bit(r);
		next.hold[op] |= bit(r);
		next.answered[op] |= bit(r);
		STEP("B1   %c %s the body, with a hold of op %u", NAME(r),
		     state->body & bit(r) ? "has" : "writes", op);
	}
	next = *state;
	if (own.named && !(state->body & bit(r)) && state->body != 0) {
		reached("a_fetch", true);
		next.body |= bit(r);
		settle(&next);
		STEP("B6   %c fetches the body", NAME(r));
	}
	steps_of_sweep(explore, state, r);
}

static void steps_of_replica(struct explore *explore, const struct state *state,
			     const struct view *committed, unsigned r)
{
	const char *fallen = NULL;
	struct state next = *state;

	if (state->applied[r] < state->commit) {
		next.applied[r]++;
		settle(&next);
		STEP("B5   %c applies index %u", NAME(r),
		     state->applied[r] + 1);
	}
	for (uint8_t i = 0; state->crashes > 0 && i < state->applied[r]; i++) {
		next = *state;
		next.crashes--;
		next.applied[r] = i;
		next.caught_up[r] = state->commit;
		settle(&next);
		STEP("A    %c is killed and comes back with index %u", NAME(r),
		     i);
	}
	next = *state;
	if (state->burns > 0 && may_burn(state, r)) {
		reached("a_holder_burns", state->body & bit(r));
		next.burns--;
		burn(&next, r);
		STEP("A    %c burns", NAME(r));
	}
	steps_of_body(explore, state, committed, r);
}

static void steps_of_disaster(struct explore *explore,
			      const struct state *state,
			      const struct view *committed)
{
	const char *fallen = NULL;
	struct state next = *state;

	if (state->disasters == 0 || !committed->named ||
	    state->len > state->commit)
		return;
	for (unsigned op = 0; op < run.ops; op++)
		if (state->answered[op] && !(committed->resolved & bit(op)))
			return;
	next.disasters--;
	next.body = 0;
	next.excused = state->commit;
	STEP("A    all copies of the body are lost: more than a minority");
}

static void steps(struct explore *explore, const void *octets)
{
	const struct state *state = octets;
	struct view committed = view_of(state, state->commit);
	struct view newest = view_of(state, state->len);
	unsigned members = committed.voters | committed.standbys;

	members &= newest.voters | newest.standbys;
	for (unsigned op = 0; op < run.ops; op++)
		steps_of_op(explore, state, &newest, op);
	steps_of_log(explore, state, &committed);
	for (unsigned r = 0; r < run.replicas; r++) {
		if (!(members & bit(r)))
			continue;
		steps_of_change(explore, state, &newest, r);
		if (!(state->burnt & bit(r)))
			steps_of_replica(explore, state, &committed, r);
	}
	steps_of_disaster(explore, state, &committed);
}

static const char *check(const void *octets)
{
	const struct state *state = octets;
	const char *fallen = check_bodies(state);

	if (fallen == NULL && !recovers(state))
		fallen = "RECOVER";
	return fallen;
}

/* ---- the run ---- */

static unsigned number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end != '\0' || value > 100000000) {
		fprintf(stderr, "bodies: not a number: %s\n", text);
		exit(2);
	}
	return (unsigned)value;
}

static enum twin twin_of(const char *name)
{
	for (unsigned i = 0; i < TWINS; i++)
		if (strcmp(twin_names[i], name) == 0)
			return (enum twin)i;
	fprintf(stderr, "bodies: there is no twin %s\n", name);
	exit(2);
}

static void option(const char *name, const char *value)
{
	const struct {
		const char *name;
		unsigned *value;
	} options[] = {
		{ "log", &run.log },
		{ "ops", &run.ops },
		{ "replicas", &run.replicas },
		{ "crashes", &run.crashes },
		{ "burns", &run.burns },
		{ "disasters", &run.disasters },
		{ "give-ups", &run.give_ups },
		{ "states", &run.states },
		{ "promotions", &run.promotions },
		{ "removals", &run.removals },
		{ "cover", &run.cover },
	};

	if (strcmp(name, "twin") == 0) {
		run.twin = twin_of(value);
		return;
	}
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
		if (strcmp(options[i].name, name) == 0) {
			*options[i].value = number(value);
			return;
		}
	fprintf(stderr, "bodies: there is no option %s\n", name);
	exit(2);
}

static void tell_fall(const struct explore *explore)
{
	const struct state *state = explore->broken;

	if (state != NULL && strcmp(explore->fallen, "SAFE") == 0) {
		struct view view = view_of(state, state->commit);
		unsigned holders = view.voters & state->body;

		if (holders != 0)
			printf("A    of voters %s, those burn who have it: "
			       "%s\n",
			       names_of(state, view.voters).text,
			       names_of(state, holders).text);
	}
	printf("!    %s falls\n", explore->fallen);
}

int main(int argc, char **argv)
{
	struct state first;
	struct explore_model model = {
		.size = sizeof first,
		.compared = offsetof(struct state, name),
		.first = &first,
		.steps = steps,
		.check = check,
	};
	struct explore explore;
	enum explore_end end;

	for (int i = 1; i + 1 < argc; i += 2)
		option(argv[i], argv[i + 1]);
	memset(&first, 0, sizeof first);
	first.crashes = (uint8_t)run.crashes;
	first.burns = (uint8_t)run.burns;
	first.disasters = (uint8_t)run.disasters;
	model.max = run.states;
	for (uint8_t r = 0; r < REPLICAS; r++)
		first.name[r] = r;
	end = explore_run(&explore, &model);
	if (end == EXPLORE_BROKEN)
		tell_fall(&explore);
	printf("%u states\n", explore.count);
	if (end == EXPLORE_FULL)
		printf("there are more: not all were seen\n");
	explore_fini(&explore);
	return (int)end;
}
