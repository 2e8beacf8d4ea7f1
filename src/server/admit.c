/*
 * Answers those who want to join (admit.h): one flow for each, on the main
 * loop.
 *
 * Failures are told to the joiner as a sentence for the person who tries. What
 * was done before stays: the member exists, and its next try goes on here.
 */
#include "server/admit.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "cluster/directory_command.h"
#include "cluster/welcome.h"
#include "server/node.h"

/* Others change the record meanwhile: so often it is looked at again. */
#define ADMIT_TRIES 20

struct admit {
	struct node *node;
	struct peers_asked *asked;
	struct welcome_ask ask;
	uint32_t joiner; /* its node id */
	uint64_t raft_id;
	unsigned tries;
	struct proposal proposal;
	struct read_index read;
	struct task task;
};

static void admit_free(struct admit *admit)
{
	proposal_fini(&admit->proposal);
	mem_free(admit);
}

static void refuse(struct admit *admit, const char *text)
{
	LOG_WARN("a node asks to join and is refused: %s", text);
	peers_refuse(admit->node->peers, admit->asked, text);
	admit_free(admit);
}

static const char *refusal_text(enum err err)
{
	switch ((int)err) {
	case ERR_NOTFOUND:
		return "there is no such token";
	case ERR_EXPIRED:
		return "the token has expired: make a new one";
	case ERR_DENIED:
		return "the token was used already, is for another name, or "
		       "its node was removed";
	case ERR_EXISTS:
		return "another node has this name";
	case ERR_INUSE:
		return "this node's key belongs to another member: begin with "
		       "an empty data directory";
	case ERR_CANNOT:
		return "this program is too old for the cluster";
	default:
		return "the directory does not answer now: try again";
	}
}

static void look(struct admit *admit);

static void propose(struct admit *admit, uint16_t kind, enum err err,
		    proposal_done *done)
{
	if (err) {
		refuse(admit, err_text(err));
		return;
	}
	admit->proposal.kind = kind;
	admit->proposal.version = DIRECTORY_COMMAND_VERSION;
	replica_propose(node_directory(admit->node), &admit->proposal, done);
}

static struct buf *body_of(struct admit *admit)
{
	proposal_fini(&admit->proposal);
	proposal_init(&admit->proposal, io_loop_executor(admit->node->main),
		      admit);
	return &admit->proposal.body;
}

/* ---- the answer ---- */

static void welcome_member(const struct directory_member *member,
			   struct welcome_member *out)
{
	out->node = member->node;
	out->address_count = member->address_count;
	for (unsigned i = 0; i < member->address_count; i++)
		out->addresses[i] = member->addresses[i];
	memcpy(out->keys[0].octets, member->key_hash.data, SHA256_SIZE);
	out->key_count = 1;
	if (member->next_key_hash.len == SHA256_SIZE) {
		memcpy(out->keys[1].octets, member->next_key_hash.data,
		       SHA256_SIZE);
		out->key_count = 2;
	}
}

static void welcome_members(struct store_txn *txn, struct welcome *welcome)
{
	struct directory_walk walk;
	struct directory_member member;

	directory_member_walk(&walk, txn);
	while (welcome->member_count < WELCOME_MEMBERS_MAX &&
	       directory_member_next(&walk, &member))
		if (member.state != DIRECTORY_MEMBER_REMOVED &&
		    member.address_count)
			welcome_member(
				&member,
				&welcome->members[welcome->member_count++]);
	directory_walk_end(&walk);
}

static void answer(struct admit *admit, struct store_txn *txn)
{
	struct node *node = admit->node;
	struct welcome_member *members =
		mem_zalloc(WELCOME_MEMBERS_MAX, sizeof(*members));
	struct welcome welcome = {
		.cluster = slice_str(node->identity.cluster),
		.node = admit->joiner,
		.raft_id = admit->raft_id,
		.members = members,
	};
	struct buf octets = { 0 };
	enum err err;

	welcome_members(txn, &welcome);
	err = welcome_encode(&welcome, &octets);
	store_end(&txn);
	mem_free(members);
	if (err) {
		refuse(admit, "the answer is too large");
	} else {
		LOG_INFO("node %u joins", admit->joiner);
		peers_answer(node->peers, admit->asked, buf_slice(&octets));
		admit_free(admit);
	}
	buf_fini(&octets);
}

