/*
 * An intrusive doubly linked list: the link stands in the element.
 *
 * A list head and a link that is in no list point at themselves, so
 * list_remove may be called twice.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>

#include "base/attr.h"

struct list {
	struct list *next;
	struct list *prev;
};

#define LIST_INIT(name)          \
	{                        \
		&(name), &(name) \
	}

static inline void list_init(struct list *list)
{
	list->next = list;
	list->prev = list;
}

static inline bool list_empty(const struct list *list)
{
	return list->next == list;
}

/* `link` must be in no list. */
static inline void list_append(struct list *list, struct list *link)
{
	link->prev = list->prev;
	link->next = list;
	list->prev->next = link;
	list->prev = link;
}

static inline void list_prepend(struct list *list, struct list *link)
{
	list_append(list->next, link);
}

/* Leaves `link` initialised and in no list. */
static inline void list_remove(struct list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

/* Moves all of `from` behind the end of `to`; `from` becomes empty. */
static inline void list_splice(struct list *to, struct list *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

/* Removes and returns the first link, or NULL. */
static inline struct list *list_take(struct list *list)
{
	struct list *link = list->next;

	if (link == list)
		return NULL;
	list_remove(link);
	return link;
}

#define LIST_ENTRY(link, type, member) container_of(link, type, member)

#define LIST_FOREACH(head, it) \
	for (struct list *it = (head)->next; it != (head); it = it->next)

/* The body may remove `it` (and only `it`). */
#define LIST_FOREACH_SAFE(head, it)                                 \
	for (struct list *it = (head)->next, *it##_next = it->next; \
	     it != (head); it = it##_next, it##_next = it->next)

#endif
