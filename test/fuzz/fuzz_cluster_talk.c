/*
 * What nodes say to each other of joining and of their replicas.
 *
 * The first octet chooses what the rest is; what can be read can be written,
 * and then means the same.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/panic.h"
#include "cluster/report.h"
#include "cluster/welcome.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void token(struct slice octets)
{
	struct welcome_token token;
	struct buf text = { 0 };

	if (welcome_token_read(octets, &token) == ERR_NONE) {
		welcome_token_write(&token, &text);
		MUST(slice_eq(buf_slice(&text), octets));
	}
	buf_fini(&text);
}

static void ask(struct slice octets)
{
	struct welcome_ask ask;
	struct buf out = { 0 };

	if (welcome_ask_decode(octets, &ask) == ERR_NONE) {
		MUST(welcome_ask_encode(&ask, &out) == ERR_NONE);
		MUST(slice_eq(buf_slice(&out), octets));
	}
	buf_fini(&out);
}

static void answer(struct slice octets)
{
	struct arena arena = { 0 };
	struct welcome welcome;
	struct buf out = { 0 };

	if (welcome_decode(octets, &arena, &welcome) == ERR_NONE) {
		MUST(welcome_encode(&welcome, &out) == ERR_NONE);
		MUST(slice_eq(buf_slice(&out), octets));
	}
	arena_fini(&arena);
	buf_fini(&out);
}

static void report(struct slice octets)
{
	struct arena arena = { 0 };
	struct report report;
	struct buf out = { 0 };

	if (octets.len <= REPORT_MAX &&
	    report_decode(octets, &arena, &report) == ERR_NONE &&
	    report_encode(&report, 0, &out) == report.group_count)
		MUST(slice_eq(buf_slice(&out), octets));
	arena_fini(&arena);
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_of(data, size);

	if (size == 0)
		return 0;
	rest = slice_from(rest, 1);
	switch (data[0] % 4) {
	case 0:
		token(rest);
		break;
	case 1:
		ask(rest);
		break;
	case 2:
		answer(rest);
		break;
	default:
		report(rest);
		break;
	}
	return 0;
}
