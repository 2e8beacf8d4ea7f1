check_PROGRAMS += test/unit/server/unit_server
test_unit_server_unit_server_SOURCES = \
	test/unit/cluster/group.c test/unit/cluster/group.h \
	test/unit/cluster/machine.c test/unit/cluster/machine.h \
	test/unit/cluster/scratch.c test/unit/cluster/scratch.h \
	test/unit/server/others.c test/unit/server/others.h \
	test/unit/server/peers_rig.c test/unit/server/peers_rig.h \
	test/unit/server/rig.c test/unit/server/rig.h \
	test/unit/server/test_channels.c \
	test/unit/server/test_copies.c \
	test/unit/server/test_fetch.c \
	test/unit/server/test_gone.c \
	test/unit/server/test_identity.c \
	test/unit/server/test_loop.c \
	test/unit/server/test_maildir_name.c \
	test/unit/server/test_many.c \
	test/unit/server/test_marks.c \
	test/unit/server/test_move.c \
	test/unit/server/test_offer.c \
	test/unit/server/test_open.c \
	test/unit/server/test_repair.c \
	test/unit/server/test_spread.c \
	test/unit/server/test_peers.c \
	test/unit/server/test_starting.c \
	test/unit/server/test_stopping.c \
	test/unit/server/test_upload.c \
	test/unit/server/town.c test/unit/server/town.h \
	test/unit/store/body_world.c test/unit/store/body_world.h \
	test/unit/store/host_disk.c test/unit/store/host_disk.h
test_unit_server_unit_server_LDADD = $(SERVER_STACK) $(CRITERION_LIBS)
