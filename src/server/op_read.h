/*
 * The structure of a message made from its body: op_read.c.
 */
#ifndef SERVER_OP_READ_H
#define SERVER_OP_READ_H

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "store/body.h"

/*
 * Reads the body in chunks, parses and appends the encoded structure. Blocks:
 * on a worker. ERR_MISSING_BODY, ERR_CORRUPT, ERR_IO.
 */
must_use enum err structure_of_body(struct body_store *bodies,
				    const struct sha256 *hash, struct buf *out);

#endif
