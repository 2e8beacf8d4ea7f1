/*
 * Codec of raft's messages (message.h): pure but for raft_malloc.
 *
 * Decoding checks all counts and lengths against the octets at hand before it
 * allocates anything.
 */
#include "raft/message.h"

#include <string.h>

#include "base/pack.h"
#include "base/panic.h"
#include "raft/wal.h"

#define MESSAGE_VERSION 1
#define ENTRY_FIELDS 13 /* octets in front of the data, for each entry */

/* Octets of an encoded configuration: all servers with the longest address. */
#define CONF_MAX (16 + COMPAT_SERVERS_MAX * (10 + COMPAT_ADDRESS_MAX))

/* ---- encoding ---- */

static void encode_append(const struct raft_append_entries *m, struct buf *out)
{
	pack_u64(out, m->term);
	pack_u64(out, m->prev_log_index);
	pack_u64(out, m->prev_log_term);
	pack_u64(out, m->leader_commit);
	pack_u32(out, m->n_entries);
	for (unsigned i = 0; i < m->n_entries; i++) {
		pack_u64(out, m->entries[i].term);
		pack_u32(out, (uint32_t)m->entries[i].buf.len);
		pack_u8(out, (uint8_t)m->entries[i].type);
	}
}

static void encode_append_result(const struct raft_append_entries_result *m,
				 struct buf *out)
{
	pack_u64(out, m->term);
	pack_u64(out, m->rejected);
	pack_u64(out, m->last_log_index);
}

static void encode_vote(const struct raft_request_vote *m, struct buf *out)
{
	pack_u64(out, m->term);
	pack_u64(out, m->candidate_id);
	pack_u64(out, m->last_log_index);
	pack_u64(out, m->last_log_term);
	pack_u8(out, m->disrupt_leader);
	pack_u8(out, m->pre_vote);
}

static void encode_vote_result(const struct raft_message *m, struct buf *out)
{
	pack_u64(out, m->request_vote_result.term);
	pack_u8(out, m->request_vote_result.vote_granted);
	pack_u8(out, compat_get_pre_vote(m));
}

static void encode_snapshot(const struct raft_install_snapshot *m,
			    struct buf *out)
{
	struct buf conf = { 0 };

	MUST(m->data.len <= MESSAGE_DATA_MAX);
	compat_conf_encode(&m->conf, &conf);
	pack_u64(out, m->term);
	pack_u64(out, m->last_index);
	pack_u64(out, m->last_term);
	pack_u64(out, m->conf_index);
	pack_bytes(out, buf_slice(&conf));
	pack_bytes(out, slice_of(m->data.base, m->data.len));
	buf_fini(&conf);
}

static void encode_timeout(const struct raft_timeout_now *m, struct buf *out)
{
	pack_u64(out, m->term);
	pack_u64(out, m->last_log_index);
	pack_u64(out, m->last_log_term);
}

void message_encode(const struct raft_message *message, struct buf *out)
{
	uint16_t features;
	uint16_t capacity;

	compat_get_features(message, &features, &capacity);
	pack_u8(out, MESSAGE_VERSION);
	pack_u8(out, (uint8_t)message->type);
	pack_u16(out, features);
	pack_u16(out, capacity);
	switch ((int)message->type) {
	case RAFT_IO_APPEND_ENTRIES:
		encode_append(&message->append_entries, out);
		return;
	case RAFT_IO_APPEND_ENTRIES_RESULT:
		encode_append_result(&message->append_entries_result, out);
		return;
	case RAFT_IO_REQUEST_VOTE:
		encode_vote(&message->request_vote, out);
		return;
	case RAFT_IO_REQUEST_VOTE_RESULT:
		encode_vote_result(message, out);
		return;
	case RAFT_IO_INSTALL_SNAPSHOT:
		encode_snapshot(&message->install_snapshot, out);
		return;
	case RAFT_IO_TIMEOUT_NOW:
		encode_timeout(&message->timeout_now, out);
		return;
	default:
		PANIC("raft sends a message of type %d", (int)message->type);
	}
}

/* ---- decoding ---- */

struct entry_head {
	uint64_t term;
	uint32_t len;
	uint8_t type;
};

static struct entry_head entry_head_take(struct unpack *table)
{
	struct entry_head head;

	head.term = unpack_u64(table);
	head.len = unpack_u32(table);
	head.type = unpack_u8(table);
	return head;
}

static bool entries_fit(struct unpack table, uint32_t count, size_t octets)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < count; i++) {
		struct entry_head head = entry_head_take(&table);

		if (head.len > WAL_ENTRY_MAX || head.term == 0 ||
		    !compat_entry_type_ok(head.type))
			return false;
		total += head.len;
	}
	return total == octets;
}

static void *must_malloc(size_t size)
{
	void *ptr = raft_malloc(size);

	MUST(ptr != NULL);
	return ptr;
}

/* raft frees the batch once, when none of its entries is used any more. */
static void entries_build(struct unpack *table, struct slice data,
			  struct raft_append_entries *m)
{
	uint8_t *batch = must_malloc(data.len > 0 ? data.len : 1);
	size_t at = 0;

	memcpy(batch, data.data, data.len);
	m->entries = must_malloc(m->n_entries * sizeof(*m->entries));
	for (unsigned i = 0; i < m->n_entries; i++) {
		struct entry_head head = entry_head_take(table);
		const struct raft_buffer buf = { batch + at, head.len };

		m->entries[i] = compat_entry(head.term, head.type, buf, batch);
		at += head.len;
	}
}

