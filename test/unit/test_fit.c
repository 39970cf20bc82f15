/*
 * test_fit - where in a hole a request may lie, against trying every place.
 *                                                                  SPDX-License-Identifier: BSD-2-Clause
 *
 *    FT1  what fit_lowest returns is legal and inside, and no lower address is.
 *    FT2  what fit_highest returns is legal and inside, and no higher address is.
 *    FT3  a quantum-aligned hole of fit_sufficient() units has a legal place; and of one quantum less,
 *         some hole has not.
 *    FT4  fit_largest is the largest size for which a legal place exists, and is no larger for a size
 *         that the shape happens to have.
 *
 * The small world has 32 places.  Which of them are legal starts is found out by trying each one by
 * the words of the specification, and kept as a word of 32 bits: what a hole, or a window, allows is
 * then a mask.  The same answers must hold wherever the small world lies: at 0, in the middle, at
 * the very top, and stretched by 2^59 so that it *is* the 64-bit space, its last unit
 * VMEM_ADDR_MAX.  (There a boundary of 32 places is no number and means none, which is the same.)
 * All holes, all sizes up to 9 and some larger ones, all alignments, phases and boundaries; and all
 * windows with a choice of the shapes.
 */
#include "structures/fit.h"
#include "vmt.h"

enum {
    PLACES = 32,
    UNTOUCHED = 99 /* no place of any world begins there */
};

/* Where the small world lies: place p is base + (p << log2). */
struct world {
    vmem_addr_t base; /* multiple of PLACES << log2 */
    unsigned log2;
};

static const struct world worlds[] = {
    { 0, 0 },
    { (vmem_addr_t)1 << 40, 0 },
    { VMEM_ADDR_MAX - (PLACES - 1), 0 },
    { 0, 12 },
    { VMEM_ADDR_MAX - ((vmem_addr_t)PLACES << 12) + 1, 12 },
    { 0, 59 },
};

enum { WORLDS = sizeof worlds / sizeof worlds[0] };

/* A shape in places. */
struct small {
    unsigned size, align, phase, nocross;
};

static bool
is_valid(const struct small *s)
{
    return s->phase < s->align &&
        (s->nocross == 0 || s->phase % s->nocross + s->size <= s->nocross);
}

/* All legal starts in the small world, window and hole aside. */
static uint32_t
legal_starts(const struct small *s)
{
    uint32_t legal = 0;

    for (unsigned at = 0; at + s->size <= PLACES; at++) {
        const unsigned last = at + s->size - 1;
        if (at % s->align == s->phase &&
            (s->nocross == 0 || at / s->nocross == last / s->nocross)) {
            legal |= (uint32_t)1 << at;
        }
    }
    return legal;
}

/* Starts from which `size` places stay within first .. last. */
static uint32_t
starts_inside(unsigned first, unsigned last, unsigned size)
{
    uint32_t inside = 0;

    for (unsigned at = first; at + size <= last + 1; at++) {
        inside |= (uint32_t)1 << at;
    }
    return inside;
}

/* An alignment of the whole space is no number. */
static bool
exists_in(const struct world *w, const struct small *s)
{
    return (vmem_size_t)s->align << w->log2 != 0;
}

static vmem_addr_t
first_unit(const struct world *w, unsigned place)
{
    return w->base + ((vmem_addr_t)place << w->log2);
}

static vmem_addr_t
last_unit(const struct world *w, unsigned place)
{
    return first_unit(w, place) + (((vmem_addr_t)1 << w->log2) - 1);
}

static struct vmi_shape
shape_in(const struct world *w, const struct small *s)
{
    return (struct vmi_shape){ .size = (vmem_size_t)s->size << w->log2,
        .align = (vmem_size_t)s->align << w->log2,
        .phase = (vmem_size_t)s->phase << w->log2,
        .nocross = (vmem_size_t)s->nocross << w->log2,
        .addr_min = 0,
        .addr_max = VMEM_ADDR_MAX };
}

