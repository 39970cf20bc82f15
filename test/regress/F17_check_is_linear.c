/*
 * F17_check_is_linear - the consistency check costs O(n)
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * The BSDs compare every segment with every other.
 */
#include "vmt.h"
#include "vmt_fault.h"
#include "vmt_picture.h"

#include <stdlib.h>
#include <time.h>

/* Processor time of one check of an arena of `segments` segments, in microseconds: the least of 5. */
static uint64_t
check_cost(uint64_t segments)
{
    struct vmem_arena *arena = NULL;
    vmem_addr_t *addrs = calloc((size_t)segments, sizeof addrs[0]);
    uint64_t least = UINT64_MAX;

    if (addrs == NULL || vmem_create("check", 0, segments * 2, 1, 0, 0, &arena) != 0) {
        FAIL("out of memory");
        free(addrs);
        return 0;
    }
    for (uint64_t i = 0; i < segments; i++) {
        CHECK_U64(vmem_alloc(arena, 1, 0, &addrs[i]), ==, 0);
    }
    for (uint64_t i = 0; i < segments; i += 2) {
        vmem_free(arena, addrs[i], 1);
    }
    for (unsigned i = 0; i < 5; i++) {
        const clock_t begin = clock();
        CHECK_INTACT(arena);
        const uint64_t cost = (uint64_t)(clock() - begin) * 1000000 / CLOCKS_PER_SEC;
        least = cost < least ? cost : least;
    }
    for (uint64_t i = 1; i < segments; i += 2) {
        vmem_free(arena, addrs[i], 1);
    }
    CHECK_U64(vmem_destroy(arena), ==, 0);
    free(addrs);
    return least;
}

static void
test_F17_ten_times_the_segments_cost_no_hundred_times_as_much(void)
{
    const uint64_t small = check_cost(10000);
    const uint64_t large = check_cost(100000);

    vmt_note_u64("us for a check of 10000 segments:", small);
    vmt_note_u64("us for a check of 100000 segments:", large);
    CHECK_U64(large, <, 40 * (small + 100));
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_F17_ten_times_the_segments_cost_no_hundred_times_as_much),
};

VMT_SUITE(tests);
