/*
 * test_busy - from the address of an allocation to its tag.       SPDX-License-Identifier: BSD-2-Clause
 *
 *  - H1 to H3 hold after every step (vmi_busy_check()), and every entry of a plain list is found, no
 *    other address is: also with equal hashes, with crowded buckets, with strays that go round the end
 *    of the table, and at every step of a move to a larger or a smaller table, whatever is inserted
 *    and removed meanwhile.
 *  - vmi_busy_wants() asks for growth at 13/16, says at 15/16 that it is urgent, and asks to shrink
 *    below 1/8; it never asks beyond the smallest and the largest table, nor while moving.
 *  - As many entries as there may be go into a table, however crowded one home is: also more than the
 *    255 strays that a bucket can count.
 */
#include "busy_unit.h"

enum { SLOTS_MIN = VMI_BUCKET_SLOTS << VMI_BUSY_LOG2_MIN };

/* A hash whose home is `home` in a table of 2^log2 buckets, and in any smaller one the same part of it. */
static uint32_t
hash_at(uint32_t home, unsigned log2, uint32_t low)
{
    return home << (32 - log2) | low;
}

static void
test_crafted_addresses_have_their_hash(void)
{
    struct vmt_busy f;

    vmt_busy_set_up(&f, VMI_BUSY_LOG2_MIN);
    for (uint32_t i = 0; i < 1000; i++) {
        const uint32_t hash = i * 2654435761u;
        CHECK_U64(vmi_busy_hash(vmt_address_of(hash, i)), ==, hash | 1); /* never 0 */
    }
    vmt_busy_tear_down(&f);
}

static void
test_what_was_inserted_is_found_and_nothing_else(void)
{
    for (unsigned quantum_log2 = 0; quantum_log2 <= 12; quantum_log2 += 12) {
        struct vmt_busy f;
        vmt_busy_set_up(&f, 4);
        CHECK_U64(vmt_busy_find(&f, 0), ==, 0);
        for (uint32_t i = 0; i < 100; i++) {
            (void)vmt_busy_insert(&f, (vmem_addr_t)i * 2 << quantum_log2);
            CHECK_U64(vmt_busy_find(&f, (vmem_addr_t)(i * 2 + 1) << quantum_log2), ==, 0);
        }
        (void)vmt_busy_insert(&f, ~(vmem_addr_t)0 >> quantum_log2 << quantum_log2);
        vmt_busy_check(&f);
        for (uint32_t i = 0; i < 100; i++) {
            CHECK_U64(vmt_busy_find(&f, (vmem_addr_t)(i * 2 + 1) << quantum_log2), ==, 0);
        }
        if (quantum_log2 > 0) {
            /* An address between two quanta has the hash of the one below it. */
            CHECK_U64(vmt_busy_find(&f, ((vmem_addr_t)8 << quantum_log2) + 1), ==, 0);
        }
        vmt_busy_tear_down(&f);
    }
}

static void
test_an_entry_removed_is_gone(void)
{
    struct vmt_busy f;
    const vmem_addr_t start = 4096;

    vmt_busy_set_up(&f, VMI_BUSY_LOG2_MIN);
    for (uint32_t round = 0; round < 200; round++) {
        (void)vmt_busy_insert(&f, start);
        vmt_busy_check(&f);
        vmt_busy_remove(&f, 0);
        vmt_busy_check(&f);
        CHECK_U64(vmt_busy_find(&f, start), ==, 0);
    }
    vmt_busy_tear_down(&f);
}

