/*
 * Holds on many bodies (holds.h): a window of questions moves over the
 * messages. The first failure stops it; what is under way is waited for.
 */
#include "server/holds.h"

#include "base/panic.h"

static void held(struct body_have *have);

static void ask(struct holds *holds, struct body_have *have)
{
	*have = (struct body_have){
		.home = holds->home,
		.owner = holds,
		.hold = holds->hold,
		.hash = holds->messages[holds->next++].hash,
	};
	holds->under_way++;
	body_have(holds->bodies, have, held);
}

static void held(struct body_have *have)
{
	struct holds *holds = have->owner;

	holds->under_way--;
	if (have->err && (!holds->err || have->err == ERR_MISSING_BODY))
		holds->err = have->err;
	if (!holds->err && holds->next < holds->count)
		ask(holds, have);
	else if (holds->under_way == 0)
		holds->done(holds);
}

void holds_take(struct holds *holds, holds_done *done)
{
	MUST(holds->count > 0);
	holds->done = done;
	holds->err = ERR_NONE;
	holds->next = 0;
	holds->under_way = 0;
	for (size_t i = 0; i < HOLDS_WINDOW && holds->next < holds->count; i++)
		ask(holds, &holds->haves[i]);
}
