# IMAP: syntax (commands in, replies out) and sessions.

LIB_IMAP = src/imap/libimap.a
noinst_LIBRARIES += $(LIB_IMAP)
src_imap_libimap_a_SOURCES = $(imap_syntax) $(imap_session)

imap_syntax = \
	src/imap/command.c src/imap/command.h \
	src/imap/envelope_writer.c src/imap/envelope_writer.h \
	src/imap/fetch_items.c src/imap/fetch_items.h \
	src/imap/grammar.c src/imap/grammar.h \
	src/imap/grammar_append.c \
	src/imap/grammar_fetch.c \
	src/imap/grammar_mailbox.c \
	src/imap/grammar_search.c \
	src/imap/list_match.c src/imap/list_match.h \
	src/imap/list_walk.c \
	src/imap/object_id.c src/imap/object_id.h \
	src/imap/parser.c src/imap/parser.h \
	src/imap/scan.c src/imap/scan.h \
	src/imap/search.c src/imap/search.h \
	src/imap/search_codec.c src/imap/search_codec.h \
	src/imap/search_match.c \
	src/imap/search_program.h \
	src/imap/seqset.c src/imap/seqset.h \
	src/imap/utf7.c src/imap/utf7.h \
	src/imap/words.c src/imap/words.h \
	src/imap/writer.c src/imap/writer.h \
	src/imap/writer_data.c

imap_session = \
	src/imap/port.h \
	src/imap/session.c src/imap/session.h src/imap/session_internal.h \
	src/imap/session_append.c \
	src/imap/session_auth.c \
	src/imap/session_commands.c \
	src/imap/session_fetch.c src/imap/session_fetch.h \
	src/imap/session_fetch_body.c \
	src/imap/session_fetch_read.c \
	src/imap/session_list.c \
	src/imap/session_names.c \
	src/imap/session_search.c \
	src/imap/session_select.c \
	src/imap/session_store.c \
	src/imap/session_sync.c \
	src/imap/view.c src/imap/view.h
