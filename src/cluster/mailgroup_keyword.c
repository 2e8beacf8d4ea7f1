/*
 * Keyword names of a mailbox: each has a number, a message has bits.
 *
 * The table is read into memory when first needed, and written back once. It
 * counts the messages of each name, so that a number may be given away when
 * all are taken and nobody has it. Failures: all 128 are in use (ERR_LIMIT),
 * before anything is written.
 */
#include "cluster/mailgroup_apply.h"

void mailgroup_names_load(struct mailgroup_apply *a,
			  struct mailgroup_names *names, uint64_t mailbox)
{
	struct mailgroup_keywords *table = &names->table;

	if (names->loaded)
		return;
	mailgroup_keywords_get(a->txn, mailbox, table);
	for (unsigned i = 0; i < table->count; i++)
		table->names[i] = arena_slice(a->arena, table->names[i]);
	memset(&names->taken, 0, sizeof(names->taken));
	names->loaded = true;
}

static void bit_set(struct mailgroup_keyword_bits *bits, unsigned n)
{
	bits->words[n / 64] |= 1ull << (n % 64);
}

/* IMAP keywords compare without regard to case (RFC 9051 section 2.3.2). */
static bool find(const struct mailgroup_names *names, struct slice name,
		 unsigned *n_r)
{
	for (unsigned i = 0; i < names->table.count; i++) {
		if (!slice_eq_nocase(names->table.names[i], name))
			continue;
		*n_r = i;
		return true;
	}
	return false;
}

/* The lowest number that was never used, else one that no message has. */
static bool find_free(const struct mailgroup_names *names, unsigned *n_r)
{
	if (names->table.count < MAILGROUP_KEYWORDS_MAX) {
		*n_r = names->table.count;
		return true;
	}
	for (unsigned i = 0; i < MAILGROUP_KEYWORDS_MAX; i++) {
		if (names->table.messages[i] > 0 ||
		    mailgroup_keyword_has(&names->taken, i))
			continue;
		*n_r = i;
		return true;
	}
	return false;
}

enum err mailgroup_names_intern(struct mailgroup_apply *a,
				struct mailgroup_names *names, uint64_t mailbox,
				const struct mailgroup_keyword_list *list,
				struct mailgroup_keyword_bits *bits_r)
{
	struct mailgroup_keywords *table = &names->table;
	unsigned n;

	memset(bits_r, 0, sizeof(*bits_r));
	if (list->count == 0)
		return ERR_NONE;
	mailgroup_names_load(a, names, mailbox);
	for (size_t i = 0; i < list->count; i++) {
		if (!find(names, list->names[i], &n)) {
			if (!find_free(names, &n))
				return ERR_LIMIT;
			table->names[n] = arena_slice(a->arena, list->names[i]);
			table->messages[n] = 0;
			if (n == table->count)
				table->count++;
			names->dirty = true;
		}
		bit_set(&names->taken, n);
		bit_set(bits_r, n);
	}
	return ERR_NONE;
}

struct mailgroup_keyword_bits
mailgroup_names_lookup(struct mailgroup_apply *a, struct mailgroup_names *names,
		       uint64_t mailbox,
		       const struct mailgroup_keyword_list *list)
{
	struct mailgroup_keyword_bits bits = { { 0 } };
	unsigned n;

	if (list->count == 0)
		return bits;
	mailgroup_names_load(a, names, mailbox);
	for (size_t i = 0; i < list->count; i++)
		if (find(names, list->names[i], &n))
			bit_set(&bits, n);
	return bits;
}

/* One message more or less for each bit. */
static void count_bits(struct mailgroup_apply *a,
		       struct mailgroup_keywords *table,
		       const struct mailgroup_keyword_bits *bits, bool more)
{
	for (unsigned w = 0; w < ARRAY_LEN(bits->words); w++) {
		uint64_t word = bits->words[w];

		while (word != 0) {
			unsigned n = w * 64 + (unsigned)__builtin_ctzll(word);

			word &= word - 1;
			if (row_want(a->txn,
				     n < table->count &&
					     (more || table->messages[n] > 0)))
				table->messages[n] += more ? 1 : UINT32_MAX;
		}
	}
}

void mailgroup_names_count(struct mailgroup_apply *a,
			   struct mailgroup_names *names, uint64_t mailbox,
			   const struct mailgroup_keyword_bits *old,
			   const struct mailgroup_keyword_bits *now)
{
	if (mailgroup_keywords_eq(old, now))
		return;
	mailgroup_names_load(a, names, mailbox);
	count_bits(a, &names->table, old, false);
	count_bits(a, &names->table, now, true);
	names->dirty = true;
}

void mailgroup_names_store(struct mailgroup_apply *a,
			   struct mailgroup_names *names, uint64_t mailbox)
{
	if (names->dirty)
		mailgroup_keywords_put(a->txn, a->scratch, mailbox,
				       &names->table);
	names->dirty = false;
}
