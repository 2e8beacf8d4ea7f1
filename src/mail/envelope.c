/*
 * Envelopes: each wanted field goes to its place by a table. There are no
 * failures.
 */
#include "mail/envelope.h"

#include "base/attr.h"

enum envelope_field {
	/* lists of addresses; their numbers are places in `tail` */
	ENVELOPE_FROM,
	ENVELOPE_SENDER,
	ENVELOPE_REPLY_TO,
	ENVELOPE_TO,
	ENVELOPE_CC,
	ENVELOPE_BCC,
	/* strings */
	ENVELOPE_DATE,
	ENVELOPE_SUBJECT,
	ENVELOPE_IN_REPLY_TO,
	ENVELOPE_MESSAGE_ID,
	ENVELOPE_NONE, /* not wanted; also their number */
};

static const char *const envelope_names[ENVELOPE_NONE] = {
	[ENVELOPE_FROM] = "From",
	[ENVELOPE_SENDER] = "Sender",
	[ENVELOPE_REPLY_TO] = "Reply-To",
	[ENVELOPE_TO] = "To",
	[ENVELOPE_CC] = "Cc",
	[ENVELOPE_BCC] = "Bcc",
	[ENVELOPE_DATE] = "Date",
	[ENVELOPE_SUBJECT] = "Subject",
	[ENVELOPE_IN_REPLY_TO] = "In-Reply-To",
	[ENVELOPE_MESSAGE_ID] = "Message-ID",
};

static enum envelope_field envelope_find(struct slice name)
{
	unsigned i;

	for (i = 0; i < ENVELOPE_NONE; i++)
		if (slice_eq_nocase(name, slice_str(envelope_names[i])))
			break;
	return (enum envelope_field)i;
}

bool mail_envelope_wants(struct slice name)
{
	return envelope_find(name) != ENVELOPE_NONE;
}

void mail_envelope_begin(struct mail_envelope_maker *maker, struct arena *arena)
{
	struct mail_envelope *env = ARENA_NEW(arena, struct mail_envelope);

	*maker = (struct mail_envelope_maker){
		.env = env,
		.arena = arena,
		.tail = {
			[ENVELOPE_FROM] = &env->from,
			[ENVELOPE_SENDER] = &env->sender,
			[ENVELOPE_REPLY_TO] = &env->reply_to,
			[ENVELOPE_TO] = &env->to,
			[ENVELOPE_CC] = &env->cc,
			[ENVELOPE_BCC] = &env->bcc,
		},
	};
}

static void envelope_add_string(struct mail_envelope_maker *maker,
				struct slice *place, struct slice value)
{
	if (!place->data)
		*place = mail_header_text(value, maker->arena);
}

void mail_envelope_add(struct mail_envelope_maker *maker,
		       const struct mail_header_field *field)
{
	struct mail_envelope *env = maker->env;
	enum envelope_field which = envelope_find(field->name);

	switch (which) {
	case ENVELOPE_DATE:
		envelope_add_string(maker, &env->date, field->value);
		break;
	case ENVELOPE_SUBJECT:
		envelope_add_string(maker, &env->subject, field->value);
		break;
	case ENVELOPE_IN_REPLY_TO:
		envelope_add_string(maker, &env->in_reply_to, field->value);
		break;
	case ENVELOPE_MESSAGE_ID:
		envelope_add_string(maker, &env->message_id, field->value);
		break;
	case ENVELOPE_FROM:
	case ENVELOPE_SENDER:
	case ENVELOPE_REPLY_TO:
	case ENVELOPE_TO:
	case ENVELOPE_CC:
	case ENVELOPE_BCC:
		maker->tail[which] = mail_address_parse(
			field->value, maker->arena, maker->tail[which]);
		break;
	case ENVELOPE_NONE:
		break;
	}
}

struct mail_envelope *mail_envelope_finish(struct mail_envelope_maker *maker)
{
	struct mail_envelope *env = maker->env;

	if (!env->sender)
		env->sender = env->from;
	if (!env->reply_to)
		env->reply_to = env->from;
	return env;
}

struct mail_envelope *mail_envelope_parse(struct slice header,
					  struct arena *arena)
{
	struct mail_envelope_maker maker;
	struct mail_header_field field;

	mail_envelope_begin(&maker, arena);
	while (mail_header_next(&header, &field))
		mail_envelope_add(&maker, &field);
	return mail_envelope_finish(&maker);
}
