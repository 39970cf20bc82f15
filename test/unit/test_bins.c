/*
 * test_bins - the holes of an arena, grouped by size.             SPDX-License-Identifier: BSD-2-Clause
 *
 *  - After every insertion and removal B1 to B4 hold (vmi_bins_check()), and the bins hold exactly the
 *    holes of a plain list: the first non-empty class from any class on, the count, the largest hole.
 *  - The front: without removals it is the four lowest of the bin, the fifth's arrival displaces the
 *    highest; a removal brings one back from the overflow; the lowest of the front is the lowest.
 *  - search_own finds the lowest fitting hole of the front, else any of the overflow; it looks at no
 *    more than `tries` of the overflow, and says whether it is sure; a sure refusal tightens size_max.
 *  - A move to a larger array changes nothing else.
 */
#include "structures/bins.h"
#include "unit.h"

enum { MANY = 600 };

struct fixture {
    struct vmi_tags tags;
    struct vmi_bins bins;
    struct vmi_bin *memory;
};

static void
set_up(struct fixture *f, unsigned quantum_log2, unsigned class_count)
{
    vmi_tags_init(&f->tags);
    vmt_slab_feed(&f->tags.slab, MANY + VMI_SPARES_MAX);
    f->memory = vmt_port_get(class_count * sizeof f->memory[0]); /* not cleared, on purpose */
    vmi_bins_init(&f->bins, quantum_log2, f->memory, class_count);
}

static void
tear_down(struct fixture *f)
{
    vmt_port_put(f->memory, f->bins.class_count * sizeof f->memory[0]);
    vmt_slab_end(&f->tags.slab);
}

/* Insert a hole; returns its tag. */
static uint32_t
insert(struct fixture *f, vmem_addr_t start, vmem_size_t size)
{
    uint32_t index = 0;
    struct vmi_tag *tag;

    CHECK(vmi_tags_reserve(&f->tags, 1));
    index = vmi_tag_take(&f->tags);
    tag = vmi_tag_at(&f->tags, index);
    *tag = (struct vmi_tag){ .start = start, .size = size };
    vmi_bins_insert(&f->bins, &f->tags, index, tag);
    return index;
}

static void
remove_hole(struct fixture *f, uint32_t index)
{
    vmi_bins_remove(&f->bins, &f->tags, index, vmi_tag_at(&f->tags, index));
    vmi_tag_give(&f->tags, index);
}

static void
check_whole(const struct fixture *f, uint64_t want_count)
{
    uint64_t count = 77;

    CHECK_HOLDS(vmi_bins_check(&f->bins, &f->tags, &count));
    CHECK_U64(count, ==, want_count);
}

static struct vmi_bin *
bin_of(const struct fixture *f, vmem_size_t size)
{
    return &f->bins.bin[vmi_bins_class(&f->bins, size)];
}

static bool
is_in_front(const struct vmi_bin *bin, uint32_t index)
{
    return vmi_bin_place(bin, index) < VMI_FRONT;
}

static void
test_new_bins_are_empty(void)
{
    struct fixture f;

    set_up(&f, 0, VMI_CLASS_COUNT);
    check_whole(&f, 0);
    CHECK_U64(vmi_bins_first(&f.bins, 0), ==, VMI_CLASS_NONE);
    CHECK_U64(vmi_bins_first(&f.bins, VMI_CLASS_NONE), ==, VMI_CLASS_NONE);
    CHECK_U64(vmi_bins_largest(&f.bins, &f.tags), ==, 0);
    tear_down(&f);
}

static void
test_a_hole_is_found_from_every_class_up_to_its_own(void)
{
    struct fixture f;

    set_up(&f, 0, VMI_CLASS_COUNT);
    for (unsigned class_index = 1; class_index < VMI_CLASS_COUNT; class_index++) {
        const uint32_t index = insert(&f, 4096, vmi_class_floor(class_index));
        vmt_context("class", class_index);
        for (unsigned from = 0; from <= VMI_CLASS_COUNT; from++) {
            CHECK_U64(vmi_bins_first(&f.bins, from), ==,
                from <= class_index ? class_index : VMI_CLASS_NONE);
        }
        check_whole(&f, 1);
        remove_hole(&f, index);
        CHECK_U64(f.bins.summary, ==, 0);
    }
    check_whole(&f, 0);
    tear_down(&f);
}

