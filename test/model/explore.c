/*
 * Breadth first through all states (explore.h): an array of states is the
 * queue, too, and an open hash table finds those that were seen.
 */
#include "explore.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_PARENT UINT32_MAX

static void *room(size_t count, size_t size)
{
	void *memory = calloc(count, size); /* untouched pages cost nothing */

	if (memory == NULL) {
		fprintf(stderr, "explore: no memory for %zu states\n", count);
		exit(2);
	}
	return memory;
}

static const uint8_t *state_at(const struct explore *explore, uint32_t index)
{
	return explore->states + (size_t)index * explore->model->size;
}

/* FNV-1a, eight octets at a time, and the middle mixed in. */
static uint32_t hash(const uint8_t *state, size_t size)
{
	uint64_t sum = 0xcbf29ce484222325u;

	for (size_t i = 0; i < size; i += 8) {
		uint64_t word = 0;

		memcpy(&word, state + i, size - i < 8 ? size - i : 8);
		sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
		sum ^= sum >> 29;
	}
	return (uint32_t)(sum ^ sum >> 32);
}

/* True: it is new. */
static bool put(struct explore *explore, const uint8_t *state, uint32_t parent)
{
	size_t size = explore->model->size;
	size_t compared = explore->model->compared;
	uint32_t at = hash(state, compared) & explore->mask;

	while (explore->table[at] != 0) {
		const uint8_t *other =
			state_at(explore, explore->table[at] - 1);

		if (memcmp(other, state, compared) == 0)
			return false;
		at = (at + 1) & explore->mask;
	}
	if (explore->count == explore->model->max) {
		explore->full = true;
		return false;
	}
	memcpy(explore->states + (size_t)explore->count * size, state, size);
	explore->parents[explore->count] = parent;
	explore->table[at] = ++explore->count;
	return true;
}

/* ---- traces ---- */

static void print_way(struct explore *explore, uint32_t to)
{
	uint32_t length = 0;
	uint32_t *way;

	for (uint32_t i = to; i != NO_PARENT; i = explore->parents[i])
		length++;
	way = room(length, sizeof(*way));
	for (uint32_t i = to, n = length; n > 0; i = explore->parents[i])
		way[--n] = i;
	for (uint32_t n = 0; n + 1 < length; n++) {
		explore->wanted = state_at(explore, way[n + 1]);
		explore->told = false;
		explore->model->steps(explore, state_at(explore, way[n]));
	}
	explore->wanted = NULL;
	free(way);
}

/* Whether the step is part of the trace. */
static bool is_told(struct explore *explore, const void *next,
		    const char *fallen)
{
	size_t size = explore->model->size;

	if (explore->wanted != NULL) {
		/* Where two steps lead to one state, the first is told. */
		if (explore->told || memcmp(explore->wanted, next, size) != 0)
			return false;
		explore->told = true;
		return true;
	}
	if (explore->fallen != NULL || explore->full)
		return false;
	if (fallen == NULL) {
		(void)put(explore, next, explore->at);
		return false;
	}
	print_way(explore, explore->at);
	explore->fallen = fallen;
	return true;
}

void explore_step(struct explore *explore, const void *next, const char *fallen,
		  const char *format, ...)
{
	va_list arguments;

	if (!is_told(explore, next, fallen))
		return;
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}

/* ---- the run ---- */

static void check(struct explore *explore, uint32_t index)
{
	const char *fallen = explore->model->check(state_at(explore, index));

	if (fallen == NULL)
		return;
	print_way(explore, index);
	explore->fallen = fallen;
	explore->broken = state_at(explore, index);
}

static void init(struct explore *explore, const struct explore_model *model)
{
	uint32_t slots = 1024;

	while (slots < model->max && slots < 1u << 31)
		slots *= 2;
	*explore = (struct explore){
		.model = model,
		.states = room(model->max, model->size),
		.parents = room(model->max, sizeof(uint32_t)),
		.table = room((size_t)slots * 2, sizeof(uint32_t)),
		.mask = slots * 2 - 1,
	};
}

enum explore_end explore_run(struct explore *explore,
			     const struct explore_model *model)
{
	init(explore, model);
	(void)put(explore, model->first, NO_PARENT);
	for (uint32_t i = 0; i < explore->count; i++) {
		explore->at = i;
		check(explore, i);
		if (explore->fallen == NULL)
			model->steps(explore, state_at(explore, i));
		if (explore->fallen != NULL)
			return EXPLORE_BROKEN;
		if (explore->full)
			return EXPLORE_FULL;
	}
	return EXPLORE_ALL;
}

void explore_fini(struct explore *explore)
{
	free(explore->states);
	free(explore->parents);
	free(explore->table);
}
