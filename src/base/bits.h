/*
 * bits.h - powers of two and single bits.                          SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMI_BITS_H
#define VMI_BITS_H

#include "base/base.h"

static inline bool
vmi_is_pow2(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* Position of the highest one bit.  Requires: value != 0. */
static inline unsigned
vmi_log2(uint64_t value)
{
    return 63u - (unsigned)__builtin_clzll(value);
}

/* Position of the lowest one bit.  Requires: value != 0. */
static inline unsigned
vmi_lowest_bit(uint64_t value)
{
#if UINTPTR_MAX <= UINT32_MAX
    /* Compilers call a function to look at 64 bits there. */
    if ((uint32_t)value == 0) {
        return 32u + (unsigned)__builtin_ctz((uint32_t)(value >> 32));
    }
    return (unsigned)__builtin_ctz((uint32_t)value);
#else
    return (unsigned)__builtin_ctzll(value);
#endif
}

/* 1 if a < b, else 0; without a branch, which compilers like to make of a comparison. */
static inline unsigned
vmi_is_below(uint64_t a, uint64_t b)
{
    uint64_t difference;

    return (unsigned)__builtin_sub_overflow(a, b, &difference);
}

/* a where the condition is 1, b where it is 0; without a branch. */
static inline unsigned
vmi_select(unsigned condition, unsigned a, unsigned b)
{
    return b ^ ((a ^ b) & (0u - condition));
}

/*
 * Ask for all lines of an object at once, before they are looked at one after the other.  (The empty
 * statement keeps compilers from taking a function that only asks for one that does nothing.)
 */
static inline void
vmi_prefetch(const void *object, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += 64) {
        __builtin_prefetch((const char *)object + at);
    }
    __asm__ volatile("");
}

#endif
