/*
 * test_look - size, state, contains, and the walk. [S13]
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 */
#include "vmt.h"
#include "vmt_fault.h"
#include "vmt_picture.h"

#include <errno.h>

enum { SEGMENTS_MAX = 64 };

struct seen {
    struct vmem_segment segment[SEGMENTS_MAX];
    unsigned count;
    unsigned stop_after; /* 0 = never */
};

static bool
note_segment(void *arg, const struct vmem_segment *segment)
{
    struct seen *seen = arg;

    if (seen->count < SEGMENTS_MAX) {
        seen->segment[seen->count] = *segment;
    }
    seen->count++;
    return seen->count != seen->stop_after;
}

/* 0x1000-0x10ff: 64 busy, 64 free, 64 busy, 64 free; and the last unit-quantum of the space. */
static struct vmem_arena *
create_example(vmem_addr_t *a, vmem_addr_t *b)
{
    struct vmem_arena *arena = NULL;

    CHECK_U64(vmem_create("look", 0x1000, 0x100, 16, 0, 0, &arena), ==, 0);
    CHECK_U64(vmem_add(arena, VMEM_ADDR_MAX - 15, 16, 0), ==, 0);
    CHECK_U64(vmem_xalloc(arena, 64, 0, 0, 0, 0x1000, 0x103f, 0, a), ==, 0);
    CHECK_U64(vmem_xalloc(arena, 64, 0, 0, 0, 0x1080, 0x10bf, 0, b), ==, 0);
    return arena;
}

static void
destroy_example(struct vmem_arena *arena, vmem_addr_t a, vmem_addr_t b)
{
    vmem_free(arena, a, 64);
    vmem_free(arena, b, 64);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_sizes_are_exact_and_other_masks_give_0(void)
{
    vmem_addr_t a = 0;
    vmem_addr_t b = 0;
    struct vmem_arena *arena = create_example(&a, &b);

    CHECK_U64(vmem_size(arena, VMEM_ALLOC), ==, 128);
    CHECK_U64(vmem_size(arena, VMEM_FREE), ==, 144);
    CHECK_U64(vmem_size(arena, VMEM_ALLOC | VMEM_FREE), ==, 272);
    CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, 64);
    for (unsigned mask = 0; mask < 64; mask++) {
        const bool is_known = (mask >= 1 && mask <= 3) || mask == VMEM_MAXFREE;
        vmt_context("mask", mask);
        CHECK((vmem_size(arena, mask) != 0) == is_known);
    }
    destroy_example(arena, a, b);
}

static void
test_the_largest_hole_is_exact_for_every_size(void)
{
    for (vmem_size_t size = 1; size < 300; size++) {
        struct vmem_arena *arena = NULL;
        vmem_addr_t addr = 0;

        CHECK_OR_RETURN(vmem_create("max", 0, 300, 1, 0, 0, &arena) == 0);
        CHECK_U64(vmem_alloc(arena, size, 0, &addr), ==, 0);
        CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, 300 - size);
        vmem_free(arena, addr, size);
        CHECK_U64(vmem_destroy(arena), ==, 0);
    }
}

static void
test_every_unit_has_its_state(void)
{
    vmem_addr_t a = 0;
    vmem_addr_t b = 0;
    struct vmem_arena *arena = create_example(&a, &b);

    for (vmem_addr_t at = 0xff0; at < 0x1110; at++) {
        const bool is_inside = at >= 0x1000 && at < 0x1100;
        const bool is_busy = is_inside && ((at >> 6) & 1) == 0;
        vmt_context("unit", at);
        CHECK(vmem_state(arena, at) ==
            (is_busy            ? VMEM_STATE_BUSY
                    : is_inside ? VMEM_STATE_FREE
                                : VMEM_STATE_OUTSIDE));
    }
    CHECK(vmem_state(arena, 0) == VMEM_STATE_OUTSIDE);
    CHECK(vmem_state(arena, VMEM_ADDR_MAX) == VMEM_STATE_FREE);
    CHECK(vmem_state(arena, VMEM_ADDR_MAX - 16) == VMEM_STATE_OUTSIDE);
    destroy_example(arena, a, b);
}

