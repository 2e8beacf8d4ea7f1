/*
 * Reading and calling libraft, whichever it is (compat.h).
 */
#include "raft/compat.h"

#include <string.h>

#include "base/digest.h"
#include "base/fault.h"
#include "base/pack.h"
#include "base/panic.h"

/* The library's format of configurations. */
#define CONF_VERSION 1
#define CONF_ROLE_MAX RAFT_SPARE

#if COMPAT_COWSQL
#define CONF_COMMITTED_INDEX configuration_committed_index
#else
#define CONF_COMMITTED_INDEX configuration_index
#endif

void compat_view(struct raft *raft, struct compat_view *view_r)
{
	*view_r = (struct compat_view){
		.state = (int)raft_state(raft),
		.term = raft->current_term,
		.voted_for = raft->voted_for,
		.last_index = raft_last_index(raft),
		.last_stored = raft->last_stored,
		.commit_index = raft->commit_index,
		.last_applied = raft_last_applied(raft),
		.conf_uncommitted_index = raft->configuration_uncommitted_index,
		.conf_index = raft->configuration_uncommitted_index,
	};
	if (view_r->conf_index == 0)
		view_r->conf_index = raft->CONF_COMMITTED_INDEX;
}

uint64_t compat_leader(struct raft *raft)
{
	const char *address;
	raft_id id;

	/* While it hands over, 0.15 names nobody; it leads yet. */
	if (raft_state(raft) == RAFT_LEADER)
		return raft->id;
	raft_leader(raft, &id, &address);
	return id;
}

const struct raft_configuration *compat_conf(const struct raft *raft)
{
	return &raft->configuration;
}

const struct raft_server *compat_server(const struct raft *raft, uint64_t id)
{
	for (unsigned i = 0; i < raft->configuration.n; i++)
		if (raft->configuration.servers[i].id == id)
			return &raft->configuration.servers[i];
	return NULL;
}

static bool change_role(struct raft *raft, int from, int to)
{
	for (unsigned i = 0; i < raft->configuration.n; i++) {
		struct raft_server *server = &raft->configuration.servers[i];

		if (server->id != raft->id || (int)server->role != from)
			continue;
		server->role = to;
		return true;
	}
	return false;
}

bool compat_vote_lend(struct raft *raft)
{
	return change_role(raft, RAFT_STANDBY, RAFT_VOTER);
}

void compat_vote_return(struct raft *raft)
{
	MUST(change_role(raft, RAFT_VOTER, RAFT_STANDBY));
}

const char *compat_address(const struct raft *raft, uint64_t id)
{
	const struct raft_server *server = compat_server(raft, id);

	return server == NULL ? "" : server->address;
}

unsigned compat_voter_count(const struct raft *raft)
{
	bool is_voter;

	return compat_conf_voters(&raft->configuration, 0, &is_voter);
}

unsigned compat_voters(const struct raft *raft, uint64_t *ids_r)
{
	const struct raft_configuration *conf = &raft->configuration;
	unsigned count = 0;

	for (unsigned i = 0; i < conf->n; i++) {
		if (conf->servers[i].role != RAFT_VOTER)
			continue;
		MUST(count < COMPAT_SERVERS_MAX);
		ids_r[count++] = conf->servers[i].id;
	}
	return count;
}

static bool is_among(uint64_t id, const uint64_t *ids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (ids[i] == id)
			return true;
	return false;
}

unsigned compat_voters_among(const struct raft *raft, const uint64_t *ids,
			     size_t count)
{
	const struct raft_configuration *conf = &raft->configuration;
	unsigned voters = 0;

	for (unsigned i = 0; i < conf->n; i++)
		if (conf->servers[i].role == RAFT_VOTER &&
		    is_among(conf->servers[i].id, ids, count))
			voters++;
	return voters;
}

uint64_t compat_conf_hash(const struct raft *raft)
{
	struct buf octets = { 0 };
	uint64_t hash;

	if (raft->configuration.n > 0)
		compat_conf_encode(&raft->configuration, &octets);
	hash = xxh3(buf_slice(&octets));
	buf_fini(&octets);
	return hash;
}

void compat_io_init(struct raft_io *io)
{
	memset(io, 0, sizeof(*io));
	io->version = 2;
#if COMPAT_COWSQL
	/* Room on the disk is our business (R13): never the reason. */
	io->capacity = UINT16_MAX;
#endif
}

void compat_set_limits(struct raft *raft)
{
#if COMPAT_COWSQL
	raft_set_capacity_threshold(raft, 0);
#else
	(void)raft;
#endif
}