/* FT1 and FT2 for one hole: `legal` has a bit for each start that is to be had. */
static void
check_places(const struct world *w, const struct vmi_shape *shape, unsigned first, unsigned last,
    uint32_t legal)
{
    vmem_addr_t low = UNTOUCHED;
    vmem_addr_t high = UNTOUCHED;
    const bool has_low = vmi_fit_lowest(first_unit(w, first), last_unit(w, last), shape, &low);
    const bool has_high = vmi_fit_highest(first_unit(w, first), last_unit(w, last), shape, &high);

    if (legal == 0) {
        CHECK(!has_low && low == UNTOUCHED);
        CHECK(!has_high && high == UNTOUCHED);
        return;
    }
    CHECK(has_low && has_high);
    CHECK_U64(low, ==, first_unit(w, (unsigned)__builtin_ctz(legal)));
    CHECK_U64(high, ==, first_unit(w, 31u - (unsigned)__builtin_clz(legal)));
}

static void
visit_if_valid(const struct small *s, void (*visit)(const struct small *s))
{
    if (is_valid(s)) {
        vmt_context("size align phase nocross, as digits of 100",
            ((s->size * 100u + s->align) * 100u + s->phase) * 100u + s->nocross);
        visit(s);
    }
}

/* Call for every valid shape up to size_max and align_max. */
static void
for_each_shape(unsigned size_max, unsigned align_max, void (*visit)(const struct small *s))
{
    struct small s;

    for (s.size = 1; s.size <= size_max && !vmt_failed(); s.size++) {
        for (s.align = 1; s.align <= align_max; s.align *= 2) {
            for (s.phase = 0; s.phase < s.align; s.phase++) {
                s.nocross = 0;
                visit_if_valid(&s, visit);
                for (s.nocross = 1; s.nocross <= PLACES; s.nocross *= 2) {
                    visit_if_valid(&s, visit);
                }
            }
        }
    }
}

static void
visit_all_holes(const struct small *s)
{
    const uint32_t legal = legal_starts(s);
    struct vmi_shape shapes[WORLDS];

    for (unsigned w = 0; w < WORLDS; w++) {
        shapes[w] = shape_in(&worlds[w], s);
    }
    for (unsigned first = 0; first < PLACES; first++) {
        for (unsigned last = first; last < PLACES; last++) {
            const uint32_t here = legal & starts_inside(first, last, s->size);
            for (unsigned w = 0; w < WORLDS; w++) {
                if (exists_in(&worlds[w], s)) {
                    check_places(&worlds[w], &shapes[w], first, last, here);
                }
            }
        }
    }
}

static void
test_lowest_and_highest_place_in_every_hole(void)
{
    for_each_shape(9, 16, visit_all_holes);
    for (unsigned size = 15; size <= 32 && !vmt_failed(); size += size == 17 ? 14 : 1) {
        for (unsigned align = 1; align <= 32; align *= 2) {
            for (unsigned phase = 0; phase < align; phase++) {
                const struct small free = { size, align, phase, 0 };
                const struct small bound = { size, align, phase, 32 };
                if (size < 32) {
                    visit_all_holes(&free);
                }
                if (size < 32 && is_valid(&bound)) {
                    visit_all_holes(&bound);
                }
            }
        }
    }
}

/* Every window over a hole: inside, around, beside it and cutting either end. */
static void
visit_all_windows(const struct small *s)
{
    const uint32_t legal = legal_starts(s);

    for (unsigned w = 0; w < WORLDS; w++) {
        struct vmi_shape shape = shape_in(&worlds[w], s);
        if (!exists_in(&worlds[w], s)) {
            continue;
        }
        for (unsigned low = 0; low < PLACES; low++) {
            for (unsigned high = low; high < PLACES; high++) {
                const uint32_t allowed = legal & starts_inside(low, high, s->size);
                shape.addr_min = first_unit(&worlds[w], low);
                shape.addr_max = last_unit(&worlds[w], high);
                check_places(&worlds[w], &shape, 0, PLACES - 1, allowed);
                check_places(&worlds[w], &shape, 7, 21, allowed & starts_inside(7, 21, s->size));
                check_places(&worlds[w], &shape, 16, 16, allowed & starts_inside(16, 16, s->size));
            }
        }
    }
}