static void
test_states_are_right_in_an_arena_of_many_holes(void)
{
    enum { UNITS = 2000 };
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create("many", 0, UNITS, 1, 0, 0, &arena) == 0);
    for (unsigned i = 0; i < UNITS; i++) {
        CHECK_U64(vmem_alloc(arena, 1, VMEM_FIRSTFIT, &addr), ==, 0);
    }
    for (vmem_addr_t i = 0; i < UNITS; i += 3) {
        vmem_free(arena, i, 1);
    }
    for (vmem_addr_t i = 0; i < UNITS; i++) {
        CHECK(vmem_state(arena, i) == (i % 3 == 0 ? VMEM_STATE_FREE : VMEM_STATE_BUSY));
    }
    CHECK_INTACT(arena);
    for (vmem_addr_t i = 0; i < UNITS; i++) {
        if (i % 3 != 0) {
            vmem_free(arena, i, 1);
        }
    }
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_contains_asks_for_every_unit(void)
{
    vmem_addr_t a = 0;
    vmem_addr_t b = 0;
    struct vmem_arena *arena = create_example(&a, &b);

    CHECK(vmem_contains(arena, 0x1000, 0x100));
    CHECK(vmem_contains(arena, 0x1000, 1));
    CHECK(vmem_contains(arena, 0x10ff, 1));
    CHECK(vmem_contains(arena, VMEM_ADDR_MAX, 1));
    CHECK(vmem_contains(arena, VMEM_ADDR_MAX - 15, 16));
    CHECK(!vmem_contains(arena, 0x1000, 0x101));
    CHECK(!vmem_contains(arena, 0xfff, 2));
    CHECK(!vmem_contains(arena, 0xfff, 1));
    CHECK(!vmem_contains(arena, 0x1100, 1));
    CHECK(!vmem_contains(arena, 0x1000, 0));
    CHECK(!vmem_contains(arena, 0, 0));             /* not "all of 2^64", either */
    CHECK(!vmem_contains(arena, VMEM_ADDR_MAX, 2)); /* wraps */
    CHECK(!vmem_contains(arena, VMEM_ADDR_MAX - 15, VMEM_SIZE_MAX));
    CHECK(!vmem_contains(arena, 0, VMEM_SIZE_MAX));
    destroy_example(arena, a, b);
}

static void
check_segment(
    const struct vmem_segment *segment, vmem_addr_t start, vmem_size_t size, unsigned type)
{
    CHECK_U64(segment->start, ==, start);
    CHECK_U64(segment->size, ==, size);
    CHECK_U64(segment->type, ==, type);
    CHECK(!segment->imported);
}

static void
test_the_walk_shows_all_in_order(void)
{
    struct seen seen = { .count = 0 };
    vmem_addr_t a = 0;
    vmem_addr_t b = 0;
    struct vmem_arena *arena = create_example(&a, &b);

    vmem_walk(arena, VMEM_SPAN | VMEM_ALLOC | VMEM_FREE, note_segment, &seen);
    CHECK_OR_RETURN(seen.count == 7);
    check_segment(&seen.segment[0], 0x1000, 0x100, VMEM_SPAN);
    check_segment(&seen.segment[1], 0x1000, 64, VMEM_ALLOC);
    check_segment(&seen.segment[2], 0x1040, 64, VMEM_FREE);
    check_segment(&seen.segment[3], 0x1080, 64, VMEM_ALLOC);
    check_segment(&seen.segment[4], 0x10c0, 64, VMEM_FREE);
    check_segment(&seen.segment[5], VMEM_ADDR_MAX - 15, 16, VMEM_SPAN);
    check_segment(&seen.segment[6], VMEM_ADDR_MAX - 15, 16, VMEM_FREE);
    destroy_example(arena, a, b);
}

static void
test_the_walk_shows_only_what_is_asked_for(void)
{
    static const unsigned expected[] = { 0, 2, 3, 5, 0, 2, 3, 5, 2, 4, 5, 7 };
    vmem_addr_t a = 0;
    vmem_addr_t b = 0;
    struct vmem_arena *arena = create_example(&a, &b);

    for (unsigned mask = 0; mask < sizeof expected / sizeof expected[0]; mask++) {
        struct seen seen = { .count = 0 };
        vmt_context("mask", mask);
        vmem_walk(arena, mask, note_segment, &seen);
        CHECK_U64(seen.count, ==, expected[mask]);
        for (unsigned i = 0; i < seen.count && i < SEGMENTS_MAX; i++) {
            CHECK_U64(seen.segment[i].type & mask, !=, 0);
        }
    }
    destroy_example(arena, a, b);
}

