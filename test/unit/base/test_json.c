/*
 * JSON, written: commas where they belong, and octets that survive.
 */
#include <criterion/criterion.h>

#include "base/json.h"

static void expect_text(struct buf *out, const char *want)
{
	cr_expect_str_eq(buf_cstr(out), want, "%s", buf_cstr(out));
	buf_fini(out);
}

Test(json, commas_stand_between_values)
{
	struct buf out = { 0 };

	json_object_begin(&out, NULL);
	json_number(&out, "a", 1);
	json_array_begin(&out, "b");
	json_number(&out, NULL, UINT64_MAX);
	json_signed(&out, NULL, -2);
	json_object_begin(&out, NULL);
	json_object_end(&out);
	json_object_begin(&out, NULL);
	json_flag(&out, "c", false);
	json_object_end(&out);
	json_array_end(&out);
	json_array_begin(&out, "d");
	json_array_end(&out);
	json_flag(&out, "e", true);
	json_object_end(&out);
	expect_text(&out, "{\"a\":1,\"b\":[18446744073709551615,-2,{},"
			  "{\"c\":false}],\"d\":[],\"e\":true}");
}

Test(json, text_is_escaped)
{
	struct buf out = { 0 };

	json_array_begin(&out, NULL);
	json_text(&out, NULL, SLICE_LIT("a\"b\\c\r\n\x7f\x01"));
	json_text(&out, NULL, SLICE_LIT("{["));
	json_text(&out, NULL, SLICE_LIT("\xc3\xa9"));
	json_text(&out, NULL, SLICE_LIT("\xc3\xa9\xff"));
	json_text(&out, NULL, SLICE_NONE);
	json_array_end(&out);
	expect_text(&out, "[\"a\\\"b\\\\c\\u000d\\u000a\\u007f\\u0001\",\"{[\","
			  "\"\xc3\xa9\",\"\\u00c3\\u00a9\\u00ff\",\"\"]");
}
