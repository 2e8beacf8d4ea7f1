/*
 * Sections: part numbers are followed down the tree. ERR_NOTFOUND is the only
 * failure.
 *
 * A number counts the children of a multipart. Where there is a message (the
 * root, or the child of a MIME_MESSAGE) that is no multipart, its body is its
 * part 1. So a message part is passed through: "2.1" of a message whose second
 * part is a message is the first part of that one.
 */
#include "mail/structure.h"

/* Child number `n`, from 1, or NULL. */
static const struct mime_part *section_child(const struct mime_part *part,
					     uint32_t n)
{
	const struct mime_part *child = part->child;

	if (n == 0 || n > part->child_count)
		return NULL;
	while (--n > 0)
		child = child->next;
	return child;
}

/* Part `n` of a message, `part` being its root. */
static const struct mime_part *section_of_message(const struct mime_part *part,
						  uint32_t n)
{
	if (part->kind == MIME_MULTIPART)
		return section_child(part, n);
	return n == 1 ? part : NULL;
}

/* Part `n` of a part that a number led to. */
static const struct mime_part *section_of_part(const struct mime_part *part,
					       uint32_t n)
{
	switch (part->kind) {
	case MIME_MULTIPART:
		return section_child(part, n);
	case MIME_MESSAGE:
		return section_of_message(part->child, n);
	case MIME_LEAF:
		return NULL;
	}
	return NULL;
}

static const struct mime_part *section_part(const struct mime_part *root,
					    const uint32_t *numbers,
					    size_t count)
{
	const struct mime_part *part = section_of_message(root, numbers[0]);

	for (size_t i = 1; i < count && part; i++)
		part = section_of_part(part, numbers[i]);
	return part;
}

static struct mail_range section_range(uint64_t begin, uint64_t end)
{
	return (struct mail_range){ .offset = begin, .len = end - begin };
}

/* HEADER and TEXT: of the message itself, or of one that is a part. */
static enum err section_of(const struct mime_part *message,
			   enum mail_section section,
			   struct mail_range *range_r)
{
	if (!message)
		return ERR_NOTFOUND;
	*range_r =
		section == MAIL_SECTION_HEADER
			? section_range(message->header_begin,
					message->body_begin)
			: section_range(message->body_begin, message->body_end);
	return ERR_NONE;
}

enum err mail_section_find(const struct mime_part *root,
			   const uint32_t *numbers, size_t count,
			   enum mail_section section,
			   struct mail_range *range_r,
			   const struct mime_part **part_r)
{
	const struct mime_part *part = root;
	const struct mime_part *message = root;

	if (count > 0) {
		part = section_part(root, numbers, count);
		if (!part)
			return ERR_NOTFOUND;
		message = part->kind == MIME_MESSAGE ? part->child : NULL;
	}
	if (part_r)
		*part_r = part;
	switch (section) {
	case MAIL_SECTION_ALL:
		*range_r = section_range(count > 0 ? part->body_begin : 0,
					 part->body_end);
		return ERR_NONE;
	case MAIL_SECTION_MIME:
		if (count == 0)
			return ERR_NOTFOUND;
		*range_r = section_range(part->header_begin, part->body_begin);
		return ERR_NONE;
	case MAIL_SECTION_HEADER:
	case MAIL_SECTION_TEXT:
		if (part_r && message)
			*part_r = message;
		return section_of(message, section, range_r);
	}
	return ERR_NOTFOUND;
}
