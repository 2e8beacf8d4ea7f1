# One program a target, each in a paragraph of its own, by folder:
#
#   fuzz_programs += test/fuzz/fuzz_x
#   test_fuzz_fuzz_x_SOURCES = test/fuzz/fuzz_x.c
#   test_fuzz_fuzz_x_LDADD = $(MAIL_STACK)
#   test_fuzz_fuzz_x_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
#
# test/fuzz/corpus/x/ holds the seeds.

# base

# store and raft

fuzz_programs += test/fuzz/fuzz_entry
test_fuzz_fuzz_entry_SOURCES = test/fuzz/fuzz_entry.c
test_fuzz_fuzz_entry_LDADD = $(RAFT_STACK)
test_fuzz_fuzz_entry_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzz_programs += test/fuzz/fuzz_message
test_fuzz_fuzz_message_SOURCES = test/fuzz/fuzz_message.c
test_fuzz_fuzz_message_LDADD = $(RAFT_STACK)
test_fuzz_fuzz_message_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzz_programs += test/fuzz/fuzz_wal_record
test_fuzz_fuzz_wal_record_SOURCES = test/fuzz/fuzz_wal_record.c
test_fuzz_fuzz_wal_record_LDADD = $(RAFT_STACK)
test_fuzz_fuzz_wal_record_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

# mail

# auth

# imap and lmtp
