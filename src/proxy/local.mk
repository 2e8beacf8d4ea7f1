# Sessions whose mail is on other nodes: routes and channels, pure.

LIB_PROXY = src/proxy/libproxy.a
noinst_LIBRARIES += $(LIB_PROXY)
src_proxy_libproxy_a_SOURCES = \
	src/proxy/channel.c src/proxy/channel.h \
	src/proxy/channel_answer.c \
	src/proxy/channel_ask.c \
	src/proxy/channel_fields.c src/proxy/channel_fields.h \
	src/proxy/routes.c src/proxy/routes.h
