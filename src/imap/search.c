/*
 * Search programs: what they need, and what their symbols mean.
 *
 * Binding walks the tree once, before the first match: sets become UIDs of the
 * view, keyword names become bits. A sequence number beyond the view is the
 * only thing that can be wrong.
 */
#include "imap/search.h"

#include "base/panic.h"
#include "imap/search_program.h"

/* ---- what keys need ---- */

enum search_grade search_grade_of(enum search_key key)
{
	if (key == SEARCH_BODY || key == SEARCH_TEXT)
		return SEARCH_GRADE_BODY;
	if (key == SEARCH_HEADER)
		return SEARCH_GRADE_HEADER;
	return key >= SEARCH_SENTBEFORE ? SEARCH_GRADE_STRUCTURE
					: SEARCH_GRADE_ROW;
}

uint32_t search_wants_of(enum search_key key)
{
	if (search_grade_of(key) >= SEARCH_GRADE_STRUCTURE)
		return IMAP_ROWS_FIXED | IMAP_ROWS_STRUCTURE;
	/* Keys of the row that the immutable half of it decides. */
	if (key >= SEARCH_LARGER && key <= SEARCH_EMAILID)
		return IMAP_ROWS_FIXED;
	return 0;
}

/* Clients search for these two to join threads. */
bool search_in_envelope(struct slice field)
{
	return slice_eq_nocase(field, SLICE_LIT("Message-ID")) ||
	       slice_eq_nocase(field, SLICE_LIT("In-Reply-To"));
}

/* ---- binding ---- */

static void bind_keyword(struct search_node *node,
			 const struct imap_search_bind *bind)
{
	MUST(bind->keyword_count <= IMAP_KEYWORDS_MAX);
	node->keyword.bit = SEARCH_NO_BIT;
	for (size_t i = 0; i < bind->keyword_count; i++)
		if (slice_eq_nocase(bind->keywords[i], node->keyword.name))
			node->keyword.bit = (uint32_t)i;
}

static enum err bind_set(struct search_node *node, struct arena *arena,
			 const struct imap_search_bind *bind)
{
	struct uidset uids = { 0 };
	enum err err = ERR_NONE;

	if (node->key == SEARCH_UIDS)
		imap_seqset_resolve_uids(&node->set.written, bind->view,
					 bind->saved, &uids);
	else
		err = imap_seqset_resolve_seqs(&node->set.written, bind->view,
					       bind->saved, &uids);
	if (err == ERR_NONE) {
		size_t size = uids.count * sizeof(*uids.ranges);
		void *ranges = arena_alloc(arena, size);

		if (size > 0)
			memcpy(ranges, uids.ranges, size);
		node->set.uids = (struct uidset){
			.ranges = (struct uid_range *)ranges,
			.count = uids.count,
		};
	}
	uidset_fini(&uids);
	return err;
}

/* Depth: SEARCH_DEPTH_MAX. */
static enum err bind_node(struct search_node *node, struct arena *arena,
			  const struct imap_search_bind *bind)
{
	if (node->key == SEARCH_KEYWORD)
		bind_keyword(node, bind);
	if (node->key == SEARCH_UIDS || node->key == SEARCH_SEQS)
		return bind_set(node, arena, bind);
	for (struct search_node *child = node->child; child != NULL;
	     child = child->next) {
		enum err err = bind_node(child, arena, bind);

		if (err != ERR_NONE)
			return err;
	}
	return ERR_NONE;
}

enum err imap_search_bind(struct imap_search *search, struct arena *arena,
			  const struct imap_search_bind *bind)
{
	enum err err = bind_node(search->root, arena, bind);

	search->bound = err == ERR_NONE;
	search->now_s = bind->now_s;
	return err;
}

uint32_t imap_search_wants(const struct imap_search *search)
{
	return search->wants;
}

bool imap_search_reads_bodies(const struct imap_search *search)
{
	return search->root->grade >= SEARCH_GRADE_HEADER;
}

bool imap_search_has_modseq(const struct imap_search *search)
{
	return search->has_modseq;
}

bool imap_search_has_saved(const struct imap_search *search)
{
	return search->has_saved;
}

static void narrow(const struct search_node *node, struct uidset *candidates)
{
	if (node->key == SEARCH_UIDS || node->key == SEARCH_SEQS)
		uidset_intersect(candidates, &node->set.uids);
	if (node->key == SEARCH_FALSE)
		uidset_clear(candidates);
}

void imap_search_narrow(const struct imap_search *search,
			struct uidset *candidates)
{
	const struct search_node *root = search->root;

	MUST(search->bound);
	if (root->key != SEARCH_AND) {
		narrow(root, candidates);
		return;
	}
	for (const struct search_node *node = root->child; node != NULL;
	     node = node->next)
		narrow(node, candidates);
}
