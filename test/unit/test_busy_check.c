/*
 * test_busy_check - the busy index's checker sees each broken field.
 *                                                                  SPDX-License-Identifier: BSD-2-Clause
 *
 *    H1  every entry is in the table that its home says, and found from its home.
 *    H2  count is the number of entries of both tables.
 *    H3  a bucket's count of strays, below 255, is the number of entries whose home it is and that are
 *        elsewhere.
 *
 * A table of eight buckets: home 2 has twelve entries, four of them strays in bucket 3; home 5 has two.
 * And the same half-way through a move to a table of sixteen.  One field is broken, the checker must
 * name the invariant; the field is mended, and the checker must be content again.
 */
#include "busy_unit.h"

static void
set_up(struct vmt_busy *f)
{
    vmt_busy_set_up(f, 3);
    for (uint32_t i = 0; i < 12; i++) {
        (void)vmt_busy_insert(f, vmt_address_of(2u << 29 | i, i));
    }
    (void)vmt_busy_insert(f, vmt_address_of(5u << 29, 100));
    (void)vmt_busy_insert(f, vmt_address_of(5u << 29 | 1, 101));
    vmt_busy_check(f);
}

/* Home 2 has been moved, home 5 has not. */
static void
set_up_moving(struct vmt_busy *f)
{
    set_up(f);
    vmt_busy_resize(f, 4);
    CHECK(!vmt_busy_step(f, 3));
    vmt_busy_check(f);
}

/* Break one field, look, mend it. */
#define BREAK(f, field, value, id) \
    do { \
        const __typeof__(field) old_ = (field); \
        (field) = (value); \
        CHECK_BREAKS(vmi_busy_check(&(f).busy, &(f).tags), (id)); \
        (field) = old_; \
        CHECK_HOLDS(vmi_busy_check(&(f).busy, &(f).tags)); \
    } while (0)

static struct vmi_slot
slot_of(const struct vmt_busy *f, uint32_t which)
{
    struct vmi_slot slot = { .bucket = NULL };

    CHECK_U64(
        vmi_busy_find(&f->busy, &f->tags, vmt_busy_start(f, which), &slot), ==, f->index[which]);
    return slot;
}

static void
test_a_wrong_count_is_noticed(void)
{
    struct vmt_busy f;

    set_up(&f);
    BREAK(f, f.busy.count, 13, "H2");
    BREAK(f, f.busy.count, 15, "H2");
    BREAK(f, f.busy.count, 0, "H2");
    vmt_busy_tear_down(&f);
    set_up_moving(&f);
    BREAK(f, f.busy.count, 12, "H2"); /* the new table's alone */
    BREAK(f, f.busy.count, 2, "H2");  /* the old one's */
    vmt_busy_tear_down(&f);
}

static void
test_an_entry_that_is_lost_is_noticed(void)
{
    struct vmt_busy f;
    struct vmi_slot slot;

    set_up(&f);
    slot = slot_of(&f, 12);
    BREAK(f, slot.bucket->hash[slot.place], 0, "H2");
    slot = slot_of(&f, 11); /* a stray */
    CHECK(slot.bucket != slot.home);
    BREAK(f, slot.bucket->hash[slot.place], 0, "H3");
    vmt_busy_tear_down(&f);
}

static void
test_an_entry_that_names_no_tag_is_noticed(void)
{
    struct vmt_busy f;

    set_up(&f);
    for (uint32_t i = 0; i < f.count; i++) {
        const struct vmi_slot slot = slot_of(&f, i);
        const uint32_t strays = slot.bucket->tag[slot.place] & ~VMI_SLOT_TAG;
        vmt_context("entry", i);
        BREAK(f, slot.bucket->tag[slot.place], strays | 12345678, "H1");
    }
    vmt_busy_tear_down(&f);
}

static void
test_an_entry_that_names_another_tag_is_noticed(void)
{
    struct vmt_busy f;

    set_up(&f);
    for (uint32_t i = 0; i < f.count; i++) {
        const struct vmi_slot slot = slot_of(&f, i);
        const uint32_t strays = slot.bucket->tag[slot.place] & ~VMI_SLOT_TAG;
        vmt_context("entry", i);
        BREAK(f, slot.bucket->tag[slot.place], strays | f.index[(i + 1) % f.count], "H1");
        BREAK(f, vmi_tag_at(&f.tags, f.index[i])->start, vmt_busy_start(&f, i) + 1, "H1");
    }
    vmt_busy_tear_down(&f);
}

