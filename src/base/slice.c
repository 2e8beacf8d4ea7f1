/*
 * Looking at borrowed octets. Nothing here allocates, fails or keeps a pointer.
 *
 * The C library's memcmp, memchr and memcpy must not be given NULL even for no
 * octets, and an empty slice may well be { NULL, 0 }: hence the length checks.
 */
#include "base/slice.h"

struct slice slice_from(struct slice s, size_t from)
{
	if (from >= s.len)
		from = s.len;
	if (from == 0)
		return s;
	return slice_of(s.data + from, s.len - from);
}

struct slice slice_first(struct slice s, size_t len)
{
	return slice_of(s.data, len < s.len ? len : s.len);
}

bool slice_eq(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return false;
	return a.len == 0 || memcmp(a.data, b.data, a.len) == 0;
}

static uint8_t lower(uint8_t octet)
{
	if (octet >= 'A' && octet <= 'Z')
		return (uint8_t)(octet + ('a' - 'A'));
	return octet;
}

bool slice_eq_nocase(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (lower(a.data[i]) != lower(b.data[i]))
			return false;
	return true;
}

bool slice_has_prefix(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len &&
	       slice_eq(slice_first(s, prefix.len), prefix);
}

bool slice_has_prefix_nocase(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len &&
	       slice_eq_nocase(slice_first(s, prefix.len), prefix);
}

bool slice_has_suffix(struct slice s, struct slice suffix)
{
	return s.len >= suffix.len &&
	       slice_eq(slice_from(s, s.len - suffix.len), suffix);
}

int slice_cmp(struct slice a, struct slice b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int order = common > 0 ? memcmp(a.data, b.data, common) : 0;

	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

size_t slice_find(struct slice s, uint8_t octet)
{
	const uint8_t *found = NULL;

	if (s.len > 0)
		found = memchr(s.data, octet, s.len);
	return found != NULL ? (size_t)(found - s.data) : s.len;
}

struct slice slice_cut(struct slice *s, uint8_t octet)
{
	size_t at = slice_find(*s, octet);
	struct slice before = slice_first(*s, at);

	*s = slice_from(*s, at < s->len ? at + 1 : at);
	return before;
}

static bool is_space(uint8_t octet)
{
	return octet == ' ' || octet == '\t' || octet == '\r' || octet == '\n';
}

struct slice slice_trim(struct slice s)
{
	while (s.len > 0 && is_space(s.data[0]))
		s = slice_from(s, 1);
	while (s.len > 0 && is_space(s.data[s.len - 1]))
		s.len--;
	return s;
}

bool slice_to_u64(struct slice s, uint64_t max, uint64_t *value_r)
{
	uint64_t value = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		uint64_t digit = (uint64_t)s.data[i] - '0';

		if (s.data[i] < '0' || s.data[i] > '9')
			return false;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	if (value > max)
		return false;
	*value_r = value;
	return true;
}
