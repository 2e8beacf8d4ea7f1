/*
 * Any messages to the server side of SASL: nobody gets in without the password.
 *
 * The first octet chooses the mechanism and what the transport has; then each
 * message is a length and as many octets. In SCRAM keys are real ones, of a
 * password that the fuzzer does not know.
 */
#include <stddef.h>
#include <stdint.h>

#include "auth/server.h"
#include "base/panic.h"
#include "base/random.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum auth_mechanism mechanisms[] = {
	AUTH_PLAIN,    AUTH_LOGIN, AUTH_SCRAM_SHA_256, AUTH_SCRAM_SHA_256_PLUS,
	AUTH_EXTERNAL,
};

/* Made once: a millisecond each would be most of the time. */
static const struct auth_keys *some_keys(void)
{
	static struct auth_keys keys;
	static bool made;
	struct random_seeded random;

	if (made)
		return &keys;
	random_seeded_init(&random, 1);
	MUST(auth_keys_make(&keys, SLICE_LIT("correct horse"),
			    &random.random) == ERR_NONE);
	made = true;
	return &keys;
}

static void check_name(struct slice name, bool may_be_empty)
{
	MUST(name.len <= AUTH_USER_MAX);
	MUST(may_be_empty || name.len > 0);
	MUST(slice_find(name, '\0') == name.len);
}

/* True: the exchange goes on. */
static bool check_step(struct auth_server *server,
		       enum auth_mechanism mechanism, bool external,
		       enum auth_step step)
{
	switch (step) {
	case AUTH_STEP_CHALLENGE:
		return true;
	case AUTH_STEP_KEYS:
		check_name(auth_server_authcid(server), false);
		check_name(auth_server_authzid(server), true);
		return check_step(server, mechanism, external,
				  auth_server_keys(server, some_keys()));
	case AUTH_STEP_PASSWORD:
		MUST(mechanism == AUTH_PLAIN || mechanism == AUTH_LOGIN);
		check_name(auth_server_authcid(server), false);
		check_name(auth_server_authzid(server), true);
		MUST(auth_server_password(server).len > 0);
		MUST(auth_server_password(server).len <= AUTH_PASSWORD_MAX);
		return false;
	case AUTH_STEP_PROVED:
		MUST(mechanism == AUTH_EXTERNAL && external);
		return false;
	case AUTH_STEP_FAIL:
	case AUTH_STEP_BAD:
		return false;
	}
	PANIC("step %d", (int)step);
}

static struct slice next_message(struct slice *rest)
{
	struct slice message = slice_first(slice_from(*rest, 1), rest->data[0]);

	*rest = slice_from(*rest, 1 + message.len);
	return message;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_of(data + 1, size - 1);
	enum auth_mechanism mechanism;
	struct auth_server *server;
	bool external;

	if (size < 2)
		return 0;
	mechanism = mechanisms[(data[0] & 7) % ARRAY_LEN(mechanisms)];
	external = data[0] & 0x80;
	server = auth_server_new(
		mechanism,
		data[0] & 0x40 ? SLICE_LIT("exported octets") : SLICE_NONE,
		data[0] & 0x20, external ? SLICE_LIT("be1") : SLICE_NONE);
	if (!(data[0] & 0x10))
		MUST(auth_server_feed(server, SLICE_NONE, false) ==
		     AUTH_STEP_CHALLENGE);
	while (rest.len &&
	       check_step(server, mechanism, external,
			  auth_server_feed(server, next_message(&rest), true)))
		;
	auth_server_free(&server);
	return 0;
}
