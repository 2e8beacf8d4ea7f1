/*
 * Intents: what the directory has written down to be done elsewhere, carried
 * out (architecture.md 7, "whatever spans two groups is written down where it
 * starts, and any node can finish it").
 *
 * PURGE  SEAL each mailbox in its group; later, when the time for an undelete
 *        is over, PURGE its rows; then the intent ends
 * REROOT move the usage of renamed mailboxes to their new root
 * FORGET take a removed user out of all access lists
 */
#ifndef SERVER_INTENTS_H
#define SERVER_INTENTS_H

struct intents;
struct node;

/* On the main loop; the work begins by itself. */
struct intents *intents_new(struct node *node);

/* There may be new ones. Any thread. */
void intents_wake(struct intents *intents);

/* No new step begins; on the main loop. */
void intents_stop(struct intents *intents);

/* After the log loop has ended. */
void intents_free(struct intents **intentsp);

#endif