static void
test_a_walk_ends_when_the_visitor_says_so(void)
{
    vmem_addr_t a = 0;
    vmem_addr_t b = 0;
    struct vmem_arena *arena = create_example(&a, &b);

    for (unsigned stop = 1; stop <= 7; stop++) {
        struct seen seen = { .stop_after = stop };
        vmem_walk(arena, VMEM_SPAN | VMEM_ALLOC | VMEM_FREE, note_segment, &seen);
        CHECK_U64(seen.count, ==, stop);
    }
    destroy_example(arena, a, b);
}

static void
test_counters_count(void)
{
    struct vmem_arena *arena = NULL;
    struct vmem_stats stats;
    vmem_addr_t a = 0;
    vmem_addr_t b = 0;

    CHECK_OR_RETURN(vmem_create("count", 0, 1024, 16, 0, 0, &arena) == 0);
    CHECK_U64(vmem_alloc(arena, 1, 0, &a), ==, 0);
    CHECK_U64(vmem_alloc(arena, 100, 0, &b), ==, 0);
    vmem_free(arena, b, 100);
    CHECK_U64(vmem_alloc(arena, 2000, 0, &b), ==, ENOMEM);
    CHECK_U64(vmem_alloc(arena, 0, 0, &b), ==, EINVAL);
    vmem_stats(arena, &stats);
    CHECK_U64(stats.quantum, ==, 16);
    CHECK_U64(stats.limit, ==, 0);
    CHECK_U64(stats.total_size, ==, 1024);
    CHECK_U64(stats.inuse_size, ==, 16);
    CHECK_U64(stats.inuse_peak, ==, 128);
    CHECK_U64(stats.imported_size, ==, 0);
    CHECK_U64(stats.allocs, ==, 2);
    CHECK_U64(stats.frees, ==, 1);
    CHECK_U64(stats.fails[VMEM_REASON_NONE], ==, 0);
    CHECK_U64(stats.fails[VMEM_REASON_SPACE], ==, 1);
    CHECK_U64(stats.fails[VMEM_REASON_ARGUMENTS], ==, 1);
    CHECK_U64(stats.imports + stats.imports_refused + stats.imports_returned, ==, 0);
    CHECK_U64(stats.releases + stats.reclaims + stats.waits + stats.drains, ==, 0);
    CHECK_U64(stats.spans, ==, 1);
    CHECK_U64(stats.busy_segments, ==, 1);
    CHECK_U64(stats.holes, ==, 1);
    CHECK_U64(stats.metadata_bytes, >, 0);
    CHECK(!stats.is_indexed);
    vmem_free(arena, a, 1);
    CHECK_U64(vmem_destroy(arena), ==, 0);
    CHECK_OR_RETURN(vmem_create("count", 0, 1024, 16, 0, VMEM_INDEXED, &arena) == 0);
    vmem_stats(arena, &stats);
    CHECK(stats.is_indexed);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

enum { WALK_UNITS = 4096 };

/* A visitor that changes the arena, and a record of every unit that it was shown. */
struct restless {
    struct vmem_arena *arena;
    struct vmt_rng rng;
    bool has_begun;
    vmem_addr_t reached;
    unsigned visits;
    unsigned char is_busy[WALK_UNITS]; /* by single-unit allocations of this test */
    unsigned char is_seen[WALK_UNITS];
};

static void
stir(struct restless *r)
{
    for (unsigned i = 0; i < 3; i++) {
        const vmem_addr_t at = vmt_rng_below(&r->rng, WALK_UNITS);
        vmem_addr_t addr = 0;
        if (r->is_busy[at]) {
            r->is_busy[at] = 0;
            vmem_free(r->arena, at, 1);
        } else if (vmem_xalloc(r->arena, 1, 0, 0, 0, at, at, 0, &addr) == 0) {
            r->is_busy[at] = 1;
        } else {
            CHECK(false);
        }
    }
}

static bool
visit_and_stir(void *arg, const struct vmem_segment *segment)
{
    struct restless *r = arg;

    r->visits++;
    CHECK(!r->has_begun || segment->start > r->reached);
    r->has_begun = true;
    r->reached = segment->start + (segment->size - 1);
    for (vmem_addr_t at = segment->start; at <= r->reached; at++) {
        CHECK_U64(r->is_seen[at], ==, 0);
        r->is_seen[at] = 1;
    }
    stir(r);
    return !vmt_failed();
}

static void
test_a_walk_while_the_visitor_changes_the_arena_sees_no_unit_twice(void)
{
    static struct restless r;

    r = (struct restless){ .rng = { .state = vmt_seed() } };
    CHECK_OR_RETURN(vmem_create("restless", 0, WALK_UNITS, 1, 0, 0, &r.arena) == 0);
    for (unsigned i = 0; i < 1000; i++) {
        stir(&r);
    }
    for (uint64_t round = 0; round < vmt_ops(20) && !vmt_failed(); round++) {
        r.has_begun = false;
        r.visits = 0;
        for (unsigned i = 0; i < WALK_UNITS; i++) {
            r.is_seen[i] = 0;
        }
        vmem_walk(r.arena, VMEM_ALLOC | VMEM_FREE, visit_and_stir, &r);
        CHECK_U64(r.visits, >, 100);
        CHECK_INTACT(r.arena);
    }
    for (vmem_addr_t i = 0; i < WALK_UNITS; i++) {
        if (r.is_busy[i]) {
            vmem_free(r.arena, i, 1);
        }
    }
    CHECK_U64(vmem_destroy(r.arena), ==, 0);
}

/* After 16 single units the walk stands on the hole behind them; then that hole grows downwards. */
struct mover {
    struct vmem_arena *arena;
    bool is_upwards; /* the order of the frees: the hole's tag goes, or stays */
    vmem_size_t
        takes; /* so many units of it from 14 on, across the place already reached or up to it */
    struct seen seen;
};

static bool
move_the_hole(void *arg, const struct vmem_segment *segment)
{
    struct mover *mover = arg;
    vmem_addr_t addr = 0;

    (void)note_segment(&mover->seen, segment);
    if (mover->seen.count == 16) {
        for (vmem_addr_t i = 0; i < 6; i++) {
            vmem_free(mover->arena, mover->is_upwards ? 10 + i : 15 - i, 1);
        }
        if (mover->takes != 0) {
            CHECK_U64(
                vmem_xalloc(mover->arena, mover->takes, 0, 0, 0, 14, 13 + mover->takes, 0, &addr),
                ==, 0);
        }
    }
    return true;
}

static void
walk_while_the_hole_moves(struct mover *mover)
{
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create("moving", 0, 100, 1, 0, 0, &mover->arena) == 0);
    for (unsigned i = 0; i < 16; i++) {
        CHECK_U64(vmem_alloc(mover->arena, 1, 0, &addr), ==, 0);
    }
    vmem_walk(mover->arena, VMEM_ALLOC | VMEM_FREE, move_the_hole, mover);
    check_segment(&mover->seen.segment[15], 15, 1, VMEM_ALLOC);
    for (vmem_addr_t at = 0; at < 10; at++) {
        vmem_free(mover->arena, at, 1);
    }
    if (mover->takes != 0) {
        vmem_free(mover->arena, 14, mover->takes);
    }
    CHECK_U64(vmem_destroy(mover->arena), ==, 0);
}

