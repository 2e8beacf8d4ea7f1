# Mail as octets: parts, envelopes, charsets, search. Pure: no I/O, no clock.

LIB_MAIL = src/mail/libmail.a
noinst_LIBRARIES += $(LIB_MAIL)
src_mail_libmail_a_SOURCES = \
	src/mail/address.c src/mail/address.h \
	src/mail/charset.c src/mail/charset.h \
	src/mail/content.c src/mail/content.h \
	src/mail/date.c src/mail/date.h \
	src/mail/decode.c src/mail/decode.h \
	src/mail/envelope.c src/mail/envelope.h \
	src/mail/fold.c src/mail/fold.h \
	src/mail/header.c src/mail/header.h \
	src/mail/lex.c src/mail/lex.h \
	src/mail/match.c src/mail/match.h \
	src/mail/mime.c src/mail/mime.h \
	src/mail/param.c src/mail/param.h \
	src/mail/section.c \
	src/mail/strip.c src/mail/strip.h \
	src/mail/structure.c src/mail/structure.h \
	src/mail/text.c src/mail/text.h \
	src/mail/word.c src/mail/word.h
