/*
 * test_bins_check - the bins' checker sees each broken field.     SPDX-License-Identifier: BSD-2-Clause
 *
 *    B1  a bin's bit is set exactly if its count is not 0, and a word's bit if the word is not 0.
 *    B2  the front holds min(count, 4) holes, in its first places; the others are in the overflow.
 *    B3  every hole in a bin is of its class, and `start` in the front is the hole's start.
 *    B4  no hole of a bin has more than size_max units.
 *
 * One bin with two holes, one with seven.  One field is broken, the checker must name the invariant;
 * the field is mended, and the checker must be content again.
 */
#include "structures/bins.h"
#include "unit.h"

enum { FEW = 5, CROWD = 1024, CLASSES = VMI_CLASS_COUNT };

struct fixture {
    struct vmi_tags tags;
    struct vmi_bins bins;
    struct vmi_bin *memory;
    struct vmi_bin *few;   /* two holes of 5 units */
    struct vmi_bin *crowd; /* seven of 1024 .. 1030 */
    uint32_t two[2];
    uint32_t seven[7]; /* 0 .. 3 in the front, 6, 5, 4 the overflow */
};

static uint32_t
insert(struct fixture *f, vmem_addr_t start, vmem_size_t size)
{
    const uint32_t index = vmi_tags_reserve(&f->tags, 1) ? vmi_tag_take(&f->tags) : 0;
    struct vmi_tag *tag = vmi_tag_at(&f->tags, index);

    *tag = (struct vmi_tag){ .start = start, .size = size };
    vmi_bins_insert(&f->bins, &f->tags, index, tag);
    return index;
}

static const char *
look(const struct fixture *f)
{
    uint64_t count;

    return vmi_bins_check(&f->bins, &f->tags, &count);
}

static void
set_up(struct fixture *f)
{
    vmi_tags_init(&f->tags);
    vmt_slab_feed(&f->tags.slab, 64);
    f->memory = vmt_port_get(CLASSES * sizeof f->memory[0]);
    vmi_bins_init(&f->bins, 0, f->memory, CLASSES);
    for (unsigned i = 0; i < 2; i++) {
        f->two[i] = insert(f, 100 + i * 10, FEW);
    }
    for (unsigned i = 0; i < 7; i++) {
        f->seven[i] = insert(f, 10000 + i * 2000, CROWD + i);
    }
    f->few = &f->bins.bin[vmi_class_of(FEW)];
    f->crowd = &f->bins.bin[vmi_class_of(CROWD)];
    CHECK_U64(f->crowd->overflow, ==, f->seven[6]);
    CHECK_HOLDS(look(f));
}

static void
tear_down(struct fixture *f)
{
    vmt_port_put(f->memory, CLASSES * sizeof f->memory[0]);
    vmt_slab_end(&f->tags.slab);
}

/* Break one field, look, mend it. */
#define BREAK(f, field, value, id) \
    do { \
        const __typeof__(field) old_ = (field); \
        (field) = (value); \
        CHECK_BREAKS(look(&(f)), (id)); \
        (field) = old_; \
        CHECK_HOLDS(look(&(f))); \
    } while (0)

static void
test_a_wrong_bit_is_noticed(void)
{
    struct fixture f;
    const unsigned class_few = vmi_class_of(FEW);
    const unsigned class_crowd = vmi_class_of(CROWD);

    set_up(&f);
    CHECK_U64(class_crowd / 64, !=, class_few / 64);
    BREAK(f, f.bins.map[0], f.bins.map[0] & ~((uint64_t)1 << class_few), "B1");
    BREAK(f, f.bins.map[0], f.bins.map[0] | 1, "B1"); /* of a class that no size has */
    BREAK(f, f.bins.map[0], f.bins.map[0] | 1 << 9, "B1");
    BREAK(f, f.bins.map[class_crowd / 64], 0, "B1");
    BREAK(f, f.bins.map[VMI_BIN_WORDS - 1], 1, "B1");
    BREAK(f, f.bins.summary, f.bins.summary & ~(uint64_t)1, "B1");
    BREAK(f, f.bins.summary, f.bins.summary | (uint64_t)1 << (VMI_BIN_WORDS - 1), "B1");
    BREAK(f, f.bins.summary, 0, "B1");
    BREAK(f, f.bins.class_count, vmi_class_of(CROWD), "B1"); /* the crowded bin is out of sight */
    BREAK(f, f.few->count, 0, "B1");
    tear_down(&f);
}

static void
test_a_wrong_count_is_noticed(void)
{
    struct fixture f;

    set_up(&f);
    BREAK(f, f.few->count, 1, "B2");
    BREAK(f, f.few->count, 3, "B2");
    BREAK(f, f.crowd->count, 8, "B2");
    BREAK(f, f.crowd->count, 3, "B2");
    BREAK(f, f.crowd->overflow, 0, "B2");
    tear_down(&f);
}

