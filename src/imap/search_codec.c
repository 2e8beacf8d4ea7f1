/*
 * Search programs on the wire.
 *
 *   program  now_s u64, node
 *   node     key u8, what belongs to the key
 *            AND, OR, NOT: count var, so many nodes
 *
 * Operands keep their order, which is that of their cost; what a key costs and
 * what its rows must carry follows from the key.
 */
#include "imap/search_codec.h"

#include <string.h>

#include "base/pack.h"
#include "base/panic.h"
#include "imap/search_program.h"
#include "mail/text.h"

/* On the wire; numbers are never used again. */
enum wire_key {
	WIRE_TRUE = 1,
	WIRE_FALSE = 2,
	WIRE_AND = 3,
	WIRE_OR = 4,
	WIRE_NOT = 5,
	WIRE_FLAG = 6,
	WIRE_KEYWORD = 7,
	WIRE_UIDS = 8, /* of sequence numbers, too */
	WIRE_MODSEQ = 9,
	WIRE_LARGER = 10,
	WIRE_SMALLER = 11,
	WIRE_BEFORE = 12,
	WIRE_ON = 13,
	WIRE_SINCE = 14,
	WIRE_OLDER = 15,
	WIRE_YOUNGER = 16,
	WIRE_EMAILID = 17,
	WIRE_SENTBEFORE = 18,
	WIRE_SENTON = 19,
	WIRE_SENTSINCE = 20,
	WIRE_SUBJECT = 21,
	WIRE_FROM = 22,
	WIRE_TO = 23,
	WIRE_CC = 24,
	WIRE_BCC = 25,
	WIRE_HEADER = 26,
	WIRE_BODY = 27,
	WIRE_TEXT = 28,
};

/* What follows a key. */
enum wire_form {
	FORM_NOTHING,
	FORM_NODES,
	FORM_FLAG,
	FORM_KEYWORD,
	FORM_UIDS,
	FORM_NUMBER,
	FORM_DAY,
	FORM_ID,
	FORM_TEXT,
	FORM_HEADER,
};

static const struct {
	enum wire_key wire;
	enum search_key key;
	enum wire_form form;
} forms[] = {
	{ WIRE_TRUE, SEARCH_TRUE, FORM_NOTHING },
	{ WIRE_FALSE, SEARCH_FALSE, FORM_NOTHING },
	{ WIRE_AND, SEARCH_AND, FORM_NODES },
	{ WIRE_OR, SEARCH_OR, FORM_NODES },
	{ WIRE_NOT, SEARCH_NOT, FORM_NODES },
	{ WIRE_FLAG, SEARCH_FLAG, FORM_FLAG },
	{ WIRE_KEYWORD, SEARCH_KEYWORD, FORM_KEYWORD },
	{ WIRE_UIDS, SEARCH_UIDS, FORM_UIDS },
	{ WIRE_UIDS, SEARCH_SEQS, FORM_UIDS },
	{ WIRE_MODSEQ, SEARCH_MODSEQ, FORM_NUMBER },
	{ WIRE_LARGER, SEARCH_LARGER, FORM_NUMBER },
	{ WIRE_SMALLER, SEARCH_SMALLER, FORM_NUMBER },
	{ WIRE_BEFORE, SEARCH_BEFORE, FORM_DAY },
	{ WIRE_ON, SEARCH_ON, FORM_DAY },
	{ WIRE_SINCE, SEARCH_SINCE, FORM_DAY },
	{ WIRE_OLDER, SEARCH_OLDER, FORM_NUMBER },
	{ WIRE_YOUNGER, SEARCH_YOUNGER, FORM_NUMBER },
	{ WIRE_EMAILID, SEARCH_EMAILID, FORM_ID },
	{ WIRE_SENTBEFORE, SEARCH_SENTBEFORE, FORM_DAY },
	{ WIRE_SENTON, SEARCH_SENTON, FORM_DAY },
	{ WIRE_SENTSINCE, SEARCH_SENTSINCE, FORM_DAY },
	{ WIRE_SUBJECT, SEARCH_SUBJECT, FORM_TEXT },
	{ WIRE_FROM, SEARCH_FROM, FORM_TEXT },
	{ WIRE_TO, SEARCH_TO, FORM_TEXT },
	{ WIRE_CC, SEARCH_CC, FORM_TEXT },
	{ WIRE_BCC, SEARCH_BCC, FORM_TEXT },
	{ WIRE_HEADER, SEARCH_HEADER, FORM_HEADER },
	{ WIRE_BODY, SEARCH_BODY, FORM_TEXT },
	{ WIRE_TEXT, SEARCH_TEXT, FORM_TEXT },
};

