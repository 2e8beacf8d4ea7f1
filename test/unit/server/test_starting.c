/*
 * Nodes that start from what an unlucky life has left: an init that was cut
 * off, a disk that was restored; and those that cannot start.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "rig.h"

/* Changes one word of the stopped node's identity to another as long. */
static void change_identity(const struct rig *rig, const char *from,
			    const char *to)
{
	char path[256];
	char text[4096];
	FILE *file;
	size_t len;
	char *at;

	snprintf(path, sizeof(path), "%s/data/node", rig->dir);
	file = fopen(path, "r+");
	cr_assert_not_null(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	text[len] = '\0';
	at = strstr(text, from);
	cr_assert_not_null(at, "no %s in %s", from, text);
	cr_assert_eq(strlen(from), strlen(to));
	memcpy(at, to, strlen(to));
	rewind(file);
	cr_assert_eq(fwrite(text, 1, len, file), len);
	cr_assert_eq(fclose(file), 0);
}

static void expect_message(struct rig *rig, unsigned count)
{
	struct talk talk = talk_imap(rig, RIG_JOHN);
	char want[32];

	snprintf(want, sizeof(want), "* %u EXISTS", count);
	talk_say(&talk, "s SELECT INBOX\r\n");
	cr_assert(talk_until(&talk, "s OK ", want));
	talk_logout(&talk);
}

Test(starting, an_init_that_was_cut_off_goes_on)
{
	struct rig *rig = rig_new();

	rig_fill(rig, "user.john", 1);
	rig_stop(rig);
	/* All of it was done but for the last word. */
	change_identity(rig, "\"ready\": true", "\"ready\":false");
	rig_start(rig);
	expect_message(rig, 1); /* it listens when that is done */
	rig_free(&rig);
}

/* Its start count is one that the groups have seen from another life. */
Test(starting, a_restored_disk_takes_a_higher_start_count)
{
	struct rig *rig = rig_new();
	uint32_t highest;

	for (unsigned i = 1; i <= 3; i++) {
		/* The group hears of this life, too. */
		rig_fill(rig, "user.john", 1);
		if (i < 3)
			rig_restart(rig);
	}
	highest = node_start_count(rig->node);
	rig_stop(rig);
	change_identity(rig, "\"start\": 3", "\"start\": 0");
	rig_start(rig);
	cr_assert_eq(highest, 3);
	rig_fill(rig, "user.john", 1);
	expect_message(rig, 4);
	cr_assert_gt(node_start_count(rig->node), highest);
	rig_free(&rig);
}

/* ---- init ---- */

static struct talk init(struct rig *rig, const char *args)
{
	struct talk talk = talk_admin(rig);
	struct buf request = { 0 };

	buf_printf(&request, "{\"v\":1,\"cmd\":\"init\"%s}\n", args);
	talk_say(&talk, buf_cstr(&request));
	buf_fini(&request);
	return talk;
}

Test(starting, a_second_init_is_refused_while_one_is_under_way)
{
	struct rig *rig = rig_bare();
	struct talk bad;
	struct talk first;
	struct talk second;
	struct stall log;

	bad = init(rig, ",\"args\":{\"name\":\"no name\"}");
	talk_expect(&bad, "{\"v\":1,\"ok\":false,\"error\":\"INVALID\"");
	talk_end(&bad);
	rig_stall_log(rig, &log);
	first = init(rig, ",\"args\":{\"name\":\"be1\"}");
	second = init(rig, "");
	talk_expect(&second, "{\"v\":1,\"ok\":false,\"error\":\"INUSE\"");
	talk_end(&second);
	stall_end(&log);
	talk_expect(&first, "{\"v\":1,\"ok\":true");
	talk_end(&first);
	rig_free(&rig);
}

Test(starting, a_stop_lets_an_init_come_to_its_end)
{
	struct rig *rig = rig_bare();
	struct talk second;
	struct talk talk;
	struct stall log;

	rig_stall_log(rig, &log);
	talk = init(rig, "");
	second = init(rig, ""); /* is refused: the first is under way */
	talk_expect(&second, "{\"v\":1,\"ok\":false,\"error\":\"INUSE\"");
	talk_end(&second);
	rig_ask_to_stop(rig);
	stall_end(&log);
	talk_expect(&talk, "{\"v\":1,\"ok\":true");
	talk_end(&talk);
	rig_stopped(rig);
	rig_start(rig);
	cr_assert(rig->node->identity.ready);
	rig_free(&rig);
}

/* ---- those that cannot ---- */

static void expect_no_start(struct rig *rig, const char *why)
{
	struct node *node = mem_zalloc(1, sizeof(*node));
	struct io_loop *main_loop = io_loop_new("main");
	struct buf text = { 0 };

	cr_assert_neq(node_start(node, &rig->settings, main_loop, &text),
		      ERR_NONE);
	cr_assert(strstr(buf_cstr(&text), why), "%s", buf_cstr(&text));
	io_loop_free(&main_loop);
	buf_fini(&text);
	mem_free(node);
}

/* Fails with `text` in place of the setting, which stands again after it. */
static void expect_no_start_with(struct rig *rig, char **setting,
				 const char *text, const char *why)
{
	char *old = *setting;

	*setting = mem_dup(text, strlen(text));
	expect_no_start(rig, why);
	mem_free(*setting);
	*setting = old;
}

Test(starting, what_stands_in_the_way_is_told)
{
	struct rig *rig = rig_new();
	struct settings *settings = &rig->settings;

	expect_no_start(rig, "another murderd");
	rig_stop(rig);
	expect_no_start_with(rig, &settings->imap.addresses[0], "nonsense",
			     "listen address \"nonsense\"");
	expect_no_start_with(rig, &settings->lmtp.addresses[0],
			     "unix:/nowhere/lmtp", "/nowhere/lmtp");
	expect_no_start_with(rig, &settings->tls_certificate,
			     "/nowhere/cert.pem", "/nowhere/cert.pem");
	expect_no_start_with(rig, &settings->admin_socket, "/nowhere/admin",
			     "/nowhere/admin");
	expect_no_start_with(rig, &settings->data, "/nowhere/data",
			     "/nowhere/data");
	rig_start(rig);
	rig_free(&rig);
}
