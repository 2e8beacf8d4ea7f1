/*
 * Tokens, and joining by one: each lets one node in, once.
 *
 * Happy path: TOKEN_PUT keeps the hash of a secret with what the node will be;
 * JOIN brings the secret and the node's key, makes the member and marks the
 * token as used. Whoever sees the secret in the log has no use for it then.
 *
 * Failures are refusals, before anything is written. A JOIN whose answer was
 * lost comes again under another op id: the token knows its member, and the
 * key tells whether it is the same joiner.
 */
#include "cluster/directory_apply.h"

/* ---- tokens ---- */

static uint64_t now_ms(const struct directory_apply *a)
{
	return a->command->proposed_at_ms;
}

static bool is_over(const struct directory_apply *a,
		    const struct directory_token *token)
{
	return now_ms(a) >= token->expires_at_ms;
}

/* Ended so long ago that nobody asks for it any more. */
static bool is_past(const struct directory_apply *a,
		    const struct directory_token *token)
{
	return is_over(a, token) &&
	       now_ms(a) - token->expires_at_ms >= DIRECTORY_TOKEN_KEEP_MS;
}

static void token_delete(struct directory_apply *a, const struct sha256 *hash)
{
	struct store_key key = directory_token_key(hash);

	store_del(a->txn, DIRECTORY_TABLE_TOKEN, store_key_slice(&key));
}

/* How many tokens stay, and the hashes of those that do not. */
struct tokens {
	struct sha256 past[DIRECTORY_TOKENS_MAX];
	unsigned past_count;
	unsigned left;
};

static void tokens_count(struct directory_apply *a, struct tokens *tokens)
{
	struct directory_token token;
	struct directory_walk walk;

	*tokens = (struct tokens){ .left = 0 };
	directory_token_walk(&walk, a->txn);
	while (directory_token_next(&walk, &token)) {
		if (is_past(a, &token) &&
		    tokens->past_count < DIRECTORY_TOKENS_MAX)
			tokens->past[tokens->past_count++] = token.hash;
		else
			tokens->left++;
	}
	directory_walk_end(&walk);
}

static void tokens_clean(struct directory_apply *a, const struct tokens *tokens)
{
	for (unsigned i = 0; i < tokens->past_count; i++)
		token_delete(a, &tokens->past[i]);
}

static enum err token_put_look(struct directory_apply *a,
			       const struct directory_token *token,
			       const struct tokens *tokens)
{
	struct directory_token old;

	if (directory_token_find(a->txn, &token->hash, &old))
		return ERR_EXISTS;
	if (is_over(a, token))
		return ERR_EXPIRED;
	if (token->expires_at_ms - now_ms(a) > DIRECTORY_TOKEN_LIFE_MAX_MS ||
	    tokens->left >= DIRECTORY_TOKENS_MAX)
		return ERR_LIMIT;
	return ERR_NONE;
}

void directory_apply_token_put(struct directory_apply *a)
{
	struct directory_token_put command;
	struct tokens tokens;
	enum err err = directory_token_put_decode(a->command->body, &command);

	tokens_count(a, &tokens);
	if (err == ERR_NONE)
		err = token_put_look(a, &command.token, &tokens);
	if (err != ERR_NONE) {
		directory_refuse(a, err);
		return;
	}
	tokens_clean(a, &tokens);
	command.token.node = 0;
	directory_token_row_put(a->txn, a->scratch, &command.token);
}

void directory_apply_token_drop(struct directory_apply *a)
{
	struct directory_token_drop command;
	struct directory_token token;
	enum err err = directory_token_drop_decode(a->command->body, &command);

	if (err == ERR_NONE &&
	    !directory_token_find(a->txn, &command.hash, &token))
		err = ERR_NOTFOUND;
	if (err != ERR_NONE)
		directory_refuse(a, err);
	else
		token_delete(a, &command.hash);
}

/* ---- JOIN ---- */

/* Who has joined by the token already; the same joiner may ask again. */
static enum err joined_look(struct directory_apply *a,
			    const struct directory_join *command,
			    const struct directory_token *token)
{
	struct directory_member member;

	if (!row_want(a->txn,
		      directory_member_find(a->txn, token->node, &member)))
		return ERR_DENIED;
	return member.state != DIRECTORY_MEMBER_REMOVED &&
			       directory_member_has_key(&member,
							command->key_hash)
		       ? ERR_NONE
		       : ERR_DENIED;
}

static enum err join_look(struct directory_apply *a,
			  const struct directory_join *command,
			  const struct directory_member *member,
			  struct directory_token *token_r)
{
	struct sha256 hash;

	sha256(command->secret, &hash);
	if (!directory_token_find(a->txn, &hash, token_r))
		return ERR_NOTFOUND;
	if (!slice_eq_nocase(token_r->name, command->name))
		return ERR_DENIED;
	if (token_r->node != 0)
		return joined_look(a, command, token_r);
	if (is_over(a, token_r))
		return ERR_EXPIRED;
	return directory_member_look(a, member);
}

static void join_write(struct directory_apply *a,
		       struct directory_member *member,
		       struct directory_token *token)
{
	token->name = arena_slice(a->arena, token->name);
	token->zone = arena_slice(a->arena, token->zone);
	member->name = token->name;
	member->roles = token->roles;
	member->zone = token->zone;
	member->weight = token->weight;
	directory_member_insert(a, member);
	token->node = member->node;
	directory_token_row_put(a->txn, a->scratch, token);
}

void directory_apply_join(struct directory_apply *a)
{
	struct directory_join command;
	struct directory_join_result result = { .node = 0 };
	struct directory_token token;
	struct directory_member member = { .state = DIRECTORY_MEMBER_ACTIVE };
	enum err err = directory_join_decode(a->command->body, &command);

	if (err == ERR_NONE) {
		member.name = command.name;
		member.key_hash = command.key_hash;
		member.address_count = command.address_count;
		member.feature_level = command.feature_level;
		memcpy(member.addresses, command.addresses,
		       sizeof(member.addresses));
		err = join_look(a, &command, &member, &token);
	}
	if (err != ERR_NONE) {
		directory_refuse(a, err);
		return;
	}
	if (token.node == 0)
		join_write(a, &member, &token);
	result.node = token.node;
	result.roles = token.roles;
	result.feature_level = a->counters.feature_level;
	directory_join_result_encode(&result, &a->result->payload);
}
