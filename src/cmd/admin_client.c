/*
 * Lines of JSON over a Unix socket.
 */
#include "cmd/admin_client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/mem.h"
#include "base/panic.h"

#define READ_CHUNK 65536

enum err admin_client_open(struct admin_client *client, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	*client = (struct admin_client){ .fd = -1 };
	if (strlen(path) >= sizeof(address.sun_path))
		return ERR_LIMIT;
	memcpy(address.sun_path, path, strlen(path) + 1);
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd < 0)
		return ERR_IO;
	if (connect(client->fd, (const struct sockaddr *)&address,
		    sizeof(address)) == 0)
		return ERR_NONE;
	return errno == EACCES ? ERR_DENIED : ERR_UNAVAILABLE;
}

void admin_client_close(struct admin_client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
	buf_fini(&client->in);
}

enum err admin_client_send(struct admin_client *client, struct slice octets)
{
	while (octets.len) {
		ssize_t sent =
			send(client->fd, octets.data, octets.len, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return ERR_CLOSED;
		octets = slice_from(octets, (size_t)sent);
	}
	return ERR_NONE;
}

enum err admin_client_request(struct admin_client *client, const char *command,
			      json_t *args)
{
	json_t *request = json_pack("{s:i, s:s, s:o}", "v", 1, "cmd", command,
				    "args", args ? args : json_object());
	char *text = json_dumps(request, JSON_COMPACT);
	enum err err;

	MUST(text);
	err = admin_client_send(client, slice_str(text));
	if (!err)
		err = admin_client_send(client, SLICE_LIT("\n"));
	secret_wipe(text, strlen(text));
	free(text); /* tidy: allow free: jansson's memory */
	json_decref(request);
	return err;
}

static bool readable(const struct admin_client *client)
{
	struct pollfd one = { .fd = client->fd, .events = POLLIN };

	return poll(&one, 1, 0) > 0;
}

static enum err read_more(struct admin_client *client)
{
	ssize_t got;

	do {
		got = read(client->fd, buf_reserve(&client->in, READ_CHUNK),
			   READ_CHUNK);
	} while (got < 0 && errno == EINTR);
	if (got <= 0)
		return ERR_CLOSED;
	client->in.len += (size_t)got;
	return ERR_NONE;
}

enum err admin_client_read(struct admin_client *client, bool wait,
			   json_t **line_r)
{
	size_t len;

	while ((len = slice_find(buf_slice(&client->in), '\n')) ==
	       client->in.len) {
		enum err err;

		if (!wait && !readable(client))
			return ERR_END;
		err = read_more(client);
		if (err)
			return err;
	}
	*line_r = json_loadb((const char *)client->in.data, len,
			     JSON_REJECT_DUPLICATES, NULL);
	buf_drop(&client->in, len + 1);
	return json_is_object(*line_r) ? ERR_NONE : ERR_SYNTAX;
}