static void
test_the_first_class_skips_empty_ones(void)
{
    static const unsigned classes[] = { 1, 5, 63, 64, 127, 128, 400, 959, 960,
        VMI_CLASS_COUNT - 1 };
    enum { COUNT = sizeof classes / sizeof classes[0] };
    struct fixture f;

    set_up(&f, 0, VMI_CLASS_COUNT);
    for (unsigned i = 0; i < COUNT; i++) {
        (void)insert(&f, i, vmi_class_floor(classes[i]));
    }
    check_whole(&f, COUNT);
    for (unsigned from = 0, i = 0; from < VMI_CLASS_COUNT; from++) {
        i += from > classes[i] ? 1 : 0;
        CHECK_U64(vmi_bins_first(&f.bins, from), ==, classes[i]);
    }
    tear_down(&f);
}

/* All orders in which five holes can arrive: the highest goes to the overflow. */
static void
test_the_fifth_hole_displaces_the_highest(void)
{
    unsigned orders = 0;

    for (unsigned code = 0; code < 5 * 5 * 5 * 5 * 5; code++) {
        struct fixture f;
        unsigned seen = 0;
        uint32_t index[5];
        for (unsigned i = 0, rest = code; i < 5; i++, rest /= 5) {
            seen |= 1u << rest % 5;
        }
        if (seen != 31) {
            continue; /* not a permutation */
        }
        vmt_context("order", code);
        set_up(&f, 0, VMI_CLASS_EXACT);
        for (unsigned i = 0, rest = code; i < 5; i++, rest /= 5) {
            index[rest % 5] = insert(&f, 100 + 10 * (rest % 5), 7);
            check_whole(&f, i + 1);
        }
        for (unsigned i = 0; i < 5; i++) {
            CHECK(is_in_front(bin_of(&f, 7), index[i]) == (i < 4));
        }
        CHECK_U64(bin_of(&f, 7)->overflow, ==, index[4]);
        CHECK_U64(bin_of(&f, 7)->front[vmi_bin_lowest(bin_of(&f, 7))], ==, index[0]);
        tear_down(&f);
        orders++;
    }
    CHECK_U64(orders, ==, 120);
}

static void
test_without_removals_the_front_is_the_four_lowest(void)
{
    struct vmt_rng rng = { .state = vmt_seed() };

    for (unsigned round = 0; round < 50; round++) {
        struct fixture f;
        vmem_addr_t starts[40];
        set_up(&f, 0, VMI_CLASS_EXACT);
        for (unsigned i = 0; i < 40; i++) {
            const struct vmi_bin *bin = bin_of(&f, 3);
            unsigned below = 0;
            starts[i] = vmt_rng_next(&rng);
            (void)insert(&f, starts[i], 3);
            for (unsigned place = 0; place < VMI_FRONT && place <= i; place++) {
                below = 0;
                for (unsigned j = 0; j <= i; j++) {
                    below += starts[j] < bin->start[place] ? 1 : 0;
                }
                CHECK_U64(below, <, VMI_FRONT);
            }
            for (unsigned j = 0; j <= i; j++) {
                CHECK_U64(starts[j], >=, bin->start[vmi_bin_lowest(bin)]);
            }
        }
        check_whole(&f, 40);
        tear_down(&f);
    }
}

static void
test_a_removal_from_the_front_brings_one_back(void)
{
    struct fixture f;
    uint32_t index[6];

    set_up(&f, 0, VMI_CLASS_EXACT);
    for (unsigned i = 0; i < 6; i++) {
        index[i] = insert(&f, (vmem_addr_t)10 * i, 4);
    }
    remove_hole(&f, index[1]);
    check_whole(&f, 5);
    CHECK(is_in_front(bin_of(&f, 4), index[4]) != is_in_front(bin_of(&f, 4), index[5]));
    remove_hole(&f, index[0]);
    check_whole(&f, 4);
    CHECK(is_in_front(bin_of(&f, 4), index[4]) && is_in_front(bin_of(&f, 4), index[5]));
    CHECK_U64(bin_of(&f, 4)->overflow, ==, 0);
    /* From here on the front closes its gaps itself. */
    remove_hole(&f, index[3]);
    check_whole(&f, 3);
    remove_hole(&f, index[5]);
    check_whole(&f, 2);
    CHECK_U64(bin_of(&f, 4)->front[vmi_bin_lowest(bin_of(&f, 4))], ==, index[2]);
    remove_hole(&f, index[2]);
    remove_hole(&f, index[4]);
    check_whole(&f, 0);
    CHECK_U64(bin_of(&f, 4)->size_max, ==, 4); /* of one size: for good */
    tear_down(&f);
}

