# Frames, links and streams between nodes, pure.

LIB_PEER = src/peer/libpeer.a
noinst_LIBRARIES += $(LIB_PEER)
src_peer_libpeer_a_SOURCES = \
	src/peer/frame.c src/peer/frame.h \
	src/peer/link.c src/peer/link.h \
	src/peer/mux.c src/peer/mux.h
