/*
 * test_alloc - allocating and freeing: every documented result, and the edges of the space.
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 * [S8]-[S12], [C1]-[C4], [P1]-[P6]
 */
#include "vmt.h"
#include "vmt_fault.h"
#include "vmt_picture.h"

#include <errno.h>

#define UNTOUCHED 0xdeadu
#define MAX VMEM_ADDR_MAX

static struct vmt_picture before;

struct refusal {
    const char *what;
    vmem_size_t size;
    vmem_size_t align;
    vmem_size_t phase;
    vmem_size_t nocross;
    vmem_addr_t addr_min;
    vmem_addr_t addr_max;
    unsigned flags;
    int status;
    enum vmem_reason reason;
};

/* In an arena of quantum 16 with the span 0x1000-0x1fff, of which 0x1000-0x10ff is busy. */
static const struct refusal refusals[] = {
    { "size 0", 0, 0, 0, 0, 0, MAX, 0, EINVAL, VMEM_REASON_ARGUMENTS },
    { "align 3", 16, 3, 0, 0, 0, MAX, 0, EINVAL, VMEM_REASON_ARGUMENTS },
    { "align below the quantum", 16, 8, 0, 0, 0, MAX, 0, EINVAL, VMEM_REASON_ARGUMENTS },
    { "align 48", 16, 48, 0, 0, 0, MAX, 0, EINVAL, VMEM_REASON_ARGUMENTS },
    { "align 2^64-1", 16, MAX, 0, 0, 0, MAX, 0, EINVAL, VMEM_REASON_ARGUMENTS },
    { "phase = align", 16, 64, 64, 0, 0, MAX, 0, EINVAL, VMEM_REASON_ARGUMENTS },
    { "phase = the quantum, no align", 16, 0, 16, 0, 0, MAX, 0, EINVAL, VMEM_REASON_ARGUMENTS },
    { "phase unaligned", 16, 64, 8, 0, 0, MAX, 0, EINVAL, VMEM_REASON_ARGUMENTS },
    { "phase 2^64-1", 16, 64, MAX, 0, 0, MAX, 0, EINVAL, VMEM_REASON_ARGUMENTS },
    { "nocross 48", 16, 0, 0, 48, 0, MAX, 0, EINVAL, VMEM_REASON_ARGUMENTS },
    { "nocross < size", 64, 0, 0, 32, 0, MAX, 0, EINVAL, VMEM_REASON_ARGUMENTS },
    { "nocross < the rounded size", 15, 0, 0, 8, 0, MAX, 0, EINVAL, VMEM_REASON_ARGUMENTS },
    { "phase and size cross", 48, 64, 32, 64, 0, MAX, 0, EINVAL, VMEM_REASON_ARGUMENTS },
    { "phase and size cross a smaller block", 32, 256, 80, 32, 0, MAX, 0, EINVAL,
        VMEM_REASON_ARGUMENTS },
    { "window upside down", 16, 0, 0, 0, 0x1100, 0x10ff, 0, EINVAL, VMEM_REASON_ARGUMENTS },
    { "two policies", 16, 0, 0, 0, 0, MAX, VMEM_BESTFIT | VMEM_NEXTFIT, EINVAL,
        VMEM_REASON_ARGUMENTS },
    { "a creation flag", 16, 0, 0, 0, 0, MAX, VMEM_NOLOCK, EINVAL, VMEM_REASON_ARGUMENTS },
    { "indexed", 16, 0, 0, 0, 0, MAX, VMEM_INDEXED, EINVAL, VMEM_REASON_ARGUMENTS },
    { "unknown flag", 16, 0, 0, 0, 0, MAX, 0x10000, EINVAL, VMEM_REASON_ARGUMENTS },
    { "wait and not wait", 16, 0, 0, 0, 0, MAX, VMEM_WAIT | VMEM_NOWAIT, EINVAL,
        VMEM_REASON_ARGUMENTS },
    { "may wait", 16, 0, 0, 0, 0, MAX, VMEM_WAIT, ENOTSUP, VMEM_REASON_ARGUMENTS },
    { "cannot be rounded", MAX, 0, 0, 0, 0, MAX, 0, ENOMEM, VMEM_REASON_ROUNDING },
    { "cannot be rounded by one", MAX - 14, 0, 0, 0, 0, MAX, 0, ENOMEM, VMEM_REASON_ROUNDING },
    { "largest that can be rounded", MAX - 15, 0, 0, 0, 0, MAX, 0, ENOMEM, VMEM_REASON_SPACE },
    { "one unit more than is free", 0xf01, 0, 0, 0, 0, MAX, 0, ENOMEM, VMEM_REASON_SPACE },
    { "the window is shorter", 32, 0, 0, 0, 0x1200, 0x121e, 0, ENOMEM, VMEM_REASON_WINDOW },
    { "the window is busy", 16, 0, 0, 0, 0x1000, 0x10ff, 0, ENOMEM, VMEM_REASON_WINDOW },
    { "the window is outside", 16, 0, 0, 0, 0x2000, MAX, 0, ENOMEM, VMEM_REASON_WINDOW },
    { "the window is below", 16, 0, 0, 0, 0, 0xfff, 0, ENOMEM, VMEM_REASON_WINDOW },
    { "an exact place, misaligned", 16, 0, 0, 0, 0x1201, 0x1210, 0, ENOMEM, VMEM_REASON_WINDOW },
    { "no such alignment", 16, 0x10000, 0, 0, 0, MAX, 0, ENOMEM, VMEM_REASON_WINDOW },
    { "no such phase", 16, 0x1000, 0x10, 0, 0, MAX, 0, ENOMEM, VMEM_REASON_WINDOW },
    { "alignment of half the space", 16, (vmem_size_t)1 << 63, 0, 0, 0, MAX, 0, ENOMEM,
        VMEM_REASON_WINDOW },
};

