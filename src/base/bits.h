/*
 * bits.h - powers of two and single bits.                          SPDX-License-Identifier: BSD-2-Clause
 *
 * The contracts, here and in other files, are proved by scripts/prove; proof/README.md says how to read
 * them.  Their words is_pow2(), is_log2() and has_bit() are those of proof/bits.h.
 */
#ifndef VMI_BITS_H
#define VMI_BITS_H

#include "base/base.h"

/*@ assigns \nothing;
    ensures \result <==> is_pow2(value);
 */
static inline bool
vmi_is_pow2(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* Position of the highest one bit.  Requires: value != 0. */
/*@ requires value != 0;
    assigns \nothing;
    ensures \result < 64;
    ensures is_log2(\result, value);
 */
static inline unsigned
vmi_log2(uint64_t value)
{
    return 63u - (unsigned)__builtin_clzll(value);
}

/* Position of the lowest one bit.  Requires: value != 0. */
/*@ requires value != 0;
    assigns \nothing;
    ensures \result < 64;
    ensures has_bit(value, \result);
    ensures \forall integer i; 0 <= i < \result ==> !has_bit(value, i);
 */
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
/*@ assigns \nothing;
    ensures \result == (a < b ? 1 : 0);
 */
static inline unsigned
vmi_is_below(uint64_t a, uint64_t b)
{
    uint64_t difference;

    return (unsigned)__builtin_sub_overflow(a, b, &difference);
}

/* a where the condition is 1, b where it is 0; without a branch. */
/*@ requires condition == 0 || condition == 1;
    assigns \nothing;
    ensures \result == (condition == 1 ? a : b);
 */
static inline unsigned
vmi_select(unsigned condition, unsigned a, unsigned b)
{
    //@ assert selected(condition, a, b) == (condition == 1 ? a : b);
    return b ^ ((a ^ b) & (0u - condition));
}

/* A word with the bits below a place, or up to it, cleared.  Requires: place < 64. */
/*@ requires place < 64;
    assigns \nothing;
    ensures \forall integer i; 0 <= i < 64 ==> (has_bit(\result, i) <==> has_bit(word, i) && i >= place);
 */
static inline uint64_t
vmi_bits_from(uint64_t word, unsigned place)
{
    return word & (~(uint64_t)0 << place);
}

/*@ requires place < 64;
    assigns \nothing;
    ensures \forall integer i; 0 <= i < 64 ==> (has_bit(\result, i) <==> has_bit(word, i) && i > place);
 */
static inline uint64_t
vmi_bits_above(uint64_t word, unsigned place)
{
    return word & (~(uint64_t)1 << place);
}

/* A word with a bit set.  Requires: place < 64. */
/*@ requires place < 64;
    assigns \nothing;
    ensures \forall integer i; 0 <= i < 64 ==> (has_bit(\result, i) <==> has_bit(word, i) || i == place);
 */
static inline uint64_t
vmi_bit_set(uint64_t word, unsigned place)
{
    return word | (uint64_t)1 << place;
}

/* A word with a bit cleared if the condition is 1; without a branch.  Requires: place < 64. */
/*@ requires place < 64;
    assigns \nothing;
    ensures \forall integer i; 0 <= i < 64 ==>
        (has_bit(\result, i) <==> has_bit(word, i) && !(condition && i == place));
    ensures word == 0 ==> \result == 0;
 */
static inline uint64_t
vmi_bit_clear_if(uint64_t word, unsigned place, bool condition)
{
    return word & ~((uint64_t)condition << place);
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
