/*
 * test_search - searches that take the long way: bins that an adversary filled, windows, indexes. [P1]-[P6]
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 */
#include "vmt.h"
#include "vmt_picture.h"

#include "engine/index.h"

#include <errno.h>

#define MAX VMEM_ADDR_MAX
#define UNTOUCHED 0xdeadu

static uint64_t
searches(struct vmem_arena *arena)
{
    struct vmem_stats stats;

    vmem_stats(arena, &stats);
    return stats.searches;
}

static bool
free_visited(void *arg, const struct vmem_segment *segment)
{
    vmem_free(arg, segment->start, segment->size);
    return true;
}

static void
destroy(struct vmem_arena *arena)
{
    CHECK_INTACT(arena);
    vmem_walk(arena, VMEM_ALLOC, free_visited, arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

/* -------------------------------------------------------------------------------------------------
 * A bin that an adversary filled
 * ---------------------------------------------------------------------------------------------- */

enum { HOLES = 100, SIZE = 64, LARGER = 67, STEP = SIZE + 2, TOP = HOLES * STEP };

/* Holes of 64 units from 0 on, two busy units behind each, and at TOP one of 67: all of one class. */
static struct vmem_arena *
create_adversary(unsigned flags)
{
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 0;

    CHECK_U64(vmem_create("adversary", 0, TOP + LARGER, 1, 0, flags, &arena), ==, 0);
    for (unsigned i = 0; i < HOLES; i++) {
        CHECK_U64(vmem_alloc(arena, SIZE, 0, &addr), ==, 0);
        CHECK_U64(addr, ==, i * STEP);
        CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, 0);
        CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, 0);
    }
    CHECK_U64(vmem_alloc(arena, LARGER, 0, &addr), ==, 0);
    vmem_free(arena, addr, LARGER); /* first: the others are found before it */
    for (unsigned i = 0; i < HOLES; i++) {
        vmem_free(arena, i * STEP, SIZE);
    }
    return arena;
}

/* The one hole that is large enough is found by looking at all; that begins an index for the next time. */
static void
test_the_last_hole_of_a_long_bin_is_found(void)
{
    struct vmem_arena *arena = create_adversary(0);
    const uint64_t before = searches(arena);
    vmem_addr_t addr = UNTOUCHED;

    CHECK_U64(arena->by_address.state, ==, VMI_INDEX_OFF);
    CHECK_U64(vmem_alloc(arena, LARGER - 1, 0, &addr), ==, 0);
    CHECK_U64(addr, ==, TOP);
    CHECK_U64(searches(arena), ==, before + 1);
    CHECK_U64(arena->by_address.state, ==, VMI_INDEX_BUILDING);
    destroy(arena);
}

/* With the index, it is asked: for the hole, and then for the news that there is none. */
static void
test_an_index_answers_for_a_long_bin(void)
{
    struct vmem_arena *arena = create_adversary(VMEM_INDEXED);
    const uint64_t before = searches(arena);
    vmem_addr_t addr = UNTOUCHED;

    CHECK_U64(arena->by_address.state, ==, VMI_INDEX_READY);
    CHECK_U64(vmem_alloc(arena, LARGER, 0, &addr), ==, 0);
    CHECK_U64(addr, ==, TOP);
    CHECK_U64(searches(arena), ==, before + 1);
    addr = UNTOUCHED;
    CHECK_U64(vmem_alloc(arena, LARGER - 1, 0, &addr), ==, ENOMEM);
    CHECK_U64(addr, ==, UNTOUCHED);
    CHECK_U64(searches(arena), ==, before + 2);
    destroy(arena);
}

/* So many holes are scanned, which is no search; one more, and there is an index. */
static void
test_few_holes_are_scanned(void)
{
    enum { FEW = 24 };
    static const unsigned policies[] = { VMEM_BESTFIT, VMEM_FIRSTFIT, VMEM_NEXTFIT };

    for (unsigned i = 0; i < 2 * sizeof policies / sizeof policies[0]; i++) {
        const unsigned holes = FEW + i % 2;
        struct vmem_arena *arena = NULL;
        vmem_addr_t addr = 0;
        CHECK_U64(vmem_create("few", 0, 2 * holes, 1, 0, policies[i / 2], &arena), ==, 0);
        for (unsigned at = 0; at < 2 * holes; at++) {
            CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, 0);
        }
        for (unsigned at = 0; at < 2 * holes; at += 2) {
            vmem_free(arena, at, 1);
        }
        CHECK_U64(searches(arena), ==, 0);
        CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, 0);
        CHECK_U64(addr, ==, 0);
        CHECK(arena->is_indexed == (holes > FEW));
        CHECK_U64(searches(arena), ==, holes > FEW ? 2 : 0); /* asked again with the index */
        destroy(arena);
    }
}