static void
test_a_hole_too_many_in_the_overflow_is_noticed(void)
{
    struct fixture f;

    set_up(&f);
    BREAK(f, f.crowd->count, 6, "B2"); /* seven are there */
    BREAK(f, f.crowd->count, 4, "B2");
    BREAK(f, f.few->overflow, f.seven[6], "B2"); /* with room left in the front */
    BREAK(f, vmi_tag_at(&f.tags, f.seven[4])->extra, f.seven[6], "B2"); /* a circle */
    tear_down(&f);
}

static void
test_a_front_with_a_gap_is_noticed(void)
{
    struct fixture f;

    set_up(&f);
    BREAK(f, f.few->front[0], 0, "B2");
    BREAK(f, f.few->front[2], f.two[0], "B2");
    BREAK(f, f.crowd->front[3], 0, "B2");
    tear_down(&f);
}

static void
test_a_broken_overflow_list_is_noticed(void)
{
    struct fixture f;

    set_up(&f);
    BREAK(f, f.crowd->overflow, f.seven[5], "B2"); /* the first one is lost */
    BREAK(f, vmi_tag_at(&f.tags, f.seven[6])->extra, f.seven[4], "B2");
    BREAK(f, vmi_tag_at(&f.tags, f.seven[6])->extra, 0, "B2");
    BREAK(f, vmi_tag_at(&f.tags, f.seven[5])->own, vmi_tag_own(VMI_KIND_HOLE, 0), "B2");
    BREAK(f, vmi_tag_at(&f.tags, f.seven[4])->own, vmi_tag_own(VMI_KIND_HOLE, f.seven[6]), "B2");
    BREAK(f, vmi_tag_at(&f.tags, f.seven[6])->own, vmi_tag_own(VMI_KIND_HOLE, f.seven[4]), "B2");
    tear_down(&f);
}

static void
test_a_tag_that_does_not_belong_is_noticed(void)
{
    struct fixture f;

    set_up(&f);
    BREAK(f, f.few->front[0], 12345678, "B3"); /* no such tag */
    BREAK(f, f.few->front[0], f.seven[0], "B3");
    BREAK(f, f.crowd->front[2], f.seven[0], "B3"); /* its start is another one's */
    BREAK(f, f.crowd->overflow, 12345678, "B3");
    BREAK(f, vmi_tag_at(&f.tags, f.seven[5])->extra, f.two[0], "B3");
    for (unsigned i = 0; i < 7; i++) {
        struct vmi_tag *tag = vmi_tag_at(&f.tags, f.seven[i]);
        const uint32_t payload = vmi_tag_payload(tag);
        vmt_context("hole", i);
        BREAK(f, tag->own, vmi_tag_own(VMI_KIND_BUSY, payload), "B3");
        BREAK(f, tag->own, vmi_tag_own(VMI_KIND_SPAN, payload), "B3");
        BREAK(f, tag->own, vmi_tag_own(VMI_KIND_NONE, payload), "B3");
        BREAK(f, tag->size, CROWD - 1, "B3");
        BREAK(f, tag->size, (vmem_size_t)CROWD * 2, "B3");
    }
    tear_down(&f);
}

static void
test_a_wrong_start_in_the_front_is_noticed(void)
{
    struct fixture f;

    set_up(&f);
    for (unsigned place = 0; place < VMI_FRONT; place++) {
        vmt_context("place", place);
        BREAK(f, f.crowd->start[place], f.crowd->start[place] + 1, "B3");
        BREAK(f, f.crowd->start[place], VMEM_ADDR_MAX, "B3");
        BREAK(f, vmi_tag_at(&f.tags, f.crowd->front[place])->start, 1, "B3");
    }
    tear_down(&f);
}

static void
test_a_bound_that_is_none_is_noticed(void)
{
    struct fixture f;

    set_up(&f);
    BREAK(f, f.few->size_max, FEW - 1, "B4");
    BREAK(f, f.few->size_max, FEW + 1, "B4");     /* too large matters where all are of one size */
    BREAK(f, f.crowd->size_max, CROWD + 5, "B4"); /* the largest is in the overflow */
    BREAK(f, f.crowd->size_max, CROWD + 2, "B4"); /* and in the front */
    BREAK(f, vmi_tag_at(&f.tags, f.seven[5])->size, CROWD + 7, "B4");
    tear_down(&f);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_a_wrong_bit_is_noticed),
    VMT_TEST(test_a_wrong_count_is_noticed),
    VMT_TEST(test_a_hole_too_many_in_the_overflow_is_noticed),
    VMT_TEST(test_a_front_with_a_gap_is_noticed),
    VMT_TEST(test_a_broken_overflow_list_is_noticed),
    VMT_TEST(test_a_tag_that_does_not_belong_is_noticed),
    VMT_TEST(test_a_wrong_start_in_the_front_is_noticed),
    VMT_TEST(test_a_bound_that_is_none_is_noticed),
};

VMT_SUITE(tests);
