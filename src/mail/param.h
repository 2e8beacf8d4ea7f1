/*
 * Values with parameters: Content-Type and Content-Disposition (RFC 2045
 * section 5.1, RFC 2183), with the continuations of RFC 2231.
 *
 * Parameters stay as in the message, with one exception: the sections of a
 * continued one are joined ("a*0=x; a*1=y" is "a" = "xy"). If any of the
 * sections is encoded, the joined parameter is "a*" in the form of RFC 2231
 * section 4 ("utf-8''%e2%82%ac"), sections that were not encoded included.
 * Sets with a gap or a repeated section are shown as they stand. So no octet
 * is lost, and no charset is needed to make a BODYSTRUCTURE.
 */
#ifndef MAIL_PARAM_H
#define MAIL_PARAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "mail/charset.h"

/* Parameters of one field; the rest is ignored. */
#define MAIL_PARAM_MAX 200

struct mail_param {
	struct slice name; /* never empty; letters as in the message */
	struct slice value;
};

struct mail_params {
	struct mail_param *list;
	uint32_t count;
};

/* The first one of that name (ASCII letters in any case), or NULL. */
const struct mail_param *mail_param_find(const struct mail_params *params,
					 struct slice name);

/*
 * Reads "type/subtype; params". False: that is no media type (the part is then
 * text/plain, RFC 2045 section 5.2) and nothing was set.
 */
bool mail_content_type_parse(struct slice value, struct arena *arena,
			     struct slice *type_r, struct slice *subtype_r,
			     struct mail_params *params_r);

/* Reads "token; params". False: there is no token. */
bool mail_disposition_parse(struct slice value, struct arena *arena,
			    struct slice *token_r,
			    struct mail_params *params_r);

/*
 * Appends the value of the parameter `name` or `name*` as UTF-8; encoded words
 * (which do not belong there, but occur) are decoded too. False: neither is
 * there. An unknown charset leaves the octets as they are.
 */
bool mail_param_decode(const struct mail_params *params, struct slice name,
		       struct mail_charsets *charsets, struct buf *out);

#endif
