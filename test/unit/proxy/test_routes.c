/*
 * Where commands and asks go.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "proxy/routes.h"

Test(routes, what_reads_messages_is_selected)
{
	cr_assert_eq(proxy_route_of(IMAP_FETCH), PROXY_SELECTED);
	cr_assert_eq(proxy_route_of(IMAP_SELECT), PROXY_MAILBOX);
	cr_assert_eq(proxy_route_of(IMAP_SETACL), PROXY_HERE);
	cr_assert_eq(proxy_route_of(IMAP_APPEND), PROXY_FLOW);
}

Test(routes, no_write_is_read_from_a_copy)
{
	static const enum imap_ask_kind writes[] = {
		IMAP_ASK_STORE,   IMAP_ASK_EXPUNGE, IMAP_ASK_COPY,
		IMAP_ASK_UPLOAD,  IMAP_ASK_APPEND,  IMAP_ASK_CREATE,
		IMAP_ASK_DELETE,  IMAP_ASK_RENAME,  IMAP_ASK_SUBSCRIBE,
		IMAP_ASK_SET_ACL,
	};

	for (size_t i = 0; i < ARRAY_LEN(writes); i++)
		cr_assert_eq(proxy_way_of(writes[i]), PROXY_WAY_LOG);
	cr_assert_eq(proxy_way_of(IMAP_ASK_ROWS), PROXY_WAY_COPY);
	cr_assert_eq(proxy_way_of(IMAP_ASK_LIST), PROXY_WAY_DIRECTORY);
}

Test(routes, the_table_has_a_line_for_each_command)
{
	struct buf text = { 0 };
	unsigned lines = 0;

	proxy_routes_print(&text);
	for (size_t i = 0; i < text.len; i++)
		lines += text.data[i] == '\n';
	cr_assert_eq(lines, IMAP_UNSUBSCRIBE + 1);
	cr_assert_not_null(strstr(buf_cstr(&text), "FETCH         selected\n"));
	buf_fini(&text);
}
