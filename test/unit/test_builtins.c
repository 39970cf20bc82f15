/*
 * test_builtins - the compiler's built-ins mean what proofs suppose.  SPDX-License-Identifier: BSD-2-Clause
 *
 * Frama-C does not know __builtin_clzll, __builtin_ctzll and __builtin_sub_overflow; proof/frama_c.h gives
 * them contracts.  Here the real ones are held to the same words, spelled out in C.
 */
#include <stdint.h>

#include "vmt.h"

/* Numbers with a bit, two bits or a run of bits set, and their complements. */
enum { SAMPLES = 64 * 64 * 4 };

static uint64_t
sample(unsigned number)
{
    const uint64_t high = (uint64_t)1 << (number / 4 % 64);
    const uint64_t low = (uint64_t)1 << (number / 256);
    const uint64_t value = (number & 1) != 0 ? high - low : high | low;

    return (number & 2) != 0 ? ~value : value;
}

/* is_log2(r, x) of proof/bits.h, in numbers that do not wrap. */
static bool
is_log2(unsigned r, uint64_t x)
{
    return (uint64_t)1 << r <= x && x - ((uint64_t)1 << r) < (uint64_t)1 << r;
}

/* has_bit(w, i) of proof/bits.h. */
static bool
has_bit(uint64_t w, unsigned i)
{
    return ((w >> i) & 1) == 1;
}

static void
test_clzll_tells_the_logarithm(void)
{
    for (unsigned number = 0; number < SAMPLES; number++) {
        const uint64_t value = sample(number);
        if (value != 0) {
            const int zeros = __builtin_clzll(value);
            vmt_context("sample", number);
            CHECK(0 <= zeros && zeros < 64);
            CHECK(is_log2((unsigned)(63 - zeros), value));
        }
    }
}

static void
test_ctzll_tells_the_first_bit(void)
{
    for (unsigned number = 0; number < SAMPLES; number++) {
        const uint64_t value = sample(number);
        if (value != 0) {
            const int zeros = __builtin_ctzll(value);
            vmt_context("sample", number);
            CHECK(0 <= zeros && zeros < 64);
            CHECK(has_bit(value, (unsigned)zeros));
            for (int i = 0; i < zeros; i++) {
                CHECK(!has_bit(value, (unsigned)i));
            }
        }
    }
}

static void
test_sub_overflow_tells_the_difference_and_the_order(void)
{
    static const uint64_t values[] = { 0, 1, 2, (uint64_t)1 << 32, ((uint64_t)1 << 63) - 1,
        (uint64_t)1 << 63, ((uint64_t)1 << 63) + 1, UINT64_MAX - 1, UINT64_MAX };
    const unsigned count = sizeof values / sizeof values[0];

    for (unsigned i = 0; i < count; i++) {
        for (unsigned j = 0; j < count; j++) {
            uint64_t difference = 0;
            const bool is_below = __builtin_sub_overflow(values[i], values[j], &difference);
            vmt_context("pair", i * count + j);
            CHECK_U64(is_below, ==, i < j);
            CHECK_U64(difference, ==, i < j ? ~(values[j] - values[i]) + 1 : values[i] - values[j]);
        }
    }
}

static void
test_expect_tells_its_first_argument(void)
{
    for (long value = -1; value <= 2; value++) {
        CHECK(__builtin_expect(value, 1) == value);
    }
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_clzll_tells_the_logarithm),
    VMT_TEST(test_ctzll_tells_the_first_bit),
    VMT_TEST(test_sub_overflow_tells_the_difference_and_the_order),
    VMT_TEST(test_expect_tells_its_first_argument),
};

VMT_SUITE(tests);