/* Equal in all 32 bits of the hash: told apart by the tag alone. */
static void
test_equal_hashes_are_told_apart(void)
{
    static const uint32_t hashes[] = { 0, 1, 0x80000000, 0xfffffffe, 0xffffffff };

    for (unsigned h = 0; h < sizeof hashes / sizeof hashes[0]; h++) {
        for (uint32_t removed = 0; removed < 20; removed++) {
            struct vmt_busy f;
            vmem_addr_t gone;
            vmt_busy_set_up(&f, VMI_BUSY_LOG2_MIN);
            vmt_context("hash and entry", h * 100 + removed);
            for (uint32_t salt = 0; salt < 20; salt++) {
                (void)vmt_busy_insert(&f, vmt_address_of(hashes[h], salt));
            }
            vmt_busy_check(&f);
            gone = vmt_busy_start(&f, removed);
            vmt_busy_remove(&f, removed);
            vmt_busy_check(&f);
            CHECK_U64(vmt_busy_find(&f, gone), ==, 0);
            CHECK_U64(vmt_busy_find(&f, vmt_address_of(hashes[h], 20)), ==, 0);
            (void)vmt_busy_insert(&f, gone);
            vmt_busy_check(&f);
            vmt_busy_tear_down(&f);
        }
    }
}

/* Three buckets' worth of entries at home in each bucket in turn, the last ones wrapping. */
static void
test_strays_go_round_the_end_of_the_table(void)
{
    for (uint32_t home = 0; home < 8; home++) {
        for (unsigned order = 0; order < 3; order++) {
            struct vmt_busy f;
            vmt_busy_set_up(&f, VMI_BUSY_LOG2_MIN);
            vmt_context("home and order", home * 10 + order);
            for (uint32_t i = 0; i < 24; i++) {
                (void)vmt_busy_insert(&f, vmt_address_of(hash_at(home, VMI_BUSY_LOG2_MIN, i), 0));
                /* Between them one that is at home in the bucket behind. */
                if (i % 3 == 0) {
                    (void)vmt_busy_insert(
                        &f, vmt_address_of(hash_at((home + 1) % 8, VMI_BUSY_LOG2_MIN, i), 1));
                }
            }
            vmt_busy_check(&f);
            CHECK_U64(
                vmt_busy_find(&f, vmt_address_of(hash_at(home, VMI_BUSY_LOG2_MIN, 99), 0)), ==, 0);
            while (f.count > 0) {
                vmt_busy_remove(&f, order == 0 ? 0 : order == 1 ? f.count - 1 : f.count / 2);
                vmt_busy_check(&f);
            }
            vmt_busy_tear_down(&f);
        }
    }
}

static void
test_a_table_can_be_filled_until_it_is_urgent(void)
{
    struct vmt_rng rng = { .state = vmt_seed() };

    for (unsigned round = 0; round < 20; round++) {
        struct vmt_busy f;
        bool is_urgent = false;
        vmt_busy_set_up(&f, VMI_BUSY_LOG2_MIN);
        for (;;) {
            (void)vmi_busy_wants(&f.busy, false, &is_urgent);
            if (is_urgent) {
                break;
            }
            /* One home for all in every second round. */
            (void)vmt_busy_insert(
                &f, vmt_address_of(round % 2 == 0 ? (uint32_t)vmt_rng_next(&rng) : f.count, round));
            vmt_busy_check(&f);
        }
        CHECK_U64(f.count, ==, SLOTS_MIN * 15 / 16);
        CHECK_U64(vmt_busy_find(&f, vmt_address_of(1, 99)), ==, 0);
        vmt_busy_tear_down(&f);
    }
}

static void
check_wants(const struct vmi_busy *busy, bool may_shrink, size_t want, bool want_urgent)
{
    bool is_urgent = !want_urgent;

    CHECK_U64(vmi_busy_wants(busy, may_shrink, &is_urgent), ==, want);
    CHECK(is_urgent == want_urgent);
}

