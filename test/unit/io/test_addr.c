#include "io/addr.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/sockaddr.h"

static void expect_place(const char *text, bool local, const char *host,
			 unsigned port)
{
	struct io_place place;

	cr_assert(io_place_parse(slice_str(text), &place) == ERR_NONE, "%s",
		  text);
	cr_assert(place.local == local, "%s", text);
	cr_assert_str_eq(place.host, host);
	cr_assert(place.port == port, "%s", text);
}

static void expect_no_place(const char *text)
{
	struct io_place place;

	cr_assert(io_place_parse(slice_str(text), &place) == ERR_SYNTAX, "%s",
		  text);
}

Test(addr, places_are_read_as_administrators_write_them)
{
	expect_place("127.0.0.1:143", false, "127.0.0.1", 143);
	expect_place("imap.example.org:993", false, "imap.example.org", 993);
	expect_place("*:0", false, "", 0);
	expect_place("[::1]:65535", false, "::1", 65535);
	expect_place("[2001:db8::1]:24", false, "2001:db8::1", 24);
	expect_place("/run/murder/lmtp", true, "/run/murder/lmtp", 0);
}

Test(addr, what_is_no_place_is_refused)
{
	expect_no_place("");
	expect_no_place("imap.example.org");
	expect_no_place(":143");
	expect_no_place("host:");
	expect_no_place("host:65536");
	expect_no_place("host:-1");
	expect_no_place("host:imap");
	expect_no_place("::1:143");
	expect_no_place("[::1]143");
	expect_no_place("[::1]");
	expect_no_place("[host]:143");
	expect_no_place("[]:143");
	expect_no_place("[");
}

Test(addr, hosts_and_paths_have_a_greatest_length)
{
	char text[300];
	struct io_place place;

	memset(text, 'a', sizeof(text));
	text[0] = '/';
	cr_assert(io_place_parse(slice_of(text, IO_PATH_MAX), &place) ==
		  ERR_NONE);
	cr_assert(strlen(place.host) == IO_PATH_MAX);
	cr_assert(io_place_parse(slice_of(text, IO_PATH_MAX + 1), &place) ==
		  ERR_SYNTAX);
	text[0] = 'a';
	memcpy(text + IO_HOST_MAX, ":1", 2);
	cr_assert(io_place_parse(slice_of(text, IO_HOST_MAX + 2), &place) ==
		  ERR_NONE);
	cr_assert(strlen(place.host) == IO_HOST_MAX);
	memcpy(text + IO_HOST_MAX, "a:1", 3);
	cr_assert(io_place_parse(slice_of(text, IO_HOST_MAX + 3), &place) ==
		  ERR_SYNTAX);
	cr_assert(io_place_parse(slice_of("/a\0b", 4), &place) == ERR_SYNTAX);
	cr_assert(io_place_parse(slice_of("a\0b:1", 5), &place) == ERR_SYNTAX);
}

static void expect_addr(const struct io_addr *addr, const char *text,
			const char *host, bool local)
{
	char out[IO_ADDR_TEXT_MAX];

	io_addr_text(addr, out);
	cr_assert_str_eq(out, text);
	io_addr_host(addr, out);
	cr_assert_str_eq(out, host);
	cr_assert(io_addr_is_local(addr) == local);
}

Test(addr, addresses_have_a_text)
{
	struct io_addr addr = { .kind = IO_ADDR_IPV4,
				.ip = { 192, 0, 2, 1 },
				.port = 993 };

	expect_addr(&addr, "192.0.2.1:993", "192.0.2.1", false);
	addr.ip[0] = 127;
	expect_addr(&addr, "127.0.2.1:993", "127.0.2.1", true);
	addr = (struct io_addr){ .kind = IO_ADDR_IPV6,
				 .ip = { [15] = 1 },
				 .port = 65535 };
	expect_addr(&addr, "[::1]:65535", "::1", true);
	memset(addr.ip, 0xfd, 16);
	expect_addr(&addr, "[fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd]:65535",
		    "fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd:fdfd", false);
	addr = (struct io_addr){ .kind = IO_ADDR_UNIX,
				 .local = { UINT32_MAX, UINT32_MAX } };
	expect_addr(&addr, "unix:pid=4294967295,uid=4294967295",
		    "unix:pid=4294967295,uid=4294967295", true);
	addr = (struct io_addr){ .kind = IO_ADDR_NONE };
	expect_addr(&addr, "unknown", "unknown", false);
}

Test(addr, the_peer_of_a_unix_socket_is_its_process)
{
	struct io_addr addr;
	int fds[2];

	cr_assert(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	sockaddr_peer(fds[0], &addr);
	cr_assert(addr.kind == IO_ADDR_UNIX);
	cr_assert(addr.local.pid == (uint32_t)getpid());
	cr_assert(addr.local.uid == (uint32_t)getuid());
	(void)close(fds[0]);
	(void)close(fds[1]);
	sockaddr_peer(fds[0], &addr);
	cr_assert(addr.kind == IO_ADDR_NONE);
}
