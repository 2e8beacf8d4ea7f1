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

# imap and lmtp
