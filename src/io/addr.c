/*
 * Addresses as text and back. No system call happens here: names are resolved
 * where sockets are made.
 */
#include "io/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/panic.h"
#include "io/sockaddr.h"

static void addr_format(const struct io_addr *addr, bool port,
			char text[IO_ADDR_TEXT_MAX])
{
	char ip[INET6_ADDRSTRLEN] = "";
	int family = addr->kind == IO_ADDR_IPV4 ? AF_INET : AF_INET6;

	MUST(inet_ntop(family, addr->ip, ip, sizeof(ip)));
	if (!port)
		(void)snprintf(text, IO_ADDR_TEXT_MAX, "%s", ip);
	else if (family == AF_INET)
		(void)snprintf(text, IO_ADDR_TEXT_MAX, "%s:%u", ip, addr->port);
	else
		(void)snprintf(text, IO_ADDR_TEXT_MAX, "[%s]:%u", ip,
			       addr->port);
}

static void addr_text(const struct io_addr *addr, bool port,
		      char text[IO_ADDR_TEXT_MAX])
{
	switch (addr->kind) {
	case IO_ADDR_NONE:
		(void)snprintf(text, IO_ADDR_TEXT_MAX, "unknown");
		return;
	case IO_ADDR_IPV4:
	case IO_ADDR_IPV6:
		addr_format(addr, port, text);
		return;
	case IO_ADDR_UNIX:
		(void)snprintf(text, IO_ADDR_TEXT_MAX, "unix:pid=%u,uid=%u",
			       addr->local.pid, addr->local.uid);
		return;
	}
	PANIC("io_addr %d", (int)addr->kind);
}

void io_addr_text(const struct io_addr *addr, char text[IO_ADDR_TEXT_MAX])
{
	addr_text(addr, true, text);
}

void io_addr_host(const struct io_addr *addr, char text[IO_ADDR_TEXT_MAX])
{
	addr_text(addr, false, text);
}

bool io_addr_is_local(const struct io_addr *addr)
{
	switch (addr->kind) {
	case IO_ADDR_NONE:
		return false;
	case IO_ADDR_IPV4:
		return addr->ip[0] == 127;
	case IO_ADDR_IPV6:
		return memcmp(addr->ip, &in6addr_loopback, 16) == 0;
	case IO_ADDR_UNIX:
		return true;
	}
	PANIC("io_addr %d", (int)addr->kind);
}

/* ---- from the system ---- */

static void addr_from_v6(const struct sockaddr_in6 *in6, struct io_addr *addr_r)
{
	addr_r->port = ntohs(in6->sin6_port);
	if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		addr_r->kind = IO_ADDR_IPV4;
		memcpy(addr_r->ip, &in6->sin6_addr.s6_addr[12], 4);
		return;
	}
	addr_r->kind = IO_ADDR_IPV6;
	memcpy(addr_r->ip, in6->sin6_addr.s6_addr, 16);
}

static void addr_from_unix(int fd, struct io_addr *addr_r)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return;
	addr_r->kind = IO_ADDR_UNIX;
	addr_r->local.pid = (uint32_t)cred.pid;
	addr_r->local.uid = (uint32_t)cred.uid;
}

void sockaddr_peer(int fd, struct io_addr *addr_r)
{
	union sockaddr_any any = { 0 };
	socklen_t len = sizeof(any);

	*addr_r = (struct io_addr){ .kind = IO_ADDR_NONE };
	if (getpeername(fd, &any.sa, &len) < 0)
		return;
	if (any.sa.sa_family == AF_INET) {
		addr_r->kind = IO_ADDR_IPV4;
		addr_r->port = ntohs(any.in.sin_port);
		memcpy(addr_r->ip, &any.in.sin_addr, 4);
	} else if (any.sa.sa_family == AF_INET6) {
		addr_from_v6(&any.in6, addr_r);
	} else if (any.sa.sa_family == AF_UNIX) {
		addr_from_unix(fd, addr_r);
	}
}

uint16_t sockaddr_local_port(int fd)
{
	union sockaddr_any any = { 0 };
	socklen_t len = sizeof(any);

	if (getsockname(fd, &any.sa, &len) < 0)
		return 0;
	if (any.sa.sa_family == AF_INET)
		return ntohs(any.in.sin_port);
	if (any.sa.sa_family == AF_INET6)
		return ntohs(any.in6.sin6_port);
	return 0;
}

socklen_t sockaddr_unix(const char *path, union sockaddr_any *any_r)
{
	size_t len = strlen(path);

	MUST(len <= IO_PATH_MAX);
	*any_r = (union sockaddr_any){ 0 };
	any_r->un.sun_family = AF_UNIX;
	memcpy(any_r->un.sun_path, path, len + 1);
	return sizeof(any_r->un);
}

/* ---- from people ---- */

/* Cuts "host:port" or "[v6]:port" into its two halves. */
static bool place_cut(struct slice text, struct slice *host_r,
		      struct slice *port_r)
{
	size_t end;

	if (text.len > 0 && text.data[0] == '[') {
		end = slice_find(text, ']');
		if (end + 1 >= text.len || text.data[end + 1] != ':')
			return false;
		*host_r = slice_from(slice_first(text, end), 1);
		*port_r = slice_from(text, end + 2);
		return slice_find(*host_r, ':') < host_r->len;
	}
	end = slice_find(text, ':');
	if (end == text.len)
		return false;
	*host_r = slice_first(text, end);
	*port_r = slice_from(text, end + 1);
	return true;
}

static enum err place_parse_local(struct slice path, struct io_place *place_r)
{
	if (path.len > IO_PATH_MAX || slice_find(path, '\0') < path.len)
		return ERR_SYNTAX;
	place_r->local = true;
	memcpy(place_r->host, path.data, path.len);
	return ERR_NONE;
}

enum err io_place_parse(struct slice text, struct io_place *place_r)
{
	struct slice host, port;
	uint64_t number;

	*place_r = (struct io_place){ 0 };
	if (text.len > 0 && text.data[0] == '/')
		return place_parse_local(text, place_r);
	if (!place_cut(text, &host, &port) || host.len == 0 ||
	    host.len > IO_HOST_MAX || slice_find(host, '\0') < host.len)
		return ERR_SYNTAX;
	if (!slice_to_u64(port, UINT16_MAX, &number))
		return ERR_SYNTAX;
	if (!slice_eq(host, SLICE_LIT("*")))
		memcpy(place_r->host, host.data, host.len);
	place_r->port = (uint16_t)number;
	return ERR_NONE;
}