/* Units 16 to 99 are free all the time: they must be shown, whatever merges with them. */
static void
test_a_hole_that_grows_below_the_walk_is_shown_from_there_on(void)
{
    for (unsigned order = 0; order < 2; order++) {
        struct mover mover = { .is_upwards = order == 1 };
        vmt_context("frees upwards:", order);
        walk_while_the_hole_moves(&mover);
        CHECK_U64(mover.seen.count, ==, 17);
        check_segment(&mover.seen.segment[16], 16, 84, VMEM_FREE);
    }
}

static void
test_a_segment_that_moves_below_the_walk_is_clipped(void)
{
    struct mover mover = { .takes = 6 };

    walk_while_the_hole_moves(&mover);
    CHECK_U64(mover.seen.count, ==, 18);
    check_segment(&mover.seen.segment[16], 16, 4, VMEM_ALLOC);
    check_segment(&mover.seen.segment[17], 20, 80, VMEM_FREE);
}

static void
test_a_segment_up_to_the_place_reached_is_not_shown(void)
{
    struct mover mover = { .takes = 2 };

    walk_while_the_hole_moves(&mover);
    CHECK_U64(mover.seen.count, ==, 17);
    check_segment(&mover.seen.segment[16], 16, 84, VMEM_FREE);
}

/* The walk stands on a segment that becomes part of the hole before it, which was shown. */
static bool
free_the_next(void *arg, const struct vmem_segment *segment)
{
    struct mover *mover = arg;

    (void)note_segment(&mover->seen, segment);
    if (mover->seen.count == 1) {
        vmem_free(mover->arena, 16, 1);
    }
    return true;
}