static void
check_refusal(struct vmem_arena *arena, const struct refusal *c, unsigned policy)
{
    const unsigned flags = c->flags | ((c->flags & 0xf) == 0 ? policy : 0);
    const bool is_plain =
        c->align == 0 && c->phase == 0 && c->nocross == 0 && c->addr_min == 0 && c->addr_max == MAX;
    const struct vmem_constraint constraint = { c->align, c->phase, c->nocross, c->addr_min,
        c->addr_max };
    struct vmem_stats earlier;
    struct vmem_stats later;
    vmem_addr_t addr = UNTOUCHED;
    vmem_handle_t handle = UNTOUCHED;
    uint64_t calls = 3;

    vmem_stats(arena, &earlier);
    CHECK_U64(vmem_xalloc(arena, c->size, c->align, c->phase, c->nocross, c->addr_min, c->addr_max,
                  flags, &addr),
        ==, c->status);
    CHECK_U64(vmem_xalloc_with(arena, c->size, &constraint, flags, &addr), ==, c->status);
    CHECK_U64(vmem_alloc_handle(arena, c->size, &constraint, flags, &addr, &handle), ==, c->status);
    if (is_plain) {
        CHECK_U64(vmem_alloc(arena, c->size, flags, &addr), ==, c->status);
        CHECK_U64(vmem_xalloc_with(arena, c->size, NULL, flags, &addr), ==, c->status);
        calls += 2;
    }
    CHECK_U64(addr, ==, UNTOUCHED);
    CHECK_U64(handle, ==, UNTOUCHED);
    vmem_stats(arena, &later);
    CHECK_U64(later.fails[c->reason] - earlier.fails[c->reason], ==, calls);
    CHECK_UNCHANGED(&before, arena);
}

