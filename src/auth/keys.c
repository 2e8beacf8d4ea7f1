/*
 * SCRAM keys of passwords.
 *
 * SaltedPassword := PBKDF2(SASLprep(password), salt, i)
 * StoredKey := H(HMAC(SaltedPassword, "Client Key"))
 * ServerKey := HMAC(SaltedPassword, "Server Key")       (RFC 5802 section 3)
 *
 * A password that SASLprep refuses has no keys and matches none. Copies of
 * passwords made here are wiped.
 */
#include "auth/keys.h"

#include <gsasl.h>
#include <string.h>

#include "base/mem.h"
#include "base/panic.h"

/* SASLprep into `out` (empty before), with a 0 octet behind. */
static enum err prepare(struct slice text, Gsasl_saslprep_flags flags,
			struct buf *out)
{
	char *copy = mem_dup(text.data, text.len);
	char *prepared = NULL;
	enum err err = ERR_INVALID;

	if (strlen(copy) == text.len &&
	    gsasl_saslprep(copy, flags, &prepared, NULL) == GSASL_OK &&
	    prepared[0] != '\0') {
		buf_add_str(out, prepared);
		err = ERR_NONE;
	}
	if (prepared) {
		secret_wipe(prepared, strlen(prepared));
		gsasl_free(prepared);
	}
	secret_wipe(copy, text.len);
	mem_free(copy);
	return err;
}

/* The two keys of a prepared password. */
static void derive(struct auth_keys *keys, struct slice prepared)
{
	struct sha256 salted;
	struct sha256 client_key;

	pbkdf2_sha256(prepared, slice_of(keys->salt, keys->salt_len),
		      keys->iterations, &salted);
	hmac_sha256(slice_of(salted.octets, SHA256_SIZE),
		    SLICE_LIT("Client Key"), &client_key);
	sha256(slice_of(client_key.octets, SHA256_SIZE), &keys->stored_key);
	hmac_sha256(slice_of(salted.octets, SHA256_SIZE),
		    SLICE_LIT("Server Key"), &keys->server_key);
	secret_wipe(&salted, sizeof(salted));
	secret_wipe(&client_key, sizeof(client_key));
}

static enum err prepare_password(struct slice password,
				 Gsasl_saslprep_flags flags, struct buf *out)
{
	if (password.len == 0 || password.len > AUTH_PASSWORD_MAX)
		return ERR_INVALID;
	return prepare(password, flags, out);
}

static void wipe_buf(struct buf *buf)
{
	if (buf->data)
		secret_wipe(buf->data, buf->cap);
	buf_fini(buf);
}

enum err auth_keys_make(struct auth_keys *keys_r, struct slice password,
			struct random *random)
{
	struct buf prepared = { 0 };
	enum err err;

	*keys_r = (struct auth_keys){ 0 };
	err = prepare_password(password, (Gsasl_saslprep_flags)0, &prepared);
	if (!err) {
		keys_r->iterations = AUTH_ITERATIONS;
		keys_r->salt_len = AUTH_SALT_SIZE;
		random->fill(random, keys_r->salt, AUTH_SALT_SIZE);
		derive(keys_r, buf_slice(&prepared));
	}
	wipe_buf(&prepared);
	return err;
}

enum err auth_keys_check(const struct auth_keys *keys, struct slice password)
{
	struct auth_keys made = *keys;
	struct buf prepared = { 0 };
	enum err err = ERR_AUTH;

	MUST(keys->iterations > 0);
	MUST(keys->salt_len <= AUTH_SALT_MAX);
	if (prepare_password(password, GSASL_ALLOW_UNASSIGNED, &prepared) ==
	    ERR_NONE) {
		derive(&made, buf_slice(&prepared));
		if (secret_eq(slice_of(made.stored_key.octets, SHA256_SIZE),
			      slice_of(keys->stored_key.octets, SHA256_SIZE)))
			err = ERR_NONE;
	}
	wipe_buf(&prepared);
	return err;
}

void auth_keys_fake(struct auth_keys *keys_r, struct slice secret,
		    struct slice user)
{
	struct sha256 mac;

	*keys_r = (struct auth_keys){ 0 };
	hmac_sha256(secret, user, &mac);
	keys_r->iterations = AUTH_ITERATIONS;
	keys_r->salt_len = AUTH_SALT_SIZE;
	memcpy(keys_r->salt, mac.octets, AUTH_SALT_SIZE);
	/* The other half of the MAC is a stored key whose preimage, the
	 * ClientKey that a client would have to show, nobody knows. */
	hmac_sha256(secret, slice_of(mac.octets, SHA256_SIZE),
		    &keys_r->stored_key);
	hmac_sha256(secret, slice_of(keys_r->stored_key.octets, SHA256_SIZE),
		    &keys_r->server_key);
}

enum err auth_user_prepare(struct slice user, struct buf *out)
{
	if (user.len == 0 || user.len > AUTH_USER_MAX)
		return ERR_INVALID;
	return prepare(user, GSASL_ALLOW_UNASSIGNED, out);
}
