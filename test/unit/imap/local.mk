check_PROGRAMS += test/unit/imap/unit_imap
test_unit_imap_unit_imap_SOURCES = $(unit_imap_syntax) $(unit_imap_session)
test_unit_imap_unit_imap_LDADD = $(IMAP_STACK) $(CRITERION_LIBS)

unit_imap_syntax = \
	test/unit/imap/test_envelope.c \
	test/unit/imap/test_list.c \
	test/unit/imap/test_parser.c \
	test/unit/imap/test_rfc_examples.c \
	test/unit/imap/test_search.c \
	test/unit/imap/test_seqset.c \
	test/unit/imap/test_utf7.c \
	test/unit/imap/test_words.c \
	test/unit/imap/test_writer.c \
	test/unit/imap/transcript.c test/unit/imap/transcript.h

unit_imap_session = \
	test/unit/auth/scram_client.c test/unit/auth/scram_client.h \
	test/unit/imap/fake_mail.c \
	test/unit/imap/fake_names.c \
	test/unit/imap/fake_port.c test/unit/imap/fake_port.h \
	test/unit/imap/fake_store.c test/unit/imap/fake_store.h \
	test/unit/imap/fake_write.c \
	test/unit/imap/scene.c test/unit/imap/scene.h \
	test/unit/imap/scene_client.c \
	test/unit/imap/scene_export.c \
	test/unit/imap/scene_given.c \
	test/unit/imap/test_session_9051_any.c \
	test/unit/imap/test_session_9051_auth.c \
	test/unit/imap/test_session_9051_selected.c \
	test/unit/imap/test_session_acl.c \
	test/unit/imap/test_session_append.c \
	test/unit/imap/test_session_bad.c \
	test/unit/imap/test_session_condstore.c \
	test/unit/imap/test_session_fetch.c \
	test/unit/imap/test_session_idle.c \
	test/unit/imap/test_session_life.c \
	test/unit/imap/test_session_list.c \
	test/unit/imap/test_session_output.c \
	test/unit/imap/test_session_qresync.c \
	test/unit/imap/test_session_rfc_mail.c \
	test/unit/imap/test_session_rfc_names.c \
	test/unit/imap/test_session_scram.c \
	test/unit/imap/test_session_search.c
