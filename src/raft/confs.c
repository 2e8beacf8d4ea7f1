/*
 * Configurations in raft's log (confs.h): pure.
 */
#include "raft/confs.h"

#include <string.h>

#include "base/mem.h"

static void drop_last(struct confs *confs)
{
	buf_fini(&confs->items[--confs->count].octets);
}

void confs_fini(struct confs *confs)
{
	while (confs->count > 0)
		drop_last(confs);
	mem_free(confs->items);
	*confs = (struct confs){ 0 };
}

size_t confs_truncate(struct confs *confs, uint64_t index)
{
	size_t dropped = 0;

	while (confs->count > 0 &&
	       confs->items[confs->count - 1].index >= index) {
		drop_last(confs);
		dropped++;
	}
	return dropped;
}

void confs_add(struct confs *confs, uint64_t index, struct slice octets)
{
	struct conf_item *item;

	confs_truncate(confs, index);
	if (confs->count == confs->cap) {
		confs->cap += 8; /* there are one or two */
		confs->items =
			mem_realloc(confs->items, confs->cap * sizeof(*item));
	}
	item = &confs->items[confs->count++];
	*item = (struct conf_item){ .index = index };
	buf_add_slice(&item->octets, octets);
}

void confs_cut(struct confs *confs, uint64_t index)
{
	size_t drop = 0;

	while (drop + 1 < confs->count && confs->items[drop + 1].index <= index)
		buf_fini(&confs->items[drop++].octets);
	if (drop == 0)
		return;
	confs->count -= drop;
	memmove(confs->items, confs->items + drop,
		confs->count * sizeof(*confs->items));
}

const struct conf_item *confs_last(const struct confs *confs)
{
	return confs->count == 0 ? NULL : &confs->items[confs->count - 1];
}