/* The first, the last and one in the middle. */
static void
test_any_hole_can_leave_the_overflow(void)
{
    for (unsigned which = 0; which < 4; which++) {
        struct fixture f;
        uint32_t index[8];
        vmt_context("which", which);
        set_up(&f, 0, VMI_CLASS_EXACT);
        for (unsigned i = 0; i < 8; i++) {
            index[i] = insert(&f, (vmem_addr_t)10 * i, 9);
        }
        CHECK(!is_in_front(bin_of(&f, 9), index[4 + which]));
        remove_hole(&f, index[4 + which]);
        check_whole(&f, 7);
        for (unsigned i = 0; i < 4; i++) {
            CHECK(is_in_front(bin_of(&f, 9), index[i]));
        }
        for (unsigned i = 0; i < 8; i++) {
            if (i != 4 + which) {
                remove_hole(&f, index[i]);
            }
        }
        check_whole(&f, 0);
        tear_down(&f);
    }
}

/* VMEM_ADDR_MAX also marks an empty place. */
static void
test_a_hole_of_the_last_unit_is_a_hole_like_any_other(void)
{
    for (unsigned others = 0; others < 6; others++) {
        struct fixture f;
        const struct vmi_bin *bin;
        uint32_t top;
        uint32_t lowest = 0;
        vmt_context("others", others);
        set_up(&f, 0, VMI_CLASS_EXACT);
        bin = bin_of(&f, 1);
        top = insert(&f, VMEM_ADDR_MAX, 1);
        CHECK_U64(bin->front[vmi_bin_lowest(bin)], ==, top);
        for (unsigned i = 0; i < others; i++) {
            lowest = insert(&f, 100 - i, 1);
        }
        CHECK_U64(bin->front[vmi_bin_lowest(bin)], ==, others > 0 ? lowest : top);
        check_whole(&f, others + 1);
        CHECK(is_in_front(bin, top) == (others < 4));
        remove_hole(&f, top);
        check_whole(&f, others);
        tear_down(&f);
    }
}

/* A class of 64 sizes; W + 0 .. W + 63 belong to it. */
#define W ((vmem_size_t)1024)

static uint32_t
search(struct fixture *f, vmem_size_t size, unsigned tries, bool *is_sure)
{
    return vmi_bins_search_own(
        &f->bins, &f->tags, vmi_bins_class(&f->bins, size), size, tries, is_sure);
}

static void
test_searching_finds_the_lowest_of_the_front_that_fits(void)
{
    struct fixture f;
    uint32_t index[4];
    bool is_sure = false;

    set_up(&f, 0, VMI_CLASS_COUNT);
    CHECK_U64(vmi_bins_class(&f.bins, W), ==, vmi_bins_class(&f.bins, W + 63));
    index[0] = insert(&f, 50000, W + 30);
    index[1] = insert(&f, 10000, W + 10);
    index[2] = insert(&f, 30000, W + 40);
    index[3] = insert(&f, 20000, W + 20);
    CHECK_U64(search(&f, W + 5, 0, &is_sure), ==, index[1]);
    CHECK_U64(search(&f, W + 10, 0, &is_sure), ==, index[1]);
    CHECK_U64(search(&f, W + 11, 0, &is_sure), ==, index[3]);
    CHECK_U64(search(&f, W + 21, 0, &is_sure), ==, index[2]);
    CHECK_U64(search(&f, W + 40, 0, &is_sure), ==, index[2]);
    is_sure = false;
    CHECK_U64(search(&f, W + 41, 0, &is_sure), ==, 0);
    CHECK(is_sure);
    tear_down(&f);
}

/* A hole at the very top, which is no address that could mean "none". */
static void
test_searching_finds_a_hole_at_the_top(void)
{
    struct fixture f;
    uint32_t top;
    bool is_sure = false;

    set_up(&f, 0, VMI_CLASS_COUNT);
    top = insert(&f, VMEM_ADDR_MAX, 1);
    CHECK_U64(search(&f, 1, 0, &is_sure), ==, top);
    tear_down(&f);
}

static void
test_searching_the_overflow_stops_after_so_many_tries(void)
{
    struct fixture f;
    uint32_t large;
    bool is_sure = true;

    set_up(&f, 0, VMI_CLASS_COUNT);
    for (unsigned i = 0; i < 4; i++) {
        (void)insert(&f, i, W);
    }
    large = insert(&f, 100, W + 9);
    for (unsigned i = 0; i < 5; i++) {
        (void)insert(&f, 200 + i, W + 1); /* five more before it in the overflow */
    }
    for (unsigned tries = 0; tries <= 5; tries++) {
        is_sure = true;
        CHECK_U64(search(&f, W + 5, tries, &is_sure), ==, 0);
        CHECK(!is_sure);
        CHECK_U64(bin_of(&f, W)->size_max, ==, W + 9);
    }
    CHECK_U64(search(&f, W + 5, 6, &is_sure), ==, large);
    CHECK_U64(search(&f, W + 5, 1000, &is_sure), ==, large);
    check_whole(&f, 10);
    tear_down(&f);
}