static void
test_a_window_is_as_good_as_a_smaller_hole(void)
{
    static const struct small choice[] = { { 1, 1, 0, 0 }, { 1, 4, 3, 0 }, { 3, 1, 0, 0 },
        { 3, 1, 0, 4 }, { 3, 2, 1, 8 }, { 4, 4, 0, 4 }, { 5, 8, 3, 8 }, { 5, 2, 0, 8 },
        { 6, 16, 9, 8 }, { 7, 1, 0, 8 }, { 1, 32, 31, 1 }, { 9, 4, 2, 16 }, { 17, 1, 0, 0 } };

    for (size_t i = 0; i < sizeof choice / sizeof choice[0]; i++) {
        CHECK_OR_RETURN(is_valid(&choice[i]));
        vmt_context("shape", i);
        visit_all_windows(&choice[i]);
    }
}

/* A window need not be a multiple of anything. */
static void
test_a_window_may_lie_anywhere(void)
{
    struct vmi_shape shape = { .size = 8, .align = 8, .phase = 0, .addr_max = VMEM_ADDR_MAX };

    for (vmem_addr_t low = 0; low < 40; low++) {
        for (vmem_addr_t high = low; high < 40; high++) {
            vmem_addr_t want_low = UNTOUCHED;
            vmem_addr_t want_high = UNTOUCHED;
            vmem_addr_t have_low = UNTOUCHED;
            vmem_addr_t have_high = UNTOUCHED;
            shape.addr_min = low;
            shape.addr_max = high;
            for (vmem_addr_t at = 0; at <= 32; at += 8) {
                if (at >= low && at + 7 <= high) {
                    want_low = want_low == UNTOUCHED ? at : want_low;
                    want_high = at;
                }
            }
            CHECK(vmi_fit_lowest(0, 39, &shape, &have_low) == (want_low != UNTOUCHED));
            CHECK(vmi_fit_highest(0, 39, &shape, &have_high) == (want_low != UNTOUCHED));
            CHECK_U64(have_low, ==, want_low);
            CHECK_U64(have_high, ==, want_high);
        }
    }
}

/* FT3, in a world without ends: all holes of a length that begin in one period of the shape. */
static bool
has_place_everywhere(const struct small *s, unsigned length)
{
    const unsigned period = s->align > s->nocross ? s->align : s->nocross;

    for (unsigned first = 0; first < period; first++) {
        bool is_found = false;
        for (unsigned at = first; at + s->size <= first + length && !is_found; at++) {
            is_found = at % s->align == s->phase &&
                (s->nocross == 0 || at / s->nocross == (at + s->size - 1) / s->nocross);
        }
        if (!is_found) {
            return false;
        }
    }
    return true;
}

static void
visit_sufficient(const struct small *s)
{
    unsigned want = s->size;

    while (!has_place_everywhere(s, want)) {
        want++;
    }
    for (unsigned log2 = 0; log2 <= 24; log2 += 12) {
        const struct world w = { 0, log2 };
        const struct vmi_shape shape = shape_in(&w, s);
        const vmem_size_t quantum = (vmem_size_t)1 << log2;
        const vmem_size_t have = vmi_fit_sufficient(&shape, quantum);
        CHECK_U64(have, ==, (vmem_size_t)want << log2);
        CHECK_U64(have, <=, (shape.size + shape.align) * (shape.nocross != 0 ? 2 : 1));
    }
}

static void
test_a_sufficient_hole_is_enough_and_a_smaller_one_is_not(void)
{
    for_each_shape(32, 32, visit_sufficient);
}

static void
test_no_size_is_sufficient_where_the_sum_is_no_number(void)
{
    const vmem_size_t half = (vmem_size_t)1 << 63;
    struct vmi_shape shape = { .size = 1, .align = half, .addr_max = VMEM_ADDR_MAX };

    CHECK_U64(vmi_fit_sufficient(&shape, 1), ==, half);
    shape.size = half;
    CHECK_U64(vmi_fit_sufficient(&shape, 1), ==, VMEM_SIZE_MAX);
    shape.size = half + 1;
    CHECK_U64(vmi_fit_sufficient(&shape, 1), ==, 0);
    shape.size = VMEM_SIZE_MAX;
    CHECK_U64(vmi_fit_sufficient(&shape, 1), ==, 0);
    shape.align = 1;
    CHECK_U64(vmi_fit_sufficient(&shape, 1), ==, VMEM_SIZE_MAX);
    shape.align = 2;
    CHECK_U64(vmi_fit_sufficient(&shape, 1), ==, 0);
    shape = (struct vmi_shape){ .size = half, .align = 1, .nocross = half };
    CHECK_U64(vmi_fit_sufficient(&shape, 1), ==, VMEM_SIZE_MAX);
    shape = (struct vmi_shape){ .size = half, .align = 4096, .nocross = half };
    CHECK_U64(vmi_fit_sufficient(&shape, 4096), ==, VMEM_SIZE_MAX - 4095);
}