void compat_set_election(struct raft *raft, unsigned election_ms,
			 unsigned drawn_ms)
{
	raft_set_election_timeout(raft, election_ms);
	if (raft_state(raft) == RAFT_FOLLOWER)
		raft->follower_state.randomized_election_timeout = drawn_ms;
}

int compat_apply(struct raft *raft, struct raft_apply *req,
		 struct raft_buffer *buf)
{
	memset(req, 0, sizeof(*req));
	return raft_apply(raft, req, buf, 1, NULL);
}

int compat_barrier(struct raft *raft, struct raft_barrier *req)
{
	memset(req, 0, sizeof(*req));
	return raft_barrier(raft, req, NULL);
}

/* ---- changes ---- */

static enum err change_err(int rv)
{
	switch (rv) {
	case 0:
		return ERR_NONE;
	case RAFT_NOTLEADER:
		return ERR_NOT_LEADER;
	case RAFT_CANTCHANGE:
		return ERR_INUSE;
	case RAFT_DUPLICATEID:
	case RAFT_DUPLICATEADDRESS:
		return ERR_EXISTS;
	case RAFT_BADROLE:
		return ERR_INVALID;
	case RAFT_NOTFOUND:
	case RAFT_BADID:
		return ERR_NOTFOUND;
	default:
		PANIC("raft: a change: %s", raft_strerror(rv));
	}
}

/* As if the change before were committed: what the library itself prevents. */
static void change_mutant(struct raft *raft)
{
	if (MUTANT("M19"))
		raft->configuration_uncommitted_index = 0;
}

enum err compat_add(struct raft *raft, struct raft_change *req, uint64_t id,
		    const char *address)
{
	memset(req, 0, sizeof(*req));
	change_mutant(raft);
	return change_err(raft_add(raft, req, id, address, NULL));
}

enum err compat_assign(struct raft *raft, struct raft_change *req, uint64_t id,
		       int role)
{
	memset(req, 0, sizeof(*req));
	change_mutant(raft);
	return change_err(raft_assign(raft, req, id, role, NULL));
}

enum err compat_remove(struct raft *raft, struct raft_change *req, uint64_t id)
{
	memset(req, 0, sizeof(*req));
	change_mutant(raft);
	return change_err(raft_remove(raft, req, id, NULL));
}

enum err compat_transfer(struct raft *raft, struct raft_transfer *req,
			 uint64_t id)
{
	if (raft->transfer != NULL)
		return ERR_INUSE; /* and `req` may be raft's */
	memset(req, 0, sizeof(*req));
	return change_err(raft_transfer(raft, req, id, NULL));
}

/* ---- configurations ---- */

/* {id u64, address with its 0, role u8} */
static bool server_decode(struct unpack *in, struct raft_configuration *conf)
{
	uint64_t id = unpack_u64(in);
	size_t len = slice_find(in->rest, 0);
	struct slice address = unpack_raw(in, len + 1);
	uint8_t role = unpack_u8(in);

	if (!unpack_ok(in) || id == 0 || len > COMPAT_ADDRESS_MAX ||
	    role > CONF_ROLE_MAX)
		return false;
	return raft_configuration_add(conf, id, (const char *)address.data,
				      role) == 0;
}

enum err compat_conf_decode(struct slice octets,
			    struct raft_configuration *conf_r)
{
	struct unpack in = unpack_of(octets);
	uint8_t version = unpack_u8(&in);
	uint64_t count = unpack_u64(&in);

	raft_configuration_init(conf_r);
	if (version != CONF_VERSION || count == 0 || count > COMPAT_SERVERS_MAX)
		return ERR_CORRUPT;
	while (count-- > 0) {
		if (server_decode(&in, conf_r))
			continue;
		raft_configuration_close(conf_r);
		return ERR_CORRUPT;
	}
	return ERR_NONE;
}

void compat_conf_encode(const struct raft_configuration *conf, struct buf *out)
{
	struct raft_buffer buf;

	MUST(raft_configuration_encode(conf, &buf) == 0);
	buf_add(out, buf.base, buf.len);
	raft_free(buf.base);
}

#if COMPAT_COWSQL

uint64_t compat_conf_hide(struct raft *raft)
{
	(void)raft;
	return 0;
}

void compat_conf_show(struct raft *raft, uint64_t hidden)
{
	(void)raft;
	(void)hidden;
}

void compat_conf_set(struct raft *raft, struct slice octets, uint64_t index)
{
	(void)raft;
	(void)octets;
	(void)index;
}