static void
test_each_refusal_has_its_status_and_changes_nothing(void)
{
    static const unsigned policies[] = { 0, VMEM_INSTANTFIT, VMEM_BESTFIT, VMEM_FIRSTFIT,
        VMEM_NEXTFIT, VMEM_HIGH, VMEM_BESTFIT | VMEM_HIGH, VMEM_FIRSTFIT | VMEM_HIGH,
        VMEM_NEXTFIT | VMEM_HIGH };
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create("refuse", 0x1000, 0x1000, 16, 0, 0, &arena) == 0);
    CHECK_U64(vmem_alloc(arena, 0x100, 0, &addr), ==, 0);
    vmt_picture_take(&before, arena);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        vmt_context(refusals[i].what, i);
        for (size_t p = 0; p < sizeof policies / sizeof policies[0]; p++) {
            check_refusal(arena, &refusals[i], policies[p]);
        }
    }
    vmem_free(arena, addr, 0x100);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_waiting_is_refused_clearly(void)
{
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = UNTOUCHED;

    CHECK_OR_RETURN(vmem_create("wait", 0, 64, 1, 0, 0, &arena) == 0);
    CHECK_U64(vmem_alloc(arena, 1, VMEM_WAIT, &addr), ==, ENOTSUP);
    CHECK_U64(vmem_alloc(arena, 1, VMEM_WAIT | VMEM_NOWAIT, &addr), ==, EINVAL);
    CHECK_U64(vmem_destroy(arena), ==, 0);
    CHECK_OR_RETURN(vmem_create("wait", 0, 64, 1, 0, VMEM_NOLOCK, &arena) == 0);
    CHECK_U64(vmem_alloc(arena, 1, VMEM_WAIT, &addr), ==, EINVAL);
    CHECK_U64(addr, ==, UNTOUCHED);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

/* All sizes around each power of two, at both ends of the space and in all of it. */
static void
test_sizes_around_powers_of_two(void)
{
    for (unsigned log2 = 0; log2 < 64; log2++) {
        for (unsigned d = 0; d < 3; d++) {
            const vmem_size_t size = ((vmem_size_t)1 << log2) - 1 + d;
            struct vmem_arena *arena = NULL;
            vmem_addr_t addr = UNTOUCHED;

            vmt_context("log2", log2);
            CHECK_OR_RETURN(vmem_create("sizes", 0, VMEM_SIZE_MAX, 1, 0, 0, &arena) == 0);
            CHECK_U64(vmem_alloc(arena, size, 0, &addr), ==, size == 0 ? EINVAL : 0);
            if (size != 0) {
                CHECK_U64(addr, ==, 0);
                CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, VMEM_SIZE_MAX - size);
                CHECK_INTACT(arena);
                vmem_free(arena, addr, size);
            }
            CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, VMEM_SIZE_MAX);
            CHECK_U64(vmem_destroy(arena), ==, 0);
        }
    }
}

