/*
 * F18_the_busy_index_grows - frees stay O(1) when an arena grows, in user space too
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * FreeBSD's user-space library never grows its hash table: 91 us for a free among 100000.
 */
#include "vmt.h"
#include "vmt_fault.h"

#include <stdlib.h>
#include <time.h>

/* Processor time of freeing `count` allocations in a scattered order, in nanoseconds for each. */
static uint64_t
free_cost(uint64_t count)
{
    struct vmem_arena *arena = NULL;
    vmem_addr_t *addrs = calloc((size_t)count, sizeof addrs[0]);
    clock_t begin;
    uint64_t ns;

    if (addrs == NULL || vmem_create("grow", 0, count * 2, 1, 0, 0, &arena) != 0) {
        FAIL("out of memory");
        free(addrs);
        return 0;
    }
    for (uint64_t i = 0; i < count; i++) {
        CHECK_U64(vmem_alloc(arena, 1, 0, &addrs[i]), ==, 0);
    }
    begin = clock();
    for (uint64_t i = 0; i < count; i++) {
        vmem_free(arena, addrs[i * 7919 % count], 1); /* 7919 is prime, and divides no count used */
    }
    ns = (uint64_t)(clock() - begin) * (1000000000 / CLOCKS_PER_SEC) / count;
    CHECK_U64(vmem_size(arena, VMEM_ALLOC), ==, 0);
    CHECK_U64(vmem_destroy(arena), ==, 0);
    free(addrs);
    return ns;
}

static void
test_F18_a_free_among_a_hundred_thousand_is_no_scan(void)
{
    const uint64_t small = free_cost(1000);
    const uint64_t large = free_cost(100000);

    vmt_note_u64("ns for a free among 1000:", small);
    vmt_note_u64("ns for a free among 100000:", large);
    /* A table that never grew would cost 100 times as much; sanitizers and busy machines get room. */
    CHECK_U64(large, <, 20 * (small + 100));
}

/* Through many tables, looked at while they move; then everything is found, and the memory goes back. */
static void
test_F18_a_table_that_moves_loses_nothing(void)
{
    enum { COUNT = 30000, CLOSELY = 8000 };
    struct vmem_arena *arena = NULL;
    vmem_addr_t *addrs = calloc(COUNT, sizeof addrs[0]);
    struct vmem_violation violation;
    struct vmem_stats stats;
    size_t most;

    if (addrs == NULL || vmem_create("move", 0x1000, COUNT * 64, 1, 0, 0, &arena) != 0) {
        FAIL("out of memory");
        free(addrs);
        return;
    }
    for (uint32_t i = 0; i < COUNT && !vmt_failed(); i++) {
        CHECK_U64(vmem_alloc(arena, 1 + i * 7919u % 31, 0, &addrs[i]), ==, 0);
        if (i % (i < CLOSELY ? 16 : 512) == 0) {
            vmt_context("allocations", i);
            CHECK(vmem_check(arena, &violation));
        }
    }
    vmem_stats(arena, &stats);
    most = stats.metadata_bytes;
    for (uint32_t i = 0; i < COUNT && !vmt_failed(); i++) {
        vmem_free(arena, addrs[i], 1 + i * 7919u % 31);
        if (i % 512 == 0) {
            CHECK(vmem_check(arena, &violation));
        }
    }
    /* Without maintenance: tables shrink as part of operations too. [L2] */
    for (uint32_t i = 0; i < COUNT && !vmt_failed(); i++) {
        CHECK_U64(vmem_alloc(arena, 1, 0, &addrs[0]), ==, 0);
        vmem_free(arena, addrs[0], 1);
    }
    CHECK(vmem_check(arena, &violation));
    vmem_stats(arena, &stats);
    CHECK_U64(most, >, (uint64_t)COUNT * 40);
    CHECK_U64(stats.metadata_bytes, <, 150000);
    CHECK_U64(vmem_destroy(arena), ==, 0);
    free(addrs);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_F18_a_free_among_a_hundred_thousand_is_no_scan),
    VMT_TEST(test_F18_a_table_that_moves_loses_nothing),
};

VMT_SUITE(tests);
