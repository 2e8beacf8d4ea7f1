/*
 * The node's own key: made once, read at each start.
 */
#include "server/peers.h"

#include "io/tls.h"

enum err peers_make_key(const char *data, const char *name, struct buf *why,
			struct sha256 *hash_r)
{
	struct buf cert = { 0 };
	struct buf key = { 0 };
	enum err err;

	buf_printf(&cert, "%s/cert.pem", data);
	buf_printf(&key, "%s/key.pem", data);
	err = io_tls_key_hash(buf_cstr(&cert), why, hash_r);
	if (err == ERR_NOTFOUND) {
		buf_clear(why);
		err = io_tls_selfsigned(buf_cstr(&cert), buf_cstr(&key), &name,
					1);
		if (err)
			buf_printf(why, "%s: cannot be made: %s",
				   buf_cstr(&cert), err_text(err));
		else
			err = io_tls_key_hash(buf_cstr(&cert), why, hash_r);
	}
	buf_fini(&cert);
	buf_fini(&key);
	return err;
}