static void
test_the_whole_space_is_one_allocation(void)
{
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = UNTOUCHED;

    CHECK_OR_RETURN(vmem_create("whole", 1, VMEM_SIZE_MAX, 1, 0, 0, &arena) == 0);
    CHECK_U64(vmem_alloc(arena, VMEM_SIZE_MAX, 0, &addr), ==, 0);
    CHECK_U64(addr, ==, 1);
    CHECK_U64(vmem_size(arena, VMEM_FREE), ==, 0);
    CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, 0);
    CHECK(vmem_state(arena, VMEM_ADDR_MAX) == VMEM_STATE_BUSY);
    CHECK(vmem_state(arena, 0) == VMEM_STATE_OUTSIDE);
    CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, ENOMEM);
    vmem_free(arena, 1, VMEM_SIZE_MAX);
    CHECK_INTACT(arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_the_last_and_the_first_unit_are_ordinary(void)
{
    static const unsigned policies[] = { VMEM_INSTANTFIT, VMEM_BESTFIT, VMEM_FIRSTFIT,
        VMEM_NEXTFIT };

    for (size_t p = 0; p < 4; p++) {
        struct vmem_arena *arena = NULL;
        vmem_addr_t first = UNTOUCHED;
        vmem_addr_t last = UNTOUCHED;

        CHECK_OR_RETURN(vmem_create("ends", 0, 1, 1, 0, 0, &arena) == 0);
        CHECK_U64(vmem_add(arena, VMEM_ADDR_MAX, 1, 0), ==, 0);
        CHECK_U64(vmem_alloc(arena, 2, policies[p], &first), ==, ENOMEM); /* no wrap */
        CHECK_U64(vmem_alloc(arena, 1, policies[p], &first), ==, 0);
        CHECK_U64(vmem_alloc(arena, 1, policies[p], &last), ==, 0);
        CHECK_U64(first, ==, 0);
        CHECK_U64(last, ==, VMEM_ADDR_MAX);
        CHECK_U64(vmem_alloc(arena, 1, policies[p], &last), ==, ENOMEM);
        CHECK_INTACT(arena);
        vmem_xfree(arena, last, 1);
        vmem_free(arena, first, 1);
        CHECK_INTACT(arena);
        CHECK_U64(vmem_destroy(arena), ==, 0);
    }
}

static void
test_sizes_are_rounded_and_freed_either_way(void)
{
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create("round", 0, 0x10000, 0x1000, 0, 0, &arena) == 0);
    CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, 0);
    CHECK_U64(vmem_size(arena, VMEM_ALLOC), ==, 0x1000);
    vmem_free(arena, addr, 1); /* as requested */
    CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, 0);
    vmem_free(arena, addr, 0x1000); /* as rounded */
    CHECK_U64(vmem_alloc(arena, 0x1001, 0, &addr), ==, 0);
    vmem_xfree(arena, addr, 0x1fff); /* anything that rounds to it */
    CHECK_U64(vmem_xalloc(arena, 0x1001, 0x4000, 0, 0, 0x4000, MAX, 0, &addr), ==, 0);
    CHECK_U64(addr, ==, 0x4000);
    vmem_free(arena, addr, 0x1001);
    CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, 0x10000);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_rounding_never_wraps(void)
{
    struct vmem_arena *arena = NULL;
    vmem_size_t rounded = UNTOUCHED;

    CHECK_OR_RETURN(vmem_create("round", 0, 0, 4096, 0, 0, &arena) == 0);
    CHECK_U64(vmem_roundup_size(arena, 0, &rounded), ==, EINVAL);
    CHECK_U64(vmem_roundup_size(arena, VMEM_SIZE_MAX, &rounded), ==, ENOMEM);
    CHECK_U64(vmem_roundup_size(arena, VMEM_SIZE_MAX - 4094, &rounded), ==, ENOMEM);
    CHECK_U64(rounded, ==, UNTOUCHED);
    CHECK_U64(vmem_roundup_size(arena, VMEM_SIZE_MAX - 4095, &rounded), ==, 0);
    CHECK_U64(rounded, ==, VMEM_SIZE_MAX - 4095);
    CHECK_U64(vmem_roundup_size(arena, 1, &rounded), ==, 0);
    CHECK_U64(rounded, ==, 4096);
    CHECK_U64(vmem_roundup_size(arena, 4096, &rounded), ==, 0);
    CHECK_U64(rounded, ==, 4096);
    CHECK_U64(vmem_roundup_size(arena, 4097, &rounded), ==, 0);
    CHECK_U64(rounded, ==, 8192);
    CHECK_U64(vmem_destroy(arena), ==, 0);
    CHECK_OR_RETURN(vmem_create("round", 0, 0, 1, 0, 0, &arena) == 0);
    CHECK_U64(vmem_roundup_size(arena, VMEM_SIZE_MAX, &rounded), ==, 0);
    CHECK_U64(rounded, ==, VMEM_SIZE_MAX);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

struct placement {
    vmem_size_t size, align, phase, nocross;
    vmem_addr_t addr_min, addr_max;
    unsigned flags;
    vmem_addr_t expected;
};

/* In 0x1000-0x1fff of quantum 16 with only 0x1000-0x104f busy. */
static const struct placement placements[] = {
    { 16, 0, 0, 0, 0, MAX, VMEM_FIRSTFIT, 0x1050 },
    { 16, 64, 0, 0, 0, MAX, VMEM_FIRSTFIT, 0x1080 },
    { 16, 64, 48, 0, 0, MAX, VMEM_FIRSTFIT, 0x1070 },
    { 32, 0, 0, 32, 0, MAX, VMEM_FIRSTFIT, 0x1060 },
    { 0x60, 0, 0, 0x80, 0, MAX, VMEM_FIRSTFIT, 0x1080 },
    { 16, 0, 0, 0, 0x1051, MAX, VMEM_FIRSTFIT, 0x1060 },
    { 16, 0, 0, 0, 0x1230, 0x123f, VMEM_FIRSTFIT, 0x1230 },
    { 16, 0, 0, 0, 0x1230, 0x123f, 0, 0x1230 },
    { 16, 0, 0, 0, 0x1230, 0x123f, VMEM_NEXTFIT, 0x1230 },
    { 16, 0, 0, 0, 0x1230, 0x123f, VMEM_BESTFIT | VMEM_HIGH, 0x1230 },
    { 16, 0, 0, 0, 0, MAX, VMEM_FIRSTFIT | VMEM_HIGH, 0x1ff0 },
    { 16, 0, 0, 0, 0, MAX, VMEM_HIGH, 0x1ff0 },
    { 16, 0, 0, 0, 0, 0x1ffe, VMEM_HIGH, 0x1fe0 },
    { 16, 256, 16, 0, 0, MAX, VMEM_HIGH | VMEM_BESTFIT, 0x1f10 },
    { 0x60, 0, 0, 0x80, 0, MAX, VMEM_HIGH | VMEM_FIRSTFIT, 0x1fa0 },
    { 0xfb0, 0, 0, 0, 0, MAX, 0, 0x1050 },
};

static void
test_constraints_place_exactly(void)
{
    struct vmem_arena *arena = NULL;
    vmem_addr_t pin = 0;

    CHECK_OR_RETURN(vmem_create("place", 0x1000, 0x1000, 16, 0, 0, &arena) == 0);
    CHECK_U64(vmem_alloc(arena, 0x50, VMEM_FIRSTFIT, &pin), ==, 0);
    for (size_t i = 0; i < sizeof placements / sizeof placements[0]; i++) {
        const struct placement *p = &placements[i];
        const struct vmem_constraint constraint = { p->align, p->phase, p->nocross, p->addr_min,
            p->addr_max == MAX ? 0 : p->addr_max };
        vmem_addr_t addr = UNTOUCHED;

        vmt_context("placement", i);
        CHECK_U64(vmem_xalloc(arena, p->size, p->align, p->phase, p->nocross, p->addr_min,
                      p->addr_max, p->flags, &addr),
            ==, 0);
        CHECK_U64(addr, ==, p->expected);
        vmem_free(arena, addr, p->size);
        if ((p->flags & VMEM_NEXTFIT) == 0) {
            addr = UNTOUCHED;
            CHECK_U64(vmem_xalloc_with(arena, p->size, &constraint, p->flags, &addr), ==, 0);
            CHECK_U64(addr, ==, p->expected);
            vmem_xfree(arena, addr, p->size);
        }
    }
    vmem_xfree(arena, pin, 0x50);
    CHECK_INTACT(arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_a_window_may_end_at_address_0(void)
{
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = UNTOUCHED;

    CHECK_OR_RETURN(vmem_create("zero", 0, 64, 1, 0, 0, &arena) == 0);
    CHECK_U64(vmem_xalloc(arena, 1, 0, 0, 0, 0, 0, 0, &addr), ==, 0);
    CHECK_U64(addr, ==, 0);
    addr = UNTOUCHED;
    CHECK_U64(vmem_xalloc(arena, 1, 0, 0, 0, 0, 0, 0, &addr), ==, ENOMEM);
    CHECK_U64(addr, ==, UNTOUCHED);
    vmem_xfree(arena, 0, 1);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_only_next_fit_moves_its_cursor(void)
{
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create("ids", 0, 4, 1, 0, 0, &arena) == 0);
    for (vmem_addr_t round = 0; round < 10; round++) {
        CHECK_U64(vmem_alloc(arena, 1, VMEM_NEXTFIT, &addr), ==, 0);
        CHECK_U64(addr, ==, round % 4); /* cycles, though all are free */
        vmem_free(arena, addr, 1);
        CHECK_U64(vmem_alloc(arena, 1, VMEM_FIRSTFIT, &addr), ==, 0);
        CHECK_U64(addr, ==, 0);
        vmem_free(arena, addr, 1);
    }
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_the_cursor_stands_behind_the_whole_range(void)
{
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create("ids", 0, 10, 1, 0, VMEM_NEXTFIT, &arena) == 0);
    for (vmem_addr_t round = 0; round < 9; round++) {
        CHECK_U64(vmem_alloc(arena, 3, 0, &addr), ==, 0);
        CHECK_U64(addr, ==, round % 3 * 3); /* 0, 3, 6; from 9 on there is no place for three */
        vmem_free(arena, addr, 3);
    }
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_the_cursor_passes_the_top_of_the_space(void)
{
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create("top", VMEM_ADDR_MAX - 1, 2, 1, 0, VMEM_NEXTFIT, &arena) == 0);
    for (vmem_addr_t round = 0; round < 5; round++) {
        CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, 0);
        CHECK_U64(addr, ==, VMEM_ADDR_MAX - 1 + round % 2);
        vmem_free(arena, addr, 1);
    }
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_each_refusal_has_its_status_and_changes_nothing),
    VMT_TEST(test_waiting_is_refused_clearly),
    VMT_TEST(test_sizes_around_powers_of_two),
    VMT_TEST(test_the_whole_space_is_one_allocation),
    VMT_TEST(test_the_last_and_the_first_unit_are_ordinary),
    VMT_TEST(test_sizes_are_rounded_and_freed_either_way),
    VMT_TEST(test_rounding_never_wraps),
    VMT_TEST(test_constraints_place_exactly),
    VMT_TEST(test_a_window_may_end_at_address_0),
    VMT_TEST(test_only_next_fit_moves_its_cursor),
    VMT_TEST(test_the_cursor_stands_behind_the_whole_range),
    VMT_TEST(test_the_cursor_passes_the_top_of_the_space),
};

VMT_SUITE(tests);
