# LMDB environments with checkpoints, and bodies.

LIB_STORE = src/store/libstore.a
noinst_LIBRARIES += $(LIB_STORE)
src_store_libstore_a_SOURCES = \
	src/store/body.h \
	src/store/checkpoint.c src/store/checkpoint.h \
	src/store/checkpoint_file.c src/store/checkpoint_file.h \
	src/store/env.c src/store/env.h src/store/env_impl.h \
	src/store/key.c \
	src/store/txn.c
