# The two replicated state machines: the directory and the mail groups.

LIB_CLUSTER = src/cluster/libcluster.a
noinst_LIBRARIES += $(LIB_CLUSTER)
src_cluster_libcluster_a_SOURCES = \
	src/cluster/codec.c src/cluster/codec.h \
	src/cluster/directory.h \
	src/cluster/directory_apply.h \
	src/cluster/directory_command.c src/cluster/directory_command.h \
	src/cluster/directory_fsm.c src/cluster/directory_fsm.h \
	src/cluster/directory_group.c \
	src/cluster/directory_join.c \
	src/cluster/directory_mailbox.c \
	src/cluster/directory_member.c \
	src/cluster/directory_query.c \
	src/cluster/directory_rename.c \
	src/cluster/directory_result.h \
	src/cluster/directory_row.c src/cluster/directory_row.h \
	src/cluster/directory_row_node.c \
	src/cluster/directory_setting.c \
	src/cluster/directory_tree.c \
	src/cluster/directory_user.c \
	src/cluster/directory_verify.c src/cluster/directory_verify.h \
	src/cluster/directory_verify_node.c \
	src/cluster/findings.c src/cluster/findings.h \
	src/cluster/mailgroup.h \
	src/cluster/mailgroup_append.c \
	src/cluster/mailgroup_apply.h \
	src/cluster/mailgroup_bits.c src/cluster/mailgroup_bits.h \
	src/cluster/mailgroup_box.c \
	src/cluster/mailgroup_claim.c src/cluster/mailgroup_claim.h \
	src/cluster/mailgroup_claim_query.c \
	src/cluster/mailgroup_command.c src/cluster/mailgroup_command.h \
	src/cluster/mailgroup_copy.c \
	src/cluster/mailgroup_end.c \
	src/cluster/mailgroup_fsm.c src/cluster/mailgroup_fsm.h \
	src/cluster/mailgroup_keyword.c \
	src/cluster/mailgroup_query.c \
	src/cluster/mailgroup_result.h \
	src/cluster/mailgroup_row.c src/cluster/mailgroup_row.h \
	src/cluster/mailgroup_store.c \
	src/cluster/mailgroup_verify.c \
	src/cluster/names.c src/cluster/names.h \
	src/cluster/namespace.c src/cluster/namespace.h \
	src/cluster/order.c src/cluster/order.h \
	src/cluster/report.c src/cluster/report.h \
	src/cluster/overview.c src/cluster/overview.h \
	src/cluster/plan.c src/cluster/plan.h \
	src/cluster/plan_grow.c \
	src/cluster/plan_load.c \
	src/cluster/plan_place.c \
	src/cluster/plan_roles.c \
	src/cluster/plan_rules.c src/cluster/plan_rules.h \
	src/cluster/plan_spread.c \
	src/cluster/plan_voters.c \
	src/cluster/rights.c src/cluster/rights.h \
	src/cluster/row.c src/cluster/row.h \
	src/cluster/state_hash.c src/cluster/state_hash.h \
	src/cluster/welcome.c src/cluster/welcome.h
