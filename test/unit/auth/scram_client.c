/*
 * The client side of SCRAM-SHA-256.
 */
#include "scram_client.h"

#include "base/base64.h"

static struct slice octets_of(const struct sha256 *hash)
{
	return slice_of(hash->octets, SHA256_SIZE);
}

void scram_client_fini(struct scram_client *client)
{
	buf_fini(&client->text);
}

static void add_bare(const struct scram_client *client, struct buf *out)
{
	buf_printf(out, "n=%s,r=%s", client->user, client->nonce);
}

void scram_client_first(struct scram_client *client, struct buf *out)
{
	buf_add_str(out, client->gs2);
	add_bare(client, out);
	buf_clear(&client->text);
	add_bare(client, &client->text);
	buf_add_octet(&client->text, ',');
}

/* "c=" of the header and the channel, "r=" of both nonces. */
static void add_final_bare(const struct scram_client *client,
			   struct slice nonce, struct buf *out)
{
	struct buf binding = { 0 };

	buf_add_str(&binding, client->gs2);
	buf_add_slice(&binding, client->binding);
	buf_add_str(out, "c=");
	base64_encode(buf_slice(&binding), out);
	buf_printf(out, ",r=%.*s", SLICE_FMT(nonce));
	buf_fini(&binding);
}

/* Proof and server signature from the salted password (RFC 5802 section 3). */
static void sign(struct scram_client *client, struct slice salt,
		 uint32_t iterations, struct sha256 *proof_r)
{
	struct sha256 salted;
	struct sha256 client_key;
	struct sha256 stored_key;
	struct sha256 server_key;
	struct sha256 signature;

	pbkdf2_sha256(slice_str(client->password), salt, iterations, &salted);
	hmac_sha256(octets_of(&salted), SLICE_LIT("Client Key"), &client_key);
	hmac_sha256(octets_of(&salted), SLICE_LIT("Server Key"), &server_key);
	sha256(octets_of(&client_key), &stored_key);
	hmac_sha256(octets_of(&stored_key), buf_slice(&client->text),
		    &signature);
	hmac_sha256(octets_of(&server_key), buf_slice(&client->text),
		    &client->server_signature);
	for (size_t i = 0; i < SHA256_SIZE; i++)
		proof_r->octets[i] = client_key.octets[i] ^ signature.octets[i];
}

/* Cuts "x=value" off; false: another letter. */
static bool cut(struct slice *text, const char *letter, struct slice *value_r)
{
	struct slice field = slice_cut(text, ',');

	*value_r = slice_from(field, field.len < 2 ? field.len : 2);
	return slice_has_prefix(field, slice_str(letter));
}

bool scram_client_final(struct scram_client *client, struct slice server_first,
			struct buf *out)
{
	struct slice rest = server_first;
	struct buf salt = { 0 };
	struct sha256 proof;
	struct slice nonce;
	struct slice salt64;
	struct slice count;
	uint64_t iterations;
	bool ok;

	ok = cut(&rest, "r=", &nonce) && cut(&rest, "s=", &salt64) &&
	     cut(&rest, "i=", &count) &&
	     slice_has_prefix(nonce, slice_str(client->nonce)) &&
	     base64_decode(salt64, &salt) == ERR_NONE &&
	     slice_to_u64(count, UINT32_MAX, &iterations);
	if (ok) {
		buf_add_slice(&client->text, server_first);
		buf_add_octet(&client->text, ',');
		add_final_bare(client, nonce, &client->text);
		add_final_bare(client, nonce, out);
		sign(client, buf_slice(&salt), (uint32_t)iterations, &proof);
		buf_add_str(out, ",p=");
		base64_encode(octets_of(&proof), out);
	}
	buf_fini(&salt);
	return ok;
}

bool scram_client_check(const struct scram_client *client,
			struct slice server_final)
{
	struct buf text = { 0 };
	bool ok;

	buf_add_str(&text, "v=");
	base64_encode(octets_of(&client->server_signature), &text);
	ok = slice_eq(buf_slice(&text), server_final);
	buf_fini(&text);
	return ok;
}
