check_PROGRAMS += test/unit/proxy/unit_proxy
test_unit_proxy_unit_proxy_SOURCES = \
	test/unit/proxy/test_channel.c \
	test/unit/proxy/test_routes.c
test_unit_proxy_unit_proxy_LDADD = $(PROXY_STACK) $(CRITERION_LIBS)