static void
test_a_sure_refusal_makes_the_next_one_cheap(void)
{
    struct fixture f;
    uint32_t large;
    bool is_sure = false;

    set_up(&f, 0, VMI_CLASS_COUNT);
    for (unsigned i = 0; i < 6; i++) {
        (void)insert(&f, i, W + i);
    }
    large = insert(&f, 100, W + 50);
    remove_hole(&f, large);
    CHECK_U64(bin_of(&f, W)->size_max, ==, W + 50); /* a bound, no more */
    CHECK_U64(search(&f, W + 20, 1, &is_sure), ==, 0);
    CHECK(!is_sure);
    CHECK_U64(search(&f, W + 20, 2, &is_sure), ==, 0); /* exactly as many as there are */
    CHECK(is_sure);
    CHECK_U64(bin_of(&f, W)->size_max, ==, W + 5);
    is_sure = false;
    CHECK_U64(search(&f, W + 20, 0, &is_sure), ==, 0); /* by the bound alone */
    CHECK(is_sure);
    check_whole(&f, 6);
    tear_down(&f);
}

static void
test_searching_where_nothing_is_is_sure(void)
{
    struct fixture f;
    bool is_sure = false;

    set_up(&f, 0, VMI_CLASS_EXACT);
    CHECK_U64(search(&f, 5, 0, &is_sure), ==, 0);
    CHECK(is_sure);
    is_sure = false;
    CHECK_U64(search(&f, W, 9, &is_sure), ==, 0); /* a class beyond the array */
    CHECK(is_sure);
    tear_down(&f);
}

/* What lies behind the array is not looked at, whatever it looks like. */
static void
test_the_first_class_beyond_the_array_has_no_bin(void)
{
    struct vmi_bin memory[VMI_CLASS_EXACT + 1];
    struct vmi_bins bins;
    struct fixture f;
    bool is_sure = false;

    set_up(&f, 0, VMI_CLASS_EXACT);
    vmi_bins_init(&bins, 0, memory, VMI_CLASS_EXACT);
    memory[VMI_CLASS_EXACT] =
        (struct vmi_bin){ .count = 1, .front = { 1 }, .size_max = VMI_CLASS_EXACT + 1 };
    CHECK_U64(
        vmi_bins_search_own(&bins, &f.tags, VMI_CLASS_EXACT, VMI_CLASS_EXACT, UINT32_MAX, &is_sure),
        ==, 0);
    CHECK(is_sure);
    CHECK_U64(memory[VMI_CLASS_EXACT].size_max, ==, VMI_CLASS_EXACT + 1);
    tear_down(&f);
}

static void
test_a_move_to_a_larger_array_keeps_every_hole(void)
{
    struct fixture f;
    uint32_t index[20];
    struct vmi_bin *larger = vmt_port_get(VMI_CLASS_COUNT * sizeof larger[0]);
    struct vmi_bin *old;

    set_up(&f, 0, VMI_CLASS_EXACT);
    for (unsigned i = 0; i < 20; i++) {
        index[i] = insert(&f, (vmem_addr_t)10 * i, 1 + i % 3);
    }
    old = vmi_bins_move(&f.bins, larger, VMI_CLASS_COUNT);
    CHECK(old == f.memory);
    CHECK(f.bins.bin == larger);
    CHECK_U64(f.bins.class_count, ==, VMI_CLASS_COUNT);
    vmt_port_put(old, VMI_CLASS_EXACT * sizeof old[0]);
    f.memory = larger;
    check_whole(&f, 20);
    (void)insert(&f, 1000, vmi_class_floor(VMI_CLASS_COUNT - 1));
    (void)insert(&f, 2000, 33);
    check_whole(&f, 22);
    CHECK_U64(vmi_bins_first(&f.bins, 4), ==, vmi_bins_class(&f.bins, 33));
    for (unsigned i = 0; i < 20; i++) {
        remove_hole(&f, index[i]);
    }
    check_whole(&f, 2);
    tear_down(&f);
}

