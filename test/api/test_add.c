/*
 * test_add - what an arena owns: static spans, merging, the limit. [S4] [S6]
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 */
#include "vmt.h"
#include "vmt_fault.h"
#include "vmt_picture.h"

#include <errno.h>

static struct vmt_picture before;

struct add_case {
    const char *what;
    vmem_addr_t start;
    vmem_size_t size;
    unsigned flags;
    int status;
};

/* Into an arena of quantum 16 with the span 0x1000-0x1fff, limit 0x4000. */
static const struct add_case add_cases[] = {
    { "size 0", 0x3000, 0, 0, EINVAL },
    { "start unaligned", 0x3008, 16, 0, EINVAL },
    { "size unaligned", 0x3000, 8, 0, EINVAL },
    { "largest size, unaligned", 0, VMEM_SIZE_MAX, 0, EINVAL },
    { "a policy", 0x3000, 16, VMEM_BESTFIT, EINVAL },
    { "may wait", 0x3000, 16, VMEM_WAIT, EINVAL },
    { "unknown flag", 0x3000, 16, 0x800, EINVAL },
    { "the span itself", 0x1000, 0x1000, 0, EEXIST },
    { "inside it", 0x1010, 16, 0, EEXIST },
    { "its first quantum", 0x1000, 16, 0, EEXIST },
    { "its last quantum", 0x1ff0, 16, 0, EEXIST },
    { "around it", 0x0ff0, 0x1020, 0, EEXIST },
    { "over its start", 0x0ff0, 32, 0, EEXIST },
    { "over its end", 0x1ff0, 32, 0, EEXIST },
    { "overlapping and over the limit", 0, 0x10000, 0, EEXIST },
    { "overlapping and beyond the top", 0x1000, VMEM_SIZE_MAX - 15, 0, EEXIST },
    { "beyond the top", VMEM_ADDR_MAX - 15, 32, 0, ENOSPC },
    { "over the limit by a quantum", 0x10000, 0x3010, 0, ENOSPC },
};

