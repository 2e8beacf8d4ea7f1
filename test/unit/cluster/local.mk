check_PROGRAMS += test/unit/cluster/unit_cluster
test_unit_cluster_unit_cluster_SOURCES = \
	test/unit/cluster/dir.c test/unit/cluster/dir.h \
	test/unit/cluster/dir_model.c test/unit/cluster/dir_model.h \
	test/unit/cluster/group.c test/unit/cluster/group.h \
	test/unit/cluster/group_model.c test/unit/cluster/group_model.h \
	test/unit/cluster/machine.c test/unit/cluster/machine.h \
	test/unit/cluster/member_model.c test/unit/cluster/member_model.h \
	test/unit/cluster/plan_world.c test/unit/cluster/plan_world.h \
	test/unit/cluster/move.c test/unit/cluster/move.h \
	test/unit/cluster/scratch.c test/unit/cluster/scratch.h \
	test/unit/cluster/test_codec.c \
	test/unit/cluster/test_damage.c \
	test/unit/cluster/test_determinism.c \
	test/unit/cluster/test_directory.c \
	test/unit/cluster/test_directory_model.c \
	test/unit/cluster/test_directory_rename.c \
	test/unit/cluster/test_directory_user.c \
	test/unit/cluster/test_join.c \
	test/unit/cluster/test_limits.c \
	test/unit/cluster/test_mailgroup.c \
	test/unit/cluster/test_mailgroup_claim.c \
	test/unit/cluster/test_mailgroup_copy.c \
	test/unit/cluster/test_mailgroup_model.c \
	test/unit/cluster/test_mailgroup_moves.c \
	test/unit/cluster/test_member.c \
	test/unit/cluster/test_member_model.c \
	test/unit/cluster/test_names.c \
	test/unit/cluster/test_namespace.c \
	test/unit/cluster/test_overview.c \
	test/unit/cluster/test_plan.c \
	test/unit/cluster/test_plan_random.c \
	test/unit/cluster/test_report.c \
	test/unit/cluster/test_rights.c \
	test/unit/cluster/test_welcome.c
test_unit_cluster_unit_cluster_LDADD = $(CLUSTER_STACK) $(CRITERION_LIBS)
