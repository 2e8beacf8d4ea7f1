# The node: where both wings meet.

LIB_SERVER = src/server/libserver.a
noinst_LIBRARIES += $(LIB_SERVER)
src_server_libserver_a_SOURCES = \
	src/server/admin.c \
	src/server/admin.h \
	src/server/admin_call.h \
	src/server/admin_import.c \
	src/server/admin_mailbox.c \
	src/server/admin_status.c \
	src/server/admin_user.c \
	src/server/copies.c \
	src/server/copies.h \
	src/server/identity.c \
	src/server/identity.h \
	src/server/imap_link.c \
	src/server/imap_link.h \
	src/server/imap_op.c \
	src/server/imap_op.h \
	src/server/intents.c \
	src/server/intents.h \
	src/server/lmtp_link.c \
	src/server/lmtp_link.h \
	src/server/loop.c \
	src/server/loop.h \
	src/server/mailbox_view.c \
	src/server/mailbox_view.h \
	src/server/maildir_name.c \
	src/server/maildir_name.h \
	src/server/marks.c \
	src/server/marks.h \
	src/server/node.c \
	src/server/node.h \
	src/server/node_groups.c \
	src/server/node_groups.h \
	src/server/node_init.c \
	src/server/node_serve.c \
	src/server/node_serve.h \
	src/server/op_acl.c \
	src/server/op_append.c \
	src/server/op_append.h \
	src/server/op_copy.c \
	src/server/op_copy.h \
	src/server/op_copy_across.c \
	src/server/op_deliver.c \
	src/server/op_deliver.h \
	src/server/op_list.c \
	src/server/op_list.h \
	src/server/op_login.c \
	src/server/op_names.c \
	src/server/op_open.c \
	src/server/op_read.c \
	src/server/op_read.h \
	src/server/op_recipient.c \
	src/server/op_rows.c \
	src/server/op_search.c \
	src/server/op_status.c \
	src/server/op_store.c \
	src/server/op_sync.c \
	src/server/settings.c \
	src/server/settings.h \
	src/server/upkeep.c \
	src/server/upkeep.h \
	src/server/upload.c \
	src/server/upload.h