static void
test_what_merges_into_a_hole_already_shown_is_shown(void)
{
    struct mover mover = { .arena = NULL };
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create("merging", 0, 20, 1, 0, 0, &mover.arena) == 0);
    for (unsigned i = 0; i < 20; i++) {
        CHECK_U64(vmem_alloc(mover.arena, 1, 0, &addr), ==, 0);
    }
    vmem_free(mover.arena, 15, 1);
    vmem_walk(mover.arena, VMEM_ALLOC | VMEM_FREE, free_the_next, &mover);
    CHECK_U64(mover.seen.count, ==, 20);
    check_segment(&mover.seen.segment[15], 15, 1, VMEM_FREE);
    check_segment(&mover.seen.segment[16], 16, 1, VMEM_FREE);
    check_segment(&mover.seen.segment[17], 17, 1, VMEM_ALLOC);
    for (vmem_addr_t at = 0; at < 20; at++) {
        if (at != 15 && at != 16) {
            vmem_free(mover.arena, at, 1);
        }
    }
    CHECK_U64(vmem_destroy(mover.arena), ==, 0);
}

static bool
free_visited(void *arg, const struct vmem_segment *segment)
{
    vmem_free(arg, segment->start, segment->size);
    return true;
}

static void
test_the_visitor_may_free_everything_it_is_shown(void)
{
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create("free", 0, 1000, 1, 0, 0, &arena) == 0);
    for (unsigned i = 0; i < 1000; i++) {
        CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, 0);
    }
    vmem_walk(arena, VMEM_ALLOC, free_visited, arena);
    CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, 1000);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

enum { SPANS = 40 };

struct vanishing {
    struct vmem_arena *arena;
    vmem_addr_t next; /* of the source */
    unsigned seen;
};

static int
import_a_unit(void *arg, const struct vmem_import_request *request, struct vmem_range *span)
{
    struct vanishing *v = arg;

    (void)request;
    *span = (struct vmem_range){ .start = v->next, .size = 1 };
    v->next += 2;
    return 0;
}

static void
forget_a_unit(void *arg, vmem_addr_t start, vmem_size_t size)
{
    (void)arg;
    (void)start;
    (void)size;
}

/* At the first segment everything is freed, and every span goes back. */
static bool
free_all_at_once(void *arg, const struct vmem_segment *segment)
{
    struct vanishing *v = arg;

    (void)segment;
    for (vmem_addr_t at = 0; v->seen == 0 && at < SPANS; at++) {
        vmem_free(v->arena, 2 * at, 1);
    }
    v->seen++;
    return true;
}

/* It shows the 16 segments that it had copied, and then there is nothing any more. */
static void
test_a_walk_whose_spans_go_away_ends(void)
{
    struct vanishing v = { .arena = NULL };
    const struct vmem_options options = {
        .quantum = 1, .import_fn = import_a_unit, .release_fn = forget_a_unit, .source_arg = &v
    };
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create_with(&options, &v.arena) == 0);
    for (unsigned i = 0; i < SPANS; i++) {
        CHECK_U64(vmem_alloc(v.arena, 1, 0, &addr), ==, 0);
        CHECK_U64(addr, ==, 2 * i);
    }
    vmem_walk(v.arena, VMEM_ALLOC | VMEM_SPAN | VMEM_FREE, free_all_at_once, &v);
    CHECK_U64(v.seen, ==, 16);
    CHECK_U64(vmem_size(v.arena, VMEM_ALLOC | VMEM_FREE), ==, 0);
    CHECK_INTACT(v.arena);
    CHECK_U64(vmem_destroy(v.arena), ==, 0);
}

