/*
 * Two more nodes for the rig, as far as bodies go: at the other ends of real
 * muxes stand stores in memory. The courier believes that they vote in the mail
 * groups; the groups' logs know nothing of them.
 */
#ifndef TEST_OTHERS_H
#define TEST_OTHERS_H

#include "base/digest.h"
#include "rig.h"

struct others;

/* Links to nodes 2 and 3 are up, and they vote in all groups. */
struct others *others_new(struct rig *rig);

/* The rig was stopped before. */
void others_free(struct others **othersp);

/* Does the rig's own replica vote, as the courier believes? */
void others_vote(struct others *others, bool own);

/* Puts a body into the store of one of them (2 or 3). */
void others_put(struct others *others, uint32_t node, struct slice octets);

/* How many bodies that node has; how many were asked of it by FETCH. */
unsigned others_count(struct others *others, uint32_t node);
unsigned others_fetched(struct others *others, uint32_t node);

/* From now on the node takes no body any more, or takes them again. */
void others_refuse(struct others *others, uint32_t node, bool refuse);

#endif
