/*
 * test_instant - where instant fit looks for a request with alignment, and in which order. [P1]
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * First the fronts of two classes, for luck; then a class in which every hole has a place, which is no
 * search; then the fronts of 64 classes; then by address.  An index that is there already is asked before
 * the 64.  Every hole of these tests has a size, and so a class, of its own.
 */
#include "vmt.h"
#include "vmt_picture.h"

#include "engine/arena.h"

#include <errno.h>

enum { SIZE = 8, ALIGN = 4096, BLOCK = 2 * ALIGN };

/* One hole in each block of addresses: at its start, where it is aligned, or one unit behind. */
struct hole {
    vmem_size_t size;
    bool is_aligned;
};

static vmem_addr_t
start_of(const struct hole *holes, unsigned i)
{
    return (vmem_addr_t)i * BLOCK + (holes[i].is_aligned ? 0 : 1);
}

static void
take(struct vmem_arena *arena, vmem_addr_t start, vmem_addr_t last)
{
    vmem_addr_t addr = 0;

    if (start <= last) {
        CHECK_U64(vmem_xalloc(arena, last - start + 1, 0, 0, 0, start, last, 0, &addr), ==, 0);
        CHECK_U64(addr, ==, start);
    }
}

static struct vmem_arena *
create_with_holes(const struct hole *holes, unsigned count, unsigned flags)
{
    struct vmem_arena *arena = NULL;
    vmem_addr_t at = 0;

    CHECK_U64(vmem_create("instant", 0, (vmem_size_t)count * BLOCK, 1, 0, flags, &arena), ==, 0);
    for (unsigned i = 0; i < count; i++) {
        const vmem_addr_t start = start_of(holes, i);
        if (start > at) {
            take(arena, at, start - 1);
        }
        take(arena, start, start + (holes[i].size - 1));
        at = start + holes[i].size;
    }
    take(arena, at, (vmem_addr_t)count * BLOCK - 1);
    for (unsigned i = 0; i < count; i++) {
        vmem_free(arena, start_of(holes, i), holes[i].size);
    }
    CHECK_INTACT(arena);
    return arena;
}

static bool
free_visited(void *arg, const struct vmem_segment *segment)
{
    vmem_free(arg, segment->start, segment->size);
    return true;
}

