# Who somebody is: SASL exchanges, stored keys, remembered passwords.

LIB_AUTH = src/auth/libauth.a
noinst_LIBRARIES += $(LIB_AUTH)
src_auth_libauth_a_SOURCES = \
	src/auth/keys.c src/auth/keys.h \
	src/auth/remember.c src/auth/remember.h \
	src/auth/server.c src/auth/server.h
