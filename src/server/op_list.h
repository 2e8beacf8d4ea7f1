/*
 * The names of a LIST between its slices: op_list.c.
 */
#ifndef SERVER_OP_LIST_H
#define SERVER_OP_LIST_H

struct list_names;

/* The link goes between two slices. */
void list_names_free(struct list_names **listp);

#endif