/*
 * The parser counts levels of the text; a list of keys at the top is one level
 * more in the tree.
 */
#define CODEC_DEPTH_MAX (SEARCH_DEPTH_MAX + 1)

/* Seconds since 1970 that may be meant: there is room to subtract dates. */
#define CODEC_NOW_MAX (INT64_C(1) << 48)

/* Texts and ids come from a line or a literal of the parser. */
#define CODEC_TEXT_MAX (64 * 1024) /* octets */

/* ---- encoding ---- */

static size_t form_of(enum search_key key)
{
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if (forms[i].key == key)
			return i;
	PANIC("search key %d", (int)key);
}

static void encode_uids(const struct uidset *uids, struct buf *out)
{
	struct buf packed = { 0 };

	uidset_pack(uids, &packed);
	pack_bytes(out, buf_slice(&packed));
	buf_fini(&packed);
}

static void encode_node(const struct search_node *node, struct buf *out);

static void encode_nodes(const struct search_node *parent, struct buf *out)
{
	uint64_t count = 0;

	for (const struct search_node *node = parent->child; node;
	     node = node->next)
		count++;
	pack_var(out, count);
	for (const struct search_node *node = parent->child; node;
	     node = node->next)
		encode_node(node, out);
}

/* Depth: CODEC_DEPTH_MAX. */
static void encode_node(const struct search_node *node, struct buf *out)
{
	size_t at = form_of(node->key);

	pack_u8(out, (uint8_t)forms[at].wire);
	switch (forms[at].form) {
	case FORM_NOTHING:
		break;
	case FORM_NODES:
		encode_nodes(node, out);
		break;
	case FORM_FLAG:
		pack_u8(out, node->flag.set);
		pack_u32(out, node->flag.flag);
		break;
	case FORM_KEYWORD:
		pack_u8(out, node->keyword.set);
		pack_u32(out, node->keyword.bit);
		break;
	case FORM_UIDS:
		encode_uids(&node->set.uids, out);
		break;
	case FORM_NUMBER:
		pack_u64(out, node->number);
		break;
	case FORM_DAY:
		pack_u32(out, (uint32_t)node->day);
		break;
	case FORM_ID:
		pack_bytes(out, node->id);
		break;
	case FORM_HEADER:
		pack_bytes(out, node->text.field);
		pack_bytes(out, node->text.needle);
		break;
	case FORM_TEXT:
		pack_bytes(out, node->text.needle);
		break;
	}
}

void imap_search_encode(const struct imap_search *search, struct buf *out)
{
	MUST(search->bound);
	pack_u64(out, (uint64_t)search->now_s);
	encode_node(search->root, out);
}

/* ---- decoding ---- */

struct decode {
	struct unpack in;
	struct arena *arena;
	struct imap_search *search;
	unsigned depth;
	enum err err;
};

static struct search_node *fail(struct decode *decode, enum err err)
{
	if (!decode->err)
		decode->err = err;
	return NULL;
}

static bool decode_uids(struct decode *decode, struct search_node *node)
{
	struct slice octets = unpack_bytes(&decode->in, SIZE_MAX);
	struct uidset uids = { 0 };
	size_t size;
	void *ranges;

	/* A range takes at least two octets. */
	if (uidset_unpack(&uids, octets, octets.len)) {
		uidset_fini(&uids);
		return false;
	}
	size = uids.count * sizeof(*uids.ranges);
	ranges = arena_alloc(decode->arena, size);
	if (size > 0)
		memcpy(ranges, uids.ranges, size);
	node->set.uids =
		(struct uidset){ .ranges = ranges, .count = uids.count };
	uidset_fini(&uids);
	return true;
}

static bool decode_text(struct decode *decode, struct search_node *node)
{
	node->text.needle = unpack_bytes(&decode->in, MAIL_NEEDLE_MAX);
	node->text.index = decode->search->needles++;
	return true;
}

