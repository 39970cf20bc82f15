/*
 * wide - numbers beyond 64 bits.                                   SPDX-License-Identifier: BSD-2-Clause
 *
 * The model calculates with addresses as numbers like any other: one past the end of the space is 2^64,
 * and nothing wraps.  A wide number is high * 2^64 + low.  Not __int128, which 32-bit targets have not
 * got: the oracle must be the same on all of them.
 */
#ifndef VMEM_MODEL_WIDE_H
#define VMEM_MODEL_WIDE_H

#include <stdbool.h>
#include <stdint.h>

struct vmem_wide {
    uint64_t high;
    uint64_t low;
};

static inline struct vmem_wide
vmem_wide(uint64_t low)
{
    return (struct vmem_wide){ 0, low };
}

static inline struct vmem_wide
vmem_wide_plus(struct vmem_wide a, uint64_t b)
{
    const uint64_t low = a.low + b;

    return (struct vmem_wide){ a.high + (low < b ? 1 : 0), low };
}

/* Requires: a >= b. */
static inline struct vmem_wide
vmem_wide_minus(struct vmem_wide a, uint64_t b)
{
    return (struct vmem_wide){ a.high - (a.low < b ? 1 : 0), a.low - b };
}

/* a rounded down to a multiple of a power of two. */
static inline struct vmem_wide
vmem_wide_floor(struct vmem_wide a, uint64_t power)
{
    return (struct vmem_wide){ a.high, a.low & ~(power - 1) };
}

static inline bool
vmem_wide_is_below(struct vmem_wide a, struct vmem_wide b)
{
    return a.high != b.high ? a.high < b.high : a.low < b.low;
}

static inline bool
vmem_wide_is_equal(struct vmem_wide a, struct vmem_wide b)
{
    return a.high == b.high && a.low == b.low;
}

#endif
