/*
 * test_range - address arithmetic that cannot wrap.               SPDX-License-Identifier: BSD-2-Clause
 *
 *  - align_up gives the smallest a >= addr with a % align == phase, or fails where that would lie
 *    beyond VMEM_ADDR_MAX; align_down the largest a <= addr, or fails where it would lie below 0.
 *    Tried against every address at both ends of the space; a failure leaves *out alone.
 *  - range_exists holds exactly where start + size - 1 is a number.
 *  - round_up and add_saturating at their limits.
 */
#include "base/range.h"
#include "vmt.h"

enum { REACH = 40, UNTOUCHED = 77 };

static void
check_up(vmem_addr_t addr, vmem_size_t align, vmem_size_t phase)
{
    vmem_addr_t want = addr;
    vmem_addr_t have = UNTOUCHED;

    while (want % align != phase && want != VMEM_ADDR_MAX) {
        want++;
    }
    if (want % align == phase) {
        CHECK(vmi_align_up(addr, align, phase, &have));
        CHECK_U64(have, ==, want);
    } else {
        CHECK(!vmi_align_up(addr, align, phase, &have));
        CHECK_U64(have, ==, UNTOUCHED);
    }
}

static void
check_down(vmem_addr_t addr, vmem_size_t align, vmem_size_t phase)
{
    vmem_addr_t want = addr;
    vmem_addr_t have = UNTOUCHED;

    while (want % align != phase && want != 0) {
        want--;
    }
    if (want % align == phase) {
        CHECK(vmi_align_down(addr, align, phase, &have));
        CHECK_U64(have, ==, want);
    } else {
        CHECK(!vmi_align_down(addr, align, phase, &have));
        CHECK_U64(have, ==, UNTOUCHED);
    }
}

static void
test_aligning_agrees_with_trying_every_address(void)
{
    for (vmem_size_t align = 1; align <= 32; align *= 2) {
        for (vmem_size_t phase = 0; phase < align; phase++) {
            vmt_context("align and phase", align * 100 + phase);
            for (vmem_addr_t addr = 0; addr < REACH; addr++) {
                check_up(addr, align, phase);
                check_down(addr, align, phase);
                check_up(VMEM_ADDR_MAX - addr, align, phase);
                check_down(VMEM_ADDR_MAX - addr, align, phase);
                check_up(((vmem_addr_t)1 << 63) - REACH / 2 + addr, align, phase);
                check_down(((vmem_addr_t)1 << 63) - REACH / 2 + addr, align, phase);
            }
        }
    }
}

#define HALF ((vmem_size_t)1 << 63)

static const struct {
    const char *why;
    vmem_addr_t addr;
    vmem_size_t align, phase;
    bool ok;
    vmem_addr_t want;
} up_cases[] = {
    { "zero is aligned", 0, 4096, 0, true, 0 },
    { "already at the phase", 4096 + 16, 4096, 16, true, 4096 + 16 },
    { "one past the phase goes a whole step", 17, 4096, 16, true, 4096 + 16 },
    { "last aligned address", VMEM_ADDR_MAX - 4095, 4096, 0, true, VMEM_ADDR_MAX - 4095 },
    { "one past it has nowhere to go", VMEM_ADDR_MAX - 4094, 4096, 0, false, 0 },
    { "the top itself, by phase", VMEM_ADDR_MAX, 4096, 4095, true, VMEM_ADDR_MAX },
    { "half of the space is the largest alignment", 1, HALF, 0, true, HALF },
    { "beyond the half there is no second one", HALF + 1, HALF, 0, false, 0 },
    { "but with the last phase there is", HALF + 1, HALF, HALF - 1, true, VMEM_ADDR_MAX },
},
  down_cases[] = {
      { "zero is aligned", 0, 4096, 0, true, 0 },
      { "below the first phase there is nothing", 15, 4096, 16, false, 0 },
      { "the first phase itself", 16, 4096, 16, true, 16 },
      { "the top goes down to the last step", VMEM_ADDR_MAX, 4096, 0, true, VMEM_ADDR_MAX - 4095 },
      { "the top by phase", VMEM_ADDR_MAX, HALF, HALF - 1, true, VMEM_ADDR_MAX },
      { "one below it goes down by half", VMEM_ADDR_MAX - 1, HALF, HALF - 1, true, HALF - 1 },
      { "below the half there is only zero", HALF - 1, HALF, 0, true, 0 },
      { "below the first of the last phase", HALF - 2, HALF, HALF - 1, false, 0 },
  };

static void
test_aligning_at_the_limits(void)
{
    for (size_t i = 0; i < sizeof up_cases / sizeof up_cases[0]; i++) {
        vmem_addr_t have = UNTOUCHED;
        const bool ok = vmi_align_up(up_cases[i].addr, up_cases[i].align, up_cases[i].phase, &have);
        if (ok != up_cases[i].ok || have != (ok ? up_cases[i].want : UNTOUCHED)) {
            FAIL(up_cases[i].why);
        }
        CHECK(ok == up_cases[i].ok);
    }
    for (size_t i = 0; i < sizeof down_cases / sizeof down_cases[0]; i++) {
        vmem_addr_t have = UNTOUCHED;
        const bool ok =
            vmi_align_down(down_cases[i].addr, down_cases[i].align, down_cases[i].phase, &have);
        if (ok != down_cases[i].ok || have != (ok ? down_cases[i].want : UNTOUCHED)) {
            FAIL(down_cases[i].why);
        }
        CHECK(ok == down_cases[i].ok);
    }
}

