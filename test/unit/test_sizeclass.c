/*
 * test_sizeclass - from a number of quanta to a class and back.   SPDX-License-Identifier: BSD-2-Clause
 *
 * Over all n up to 2^17, and around every class border and power of two up to 2^64 - 1:
 *  - class_of grows by 0 or 1 from n to n + 1, from 1 to VMI_CLASS_COUNT - 1: no class is skipped.
 *  - class_floor(c) is the smallest n of class c: floor(class_of(n)) <= n < floor(class_of(n) + 1).
 *  - class_sufficient(n) is the first class of which every member has at least n: its floor is at
 *    least n, and the floor of the class before it is less.
 *  - A class below 32 has one member, every other is at most 1/16 as wide as its floor.
 */
#include "structures/sizeclass.h"
#include "vmt.h"

#define ALL_UP_TO ((uint64_t)1 << 17)

/* All that is said above about one number. */
static void
check_number(uint64_t n)
{
    const unsigned c = vmi_class_of(n);
    const unsigned enough = vmi_class_sufficient(n);

    CHECK_U64(c, <, VMI_CLASS_COUNT);
    CHECK_U64(vmi_class_floor(c), <=, n);
    if (c + 1 < VMI_CLASS_COUNT) {
        CHECK_U64(vmi_class_floor(c + 1), >, n);
    }
    CHECK_U64(enough, <=, VMI_CLASS_NONE);
    if (enough < VMI_CLASS_NONE) {
        CHECK_U64(vmi_class_floor(enough), >=, n);
    }
    CHECK_U64(vmi_class_floor(enough - 1), <, n);
    CHECK(enough == c || enough == c + 1);
    CHECK((enough == c) == (vmi_class_floor(c) == n));
    if (n != UINT64_MAX) {
        const unsigned after = vmi_class_of(n + 1);
        CHECK(after == c || after == c + 1);
        CHECK((after == c + 1) == (vmi_class_floor(after) == n + 1));
        CHECK_U64(vmi_class_sufficient(n + 1), >=, enough);
    }
}

static void
test_small_numbers_each(void)
{
    for (uint64_t n = 1; n <= ALL_UP_TO; n++) {
        check_number(n);
    }
}

static void
test_numbers_around_every_power_of_two(void)
{
    for (unsigned log2 = 5; log2 < 64; log2++) {
        const uint64_t power = (uint64_t)1 << log2;
        vmt_context("log2", log2);
        for (uint64_t away = 0; away < 20; away++) {
            check_number(power + away);
            check_number(power - 1 - away);
        }
    }
    for (uint64_t away = 0; away < 20; away++) {
        check_number(UINT64_MAX - away);
    }
}

static void
test_classes_each(void)
{
    CHECK_U64(vmi_class_of(0), ==, 0);
    CHECK_U64(vmi_class_floor(0), ==, 0);
    for (unsigned c = 1; c < VMI_CLASS_COUNT; c++) {
        const uint64_t floor = vmi_class_floor(c);
        const uint64_t above = c + 1 < VMI_CLASS_COUNT ? vmi_class_floor(c + 1) : 0;
        const uint64_t width = above - floor; /* of the last class too: 2^64 is 0 */
        vmt_context("class", c);
        CHECK_U64(vmi_class_of(floor), ==, c);
        CHECK_U64(vmi_class_sufficient(floor), ==, c);
        CHECK_U64(vmi_class_of(floor + (width - 1)), ==, c);
        check_number(floor);
        check_number(floor + (width - 1));
        CHECK_U64(width, >=, 1);
        CHECK_U64(width, <=, floor / 16 + (c < 32 ? 1 : 0));
        CHECK(c >= 32 || width == 1);
    }
}

static void
test_the_borders_are_where_the_table_says(void)
{
    static const struct {
        uint64_t quanta;
        unsigned class_of, sufficient;
    } cases[] = {
        { 1, 1, 1 },
        { 31, 31, 31 },
        { 32, 32, 32 },
        { 33, 32, 33 },
        { 34, 33, 33 },
        { 35, 33, 34 },
        { 62, 47, 47 },
        { 63, 47, 48 },
        { 64, 48, 48 },
        { 65, 48, 49 },
        { 67, 48, 49 },
        { 68, 49, 49 },
        { (uint64_t)1 << 63, VMI_CLASS_COUNT - 16, VMI_CLASS_COUNT - 16 },
        { (uint64_t)31 << 59, VMI_CLASS_COUNT - 1, VMI_CLASS_COUNT - 1 },
        { ((uint64_t)31 << 59) - 1, VMI_CLASS_COUNT - 2, VMI_CLASS_COUNT - 1 },
        { ((uint64_t)31 << 59) + 1, VMI_CLASS_COUNT - 1, VMI_CLASS_NONE },
        { UINT64_MAX, VMI_CLASS_COUNT - 1, VMI_CLASS_NONE },
        { 0, 0, VMI_CLASS_NONE },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        vmt_context("case", i);
        CHECK_U64(vmi_class_of(cases[i].quanta), ==, cases[i].class_of);
        CHECK_U64(vmi_class_sufficient(cases[i].quanta), ==, cases[i].sufficient);
    }
}

static void
test_numbers_of_all_lengths_at_random(void)
{
    struct vmt_rng rng = { .state = vmt_seed() };

    for (uint64_t i = 0; i < vmt_ops(20000); i++) {
        const uint64_t n = vmt_rng_next(&rng) >> vmt_rng_below(&rng, 64);
        if (n != 0) {
            check_number(n);
        }
    }
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_small_numbers_each),
    VMT_TEST(test_numbers_around_every_power_of_two),
    VMT_TEST(test_classes_each),
    VMT_TEST(test_the_borders_are_where_the_table_says),
    VMT_TEST(test_numbers_of_all_lengths_at_random),
};

VMT_SUITE(tests);
