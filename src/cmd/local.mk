# The programs. What they share is a library, so that tests can link it.

LIB_CMD = src/cmd/libcmd.a
noinst_LIBRARIES += $(LIB_CMD)
src_cmd_libcmd_a_SOURCES = \
	src/cmd/admin_client.c src/cmd/admin_client.h \
	src/cmd/config.c src/cmd/config.h \
	src/cmd/ctl.h \
	src/cmd/ctl_import.c \
	src/cmd/ctl_letter.h \
	src/cmd/ctl_maildir.c \
	src/cmd/ctl_mbox.c \
	src/cmd/ctl_cluster.c \
	src/cmd/ctl_print.c \
	src/cmd/ctl_walk.c src/cmd/ctl_walk.h

sbin_PROGRAMS += murderd murderctl
murderd_SOURCES = src/cmd/murderd.c
murderd_LDADD = $(MURDER_LIBS)
murderctl_SOURCES = src/cmd/murderctl.c
murderctl_LDADD = $(MURDER_LIBS)
