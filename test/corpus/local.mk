# mail/ and GMime over real mail; test/corpus/run builds and runs it.

EXTRA_PROGRAMS += test/corpus/corpus_mime
test_corpus_corpus_mime_SOURCES = \
	test/corpus/compare.h \
	test/corpus/corpus_mime.c \
	test/corpus/differences.c \
	test/corpus/gmime.c \
	test/corpus/ours.c
test_corpus_corpus_mime_CPPFLAGS = $(AM_CPPFLAGS) \
	$(GMIME_CFLAGS:-I%=-isystem %)
test_corpus_corpus_mime_LDADD = $(MAIL_STACK) $(GMIME_LIBS)
