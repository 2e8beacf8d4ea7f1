check_PROGRAMS += test/unit/io/unit_io
test_unit_io_unit_io_SOURCES = \
	test/unit/io/peer.c test/unit/io/peer.h \
	test/unit/io/test_addr.c \
	test/unit/io/test_disk.c \
	test/unit/io/test_listener.c \
	test/unit/io/test_loop.c \
	test/unit/io/test_outq.c \
	test/unit/io/test_process.c \
	test/unit/io/test_stream.c \
	test/unit/io/test_stream_tls.c \
	test/unit/io/test_thread.c \
	test/unit/io/test_tls.c
test_unit_io_unit_io_LDADD = $(IO_STACK) $(CRITERION_LIBS)
