/*
 * test_hardened - quarantine, placement at random, and the upkeep of metadata. [T3] [L2]
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 */
#define _POSIX_C_SOURCE 200809L

#include "vmt.h"
#include "vmt_fault.h"
#include "vmt_picture.h"
#include "vmt_tags.h"

#include "engine/quarantine.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

static struct vmt_picture before;

static struct vmem_arena *
create(struct vmem_options options)
{
    struct vmem_arena *arena = NULL;

    options.name = "hard";
    options.quantum = options.quantum != 0 ? options.quantum : 1;
    CHECK_U64(vmem_create_with(&options, &arena), ==, 0);
    return arena;
}

static uint64_t
resting(struct vmem_arena *arena)
{
    struct vmem_stats stats;

    vmem_stats(arena, &stats);
    return stats.quarantined;
}

static void
test_a_freed_range_rests_for_so_many_frees(void)
{
    enum { FREES = 4, UNITS = 64 };
    struct vmem_arena *arena =
        create((struct vmem_options){ .size = UNITS, .quarantine_frees = FREES });
    vmem_addr_t addrs[UNITS];

    for (unsigned i = 0; i < UNITS; i++) {
        CHECK_U64(vmem_alloc(arena, 1, VMEM_FIRSTFIT, &addrs[i]), ==, 0);
    }
    for (unsigned i = 0; i < 10; i++) {
        struct vmem_stats stats;
        vmem_free(arena, i, 1);
        vmem_stats(arena, &stats);
        CHECK_U64(stats.quarantined, ==, i + 1 < FREES ? i + 1 : FREES);
        CHECK_U64(stats.holes, ==, i + 1 <= FREES ? 0 : 1);
        CHECK_U64(vmem_size(arena, VMEM_FREE), ==, i + 1); /* what rests counts as free */
        CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, i + 1);
        CHECK(vmem_state(arena, i) == VMEM_STATE_FREE);
        CHECK_INTACT(arena);
    }
    vmem_drain(arena);
    CHECK_U64(resting(arena), ==, 0);
    CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, 10);
    for (unsigned i = 10; i < UNITS; i++) {
        vmem_free(arena, i, 1);
    }
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

