# One program a target, each in a paragraph of its own, by folder:
#
#   fuzz_programs += test/fuzz/fuzz_x
#   test_fuzz_fuzz_x_SOURCES = test/fuzz/fuzz_x.c
#   test_fuzz_fuzz_x_LDADD = $(MAIL_STACK)
#   test_fuzz_fuzz_x_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
#
# test/fuzz/corpus/x/ holds the seeds.

# base

fuzz_programs += test/fuzz/fuzz_base64
test_fuzz_fuzz_base64_SOURCES = test/fuzz/fuzz_base64.c
test_fuzz_fuzz_base64_LDADD = $(BASE_STACK)
test_fuzz_fuzz_base64_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzz_programs += test/fuzz/fuzz_uidset_parse
test_fuzz_fuzz_uidset_parse_SOURCES = test/fuzz/fuzz_uidset_parse.c
test_fuzz_fuzz_uidset_parse_LDADD = $(BASE_STACK)
test_fuzz_fuzz_uidset_parse_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzz_programs += test/fuzz/fuzz_uidset_unpack
test_fuzz_fuzz_uidset_unpack_SOURCES = test/fuzz/fuzz_uidset_unpack.c
test_fuzz_fuzz_uidset_unpack_LDADD = $(BASE_STACK)
test_fuzz_fuzz_uidset_unpack_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

# store and raft

fuzz_programs += test/fuzz/fuzz_checkpoint
test_fuzz_fuzz_checkpoint_SOURCES = test/fuzz/fuzz_checkpoint.c
test_fuzz_fuzz_checkpoint_LDADD = $(STORE_STACK)
test_fuzz_fuzz_checkpoint_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzz_programs += test/fuzz/fuzz_segment
test_fuzz_fuzz_segment_SOURCES = test/fuzz/fuzz_segment.c
test_fuzz_fuzz_segment_LDADD = $(STORE_STACK)
test_fuzz_fuzz_segment_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzz_programs += test/fuzz/fuzz_store_key
test_fuzz_fuzz_store_key_SOURCES = test/fuzz/fuzz_store_key.c
test_fuzz_fuzz_store_key_LDADD = $(STORE_STACK)
test_fuzz_fuzz_store_key_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzz_programs += test/fuzz/fuzz_entry
test_fuzz_fuzz_entry_SOURCES = test/fuzz/fuzz_entry.c
test_fuzz_fuzz_entry_LDADD = $(RAFT_STACK)
test_fuzz_fuzz_entry_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzz_programs += test/fuzz/fuzz_bring_up
test_fuzz_fuzz_bring_up_SOURCES = test/fuzz/fuzz_bring_up.c
test_fuzz_fuzz_bring_up_LDADD = $(RAFT_STACK)
test_fuzz_fuzz_bring_up_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzz_programs += test/fuzz/fuzz_group_frame
test_fuzz_fuzz_group_frame_SOURCES = test/fuzz/fuzz_group_frame.c
test_fuzz_fuzz_group_frame_LDADD = $(RAFT_STACK)
test_fuzz_fuzz_group_frame_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzz_programs += test/fuzz/fuzz_message
test_fuzz_fuzz_message_SOURCES = test/fuzz/fuzz_message.c
test_fuzz_fuzz_message_LDADD = $(RAFT_STACK)
test_fuzz_fuzz_message_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzz_programs += test/fuzz/fuzz_wal_record
test_fuzz_fuzz_wal_record_SOURCES = test/fuzz/fuzz_wal_record.c
test_fuzz_fuzz_wal_record_LDADD = $(RAFT_STACK)
test_fuzz_fuzz_wal_record_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

# mail

fuzz_programs += test/fuzz/fuzz_address
test_fuzz_fuzz_address_SOURCES = test/fuzz/fuzz_address.c
test_fuzz_fuzz_address_LDADD = $(MAIL_STACK)
test_fuzz_fuzz_address_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzz_programs += test/fuzz/fuzz_date
test_fuzz_fuzz_date_SOURCES = test/fuzz/fuzz_date.c
test_fuzz_fuzz_date_LDADD = $(MAIL_STACK)
test_fuzz_fuzz_date_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzz_programs += test/fuzz/fuzz_decode
test_fuzz_fuzz_decode_SOURCES = test/fuzz/fuzz_decode.c
test_fuzz_fuzz_decode_LDADD = $(MAIL_STACK)
test_fuzz_fuzz_decode_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzz_programs += test/fuzz/fuzz_header_decode
test_fuzz_fuzz_header_decode_SOURCES = test/fuzz/fuzz_header_decode.c
test_fuzz_fuzz_header_decode_LDADD = $(MAIL_STACK)
test_fuzz_fuzz_header_decode_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzz_programs += test/fuzz/fuzz_mime
test_fuzz_fuzz_mime_SOURCES = test/fuzz/fuzz_mime.c \
	test/unit/mail/show.c test/unit/mail/show.h
test_fuzz_fuzz_mime_LDADD = $(MAIL_STACK)
test_fuzz_fuzz_mime_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzz_programs += test/fuzz/fuzz_structure_decode
test_fuzz_fuzz_structure_decode_SOURCES = test/fuzz/fuzz_structure_decode.c \
	test/unit/mail/show.c test/unit/mail/show.h
test_fuzz_fuzz_structure_decode_LDADD = $(MAIL_STACK)
test_fuzz_fuzz_structure_decode_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzz_programs += test/fuzz/fuzz_text_search
test_fuzz_fuzz_text_search_SOURCES = test/fuzz/fuzz_text_search.c
test_fuzz_fuzz_text_search_LDADD = $(MAIL_STACK)
test_fuzz_fuzz_text_search_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

