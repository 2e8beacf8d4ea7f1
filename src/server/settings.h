/*
 * What an operator can set: filled by cmd/config from file and command line,
 * read by everybody below, never changed while the daemon runs.
 */
#ifndef SERVER_SETTINGS_H
#define SERVER_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#define SETTINGS_LISTEN_MAX 16 /* addresses of one service */

/* "127.0.0.1:143", "[::1]:143", "*:143", "unix:/run/murder/lmtp.sock". */
struct settings_listen {
	char *addresses[SETTINGS_LISTEN_MAX]; /* owned */
	unsigned count;
};

struct settings {
	/* all strings are owned; settings_fini frees them */
	char *data;            /* directory of this node's data */
	char *admin_socket;    /* path; default <data>/admin.sock */
	char *hostname;        /* default: the machine's */
	char *cluster_address; /* where other nodes reach this one, "host:port";
				* default: hostname and the port that it listens
				* on for them */

	struct settings_listen imap;    /* STARTTLS offered */
	struct settings_listen imaps;   /* implicit TLS */
	struct settings_listen lmtp;    /* STARTTLS offered on TCP */
	struct settings_listen cluster; /* other nodes (server/peers.h) */

	char *tls_certificate; /* PEM; default <data>/tls/cert.pem, made at
				* the first start */
	char *tls_key;         /* PEM; default <data>/tls/key.pem */

	uint64_t message_max;   /* octets of one message: APPENDLIMIT, SIZE */
	bool plain_without_tls; /* passwords in the clear from anywhere */
	uint64_t login_timeout_ms;
	uint64_t idle_timeout_ms;
	uint64_t login_delay_ms;    /* after a wrong password */
	uint64_t login_remember_ms; /* a verified password; 0: not at all */

	bool altnamespace;     /* personal folders beside INBOX, not below */
	char separator;        /* '/' or '.' */
	char *others_prefix;   /* "Other Users" */
	char *shared_prefix;   /* "Shared Folders" */
	char detail_separator; /* LMTP user+detail; 0: none */

	unsigned session_loops; /* 0: one per core */
	unsigned workers;       /* 0: one per core, at least 2 */
	uint64_t map_size;      /* octets of address space of one group */
	uint64_t wal_segment;   /* octets of one log file */
	uint64_t wal_keep;      /* octets of log kept for imports by log */
	unsigned fill_limit;    /* percent of a map above which writes stop */
	uint64_t space_min;     /* octets free on disk below which they stop */
	uint64_t scrub_ms;      /* in which each body is read and compared */
	unsigned mail_groups;   /* made by init */

	int log_level; /* enum log_level */
};

/* Defaults; no listener. */
void settings_init(struct settings *settings);
void settings_fini(struct settings *settings);

/* `key` is the dotted path in the file; `text` is borrowed for the call. */
typedef void settings_fault(void *arg, const char *key, const char *text);

/*
 * Tells each setting that cannot stand beside the others, or that only those
 * above the reader of the file can judge. A fault of two is told of both.
 */
void settings_check(const struct settings *settings, settings_fault *fault,
		    void *arg);

/* Fills what depends on other settings (paths below data); call once. */
void settings_complete(struct settings *settings);

#endif
