#include <criterion/criterion.h>
#include <stdio.h>

/* tidy: allow layers: scratch directories are the same everywhere */
#include "../cluster/scratch.h"
#include "base/mem.h"
#include "cmd/config.h"

/* One file, what was read from it, and what it was told. */
struct file {
	char *dir;
	char path[256];
	struct settings settings;
	struct buf problems;
	enum err err;
};

static void file_read(struct file *file, const char *text)
{
	FILE *out;

	*file = (struct file){ .dir = scratch_new() };
	snprintf(file->path, sizeof(file->path), "%s/murderd.conf", file->dir);
	out = fopen(file->path, "w");
	cr_assert_not_null(out);
	fputs(text, out);
	cr_assert_eq(fclose(out), 0);
	settings_init(&file->settings);
	file->err =
		config_file_read(file->path, &file->settings, &file->problems);
}

static void file_done(struct file *file)
{
	settings_fini(&file->settings);
	buf_fini(&file->problems);
	scratch_free(&file->dir);
}

/* The lines of the problems, without the path. */
static void expect_problems(const char *text, const char *want)
{
	struct file file;
	struct buf lines = { 0 };
	struct slice rest;

	file_read(&file, text);
	rest = buf_slice(&file.problems);
	while (rest.len > 0) {
		struct slice line = slice_cut(&rest, '\n');

		cr_assert(slice_has_prefix(line, slice_str(file.path)));
		buf_add_slice(&lines, slice_from(line, strlen(file.path) + 1));
		buf_add_octet(&lines, '\n');
	}
	cr_assert_str_eq(buf_cstr(&lines), want);
	cr_assert_eq(file.err, want[0] ? ERR_INVALID : ERR_NONE);
	buf_fini(&lines);
	file_done(&file);
}

Test(config, an_empty_file_leaves_the_defaults)
{
	struct file file;

	file_read(&file, "");
	cr_assert_eq(file.err, ERR_NONE);
	cr_assert_str_eq(file.settings.others_prefix, "Other Users");
	cr_assert_eq(file.settings.separator, '/');
	cr_assert_eq(file.settings.imap.count, 0);
	file_done(&file);
}

Test(config, values_of_every_type_are_read)
{
	struct file file;

	file_read(&file, "data = \"/d\";\n"
			 "listen = { imap = \"*:143\";\n"
			 "  lmtp = [\"unix:/l\", \"[::1]:24\"]; };\n"
			 "message_max = \"2M\";\n"
			 "login = { timeout = \"90s\";"
			 "  plain_without_tls = true; };\n"
			 "namespace = { separator = \".\"; };\n"
			 "threads = { workers = 3; };\n"
			 "log_level = \"warn\";\n");
	cr_assert_eq(file.err, ERR_NONE, "%s", buf_cstr(&file.problems));
	cr_assert_str_eq(file.settings.data, "/d");
	cr_assert_eq(file.settings.imap.count, 1);
	cr_assert_eq(file.settings.lmtp.count, 2);
	cr_assert_str_eq(file.settings.lmtp.addresses[1], "[::1]:24");
	cr_assert_eq(file.settings.message_max, 2u << 20);
	cr_assert_eq(file.settings.login_timeout_ms, 90000);
	cr_assert(file.settings.plain_without_tls);
	cr_assert_eq(file.settings.separator, '.');
	cr_assert_eq(file.settings.workers, 3);
	file_done(&file);
}

Test(config, a_file_that_is_not_there_says_so)
{
	struct settings settings;
	struct buf problems = { 0 };

	settings_init(&settings);
	cr_assert_eq(config_file_read("/nowhere/x.conf", &settings, &problems),
		     ERR_NOTFOUND);
	cr_assert_str_eq(buf_cstr(&problems),
			 "/nowhere/x.conf: No such file or directory\n");
	buf_fini(&problems);
	settings_fini(&settings);
}

Test(config, where_nodes_meet_is_a_host_and_a_port)
{
	struct file file;

	file_read(&file, "listen = { cluster = [ \"*:2005\" ]; };\n"
			 "cluster_address = \"be1.example.org:2005\";\n");
	cr_assert_eq(file.err, ERR_NONE, "%s", buf_cstr(&file.problems));
	cr_assert_eq(file.settings.cluster.count, 1);
	cr_assert_str_eq(file.settings.cluster_address, "be1.example.org:2005");
	file_done(&file);
	expect_problems(
		"listen = {\n cluster = \"unix:/run/m\";\n};\n",
		"2: listen.cluster needs \"host:port\": nodes meet over "
		"TCP\n");
	expect_problems("\ncluster_address = \"*:2005\";\n",
			"2: cluster_address needs \"host:port\" at which other "
			"nodes find this one\n");
}

Test(config, the_address_for_nodes_is_made_of_name_and_port)
{
	struct file file;

	file_read(&file, "hostname = \"be1\";\n"
			 "listen = { cluster = [ \"127.0.0.1:77\" ]; };\n");
	settings_complete(&file.settings);
	cr_assert_str_eq(file.settings.cluster_address, "be1:77");
	file_done(&file);
	file_read(&file, "hostname = \"be1\";\n");
	settings_complete(&file.settings);
	cr_assert_str_eq(file.settings.cluster_address, "be1:2005");
	file_done(&file);
}

Test(config, the_prefixes_of_the_namespace_are_checked)
{
	expect_problems("namespace = { others = \"Users\";\n"
			"  shared = \"Public\"; };\n",
			"");
	expect_problems("namespace = {\n others = \"\";\n};\n",
			"2: namespace.others is empty\n");
	expect_problems("namespace = {\n others = \"a/b\";\n};\n",
			"2: namespace.others \"a/b\" contains the "
			"separator\n");
	expect_problems("namespace = {\n\n shared = \"Inbox\";\n};\n",
			"3: namespace.shared \"Inbox\" is the INBOX of every "
			"user\n");
	expect_problems("namespace = {\n shared = \"a*\";\n};\n",
			"2: namespace.shared \"a*\" cannot be the name of a "
			"mailbox\n");
}

/* The separator may stand behind them, or in a file of its own. */
Test(config, the_prefixes_are_checked_with_the_separator_of_the_file)
{
	expect_problems("namespace = {\n others = \"a.b\";\n"
			" separator = \".\";\n};\n",
			"2: namespace.others \"a.b\" contains the "
			"separator\n");
	expect_problems("namespace = { others = \"a.b\"; };\n", "");
}

Test(config, two_equal_prefixes_are_told_with_both_lines)
{
	expect_problems("namespace = {\n others = \"Others\";\n"
			" shared = \"others\";\n};\n",
			"2: namespace.others is the same as "
			"namespace.shared\n"
			"3: namespace.shared is the same as "
			"namespace.others\n");
}

Test(config, a_prefix_equal_to_the_default_of_the_other_is_told)
{
	expect_problems("namespace = {\n others = \"Shared Folders\";\n};\n",
			"2: namespace.others is the same as "
			"namespace.shared\n");
}
