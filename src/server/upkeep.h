/*
 * Upkeep of the bodies: checkpoints of their index, and the sweep.
 *
 * A sweep drops what no hold and no row of any local group names. It runs once
 * a day and when `murderctl` asks; the first one not before every local group
 * has caught up (architecture.md 4, F3).
 */
#ifndef SERVER_UPKEEP_H
#define SERVER_UPKEEP_H

struct node;
struct upkeep;

/* On the main loop. */
struct upkeep *upkeep_new(struct node *node);

/* Begins nothing any more; on the main loop. */
void upkeep_stop(struct upkeep *upkeep);

/* After the main loop has ended. */
void upkeep_free(struct upkeep **upkeepp);

#endif