static enum err decode_append(struct unpack *in, struct raft_append_entries *m)
{
	struct unpack table;
	uint32_t count;

	m->term = unpack_u64(in);
	m->prev_log_index = unpack_u64(in);
	m->prev_log_term = unpack_u64(in);
	m->leader_commit = unpack_u64(in);
	count = unpack_u32(in);
	if (count > MESSAGE_ENTRIES_MAX)
		return ERR_SYNTAX;
	table = unpack_of(unpack_raw(in, (size_t)count * ENTRY_FIELDS));
	if (!unpack_ok(in) || !entries_fit(table, count, in->rest.len))
		return ERR_SYNTAX;
	m->n_entries = count;
	if (count > 0)
		entries_build(&table, in->rest, m);
	in->rest = SLICE_NONE;
	return ERR_NONE;
}

static void decode_append_result(struct unpack *in,
				 struct raft_append_entries_result *m)
{
	m->term = unpack_u64(in);
	m->rejected = unpack_u64(in);
	m->last_log_index = unpack_u64(in);
}

static bool bool_take(struct unpack *in)
{
	uint8_t value = unpack_u8(in);

	if (value > 1)
		in->bad = true;
	return value == 1;
}

static void decode_vote(struct unpack *in, struct raft_request_vote *m)
{
	m->term = unpack_u64(in);
	m->candidate_id = unpack_u64(in);
	m->last_log_index = unpack_u64(in);
	m->last_log_term = unpack_u64(in);
	m->disrupt_leader = bool_take(in);
	m->pre_vote = bool_take(in);
	if (m->candidate_id == 0)
		in->bad = true;
}

static void decode_vote_result(struct unpack *in, struct raft_message *m)
{
	m->request_vote_result.term = unpack_u64(in);
	m->request_vote_result.vote_granted = bool_take(in);
	compat_set_pre_vote(m, bool_take(in));
}

static enum err decode_snapshot(struct unpack *in,
				struct raft_install_snapshot *m)
{
	struct slice conf;
	struct slice data;

	m->term = unpack_u64(in);
	m->last_index = unpack_u64(in);
	m->last_term = unpack_u64(in);
	m->conf_index = unpack_u64(in);
	conf = unpack_bytes(in, CONF_MAX);
	data = unpack_bytes(in, MESSAGE_DATA_MAX);
	if (!unpack_end(in) || m->last_index == 0 || m->last_term == 0)
		return ERR_SYNTAX;
	if (compat_conf_decode(conf, &m->conf) != ERR_NONE)
		return ERR_SYNTAX;
	m->data.base = must_malloc(data.len > 0 ? data.len : 1);
	m->data.len = data.len;
	memcpy(m->data.base, data.data, data.len);
	return ERR_NONE;
}

static void decode_timeout(struct unpack *in, struct raft_timeout_now *m)
{
	m->term = unpack_u64(in);
	m->last_log_index = unpack_u64(in);
	m->last_log_term = unpack_u64(in);
}

/* What has no memory of its own is checked once, behind this. */
static enum err decode_fields(struct unpack *in, struct raft_message *m)
{
	switch ((int)m->type) {
	case RAFT_IO_APPEND_ENTRIES:
		return decode_append(in, &m->append_entries);
	case RAFT_IO_APPEND_ENTRIES_RESULT:
		decode_append_result(in, &m->append_entries_result);
		break;
	case RAFT_IO_REQUEST_VOTE:
		decode_vote(in, &m->request_vote);
		break;
	case RAFT_IO_REQUEST_VOTE_RESULT:
		decode_vote_result(in, m);
		break;
	case RAFT_IO_INSTALL_SNAPSHOT:
		return decode_snapshot(in, &m->install_snapshot);
	case RAFT_IO_TIMEOUT_NOW:
		decode_timeout(in, &m->timeout_now);
		break;
	default:
		return ERR_SYNTAX;
	}
	return unpack_end(in) ? ERR_NONE : ERR_SYNTAX;
}

enum err message_decode(struct slice octets, struct raft_message *message_r)
{
	struct unpack in = unpack_of(octets);
	uint8_t version = unpack_u8(&in);
	uint8_t type = unpack_u8(&in);
	uint16_t features = unpack_u16(&in);
	uint16_t capacity = unpack_u16(&in);

	if (!unpack_ok(&in))
		return ERR_SYNTAX;
	if (version != MESSAGE_VERSION)
		return ERR_VERSION;
	if (type < RAFT_IO_APPEND_ENTRIES || type > RAFT_IO_TIMEOUT_NOW)
		return ERR_SYNTAX;
	compat_message_init(message_r, type);
	compat_set_features(message_r, features, capacity);
	return decode_fields(&in, message_r);
}

void message_fini(struct raft_message *message)
{
	if (message->type == RAFT_IO_APPEND_ENTRIES) {
		struct raft_append_entries *m = &message->append_entries;

		if (m->n_entries > 0)
			raft_free(m->entries[0].batch);
		raft_free(m->entries);
	} else if (message->type == RAFT_IO_INSTALL_SNAPSHOT) {
		raft_configuration_close(&message->install_snapshot.conf);
		raft_free(message->install_snapshot.data.base);
	}
}
