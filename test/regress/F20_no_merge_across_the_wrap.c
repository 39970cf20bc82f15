/*
 * F20_no_merge_across_the_wrap - the top of the space and address 0 are no neighbours
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * FreeBSD merges a segment that ends at 2^64-1 with one that begins at 0.
 */
#include "vmt.h"
#include "vmt_fault.h"
#include "vmt_picture.h"

#include <errno.h>

static void
test_F20_spans_at_both_ends_stay_apart(void)
{
    for (unsigned order = 0; order < 2; order++) {
        struct vmem_arena *arena = NULL;
        struct vmem_stats stats;
        vmem_addr_t addr = 77;

        CHECK_OR_RETURN(
            vmem_create("wrap", order == 0 ? 0 : VMEM_ADDR_MAX - 63, 64, 1, 0, 0, &arena) == 0);
        CHECK_U64(vmem_add(arena, order == 0 ? VMEM_ADDR_MAX - 63 : 0, 64, 0), ==, 0);
        vmem_stats(arena, &stats);
        CHECK_U64(stats.spans, ==, 2);
        CHECK_U64(stats.holes, ==, 2);
        CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, 64);
        CHECK_U64(vmem_alloc(arena, 65, 0, &addr), ==, ENOMEM);
        CHECK(!vmem_contains(arena, VMEM_ADDR_MAX, 2));
        CHECK_INTACT(arena);
        CHECK_U64(vmem_destroy(arena), ==, 0);
    }
}

static void
test_F20_frees_at_both_ends_do_not_merge(void)
{
    struct vmem_arena *arena = NULL;
    vmem_addr_t low = 77;
    vmem_addr_t high = 77;

    CHECK_OR_RETURN(vmem_create("wrap", 0, 1, 1, 0, 0, &arena) == 0);
    CHECK_U64(vmem_add(arena, VMEM_ADDR_MAX, 1, 0), ==, 0);
    CHECK_U64(vmem_alloc(arena, 1, VMEM_FIRSTFIT, &low), ==, 0);
    CHECK_U64(vmem_alloc(arena, 1, VMEM_FIRSTFIT, &high), ==, 0);
    vmem_free(arena, high, 1);
    vmem_free(arena, low, 1);
    CHECK_INTACT(arena);
    CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, 1);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_F20_spans_at_both_ends_stay_apart),
    VMT_TEST(test_F20_frees_at_both_ends_do_not_merge),
};

VMT_SUITE(tests);
