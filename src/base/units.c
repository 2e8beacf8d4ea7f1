/*
 * Sizes and durations, read exactly (no fractions) and shown roughly.
 */
#include "base/units.h"

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit size_units[] = {
	{ "", 1 },
	{ "K", (uint64_t)1 << 10 },
	{ "M", (uint64_t)1 << 20 },
	{ "G", (uint64_t)1 << 30 },
	{ "T", (uint64_t)1 << 40 },
};

static const struct unit duration_units[] = {
	{ "ms", 1 },
	{ "s", 1000 },
	{ "m", 60 * 1000 },
	{ "h", 60 * 60 * 1000 },
	{ "d", 24 * 60 * 60 * 1000 },
};

static size_t count_digits(struct slice text)
{
	size_t n = 0;

	while (n < text.len && text.data[n] >= '0' && text.data[n] <= '9')
		n++;
	return n;
}

static enum err parse(struct slice text, const struct unit *units, size_t count,
		      uint64_t *value_r)
{
	size_t digits = count_digits(text);
	struct slice name = slice_from(text, digits);
	uint64_t value;

	if (digits == 0)
		return ERR_SYNTAX;
	for (size_t i = 0; i < count; i++) {
		if (!slice_eq(name, slice_str(units[i].name)))
			continue;
		if (!slice_to_u64(slice_first(text, digits), UINT64_MAX,
				  &value) ||
		    __builtin_mul_overflow(value, units[i].factor, &value))
			return ERR_LIMIT;
		*value_r = value;
		return ERR_NONE;
	}
	return ERR_SYNTAX;
}

enum err units_size(struct slice text, uint64_t *octets_r)
{
	return parse(text, size_units, ARRAY_LEN(size_units), octets_r);
}

enum err units_duration(struct slice text, uint64_t *ms_r)
{
	return parse(text, duration_units, ARRAY_LEN(duration_units), ms_r);
}

/* In tenths of `unit`, rounded; below 2^64 whatever the unit is. */
static uint64_t tenths_of(uint64_t octets, uint64_t unit)
{
	return octets / unit * 10 + (octets % unit * 10 + unit / 2) / unit;
}

void units_format_size(uint64_t octets, struct buf *out)
{
	static const char *const names[] = { "KiB", "MiB", "GiB",
					     "TiB", "PiB", "EiB" };
	uint64_t tenths;
	size_t n = 0;

	if (octets < 1024) {
		buf_add_u64(out, octets);
		buf_add_str(out, octets == 1 ? " octet" : " octets");
		return;
	}
	tenths = tenths_of(octets, (uint64_t)1 << 10);
	while (tenths >= 10240 && n + 1 < ARRAY_LEN(names)) {
		n++;
		tenths = tenths_of(octets, (uint64_t)1 << (10 * (n + 1)));
	}
	buf_add_u64(out, tenths / 10);
	if (tenths % 10 != 0) {
		buf_add_octet(out, '.');
		buf_add_u64(out, tenths % 10);
	}
	buf_add_octet(out, ' ');
	buf_add_str(out, names[n]);
}