/* A free asks nobody for memory; where there are windows, nodes are at hand nevertheless. */
static void
test_frees_keep_an_index(void)
{
    enum { UNITS = 1 << 15 };
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 0;

    CHECK_U64(vmem_create("kept", 0, UNITS, 1, 0, VMEM_INDEXED, &arena), ==, 0);
    for (unsigned i = 0; i < UNITS; i++) {
        CHECK_U64(vmem_alloc(arena, 1, VMEM_FIRSTFIT, &addr), ==, 0);
    }
    CHECK_U64(arena->by_address.state, ==, VMI_INDEX_READY);
    for (unsigned i = 0; i < UNITS; i += 2) {
        vmem_free(arena, i, 1);
        CHECK(!VMI_PORT_HAS_WINDOW || arena->by_address.state == VMI_INDEX_READY);
    }
    destroy(arena);
}

/* The state of a unit is found by a scan of few holes, and for more an index is built. */
static void
test_a_state_among_few_holes(void)
{
    enum { FEW = 24 };

    for (unsigned holes = FEW; holes <= FEW + 1; holes++) {
        struct vmem_arena *arena = NULL;
        vmem_addr_t addr = 0;
        CHECK_U64(vmem_create("few", 0, 3 * holes, 1, 0, 0, &arena), ==, 0);
        for (unsigned i = 0; i < holes; i++) {
            CHECK_U64(vmem_alloc(arena, 2, 0, &addr), ==, 0);
            CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, 0);
        }
        for (unsigned i = 0; i < holes; i++) {
            vmem_free(arena, 3 * i, 2);
        }
        CHECK(!arena->is_indexed);
        CHECK(vmem_state(arena, 1) == VMEM_STATE_FREE);
        CHECK(arena->is_indexed == (holes > FEW));
        destroy(arena);
    }
}

/* A hole far back in its bin grows downward, and stays in its class. */
static void
test_a_hole_behind_the_front_of_its_bin_grows(void)
{
    struct vmem_arena *arena = create_adversary(0);
    const vmem_addr_t start = 50 * STEP;
    vmem_addr_t addr = UNTOUCHED;

    vmem_free(arena, start - 1, 1);
    CHECK_INTACT(arena);
    CHECK(vmem_state(arena, start - 1) == VMEM_STATE_FREE);
    CHECK(vmem_state(arena, start - 2) == VMEM_STATE_BUSY);
    CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, LARGER);
    CHECK_U64(vmem_xalloc(arena, SIZE + 1, 0, 0, 0, 0, TOP - 1, 0, &addr), ==, 0);
    CHECK_U64(addr, ==, start - 1);
    destroy(arena);
}

/* -------------------------------------------------------------------------------------------------
 * Windows, by an index
 * ---------------------------------------------------------------------------------------------- */

enum { SMALL_FROM = 100, SMALL_TO = 400, UNITS = 500 };

/*
 * Holes of so many units in each hundred: 10-13, 20-22, 30-34 from 0 and from 400 on; between 100 and 399
 * single units, 150 of them.  All else is busy.
 */
static struct vmem_arena *
create_striped(void)
{
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 0;

    CHECK_U64(vmem_create("striped", 0, UNITS, 1, 0, 0, &arena), ==, 0);
    for (unsigned i = 0; i < UNITS; i++) {
        CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, 0);
        CHECK_U64(addr, ==, i);
    }
    for (unsigned i = 0; i < UNITS; i++) {
        const unsigned at = i % 100;
        const bool is_small = i >= SMALL_FROM && i < SMALL_TO;
        if (is_small ? i % 2 == 0
                     : (at >= 10 && at < 14) || (at >= 20 && at < 23) || (at >= 30 && at < 35)) {
            vmem_free(arena, i, 1);
        }
    }
    return arena;
}

static void
expect_place(struct vmem_arena *arena, vmem_size_t size, vmem_addr_t min, vmem_addr_t max,
    unsigned flags, int status, vmem_addr_t place)
{
    vmem_addr_t addr = UNTOUCHED;

    CHECK_U64(vmem_xalloc(arena, size, 0, 0, 0, min, max, flags, &addr), ==, status);
    CHECK_U64(addr, ==, status == 0 ? place : UNTOUCHED);
    if (status == 0) {
        vmem_free(arena, addr, size);
    }
    CHECK_INTACT(arena);
}

