/*
 * What ENVELOPE and BODYSTRUCTURE say of a message, as a list of facts, so that
 * two parsers can be compared and each difference named.
 */
#ifndef TEST_CORPUS_COMPARE_H
#define TEST_CORPUS_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"

/*
 * One fact. `place` is the number of a part as in BODY[1.2], with ".in" behind
 * it for what is said of the message within; "" for the message itself.
 */
struct fact {
	const char *place;
	const char *what; /* "subject", "type", "size", ...: static */
	struct slice value;
};

struct facts {
	struct fact *list;
	size_t count;
	size_t cap;
	struct arena arena; /* owner of places and values */
};

void facts_fini(struct facts *facts);
void facts_clear(struct facts *facts);
void facts_add(struct facts *facts, const char *place, const char *what,
	       struct slice value);

/*
 * The same for addresses, without quotes and blanks: GMime quotes mailboxes
 * anew and keeps the blanks of folded names.
 */
void facts_add_addresses(struct facts *facts, const char *place,
			 const char *what, struct slice value);

/* The value of a fact, absent if there is none. */
struct slice facts_find(const struct facts *facts, const char *place,
			const char *what);

/* What mail/ says; names and parameters are decoded, as the oracle does. */
void facts_of_ours(struct slice message, struct facts *facts);

/* What GMime says; false: it gives no message at all. */
bool facts_of_gmime(struct slice message, struct facts *facts);

/* A fact on which they differ; an absent one has data == NULL. */
struct difference {
	const char *place;
	const char *what;
	struct slice ours;
	struct slice theirs;
	struct slice message;
	const struct facts *our_facts; /* of the whole message */
	const struct facts *their_facts;
};

/* A rule that says why a difference is right: differences.c has all. */
struct rule {
	const char *name;
	const char *reason;
	bool (*covers)(const struct difference *diff);
};

/* The rules, ended by one without a name; the first that covers counts. */
extern const struct rule difference_rules[];

#endif
