/*
 * The heap: sizes of 0, products that overflow, copies.
 */
#include "base/mem.h"

#include <signal.h>
#include <string.h>

#include <criterion/criterion.h>

Test(mem, no_octets_give_a_pointer_that_may_be_freed)
{
	void *a = mem_alloc(0);
	void *b = mem_zalloc(0, 8);
	void *c = mem_realloc(NULL, 0);

	cr_assert_not_null(a);
	cr_assert_not_null(b);
	cr_assert_not_null(c);
	mem_free(a);
	mem_free(b);
	mem_free(mem_realloc(c, 0));
	mem_free(NULL);
}

Test(mem, zalloc_clears)
{
	uint8_t zeroes[600] = { 0 };
	uint8_t *ptr = mem_zalloc(3, 200);

	cr_assert_eq(memcmp(ptr, zeroes, 600), 0);
	mem_free(ptr);
}

Test(mem, a_product_that_overflows_panics, .signal = SIGABRT)
{
	volatile size_t half = SIZE_MAX / 2;

	mem_free(mem_zalloc(half, 3));
}

Test(mem, dup_ends_with_a_0_octet)
{
	char *copy = mem_dup("a\0b", 3);
	char *empty = mem_dup(NULL, 0);

	cr_assert_eq(memcmp(copy, "a\0b", 4), 0);
	cr_assert_str_eq(empty, "");
	mem_free(copy);
	mem_free(empty);
}

#ifdef ENABLE_FAULTS
Test(mem, the_nth_allocation_fails, .signal = SIGABRT)
{
	void *ptr;

	mem_fail_at(3);
	ptr = mem_realloc(mem_alloc(1), 2);
	mem_fail_at(0);
	mem_free(mem_alloc(1));
	mem_free(ptr);
	mem_fail_at(1);
	mem_free(mem_zalloc(1, 1));
	raise(SIGKILL);
}
#endif