static void
test_a_wrong_hash_is_noticed(void)
{
    struct vmt_busy f;

    set_up(&f);
    for (uint32_t i = 0; i < f.count; i++) {
        const struct vmi_slot slot = slot_of(&f, i);
        vmt_context("entry", i);
        BREAK(f, slot.bucket->hash[slot.place], slot.bucket->hash[slot.place] ^ 0x100, "H1");
    }
    vmt_busy_tear_down(&f);
}

static void
test_an_entry_that_is_there_twice_is_noticed(void)
{
    struct vmt_busy f;
    struct vmi_slot slot;

    set_up(&f);
    slot = slot_of(&f, 12);
    CHECK_U64(slot.bucket->hash[7], ==, 0);
    slot.bucket->tag[7] = slot.bucket->tag[slot.place] & VMI_SLOT_TAG;
    BREAK(f, slot.bucket->hash[7], slot.bucket->hash[slot.place], "H1");
    vmt_busy_tear_down(&f);
}

/* The count of strays is in the top bits of the first four slots. */
static void
test_a_wrong_count_of_strays_is_noticed(void)
{
    struct vmt_busy f;
    uint32_t *home;
    uint32_t *other;

    set_up(&f);
    home = f.busy.table.bucket[2].tag;
    other = f.busy.table.bucket[5].tag;
    CHECK_U64(home[0] >> 30, ==, 0);
    CHECK_U64(home[1] >> 30, ==, 1); /* four strays */
    BREAK(f, home[0], home[0] | 1u << 30, "H3");
    BREAK(f, home[1], home[1] | 2u << 30, "H3");
    BREAK(f, other[0], other[0] | 1u << 30, "H3");
    BREAK(f, f.busy.table.bucket[7].tag[3], 1u << 30, "H3");
    /* Too few: the last strays, or all, cannot be found any more. */
    BREAK(f, home[1], home[1] & VMI_SLOT_TAG, "H1");
    BREAK(f, home[0], (home[0] & VMI_SLOT_TAG) | 3u << 30, "H3"); /* seven */
    vmt_busy_tear_down(&f);
}

static void
test_an_entry_on_the_wrong_side_of_the_border_is_noticed(void)
{
    struct vmt_busy f;

    set_up_moving(&f);
    CHECK_U64(f.busy.border, ==, 3);
    BREAK(f, f.busy.border, 6, "H1"); /* home 5 is still in the old table */
    BREAK(f, f.busy.border, 2, "H1"); /* home 2 is in the new one already */
    BREAK(f, f.busy.border, 0, "H1");
    vmt_busy_tear_down(&f);
}

static void
test_a_broken_entry_of_either_table_is_noticed(void)
{
    struct vmt_busy f;

    set_up_moving(&f);
    for (uint32_t i = 0; i < f.count; i++) {
        const struct vmi_slot slot = slot_of(&f, i);
        const uint32_t strays = slot.bucket->tag[slot.place] & ~VMI_SLOT_TAG;
        vmt_context("entry", i);
        BREAK(f, slot.bucket->tag[slot.place], strays | 12345678, "H1");
        BREAK(f, slot.bucket->hash[slot.place], slot.bucket->hash[slot.place] ^ 0x100, "H1");
    }
    BREAK(f, f.busy.old.bucket[6].tag[0], 1u << 30, "H3");
    BREAK(f, f.busy.table.bucket[9].tag[0], 1u << 30, "H3");
    vmt_busy_tear_down(&f);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_a_wrong_count_is_noticed),
    VMT_TEST(test_an_entry_that_is_lost_is_noticed),
    VMT_TEST(test_an_entry_that_names_no_tag_is_noticed),
    VMT_TEST(test_an_entry_that_names_another_tag_is_noticed),
    VMT_TEST(test_a_wrong_hash_is_noticed),
    VMT_TEST(test_an_entry_that_is_there_twice_is_noticed),
    VMT_TEST(test_a_wrong_count_of_strays_is_noticed),
    VMT_TEST(test_an_entry_on_the_wrong_side_of_the_border_is_noticed),
    VMT_TEST(test_a_broken_entry_of_either_table_is_noticed),
};

VMT_SUITE(tests);