/* More holes of the size lie outside of the window than are looked at in the order of sizes. */
static void
test_best_fit_in_a_window_takes_the_smallest_there(void)
{
    struct vmem_arena *arena = create_striped();

    expect_place(arena, 1, 0, 99, VMEM_BESTFIT, 0, 20); /* the first hole begins inside */
    CHECK_U64(arena->by_size.state, ==, VMI_INDEX_READY);
    CHECK_U64(arena->by_address.state, ==, VMI_INDEX_READY);
    expect_place(arena, 1, 11, 99, VMEM_BESTFIT, 0, 20);
    expect_place(arena, 1, 12, 19, VMEM_BESTFIT, 0, 12); /* a part of the hole that begins below */
    expect_place(arena, 1, 23, 32, VMEM_BESTFIT, 0, 30);
    expect_place(arena, 1, 23, MAX, VMEM_BESTFIT, 0, 100);
    expect_place(arena, 1, 401, MAX, VMEM_BESTFIT, 0, 420); /* up to the last hole */
    expect_place(arena, 1, 421, MAX, VMEM_BESTFIT, 0, 421);
    expect_place(arena, 1, 423, MAX, VMEM_BESTFIT | VMEM_HIGH, 0, 434);
    expect_place(arena, 1, 0, 9, VMEM_BESTFIT, ENOMEM, 0);
    expect_place(arena, 1, 14, 19, VMEM_BESTFIT, ENOMEM, 0);
    expect_place(arena, 1, 435, MAX, VMEM_BESTFIT, ENOMEM, 0);
    destroy(arena);
}

/* An insertion into an index may split a node of each level and its root; both are done at once. */
static void
test_nodes_are_asked_for_by_each_index_that_there_is(void)
{
    struct vmem_arena *arena = create_striped();
    uint32_t need_of_one;
    uint32_t need_of_both;

    CHECK_U64(arena->by_address.state, ==, VMI_INDEX_OFF);
    CHECK_U64(vmi_index_need(arena), ==, 0);
    expect_place(arena, 1, 0, 99, VMEM_FIRSTFIT, 0, 10);
    CHECK_U64(arena->by_address.state, ==, VMI_INDEX_READY);
    CHECK_U64(arena->by_size.state, ==, VMI_INDEX_OFF);
    need_of_one = vmi_index_need(arena);
    CHECK_U64(need_of_one, ==, arena->by_address.order.levels + 1);
    expect_place(arena, 1, 0, 99, VMEM_BESTFIT, 0, 20);
    CHECK_U64(arena->by_size.state, ==, VMI_INDEX_READY);
    need_of_both = vmi_index_need(arena);
    CHECK_U64(need_of_both, ==, need_of_one + arena->by_size.order.levels + 1);
    CHECK_U64(arena->nodes.free_count, >=, need_of_both); /* so that the next change finds them */
    destroy(arena);
}

static void
test_the_highest_place_in_a_window(void)
{
    struct vmem_arena *arena = create_striped();

    expect_place(arena, 1, 0, 99, VMEM_FIRSTFIT | VMEM_HIGH, 0, 34);
    CHECK_U64(arena->by_address.state, ==, VMI_INDEX_READY);
    expect_place(arena, 4, 0, 99, VMEM_FIRSTFIT | VMEM_HIGH, 0, 31);
    expect_place(arena, 4, 0, 33, VMEM_FIRSTFIT | VMEM_HIGH, 0, 30);
    expect_place(arena, 4, 0, 32, VMEM_FIRSTFIT | VMEM_HIGH, 0, 10);
    expect_place(arena, 5, 0, 29, VMEM_FIRSTFIT | VMEM_HIGH, ENOMEM, 0);
    expect_place(arena, 1, 0, 9, VMEM_FIRSTFIT | VMEM_HIGH, ENOMEM, 0); /* all holes lie above */
    expect_place(arena, 1, 435, MAX, VMEM_FIRSTFIT | VMEM_HIGH, ENOMEM, 0);
    destroy(arena);
}

/* -------------------------------------------------------------------------------------------------
 * Memory for tags that is gone
 * ---------------------------------------------------------------------------------------------- */

enum { MANY = 6000 };

/* Nine tenths of the tags are given back, out of the middle, before an index is loaded from the rest. */
static void
test_an_index_is_loaded_past_chunks_that_are_gone(void)
{
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 0;
    uint32_t gone = 0;
    uint64_t holes = 0;

    CHECK_OR_RETURN(vmem_create("sparse", 0, MANY, 1, 0, 0, &arena) == 0);
    for (unsigned i = 0; i < MANY; i++) {
        CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, 0);
    }
    for (unsigned i = MANY / 20; i < MANY - MANY / 20; i++) {
        vmem_free(arena, i, 1);
    }
    for (unsigned i = 0; i < MANY / 20; i += 2) {
        vmem_free(arena, i, 1);
        vmem_free(arena, MANY - 1 - i, 1);
        holes += 2;
    }
    vmem_maintain(arena);
    for (uint32_t number = 0; number < arena->tags.slab.dir_count; number++) {
        gone += vmi_slab_chunk(&arena->tags.slab, number) == NULL ? 1 : 0;
    }
    CHECK_U64(gone, >, 0);
    CHECK_U64(arena->by_address.state, ==, VMI_INDEX_OFF);
    expect_place(arena, 1, MANY / 2, MAX, VMEM_FIRSTFIT, 0, MANY / 2);
    CHECK_U64(arena->by_address.state, ==, VMI_INDEX_READY);
    CHECK_U64(arena->by_address.order.count, ==, holes + 1);
    expect_place(arena, 2, 0, MAX, VMEM_FIRSTFIT, 0, MANY / 20);
    destroy(arena);
}

