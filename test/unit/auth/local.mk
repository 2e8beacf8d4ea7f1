check_PROGRAMS += test/unit/auth/unit_auth
test_unit_auth_unit_auth_SOURCES = \
	test/unit/auth/scram_client.c test/unit/auth/scram_client.h \
	test/unit/auth/test_keys.c \
	test/unit/auth/test_remember.c \
	test/unit/auth/test_server.c
test_unit_auth_unit_auth_LDADD = $(AUTH_STACK) $(CRITERION_LIBS)
