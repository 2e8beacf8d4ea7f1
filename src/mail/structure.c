/*
 * The cached structure as octets, version 1: a version octet, then the parts
 * in reading order, each before its children (numbers are LEB128):
 *
 *   part      bits                kind, and which optional strings follow
 *             begin               of the header, counted from where the part
 *                                 before it ended (first: parent's body)
 *             header, body, lines lengths in octets; LFs of the body
 *             type, subtype, params
 *             encoding, id, description, md5, location
 *             disposition, params
 *             languages           number, strings
 *             children            number, of a multipart
 *             envelope            of the root and a child of a message
 *   params    number, then name and value of each
 *   string    twice its length, octets; or twice its number in the table of
 *             common words plus 1
 *   envelope  bits, date, subject, six lists, in-reply-to, message-id
 *   list      number of addresses; of each bits and strings
 *
 * Decoding checks all that mime.h promises; what does not hold is ERR_CORRUPT.
 */
#include "mail/structure.h"

#include "base/pack.h"
#include "base/panic.h"
#include "mail/content.h"

#define STRUCTURE_VERSION 1

/* Offsets stay far from where sums could wrap. */
#define STRUCTURE_OFFSET_MAX (UINT64_C(1) << 60)

/* Octets of arena that a view may take: more than any parsed message does. */
#define STRUCTURE_MEMORY_MAX (2 * MIME_MEMORY_MAX)

/* Bits of a part: the kind, then presence. */
enum structure_part_bit {
	PART_KIND = 3, /* mask */
	PART_ENCODING = 1 << 2,
	PART_ID = 1 << 3,
	PART_DESCRIPTION = 1 << 4,
	PART_MD5 = 1 << 5,
	PART_LOCATION = 1 << 6,
	PART_DISPOSITION = 1 << 7,
	PART_LANGUAGES = 1 << 8,
	PART_BITS_MAX = (1 << 9) - 1,
};

enum structure_envelope_bit {
	ENVELOPE_DATE = 1 << 0,
	ENVELOPE_SUBJECT = 1 << 1,
	ENVELOPE_IN_REPLY_TO = 1 << 2,
	ENVELOPE_MESSAGE_ID = 1 << 3,
	ENVELOPE_SENDER = 1 << 4,   /* not the same as From */
	ENVELOPE_REPLY_TO = 1 << 5, /* likewise */
	ENVELOPE_BITS_MAX = (1 << 6) - 1,
};

enum structure_address_bit {
	ADDRESS_NAME = 1 << 0,
	ADDRESS_ROUTE = 1 << 1,
	ADDRESS_MAILBOX = 1 << 2,
	ADDRESS_HOST = 1 << 3,
	ADDRESS_BITS_MAX = (1 << 4) - 1,
};

/*
 * Common words, by number: never change or take one away, new ones go to the
 * end. They are compared exactly: the letters of a message are kept.
 */
#define WORD(s)                                     \
	{                                           \
		(const uint8_t *)(s), sizeof(s) - 1 \
	}
