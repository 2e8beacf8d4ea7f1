# What the programs share; their main functions are listed with them.
LIB_CMD = src/cmd/libcmd.a
noinst_LIBRARIES += $(LIB_CMD)
src_cmd_libcmd_a_SOURCES = \
	src/cmd/config.c src/cmd/config.h
