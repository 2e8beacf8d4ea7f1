/*
 * Address lists: nothing that IMAP cannot show comes out, groups are closed,
 * and what is shown of a list read again is a list of as many.
 */
#include "base/panic.h"
#include "mail/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_string(struct slice s)
{
	MUST(slice_find(s, 0) == s.len);
	MUST(slice_find(s, '\n') == s.len);
}

static void check_list(const struct mail_address *list)
{
	bool in_group = false;
	unsigned count = 0;

	for (const struct mail_address *a = list; a; a = a->next) {
		check_string(a->name);
		check_string(a->route);
		check_string(a->mailbox);
		check_string(a->host);
		MUST(++count <= MAIL_ADDRESSES_MAX + 1);
		if (a->host.data) {
			MUST(a->mailbox.data);
			continue;
		}
		MUST(!a->name.data && !a->route.data);
		MUST(in_group == (a->mailbox.data == NULL));
		in_group = !in_group;
	}
	MUST(!in_group);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	struct mail_address *list = NULL;
	struct mail_address **tail =
		mail_address_parse(slice_of(data, size), &arena, &list);

	MUST(*tail == NULL);
	check_list(list);
	arena_fini(&arena);
	return 0;
}