static const struct slice structure_words[] = {
	WORD("text"),
	WORD("plain"),
	WORD("html"),
	WORD("charset"),
	WORD("utf-8"),
	WORD("UTF-8"),
	WORD("us-ascii"),
	WORD("US-ASCII"),
	WORD("iso-8859-1"),
	WORD("ISO-8859-1"),
	WORD("iso-8859-15"),
	WORD("ISO-8859-15"),
	WORD("windows-1252"),
	WORD("Windows-1252"),
	WORD("gb2312"),
	WORD("koi8-r"),
	WORD("format"),
	WORD("flowed"),
	WORD("delsp"),
	WORD("yes"),
	WORD("7bit"),
	WORD("8bit"),
	WORD("7BIT"),
	WORD("8BIT"),
	WORD("binary"),
	WORD("base64"),
	WORD("quoted-printable"),
	WORD("multipart"),
	WORD("mixed"),
	WORD("alternative"),
	WORD("related"),
	WORD("signed"),
	WORD("report"),
	WORD("digest"),
	WORD("boundary"),
	WORD("type"),
	WORD("text/html"),
	WORD("multipart/alternative"),
	WORD("protocol"),
	WORD("micalg"),
	WORD("application/pgp-signature"),
	WORD("pgp-signature"),
	WORD("pgp-sha1"),
	WORD("pgp-sha256"),
	WORD("pgp-sha512"),
	WORD("inline"),
	WORD("attachment"),
	WORD("name"),
	WORD("name*"),
	WORD("filename"),
	WORD("filename*"),
	WORD("size"),
	WORD("application"),
	WORD("octet-stream"),
	WORD("pdf"),
	WORD("zip"),
	WORD("msword"),
	WORD("image"),
	WORD("jpeg"),
	WORD("png"),
	WORD("gif"),
	WORD("calendar"),
	WORD("method"),
	WORD("REQUEST"),
	WORD("message"),
	WORD("rfc822"),
	WORD("delivery-status"),
	WORD("x-patch"),
	WORD("x-diff"),
	WORD("csv"),
	WORD("TEXT"),
	WORD("PLAIN"),
	WORD("TEXT/PLAIN"),
};
#undef WORD

/* ---- encoding ---- */

static void encode_string(struct slice s, struct buf *out)
{
	pack_var(out, (uint64_t)s.len * 2);
	buf_add_slice(out, s);
}

static void encode_optional(struct slice s, struct buf *out)
{
	if (s.data)
		encode_string(s, out);
}

static void encode_word(struct slice s, struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(structure_words); i++) {
		if (!slice_eq(s, structure_words[i]))
			continue;
		pack_var(out, i * 2 + 1);
		return;
	}
	encode_string(s, out);
}

static void encode_params(const struct mail_params *params, struct buf *out)
{
	pack_var(out, params->count);
	for (uint32_t i = 0; i < params->count; i++) {
		encode_word(params->list[i].name, out);
		encode_word(params->list[i].value, out);
	}
}

static uint32_t bit_if(struct slice s, uint32_t bit)
{
	return s.data ? bit : 0;
}

static void encode_address(const struct mail_address *addr, struct buf *out)
{
	pack_var(out, bit_if(addr->name, ADDRESS_NAME) |
			      bit_if(addr->route, ADDRESS_ROUTE) |
			      bit_if(addr->mailbox, ADDRESS_MAILBOX) |
			      bit_if(addr->host, ADDRESS_HOST));
	encode_optional(addr->name, out);
	encode_optional(addr->route, out);
	encode_optional(addr->mailbox, out);
	encode_optional(addr->host, out);
}

static void encode_list(const struct mail_address *list, struct buf *out)
{
	uint64_t count = 0;

	for (const struct mail_address *a = list; a; a = a->next)
		count++;
	pack_var(out, count);
	for (const struct mail_address *a = list; a; a = a->next)
		encode_address(a, out);
}

static void encode_envelope(const struct mail_envelope *env, struct buf *out)
{
	bool sender = env->sender != env->from;
	bool reply_to = env->reply_to != env->from;

	pack_var(out, bit_if(env->date, ENVELOPE_DATE) |
			      bit_if(env->subject, ENVELOPE_SUBJECT) |
			      bit_if(env->in_reply_to, ENVELOPE_IN_REPLY_TO) |
			      bit_if(env->message_id, ENVELOPE_MESSAGE_ID) |
			      (sender ? ENVELOPE_SENDER : 0) |
			      (reply_to ? ENVELOPE_REPLY_TO : 0));
	encode_optional(env->date, out);
	encode_optional(env->subject, out);
	encode_list(env->from, out);
	if (sender)
		encode_list(env->sender, out);
	if (reply_to)
		encode_list(env->reply_to, out);
	encode_list(env->to, out);
	encode_list(env->cc, out);
	encode_list(env->bcc, out);
	encode_optional(env->in_reply_to, out);
	encode_optional(env->message_id, out);
}

