/*
 * test_figures - percentiles, units, the clock, suggestions.  SPDX-License-Identifier: BSD-2-Clause
 */
#include "histogram.h"
#include "human.h"
#include "plan.h"
#include "suggest.h"
#include "ticks.h"
#include "vmt.h"

#include <stdlib.h>
#include <string.h>

#define SAMPLES 50000

static int
compare_u64(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void
test_percentiles_agree_with_sorting(void)
{
    static uint64_t samples[SAMPLES];
    static struct replay_histogram histogram;
    static const unsigned permyriads[] = { 1, 5000, 9000, 9900, 9990, 9999, 10000 };
    uint64_t state = 88172645463325252u;
    memset(&histogram, 0, sizeof(histogram));
    CHECK_U64(replay_histogram_at(&histogram, 5000), ==, 0);
    for (size_t i = 0; i < SAMPLES; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        samples[i] = state >> (state % 64); /* all magnitudes */
        replay_histogram_add(&histogram, samples[i]);
    }
    qsort(samples, SAMPLES, sizeof(samples[0]), compare_u64);
    for (size_t i = 0; i < sizeof(permyriads) / sizeof(permyriads[0]); i++) {
        const uint64_t found = replay_histogram_at(&histogram, permyriads[i]);
        const size_t rank = ((size_t)SAMPLES * permyriads[i] + 9999) / 10000;
        const uint64_t exact = samples[rank - 1];
        const uint64_t error = found > exact ? found - exact : exact - found;
        vmt_context("permyriad", permyriads[i]);
        CHECK_U64(error, <=, exact / 64);
    }
    CHECK_U64(histogram.value_max, ==, samples[SAMPLES - 1]);
    CHECK_U64(replay_histogram_at(&histogram, 10000), <=, samples[SAMPLES - 1]);
}

static void
test_figures_are_written_with_three_digits(void)
{
    CHECK_STR(human_size(0).text, "0");
    CHECK_STR(human_size(9999).text, "9999");
    CHECK_STR(human_size(10240).text, "10.0K");
    CHECK_STR(human_size(1u << 20).text, "1.00M");
    CHECK_STR(human_size((1u << 20) - 1).text, "1.00M");
    CHECK_STR(human_size(UINT64_MAX).text, "16.0E");
    CHECK_STR(human_ns(0.5).text, "0.50 ns");
    CHECK_STR(human_ns(89.12).text, "89.1 ns");
    CHECK_STR(human_ns(999.7).text, "1.00 us");
    CHECK_STR(human_ns(2.5e9).text, "2.50 s");
    CHECK_STR(human_count(9999).text, "9999");
    CHECK_STR(human_count(12345678).text, "12.3 M");
    CHECK_STR(human_share(0.8712).text, "87.1 %");
}

static void
test_the_clock_advances_and_costs_little(void)
{
    const struct replay_clock *clock = replay_clock();
    CHECK(clock->ns_per_tick > 0.01 && clock->ns_per_tick < 1000);
    CHECK((double)clock->overhead_ticks * clock->ns_per_tick < 100000);
    const uint64_t start = replay_ticks(clock->is_tsc);
    const uint64_t start_ns = replay_now_ns();
    while (replay_now_ns() - start_ns < 5000000) {
    }
    const double ns = (double)(replay_ticks(clock->is_tsc) - start) * clock->ns_per_tick;
    CHECK(ns > 4900000); /* a pause may make it longer, nothing makes it shorter */
}

static void
test_suggestions_are_near_or_absent(void)
{
    static const char *const names[] = { "run", "replay", "record", "bench", "--help" };
    static const struct {
        const char *word;
        const char *expected;
    } cases[] = {
        { "repaly", "replay" },
        { "replay2", "replay" },
        { "rec", "record" },
        { "re", NULL },
        { "rnu", "run" },
        { "bencj", "bench" },
        { "-help", "--help" },
        { "xyzzy", NULL },
        { "", NULL },
        { "a-word-that-is-longer-than-any-name-could-be", NULL },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        vmt_context("case", i);
        const char *found = vmem_suggest(cases[i].word, names, sizeof(names) / sizeof(names[0]));
        CHECK_STR(found, cases[i].expected);
    }
}

static void
test_the_demand_of_a_trace_is_its_peak(void)
{
    static struct vmem_trace_op ops[] = {
        { .size = 100, .slot = 0, .kind = VMEM_TRACE_ALLOC },
        { .size = 30, .slot = 1, .kind = VMEM_TRACE_ALLOC },
        { .slot = 0, .kind = VMEM_TRACE_FREE },
        { .size = 1, .slot = 0, .kind = VMEM_TRACE_ALLOC },
        { .size = VMEM_SIZE_MAX, .slot = 2, .kind = VMEM_TRACE_ALLOC, .constraint = 1 },
    };
    static struct vmem_trace_constraint constraints[2] = { { 0 },
        { .addr_min = 4096, .addr_max = VMEM_ADDR_MAX } };
    struct vmem_trace trace = { .ops = ops, .op_count = 5, .slot_count = 3 };
    struct replay_options options = { .quantum = 16 };
    struct replay_demand demand;
    trace.constraints = constraints;
    trace.constraint_count = 2;
    CHECK_OR_RETURN(replay_demand_measure(&demand, &trace, &options));
    CHECK_U64(demand.live_peak, ==, 112 + 32);
    CHECK_U64(demand.live_count_peak, ==, 3);
    CHECK_U64(demand.request_max, ==, 112);
    CHECK_U64(demand.unroundable_count, ==, 1);
    CHECK_U64(demand.span_size_auto, ==, 4096); /* the window begins there, and 162 is less */
    ops[4].size = 16;
    CHECK_OR_RETURN(replay_demand_measure(&demand, &trace, &options));
    CHECK_U64(demand.span_size_auto, ==, 4096 + 16);
    options.base = 8192; /* the window is below: not reachable by any size */
    CHECK_OR_RETURN(replay_demand_measure(&demand, &trace, &options));
    CHECK_U64(demand.span_size_auto, ==, 176); /* 144 and an eighth are 162 */
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_percentiles_agree_with_sorting),
    VMT_TEST(test_figures_are_written_with_three_digits),
    VMT_TEST(test_the_clock_advances_and_costs_little),
    VMT_TEST(test_suggestions_are_near_or_absent),
    VMT_TEST(test_the_demand_of_a_trace_is_its_peak),
};
VMT_SUITE(tests);
