/*
 * F21_load_during_a_build - an index that is loaded while it was being built in passing.
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * A search that runs long begins to build the index by address, a few tags with each later operation.  A
 * request that needs it at once gives that build up and loads all holes.  The place that the build had
 * come to was kept: the hole there was taken for one that the index does not hold yet, so that the index
 * was not told when it changed, and units were given out twice.
 */
#include "vmt.h"
#include "vmt_picture.h"

#include "engine/index.h"

#include <errno.h>

enum { HOLES = 100, SIZE = 64, LARGER = 67, STEP = SIZE + 1, SPAN = 1 + HOLES * STEP + LARGER };

static vmem_addr_t
take(struct vmem_arena *arena, vmem_size_t size, vmem_addr_t addr_min)
{
    vmem_addr_t addr = VMEM_ADDR_MAX;

    CHECK_U64(vmem_xalloc(arena, size, 0, 0, 0, addr_min, SPAN - 1, VMEM_FIRSTFIT, &addr), ==, 0);
    return addr;
}

/* 100 holes of 64 units from 0, or 1, on, and a bin that once had a larger one. */
static struct vmem_arena *
make(vmem_addr_t from)
{
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 0;

    CHECK_U64(vmem_create("adversary", 0, from + SPAN - 1, 1, 0, 0, &arena), ==, 0);
    for (unsigned i = 0; i < from; i++) {
        CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, 0);
    }
    for (unsigned i = 0; i < HOLES; i++) {
        CHECK_U64(vmem_alloc(arena, SIZE, 0, &addr), ==, 0);
        CHECK_U64(addr, ==, from + i * STEP);
        CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, 0);
    }
    CHECK_U64(vmem_alloc(arena, LARGER, 0, &addr), ==, 0);
    for (unsigned i = 0; i < HOLES; i++) {
        vmem_free(arena, from + i * STEP, SIZE);
    }
    vmem_free(arena, addr, LARGER);
    CHECK_U64(vmem_alloc(arena, LARGER, 0, &addr), ==, 0);
    CHECK_U64(vmem_alloc(arena, LARGER - 1, 0, &addr), ==, ENOMEM);
    CHECK_U64(arena->by_address.state, ==, VMI_INDEX_BUILDING);
    return arena;
}

static bool
free_visited(void *arg, const struct vmem_segment *segment)
{
    vmem_free(arg, segment->start, segment->size);
    return true;
}

static void
load_after(vmem_addr_t from, unsigned advances)
{
    struct vmem_arena *arena = make(from);
    vmem_addr_t addr = 0;

    for (unsigned i = 0; i < advances; i++) {
        CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, 0);
    }
    CHECK_U64(arena->by_address.state, ==, VMI_INDEX_BUILDING);
    CHECK_U64(take(arena, 1, from + STEP), ==, from + STEP); /* loads the index */
    CHECK_U64(arena->by_address.state, ==, VMI_INDEX_READY);
    CHECK_INTACT(arena);
    for (unsigned i = 2; i < HOLES; i++) {
        for (unsigned unit = 0; unit < 3; unit++) {
            const vmem_addr_t first = from + i * STEP;
            CHECK_U64(take(arena, 1, first), ==, first + unit); /* none of them twice */
        }
        CHECK_INTACT(arena);
    }
    vmem_walk(arena, VMEM_ALLOC, free_visited, arena);
    CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, from + SPAN - 1);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_no_unit_is_given_twice_after_a_build_was_given_up(void)
{
    for (vmem_addr_t from = 0; from < 2; from++) {
        for (unsigned advances = 0; advances < 5; advances++) {
            vmt_context("advances", advances);
            load_after(from, advances);
        }
    }
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_no_unit_is_given_twice_after_a_build_was_given_up),
};

VMT_SUITE(tests);