/* Only what the table says of itself is looked at, so sizes can be tried that no machine has. */
static void
test_growth_and_shrinking_are_asked_for_at_the_limits(void)
{
    for (unsigned log2 = VMI_BUSY_LOG2_MIN; log2 <= VMI_BUSY_LOG2_MAX; log2++) {
        const uint64_t slots = (uint64_t)VMI_BUCKET_SLOTS << log2;
        const size_t bytes = (size_t)sizeof(struct vmi_bucket) << log2;
        const size_t larger = log2 < VMI_BUSY_LOG2_MAX ? bytes * 2 : 0;
        const size_t smaller = log2 > VMI_BUSY_LOG2_MIN ? bytes / 2 : 0;
        const uint32_t limit = (uint32_t)(slots / 16 * 13);
        struct vmi_bucket unused;
        struct vmi_busy busy;
        vmt_context("log2", log2);
        vmi_busy_init(&busy, &unused, bytes);
        CHECK_U64(busy.count_max, ==, limit);
        check_wants(&busy, false, 0, false);
        check_wants(&busy, true, smaller, false);
        busy.count = (uint32_t)(slots / 8) - 1;
        check_wants(&busy, false, 0, false);
        check_wants(&busy, true, smaller, false);
        busy.count++;
        check_wants(&busy, true, 0, false);
        busy.count = limit - 1;
        check_wants(&busy, true, 0, false);
        busy.count++;
        check_wants(&busy, true, larger, false);
        check_wants(&busy, false, larger, false);
        busy.count = (uint32_t)(slots - slots / 16) - 1;
        check_wants(&busy, false, larger, false);
        busy.count++;
        check_wants(&busy, false, larger, true);
        /* Put off: the caller had no memory.  Then nothing is asked for, but nothing is urgent. */
        busy.count = limit;
        busy.count_max = limit + 5;
        check_wants(&busy, false, 0, false);
        busy.count = limit + 5;
        check_wants(&busy, false, larger, false);
    }
}

static void
test_nothing_is_asked_for_during_a_move(void)
{
    struct vmt_busy f;

    vmt_busy_set_up(&f, VMI_BUSY_LOG2_MIN);
    vmt_busy_resize(&f, VMI_BUSY_LOG2_MIN + 1);
    f.busy.count = f.busy.count_max;
    check_wants(&f.busy, true, 0, false);
    f.busy.count = 0;
    check_wants(&f.busy, true, 0, false);
    CHECK(!vmt_busy_step(&f, 1));
    check_wants(&f.busy, true, 0, false);
    CHECK(vmt_busy_step(&f, UINT32_MAX));
    check_wants(&f.busy, true, (size_t)64 << VMI_BUSY_LOG2_MIN, false);
    vmt_busy_tear_down(&f);
}

/*
 * Move from one size to another, one bucket a step; at each step insert and remove entries whose home
 * is below, at and above the border, and look at everything.
 */
static void
move_in_steps(unsigned from_log2, unsigned to_log2, uint32_t entries, bool is_crowded)
{
    const unsigned log2 = from_log2 > to_log2 ? from_log2 : to_log2;
    struct vmt_busy f;
    uint32_t salt = 1;
    bool is_done = false;

    vmt_busy_set_up(&f, from_log2);
    for (uint32_t i = 0; i < entries; i++) {
        /* Crowded: all at home in the last bucket, so that they stray over the beginning. */
        const uint32_t hash = is_crowded ? UINT32_MAX - i : i * 2654435761u;
        (void)vmt_busy_insert(&f, vmt_address_of(hash, salt++));
    }
    vmt_busy_resize(&f, to_log2);
    vmt_busy_check(&f);
    for (uint32_t step = 0; !is_done && !vmt_failed(); step++) {
        const uint32_t homes = (uint32_t)1 << log2;
        const uint32_t first = f.count;
        vmt_context("step", step);
        for (uint32_t home = 0; home < homes; home += homes / 8) {
            (void)vmt_busy_insert(&f, vmt_address_of(hash_at(home, log2, step), salt));
            CHECK_U64(
                vmt_busy_find(&f, vmt_address_of(hash_at(home, log2, step), salt + 1)), ==, 0);
            salt += 2;
        }
        vmt_busy_check(&f);
        /* All but one go again, and one of the old ones. */
        while (f.count > first + 1) {
            vmt_busy_remove(&f, first + step % (f.count - first));
        }
        vmt_busy_remove(&f, step % f.count);
        vmt_busy_check(&f);
        is_done = vmt_busy_step(&f, 1);
        vmt_busy_check(&f);
    }
    while (f.count > 0) {
        vmt_busy_remove(&f, f.count - 1);
    }
    vmt_busy_check(&f);
    vmt_busy_tear_down(&f);
}

