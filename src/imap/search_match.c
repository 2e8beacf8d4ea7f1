/*
 * Running a bound search program over one message after the other.
 *
 * The tree is evaluated in three values, first with the row alone, then with
 * the structure, the header, the body, until it is decided: "OR SEEN BODY x"
 * reads no body of a seen message, wherever the keys stand. Headers and
 * structures are kept for the message at hand.
 *
 * An error of the reader ends the match of this message; the run is good for
 * the next one.
 */
#include "imap/search.h"

#include "base/mem.h"
#include "base/panic.h"
#include "imap/object_id.h"
#include "imap/search_program.h"
#include "mail/date.h"
#include "mail/structure.h"
#include "mail/text.h"

enum verdict {
	VERDICT_NO,
	VERDICT_YES,
	VERDICT_UNKNOWN, /* a dearer grade must be looked at */
};

struct imap_search_run {
	const struct imap_search *search;
	struct imap_search_reader *reader;
	struct mail_needle **needles; /* by index */
	struct mail_text text;

	/* of the message at hand */
	const struct imap_row *row;
	struct arena arena;
	const struct mime_part *root; /* NULL: not decoded yet */
	struct buf header;
	bool has_header;
	enum err err;
};

static bool has_needle(const struct search_node *node)
{
	return node->key >= SEARCH_SUBJECT;
}

/* Depth: SEARCH_DEPTH_MAX. */
static void compile(struct imap_search_run *run, const struct search_node *node)
{
	if (has_needle(node))
		run->needles[node->text.index] =
			mail_needle_new(node->text.needle);
	for (node = node->child; node != NULL; node = node->next)
		compile(run, node);
}

struct imap_search_run *imap_search_run_new(const struct imap_search *search,
					    struct imap_search_reader *reader)
{
	struct imap_search_run *run =
		(struct imap_search_run *)mem_zalloc(1, sizeof(*run));

	MUST(search->bound);
	run->search = search;
	run->reader = reader;
	run->needles = (struct mail_needle **)mem_zalloc(
		search->needles, sizeof(struct mail_needle *));
	compile(run, search->root);
	return run;
}

void imap_search_run_free(struct imap_search_run **runp)
{
	struct imap_search_run *run = *runp;

	*runp = NULL;
	if (run == NULL)
		return;
	for (size_t i = 0; i < run->search->needles; i++)
		mail_needle_free(&run->needles[i]);
	mem_free(run->needles);
	mail_text_fini(&run->text);
	arena_fini(&run->arena);
	buf_fini(&run->header);
	mem_free(run);
}

/* ---- what a message holds, read when it is first asked for ---- */

static enum err read_octets(void *arg, uint64_t offset, size_t len,
			    struct buf *out)
{
	struct imap_search_run *run = (struct imap_search_run *)arg;

	return run->reader->read(run->reader, run->row, offset, len, out);
}

/* A cached structure of a later release, or a damaged one, is made anew. */
static enum err load_structure(struct imap_search_run *run)
{
	struct slice octets = run->row->structure;
	enum err err;

	if (octets.len > 0 &&
	    mail_structure_decode(octets, &run->arena, &run->root) == ERR_NONE)
		return ERR_NONE;
	run->root = NULL;
	err = run->reader->structure(run->reader, run->row, &octets);
	if (err != ERR_NONE)
		return err;
	octets = arena_slice(&run->arena, octets);
	return mail_structure_decode(octets, &run->arena, &run->root);
}

/* NULL: the match has failed. */
static const struct mime_part *structure(struct imap_search_run *run)
{
	if (run->root == NULL && run->err == ERR_NONE)
		run->err = load_structure(run);
	return run->err == ERR_NONE ? run->root : NULL;
}

static enum err load_header(struct imap_search_run *run)
{
	const struct mime_part *root = structure(run);
	uint64_t offset;
	uint64_t end;

	if (root == NULL)
		return run->err;
	offset = root->header_begin;
	end = root->body_begin;
	if (end - offset > MIME_HEADER_MAX)
		end = offset + MIME_HEADER_MAX;
	buf_clear(&run->header);
	while (offset < end) {
		uint64_t len = end - offset;
		enum err err;

		if (len > MAIL_TEXT_READ)
			len = MAIL_TEXT_READ;
		err = read_octets(run, offset, (size_t)len, &run->header);
		if (err != ERR_NONE)
			return err;
		offset += len;
	}
	run->has_header = true;
	return ERR_NONE;
}

/* ---- keys of the row ---- */

static int32_t internal_day(const struct imap_row *row)
{
	return mail_date_day((struct mail_date){
		.unix_s = row->internal_date_s,
		.zone_min = row->internal_zone_min,
	});
}