static bool decode_header(struct decode *decode, struct search_node *node)
{
	node->text.field = unpack_bytes(&decode->in, CODEC_TEXT_MAX);
	if (search_in_envelope(node->text.field))
		node->grade = SEARCH_GRADE_STRUCTURE;
	return decode_text(decode, node);
}

static bool decode_flag(struct decode *decode, struct search_node *node)
{
	uint8_t set = unpack_u8(&decode->in);

	node->flag.set = set == 1;
	node->flag.flag = unpack_u32(&decode->in);
	return set <= 1;
}

static bool decode_keyword(struct decode *decode, struct search_node *node)
{
	uint8_t set = unpack_u8(&decode->in);

	node->keyword.set = set == 1;
	node->keyword.bit = unpack_u32(&decode->in);
	return set <= 1 && (node->keyword.bit < IMAP_KEYWORDS_MAX ||
			    node->keyword.bit == SEARCH_NO_BIT);
}

static struct search_node *decode_node(struct decode *decode);

static bool decode_nodes(struct decode *decode, struct search_node *parent)
{
	struct search_node **tail = &parent->child;
	uint64_t count = unpack_var(&decode->in, IMAP_SEARCH_KEYS_MAX);

	if (parent->key == SEARCH_NOT && count != 1)
		return false;
	for (uint64_t i = 0; i < count; i++) {
		*tail = decode_node(decode);
		if (!*tail)
			return false;
		if ((*tail)->grade > parent->grade)
			parent->grade = (*tail)->grade;
		tail = &(*tail)->next;
	}
	return true;
}

static bool decode_form(struct decode *decode, enum wire_form form,
			struct search_node *node)
{
	switch (form) {
	case FORM_NOTHING:
		return true;
	case FORM_NODES:
		return decode_nodes(decode, node);
	case FORM_FLAG:
		return decode_flag(decode, node);
	case FORM_KEYWORD:
		return decode_keyword(decode, node);
	case FORM_UIDS:
		return decode_uids(decode, node);
	case FORM_NUMBER:
		node->number = unpack_u64(&decode->in);
		return node->number <= INT64_MAX;
	case FORM_DAY:
		node->day = (int32_t)unpack_u32(&decode->in);
		return true;
	case FORM_ID:
		node->id = unpack_bytes(&decode->in, CODEC_TEXT_MAX);
		return true;
	case FORM_HEADER:
		return decode_header(decode, node);
	case FORM_TEXT:
		return decode_text(decode, node);
	}
	PANIC("form %d", (int)form);
}

static struct search_node *decode_key(struct decode *decode, uint8_t wire)
{
	struct imap_search *search = decode->search;
	struct search_node *node;
	size_t at = 0;

	while (at < ARRAY_LEN(forms) && forms[at].wire != wire)
		at++;
	if (at == ARRAY_LEN(forms))
		return fail(decode, ERR_SYNTAX);
	node = ARENA_NEW(decode->arena, struct search_node);
	node->key = forms[at].key;
	node->grade = search_grade_of(node->key);
	search->wants |= search_wants_of(node->key);
	search->has_modseq |= node->key == SEARCH_MODSEQ;
	if (!decode_form(decode, forms[at].form, node) ||
	    !unpack_ok(&decode->in))
		return fail(decode, ERR_SYNTAX);
	return node;
}

/* Recursion ends at CODEC_DEPTH_MAX. */
static struct search_node *decode_node(struct decode *decode)
{
	struct search_node *node;

	if (decode->depth == CODEC_DEPTH_MAX ||
	    decode->search->keys == IMAP_SEARCH_KEYS_MAX)
		return fail(decode, ERR_LIMIT);
	decode->search->keys++;
	decode->depth++;
	node = decode_key(decode, unpack_u8(&decode->in));
	decode->depth--;
	return node;
}

enum err imap_search_decode(struct slice in, struct arena *arena,
			    struct imap_search **search_r)
{
	struct imap_search *search = ARENA_NEW(arena, struct imap_search);
	struct decode decode = {
		.in = unpack_of(in),
		.arena = arena,
		.search = search,
	};

	search->now_s = (int64_t)unpack_u64(&decode.in);
	search->root = decode_node(&decode);
	if (!search->root)
		return decode.err;
	if (!unpack_end(&decode.in) || search->now_s < 0 ||
	    search->now_s > CODEC_NOW_MAX)
		return ERR_SYNTAX;
	search->bound = true;
	*search_r = search;
	return ERR_NONE;
}
