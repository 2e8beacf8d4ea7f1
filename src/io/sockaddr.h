/*
 * Socket addresses of the system, for this folder only.
 */
#ifndef IO_SOCKADDR_H
#define IO_SOCKADDR_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "io/addr.h"

union sockaddr_any {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

/* The other end of `fd`; kind NONE if it is gone already. */
void sockaddr_peer(int fd, struct io_addr *addr_r);

/* Our port of `fd`; 0 for a Unix socket. */
uint16_t sockaddr_local_port(int fd);

/* `path` has at most IO_PATH_MAX octets; returns the length to pass on. */
socklen_t sockaddr_unix(const char *path, union sockaddr_any *any_r);

#endif
