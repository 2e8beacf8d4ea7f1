check_PROGRAMS += test/unit/cmd/unit_cmd
test_unit_cmd_unit_cmd_SOURCES = \
	test/unit/cluster/scratch.c test/unit/cluster/scratch.h \
	test/unit/cmd/test_config.c \
	test/unit/cmd/test_letter.c
test_unit_cmd_unit_cmd_LDADD = $(CMD_STACK) $(CRITERION_LIBS)
