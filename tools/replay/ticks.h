/*
 * ticks.h - a clock for single operations.                            SPDX-License-Identifier: BSD-2-Clause
 *
 * On x86-64 with an invariant time-stamp counter a tick is one count of it, read between fences so
 * that the timed operation cannot leak out; elsewhere a tick is a nanosecond of CLOCK_MONOTONIC.
 */
#ifndef VMEM_TOOLS_REPLAY_TICKS_H
#define VMEM_TOOLS_REPLAY_TICKS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

struct replay_clock {
    bool is_tsc;
    double ns_per_tick;
    uint64_t overhead_ticks; /* that a measurement of nothing takes, median */
};

/* The clock of this machine; measured at the first call, which takes about 20 ms. */
const struct replay_clock *replay_clock(void);

/* Nanoseconds of CLOCK_MONOTONIC: for what lasts. */
static inline uint64_t
replay_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static inline uint64_t
replay_ticks(bool is_tsc)
{
#if defined(__x86_64__)
    if (is_tsc) {
        _mm_lfence();
        const uint64_t ticks = __rdtsc();
        _mm_lfence();
        return ticks;
    }
#endif
    (void)is_tsc;
    return replay_now_ns();
}

#endif
