/*
 * Joining, as octets (welcome.h). A layout is one function for both directions
 * (codec.h).
 */
#include "cluster/welcome.h"

#include <string.h>

#include "base/base64.h"
#include "base/mem.h"
#include "cluster/codec.h"

#define WELCOME_VERSION 1
#define WELCOME_OCTETS_MAX                                  \
	65536 /* 128 members with all they can have: 320 K, \
	       * as few have more than one address */
#define CLUSTER_ID_SIZE 32
#define TOKEN_PREFIX "murder-"

static void version_codec(struct codec *codec)
{
	uint8_t version = WELCOME_VERSION;

	codec_u8(codec, &version);
	if (version != WELCOME_VERSION)
		codec_fail(codec, ERR_VERSION);
}

static void text_codec(struct codec *codec, struct slice *text, size_t max)
{
	codec_bytes(codec, text, max);
	if (text->len == 0)
		codec_check(codec, ERR_INVALID);
}

static void addresses_codec(struct codec *codec, struct slice *addresses,
			    unsigned *count)
{
	codec_choice(codec, count, 1, WELCOME_ADDRESSES_MAX);
	for (unsigned i = 0; i < *count && !codec->err; i++)
		text_codec(codec, &addresses[i], WELCOME_ADDRESS_MAX);
}

/* ---- token ---- */

static void token_codec(struct codec *codec, struct slice *secret,
			struct sha256 *key_hash, struct slice *name,
			struct slice *address)
{
	version_codec(codec);
	codec_bytes(codec, secret, WELCOME_SECRET_SIZE);
	codec_hash(codec, key_hash);
	text_codec(codec, name, WELCOME_NAME_MAX);
	text_codec(codec, address, WELCOME_ADDRESS_MAX);
}

/* '-' and '_' for '+' and '/', and no padding (RFC 4648 section 5). */
static void to_url(struct buf *text, size_t from)
{
	for (size_t i = from; i < text->len; i++) {
		if (text->data[i] == '+')
			text->data[i] = '-';
		else if (text->data[i] == '/')
			text->data[i] = '_';
	}
	while (text->len > from && text->data[text->len - 1] == '=')
		text->len--;
}

static void from_url(struct slice text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		char octet = (char)text.data[i];

		if (octet == '-')
			octet = '+';
		else if (octet == '_')
			octet = '/';
		buf_add(out, &octet, 1);
	}
	while (out->len % 4 != 0)
		buf_add(out, "=", 1);
}

void welcome_token_write(const struct welcome_token *token, struct buf *out)
{
	struct slice secret = slice_of(token->secret, WELCOME_SECRET_SIZE);
	struct slice name = slice_str(token->name);
	struct slice address = slice_str(token->address);
	struct sha256 key_hash = token->key_hash;
	struct buf octets = { 0 };
	struct codec codec = codec_encoder(&octets, WELCOME_OCTETS_MAX);
	size_t from;

	token_codec(&codec, &secret, &key_hash, &name, &address);
	buf_add_str(out, TOKEN_PREFIX);
	from = out->len;
	if (codec_end(&codec) == ERR_NONE)
		base64_encode(buf_slice(&octets), out);
	to_url(out, from);
	buf_fini(&octets);
}

static enum err token_decode(struct slice octets, struct welcome_token *token)
{
	struct codec codec = codec_decoder(octets, NULL);
	struct slice secret = SLICE_NONE;
	struct slice name = SLICE_NONE;
	struct slice address = SLICE_NONE;
	enum err err;

	*token = (struct welcome_token){ 0 };
	token_codec(&codec, &secret, &token->key_hash, &name, &address);
	err = codec_end(&codec);
	if (err == ERR_VERSION)
		return err;
	if (err != ERR_NONE || secret.len != WELCOME_SECRET_SIZE ||
	    memchr(name.data, '\0', name.len) ||
	    memchr(address.data, '\0', address.len))
		return ERR_SYNTAX;
	memcpy(token->secret, secret.data, secret.len);
	memcpy(token->name, name.data, name.len);
	memcpy(token->address, address.data, address.len);
	return ERR_NONE;
}

