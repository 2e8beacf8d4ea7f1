/*
 * Patterns of LIST, matched by all of their states at once.
 *
 * A pattern of n octets and some wildcards is an automaton with n + 1 states:
 * state i has matched the first i octets, a wildcard in front of octet i is a
 * loop at state i. The states are bits, so one octet of a name costs a few
 * operations for each 64 octets of pattern, and no pattern makes it cost more.
 */
#include "imap/list_match.h"

#include "base/panic.h"

#define STATE_BITS 64
#define STATE_WORDS (IMAP_PATTERN_MAX / STATE_BITS + 1)

struct imap_pattern {
	bool never; /* too long: matches nothing */
	char separator;
	size_t count;      /* octets without wildcards */
	size_t words;      /* of a set of states */
	uint64_t *star;    /* states with "*" in front of the next octet */
	uint64_t *percent; /* states with "%" there */
	uint64_t *steps;   /* by octet: states that it leads on from */
	struct slice prefix;
};

static void set_bit(uint64_t *words, size_t bit)
{
	words[bit / STATE_BITS] |= UINT64_C(1) << (bit % STATE_BITS);
}

static bool get_bit(const uint64_t *words, size_t bit)
{
	return (words[bit / STATE_BITS] >> (bit % STATE_BITS) & 1) != 0;
}

static bool is_wildcard(uint8_t octet)
{
	return octet == '*' || octet == '%';
}

static uint64_t *steps_of(const struct imap_pattern *pattern, uint8_t octet)
{
	return pattern->steps + octet * pattern->words;
}

static void compile(struct imap_pattern *pattern, struct slice text)
{
	size_t state = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '*')
			set_bit(pattern->star, state);
		else if (text.data[i] == '%')
			set_bit(pattern->percent, state);
		else
			set_bit(steps_of(pattern, text.data[i]), state++);
	}
	MUST(state == pattern->count);
}

/*
 * What stands before the first wildcard. The beginning of "inbox" in other
 * letters may be that of INBOX, too: it narrows nothing.
 */
static struct slice find_prefix(struct slice text)
{
	size_t len = 0;

	while (len < text.len && !is_wildcard(text.data[len]))
		len++;
	if (len < text.len && len < 5 &&
	    slice_has_prefix_nocase(SLICE_LIT("INBOX"), slice_first(text, len)))
		len = 0;
	return slice_first(text, len);
}

static struct slice join(struct arena *arena, struct slice reference,
			 struct slice pattern, char separator)
{
	uint8_t *text =
		(uint8_t *)arena_alloc(arena, reference.len + pattern.len + 1);
	size_t len = reference.len + pattern.len;

	if (reference.len > 0)
		memcpy(text, reference.data, reference.len);
	if (pattern.len > 0)
		memcpy(text + reference.len, pattern.data, pattern.len);
	if (len >= 5 && (len == 5 || text[5] == (uint8_t)separator) &&
	    slice_eq_nocase(slice_of(text, 5), SLICE_LIT("INBOX")))
		memcpy(text, "INBOX", 5);
	return slice_of(text, len);
}

struct imap_pattern *imap_pattern_new(struct arena *arena,
				      struct slice reference,
				      struct slice pattern, char separator)
{
	struct slice text = join(arena, reference, pattern, separator);
	struct imap_pattern *made = ARENA_NEW(arena, struct imap_pattern);
	uint64_t *words;

	made->separator = separator;
	made->prefix = find_prefix(text);
	for (size_t i = 0; i < text.len; i++)
		made->count += !is_wildcard(text.data[i]);
	made->never = made->count > IMAP_PATTERN_MAX;
	if (made->never)
		return made;
	made->words = made->count / STATE_BITS + 1;
	words = (uint64_t *)arena_zalloc(arena, made->words * (2 + 256),
					 sizeof(*words));
	made->star = words;
	made->percent = words + made->words;
	made->steps = words + 2 * made->words;
	compile(made, text);
	return made;
}

struct slice imap_pattern_prefix(const struct imap_pattern *pattern)
{
	return pattern->prefix;
}

static bool is_below_inbox(const struct imap_pattern *pattern,
			   struct slice name)
{
	return slice_has_prefix(name, SLICE_LIT("INBOX")) &&
	       (name.len == 5 || name.data[5] == (uint8_t)pattern->separator);
}

/* One octet; `other` is the same letter in lower case for INBOX. */
static bool step(const struct imap_pattern *pattern, uint64_t *states,
		 uint8_t octet, uint8_t other)
{
	const uint64_t *steps = steps_of(pattern, octet);
	const uint64_t *others = steps_of(pattern, other);
	bool separator = octet == (uint8_t)pattern->separator;
	uint64_t carry = 0;
	uint64_t any = 0;

	for (size_t i = 0; i < pattern->words; i++) {
		uint64_t here = states[i];
		uint64_t on = here & (steps[i] | others[i]);
		uint64_t stay = here & pattern->star[i];

		if (!separator)
			stay |= here & pattern->percent[i];
		states[i] = on << 1 | carry | stay;
		carry = on >> (STATE_BITS - 1);
		any |= states[i];
	}
	return any != 0;
}

bool imap_pattern_match(const struct imap_pattern *pattern, struct slice name)
{
	uint64_t states[STATE_WORDS] = { 1 };
	bool inbox = is_below_inbox(pattern, name);

	if (pattern->never)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		uint8_t octet = name.data[i];
		uint8_t other = inbox && i < 5 ? octet | 0x20 : octet;

		if (!step(pattern, states, octet, other))
			return false;
	}
	return get_bit(states, pattern->count);
}