static uint32_t encode_part_bits(const struct mime_part *part)
{
	return (uint32_t)part->kind | bit_if(part->encoding, PART_ENCODING) |
	       bit_if(part->id, PART_ID) |
	       bit_if(part->description, PART_DESCRIPTION) |
	       bit_if(part->md5, PART_MD5) |
	       bit_if(part->location, PART_LOCATION) |
	       bit_if(part->disposition, PART_DISPOSITION) |
	       (part->language_count > 0 ? PART_LANGUAGES : 0);
}

static void encode_languages(const struct mime_part *part, struct buf *out)
{
	if (part->language_count == 0)
		return;
	pack_var(out, part->language_count);
	for (uint32_t i = 0; i < part->language_count; i++)
		encode_string(part->languages[i], out);
}

/* `from`: where the part before it ended. */
static void encode_part(const struct mime_part *part, uint64_t from,
			struct buf *out)
{
	pack_var(out, encode_part_bits(part));
	pack_var(out, part->header_begin - from);
	pack_var(out, part->body_begin - part->header_begin);
	pack_var(out, part->body_end - part->body_begin);
	pack_var(out, part->lines);
	encode_word(part->type, out);
	encode_word(part->subtype, out);
	encode_params(&part->params, out);
	if (part->encoding.data)
		encode_word(part->encoding, out);
	encode_optional(part->id, out);
	encode_optional(part->description, out);
	encode_optional(part->md5, out);
	encode_optional(part->location, out);
	if (part->disposition.data) {
		encode_word(part->disposition, out);
		encode_params(&part->disposition_params, out);
	}
	encode_languages(part, out);
	if (part->kind == MIME_MULTIPART)
		pack_var(out, part->child_count);
	if (part->envelope)
		encode_envelope(part->envelope, out);
}

/* The part behind this one in reading order, and where counting starts. */
static const struct mime_part *encode_next(const struct mime_part *part,
					   uint64_t *from_r)
{
	if (part->child) {
		*from_r = part->body_begin;
		return part->child;
	}
	while (part && !part->next)
		part = part->parent;
	if (!part)
		return NULL;
	*from_r = part->body_end;
	return part->next;
}

enum err mail_structure_encode(const struct mime_part *root, size_t max,
			       struct buf *out)
{
	size_t start = out->len;
	uint64_t from = 0;

	pack_u8(out, STRUCTURE_VERSION);
	for (const struct mime_part *part = root; part;
	     part = encode_next(part, &from)) {
		encode_part(part, from, out);
		if (out->len - start > max) {
			out->len = start;
			return ERR_LIMIT;
		}
	}
	return ERR_NONE;
}

/* ---- decoding ---- */

/* A part whose children are not all there. */
struct structure_frame {
	struct mime_part *part;
	struct mime_part **tail;
	uint64_t from; /* where its next child is counted from */
	uint64_t left; /* children to come */
};

struct structure_reader {
	struct unpack in;
	struct arena *arena;
	size_t arena_before;
	struct structure_frame frames[MIME_DEPTH_MAX];
	unsigned depth;
	unsigned parts;
};

/* Marks the input as damaged unless `cond` holds. */
static void decode_must(struct structure_reader *r, bool cond)
{
	if (cond)
		return;
	r->in.bad = true;
	r->in.rest = SLICE_NONE;
}

/* A number of things that take at least one octet each. */
static uint32_t decode_count(struct structure_reader *r, uint64_t max)
{
	uint64_t count = unpack_var(&r->in, max);

	decode_must(r, count <= r->in.rest.len);
	return unpack_ok(&r->in) ? (uint32_t)count : 0;
}

/* Never absent, not even if the input is bad. */
static struct slice decode_string(struct structure_reader *r)
{
	uint64_t tag = unpack_var(&r->in, UINT32_MAX);
	struct slice s;

