/*
 * An imap_port over a fake_store.
 *
 * What the session asks waits until it is answered by fake_port_step; the
 * store is looked at and changed at that moment, not before. So a test chooses
 * the order in which the answers of several sessions come, and what happens
 * before each of them.
 */
#ifndef TEST_IMAP_FAKE_PORT_H
#define TEST_IMAP_FAKE_PORT_H

#include "fake_store.h"
#include "imap/session.h"

/* The next ask of that kind, but `skip` of them, gets this error. */
struct fake_fault {
	enum imap_ask_kind kind;
	unsigned skip;
	enum err err; /* ERR_NONE: no fault is set */
	bool done;    /* it takes effect all the same */
};

struct imap_upload {
	struct list link;
	struct fake_port *port;
	struct buf octets;
	uint64_t size;
	bool full; /* add has said so; no octets before the answer */
	bool finished;
};

struct fake_port {
	struct imap_port port;
	struct fake_store *store;
	struct imap_session *session; /* set by its owner */
	struct fake_user *user;       /* NULL until login */
	struct fake_watcher watcher;
	struct imap_ask *asked; /* NULL: nothing */
	uint64_t asks;          /* so far */
	struct list uploads;
	size_t room;     /* octets that an upload takes before it is full */
	size_t list_max; /* entries of one LIST answer */
	size_t rows_max; /* of one ROWS answer */
	bool starttls;   /* asked for */
	uint64_t now_ms;
	struct fake_fault fault;
	enum err begin_err; /* of upload_begin */
};

void fake_port_init(struct fake_port *port, struct fake_store *store);

/* Nothing may be asked, watched or uploading any more. */
void fake_port_fini(struct fake_port *port);

/* Answers what is asked; false: nothing was. */
bool fake_port_step(struct fake_port *port);

/* Until nothing is asked. */
void fake_port_run(struct fake_port *port);

/* ---- for fake_names.c and fake_mail.c: the answers ---- */

enum err fake_list(struct fake_port *port, struct imap_ask_list *ask);
enum err fake_create(struct fake_port *port, struct imap_ask_create *ask);
enum err fake_delete(struct fake_port *port, struct imap_ask_delete *ask);
enum err fake_rename(struct fake_port *port, struct imap_ask_rename *ask);
enum err fake_subscribe_ask(struct fake_port *port,
			    struct imap_ask_subscribe *ask);
enum err fake_get_acl(struct fake_port *port, struct imap_ask_get_acl *ask);
enum err fake_set_acl(struct fake_port *port, struct imap_ask_set_acl *ask);
enum err fake_rights_ask(struct fake_port *port, struct imap_ask_rights *ask);

enum err fake_open(struct fake_port *port, struct imap_ask_open *ask);
enum err fake_sync(struct fake_port *port, struct imap_ask_sync *ask);
enum err fake_status(struct fake_port *port, struct imap_ask_status *ask);
enum err fake_rows(struct fake_port *port, struct imap_ask_rows *ask);
enum err fake_read(struct fake_port *port, struct imap_ask_read *ask);
enum err fake_structure(struct fake_port *port, struct imap_ask_structure *ask);
enum err fake_search(struct fake_port *port, struct imap_ask_search *ask);
enum err fake_changes(struct fake_port *port, struct imap_ask_changes *ask);
enum err fake_store_ask(struct fake_port *port, struct imap_ask_store *ask);
enum err fake_expunge(struct fake_port *port, struct imap_ask_expunge *ask);
enum err fake_copy(struct fake_port *port, struct imap_ask_copy *ask);
enum err fake_append(struct fake_port *port, struct imap_ask_append *ask);

/* The selected mailbox; ERR_GONE if it was deleted. */
enum err fake_selected(struct fake_port *port, uint64_t id,
		       struct fake_mailbox **mailbox_r);

#endif
