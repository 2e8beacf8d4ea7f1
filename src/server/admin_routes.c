/*
 * The table of routes (proxy/routes.h) for people.
 */
#include "proxy/routes.h"
#include "server/admin_call.h"

void admin_routes(struct admin_call *call)
{
	struct buf text = { 0 };

	proxy_routes_print(&text);
	admin_ok(call,
		 json_pack("{s:o}", "routes", admin_string(buf_slice(&text))));
	buf_fini(&text);
}
