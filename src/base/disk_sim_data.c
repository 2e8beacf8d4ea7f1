/*
 * Sectors with a history.
 *
 * A sector has its durable state and the states that later writes gave it, each
 * whole. A kernel writes a sector back at moments of its own, always as it is
 * then: so after a power loss it has one of these states, and which one says
 * nothing about other sectors.
 *
 * Sizes are metadata, and a file's metadata is written in order: one of its
 * sizes since the last sync survives, with all truncations up to it. That binds
 * sectors which a truncation touched. If it survives, nothing older does. If it
 * does not, what was written behind it went into new blocks that the file does
 * not know: nothing newer does. The sector in the middle of which the file was
 * cut is zeroed in place, so only the former holds for it.
 */
#include "base/disk_sim_data.h"

#include <stdbool.h>
#include <string.h>

#include "base/disk_sim.h"
#include "base/mem.h"
#include "base/panic.h"

#define SECTOR DISK_SIM_SECTOR

struct sector_state {
	uint64_t step;
	bool floor;   /* if this truncation survives, nothing older does */
	bool ceiling; /* if it does not, nothing from here on does */
	bool lost;    /* a failed sync: the kernel takes it for written */
	uint8_t octets[SECTOR];
};

struct sector {
	struct tree_node node;
	struct list dirty;
	uint64_t number; /* its first octet's offset is number * SECTOR */
	struct sector_state *states; /* since it was durable, oldest first */
	size_t count;
	size_t cap;
	uint8_t durable[SECTOR];
};

size_t sim_fate_pick(const struct sim_fate *fate, size_t newest)
{
	if (fate->random == NULL || newest == 0)
		return 0;
	if (random_range(fate->random, 1, 100) <= fate->keep_percent)
		return newest;
	return (size_t)random_range(fate->random, 0, newest - 1);
}

static struct sector *sector_of(struct tree_node *node)
{
	return node != NULL ? TREE_ENTRY(node, struct sector, node) : NULL;
}

static uint64_t number_of(const struct tree_node *node)
{
	return ((const struct sector *)(const void *)node)->number;
}

static int sector_order(const struct tree_node *a, const struct tree_node *b)
{
	return (number_of(a) > number_of(b)) - (number_of(a) < number_of(b));
}

static int sector_seek(const void *key, const struct tree_node *node)
{
	uint64_t number = *(const uint64_t *)key;

	return (number > number_of(node)) - (number < number_of(node));
}

static struct sector *sector_find(const struct sim_data *data, uint64_t number)
{
	return sector_of(tree_find(&data->sectors, &number, sector_seek));
}

static struct sector *sector_get(struct sim_data *data, uint64_t number)
{
	struct sector *sector = sector_find(data, number);

	if (sector != NULL)
		return sector;
	sector = mem_zalloc(1, sizeof(*sector));
	sector->number = number;
	list_init(&sector->dirty);
	tree_insert(&data->sectors, &sector->node);
	return sector;
}

static void sector_free(struct sim_data *data, struct sector *sector)
{
	tree_remove(&data->sectors, &sector->node);
	list_remove(&sector->dirty);
	mem_free(sector->states);
	mem_free(sector);
}

/* As processes see it. */
static const uint8_t *sector_now(const struct sector *sector)
{
	if (sector->count == 0)
		return sector->durable;
	return sector->states[sector->count - 1].octets;
}

/* A new state for the caller to change; it begins as the newest one. */
static struct sector_state *sector_change(struct sim_data *data,
					  struct sector *sector, uint64_t step)
{
	struct sector_state *state;
	uint8_t octets[SECTOR];

	memcpy(octets, sector_now(sector), SECTOR);
	if (sector->count == sector->cap) {
		sector->cap = sector->cap > 0 ? 2 * sector->cap : 1;
		sector->states = mem_realloc(
			sector->states, sector->cap * sizeof(*sector->states));
	}
	if (sector->count == 0)
		list_append(&data->dirty, &sector->dirty);
	state = &sector->states[sector->count++];
	*state = (struct sector_state){ .step = step };
	memcpy(state->octets, octets, SECTOR);
	return state;
}

/* The oldest `count` states are over. */
static void sector_forget(struct sector *sector, size_t count)
{
	sector->count -= count;
	memmove(sector->states, sector->states + count,
		sector->count * sizeof(*sector->states));
	if (sector->count == 0)
		list_remove(&sector->dirty);
}

void sim_data_init(struct sim_data *data)
{
	*data = (struct sim_data){ .size = 0 };
	tree_init(&data->sectors, sector_order);
	list_init(&data->dirty);
}

void sim_data_fini(struct sim_data *data)
{
	while (!tree_empty(&data->sectors))
		sector_free(data, sector_of(tree_first(&data->sectors)));
	mem_free(data->sizes);
}

void sim_data_read(const struct sim_data *data, uint64_t offset, void *out,
		   size_t len)
{
	uint8_t *to = out;

	while (len > 0) {
		struct sector *sector = sector_find(data, offset / SECTOR);
		size_t at = offset % SECTOR;
		size_t piece = len < SECTOR - at ? len : SECTOR - at;

		if (sector != NULL)
			memcpy(to, sector_now(sector) + at, piece);
		else
			memset(to, 0, piece);
		to += piece;
		offset += piece;
		len -= piece;
	}
}

static void size_change(struct sim_data *data, uint64_t step, uint64_t size)
{
	if (data->size_count == data->size_cap) {
		data->size_cap = data->size_cap > 0 ? 2 * data->size_cap : 4;
		data->sizes = mem_realloc(
			data->sizes, data->size_cap * sizeof(*data->sizes));
	}
	data->sizes[data->size_count++] = (struct sim_size){ step, size };
	data->size = size;
}

