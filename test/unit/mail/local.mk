check_PROGRAMS += test/unit/mail/unit_mail
test_unit_mail_unit_mail_SOURCES = \
	test/unit/mail/message.c test/unit/mail/message.h \
	test/unit/mail/show.c test/unit/mail/show.h \
	test/unit/mail/test_address.c \
	test/unit/mail/test_charset.c \
	test/unit/mail/test_date.c \
	test/unit/mail/test_decode.c \
	test/unit/mail/test_envelope.c \
	test/unit/mail/test_fold.c \
	test/unit/mail/test_header.c \
	test/unit/mail/test_match.c \
	test/unit/mail/test_mime.c \
	test/unit/mail/test_param.c \
	test/unit/mail/test_section.c \
	test/unit/mail/test_strip.c \
	test/unit/mail/test_structure.c \
	test/unit/mail/test_text.c \
	test/unit/mail/test_word.c
test_unit_mail_unit_mail_LDADD = $(MAIL_STACK) $(CRITERION_LIBS)
