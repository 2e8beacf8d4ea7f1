/*
 * Arenas: alignment, big pieces, use after clear.
 */
#include "base/arena.h"

#include <signal.h>
#include <stdint.h>

#include <criterion/criterion.h>

Test(arena, pieces_are_aligned_and_apart)
{
	struct arena arena = { 0 };
	uint8_t *pieces[500];

	for (size_t i = 0; i < 500; i++) {
		pieces[i] = arena_alloc(&arena, i);
		cr_assert_eq((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
		memset(pieces[i], (int)i, i);
	}
	for (size_t i = 0; i < 500; i++)
		for (size_t j = 0; j < i; j++)
			cr_assert_eq(pieces[i][j], (uint8_t)i);
	cr_assert_eq(arena_used(&arena), 499 * 500 / 2);
	arena_fini(&arena);
	cr_assert_eq(arena_used(&arena), 0);
}

Test(arena, a_piece_larger_than_any_block_fits)
{
	struct arena arena = { 0 };
	char *small = arena_dup(&arena, "x", 1);
	uint8_t *big = arena_zalloc(&arena, 1024, 1024);

	cr_assert_eq(big[1024 * 1024 - 1], 0);
	memset(big, 'y', 1024 * 1024);
	cr_assert_str_eq(small, "x");
	arena_fini(&arena);
}

Test(arena, clear_makes_it_usable_again)
{
	struct arena arena = { 0 };

	for (int turn = 0; turn < 10; turn++) {
		for (int i = 0; i < 1000; i++)
			memset(arena_alloc(&arena, 100), turn, 100);
		cr_assert_eq(arena_used(&arena), 100000);
		arena_clear(&arena);
		cr_assert_eq(arena_used(&arena), 0);
	}
	arena_alloc(&arena, 1024 * 1024);
	arena_clear(&arena);
	cr_assert_null(arena.first); /* what is large is not kept */
	arena_fini(&arena);
}

Test(arena, copies_end_with_a_0_octet)
{
	struct arena arena = { 0 };
	struct slice copy = arena_slice(&arena, SLICE_LIT("a\0b"));

	cr_assert(slice_eq(copy, SLICE_LIT("a\0b")));
	cr_assert_eq(copy.data[3], 0);
	cr_assert_str_eq(arena_dup(&arena, NULL, 0), "");
	cr_assert_str_eq(arena_printf(&arena, "%s-%03d", "a", 7), "a-007");
	arena_fini(&arena);
}

struct pair {
	uint64_t a;
	void *b;
};

Test(arena, new_structures_are_zero)
{
	struct arena arena = { 0 };

	for (int i = 0; i < 100; i++) {
		struct pair *pair = ARENA_NEW(&arena, struct pair);

		cr_assert(pair->a == 0 && pair->b == NULL);
		memset(pair, 0xff, sizeof(*pair));
		if (i == 50)
			arena_clear(&arena);
	}
	arena_fini(&arena);
}

Test(arena, a_product_that_overflows_panics, .signal = SIGABRT)
{
	struct arena arena = { 0 };

	arena_zalloc(&arena, SIZE_MAX / 2, 3);
}
