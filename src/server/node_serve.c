/*
 * Certificates and listeners of a node.
 */
#include "server/node_serve.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "io/disk.h"
#include "io/notify.h"
#include "server/imap_link.h"
#include "server/lmtp_link.h"
#include "server/node_peers.h"

/* ---- certificates ---- */

static bool exists(const char *path)
{
	struct disk *disk = io_disk();
	int fd;

	if (disk->open(disk, path, DISK_READ, &fd))
		return false;
	disk->close(disk, fd);
	return true;
}

/* <data>/tls with a pair of our own: enough to start, not to be trusted. */
static enum err make_pair(struct node *node, struct buf *why)
{
	const struct settings *settings = node->settings;
	const char *names[] = { settings->hostname, "localhost", "127.0.0.1" };
	struct disk *disk = io_disk();
	struct buf path = { 0 };
	enum err err;

	buf_printf(&path, "%s/tls", settings->data);
	err = disk->mkdir(disk, buf_cstr(&path));
	if (err == ERR_EXISTS)
		err = ERR_NONE;
	if (!err)
		err = io_tls_selfsigned(settings->tls_certificate,
					settings->tls_key, names,
					ARRAY_LEN(names));
	if (err)
		buf_printf(why, "%s: no certificate could be made: %s",
			   settings->tls_certificate, err_text(err));
	else
		LOG_INFO("made a self-signed certificate: %s",
			 settings->tls_certificate);
	buf_fini(&path);
	return err;
}

/* The settings name the pair that we would make ourselves. */
static bool is_own_pair(const struct settings *settings)
{
	size_t len = strlen(settings->data);

	return strncmp(settings->tls_certificate, settings->data, len) == 0 &&
	       strcmp(settings->tls_certificate + len, "/tls/cert.pem") == 0;
}

enum err node_tls_open(struct node *node, struct buf *why)
{
	const struct settings *settings = node->settings;
	struct io_tls_pair pair = { settings->tls_certificate,
				    settings->tls_key };
	struct io_tls_server_config config = {
		.pairs = &pair,
		.count = 1,
		.ask = IO_TLS_ASK_NOTHING,
	};
	enum err err = ERR_NONE;

	if (is_own_pair(settings) && !exists(settings->tls_certificate))
		err = make_pair(node, why);
	if (!err)
		err = io_tls_server_new(&config, why, &node->tls);
	return err;
}

/* ---- listeners ---- */

static void accept_imap(void *arg, struct io_loop *loop,
			struct io_accepted *accepted)
{
	imap_link_accept(node_loop(arg, loop), accepted, false);
}

static void accept_imaps(void *arg, struct io_loop *loop,
			 struct io_accepted *accepted)
{
	imap_link_accept(node_loop(arg, loop), accepted, true);
}

static void accept_lmtp(void *arg, struct io_loop *loop,
			struct io_accepted *accepted)
{
	lmtp_link_accept(node_loop(arg, loop), accepted);
}

struct server_loop *node_loop(const struct node *node,
			      const struct io_loop *loop)
{
	for (unsigned i = 0; i < node->loop_count; i++)
		if (node->io_loops[i] == loop)
			return node->loops[i];
	return NULL;
}

/* "unix:/path" is "/path" for io/. */
static const char *place_text(const char *address)
{
	return strncmp(address, "unix:", 5) == 0 ? address + 5 : address;
}

/* What is offered at some addresses. */
struct service {
	const char *name;
	const struct settings_listen *listen;
	io_listener_accept *accept;
	struct slice busy; /* to a client above the limit */
	struct io_loop *const *loops;
	size_t loop_count;
};

static enum err listen_one(struct node *node, const char *address,
			   const struct service *service, struct buf *why)
{
	struct io_listener_config config = {
		.fd = -1,
		.mode = 0660,
		.busy = service->busy,
		.accept = service->accept,
		.arg = node,
	};
	struct io_listener *listener;
	enum err err =
		io_place_parse(slice_str(place_text(address)), &config.place);

	if (err) {
		buf_printf(why, "listen address \"%s\": %s", address,
			   err_text(err));
		return err;
	}
	err = io_listener_open(node->main, service->loops, service->loop_count,
			       &config, why, &listener);
	if (err)
		return err;
	node->listeners[node->listener_count++] = listener;
	if (config.place.local)
		LOG_INFO("%s listens on %s", service->name, config.place.host);
	else
		LOG_INFO("%s listens on %s:%u", service->name,
			 config.place.host[0] ? config.place.host : "*",
			 io_listener_port(listener));
	return ERR_NONE;
}

static enum err listen_all(struct node *node, const struct service *service,
			   struct buf *why)
{
	for (unsigned i = 0; i < service->listen->count; i++) {
		enum err err = listen_one(node, service->listen->addresses[i],
					  service, why);

		if (err)
			return err;
	}
	return ERR_NONE;
}

static enum err listen_clients(struct node *node,
			       const struct settings_listen *listen,
			       const char *name, io_listener_accept *accept,
			       struct slice busy, struct buf *why)
{
	const struct service service = {
		.name = name,
		.listen = listen,
		.accept = accept,
		.busy = busy,
		.loops = node->io_loops,
		.loop_count = node->loop_count,
	};

	return listen_all(node, &service, why);
}

enum err node_listen_nodes(struct node *node, struct buf *why)
{
	struct io_loop *loops[] = { peers_bulk_loop(node->peers) };
	const struct service service = {
		.name = "cluster",
		.listen = &node->settings->cluster,
		.accept = node_peers_accept,
		.loops = loops,
		.loop_count = 1,
	};
	enum err err = listen_all(node, &service, why);

	if (err)
		node_unlisten(node);
	return err;
}

enum err node_listen_clients(struct node *node, struct buf *why)
{
	const struct settings *settings = node->settings;
	struct slice imap_busy =
		SLICE_LIT("* BYE [UNAVAILABLE] too many connections\r\n");
	struct slice lmtp_busy =
		SLICE_LIT("421 4.3.2 too many connections\r\n");
	enum err err = listen_clients(node, &settings->imap, "imap",
				      accept_imap, imap_busy, why);

	if (!err)
		err = listen_clients(node, &settings->imaps, "imaps",
				     accept_imaps, SLICE_NONE, why);
	if (!err)
		err = listen_clients(node, &settings->lmtp, "lmtp", accept_lmtp,
				     lmtp_busy, why);
	if (err)
		node_unlisten(node);
	else
		io_notify(IO_NOTIFY_READY);
	return err;
}

enum err node_listen(struct node *node, struct buf *why)
{
	enum err err = node_listen_nodes(node, why);

	return err ? err : node_listen_clients(node, why);
}

void node_unlisten(struct node *node)
{
	for (unsigned i = 0; i < node->listener_count && !node->deaf; i++)
		io_listener_close(node->listeners[i]);
	node->deaf = true;
}

void node_unlisten_free(struct node *node)
{
	for (unsigned i = 0; i < node->listener_count; i++)
		io_listener_free(&node->listeners[i]);
	node->listener_count = 0;
}
