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

# mail

# auth

# imap and lmtp
