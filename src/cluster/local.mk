# Directory and mail groups: what the log decides.

LIB_CLUSTER = src/cluster/libcluster.a
noinst_LIBRARIES += $(LIB_CLUSTER)
src_cluster_libcluster_a_SOURCES = \
	src/cluster/codec.c \
	src/cluster/codec.h \
	src/cluster/directory.h \
	src/cluster/directory_apply.h \
	src/cluster/directory_command.c \
	src/cluster/directory_command.h \
	src/cluster/directory_fsm.c \
	src/cluster/directory_fsm.h \
	src/cluster/directory_mailbox.c \
	src/cluster/directory_node.c \
	src/cluster/directory_query.c \
	src/cluster/directory_rename.c \
	src/cluster/directory_result.h \
	src/cluster/directory_row.c \
	src/cluster/directory_row.h \
	src/cluster/directory_tree.c \
	src/cluster/directory_user.c \
	src/cluster/mailgroup.h \
	src/cluster/mailgroup_command.h \
	src/cluster/mailgroup_fsm.h \
	src/cluster/names.c \
	src/cluster/names.h \
	src/cluster/namespace.c \
	src/cluster/namespace.h \
	src/cluster/rights.c \
	src/cluster/rights.h \
	src/cluster/row.c \
	src/cluster/row.h \
	src/cluster/state_hash.h