static void
test_growing_in_steps_loses_nothing(void)
{
    for (unsigned log2 = 3; log2 <= 6; log2++) {
        move_in_steps(log2, log2 + 1, (8u << log2) / 16 * 12, false);
        move_in_steps(log2, log2 + 1, 8u << log2 >> 1, true);
        move_in_steps(log2, log2 + 1, 0, false);
    }
}

static void
test_shrinking_in_steps_loses_nothing(void)
{
    for (unsigned log2 = 4; log2 <= 7; log2++) {
        move_in_steps(log2, log2 - 1, 8u << log2 >> 3, false);
        move_in_steps(log2, log2 - 1, 8u << log2 >> 3, true);
        move_in_steps(log2, log2 - 1, 0, false);
    }
}

/* What is idle can be overwritten at once, at every step of a move: everything is found nevertheless. */
static void
test_what_is_idle_is_not_looked_at_again(void)
{
    for (uint32_t round = 0; round < 2; round++) {
        const bool is_crowded = round == 1;
        struct vmt_busy f;
        size_t first = 77;
        size_t bytes = 77;
        size_t most = 0;

        vmt_busy_set_up(&f, VMI_BUSY_LOG2_MIN + 1);
        for (uint32_t i = 0; i < 60; i++) {
            const uint32_t hash = is_crowded ? UINT32_MAX - i : i * 2654435761u;
            (void)vmt_busy_insert(&f, vmt_address_of(hash, i));
        }
        CHECK((f.busy.table.wrap != 0) == is_crowded);
        vmt_busy_resize(&f, VMI_BUSY_LOG2_MIN + 2);
        vmi_busy_idle(&f.busy, &first, &bytes);
        CHECK_U64(bytes, ==, 0);
        for (uint32_t step = 0; !vmi_busy_step(&f.busy, 1) && !vmt_failed(); step++) {
            vmi_busy_idle(&f.busy, &first, &bytes);
            CHECK(first + bytes <= vmi_table_bytes(&f.busy.old));
            memset((char *)f.busy.old.bucket + first, 0, bytes);
            most = bytes > most ? bytes : most;
            vmt_busy_check(&f);
            (void)vmt_busy_insert(&f, vmt_address_of(UINT32_MAX - step, 1000 + step));
            vmt_busy_check(&f);
        }
        CHECK_U64(most, >, 4 * sizeof(struct vmi_bucket));
        vmi_busy_idle(&f.busy, &first, &bytes);
        CHECK_U64(first, ==, 0);
        CHECK_U64(bytes, ==, vmi_table_bytes(&f.busy.old));
        CHECK(vmt_busy_step(&f, 1));
        vmt_busy_check(&f);
        vmt_busy_tear_down(&f);
    }
}

/* A stray that comes to lie before others leaves these where they are: what they lie in is not idle. */
static void
test_a_stray_in_a_gap_does_not_hide_those_behind_it(void)
{
    for (uint32_t gap = 0; gap < 40; gap++) {
        struct vmt_busy f;
        uint32_t wrap;

        vmt_busy_set_up(&f, VMI_BUSY_LOG2_MIN);
        vmt_context("gap", gap);
        for (uint32_t i = 0; i < 40; i++) {
            (void)vmt_busy_insert(&f, vmt_address_of(UINT32_MAX - i, i));
        }
        wrap = f.busy.table.wrap;
        CHECK_U64(wrap, >=, 2);
        vmt_busy_remove(&f, gap);
        (void)vmt_busy_insert(&f, vmt_address_of(UINT32_MAX - 40, 40));
        CHECK_U64(f.busy.table.wrap, ==, wrap);
        vmt_busy_resize(&f, VMI_BUSY_LOG2_MIN + 1);
        while (!vmi_busy_step(&f.busy, 1) && !vmt_failed()) {
            size_t first = 0;
            size_t bytes = 0;
            vmi_busy_idle(&f.busy, &first, &bytes);
            memset((char *)f.busy.old.bucket + first, 0, bytes);
            vmt_busy_check(&f);
        }
        CHECK(vmt_busy_step(&f, 1));
        vmt_busy_check(&f);
        vmt_busy_tear_down(&f);
    }
}

