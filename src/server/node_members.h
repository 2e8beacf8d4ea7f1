/*
 * Who the other nodes are: the directory's rows of members, given to the links
 * whenever one of them changes (architecture.md 10, S15).
 */
#ifndef SERVER_NODE_MEMBERS_H
#define SERVER_NODE_MEMBERS_H

#include <stdbool.h>

struct node;
struct members;
struct welcome;

/* On the main loop; begins with a look at the directory. */
struct members *members_new(struct node *node);

/* Rows of members have changed. Any thread. */
void members_wake(struct members *members);

/* No new look begins; on the main loop. */
void members_stop(struct members *members);
bool members_is_busy(const struct members *members);

/* When no thread runs any more. */
void members_free(struct members **membersp);

/*
 * Of a node that has joined and has no rows yet: what it was told then. From
 * the file <data>/welcome too, where node_join.c has put it.
 */
void members_welcome(struct node *node, const struct welcome *welcome);
void members_welcome_file(struct node *node);

#endif