static void
test_a_range_exists_if_its_last_unit_does(void)
{
    for (uint64_t below = 0; below < REACH; below++) {
        for (vmem_size_t size = 1; size < REACH; size++) {
            CHECK(vmi_range_exists(VMEM_ADDR_MAX - below, size) == (size <= below + 1));
        }
        CHECK(vmi_range_exists(below, VMEM_SIZE_MAX - below));
        CHECK(vmi_range_exists(below, VMEM_SIZE_MAX) == (below <= 1));
    }
    CHECK(vmi_range_exists(0, 1));
    CHECK(vmi_range_exists(VMEM_ADDR_MAX, 1));
    CHECK(!vmi_range_exists(VMEM_ADDR_MAX, 2));
    CHECK(!vmi_range_exists(HALF, HALF + 1));
    CHECK(vmi_range_exists(HALF, HALF));
}

static void
test_sizes_round_up_unless_they_would_wrap(void)
{
    for (unsigned log2 = 0; log2 < 64; log2++) {
        const vmem_size_t quantum = (vmem_size_t)1 << log2;
        const vmem_size_t last = ~(quantum - 1); /* the largest multiple */
        vmem_size_t have = UNTOUCHED;
        vmt_context("quantum log2", log2);
        CHECK(vmi_round_up(0, quantum, &have) && have == 0);
        CHECK(vmi_round_up(1, quantum, &have) && have == quantum);
        CHECK(vmi_round_up(quantum, quantum, &have) && have == quantum);
        CHECK(vmi_round_up(last, quantum, &have) && have == last);
        have = UNTOUCHED;
        if (log2 > 0) {
            CHECK(!vmi_round_up(last + 1, quantum, &have) && have == UNTOUCHED);
            CHECK(!vmi_round_up(VMEM_SIZE_MAX, quantum, &have) && have == UNTOUCHED);
        }
    }
}

static void
test_sums_stop_at_the_largest_size(void)
{
    CHECK_U64(vmi_add_saturating(0, 0), ==, 0);
    CHECK_U64(vmi_add_saturating(3, 4), ==, 7);
    CHECK_U64(vmi_add_saturating(VMEM_SIZE_MAX, 0), ==, VMEM_SIZE_MAX);
    CHECK_U64(vmi_add_saturating(0, VMEM_SIZE_MAX), ==, VMEM_SIZE_MAX);
    CHECK_U64(vmi_add_saturating(VMEM_SIZE_MAX - 1, 1), ==, VMEM_SIZE_MAX);
    CHECK_U64(vmi_add_saturating(VMEM_SIZE_MAX - 2, 1), ==, VMEM_SIZE_MAX - 1);
    CHECK_U64(vmi_add_saturating(VMEM_SIZE_MAX, 1), ==, VMEM_SIZE_MAX);
    CHECK_U64(vmi_add_saturating(VMEM_SIZE_MAX, VMEM_SIZE_MAX), ==, VMEM_SIZE_MAX);
    CHECK_U64(vmi_add_saturating(HALF, HALF), ==, VMEM_SIZE_MAX);
    CHECK_U64(vmi_add_saturating(HALF, HALF - 1), ==, VMEM_SIZE_MAX);
    CHECK_U64(vmi_add_saturating(HALF - 1, HALF - 1), ==, VMEM_SIZE_MAX - 1);
}

/* Any step, powers of two or not: against division, at both ends of the sizes. */
static void
test_sizes_round_up_to_any_step(void)
{
    for (vmem_size_t step = 1; step <= 70; step++) {
        for (vmem_size_t i = 0; i <= 200; i++) {
            const vmem_size_t small = i;
            const vmem_size_t large = VMEM_SIZE_MAX - i;
            vmem_size_t have = UNTOUCHED;
            CHECK(vmi_round_up_any(small, step, &have));
            CHECK_U64(have, ==, (small + step - 1) / step * step);
            have = UNTOUCHED;
            if (large / step * step == large || VMEM_SIZE_MAX - large / step * step >= step) {
                CHECK(vmi_round_up_any(large, step, &have));
                CHECK_U64(have % step, ==, 0);
                CHECK(have >= large && have - large < step);
            } else {
                CHECK(!vmi_round_up_any(large, step, &have));
                CHECK_U64(have, ==, UNTOUCHED);
            }
        }
    }
    for (unsigned shift = 0; shift < 63; shift++) {
        const vmem_size_t step = ((vmem_size_t)1 << shift) * 3 / 2 + 1;
        vmem_size_t have = UNTOUCHED;
        CHECK(vmi_round_up_any(step + 1, step, &have));
        CHECK_U64(have, ==, 2 * step);
    }
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_aligning_agrees_with_trying_every_address),
    VMT_TEST(test_aligning_at_the_limits),
    VMT_TEST(test_a_range_exists_if_its_last_unit_does),
    VMT_TEST(test_sizes_round_up_unless_they_would_wrap),
    VMT_TEST(test_sizes_round_up_to_any_step),
    VMT_TEST(test_sums_stop_at_the_largest_size),
};

VMT_SUITE(tests);
