# LMTP (RFC 2033), pure.

LIB_LMTP = src/lmtp/liblmtp.a
noinst_LIBRARIES += $(LIB_LMTP)
src_lmtp_liblmtp_a_SOURCES = \
	src/lmtp/command.c src/lmtp/command.h \
	src/lmtp/data.c src/lmtp/data.h \
	src/lmtp/session.c src/lmtp/session.h