/* The request is placed in this hole, after so many searches; is there an index now? */
static void
expect_place(const struct hole *holes, unsigned count, unsigned in, unsigned searches, bool indexed)
{
    struct vmem_arena *arena = create_with_holes(holes, count, 0);
    struct vmem_stats before;
    struct vmem_stats after;
    vmem_addr_t addr = 0;

    vmem_stats(arena, &before);
    CHECK_U64(vmem_xalloc(arena, SIZE, ALIGN, 0, 0, 0, VMEM_ADDR_MAX, 0, &addr), ==, 0);
    CHECK_U64(addr / BLOCK, ==, in);
    CHECK_U64(addr % ALIGN, ==, 0);
    vmem_stats(arena, &after);
    CHECK_U64(after.searches - before.searches, ==, searches);
    CHECK_U64(after.scans - before.scans, ==, 0);
    CHECK(arena->is_indexed == indexed);
    CHECK_INTACT(arena);
    vmem_walk(arena, VMEM_ALLOC, free_visited, arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_luck_is_tried_in_two_classes(void)
{
    const struct hole second[] = { { 9, false }, { 10, true }, { 11, true }, { 5000, false } };
    const struct hole third[] = { { 9, false }, { 10, false }, { 11, true }, { 5000, false } };

    expect_place(second, 4, 1, 0, false);
    expect_place(third, 4, 3, 0, false);
}

static void
test_without_a_sure_class_luck_is_tried_on(void)
{
    const struct hole third[] = { { 9, false }, { 10, false }, { 11, true }, { 4000, false } };

    expect_place(third, 4, 2, 1, false);
}

/* So many holes without a place, and then one that has, all of different classes. */
static void
expect_after(unsigned misfits, unsigned searches, bool indexed)
{
    struct hole holes[70];
    unsigned class_index = vmi_class_of(SIZE);

    for (unsigned i = 0; i <= misfits; i++) {
        holes[i] =
            (struct hole){ .size = vmi_class_floor(class_index++), .is_aligned = i == misfits };
    }
    expect_place(holes, misfits + 1, misfits, searches, indexed);
}

static void
test_luck_is_tried_in_64_classes_before_there_is_an_index(void)
{
    expect_after(63, 1, false);
    expect_after(64, 2, true); /* asked twice: without the index, and with it */
}

static void
test_an_index_is_asked_before_64_classes(void)
{
    const struct hole holes[] = { { 4000, true }, { 9, false }, { 10, false }, { 11, true } };
    struct vmem_arena *arena = create_with_holes(holes, 4, VMEM_INDEXED);
    vmem_addr_t addr = 0;

    CHECK_U64(arena->by_address.state, ==, VMI_INDEX_READY);
    CHECK_U64(vmem_xalloc(arena, SIZE, ALIGN, 0, 0, 0, VMEM_ADDR_MAX, 0, &addr), ==, 0);
    CHECK_U64(addr, ==, 0); /* the lowest; the front of a smaller class has a place, too */
    CHECK_INTACT(arena);
    vmem_walk(arena, VMEM_ALLOC, free_visited, arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

/* Four holes of a wide class; each in turn becomes smaller, and is still of it. */
static void
test_a_hole_that_stays_in_its_class_keeps_its_place(void)
{
    const struct hole holes[] = { { 1080, true }, { 1080, true }, { 1080, true }, { 1080, true } };
    struct vmem_arena *arena = create_with_holes(holes, 4, 0);
    const struct vmi_bin *bin = &arena->bins.bin[vmi_class_of(1080)];
    uint32_t front[VMI_FRONT];

    CHECK_U64(bin->count, ==, 4);
    for (unsigned i = 0; i < VMI_FRONT; i++) {
        front[i] = bin->front[i];
    }
    for (unsigned i = 0; i < VMI_FRONT; i++) {
        take(arena, start_of(holes, i), start_of(holes, i) + 7);
        CHECK_INTACT(arena);
        for (unsigned place = 0; place < VMI_FRONT; place++) {
            CHECK_U64(bin->front[place], ==, front[place]);
        }
    }
    vmem_walk(arena, VMEM_ALLOC, free_visited, arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

/*
 * The short way: the smallest class in which every hole suffices, whatever the quantum; and of a size that
 * only the last hole has, that one, though a hole of one quantum lies before it.
 */
static void
test_the_short_way_takes_the_smallest_class_that_suffices(void)
{
    static const unsigned logs[] = { 0, 4, 12, 20 };

    for (unsigned i = 0; i < sizeof logs / sizeof logs[0]; i++) {
        const vmem_size_t quantum = (vmem_size_t)1 << logs[i];
        const vmem_size_t holes[] = { 1, 3, 9, 30 }; /* quanta; behind each one that is busy */
        const vmem_size_t most = (vmem_size_t)1 << 62;
        struct vmem_arena *arena = NULL;
        vmem_addr_t at = 0;
        vmt_context("quantum", quantum);
        CHECK_OR_RETURN(vmem_create("short", 0, most + 64 * quantum, quantum, 0, 0, &arena) == 0);
        for (unsigned hole = 4; hole-- > 0; at += (holes[hole] + 1) * quantum) {
            take(arena, at + holes[hole] * quantum, at + (holes[hole] + 1) * quantum - 1);
        }
        for (unsigned hole = 0; hole < 4; hole++) {
            vmem_addr_t addr = 0;
            at -= (holes[hole] + 1) * quantum;
            CHECK(arena->allocs_plainly);
            CHECK_U64(vmem_alloc(arena, holes[hole] * quantum, 0, &addr), ==, 0);
            CHECK_U64(addr, ==, at);
            vmem_free(arena, addr, holes[hole] * quantum);
        }
        for (vmem_size_t size = quantum; size <= most; size *= 2) {
            vmem_addr_t addr = 0;
            CHECK_U64(vmem_alloc(arena, size, 0, &addr), ==, 0);
            CHECK_U64(addr, >=, size > 30 * quantum ? 47 * quantum : 0);
            CHECK_INTACT(arena);
            vmem_free(arena, addr, size);
        }
        vmem_walk(arena, VMEM_ALLOC, free_visited, arena);
        CHECK_U64(vmem_destroy(arena), ==, 0);
    }
}

/* One hole of many can hold the request, and none is large enough for any: it is found, whichever it is. */
static void
find_the_only_one(unsigned count, unsigned only, unsigned flags)
{
    struct hole holes[40];
    struct vmem_arena *arena;
    vmem_addr_t addr = 1;

    for (unsigned i = 0; i < count; i++) {
        holes[i] = (struct hole){ .size = SIZE, .is_aligned = i == only };
    }
    arena = create_with_holes(holes, count, VMEM_INSTANTFIT);
    CHECK_U64(vmem_xalloc(arena, SIZE, ALIGN, 0, 0, 0, VMEM_ADDR_MAX, flags, &addr), ==,
        only < count ? 0 : ENOMEM);
    if (only < count) {
        CHECK_U64(addr, ==, start_of(holes, only));
    }
    vmem_walk(arena, VMEM_ALLOC, free_visited, arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_the_only_hole_that_will_do_is_found(void)
{
    static const unsigned policies[] = { VMEM_INSTANTFIT, VMEM_BESTFIT, VMEM_FIRSTFIT,
        VMEM_FIRSTFIT | VMEM_HIGH, VMEM_NEXTFIT };

    for (unsigned i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        for (unsigned count = 1; count <= 40; count += count < 8 ? 1 : 8) {
            for (unsigned only = 0; only <= count; only++) {
                vmt_context("policy", i);
                vmt_context("holes", count);
                vmt_context("the one", only);
                find_the_only_one(count, only, policies[i]);
            }
        }
    }
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_the_short_way_takes_the_smallest_class_that_suffices),
    VMT_TEST(test_the_only_hole_that_will_do_is_found),
    VMT_TEST(test_a_hole_that_stays_in_its_class_keeps_its_place),
    VMT_TEST(test_luck_is_tried_in_two_classes),
    VMT_TEST(test_without_a_sure_class_luck_is_tried_on),
    VMT_TEST(test_luck_is_tried_in_64_classes_before_there_is_an_index),
    VMT_TEST(test_an_index_is_asked_before_64_classes),
};

VMT_SUITE(tests);
