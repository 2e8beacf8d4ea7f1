/*
 * SELECT while the mailbox that it opens changes.
 */
#include <criterion/criterion.h>

#include "cluster/directory.h"
#include "rig.h"

/* Something is committed in a mail group and not applied. */
static bool has_committed(struct rig *rig)
{
	struct replica_status status;

	for (uint32_t i = 1; i < rig->node->group_count; i++) {
		replica_get_status(node_group(rig->node, i)->replica, &status);
		if (status.commit_index > status.applied_index)
			return true;
	}
	return false;
}

static uint32_t group_of(struct rig *rig, const char *mailbox)
{
	struct store_txn *txn = rig_read(rig, 0);
	struct directory_mailbox found;

	cr_assert(directory_mailbox_find(txn, slice_str(mailbox), &found));
	store_end(&txn);
	return found.group;
}

/* SELECT has found the name and waits for the group when the list changes. */
Test(open, rights_that_go_while_it_waits_are_gone)
{
	struct rig *rig = rig_new();
	struct talk john = talk_imap(rig, RIG_JOHN);
	struct talk jane = talk_imap(rig, RIG_JANE);
	struct talk other = talk_imap(rig, RIG_JANE);
	struct stall stall;

	talk_say(&jane, "a SETACL INBOX john lr\r\n");
	talk_expect(&jane, "a OK ");
	rig_stall_applier(rig, group_of(rig, "user.jane"), &stall);
	talk_say(&other, "b APPEND INBOX {14+}\r\nSubject: x\r\n\r\n\r\n");
	rig_await(rig, has_committed);
	talk_say(&john, "c SELECT \"Other Users/jane\"\r\n");
	talk_say(&jane, "d DELETEACL INBOX john\r\n");
	talk_expect(&jane, "d OK ");
	stall_end(&stall);
	talk_until(&other, "b OK ", NULL);
	talk_expect(&john, "c NO ");
	talk_end(&john);
	talk_end(&jane);
	talk_end(&other);
	rig_await(rig, rig_is_idle);
	rig_free(&rig);
}
