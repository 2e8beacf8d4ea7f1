/*
 * Addresses of sockets, in the form in which a connection keeps them.
 */
#ifndef IO_ADDR_H
#define IO_ADDR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

/* "[v6]:65535" and a 0; "unix:pid=4194304,uid=4294967295" fits as well. */
#define IO_ADDR_TEXT_MAX 56

enum io_addr_kind {
	IO_ADDR_NONE,
	IO_ADDR_IPV4, /* also an IPv4 client of a dual-stack socket */
	IO_ADDR_IPV6,
	IO_ADDR_UNIX, /* the peer's credentials */
};

struct io_addr {
	enum io_addr_kind kind;
	union {
		uint8_t ip[16]; /* network order; IPv4 in the first 4 */
		struct {
			uint32_t pid;
			uint32_t uid;
		} local;
	};
	uint16_t port;
};

/* "192.0.2.1:993", "[2001:db8::1]:993", "unix:pid=1,uid=0". */
void io_addr_text(const struct io_addr *addr, char text[IO_ADDR_TEXT_MAX]);

/* The same without port, as logs and rate limits by host want it. */
void io_addr_host(const struct io_addr *addr, char text[IO_ADDR_TEXT_MAX]);

/* A Unix socket, 127.0.0.0/8 or ::1. */
bool io_addr_is_local(const struct io_addr *addr);

#define IO_HOST_MAX 255 /* octets of a host name (RFC 1035 section 2.3.4) */
#define IO_PATH_MAX 107 /* octets of a socket's path: sun_path without 0 */

/* Where to listen or to connect to, as an administrator writes it. */
struct io_place {
	bool local; /* `host` is the path of a Unix socket */
	char host[IO_HOST_MAX + 1];
	uint16_t port;
};

/*
 * "host:port", "[v6]:port", "*:port" (all addresses; host is empty), or a path
 * that starts with '/'. ERR_SYNTAX otherwise.
 */
must_use enum err io_place_parse(struct slice text, struct io_place *place_r);

#endif
