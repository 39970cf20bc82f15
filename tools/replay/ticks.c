/*
 * ticks - a clock for single operations.                      SPDX-License-Identifier: BSD-2-Clause
 *
 * The counter is trusted only if the processor says that it runs at one rate in every power state.
 * Its rate is measured against CLOCK_MONOTONIC, its overhead as the median of measurements of
 * nothing, which the caller subtracts from each sample.
 */
#include "ticks.h"

#include <stdlib.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#define CALIBRATION_NS UINT64_C(20000000)
#define OVERHEAD_SAMPLES 4001

#if defined(__x86_64__)
#define CPUID_POWER_LEAF 0x80000007u
#define CPUID_INVARIANT_TSC 0x100u

static bool
has_invariant_tsc(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(CPUID_POWER_LEAF, &a, &b, &c, &d) != 0 && (d & CPUID_INVARIANT_TSC) != 0;
}
#else
static bool
has_invariant_tsc(void)
{
    return false;
}
#endif

static int
compare_ticks(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static uint64_t
measure_overhead(bool is_tsc)
{
    static uint64_t samples[OVERHEAD_SAMPLES];
    for (int i = 0; i < OVERHEAD_SAMPLES; i++) {
        const uint64_t start = replay_ticks(is_tsc);
        samples[i] = replay_ticks(is_tsc) - start;
    }
    qsort(samples, OVERHEAD_SAMPLES, sizeof(samples[0]), compare_ticks);
    return samples[OVERHEAD_SAMPLES / 2];
}

static double
measure_rate(void)
{
    const uint64_t start_ns = replay_now_ns();
    const uint64_t start = replay_ticks(true);
    uint64_t now_ns;
    do {
        now_ns = replay_now_ns();
    } while (now_ns - start_ns < CALIBRATION_NS);
    const uint64_t ticks = replay_ticks(true) - start;
    return ticks == 0 ? 0 : (double)(now_ns - start_ns) / (double)ticks;
}

const struct replay_clock *
replay_clock(void)
{
    static struct replay_clock clock;
    if (clock.ns_per_tick > 0) {
        return &clock;
    }
    if (has_invariant_tsc()) {
        clock.ns_per_tick = measure_rate();
        clock.is_tsc = clock.ns_per_tick > 0;
    }
    if (!clock.is_tsc) {
        clock.ns_per_tick = 1;
    }
    clock.overhead_ticks = measure_overhead(clock.is_tsc);
    return &clock;
}