void sim_data_write(struct sim_data *data, uint64_t step, uint64_t offset,
		    struct slice octets)
{
	uint64_t end = offset + octets.len;

	MUST(end >= offset);
	if (octets.len == 0)
		return;
	while (octets.len > 0) {
		struct sector *sector = sector_get(data, offset / SECTOR);
		size_t at = offset % SECTOR;
		struct slice piece = slice_first(octets, SECTOR - at);

		memcpy(sector_change(data, sector, step)->octets + at,
		       piece.data, piece.len);
		octets = slice_from(octets, piece.len);
		offset += piece.len;
	}
	if (end > data->size)
		size_change(data, step, end);
}

/* The sector that the new end of the file divides. */
static void cut_inside(struct sim_data *data, uint64_t step, uint64_t size)
{
	struct sector *sector = sector_find(data, size / SECTOR);
	size_t kept = size % SECTOR;
	struct sector_state *state;

	if (kept == 0 || sector == NULL)
		return;
	state = sector_change(data, sector, step);
	state->floor = true;
	memset(state->octets + kept, 0, SECTOR - kept);
}

static uint64_t first_behind(uint64_t size)
{
	return size / SECTOR + (size % SECTOR > 0);
}

static void cut_behind(struct sim_data *data, uint64_t step, uint64_t size)
{
	uint64_t number = first_behind(size);
	struct tree_node *node =
		tree_lower(&data->sectors, &number, sector_seek);

	for (; node != NULL; node = tree_next(node)) {
		struct sector_state *state =
			sector_change(data, sector_of(node), step);

		state->floor = true;
		state->ceiling = true;
		memset(state->octets, 0, SECTOR);
	}
}

void sim_data_resize(struct sim_data *data, uint64_t step, uint64_t size)
{
	if (size < data->size) {
		cut_inside(data, step, size);
		cut_behind(data, step, size);
	}
	if (size != data->size)
		size_change(data, step, size);
}

/* The newest state that a sync writes takes all older ones with it. */
static void sector_sync(struct sector *sector)
{
	size_t count = sector->count;

	while (count > 0 && sector->states[count - 1].lost)
		count--;
	if (count == 0)
		return;
	memcpy(sector->durable, sector->states[count - 1].octets, SECTOR);
	sector_forget(sector, count);
}

void sim_data_sync(struct sim_data *data)
{
	LIST_FOREACH_SAFE (&data->dirty, it) {
		struct sector *sector = LIST_ENTRY(it, struct sector, dirty);

		sector_sync(sector);
		if (sector->count == 0 &&
		    sector->number >= first_behind(data->size))
			sector_free(data, sector); /* was cut off: zero */
	}
	data->durable_size = data->size;
	data->size_count = 0;
}

/*
 * Truncations stay as they are: metadata that could not be written stops the
 * file system, it is not forgotten.
 */
void sim_data_sync_failed(struct sim_data *data)
{
	LIST_FOREACH (&data->dirty, it) {
		struct sector *sector = LIST_ENTRY(it, struct sector, dirty);

		for (size_t i = 0; i < sector->count; i++)
			if (!sector->states[i].floor)
				sector->states[i].lost = true;
	}
}

/* Returns the step up to which changes of the size survive. */
static uint64_t size_crash(struct sim_data *data, const struct sim_fate *fate)
{
	uint64_t survived = 0;
	size_t picked;

	while (data->size_count > 0 &&
	       data->sizes[data->size_count - 1].step > fate->last_step)
		data->size_count--;
	picked = sim_fate_pick(fate, data->size_count);
	if (picked > 0) {
		data->durable_size = data->sizes[picked - 1].size;
		survived = data->sizes[picked - 1].step;
	}
	data->size_count = 0;
	data->size = data->durable_size;
	return survived;
}

static void sector_crash(struct sector *sector, const struct sim_fate *fate,
			 uint64_t survived)
{
	size_t low = 0; /* states 1 to count are in the array; 0 is durable */
	size_t high = 0;
	size_t picked;

	for (size_t i = 0; i < sector->count; i++) {
		const struct sector_state *state = &sector->states[i];

		if (state->step > fate->last_step ||
		    (state->ceiling && state->step > survived))
			break;
		high = i + 1;
		if (state->floor && state->step <= survived)
			low = i + 1;
	}
	picked = low + sim_fate_pick(fate, high - low);
	if (picked > 0)
		memcpy(sector->durable, sector->states[picked - 1].octets,
		       SECTOR);
	sector_forget(sector, sector->count);
}

/* What stands behind the end is no part of the file: it grows by zeroes. */
static void clear_behind(struct sim_data *data)
{
	uint64_t number = first_behind(data->size);
	struct tree_node *node;
	struct sector *last = sector_find(data, data->size / SECTOR);
	size_t kept = data->size % SECTOR;

	while ((node = tree_lower(&data->sectors, &number, sector_seek)))
		sector_free(data, sector_of(node));
	if (kept > 0 && last != NULL)
		memset(last->durable + kept, 0, SECTOR - kept);
}

void sim_data_crash(struct sim_data *data, const struct sim_fate *fate)
{
	uint64_t survived = size_crash(data, fate);

	while (!list_empty(&data->dirty))
		sector_crash(LIST_ENTRY(data->dirty.next, struct sector, dirty),
			     fate, survived);
	clear_behind(data);
}

void sim_data_flip(struct sim_data *data, uint64_t offset, uint8_t mask)
{
	struct sector *sector = sector_get(data, offset / SECTOR);
	size_t at = offset % SECTOR;

	sector->durable[at] ^= mask;
	for (size_t i = 0; i < sector->count; i++)
		sector->states[i].octets[at] ^= mask;
}
