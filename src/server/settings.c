/*
 * Defaults of the settings, and what some say against others.
 *
 * Each default stands here once, with its reason where a number needs one; the
 * example configuration shows the same values as comments.
 */
#include "server/settings.h"

#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "cluster/directory.h"
#include "cluster/namespace.h"
#include "io/addr.h"
#include "server/peers.h"

#define MINUTE_MS (60u * 1000u)
#define MIB (1024ull * 1024ull)
#define GIB (1024ull * MIB)

static char *text_dup(const char *text)
{
	return mem_dup(text, strlen(text));
}

static char *own_hostname(void)
{
	char name[256] = "";

	if (gethostname(name, sizeof(name) - 1) != 0 || name[0] == '\0')
		return text_dup("localhost");
	return text_dup(name);
}

void settings_init(struct settings *settings)
{
	*settings = (struct settings){
		.message_max = 64 * MIB,
		.login_timeout_ms = MINUTE_MS,
		/* RFC 9051 section 5.4: at least 30 minutes */
		.idle_timeout_ms = 30 * MINUTE_MS,
		.login_delay_ms = 2000,
		.login_remember_ms = 10 * MINUTE_MS,
		.altnamespace = true,
		.separator = '/',
		.detail_separator = '+',
		/* address space only: nothing is allocated */
		.map_size = 64 * GIB,
		.wal_segment = 16 * MIB,
		.wal_keep = 4 * GIB,
		.fill_limit = 90,
		.space_min = 256 * MIB,
		.scrub_ms = 7 * 24 * 60 * MINUTE_MS,
		.mail_groups = 4,
		.log_level = LOG_LEVEL_INFO,
	};
	settings->hostname = own_hostname();
	settings->others_prefix = text_dup("Other Users");
	settings->shared_prefix = text_dup("Shared Folders");
}

static void listen_fini(struct settings_listen *listen)
{
	for (unsigned i = 0; i < listen->count; i++)
		mem_free(listen->addresses[i]);
	listen->count = 0;
}

void settings_fini(struct settings *settings)
{
	listen_fini(&settings->imap);
	listen_fini(&settings->imaps);
	listen_fini(&settings->lmtp);
	listen_fini(&settings->cluster);
	mem_free(settings->data);
	mem_free(settings->admin_socket);
	mem_free(settings->hostname);
	mem_free(settings->cluster_address);
	mem_free(settings->tls_certificate);
	mem_free(settings->tls_key);
	mem_free(settings->others_prefix);
	mem_free(settings->shared_prefix);
	*settings = (struct settings){ 0 };
}

/* The port of the first listener for nodes, or the usual one. */
static void default_cluster_address(struct settings *settings)
{
	const struct settings_listen *listen = &settings->cluster;
	struct io_place place = { .port = PEERS_PORT };
	struct buf text = { 0 };

	if (settings->cluster_address)
		return;
	if (listen->count > 0 &&
	    (io_place_parse(slice_str(listen->addresses[0]), &place) ||
	     place.local || place.port == 0))
		place.port = PEERS_PORT;
	buf_printf(&text, "%s:%u", settings->hostname, place.port);
	settings->cluster_address = text_dup(buf_cstr(&text));
	buf_fini(&text);
}

static void default_path(char **path, const char *data, const char *below)
{
	struct buf text = { 0 };

	if (*path)
		return;
	buf_printf(&text, "%s/%s", data, below);
	*path = text_dup(buf_cstr(&text));
	buf_fini(&text);
}

void settings_complete(struct settings *settings)
{
	if (!settings->data)
		settings->data = text_dup("/var/lib/murder");
	default_path(&settings->admin_socket, settings->data, "admin.sock");
	default_path(&settings->tls_certificate, settings->data,
		     "tls/cert.pem");
	default_path(&settings->tls_key, settings->data, "tls/key.pem");
	default_cluster_address(settings);
}

/* ---- checks ---- */

static void check_prefix(const struct settings *settings, const char *key,
			 const char *prefix, settings_fault *fault, void *arg)
{
	const char *what =
		namespace_prefix_fault(settings->separator, slice_str(prefix));
	struct buf text = { 0 };

	if (!what)
		return;
	buf_printf(&text, "\"%s\" %s", prefix, what);
	fault(arg, key, buf_cstr(&text));
	buf_fini(&text);
}

/* Other nodes come over the network and find this one by a name and a port. */
static void check_cluster(const struct settings *settings,
			  settings_fault *fault, void *arg)
{
	const char *address = settings->cluster_address;
	struct io_place place;

	for (unsigned i = 0; i < settings->cluster.count; i++)
		if (io_place_parse(slice_str(settings->cluster.addresses[i]),
				   &place) ||
		    place.local)
			fault(arg, "listen.cluster",
			      "needs \"host:port\": nodes meet over TCP");
	if (address &&
	    (io_place_parse(slice_str(address), &place) || place.local ||
	     place.host[0] == '\0' || place.port == 0 ||
	     strlen(address) > DIRECTORY_ADDRESS_MAX))
		fault(arg, "cluster_address",
		      "needs \"host:port\" at which other nodes find this "
		      "one");
}

/* Also if the view does not use them: the setting may be turned one day. */
void settings_check(const struct settings *settings, settings_fault *fault,
		    void *arg)
{
	static const char others[] = "namespace.others";
	static const char shared[] = "namespace.shared";

	check_cluster(settings, fault, arg);
	check_prefix(settings, others, settings->others_prefix, fault, arg);
	check_prefix(settings, shared, settings->shared_prefix, fault, arg);
	/* People take names that differ only in case for one. */
	if (slice_eq_nocase(slice_str(settings->others_prefix),
			    slice_str(settings->shared_prefix))) {
		fault(arg, others, "is the same as namespace.shared");
		fault(arg, shared, "is the same as namespace.others");
	}
}