/* ---- RECORD ---- */

static void recorded(struct proposal *proposal)
{
	struct admit *admit = proposal->owner;
	enum err err = proposal->err;

	/* Somebody else was faster, perhaps with the very same. */
	if (err == ERR_NONE || err == ERR_STALE || err == ERR_CANNOT)
		look(admit);
	else
		refuse(admit, refusal_text(ERR_UNAVAILABLE));
}

static void record(struct admit *admit, struct directory_group *row)
{
	struct directory_group_put command = { .group = *row };
	struct directory_group *group = &command.group;
	enum err err = ERR_LIMIT;

	if (group->replica_count < DIRECTORY_REPLICAS_MAX) {
		group->replicas[group->replica_count++] =
			(struct directory_replica){
				.node = admit->joiner,
				.role = DIRECTORY_REPLICA_STANDBY,
				.state = DIRECTORY_REPLICA_JOINING,
			};
		err = directory_group_put_encode(&command, body_of(admit));
	}
	propose(admit, DIRECTORY_GROUP_PUT, err, recorded);
}

/* ---- LOOK ---- */

static uint64_t raft_id_of(const struct directory_group *row, uint32_t node)
{
	for (unsigned i = 0; i < row->replica_count; i++)
		if (row->replicas[i].node == node)
			return row->replicas[i].raft_id;
	return 0;
}

static void looked(struct read_index *read)
{
	struct admit *admit = read->owner;
	struct store_env *env = replica_env(node_directory(admit->node));
	struct directory_group *row;
	struct store_txn *txn;

	if (read->err || !env || store_read_begin(env, &txn)) {
		refuse(admit, refusal_text(ERR_UNAVAILABLE));
		return;
	}
	row = mem_zalloc(1, sizeof(*row));
	if (!directory_group_find(txn, 0, row)) {
		store_end(&txn);
		refuse(admit, "the directory has no record of itself yet");
	} else if ((admit->raft_id = raft_id_of(row, admit->joiner))) {
		answer(admit, txn);
	} else {
		record(admit, row); /* encoded before its slices go */
		store_end(&txn);
	}
	mem_free(row);
}

static void look(struct admit *admit)
{
	if (admit->tries++ == ADMIT_TRIES) {
		refuse(admit, refusal_text(ERR_UNAVAILABLE));
		return;
	}
	admit->read = (struct read_index){
		.home = io_loop_executor(admit->node->main),
		.owner = admit,
	};
	replica_read_index(node_directory(admit->node), &admit->read, looked);
}

/* ---- JOIN ---- */

static void joined(struct proposal *proposal)
{
	struct admit *admit = proposal->owner;
	struct directory_join_result result;

	if (proposal->err) {
		refuse(admit, refusal_text(proposal->err));
		return;
	}
	if (directory_join_result(buf_slice(&proposal->result), &result)) {
		refuse(admit, refusal_text(ERR_UNAVAILABLE));
		return;
	}
	admit->joiner = result.node;
	look(admit);
}

static void join(struct admit *admit)
{
	const struct welcome_ask *ask = &admit->ask;
	struct directory_join command = {
		.secret = ask->secret,
		.name = ask->name,
		.key_hash =
			slice_of(admit->asked->key_hash.octets, SHA256_SIZE),
		.address_count = ask->address_count,
		.feature_level = ask->feature_level,
	};

	for (unsigned i = 0; i < ask->address_count; i++)
		command.addresses[i] = ask->addresses[i];
	propose(admit, DIRECTORY_JOIN,
		directory_join_encode(&command, body_of(admit)), joined);
}

static void begin(struct task *task)
{
	struct admit *admit = container_of(task, struct admit, task);
	struct node *node = admit->node;

	if (!node->serving || !node->identity.ready || node->stop)
		refuse(admit, "this node is no member that serves");
	else if (welcome_ask_decode(admit->asked->ask, &admit->ask))
		refuse(admit, "the question is of another release");
	else
		join(admit);
}

void admit_ask(struct node *node, struct peers_asked *asked)
{
	struct admit *admit = mem_zalloc(1, sizeof(*admit));

	admit->node = node;
	admit->asked = asked;
	proposal_init(&admit->proposal, io_loop_executor(node->main), admit);
	task_post(io_loop_executor(node->main), &admit->task, begin);
}
