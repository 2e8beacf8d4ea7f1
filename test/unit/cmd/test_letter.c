/*
 * What files of mail say of messages: mbox and Maildir.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/stat.h>

/* tidy: allow layers: scratch directories are the same everywhere */
#include "../cluster/scratch.h"
#include "base/mem.h"
#include "cmd/ctl_letter.h"

/* "\Seen $Junk" */
static void expect_flags(json_t *flags, const char *want)
{
	struct buf text = { 0 };
	json_t *flag;
	size_t i;

	json_array_foreach(flags, i, flag) buf_printf(
		&text, "%s%s", i ? " " : "", json_string_value(flag));
	cr_assert_str_eq(buf_cstr(&text), want);
	buf_fini(&text);
	json_decref(flags);
}

/* ---- mbox ---- */

static void expect_mbox(const char *mbox, size_t count, const char *const *want)
{
	struct slice rest = slice_str(mbox);
	struct buf out = { 0 };

	for (size_t i = 0; i < count; i++) {
		struct letter letter;

		cr_assert(mbox_is_from_line(rest), "%zu", i);
		letter = mbox_take(&rest, &out);
		cr_assert(slice_eq(letter.octets, slice_str(want[i])),
			  "%zu: %.*s", i, SLICE_FMT(letter.octets));
		json_decref(letter.flags);
	}
	cr_assert_eq(rest.len, 0);
	buf_fini(&out);
}

Test(mbox, messages_end_before_the_next_from_line)
{
	expect_mbox("From a\nA: 1\n\nx\n\nFrom b\nB: 2\n\ny\n\n", 2,
		    (const char *[]){ "A: 1\n\nx\n", "B: 2\n\ny\n" });
}

Test(mbox, the_last_line_may_have_no_end)
{
	expect_mbox("From a\nA: 1\n\nx", 1, (const char *[]){ "A: 1\n\nx" });
	expect_mbox("From a", 1, (const char *[]){ "" });
	expect_mbox("From a\n", 1, (const char *[]){ "" });
}

Test(mbox, lines_with_cr_keep_it)
{
	expect_mbox("From a\r\nA: 1\r\n\r\nx\r\n\r\nFrom b\r\n\r\n", 2,
		    (const char *[]){ "A: 1\r\n\r\nx\r\n", "" });
}

Test(mbox, one_quote_is_taken_away)
{
	expect_mbox("From a\n\n>From x\n>>From y\n>Fromage\n", 1,
		    (const char *[]){ "\nFrom x\n>From y\n>Fromage\n" });
}

Test(mbox, the_from_line_has_the_date)
{
	struct slice rest = slice_str("From a Tue Nov 14 22:13:20 2023\nx\n");
	struct buf out = { 0 };
	struct letter letter = mbox_take(&rest, &out);

	cr_assert_eq(letter.date, 1700000000);
	json_decref(letter.flags);
	rest = slice_str("From nobody\nx\n");
	letter = mbox_take(&rest, &out);
	cr_assert_eq(letter.date, 0);
	json_decref(letter.flags);
	buf_fini(&out);
}

Test(mbox, status_fields_of_the_header_are_flags)
{
	struct slice rest = slice_str("From a\nstatus: RO\nX-Status: FDT\n\n"
				      "X-Status: A\n");
	struct buf out = { 0 };
	struct letter letter = mbox_take(&rest, &out);

	expect_flags(letter.flags, "\\Seen \\Flagged \\Draft \\Deleted");
	buf_fini(&out);
}

/* ---- Maildir ---- */

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	cr_assert_not_null(file);
	fputs(text, file);
	cr_assert_eq(fclose(file), 0);
}

static void make_folder(const char *folder, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	cr_assert_eq(mkdir(path, 0700), 0);
}

Test(maildir, letters_behind_the_name_are_flags)
{
	static const struct maildir_keywords none;

	expect_flags(maildir_flags("m/cur/1.x:2,FS", &none),
		     "\\Flagged \\Seen");
	expect_flags(maildir_flags("m/cur/1.x:2,DPRTz?", &none),
		     "\\Draft $Forwarded \\Answered \\Deleted");
	expect_flags(maildir_flags("m/new/1.x", &none), "");
	expect_flags(maildir_flags("1.x:1,S", &none), "");
	/* only the file's own name counts */
	expect_flags(maildir_flags("a:2,S/cur/1.x", &none), "");
}

Test(maildir, keywords_are_read_from_the_folder)
{
	char *dir = scratch_new();
	struct maildir_keywords keywords;

	write_file(dir, "dovecot-keywords",
		   "0 $Junk\n25 last\n26 toofar\n1 a(b\nx y\n0 again\n3\n");
	maildir_keywords_read(dir, &keywords);
	expect_flags(maildir_flags("1.x:2,Sabdz", &keywords),
		     "\\Seen $Junk last");
	maildir_keywords_fini(&keywords);
	maildir_keywords_read("/nowhere", &keywords);
	expect_flags(maildir_flags("1.x:2,a", &keywords), "");
	maildir_keywords_fini(&keywords);
	scratch_free(&dir);
}

Test(maildir, folders_are_those_with_a_dot_and_a_cur)
{
	char *dir = scratch_new();
	struct maildir_folders folders;

	cr_assert_not(maildir_is(dir));
	make_folder(dir, "cur");
	cr_assert(maildir_is(dir));
	make_folder(dir, ".Sent");
	make_folder(dir, ".Sent/cur");
	make_folder(dir, ".A.b");
	make_folder(dir, ".A.b/cur");
	make_folder(dir, ".none");
	make_folder(dir, "plain");
	make_folder(dir, "plain/cur");
	write_file(dir, ".file", "");
	maildir_folders_read(dir, &folders);
	cr_assert_eq(folders.count, 2);
	cr_assert_str_eq(folders.names[0], ".A.b");
	cr_assert_str_eq(folders.names[1], ".Sent");
	maildir_folders_fini(&folders);
	maildir_folders_read("/nowhere", &folders);
	cr_assert_eq(folders.count, 0);
	maildir_folders_fini(&folders);
	scratch_free(&dir);
}