/* FT4: the largest size in places for which some start is legal. */
static unsigned
largest_size(const struct small *s, unsigned first, unsigned last)
{
    unsigned largest = 0;

    for (unsigned at = first; at <= last; at++) {
        unsigned size = 0;
        if (at % s->align != s->phase) {
            continue;
        }
        while (
            at + size <= last && (s->nocross == 0 || (at + size) / s->nocross == at / s->nocross)) {
            size++;
        }
        largest = size > largest ? size : largest;
    }
    return largest;
}

static void
visit_largest(const struct small *s)
{
    for (unsigned first = 0; first < PLACES; first++) {
        for (unsigned last = first; last < PLACES; last++) {
            const unsigned want = largest_size(s, first, last);
            for (unsigned w = 0; w < WORLDS; w++) {
                struct vmi_shape shape = shape_in(&worlds[w], s);
                const vmem_size_t quantum = (vmem_size_t)1 << worlds[w].log2;
                if (!exists_in(&worlds[w], s)) {
                    continue;
                }
                /* 2^64 units are no size: then the largest is one quantum less. */
                const bool is_all = worlds[w].log2 == 59 && want == PLACES;
                const vmem_size_t size = is_all ? ~(quantum - 1) : (vmem_size_t)want * quantum;
                CHECK_U64(vmi_fit_largest(first_unit(&worlds[w], first),
                              last_unit(&worlds[w], last), &shape, quantum),
                    ==, size);
                shape.addr_min = first_unit(&worlds[w], first);
                shape.addr_max = last_unit(&worlds[w], last);
                CHECK_U64(vmi_fit_largest(first_unit(&worlds[w], 0),
                              last_unit(&worlds[w], PLACES - 1), &shape, quantum),
                    ==, size);
            }
        }
    }
}

static void
test_the_largest_size_is_the_largest(void)
{
    for_each_shape(1, 32, visit_largest);
    for_each_shape(3, 4, visit_largest); /* and whatever size the shape has */
}

static void
test_the_largest_size_does_not_depend_on_the_size(void)
{
    struct vmi_shape shape = { .size = 1, .align = 8, .nocross = 32, .addr_max = VMEM_ADDR_MAX };

    CHECK_U64(vmi_fit_largest(3, 60, &shape, 1), ==, 29);
    for (shape.size = 1; shape.size <= 32; shape.size++) {
        CHECK_U64(vmi_fit_largest(3, 60, &shape, 1), ==, 29);
    }
}

static void
test_the_largest_size_is_a_multiple_of_the_quantum(void)
{
    struct vmi_shape shape = { .size = 8, .align = 8, .addr_max = VMEM_ADDR_MAX };

    for (vmem_addr_t high = 0; high < 40; high++) {
        for (vmem_addr_t low = 0; low <= high; low++) {
            const vmem_addr_t place = (low + 7) / 8 * 8;
            shape.addr_min = low;
            shape.addr_max = high;
            CHECK_U64(vmi_fit_largest(0, 39, &shape, 8), ==,
                place > high ? 0 : (high + 1 - place) / 8 * 8);
        }
    }
}

#define TOP VMEM_ADDR_MAX
#define HALF ((vmem_addr_t)1 << 63)