/* A plain list of the holes that should be there. */
struct model {
    uint32_t count;
    uint32_t index[MANY];
};

static void
check_against_model(struct fixture *f, const struct model *model, struct vmt_rng *rng)
{
    const vmem_size_t quantum = (vmem_size_t)1 << f->bins.quantum_log2;
    const unsigned from = (unsigned)vmt_rng_below(rng, f->bins.class_count);
    const vmem_size_t wanted = (1 + vmt_rng_below(rng, 1200)) * quantum;
    unsigned first = VMI_CLASS_NONE;
    vmem_size_t largest = 0;
    bool has_own = false;
    bool is_sure = false;
    uint32_t found;

    for (uint32_t i = 0; i < model->count; i++) {
        const struct vmi_tag *tag = vmi_tag_at(&f->tags, model->index[i]);
        const unsigned class_index = vmi_bins_class(&f->bins, tag->size);
        first = class_index >= from && class_index < first ? class_index : first;
        largest = tag->size > largest ? tag->size : largest;
        has_own =
            has_own || (class_index == vmi_bins_class(&f->bins, wanted) && tag->size >= wanted);
    }
    CHECK_U64(vmi_bins_first(&f->bins, from), ==, first);
    CHECK_U64(vmi_bins_largest(&f->bins, &f->tags), ==, largest);
    found = search(f, wanted, MANY, &is_sure);
    CHECK((found != 0) == has_own);
    CHECK(found == 0 ? is_sure : vmi_tag_at(&f->tags, found)->size >= wanted);
    check_whole(f, model->count);
}

static void
compare_at_random(unsigned quantum_log2, struct vmt_rng *rng)
{
    struct fixture f;
    struct model model = { .count = 0 };
    const uint64_t ops = vmt_ops(4000);

    set_up(&f, quantum_log2, vmi_class_of(1200) + 1);
    for (uint64_t op = 0; op < ops && !vmt_failed(); op++) {
        const bool is_growing = op / 500 % 2 == 0;
        vmt_context("operation", op);
        if (model.count < MANY && vmt_rng_below(rng, 10) < (is_growing ? 7 : 3)) {
            /* Three kinds of size: tiny, one crowded class, anything. */
            static const unsigned spread[] = { 3, 64, 1200 };
            const unsigned kind = (unsigned)vmt_rng_below(rng, 3);
            const vmem_size_t quanta = (kind == 1 ? W : 1) + vmt_rng_below(rng, spread[kind]);
            const vmem_addr_t start = vmt_rng_next(rng) >> quantum_log2 << quantum_log2;
            model.index[model.count++] = insert(&f, start, quanta << quantum_log2);
        } else if (model.count > 0) {
            const uint64_t which = vmt_rng_below(rng, model.count);
            remove_hole(&f, model.index[which]);
            model.index[which] = model.index[--model.count];
        }
        if (op % 8 == 0) {
            check_against_model(&f, &model, rng);
        }
    }
    while (model.count > 0) {
        remove_hole(&f, model.index[--model.count]);
    }
    check_whole(&f, 0);
    tear_down(&f);
}

static void
test_random_holes_agree_with_a_plain_list(void)
{
    struct vmt_rng rng = { .state = vmt_seed() };

    compare_at_random(0, &rng);
    compare_at_random(12, &rng);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_new_bins_are_empty),
    VMT_TEST(test_a_hole_is_found_from_every_class_up_to_its_own),
    VMT_TEST(test_the_first_class_skips_empty_ones),
    VMT_TEST(test_the_fifth_hole_displaces_the_highest),
    VMT_TEST(test_without_removals_the_front_is_the_four_lowest),
    VMT_TEST(test_a_removal_from_the_front_brings_one_back),
    VMT_TEST(test_any_hole_can_leave_the_overflow),
    VMT_TEST(test_a_hole_of_the_last_unit_is_a_hole_like_any_other),
    VMT_TEST(test_searching_finds_the_lowest_of_the_front_that_fits),
    VMT_TEST(test_searching_finds_a_hole_at_the_top),
    VMT_TEST(test_searching_the_overflow_stops_after_so_many_tries),
    VMT_TEST(test_a_sure_refusal_makes_the_next_one_cheap),
    VMT_TEST(test_searching_where_nothing_is_is_sure),
    VMT_TEST(test_the_first_class_beyond_the_array_has_no_bin),
    VMT_TEST(test_a_move_to_a_larger_array_keeps_every_hole),
    VMT_TEST(test_random_holes_agree_with_a_plain_list),
};

VMT_SUITE(tests);
