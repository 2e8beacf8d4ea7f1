/*
 * What a verify finds. Nothing here can fail.
 */
#include "cluster/findings.h"

void findings_add(struct findings *findings, const char *fmt, ...)
{
	va_list args;

	buf_clear(&findings->text);
	va_start(args, fmt);
	buf_vprintf(&findings->text, fmt, args);
	va_end(args);
	findings->count++;
	findings->tell(findings->arg, buf_cstr(&findings->text));
}

uint64_t findings_end(struct findings *findings)
{
	enum err err = store_txn_error(findings->txn);

	if (err != ERR_NONE)
		findings_add(findings, "cannot be read: %s", err_text(err));
	buf_fini(&findings->text);
	return findings->count;
}
