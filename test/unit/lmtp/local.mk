check_PROGRAMS += test/unit/lmtp/unit_lmtp
test_unit_lmtp_unit_lmtp_SOURCES = \
	test/unit/lmtp/test_command.c \
	test/unit/lmtp/test_data.c \
	test/unit/lmtp/test_session.c
test_unit_lmtp_unit_lmtp_LDADD = $(LMTP_STACK) $(CRITERION_LIBS)