static void
test_add_returns_each_documented_status(void)
{
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create("add", 0x1000, 0x1000, 16, 0, 0, &arena) == 0);
    CHECK_U64(vmem_alloc(arena, 64, 0, &addr), ==, 0);
    vmem_set_limit(arena, 0x4000);
    vmt_picture_take(&before, arena);
    for (size_t i = 0; i < sizeof add_cases / sizeof add_cases[0]; i++) {
        const struct add_case *c = &add_cases[i];

        vmt_context(c->what, i);
        CHECK_U64(vmem_add(arena, c->start, c->size, c->flags), ==, c->status);
        CHECK_UNCHANGED(&before, arena);
    }
    vmt_context(NULL, 0);
    CHECK_U64(vmem_add(arena, 0x10000, 0x3000, VMEM_NOWAIT), ==, 0); /* exactly up to the limit */
    CHECK_U64(vmem_size(arena, VMEM_ALLOC | VMEM_FREE), ==, 0x4000);
    vmem_free(arena, addr, 64);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_the_sum_of_spans_stays_below_two_to_the_64(void)
{
    struct vmem_arena *arena = NULL;

    CHECK_OR_RETURN(vmem_create("all", 1, VMEM_SIZE_MAX, 1, 0, 0, &arena) == 0);
    vmt_picture_take(&before, arena);
    CHECK_U64(vmem_add(arena, 0, 1, 0), ==, ENOSPC);
    CHECK_UNCHANGED(&before, arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);

    CHECK_OR_RETURN(vmem_create("all", 0, VMEM_SIZE_MAX, 1, 0, 0, &arena) == 0);
    CHECK_U64(vmem_add(arena, VMEM_ADDR_MAX, 1, 0), ==, ENOSPC);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_no_tags_is_enomem_and_changes_nothing(void)
{
    static _Alignas(64) unsigned char memory[8192];
    struct vmem_options options = { .quantum = 1,
        .tag_memory = memory,
        .tag_memory_bytes = sizeof memory,
        .tag_memory_only = true };
    struct vmem_arena *arena = NULL;
    vmem_addr_t start = 0;
    int status = 0;

    CHECK_OR_RETURN(vmem_create_with(&options, &arena) == 0);
    for (; status == 0 && start < 100000; start += 2) {
        vmt_picture_take(&before, arena);
        status = vmem_add(arena, start, 1, 0);
    }
    CHECK_U64(status, ==, ENOMEM);
    CHECK_UNCHANGED(&before, arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static uint64_t
span_count(struct vmem_arena *arena)
{
    struct vmem_stats stats;

    vmem_stats(arena, &stats);
    return stats.spans;
}

static void
test_touching_spans_merge_from_every_side(void)
{
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create("merge", 0x2000, 0x1000, 16, 0, 0, &arena) == 0);
    CHECK_U64(vmem_add(arena, 0x3000, 0x1000, 0), ==, 0); /* above */
    CHECK_U64(span_count(arena), ==, 1);
    CHECK_U64(vmem_add(arena, 0x1000, 0x1000, 0), ==, 0); /* below */
    CHECK_U64(span_count(arena), ==, 1);
    CHECK_U64(vmem_add(arena, 0x5000, 0x1000, 0), ==, 0); /* apart */
    CHECK_U64(span_count(arena), ==, 2);
    CHECK_U64(vmem_add(arena, 0x4000, 0x1000, 0), ==, 0); /* between */
    CHECK_U64(span_count(arena), ==, 1);
    CHECK_INTACT(arena);
    CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, 0x5000);
    CHECK_U64(vmem_alloc(arena, 0x5000, 0, &addr), ==, 0); /* across all seams */
    CHECK_U64(addr, ==, 0x1000);
    vmem_free(arena, addr, 0x5000);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_merging_beside_busy_segments_keeps_them(void)
{
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create("merge", 0x2000, 0x1000, 16, 0, 0, &arena) == 0);
    CHECK_U64(vmem_alloc(arena, 0x1000, 0, &addr), ==, 0);
    CHECK_U64(vmem_add(arena, 0x1000, 0x1000, 0), ==, 0);
    CHECK_U64(vmem_add(arena, 0x3000, 0x1000, 0), ==, 0);
    CHECK_INTACT(arena);
    CHECK_U64(span_count(arena), ==, 1);
    CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, 0x1000);
    vmem_free(arena, addr, 0x1000);
    CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, 0x3000);
    CHECK_INTACT(arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_adds_in_random_order_end_as_one_span(void)
{
    enum { PIECES = 257 };
    struct vmt_rng rng = { .state = vmt_seed() };
    struct vmem_arena *arena = NULL;
    unsigned order[PIECES];

    for (unsigned i = 0; i < PIECES; i++) {
        const unsigned j = (unsigned)vmt_rng_below(&rng, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    CHECK_OR_RETURN(vmem_create("pieces", 0, 0, 1, 0, 0, &arena) == 0);
    for (unsigned i = 0; i < PIECES; i++) {
        /* The last piece ends at the top of the space. */
        const vmem_addr_t start = VMEM_ADDR_MAX - 3 - (vmem_addr_t)order[i] * 4;
        CHECK_U64(vmem_add(arena, start, 4, 0), ==, 0);
        CHECK_U64(vmem_add(arena, start, 4, 0), ==, EEXIST);
        CHECK_INTACT(arena);
    }
    CHECK_U64(span_count(arena), ==, 1);
    CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, PIECES * 4);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_a_limit_below_the_total_stops_only_growth(void)
{
    struct vmem_arena *arena = NULL;
    struct vmem_stats stats;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create("limit", 0, 4096, 1, 0, 0, &arena) == 0);
    vmem_set_limit(arena, 100);
    vmem_stats(arena, &stats);
    CHECK_U64(stats.limit, ==, 100);
    CHECK_U64(stats.total_size, ==, 4096);
    CHECK_U64(vmem_alloc(arena, 4096, 0, &addr), ==, 0);
    CHECK_U64(vmem_add(arena, 8192, 1, 0), ==, ENOSPC);
    vmem_set_limit(arena, 0);
    CHECK_U64(vmem_add(arena, 8192, 1, 0), ==, 0);
    vmem_set_limit(arena, VMEM_SIZE_MAX);
    CHECK_U64(vmem_add(arena, 16384, 1, 0), ==, 0);
    vmem_free(arena, addr, 4096);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_add_returns_each_documented_status),
    VMT_TEST(test_the_sum_of_spans_stays_below_two_to_the_64),
    VMT_TEST(test_no_tags_is_enomem_and_changes_nothing),
    VMT_TEST(test_touching_spans_merge_from_every_side),
    VMT_TEST(test_merging_beside_busy_segments_keeps_them),
    VMT_TEST(test_adds_in_random_order_end_as_one_span),
    VMT_TEST(test_a_limit_below_the_total_stops_only_growth),
};

VMT_SUITE(tests);
