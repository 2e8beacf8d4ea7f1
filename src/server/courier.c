/*
 * The courier's life, and the tick that gives up what does not move.
 *
 * Whatever is under way counts in `busy`, the tick too; it runs only while
 * something stands in one of the lists.
 */
#include "server/courier_impl.h"

#include "base/mem.h"

enum err courier_find_targets(struct courier *courier, uint32_t group,
			      struct courier_targets *targets_r)
{
	return courier->config.ops->targets(courier->config.arg, group,
					    targets_r);
}

bool courier_lets_in(struct courier *courier, struct peer_stream *stream,
		     uint64_t to, const struct body_hold *hold)
{
	const struct courier_config *config = &courier->config;
	uint32_t node = peer_stream_node(stream);

	if (atomic_load(&courier->stopped)) {
		peer_stream_close(stream, ERR_UNAVAILABLE, "stopping");
		return false;
	}
	if (!config->ops->may(config->arg, node, COURIER_MAY_WRITE)) {
		peer_stream_close(stream, ERR_DENIED,
				  "only frontends and backends bring bodies");
		return false;
	}
	if (to == 0 || config->ops->raft_id(config->arg, hold->group) != to) {
		peer_stream_close(stream, ERR_STALE,
				  "that replica of the group is not here");
		return false;
	}
	return true;
}

/* ---- bodies that came ---- */

void courier_came(struct courier *courier, const struct sha256 *hash)
{
	const struct courier_config *config = &courier->config;

	if (config->ops->came)
		config->ops->came(config->arg, hash);
}

void courier_tell_came(struct courier *courier, const struct sha256 *hash)
{
	courier_came(courier, hash);
}

/* ---- the tick ---- */

static bool is_idle(const struct courier *courier)
{
	return list_empty(&courier->spreads) && tree_empty(&courier->fetches) &&
	       list_empty(&courier->gives);
}

void courier_wake_tick(struct courier *courier)
{
	if (timer_is_set(&courier->tick))
		return;
	courier_begin(courier);
	timer_set(courier->config.timers, &courier->tick, COURIER_TICK_MS);
}

static void tick(struct timer *timer)
{
	struct courier *courier = container_of(timer, struct courier, tick);
	uint64_t now_ms = courier_now(courier);

	courier_spread_tick(courier, now_ms);
	courier_fetch_tick(courier, now_ms);
	courier_give_tick(courier, now_ms);
	if (!is_idle(courier))
		courier_wake_tick(courier);
	courier_end(courier); /* the one that has fired */
}

/* ---- life ---- */

struct courier *courier_new(const struct courier_config *config)
{
	struct courier *courier = mem_zalloc(1, sizeof(*courier));
	struct peer_bulk *bulk = config->bulk;

	courier->config = *config;
	list_init(&courier->spreads);
	list_init(&courier->waiting);
	list_init(&courier->gives);
	tree_init(&courier->fetches, courier_fetch_order);
	timer_init(&courier->tick, tick);
	if (bulk) {
		bulk->accept(bulk, PEER_STREAM_BODY, courier_accept_body,
			     courier);
		bulk->accept(bulk, PEER_STREAM_FETCH, courier_accept_fetch,
			     courier);
		bulk->accept(bulk, PEER_STREAM_HAVE, courier_accept_have,
			     courier);
	}
	return courier;
}

static void stop_run(struct task *task)
{
	struct courier *courier = container_of(task, struct courier, stop);

	courier_fetch_stop(courier);
	if (timer_is_set(&courier->tick) && is_idle(courier)) {
		timer_stop(courier->config.timers, &courier->tick);
		courier_end(courier);
	}
	courier_end(courier);
}

void courier_stop(struct courier *courier)
{
	if (atomic_exchange(&courier->stopped, true))
		return;
	courier_begin(courier);
	task_post(courier->config.loop, &courier->stop, stop_run);
}

bool courier_is_busy(struct courier *courier)
{
	return atomic_load(&courier->busy) > 0;
}

void courier_free(struct courier **courierp)
{
	struct courier *courier = *courierp;

	*courierp = NULL;
	MUST(!courier_is_busy(courier));
	mem_free(courier);
}