# auth

fuzz_programs += test/fuzz/fuzz_sasl
test_fuzz_fuzz_sasl_SOURCES = test/fuzz/fuzz_sasl.c
test_fuzz_fuzz_sasl_LDADD = $(AUTH_STACK)
test_fuzz_fuzz_sasl_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

# imap and lmtp

fuzz_programs += test/fuzz/fuzz_imap_parser
test_fuzz_fuzz_imap_parser_SOURCES = test/fuzz/fuzz_imap_parser.c \
	test/unit/imap/transcript.c test/unit/imap/transcript.h
test_fuzz_fuzz_imap_parser_LDADD = $(IMAP_STACK)
test_fuzz_fuzz_imap_parser_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzz_programs += test/fuzz/fuzz_utf7
test_fuzz_fuzz_utf7_SOURCES = test/fuzz/fuzz_utf7.c
test_fuzz_fuzz_utf7_LDADD = $(IMAP_STACK)
test_fuzz_fuzz_utf7_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzz_programs += test/fuzz/fuzz_seqset
test_fuzz_fuzz_seqset_SOURCES = test/fuzz/fuzz_seqset.c
test_fuzz_fuzz_seqset_LDADD = $(IMAP_STACK)
test_fuzz_fuzz_seqset_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzz_programs += test/fuzz/fuzz_search
test_fuzz_fuzz_search_SOURCES = test/fuzz/fuzz_search.c
test_fuzz_fuzz_search_LDADD = $(IMAP_STACK)
test_fuzz_fuzz_search_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzz_programs += test/fuzz/fuzz_imap_session
test_fuzz_fuzz_imap_session_SOURCES = test/fuzz/fuzz_imap_session.c \
	test/unit/imap/fake_mail.c \
	test/unit/imap/fake_names.c \
	test/unit/imap/fake_port.c test/unit/imap/fake_port.h \
	test/unit/imap/fake_store.c test/unit/imap/fake_store.h \
	test/unit/imap/fake_write.c \
	test/unit/imap/scene.h test/unit/imap/scene_given.c
test_fuzz_fuzz_imap_session_LDADD = $(IMAP_STACK)
test_fuzz_fuzz_imap_session_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzz_programs += test/fuzz/fuzz_list_match
test_fuzz_fuzz_list_match_SOURCES = test/fuzz/fuzz_list_match.c
test_fuzz_fuzz_list_match_LDADD = $(IMAP_STACK)
test_fuzz_fuzz_list_match_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzz_programs += test/fuzz/fuzz_lmtp
test_fuzz_fuzz_lmtp_SOURCES = test/fuzz/fuzz_lmtp.c
test_fuzz_fuzz_lmtp_LDADD = $(LMTP_STACK)
test_fuzz_fuzz_lmtp_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

# peer

fuzz_programs += test/fuzz/fuzz_peer_frame
test_fuzz_fuzz_peer_frame_SOURCES = test/fuzz/fuzz_peer_frame.c
test_fuzz_fuzz_peer_frame_LDADD = $(PEER_STACK)
test_fuzz_fuzz_peer_frame_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

# cluster

fuzz_programs += test/fuzz/fuzz_cluster_talk
test_fuzz_fuzz_cluster_talk_SOURCES = test/fuzz/fuzz_cluster_talk.c
test_fuzz_fuzz_cluster_talk_LDADD = $(CLUSTER_STACK)
test_fuzz_fuzz_cluster_talk_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzz_programs += test/fuzz/fuzz_names
test_fuzz_fuzz_names_SOURCES = test/fuzz/fuzz_names.c
test_fuzz_fuzz_names_LDADD = $(CLUSTER_STACK)
test_fuzz_fuzz_names_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzz_programs += test/fuzz/fuzz_cluster_command
test_fuzz_fuzz_cluster_command_SOURCES = test/fuzz/fuzz_cluster_command.c
test_fuzz_fuzz_cluster_command_LDADD = $(CLUSTER_STACK)
test_fuzz_fuzz_cluster_command_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzz_programs += test/fuzz/fuzz_cluster_apply
test_fuzz_fuzz_cluster_apply_SOURCES = test/fuzz/fuzz_cluster_apply.c \
	test/unit/store/host_disk.c test/unit/store/host_disk.h
test_fuzz_fuzz_cluster_apply_LDADD = $(CLUSTER_STACK)
test_fuzz_fuzz_cluster_apply_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

# cmd

fuzz_programs += test/fuzz/fuzz_mbox
test_fuzz_fuzz_mbox_SOURCES = test/fuzz/fuzz_mbox.c
test_fuzz_fuzz_mbox_LDADD = $(CMD_STACK)
test_fuzz_fuzz_mbox_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

# proxy

fuzz_programs += test/fuzz/fuzz_channel
test_fuzz_fuzz_channel_SOURCES = test/fuzz/fuzz_channel.c
test_fuzz_fuzz_channel_LDADD = $(PROXY_STACK)
test_fuzz_fuzz_channel_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

# server

fuzz_programs += test/fuzz/fuzz_courier_wire
test_fuzz_fuzz_courier_wire_SOURCES = test/fuzz/fuzz_courier_wire.c
test_fuzz_fuzz_courier_wire_LDADD = $(SERVER_STACK)
test_fuzz_fuzz_courier_wire_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
