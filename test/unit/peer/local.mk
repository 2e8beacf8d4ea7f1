check_PROGRAMS += test/unit/peer/unit_peer
test_unit_peer_unit_peer_SOURCES = \
	test/unit/peer/test_frame.c \
	test/unit/peer/test_link.c \
	test/unit/peer/test_mux.c
test_unit_peer_unit_peer_LDADD = $(PEER_STACK) $(CRITERION_LIBS)