/* Strays of the last bucket lie at the beginning, which is emptied first: before they are moved. */
static void
test_strays_round_the_end_survive_a_move(void)
{
    for (unsigned buckets = 1; buckets <= 8; buckets++) {
        struct vmt_busy f;
        vmt_busy_set_up(&f, VMI_BUSY_LOG2_MIN);
        vmt_context("buckets a step", buckets);
        for (uint32_t i = 0; i < 30; i++) {
            (void)vmt_busy_insert(&f, vmt_address_of(UINT32_MAX - i, i));
        }
        for (uint32_t i = 0; i < 10; i++) {
            (void)vmt_busy_insert(&f, vmt_address_of(i, i));
        }
        vmt_busy_resize(&f, VMI_BUSY_LOG2_MIN + 1);
        do {
            /* Into the old table still, and over its end. */
            (void)vmt_busy_insert(&f, vmt_address_of(0xf0000000u + f.count, 7));
            vmt_busy_check(&f);
        } while (!vmt_busy_step(&f, buckets));
        vmt_busy_check(&f);
        while (f.count > 0) {
            vmt_busy_remove(&f, 0);
        }
        vmt_busy_check(&f);
        vmt_busy_tear_down(&f);
    }
}

/* As the engine does it: ask, resize, two buckets an operation. */
static void
attend(struct vmt_busy *f, bool may_shrink)
{
    bool is_urgent = false;
    const size_t bytes = vmi_busy_wants(&f->busy, may_shrink, &is_urgent);

    if (vmi_busy_is_moving(&f->busy)) {
        (void)vmt_busy_step(f, VMI_BUSY_STEP);
    } else if (bytes != 0) {
        vmt_busy_resize(f, vmi_log2(bytes / sizeof(struct vmi_bucket)));
    }
}

static void
compare_at_random(uint32_t hash_mask, uint64_t ops)
{
    struct vmt_rng rng = { .state = vmt_seed() };
    struct vmt_busy f;
    uint32_t salt = 0;
    uint32_t largest = 0;

    vmt_busy_set_up(&f, VMI_BUSY_LOG2_MIN);
    for (uint64_t op = 0; op < ops && !vmt_failed(); op++) {
        const bool is_growing = op / 6000 % 2 == 0;
        const uint32_t hash = (uint32_t)vmt_rng_next(&rng) & hash_mask;
        vmt_context("operation", op);
        attend(&f, vmt_rng_below(&rng, 8) == 0);
        if (vmt_rng_below(&rng, 10) < (is_growing ? 8 : 2) && f.count < VMT_MANY) {
            (void)vmt_busy_insert(&f, vmt_address_of(hash, salt++));
        } else if (f.count > 0) {
            vmt_busy_remove(&f, (uint32_t)vmt_rng_below(&rng, f.count));
        }
        CHECK_U64(vmt_busy_find(&f, vmt_address_of(hash, UINT32_MAX)), ==, 0);
        largest = f.busy.table.mask > largest ? f.busy.table.mask : largest;
        if (op % (1 + f.count / 8) == 0) {
            vmt_busy_check(&f);
        }
    }
    CHECK_U64(largest + 1, >, 8); /* it did grow */
    while (f.count > 0) {
        vmt_busy_remove(&f, f.count - 1);
    }
    vmt_busy_check(&f);
    vmt_busy_tear_down(&f);
}