/* Of those that found something to free. */
static void
test_drains_are_counted(void)
{
    struct vmem_arena *arena = create((struct vmem_options){ .size = 64, .quarantine_frees = 4 });
    struct vmem_stats stats;
    vmem_addr_t addr = 0;

    for (unsigned i = 0; i < 3; i++) {
        CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, 0);
        vmem_free(arena, addr, 1);
        vmem_drain(arena);
        vmem_drain(arena); /* nothing rests any more */
        vmem_stats(arena, &stats);
        CHECK_U64(stats.drains, ==, i + 1);
    }
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_a_resting_range_is_not_reused_while_it_rests(void)
{
    struct vmem_arena *arena = create((struct vmem_options){ .size = 1000, .quarantine_frees = 8 });
    vmem_addr_t freed[8];
    vmem_addr_t addr = 0;

    for (unsigned i = 0; i < 8; i++) {
        CHECK_U64(vmem_alloc(arena, 10, 0, &freed[i]), ==, 0);
        vmem_free(arena, freed[i], 10);
        for (unsigned j = 0; j < i; j++) {
            CHECK_U64(freed[i], !=, freed[j]);
        }
    }
    CHECK_U64(vmem_alloc(arena, 1000, 0, &addr), ==, 0); /* but it never costs a success */
    vmem_free(arena, addr, 1000);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_freeing_what_rests_is_caught(void)
{
    struct vmem_arena *arena = create((struct vmem_options){ .size = 64, .quarantine_frees = 8 });
    vmem_handle_t handle = 0;
    vmem_addr_t addr = 0;

    CHECK_U64(vmem_alloc(arena, 8, 0, &addr), ==, 0);
    vmem_free(arena, addr, 8);
    vmt_picture_take(&before, arena);
    EXPECT_FATAL(vmem_free(arena, addr, 8), VMEM_FAULT_BAD_FREE);
    CHECK_UNCHANGED(&before, arena);
    CHECK_U64(vmem_alloc_handle(arena, 8, NULL, 0, &addr, &handle), ==, 0);
    vmem_free_handle(arena, handle);
    vmt_picture_take(&before, arena);
    EXPECT_FATAL(vmem_free_handle(arena, handle), VMEM_FAULT_BAD_HANDLE);
    EXPECT_FATAL(vmem_free(arena, addr, 8), VMEM_FAULT_BAD_FREE);
    CHECK_UNCHANGED(&before, arena);
    CHECK_U64(vmem_destroy(arena), ==, 0); /* with ranges at rest */
}

/* What rests is free, and what begins right behind it is not, though no index names its start. */
static void
test_the_state_of_what_lies_behind_a_resting_range(void)
{
    enum { HOLES = 40 };
    struct vmem_arena *arena =
        create((struct vmem_options){ .size = 2 * HOLES + 16, .quarantine_frees = 1 });
    vmem_handle_t handle = 0;
    vmem_addr_t addrs[2 * HOLES];
    vmem_addr_t resting = 0;
    vmem_addr_t behind = 0;

    CHECK_U64(vmem_alloc(arena, 8, VMEM_FIRSTFIT, &resting), ==, 0);
    CHECK_U64(vmem_alloc_handle(arena, 8, NULL, VMEM_FIRSTFIT, &behind, &handle), ==, 0);
    CHECK_U64(behind, ==, resting + 8);
    for (unsigned i = 0; i < 2 * HOLES; i++) {
        CHECK_U64(vmem_alloc(arena, 1, VMEM_FIRSTFIT, &addrs[i]), ==, 0);
    }
    for (unsigned i = 0; i < 2 * HOLES; i += 2) {
        vmem_free(arena, addrs[i], 1);
    }
    vmem_free(arena, resting, 8);
    for (vmem_addr_t i = 0; i < 16; i++) {
        CHECK(vmem_state(arena, i) == (i < 8 ? VMEM_STATE_FREE : VMEM_STATE_BUSY));
    }
    vmem_free_handle(arena, handle);
    for (unsigned i = 1; i < 2 * HOLES; i += 2) {
        vmem_free(arena, addrs[i], 1);
    }
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

/* A span of one unit, too, goes back when what lay in it has rested. */
static void
test_a_drained_span_of_one_unit_goes_back(void)
{
    struct vmem_arena *source = create((struct vmem_options){ .size = 8 });
    struct vmem_arena *arena =
        create((struct vmem_options){ .quarantine_frees = 4, .source_arena = source });
    vmem_addr_t addr = 0;

    CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, 0);
    vmem_free(arena, addr, 1);
    CHECK_U64(vmem_size(source, VMEM_ALLOC), ==, 1);
    vmem_drain(arena);
    CHECK_U64(vmem_size(source, VMEM_ALLOC), ==, 0);
    CHECK_U64(vmem_destroy(arena), ==, 0);
    CHECK_U64(vmem_destroy(source), ==, 0);
}

/* Whatever the handle's generation: what rests has none. */
static void
test_a_handle_of_what_rests_is_refused(void)
{
    for (uint32_t generation = 0; generation < 4; generation++) {
        struct vmem_arena *arena =
            create((struct vmem_options){ .size = 64, .quarantine_frees = 8 });
        vmem_handle_t handle = 0;
        vmem_addr_t addr = 0;
        arena->generation = generation;
        CHECK_U64(vmem_alloc_handle(arena, 8, NULL, 0, &addr, &handle), ==, 0);
        CHECK_U64(handle >> 32, ==, generation + 1);
        vmem_free_handle(arena, handle);
        CHECK_U64(resting(arena), ==, 1);
        EXPECT_FATAL(vmem_free_handle(arena, handle), VMEM_FAULT_BAD_HANDLE);
        CHECK_U64(resting(arena), ==, 1);
        CHECK_U64(vmem_destroy(arena), ==, 0);
    }
}

static void
sleep_ms(long ms)
{
    const struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

    (void)nanosleep(&time, NULL);
}

static void
test_quarantine_ends_with_time(void)
{
    struct vmem_arena *arena = create((struct vmem_options){
        .size = 64, .quarantine_frees = 16, .quarantine_ns = 20 * 1000 * 1000 });
    vmem_addr_t addrs[4];

    for (unsigned i = 0; i < 4; i++) {
        CHECK_U64(vmem_alloc(arena, 1, VMEM_FIRSTFIT, &addrs[i]), ==, 0);
    }
    vmem_free(arena, 0, 1);
    CHECK_U64(resting(arena), ==, 1);
    sleep_ms(40);
    vmem_free(arena, 1, 1); /* the first one's time is over */
    CHECK_U64(resting(arena), ==, 1);
    vmem_free(arena, 2, 1);
    vmem_free(arena, 3, 1);
    CHECK_INTACT(arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

/* Not one only: all whose time is over. */
static void
test_all_ranges_whose_time_is_over_leave(void)
{
    struct vmem_arena *arena = create((struct vmem_options){
        .size = 64, .quarantine_frees = 16, .quarantine_ns = 20 * 1000 * 1000 });
    vmem_addr_t addrs[8];

    for (unsigned i = 0; i < 8; i++) {
        CHECK_U64(vmem_alloc(arena, 1, VMEM_FIRSTFIT, &addrs[i]), ==, 0);
    }
    for (unsigned i = 0; i < 6; i++) {
        vmem_free(arena, i, 1);
    }
    sleep_ms(40);
    vmem_free(arena, 6, 1);
    vmem_free(arena, 7, 1);
    CHECK_U64(resting(arena), ==, 2);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_a_time_alone_is_enough(void)
{
    struct vmem_arena *arena =
        create((struct vmem_options){ .size = 64, .quarantine_ns = 3600ull * 1000000000ull });
    vmem_addr_t addr = 0;

    CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, 0);
    vmem_free(arena, addr, 1);
    CHECK_U64(resting(arena), ==, 1);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_random_places_repeat_with_the_seed_and_spread(void)
{
    enum { DRAWS = 64 };
    struct vmem_arena *arenas[3];
    unsigned equal = 0;
    unsigned halves[2] = { 0, 0 };
    vmem_addr_t largest = 0;

    for (unsigned i = 0; i < 3; i++) {
        arenas[i] = create((struct vmem_options){ .base = 0x100000,
            .size = 0x100000,
            .quantum = 16,
            .flags = VMEM_RANDOM,
            .random_seed = i < 2 ? 4711 : 4712 });
    }
    for (unsigned draw = 0; draw < DRAWS; draw++) {
        vmem_addr_t at[3] = { 0, 0, 0 };
        for (unsigned i = 0; i < 3; i++) {
            CHECK_U64(vmem_alloc(arenas[i], 16, 0, &at[i]), ==, 0);
            CHECK_U64(at[i] % 16, ==, 0);
        }
        CHECK_U64(at[0], ==, at[1]);
        equal += at[0] == at[2];
        halves[at[0] >= 0x180000]++;
        largest = at[0] > largest ? at[0] : largest;
    }
    CHECK_U64(equal, <, DRAWS / 4);
    CHECK_U64(halves[0], >, DRAWS / 8);
    CHECK_U64(halves[1], >, DRAWS / 8);
    for (unsigned i = 0; i < 3; i++) {
        CHECK_INTACT(arenas[i]);
        EXPECT_FATAL((void)vmem_destroy(arenas[i]), VMEM_FAULT_DESTROY_BUSY);
    }
}

static void
test_random_placement_obeys_constraints_and_is_complete(void)
{
    enum { UNITS = 256 };
    struct vmem_arena *arena = create(
        (struct vmem_options){ .size = UNITS, .flags = VMEM_RANDOM, .random_seed = vmt_seed() });
    vmem_addr_t addrs[UNITS];
    unsigned count = 0;

    while (count < UNITS / 4 &&
        vmem_xalloc(arena, 3, 4, 1, 4, 0, VMEM_ADDR_MAX, 0, &addrs[count]) == 0) {
        CHECK_U64(addrs[count] % 4, ==, 1);
        count++;
    }
    CHECK_U64(count, ==, UNITS / 4);
    CHECK_U64(vmem_xalloc(arena, 1, 4, 1, 4, 0, VMEM_ADDR_MAX, 0, &addrs[0]), ==, ENOMEM);
    for (unsigned i = 0; i < UNITS / 4; i++) {
        CHECK_U64(vmem_alloc(arena, 1, 0, &addrs[0]), ==, 0);
        CHECK_U64(addrs[0] % 4, ==, 0);
    }
    CHECK_U64(vmem_size(arena, VMEM_FREE), ==, 0);
    CHECK_INTACT(arena);
    EXPECT_FATAL((void)vmem_destroy(arena), VMEM_FAULT_DESTROY_BUSY);
}

/* -------------------------------------------------------------------------------------------------
 * Upkeep
 * ---------------------------------------------------------------------------------------------- */

static size_t
metadata(struct vmem_arena *arena)
{
    struct vmem_stats stats;

    vmem_stats(arena, &stats);
    return stats.metadata_bytes;
}

static void
burst(struct vmem_arena *arena, unsigned count, vmem_addr_t *addrs)
{
    for (unsigned i = 0; i < count; i++) {
        CHECK_U64(vmem_alloc(arena, 1, 0, &addrs[i]), ==, 0);
    }
}

static void
free_all(struct vmem_arena *arena, unsigned count, const vmem_addr_t *addrs)
{
    for (unsigned i = 0; i < count; i++) {
        vmem_free(
            arena, addrs[(i * 7919ull) % count], 1); /* 7919 and count have no factor in common */
    }
}

static void
test_metadata_shrinks_after_a_burst(void)
{
    enum { BURST = 200000 };
    struct vmem_arena *arena = NULL;
    struct vmem_options options = { .size = 1 << 20 };
    vmem_addr_t *addrs = calloc(BURST, sizeof addrs[0]);
    struct vmt_tags tags;
    size_t small;
    size_t peak;

    CHECK_OR_RETURN(addrs != NULL);
    vmt_tags_init(&tags);
    options.tags = tags.source;
    arena = create(options);
    small = metadata(arena);
    burst(arena, BURST, addrs);
    peak = metadata(arena);
    vmt_note_u64("metadata bytes for one allocation, at the peak:", peak / BURST);
    CHECK_U64(peak, >, BURST * sizeof(uint64_t));
    CHECK_U64(peak, <=, VMEM_TAG_MEMORY_BYTES(BURST, 20) + VMEM_STORAGE_BYTES);
    free_all(arena, BURST, addrs);
    CHECK_INTACT(arena);
    for (unsigned i = 0; i < 100; i++) { /* life goes on, a little */
        burst(arena, 1, addrs);
        free_all(arena, 1, addrs);
    }
    vmt_note_u64("bytes after the burst, before upkeep:", metadata(arena));
    CHECK_U64(metadata(arena), <, peak - peak / 3); /* much of it without being told */
    vmem_maintain(arena);
    CHECK_INTACT(arena);
    vmt_note_u64("and after:", metadata(arena));
    CHECK_U64(metadata(arena), <, small + (peak - small) / 10);
    CHECK_U64(tags.live_bytes, <, metadata(arena)); /* it went back to where it came from */
    burst(arena, 1000, addrs);
    free_all(arena, 1000, addrs);
    CHECK_INTACT(arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
    vmt_tags_fini(&tags);
    free(addrs);
}

static void
test_maintenance_at_any_time_changes_no_range(void)
{
    enum { COUNT = 3001 };
    static vmem_addr_t addrs[COUNT];
    struct vmem_arena *arena = create((struct vmem_options){ .size = 1 << 16 });

    for (unsigned count = 1; count <= COUNT; count += 250) {
        burst(arena, count, addrs);
        vmt_picture_take(&before, arena);
        vmem_maintain(arena);
        vmem_maintain(arena);
        CHECK_UNCHANGED(&before, arena);
        for (unsigned i = 0; i < count; i++) {
            vmem_free(arena, addrs[i], 1);
            if (i % 100 == 0) {
                vmem_maintain(arena);
            }
        }
        CHECK_INTACT(arena);
    }
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_maintenance_without_memory_does_no_harm(void)
{
    enum { COUNT = 3001 };
    static vmem_addr_t addrs[COUNT];
    struct vmem_options options = { .size = 1 << 16 };
    struct vmem_arena *arena = NULL;
    struct vmt_tags tags;

    vmt_tags_init(&tags);
    options.tags = tags.source;
    arena = create(options);
    burst(arena, COUNT, addrs);
    free_all(arena, COUNT, addrs);
    vmt_fuse_set(&tags.fuse, 1, true);
    vmem_maintain(arena);
    CHECK_INTACT(arena);
    vmt_fuse_set(&tags.fuse, 0, false);
    burst(arena, COUNT, addrs);
    free_all(arena, COUNT, addrs);
    CHECK_U64(vmem_destroy(arena), ==, 0);
    vmt_tags_fini(&tags);
}

static void
test_what_rests_is_not_live_when_the_arena_is_destroyed(void)
{
    struct vmem_arena *arena = create((struct vmem_options){ .size = 64, .quarantine_frees = 8 });
    vmem_addr_t addrs[3];

    for (unsigned i = 0; i < 3; i++) {
        CHECK_U64(vmem_alloc(arena, 16, 0, &addrs[i]), ==, 0);
    }
    vmem_free(arena, addrs[0], 16);
    EXPECT_FATAL_TEXT((void)vmem_destroy(arena), VMEM_FAULT_DESTROY_BUSY,
        "vmem: DESTROY_BUSY arena=hard addr=0x10 size=0x20: destroyed with live allocations; 2 live, "
        "the first at 0x10+0x10 0x20+0x10");
    CHECK_U64(resting(arena), ==, 1);
    vmem_free(arena, addrs[1], 16);
    vmem_free(arena, addrs[2], 16);
    CHECK_U64(resting(arena), ==, 3);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

/* What rests makes one range with the hole beside it. */
static void
test_explain_adds_up_what_rests_and_holes(void)
{
    struct vmem_arena *arena = create((struct vmem_options){ .size = 64, .quarantine_frees = 8 });
    struct vmem_explanation e;
    vmem_addr_t addrs[2];

    for (unsigned i = 0; i < 2; i++) {
        CHECK_U64(vmem_alloc(arena, 16, 0, &addrs[i]), ==, 0);
    }
    vmem_free(arena, addrs[1], 16);
    CHECK_U64(resting(arena), ==, 1);
    vmem_explain(arena, 40, NULL, 0, &e);
    CHECK_U64(e.reason, ==, VMEM_REASON_NONE);
    CHECK_U64(e.holes, ==, 1);
    CHECK_U64(e.largest_hole, ==, 48);
    CHECK_U64(e.free_size, ==, 48);
    vmem_explain(arena, 49, NULL, 0, &e);
    CHECK_U64(e.reason, ==, VMEM_REASON_SPACE);
    CHECK_U64(e.largest_possible, ==, 48);
    vmem_free(arena, addrs[0], 16);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

/* The generator of VMEM_RANDOM, said once more: xorshift64*, and the redraws for an even number. */
static uint64_t
draw(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1du;
}

static uint64_t
draw_below(uint64_t *state, uint64_t count, unsigned *given_up)
{
    uint64_t mask = 0;
    uint64_t number;

    while (mask < count - 1) {
        mask = mask << 1 | 1;
    }
    number = draw(state) & mask;
    for (unsigned again = 0; again < 16; again++) {
        if (number < count) {
            return number;
        }
        number = draw(state) & mask;
    }
    *given_up += number >= count ? 1 : 0;
    return number < count ? number : number - count;
}

/*
 * In an arena with one hole: a number for the class, one for the hole, one for the place.  The span is one
 * unit larger than a power of two, so that every other number is drawn again, and one in 2^17 too often.
 */
static void
compare_with_the_generator(vmem_size_t units, bool gives_up)
{
    uint64_t state = 11;
    struct vmem_arena *arena =
        create((struct vmem_options){ .size = units, .flags = VMEM_RANDOM, .random_seed = state });
    const unsigned first = vmi_class_sufficient(1);
    unsigned given_up = 0;

    for (unsigned i = 0; i < 300000 && !vmt_failed(); i++) {
        vmem_addr_t addr = units;
        vmem_addr_t expected;
        (void)draw_below(&state, arena->bins.class_count - first, &given_up);
        (void)draw_below(&state, 1, &given_up);
        expected = draw_below(&state, units, &given_up);
        vmt_context("draw", i);
        CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, 0);
        CHECK_U64(addr, ==, expected);
        vmem_free(arena, addr, 1);
    }
    vmt_context(NULL, 0);
    CHECK(gives_up == (given_up > 0));
    CHECK_INTACT(arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_random_places_are_those_of_the_generator(void)
{
    compare_with_the_generator((1 << 16) + 1, true);
    compare_with_the_generator(1 << 16, false);
}

static void
test_random_places_do_not_cross_a_boundary(void)
{
    struct vmem_arena *arena =
        create((struct vmem_options){ .size = 1 << 12, .flags = VMEM_RANDOM, .random_seed = 3 });
    unsigned at_the_lowest = 0;
    unsigned elsewhere = 0;

    for (unsigned i = 0; i < 200; i++) {
        vmem_addr_t addr = 77;
        CHECK_U64(vmem_xalloc(arena, 6, 1, 0, 8, 0, VMEM_ADDR_MAX, 0, &addr), ==, 0);
        CHECK_U64(addr / 8, ==, (addr + 5) / 8);
        at_the_lowest += addr == 0 ? 1 : 0; /* where the random place would have crossed */
        elsewhere += addr != 0 ? 1 : 0;
        vmem_free(arena, addr, 6);
    }
    CHECK_U64(at_the_lowest, >, 0);
    CHECK_U64(elsewhere, >, 0);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

/* No number of units would be enough wherever they lie; the one legal place is found all the same. */
static void
test_random_placement_of_what_fits_only_once(void)
{
    const vmem_size_t half = (vmem_size_t)1 << 63;
    struct vmem_arena *arena = create(
        (struct vmem_options){ .size = VMEM_SIZE_MAX, .flags = VMEM_RANDOM, .random_seed = 3 });
    vmem_addr_t addr = 77;

    CHECK_U64(vmem_xalloc(arena, half + 1, half, 0, 0, 0, VMEM_ADDR_MAX, 0, &addr), ==, 0);
    CHECK_U64(addr, ==, 0);
    vmem_free(arena, addr, half + 1);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

/* A free takes so many of those out whose time is over, and no more: it must not take long. */
static void
test_many_whose_time_is_over_leave_with_several_frees(void)
{
    enum { RESTING = 20, LEAVING = 8 };
    const uint64_t hour_ns = 3600ull * 1000000000ull;
    struct vmem_arena *arena = create(
        (struct vmem_options){ .size = 64, .quarantine_frees = 32, .quarantine_ns = hour_ns });
    vmem_addr_t addr = 0;

    for (unsigned i = 0; i < RESTING + 3; i++) {
        CHECK_U64(vmem_alloc(arena, 1, VMEM_FIRSTFIT, &addr), ==, 0);
    }
    for (unsigned i = 0; i < RESTING; i++) {
        vmem_free(arena, i, 1);
    }
    CHECK_U64(resting(arena), ==, RESTING);
    for (unsigned i = 0; i < RESTING; i++) {
        arena->quarantine.ring[i].since_ns -= hour_ns; /* an hour passes */
    }
    vmem_free(arena, RESTING, 1);
    CHECK_U64(resting(arena), ==, RESTING - LEAVING + 1);
    vmem_free(arena, RESTING + 1, 1);
    CHECK_U64(resting(arena), ==, RESTING - 2 * LEAVING + 2);
    vmem_free(arena, RESTING + 2, 1);
    CHECK_U64(resting(arena), ==, 3); /* the three that were freed now */
    CHECK_INTACT(arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_drains_are_counted),
    VMT_TEST(test_a_freed_range_rests_for_so_many_frees),
    VMT_TEST(test_a_resting_range_is_not_reused_while_it_rests),
    VMT_TEST(test_freeing_what_rests_is_caught),
    VMT_TEST(test_a_handle_of_what_rests_is_refused),
    VMT_TEST(test_the_state_of_what_lies_behind_a_resting_range),
    VMT_TEST(test_a_drained_span_of_one_unit_goes_back),
    VMT_TEST(test_quarantine_ends_with_time),
    VMT_TEST(test_all_ranges_whose_time_is_over_leave),
    VMT_TEST(test_a_time_alone_is_enough),
    VMT_TEST(test_random_places_repeat_with_the_seed_and_spread),
    VMT_TEST(test_random_placement_obeys_constraints_and_is_complete),
    VMT_TEST(test_metadata_shrinks_after_a_burst),
    VMT_TEST(test_maintenance_at_any_time_changes_no_range),
    VMT_TEST(test_maintenance_without_memory_does_no_harm),
    VMT_TEST(test_what_rests_is_not_live_when_the_arena_is_destroyed),
    VMT_TEST(test_explain_adds_up_what_rests_and_holes),
    VMT_TEST(test_random_places_are_those_of_the_generator),
    VMT_TEST(test_random_places_do_not_cross_a_boundary),
    VMT_TEST(test_random_placement_of_what_fits_only_once),
    VMT_TEST(test_many_whose_time_is_over_leave_with_several_frees),
};

VMT_SUITE(tests);
