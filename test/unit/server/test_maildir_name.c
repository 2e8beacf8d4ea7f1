/*
 * Folders of a Maildir++ as mailboxes of the directory.
 */
#include <criterion/criterion.h>

#include "server/maildir_name.h"

static void becomes(const char *folder, const char *want)
{
	struct buf name = { 0 };
	bool good;

	buf_add_str(&name, "user.john");
	good = maildir_name_add(slice_str(folder), &name);
	cr_assert_eq(good, want != NULL, "%s", folder);
	if (want)
		cr_assert_str_eq(buf_cstr(&name), want);
	buf_fini(&name);
}

Test(maildir_name, dots_part_components)
{
	becomes(".Sent", "user.john.Sent");
	becomes(".Sent.2024.x", "user.john.Sent.2024.x");
	becomes(".a b", "user.john.a b");
}

Test(maildir_name, components_are_decoded_one_by_one)
{
	becomes(".Entw&APw-rfe.&ZeVnLIqe-",
		"user.john.Entw\xc3\xbcrfe.\xe6\x97\xa5\xe6\x9c\xac"
		"\xe8\xaa\x9e");
	becomes(".a&-b", "user.john.a&b");
}

Test(maildir_name, what_is_no_utf7_stands_for_itself)
{
	becomes(".Entw\xc3\xbcrfe", "user.john.Entw\xc3\xbcrfe");
	becomes(".R&D", "user.john.R&D");
}

Test(maildir_name, what_is_no_folder_is_refused)
{
	becomes("", NULL);
	becomes(".", NULL);
	becomes("Sent", NULL);
	becomes("..Sent", NULL);
	becomes(".a..b", NULL);
	becomes(".a.", NULL);
	becomes(".\xff", NULL);
}