	if ((tag & 1) && tag / 2 < ARRAY_LEN(structure_words))
		return structure_words[tag / 2];
	decode_must(r, !(tag & 1));
	s = unpack_raw(&r->in, tag / 2);
	decode_must(r,
		    slice_find(s, 0) == s.len && slice_find(s, '\n') == s.len);
	return s.len > 0 && unpack_ok(&r->in) ? s : SLICE_LIT("");
}

static struct slice decode_optional(struct structure_reader *r, uint64_t bits,
				    uint64_t bit)
{
	return (bits & bit) ? decode_string(r) : SLICE_NONE;
}

static void decode_params(struct structure_reader *r,
			  struct mail_params *params_r)
{
	/* text parts without a charset got one more */
	uint32_t count = decode_count(r, MAIL_PARAM_MAX + 1);

	if (count == 0)
		return;
	params_r->list = arena_zalloc(r->arena, count, sizeof(*params_r->list));
	params_r->count = count;
	for (uint32_t i = 0; i < count; i++) {
		params_r->list[i].name = decode_string(r);
		params_r->list[i].value = decode_string(r);
		decode_must(r, params_r->list[i].name.len > 0);
	}
}

static void decode_languages(struct structure_reader *r, struct mime_part *part)
{
	uint32_t count = decode_count(r, MAIL_LANGUAGES_MAX);

	decode_must(r, count > 0);
	part->languages =
		arena_zalloc(r->arena, count, sizeof(*part->languages));
	part->language_count = count;
	for (uint32_t i = 0; i < count; i++)
		part->languages[i] = decode_string(r);
}

static struct mail_address *decode_list(struct structure_reader *r)
{
	struct mail_address *first = NULL;
	struct mail_address **tail = &first;
	uint32_t count = decode_count(r, UINT32_MAX);

	for (uint32_t i = 0; i < count && unpack_ok(&r->in); i++) {
		struct mail_address *addr =
			ARENA_NEW(r->arena, struct mail_address);
		uint64_t bits = unpack_var(&r->in, ADDRESS_BITS_MAX);

		addr->name = decode_optional(r, bits, ADDRESS_NAME);
		addr->route = decode_optional(r, bits, ADDRESS_ROUTE);
		addr->mailbox = decode_optional(r, bits, ADDRESS_MAILBOX);
		addr->host = decode_optional(r, bits, ADDRESS_HOST);
		*tail = addr;
		tail = &addr->next;
	}
	return first;
}

static struct mail_envelope *decode_envelope(struct structure_reader *r)
{
	struct mail_envelope *env = ARENA_NEW(r->arena, struct mail_envelope);
	uint64_t bits = unpack_var(&r->in, ENVELOPE_BITS_MAX);

	env->date = decode_optional(r, bits, ENVELOPE_DATE);
	env->subject = decode_optional(r, bits, ENVELOPE_SUBJECT);
	env->from = decode_list(r);
	env->sender = (bits & ENVELOPE_SENDER) ? decode_list(r) : env->from;
	env->reply_to = (bits & ENVELOPE_REPLY_TO) ? decode_list(r) : env->from;
	env->to = decode_list(r);
	env->cc = decode_list(r);
	env->bcc = decode_list(r);
	env->in_reply_to = decode_optional(r, bits, ENVELOPE_IN_REPLY_TO);
	env->message_id = decode_optional(r, bits, ENVELOPE_MESSAGE_ID);
	return env;
}

/* Offsets of a part that lies within the body of `parent` (NULL: none). */
static void decode_offsets(struct structure_reader *r, uint64_t from,
			   const struct mime_part *parent,
			   struct mime_part *part)
{
	uint64_t begin = unpack_var(&r->in, STRUCTURE_OFFSET_MAX);
	uint64_t header = unpack_var(&r->in, STRUCTURE_OFFSET_MAX);
	uint64_t body = unpack_var(&r->in, STRUCTURE_OFFSET_MAX);