static bool has_keyword(const struct imap_row *row, uint32_t bit)
{
	return bit != SEARCH_NO_BIT &&
	       (row->keywords[bit / 64] >> (bit % 64) & 1) != 0;
}

/* Seconds since the internal date; RFC 5032 compares with the server's clock.
 */
static int64_t age_s(const struct imap_search_run *run)
{
	return run->search->now_s - run->row->internal_date_s;
}

static bool match_row(const struct imap_search_run *run,
		      const struct search_node *node)
{
	const struct imap_row *row = run->row;

	switch (node->key) {
	case SEARCH_TRUE:
		return true;
	case SEARCH_FLAG:
		return ((row->flags & node->flag.flag) != 0) == node->flag.set;
	case SEARCH_KEYWORD:
		return has_keyword(row, node->keyword.bit) == node->keyword.set;
	case SEARCH_SEQS:
	case SEARCH_UIDS:
		return uidset_has(&node->set.uids, row->uid);
	case SEARCH_MODSEQ:
		return row->modseq >= node->number;
	case SEARCH_LARGER:
		return row->size > node->number;
	case SEARCH_SMALLER:
		return row->size < node->number;
	case SEARCH_BEFORE:
		return internal_day(row) < node->day;
	case SEARCH_ON:
		return internal_day(row) == node->day;
	case SEARCH_SINCE:
		return internal_day(row) >= node->day;
	case SEARCH_OLDER:
		return age_s(run) >= (int64_t)node->number;
	case SEARCH_YOUNGER:
		return age_s(run) <= (int64_t)node->number;
	case SEARCH_EMAILID:
		return imap_email_id_is(node->id, &row->body);
	case SEARCH_FALSE:
	case SEARCH_AND:
	case SEARCH_OR:
	case SEARCH_NOT:
	case SEARCH_SENTBEFORE:
	case SEARCH_SENTON:
	case SEARCH_SENTSINCE:
	case SEARCH_SUBJECT:
	case SEARCH_FROM:
	case SEARCH_TO:
	case SEARCH_CC:
	case SEARCH_BCC:
	case SEARCH_HEADER:
	case SEARCH_BODY:
	case SEARCH_TEXT:
		break;
	}
	return false;
}

/* ---- keys of the structure ---- */

static bool match_sent(const struct search_node *node, struct slice value)
{
	struct mail_date date;
	int32_t day;

	if (value.data == NULL || mail_date_parse(value, &date) != ERR_NONE)
		return false;
	day = mail_date_day(date);
	if (node->key == SEARCH_SENTBEFORE)
		return day < node->day;
	return node->key == SEARCH_SENTON ? day == node->day : day >= node->day;
}

/* The empty string is in each value that exists. */
static bool match_value(struct imap_search_run *run,
			const struct search_node *node, struct slice value)
{
	if (value.data == NULL)
		return false;
	return node->text.needle.len == 0 ||
	       mail_text_search_value(&run->text, value,
				      run->needles[node->text.index]);
}

static bool match_addresses(struct imap_search_run *run,
			    const struct search_node *node,
			    const struct mail_address *list)
{
	if (list == NULL)
		return false;
	return node->text.needle.len == 0 ||
	       mail_text_search_addresses(&run->text, list,
					  run->needles[node->text.index]);
}

static bool match_envelope(struct imap_search_run *run,
			   const struct search_node *node,
			   const struct mail_envelope *env)
{
	switch (node->key) {
	case SEARCH_SUBJECT:
		return match_value(run, node, env->subject);
	case SEARCH_FROM:
		return match_addresses(run, node, env->from);
	case SEARCH_TO:
		return match_addresses(run, node, env->to);
	case SEARCH_CC:
		return match_addresses(run, node, env->cc);
	case SEARCH_BCC:
		return match_addresses(run, node, env->bcc);
	case SEARCH_HEADER: /* grammar_search.c, parse_header */
		return match_value(run, node,
				   slice_eq_nocase(node->text.field,
						   SLICE_LIT("Message-ID"))
					   ? env->message_id
					   : env->in_reply_to);
	case SEARCH_SENTBEFORE:
	case SEARCH_SENTON:
	case SEARCH_SENTSINCE:
		return match_sent(node, env->date);
	case SEARCH_TRUE:
	case SEARCH_FALSE:
	case SEARCH_AND:
	case SEARCH_OR:
	case SEARCH_NOT:
	case SEARCH_FLAG:
	case SEARCH_KEYWORD:
	case SEARCH_SEQS:
	case SEARCH_UIDS:
	case SEARCH_MODSEQ:
	case SEARCH_LARGER:
	case SEARCH_SMALLER:
	case SEARCH_BEFORE:
	case SEARCH_ON:
	case SEARCH_SINCE:
	case SEARCH_OLDER:
	case SEARCH_YOUNGER:
	case SEARCH_EMAILID:
	case SEARCH_BODY:
	case SEARCH_TEXT:
		break;
	}
	PANIC("key %d is not of an envelope", (int)node->key);
}

