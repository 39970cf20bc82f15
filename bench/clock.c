/*
 * clock - see clock.h.                                        SPDX-License-Identifier: BSD-2-Clause
 */
#include "clock.h"

#define CALIBRATE_NS 50000000u
#define STAMPS 200000u

static double ticks_per_ns = 1.0;
static uint32_t stamp_ticks;
static uint64_t granularity_ticks = 1;
static double cpu_cost_ns;

static uint64_t
read_clock(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t
bench_clock_cpu_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t
bench_clock_wall_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

static void
calibrate_rate(void)
{
    const uint64_t wall_start = bench_clock_wall_ns();
    const uint64_t start = bench_clock_stamp();
    uint64_t wall = wall_start;

    while (wall - wall_start < CALIBRATE_NS) {
        wall = bench_clock_wall_ns();
    }
    ticks_per_ns = (double)(bench_clock_stamp() - start) / (double)(wall - wall_start);
}

static uint64_t
common_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        const uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* The cost is the commonest short interval; some processors count in steps of many ticks. */
static void
calibrate_stamps(void)
{
    uint32_t seen[1024] = { 0 };
    uint64_t divisor = 0;
    uint64_t last = bench_clock_stamp();

    for (unsigned i = 0; i < STAMPS; i++) {
        const uint64_t now = bench_clock_stamp();
        const uint64_t ticks = now - last;

        last = now;
        divisor = common_divisor(ticks, divisor);
        if (ticks < 1024) {
            seen[ticks]++;
        }
    }
    granularity_ticks = divisor == 0 ? 1 : divisor;
    stamp_ticks = 0;
    for (uint32_t ticks = 0; ticks < 1024; ticks++) {
        stamp_ticks = seen[ticks] > seen[stamp_ticks] ? ticks : stamp_ticks;
    }
}

static void
calibrate_cpu_clock(void)
{
    const unsigned rounds = 2000;
    const uint64_t start = bench_clock_cpu_ns();
    uint64_t now = start;

    for (unsigned i = 0; i < rounds; i++) {
        now = bench_clock_cpu_ns();
    }
    cpu_cost_ns = (double)(now - start) / rounds;
}

void
bench_clock_calibrate(void)
{
    calibrate_rate();
    calibrate_stamps();
    calibrate_cpu_clock();
}

double
bench_clock_ticks_to_ns(double ticks)
{
    return ticks / ticks_per_ns;
}

uint32_t
bench_clock_stamp_ticks(void)
{
    return stamp_ticks;
}

double
bench_clock_granularity_ns(void)
{
    return (double)granularity_ticks / ticks_per_ns;
}

double
bench_clock_cpu_cost_ns(void)
{
    return cpu_cost_ns;
}

double
bench_clock_ticks_per_us(void)
{
    return ticks_per_ns * 1000.0;
}