	part->header_begin = from + begin;
	part->body_begin = part->header_begin + header;
	part->body_end = part->body_begin + body;
	part->lines = unpack_var(&r->in, body);
	if (!parent) {
		decode_must(r, begin == 0);
		decode_must(r, part->body_end <= STRUCTURE_OFFSET_MAX);
		return;
	}
	decode_must(r, part->body_end <= parent->body_end);
	if (parent->kind == MIME_MESSAGE) {
		decode_must(r, part->header_begin == parent->body_begin);
		decode_must(r, part->body_end == parent->body_end);
	}
}

static void decode_fields(struct structure_reader *r, uint64_t bits,
			  struct mime_part *part)
{
	part->type = decode_string(r);
	part->subtype = decode_string(r);
	decode_params(r, &part->params);
	part->encoding = decode_optional(r, bits, PART_ENCODING);
	part->id = decode_optional(r, bits, PART_ID);
	part->description = decode_optional(r, bits, PART_DESCRIPTION);
	part->md5 = decode_optional(r, bits, PART_MD5);
	part->location = decode_optional(r, bits, PART_LOCATION);
	part->disposition = decode_optional(r, bits, PART_DISPOSITION);
	if (bits & PART_DISPOSITION)
		decode_params(r, &part->disposition_params);
	if (bits & PART_LANGUAGES)
		decode_languages(r, part);
}

/* Children to come, by kind. */
static void decode_open(struct structure_reader *r, struct mime_part *part)
{
	uint64_t children = 1;

	if (part->kind == MIME_LEAF)
		return;
	if (part->kind == MIME_MULTIPART)
		children = unpack_var(&r->in, MIME_PARTS_MAX);
	decode_must(r, children > 0);
	decode_must(r, r->depth < MIME_DEPTH_MAX - 1);
	if (!unpack_ok(&r->in))
		return;
	part->child_count = (uint32_t)children;
	r->frames[r->depth++] = (struct structure_frame){
		.part = part,
		.tail = &part->child,
		.from = part->body_begin,
		.left = children,
	};
}

/* The next part; its place is the top frame (NULL: it is the root). */
static struct mime_part *decode_part(struct structure_reader *r,
				     struct structure_frame *top)
{
	struct mime_part *part = ARENA_NEW(r->arena, struct mime_part);
	uint64_t bits = unpack_var(&r->in, PART_BITS_MAX);
	struct mime_part *parent = top ? top->part : NULL;

	part->parent = parent;
	part->kind = (enum mime_kind)(bits & PART_KIND);
	decode_must(r, ++r->parts <= MIME_PARTS_MAX);
	decode_offsets(r, top ? top->from : 0, parent, part);
	decode_fields(r, bits, part);
	decode_must(r,
		    part->kind == mail_content_kind(part->type, part->subtype));
	if (top) {
		*top->tail = part;
		top->tail = &part->next;
		top->from = part->body_end;
		top->left--;
	}
	decode_open(r, part);
	if (!parent || parent->kind == MIME_MESSAGE)
		part->envelope = decode_envelope(r);
	return part;
}

static struct mime_part *decode_parts(struct structure_reader *r)
{
	struct mime_part *root = decode_part(r, NULL);

	while (r->depth > 0 && unpack_ok(&r->in)) {
		struct structure_frame *top = &r->frames[r->depth - 1];

		if (top->left == 0)
			r->depth--;
		else
			decode_part(r, top);
		decode_must(r, arena_used(r->arena) - r->arena_before <=
				       STRUCTURE_MEMORY_MAX);
	}
	return root;
}

enum err mail_structure_decode(struct slice octets, struct arena *arena,
			       const struct mime_part **root_r)
{
	struct structure_reader r = {
		.in = unpack_of(octets),
		.arena = arena,
		.arena_before = arena_used(arena),
	};
	uint8_t version = unpack_u8(&r.in);

	*root_r = NULL;
	if (!unpack_ok(&r.in))
		return ERR_CORRUPT;
	if (version != STRUCTURE_VERSION)
		return ERR_VERSION;
	*root_r = decode_parts(&r);
	if (unpack_end(&r.in))
		return ERR_NONE;
	*root_r = NULL;
	return ERR_CORRUPT;
}
