LIB_SERVER = src/server/libserver.a
noinst_LIBRARIES += $(LIB_SERVER)
src_server_libserver_a_SOURCES = \
	src/server/settings.c src/server/settings.h
