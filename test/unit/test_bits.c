/*
 * test_bits - powers of two and single bits, at every bit.        SPDX-License-Identifier: BSD-2-Clause
 *
 *  - is_pow2 holds for the 64 powers of two, and neither for their neighbours nor for 0.
 *  - log2 and lowest_bit name a bit that is set, and no bit above, or below, it is.
 *  - is_below is "<", select is the conditional operator, neither by a branch.
 */
#include "base/bits.h"
#include "vmt.h"

static void
test_the_powers_of_two_are_those_with_one_bit(void)
{
    CHECK(!vmi_is_pow2(0));
    for (unsigned bit = 0; bit < 64; bit++) {
        const uint64_t power = (uint64_t)1 << bit;
        vmt_context("bit", bit);
        CHECK(vmi_is_pow2(power));
        for (unsigned other = 0; other < bit; other++) {
            CHECK(!vmi_is_pow2(power | (uint64_t)1 << other));
        }
    }
    CHECK(!vmi_is_pow2(UINT64_MAX));
}

static void
test_highest_and_lowest_bit_bound_a_number(void)
{
    for (unsigned high = 0; high < 64; high++) {
        for (unsigned low = 0; low <= high; low++) {
            const uint64_t ends = (uint64_t)1 << high | (uint64_t)1 << low;
            /* All bits from low to high. */
            const uint64_t run = ends | (((uint64_t)1 << high) - ((uint64_t)1 << low));
            vmt_context("bits", high * 100 + low);
            CHECK_U64(vmi_log2(ends), ==, high);
            CHECK_U64(vmi_lowest_bit(ends), ==, low);
            CHECK_U64(vmi_log2(run), ==, high);
            CHECK_U64(vmi_lowest_bit(run), ==, low);
        }
    }
}

static void
test_the_highest_bit_of_any_number_is_its_logarithm(void)
{
    struct vmt_rng rng = { .state = vmt_seed() };

    for (uint64_t i = 0; i < vmt_ops(10000); i++) {
        const uint64_t value = (vmt_rng_next(&rng) >> vmt_rng_below(&rng, 64)) | 1;
        const unsigned log2 = vmi_log2(value);
        CHECK_U64(value >> log2, ==, 1);
        CHECK_U64(vmi_lowest_bit(value << log2), ==, log2);
    }
}

static void
test_select_is_the_conditional_operator(void)
{
    static const unsigned values[] = { 0, 1, 2, 3, 0x7fffffff, 0x80000000, 0xffffffff };
    const unsigned count = sizeof values / sizeof values[0];

    for (unsigned i = 0; i < count; i++) {
        for (unsigned j = 0; j < count; j++) {
            CHECK_U64(vmi_select(1, values[i], values[j]), ==, values[i]);
            CHECK_U64(vmi_select(0, values[i], values[j]), ==, values[j]);
        }
    }
}

static void
test_is_below_is_less_than(void)
{
    static const uint64_t values[] = { 0, 1, 2, (uint64_t)1 << 32, ((uint64_t)1 << 63) - 1,
        (uint64_t)1 << 63, ((uint64_t)1 << 63) + 1, UINT64_MAX - 1, UINT64_MAX };
    const unsigned count = sizeof values / sizeof values[0];

    for (unsigned i = 0; i < count; i++) {
        for (unsigned j = 0; j < count; j++) {
            CHECK_U64(vmi_is_below(values[i], values[j]), ==, i < j ? 1 : 0);
        }
    }
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_the_powers_of_two_are_those_with_one_bit),
    VMT_TEST(test_highest_and_lowest_bit_bound_a_number),
    VMT_TEST(test_the_highest_bit_of_any_number_is_its_logarithm),
    VMT_TEST(test_is_below_is_less_than),
    VMT_TEST(test_select_is_the_conditional_operator),
};

VMT_SUITE(tests);
