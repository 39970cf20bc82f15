/*
 * clock.h - the two clocks of the benchmarks.                 SPDX-License-Identifier: BSD-2-Clause
 *
 * Means over many operations use the CPU time of the thread: being preempted does not count.
 * Single operations use the processor's time stamp counter between two fences, with the cost of a
 * stamp subtracted; being preempted does count there, and what to do about it is the caller's
 * business.
 */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <stdint.h>
#include <time.h>

#if defined(__x86_64__) || defined(__i386__)
#include <x86intrin.h>
#endif

/* CPU time of the calling thread, and time of day without jumps. */
uint64_t bench_clock_cpu_ns(void);
uint64_t bench_clock_wall_ns(void);

/*
 * Find out the rate, the cost and the granularity of the stamps and the cost of
 * bench_clock_cpu_ns(). Call once before anything else here; takes about 60 ms.
 */
void bench_clock_calibrate(void);

double bench_clock_ticks_to_ns(double ticks);
uint32_t bench_clock_stamp_ticks(void);  /* cost of one stamp, subtracted from every interval */
double bench_clock_granularity_ns(void); /* smallest step that stamps show */
double bench_clock_cpu_cost_ns(void);    /* cost of one bench_clock_cpu_ns() */
double bench_clock_ticks_per_us(void);

/* Now, in ticks: everything before is done, nothing after has begun. */
static inline uint64_t
bench_clock_stamp(void)
{
#if defined(__x86_64__) || defined(__i386__)
    _mm_lfence();
    const uint64_t ticks = __rdtsc();
    _mm_lfence();
    return ticks;
#elif defined(__aarch64__)
    uint64_t ticks;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tisb" : "=r"(ticks)::"memory");
    return ticks;
#else
    return bench_clock_wall_ns();
#endif
}

/* The interval between two stamps, without the cost of a stamp. */
static inline uint32_t
bench_clock_interval(uint64_t from, uint64_t to, uint32_t cost)
{
    const uint64_t ticks = to - from;

    if (ticks <= cost) {
        return 0;
    }
    return ticks - cost > UINT32_MAX ? UINT32_MAX : (uint32_t)(ticks - cost);
}

#endif