/* ---- keys of the octets ---- */

static bool match_header(struct imap_search_run *run,
			 const struct search_node *node)
{
	if (!run->has_header)
		run->err = load_header(run);
	if (run->err != ERR_NONE)
		return false;
	return mail_text_search_header(&run->text, buf_slice(&run->header),
				       node->text.field,
				       run->needles[node->text.index]);
}

static bool match_body(struct imap_search_run *run,
		       const struct search_node *node)
{
	const struct mail_needle *needle = run->needles[node->text.index];
	const struct mime_part *root = structure(run);
	bool hit = false;

	if (root == NULL)
		return false;
	if (node->key == SEARCH_BODY)
		run->err = mail_text_search_body(&run->text, root, read_octets,
						 run, needle, &hit);
	else
		run->err = mail_text_search_all(&run->text, root, read_octets,
						run, needle, &hit);
	return hit;
}

/* ---- the tree ---- */

static bool match_leaf(struct imap_search_run *run,
		       const struct search_node *node)
{
	const struct mime_part *root;

	switch (node->grade) {
	case SEARCH_GRADE_ROW:
		return match_row(run, node);
	case SEARCH_GRADE_STRUCTURE:
		root = structure(run);
		return root != NULL &&
		       match_envelope(run, node, root->envelope);
	case SEARCH_GRADE_HEADER:
		return match_header(run, node);
	case SEARCH_GRADE_BODY:
		return match_body(run, node);
	}
	PANIC("grade %d of a search key", (int)node->grade);
}

static enum verdict eval(struct imap_search_run *run,
			 const struct search_node *node,
			 enum search_grade grade);

/* AND ends at the first NO, OR at the first YES. */
static enum verdict eval_operands(struct imap_search_run *run,
				  const struct search_node *node,
				  enum search_grade grade, enum verdict stop)
{
	enum verdict verdict = stop == VERDICT_NO ? VERDICT_YES : VERDICT_NO;

	for (node = node->child; node != NULL; node = node->next) {
		enum verdict one = eval(run, node, grade);

		if (one == stop)
			return one;
		if (one == VERDICT_UNKNOWN)
			verdict = one;
	}
	return verdict;
}

static enum verdict eval_not(struct imap_search_run *run,
			     const struct search_node *node,
			     enum search_grade grade)
{
	enum verdict verdict = eval(run, node->child, grade);

	if (verdict == VERDICT_UNKNOWN)
		return verdict;
	return verdict == VERDICT_NO ? VERDICT_YES : VERDICT_NO;
}

/* Depth: SEARCH_DEPTH_MAX. */
static enum verdict eval(struct imap_search_run *run,
			 const struct search_node *node,
			 enum search_grade grade)
{
	bool match;

	if (node->key == SEARCH_AND)
		return eval_operands(run, node, grade, VERDICT_NO);
	if (node->key == SEARCH_OR)
		return eval_operands(run, node, grade, VERDICT_YES);
	if (node->key == SEARCH_NOT)
		return eval_not(run, node, grade);
	if (node->grade > grade || run->err != ERR_NONE)
		return VERDICT_UNKNOWN;
	match = match_leaf(run, node);
	if (run->err != ERR_NONE)
		return VERDICT_UNKNOWN;
	return match ? VERDICT_YES : VERDICT_NO;
}

static void begin(struct imap_search_run *run, const struct imap_row *row)
{
	arena_clear(&run->arena);
	run->row = row;
	run->root = NULL;
	run->has_header = false;
	run->err = ERR_NONE;
}

enum err imap_search_match(struct imap_search_run *run,
			   const struct imap_row *row, bool *match_r)
{
	const struct search_node *root = run->search->root;
	enum verdict verdict = VERDICT_UNKNOWN;

	begin(run, row);
	for (unsigned grade = 0; grade <= root->grade; grade++) {
		verdict = eval(run, root, (enum search_grade)grade);
		if (verdict != VERDICT_UNKNOWN || run->err != ERR_NONE)
			break;
	}
	*match_r = verdict == VERDICT_YES;
	if (verdict != VERDICT_UNKNOWN)
		return ERR_NONE;
	MUST(run->err != ERR_NONE);
	return run->err;
}