/* -------------------------------------------------------------------------------------------------
 * Looking, with an index
 * ---------------------------------------------------------------------------------------------- */

static void
expect_whatis(vmem_addr_t addr, const char *expected)
{
    static struct vmt_text text;

    text = (struct vmt_text){ .length = 0 };
    vmem_whatis(addr, vmt_text_sink, &text);
    CHECK_STR(text.text, expected);
}

/* Of two spans the upper has no hole at its start, and the lower none before its second unit. */
static void
test_state_and_whatis_of_units_below_and_behind_the_holes(void)
{
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create("kva", 0x100, 0x10, 1, 0, VMEM_INDEXED, &arena) == 0);
    CHECK_U64(vmem_add(arena, 0x200, 0x10, 0), ==, 0);
    CHECK_U64(vmem_xalloc(arena, 4, 0, 0, 0, 0x100, 0x103, 0, &addr), ==, 0);
    CHECK_U64(vmem_xalloc(arena, 4, 0, 0, 0, 0x108, 0x10b, 0, &addr), ==, 0);
    CHECK_U64(vmem_xalloc(arena, 4, 0, 0, 0, 0x200, 0x203, 0, &addr), ==, 0);
    CHECK_U64(arena->by_address.state, ==, VMI_INDEX_READY);
    CHECK(vmem_state(arena, 0x102) == VMEM_STATE_BUSY); /* no hole lies below */
    CHECK(vmem_state(arena, 0x104) == VMEM_STATE_FREE);
    CHECK(vmem_state(arena, 0x107) == VMEM_STATE_FREE);
    CHECK(vmem_state(arena, 0x109) == VMEM_STATE_BUSY); /* behind one */
    CHECK(vmem_state(arena, 0x202) == VMEM_STATE_BUSY);
    CHECK(vmem_state(arena, 0x20f) == VMEM_STATE_FREE);
    expect_whatis(0x102,
        "0x102 is in arena kva:\n"
        "    0x100-0x103                               4 busy\n");
    expect_whatis(0x10a,
        "0x10a is in arena kva:\n"
        "    0x108-0x10b                               4 busy\n");
    expect_whatis(0x105,
        "0x105 is in arena kva:\n"
        "    0x104-0x107                               4 free\n");
    expect_whatis(0x202, /* the last hole below is the other span's */
        "0x202 is in arena kva:\n"
        "    0x200-0x203                               4 busy\n");
    destroy(arena);
}

static void
test_a_summary_of_large_holes(void)
{
    static struct vmt_text text;
    struct vmem_arena *arena = NULL;

    CHECK_OR_RETURN(vmem_create("kva", 0, 0x1000, 16, 0, 0, &arena) == 0);
    CHECK_U64(vmem_add(arena, 0x10000, 47 * 16, 0), ==, 0);
    CHECK_U64(vmem_add(arena, 0x20000, 46 * 16, 0), ==, 0);
    CHECK_U64(vmem_add(arena, 0x30000, 31 * 16, 0), ==, 0);
    CHECK_U64(vmem_add(arena, 0x40000, 32 * 16, 0), ==, 0);
    text = (struct vmt_text){ .length = 0 };
    vmem_summary(arena, vmt_text_sink, &text);
    CHECK_STR(text.text,
        "arena kva: instant fit\n"
        "  holes of at least       count         units\n"
        "  0x1f0                   1             496\n"
        "  0x200                   1             512\n"
        "  0x2e0                   2             1488\n"
        "  0x1000                  1             4096\n");
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_frees_keep_an_index),
    VMT_TEST(test_a_state_among_few_holes),
    VMT_TEST(test_few_holes_are_scanned),
    VMT_TEST(test_the_last_hole_of_a_long_bin_is_found),
    VMT_TEST(test_an_index_answers_for_a_long_bin),
    VMT_TEST(test_a_hole_behind_the_front_of_its_bin_grows),
    VMT_TEST(test_best_fit_in_a_window_takes_the_smallest_there),
    VMT_TEST(test_nodes_are_asked_for_by_each_index_that_there_is),
    VMT_TEST(test_the_highest_place_in_a_window),
    VMT_TEST(test_an_index_is_loaded_past_chunks_that_are_gone),
    VMT_TEST(test_state_and_whatis_of_units_below_and_behind_the_holes),
    VMT_TEST(test_a_summary_of_large_holes),
};

VMT_SUITE(tests);