static bool
walk_within(void *arg, const struct vmem_segment *segment)
{
    struct seen seen = { .count = 0 };

    (void)segment;
    vmem_walk(arg, VMEM_ALLOC | VMEM_FREE, note_segment, &seen);
    CHECK_U64(seen.count, ==, 5);
    return true;
}

static void
test_walks_nest(void)
{
    vmem_addr_t a = 0;
    vmem_addr_t b = 0;
    struct vmem_arena *arena = create_example(&a, &b);

    vmem_walk(arena, VMEM_ALLOC | VMEM_FREE, walk_within, arena);
    CHECK_INTACT(arena);
    destroy_example(arena, a, b);
}

static bool
count_arena(void *arg, struct vmem_arena *arena)
{
    struct vmem_arena **wanted = arg;

    for (unsigned i = 0; i < 3; i++) {
        if (wanted[i] == arena) {
            wanted[i] = NULL;
            return i != 2; /* end at the third */
        }
    }
    return true;
}

static void
test_all_arenas_are_visited_once(void)
{
    struct vmem_arena *arenas[3] = { NULL, NULL, NULL };
    struct vmem_arena *wanted[3];
    struct vmem_storage storage;

    CHECK_OR_RETURN(vmem_create("one", 0, 64, 1, 0, 0, &arenas[0]) == 0);
    CHECK_OR_RETURN(vmem_init(&storage, "two", 0, 64, 1, 0, 0, &arenas[1]) == 0);
    CHECK_OR_RETURN(vmem_create("three", 0, 64, 1, 0, 0, &arenas[2]) == 0);
    for (unsigned i = 0; i < 3; i++) {
        wanted[i] = arenas[i];
    }
    vmem_walk_arenas(count_arena, wanted);
    CHECK(wanted[0] == NULL && wanted[1] == NULL && wanted[2] == NULL);
    CHECK_U64(vmem_destroy(arenas[1]), ==, 0); /* out of the middle */
    wanted[0] = arenas[0];
    wanted[1] = arenas[1];
    wanted[2] = arenas[2];
    vmem_walk_arenas(count_arena, wanted);
    CHECK(wanted[0] == NULL && wanted[1] == arenas[1] && wanted[2] == NULL);
    CHECK_U64(vmem_destroy(arenas[0]), ==, 0);
    CHECK_U64(vmem_destroy(arenas[2]), ==, 0);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_sizes_are_exact_and_other_masks_give_0),
    VMT_TEST(test_the_largest_hole_is_exact_for_every_size),
    VMT_TEST(test_every_unit_has_its_state),
    VMT_TEST(test_states_are_right_in_an_arena_of_many_holes),
    VMT_TEST(test_contains_asks_for_every_unit),
    VMT_TEST(test_the_walk_shows_all_in_order),
    VMT_TEST(test_the_walk_shows_only_what_is_asked_for),
    VMT_TEST(test_a_walk_ends_when_the_visitor_says_so),
    VMT_TEST(test_counters_count),
    VMT_TEST(test_a_walk_while_the_visitor_changes_the_arena_sees_no_unit_twice),
    VMT_TEST(test_a_hole_that_grows_below_the_walk_is_shown_from_there_on),
    VMT_TEST(test_a_segment_that_moves_below_the_walk_is_clipped),
    VMT_TEST(test_a_segment_up_to_the_place_reached_is_not_shown),
    VMT_TEST(test_what_merges_into_a_hole_already_shown_is_shown),
    VMT_TEST(test_a_walk_whose_spans_go_away_ends),
    VMT_TEST(test_the_visitor_may_free_everything_it_is_shown),
    VMT_TEST(test_walks_nest),
    VMT_TEST(test_all_arenas_are_visited_once),
};

VMT_SUITE(tests);
