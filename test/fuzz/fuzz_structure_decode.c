/*
 * Cached structures from nowhere: what is accepted is sound, and there is one
 * form for what it means.
 */
#include "../unit/mail/show.h"
#include "base/panic.h"
#include "mail/structure.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Encoding again gives octets that mean the same. */
static void check_again(const struct mime_part *root)
{
	struct arena arena = { 0 };
	struct buf octets = { 0 };
	struct buf before = { 0 };
	struct buf after = { 0 };
	const struct mime_part *view;

	MUST(mail_structure_encode(root, MAIL_STRUCTURE_MAX, &octets) ==
	     ERR_NONE);
	MUST(mail_structure_decode(buf_slice(&octets), &arena, &view) ==
	     ERR_NONE);
	show_parts(root, &before);
	show_parts(view, &after);
	MUST(slice_eq(buf_slice(&before), buf_slice(&after)));
	buf_fini(&octets);
	buf_fini(&before);
	buf_fini(&after);
	arena_fini(&arena);
}

/* All sections that there can be lie within the message. */
static void check_sections(const struct mime_part *root)
{
	static const uint32_t numbers[] = { 1, 1, 2, 1 };
	struct mail_range range;

	for (size_t count = 0; count <= 4; count++)
		for (int kind = MAIL_SECTION_ALL; kind <= MAIL_SECTION_MIME;
		     kind++) {
			if (mail_section_find(root, numbers, count,
					      (enum mail_section)kind, &range,
					      NULL) != ERR_NONE)
				continue;
			MUST(range.offset <= root->body_end);
			MUST(range.len <= root->body_end - range.offset);
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	const struct mime_part *root;

	if (mail_structure_decode(slice_of(data, size), &arena, &root) ==
	    ERR_NONE) {
		check_again(root);
		check_sections(root);
	}
	arena_fini(&arena);
	return 0;
}
