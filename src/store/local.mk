# LMDB environments with checkpoints, and bodies.

LIB_STORE = src/store/libstore.a
noinst_LIBRARIES += $(LIB_STORE)
src_store_libstore_a_SOURCES = \
	src/store/body.h src/store/body_impl.h \
	src/store/body_compact.c \
	src/store/body_files.c src/store/body_files.h \
	src/store/body_index.c src/store/body_index.h \
	src/store/body_indexer.c \
	src/store/body_pending.c src/store/body_pending.h \
	src/store/body_reader.c \
	src/store/body_record.c src/store/body_record.h \
	src/store/body_scan.c \
	src/store/body_segment.c src/store/body_segment.h \
	src/store/body_store.c \
	src/store/body_sweep.c \
	src/store/body_upload.c \
	src/store/body_verify.c \
	src/store/body_writer.c \
	src/store/checkpoint.c src/store/checkpoint.h \
	src/store/checkpoint_file.c src/store/checkpoint_file.h \
	src/store/copy.c src/store/copy.h \
	src/store/deaths.c src/store/deaths.h \
	src/store/env.c src/store/env.h src/store/env_impl.h \
	src/store/key.c \
	src/store/serial.c src/store/serial.h \
	src/store/txn.c
