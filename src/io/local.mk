# Sockets, TLS, threads, files: the only room of libuv and of OpenSSL's TLS.

LIB_IO = src/io/libio.a
noinst_LIBRARIES += $(LIB_IO)
src_io_libio_a_SOURCES = \
	src/io/addr.c src/io/addr.h \
	src/io/clock.c src/io/clock.h \
	src/io/disk.c src/io/disk.h \
	src/io/listener.c src/io/listener.h \
	src/io/lock.c src/io/lock.h \
	src/io/loop.c src/io/loop.h src/io/loop_uv.h \
	src/io/notify.c src/io/notify.h \
	src/io/outq.c src/io/outq.h \
	src/io/pool.c src/io/pool.h \
	src/io/process.c src/io/process.h \
	src/io/sockaddr.h \
	src/io/stream.c src/io/stream.h src/io/stream_uv.h \
	src/io/stream_connect.c \
	src/io/stream_move.c \
	src/io/stream_out.c \
	src/io/stream_tls.c \
	src/io/sys.c src/io/sys.h \
	src/io/thread.c src/io/thread.h \
	src/io/tls.c src/io/tls.h src/io/tls_ssl.h \
	src/io/tls_make.c \
	src/io/tls_ticket.c