static const struct {
    const char *why;
    vmem_addr_t start, last;
    struct vmi_shape shape;
    bool ok;
    vmem_addr_t lowest, highest;
} cases[] = {
    { "a unit fits in a unit", 5, 5, { 1, 1, 0, 0, 0, TOP }, true, 5, 5 },
    { "two units do not", 5, 5, { 2, 1, 0, 0, 0, TOP }, false, 0, 0 },
    { "the last unit of the space", TOP, TOP, { 1, 1, 0, 0, 0, TOP }, true, TOP, TOP },
    { "beyond the last unit nothing is", TOP, TOP, { 2, 1, 0, 0, 0, TOP }, false, 0, 0 },
    { "the largest size in the whole space", 0, TOP, { TOP, 1, 0, 0, 0, TOP }, true, 0, 1 },
    { "the largest size, not from 2", 2, TOP, { TOP, 1, 0, 0, 0, TOP }, false, 0, 0 },
    { "half of the space twice", 0, TOP, { HALF, HALF, 0, HALF, 0, TOP }, true, 0, HALF },
    { "half of the space, not from 1", 1, TOP, { HALF, HALF, 0, HALF, 0, TOP }, true, HALF, HALF },
    { "aligning up would wrap", TOP - 6, TOP, { 1, 8, 0, 0, 0, TOP }, false, 0, 0 },
    { "aligning up just does not wrap", TOP - 7, TOP, { 8, 8, 0, 0, 0, TOP }, true, TOP - 7,
        TOP - 7 },
    { "aligning down would pass zero", 0, 6, { 1, 8, 7, 0, 0, TOP }, false, 0, 0 },
    { "the first phase there is", 0, 7, { 1, 8, 7, 0, 0, TOP }, true, 7, 7 },
    { "the size would wrap behind an aligned place", TOP - 7, TOP, { 9, 8, 0, 0, 0, TOP }, false, 0,
        0 },
    { "one step past a boundary is enough", 20, 60, { 24, 16, 4, 32, 0, TOP }, true, 36, 36 },
    { "past the last boundary the phase would wrap", TOP - 20, TOP, { 24, 16, 4, 32, 0, TOP },
        false, 0, 0 },
    { "the boundary is the end of the space", TOP - 31, TOP, { 24, 16, 4, 32, 0, TOP }, true,
        TOP - 27, TOP - 27 },
    { "an alignment above the boundary never crosses", 0, 100, { 8, 64, 24, 32, 0, TOP }, true, 24,
        88 },
    { "an empty intersection below", 0, 9, { 1, 1, 0, 0, 10, TOP }, false, 0, 0 },
    { "an empty intersection above", 10, 19, { 1, 1, 0, 0, 0, 9 }, false, 0, 0 },
    { "one common unit", 0, 9, { 1, 1, 0, 0, 9, TOP }, true, 9, 9 },
    { "a window of the last unit alone", 0, TOP, { 1, 1, 0, 0, TOP, TOP }, true, TOP, TOP },
    { "a window of the first unit alone", 0, TOP, { 1, 1, 0, 0, 0, 0 }, true, 0, 0 },
    { "nocross 1 allows single units", 3, 5, { 1, 1, 0, 1, 0, TOP }, true, 3, 5 },
    { "a full block only at its start", 1, 14, { 4, 1, 0, 4, 0, TOP }, true, 4, 8 },
    { "no block is whole in the hole", 1, 6, { 4, 1, 0, 4, 0, TOP }, false, 0, 0 },
};

static void
test_the_boundary_cases(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        vmem_addr_t low = UNTOUCHED;
        vmem_addr_t high = UNTOUCHED;
        const bool has_low = vmi_fit_lowest(cases[i].start, cases[i].last, &cases[i].shape, &low);
        const bool has_high =
            vmi_fit_highest(cases[i].start, cases[i].last, &cases[i].shape, &high);
        vmt_context("case", i);
        if (has_low != cases[i].ok || has_high != cases[i].ok) {
            FAIL(cases[i].why);
        }
        CHECK_U64(has_low, ==, cases[i].ok);
        CHECK_U64(has_high, ==, cases[i].ok);
        CHECK_U64(low, ==, cases[i].ok ? cases[i].lowest : UNTOUCHED);
        CHECK_U64(high, ==, cases[i].ok ? cases[i].highest : UNTOUCHED);
    }
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_lowest_and_highest_place_in_every_hole),
    VMT_TEST(test_a_window_is_as_good_as_a_smaller_hole),
    VMT_TEST(test_a_window_may_lie_anywhere),
    VMT_TEST(test_a_sufficient_hole_is_enough_and_a_smaller_one_is_not),
    VMT_TEST(test_no_size_is_sufficient_where_the_sum_is_no_number),
    VMT_TEST(test_the_largest_size_is_the_largest),
    VMT_TEST(test_the_largest_size_does_not_depend_on_the_size),
    VMT_TEST(test_the_largest_size_is_a_multiple_of_the_quantum),
    VMT_TEST(test_the_boundary_cases),
};

VMT_SUITE(tests);
