/*
 * F6_overlap_and_merge - an overlapping add is refused, and neighbours merge
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * The ancestor accepts overlapping adds, and never lets adjacent spans merge.
 */
#include "vmt.h"
#include "vmt_fault.h"
#include "vmt_picture.h"

#include <errno.h>

static void
test_F6_every_overlap_is_refused(void)
{
    static struct vmt_picture before;
    struct vmem_arena *arena = NULL;

    CHECK_OR_RETURN(vmem_create("add", 32, 32, 1, 0, 0, &arena) == 0);
    vmt_picture_take(&before, arena);
    for (vmem_addr_t start = 0; start < 70; start++) {
        for (vmem_size_t size = 1; size < 70; size++) {
            if (start + size > 32 && start < 64) {
                CHECK_U64(vmem_add(arena, start, size, 0), ==, EEXIST);
            }
        }
    }
    CHECK_UNCHANGED(&before, arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_F6_an_allocation_crosses_the_seam(void)
{
    struct vmem_arena *arena = NULL;
    struct vmem_stats stats;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create("add", 32, 32, 1, 0, 0, &arena) == 0);
    CHECK_U64(vmem_add(arena, 64, 32, 0), ==, 0);
    CHECK_U64(vmem_add(arena, 0, 32, 0), ==, 0);
    vmem_stats(arena, &stats);
    CHECK_U64(stats.spans, ==, 1);
    CHECK_U64(stats.holes, ==, 1);
    CHECK_U64(vmem_xalloc(arena, 64, 0, 0, 0, 16, 79, 0, &addr), ==, 0);
    CHECK_INTACT(arena);
    vmem_free(arena, addr, 64);
    CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, 96);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_F6_every_overlap_is_refused),
    VMT_TEST(test_F6_an_allocation_crosses_the_seam),
};

VMT_SUITE(tests);