#else

uint64_t compat_conf_hide(struct raft *raft)
{
	uint64_t hidden = raft->configuration_uncommitted_index;

	/* In any state: a leader may hear of a newer one, and follow it. */
	raft->configuration_uncommitted_index = 0;
	return hidden;
}

void compat_conf_show(struct raft *raft, uint64_t hidden)
{
	if (raft->configuration_uncommitted_index == 0 &&
	    raft->configuration_index < hidden)
		raft->configuration_uncommitted_index = hidden;
}

void compat_conf_set(struct raft *raft, struct slice octets, uint64_t index)
{
	struct raft_configuration conf;

	MUST(raft->state != RAFT_LEADER);
	MUST(compat_conf_decode(octets, &conf) == ERR_NONE);
	raft_configuration_close(&raft->configuration);
	raft->configuration = conf;
	raft->configuration_index = index;
	raft->configuration_uncommitted_index = 0;
}

#endif

unsigned compat_conf_voters(const struct raft_configuration *conf, uint64_t id,
			    bool *is_voter_r)
{
	unsigned count = 0;

	*is_voter_r = false;
	for (unsigned i = 0; i < conf->n; i++) {
		if (conf->servers[i].role != RAFT_VOTER)
			continue;
		count++;
		if (conf->servers[i].id == id)
			*is_voter_r = true;
	}
	return count;
}

/* ---- messages ---- */

/*
 * The version says which fields are there. Of a vote's result anything below 2
 * means that `pre_vote` is not: the core would count the answer to a pre-vote
 * as a vote.
 */
void compat_message_init(struct raft_message *message, int type)
{
	memset(message, 0, sizeof(*message));
	/* an enum in 0.22.1, a number in 0.22.0 and before */
	message->type = (__typeof__(message->type))type;
#if COMPAT_COWSQL
	if (type == RAFT_IO_REQUEST_VOTE)
		message->request_vote.version = 2;
	else if (type == RAFT_IO_REQUEST_VOTE_RESULT)
		message->request_vote_result.version = 2;
	else if (type == RAFT_IO_APPEND_ENTRIES_RESULT)
		message->append_entries_result.version = 2;
#endif
}

bool compat_get_pre_vote(const struct raft_message *message)
{
#if COMPAT_COWSQL
	return message->request_vote_result.pre_vote;
#else
	return message->request_vote_result.pre_vote == raft_tribool_true;
#endif
}

void compat_set_pre_vote(struct raft_message *message, bool pre_vote)
{
#if COMPAT_COWSQL
	message->request_vote_result.pre_vote = pre_vote;
#else
	message->request_vote_result.pre_vote = TO_RAFT_TRIBOOL(pre_vote);
#endif
}

void compat_get_features(const struct raft_message *message,
			 uint16_t *features_r, uint16_t *capacity_r)
{
	*features_r = 0;
	*capacity_r = 0;
#if COMPAT_COWSQL
	if (message->type == RAFT_IO_APPEND_ENTRIES_RESULT) {
		*features_r = message->append_entries_result.features;
		*capacity_r = message->append_entries_result.capacity;
	}
	if (message->type == RAFT_IO_REQUEST_VOTE_RESULT) {
		*features_r = message->request_vote_result.features;
		*capacity_r = message->request_vote_result.capacity;
	}
#else
	(void)message;
#endif
}

void compat_set_features(struct raft_message *message, uint16_t features,
			 uint16_t capacity)
{
#if COMPAT_COWSQL
	if (message->type == RAFT_IO_APPEND_ENTRIES_RESULT) {
		message->append_entries_result.features = features;
		message->append_entries_result.capacity = capacity;
	}
	if (message->type == RAFT_IO_REQUEST_VOTE_RESULT) {
		message->request_vote_result.features = features;
		message->request_vote_result.capacity = capacity;
	}
#else
	(void)message;
	(void)features;
	(void)capacity;
#endif
}

/* ---- entries ---- */

bool compat_entry_type_ok(uint8_t type)
{
	return type == RAFT_COMMAND || type == RAFT_BARRIER ||
	       type == RAFT_CHANGE;
}

struct raft_entry compat_entry(uint64_t term, uint8_t type,
			       struct raft_buffer buf, void *batch)
{
	struct raft_entry entry;

	memset(&entry, 0, sizeof entry);
	entry.term = term;
	entry.type = (__typeof__(entry.type))type;
	entry.buf = buf;
	entry.batch = batch;
	return entry;
}
