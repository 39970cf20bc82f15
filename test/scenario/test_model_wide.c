/*
 * test_model_wide - numbers beyond 64 bits, as the model calculates with them.
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * Against numbers written out, and, where the compiler has 128-bit integers, against those.
 */
#include "vmt.h"
#include "wide.h"

#define CHECK_WIDE(number, expected_high, expected_low) \
    do { \
        const struct vmem_wide number_ = (number); \
        CHECK_U64(number_.high, ==, (expected_high)); \
        CHECK_U64(number_.low, ==, (expected_low)); \
    } while (0)

static const struct vmem_wide end = { 1, 0 }; /* of the space: 2^64 */

static void
test_one_past_the_end_is_a_number(void)
{
    CHECK_WIDE(vmem_wide_plus(vmem_wide(UINT64_MAX), 1), 1, 0);
    CHECK_WIDE(vmem_wide_plus(vmem_wide(UINT64_MAX), UINT64_MAX), 1, UINT64_MAX - 1);
    CHECK_WIDE(vmem_wide_plus(vmem_wide(0), UINT64_MAX), 0, UINT64_MAX);
    CHECK_WIDE(vmem_wide_minus(end, 1), 0, UINT64_MAX);
    CHECK_WIDE(vmem_wide_minus(end, UINT64_MAX), 0, 1);
    CHECK_WIDE(vmem_wide_minus(vmem_wide_plus(end, 7), 7), 1, 0);
    CHECK_WIDE(vmem_wide_floor(vmem_wide_plus(end, 63), 32), 1, 32);
    CHECK_WIDE(vmem_wide_floor(vmem_wide(UINT64_MAX), UINT64_C(1) << 63), 0, UINT64_C(1) << 63);
}

static void
test_numbers_are_ordered(void)
{
    const struct vmem_wide in_order[] = { { 0, 0 }, { 0, 1 }, { 0, UINT64_MAX }, { 1, 0 }, { 1, 1 },
        { 1, UINT64_MAX }, { 2, 0 } };
    enum { COUNT = sizeof in_order / sizeof in_order[0] };

    for (unsigned i = 0; i < COUNT; i++) {
        for (unsigned j = 0; j < COUNT; j++) {
            CHECK(vmem_wide_is_below(in_order[i], in_order[j]) == (i < j));
            CHECK(vmem_wide_is_equal(in_order[i], in_order[j]) == (i == j));
        }
    }
}

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 u128;

static u128
whole(struct vmem_wide number)
{
    return (u128)number.high << 64 | number.low;
}

/* A 64-bit number of any length, often close to one of the ends. */
static uint64_t
any_number(struct vmt_rng *rng)
{
    const uint64_t number = vmt_rng_next(rng) >> vmt_rng_below(rng, 64);

    return vmt_rng_below(rng, 4) == 0 ? UINT64_MAX - number : number;
}

static void
test_sums_are_those_of_128_bits(void)
{
    struct vmt_rng rng = { .state = vmt_seed() };

    for (uint64_t i = vmt_ops(100000); i > 0; i--) {
        const struct vmem_wide a = { vmt_rng_below(&rng, 3), any_number(&rng) };
        const struct vmem_wide c = { vmt_rng_below(&rng, 3), any_number(&rng) };
        const uint64_t b = any_number(&rng);
        const uint64_t power = UINT64_C(1) << vmt_rng_below(&rng, 64);

        CHECK(whole(vmem_wide_plus(a, b)) == whole(a) + b);
        if (whole(a) >= b) {
            CHECK(whole(vmem_wide_minus(a, b)) == whole(a) - b);
        }
        CHECK(whole(vmem_wide_floor(a, power)) == whole(a) / power * power);
        CHECK(vmem_wide_is_below(a, c) == (whole(a) < whole(c)));
        CHECK(vmem_wide_is_equal(a, c) == (whole(a) == whole(c)));
    }
}
#endif

static const struct vmt_test tests[] = {
    VMT_TEST(test_one_past_the_end_is_a_number),
    VMT_TEST(test_numbers_are_ordered),
#ifdef __SIZEOF_INT128__
    VMT_TEST(test_sums_are_those_of_128_bits),
#endif
};

VMT_SUITE(tests);