static void
test_random_entries_agree_with_a_plain_list(void)
{
    compare_at_random(UINT32_MAX, vmt_ops(24000));
}

/* Only every 16th bucket of a small table is a home: long ways, whole runs of full buckets. */
static void
test_crowded_random_entries_agree_with_a_plain_list(void)
{
    compare_at_random(0xf8ffffff, vmt_ops(12000));
    compare_at_random(0x87ffffff, vmt_ops(12000));
}

/* However many allocations have one home, each can be freed. */
static void
test_one_home_can_have_any_number_of_entries(void)
{
    struct vmt_busy f;

    vmt_busy_set_up(&f, 7); /* 1024 slots */
    for (uint32_t i = 0; i < 600 && !vmt_failed(); i++) {
        vmt_context("entries", i);
        (void)vmt_busy_insert(&f, vmt_address_of(0x12345678, i));
        CHECK_U64(vmt_busy_find(&f, vmt_address_of(0x12345678, i)), ==, f.index[i]);
        CHECK_U64(vmt_busy_find(&f, vmt_address_of(0x12345678, 0)), ==, f.index[0]);
    }
    CHECK_OR_RETURN(!vmt_failed());
    vmt_busy_check(&f);
    while (f.count > 0 && !vmt_failed()) {
        vmt_busy_remove(&f, f.count / 2);
        CHECK_U64(vmt_busy_find(&f, vmt_address_of(0x12345678, 600)), ==, 0);
    }
    vmt_busy_check(&f);
    vmt_busy_tear_down(&f);
}

/* Through a move, in which some are in the one table and some in the other. */
static void
test_a_home_of_any_number_of_entries_can_be_moved(void)
{
    for (unsigned to_log2 = 6; to_log2 <= 8; to_log2 += 2) {
        struct vmt_busy f;
        const uint32_t n = to_log2 == 6 ? 300 : 600;
        uint32_t salt = n;
        vmt_busy_set_up(&f, 7);
        for (uint32_t i = 0; i < n; i++) {
            (void)vmt_busy_insert(&f, vmt_address_of(0xfe000000u + (i << 15), i));
        }
        vmt_busy_check(&f);
        vmt_busy_resize(&f, to_log2);
        do {
            (void)vmt_busy_insert(&f, vmt_address_of(0xff000000u, salt++));
            vmt_busy_remove(&f, 0);
            vmt_busy_check(&f);
        } while (!vmt_busy_step(&f, 16) && !vmt_failed());
        vmt_busy_check(&f);
        while (f.count > 0 && !vmt_failed()) {
            vmt_busy_remove(&f, f.count / 2);
        }
        vmt_busy_check(&f);
        vmt_busy_tear_down(&f);
    }
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_crafted_addresses_have_their_hash),
    VMT_TEST(test_what_was_inserted_is_found_and_nothing_else),
    VMT_TEST(test_an_entry_removed_is_gone),
    VMT_TEST(test_equal_hashes_are_told_apart),
    VMT_TEST(test_strays_go_round_the_end_of_the_table),
    VMT_TEST(test_a_table_can_be_filled_until_it_is_urgent),
    VMT_TEST(test_growth_and_shrinking_are_asked_for_at_the_limits),
    VMT_TEST(test_nothing_is_asked_for_during_a_move),
    VMT_TEST(test_growing_in_steps_loses_nothing),
    VMT_TEST(test_shrinking_in_steps_loses_nothing),
    VMT_TEST(test_what_is_idle_is_not_looked_at_again),
    VMT_TEST(test_a_stray_in_a_gap_does_not_hide_those_behind_it),
    VMT_TEST(test_strays_round_the_end_survive_a_move),
    VMT_TEST(test_random_entries_agree_with_a_plain_list),
    VMT_TEST(test_crowded_random_entries_agree_with_a_plain_list),
    VMT_TEST(test_one_home_can_have_any_number_of_entries),
    VMT_TEST(test_a_home_of_any_number_of_entries_can_be_moved),
};

VMT_SUITE(tests);