/* One token has one text: '+', '/' and '=' are not in it. */
static bool is_as_written(const struct welcome_token *token, struct slice text)
{
	struct buf again = { 0 };
	bool same;

	welcome_token_write(token, &again);
	same = slice_eq(buf_slice(&again), text);
	buf_fini(&again);
	return same;
}

enum err welcome_token_read(struct slice text, struct welcome_token *token_r)
{
	struct slice prefix = SLICE_LIT(TOKEN_PREFIX);
	struct buf padded = { 0 };
	struct buf octets = { 0 };
	enum err err = ERR_SYNTAX;

	if (text.len > prefix.len &&
	    slice_eq(slice_first(text, prefix.len), prefix)) {
		from_url(slice_from(text, prefix.len), &padded);
		err = base64_decode(buf_slice(&padded), &octets);
	}
	if (err == ERR_NONE)
		err = token_decode(buf_slice(&octets), token_r);
	if (err == ERR_NONE && !is_as_written(token_r, text))
		err = ERR_SYNTAX;
	buf_fini(&padded);
	buf_fini(&octets);
	return err;
}

/* ---- question ---- */

static void ask_codec(struct codec *codec, struct welcome_ask *ask)
{
	version_codec(codec);
	codec_bytes(codec, &ask->secret, WELCOME_SECRET_SIZE);
	text_codec(codec, &ask->name, WELCOME_NAME_MAX);
	addresses_codec(codec, ask->addresses, &ask->address_count);
	codec_var32(codec, &ask->feature_level);
}

enum err welcome_ask_encode(const struct welcome_ask *ask, struct buf *out)
{
	struct codec codec = codec_encoder(out, WELCOME_OCTETS_MAX);
	struct welcome_ask copy = *ask;

	ask_codec(&codec, &copy);
	return codec_end(&codec);
}

enum err welcome_ask_decode(struct slice octets, struct welcome_ask *ask_r)
{
	struct codec codec = codec_decoder(octets, NULL);

	*ask_r = (struct welcome_ask){ 0 };
	ask_codec(&codec, ask_r);
	return codec_end(&codec);
}

/* ---- answer ---- */

static void member_codec(struct codec *codec, struct welcome_member *member)
{
	codec_var32(codec, &member->node);
	addresses_codec(codec, member->addresses, &member->address_count);
	codec_choice(codec, &member->key_count, 1, WELCOME_KEYS_MAX);
	for (unsigned i = 0; i < member->key_count && !codec->err; i++)
		codec_hash(codec, &member->keys[i]);
}

static void welcome_codec(struct codec *codec, struct welcome *welcome)
{
	void *members = welcome->members;
	size_t count;

	version_codec(codec);
	codec_bytes(codec, &welcome->cluster, CLUSTER_ID_SIZE);
	if (welcome->cluster.len != CLUSTER_ID_SIZE)
		codec_check(codec, ERR_INVALID);
	codec_var32(codec, &welcome->node);
	codec_var64(codec, &welcome->raft_id);
	count = codec_array(codec, &welcome->member_count, WELCOME_MEMBERS_MAX,
			    sizeof(*welcome->members), &members);
	welcome->members = members;
	for (size_t i = 0; i < count && !codec->err; i++)
		member_codec(codec, &welcome->members[i]);
}

enum err welcome_encode(const struct welcome *welcome, struct buf *out)
{
	struct codec codec = codec_encoder(out, WELCOME_OCTETS_MAX);
	struct welcome copy = *welcome;

	welcome_codec(&codec, &copy);
	return codec_end(&codec);
}

enum err welcome_decode(struct slice octets, struct arena *arena,
			struct welcome *welcome_r)
{
	struct codec codec = codec_decoder(octets, arena);

	*welcome_r = (struct welcome){ 0 };
	welcome_codec(&codec, welcome_r);
	return codec_end(&codec);
}
