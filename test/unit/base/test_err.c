/*
 * Errors: numbers stand on disk, outcomes decide what a client may be told.
 */
#include "base/err.h"

#include <stdint.h>

#include <criterion/criterion.h>

/* In the order of their numbers. A change here is a change of the format. */
static const char *const on_disk[] = {
	"NONE",        "EXISTS",       "NOTFOUND",
	"DENIED",      "SYNTAX",       "INVALID",
	"LIMIT",       "TOO_BIG",      "OVERQUOTA",
	"FULL",        "CANNOT",       "INUSE",
	"GONE",        "MOVED",        "EXPUNGED",
	"UNSAVED",     "HASCHILDREN",  "NONEXISTENT_PARENT",
	"CHARSET",     "UNKNOWN_CTE",  "AUTH",
	"DISABLED",    "UNAVAILABLE",  "BUSY",
	"NOT_LEADER",  "CANCELLED",    "TAKEN",
	"LEADER_LOST", "FENCED",       "TIMEOUT",
	"CLOSED",      "IO",           "CORRUPT",
	"VERSION",     "LOCKED",       "END",
	"CLIENTBUG",   "MISSING_BODY", "STALE",
	"EXPIRED",
};

Test(err, numbers_on_disk_keep_their_meaning)
{
	for (unsigned i = 0; i < ARRAY_LEN(on_disk); i++)
		cr_assert_str_eq(err_name((enum err)i), on_disk[i]);
}

Test(err, every_error_has_a_text)
{
	for (unsigned i = 0; i < ARRAY_LEN(on_disk); i++)
		cr_assert_str_neq(err_text((enum err)i), "unknown error");
	cr_assert_str_eq(err_text(ERR_NOTFOUND), "does not exist");
}

Test(err, a_number_of_a_later_release_is_unknown)
{
	unsigned later[] = { ARRAY_LEN(on_disk), 1000, UINT32_MAX };

	for (unsigned i = 0; i < ARRAY_LEN(later); i++) {
		cr_assert_str_eq(err_text((enum err)later[i]), "unknown error");
		cr_assert_str_eq(err_name((enum err)later[i]), "UNKNOWN");
		cr_assert_eq(err_outcome((enum err)later[i]), OUTCOME_UNKNOWN);
	}
}

Test(err, what_was_sent_and_not_answered_is_unknown)
{
	cr_assert_eq(err_outcome(ERR_NONE), OUTCOME_DONE);
	cr_assert_eq(err_outcome(ERR_EXISTS), OUTCOME_NOT_DONE);
	cr_assert_eq(err_outcome(ERR_CANCELLED), OUTCOME_NOT_DONE);
	cr_assert_eq(err_outcome(ERR_LEADER_LOST), OUTCOME_UNKNOWN);
	cr_assert_eq(err_outcome(ERR_FENCED), OUTCOME_UNKNOWN);
	cr_assert_eq(err_outcome(ERR_TIMEOUT), OUTCOME_UNKNOWN);
	cr_assert_eq(err_outcome(ERR_CLOSED), OUTCOME_UNKNOWN);
	cr_assert_eq(err_outcome(ERR_IO), OUTCOME_UNKNOWN);
}
