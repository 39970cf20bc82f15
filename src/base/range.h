/*
 * range.h - address arithmetic that cannot wrap.                   SPDX-License-Identifier: BSD-2-Clause
 *
 * Ranges are compared by their inclusive last unit, because one past the end of a range that reaches
 * VMEM_ADDR_MAX is not a number.  Whatever would wrap is reported as "does not fit".
 */
#ifndef VMI_RANGE_H
#define VMI_RANGE_H

#include "base/bits.h"

/* True if size units from start end at or before VMEM_ADDR_MAX.  Requires: size > 0. */
/*@ requires size > 0;
    assigns \nothing;
    ensures \result <==> start + (size - 1) <= VMEM_ADDR_MAX;
 */
static inline bool
vmi_range_exists(vmem_addr_t start, vmem_size_t size)
{
    VMI_ASSERT(size > 0);
    return size - 1 <= VMEM_ADDR_MAX - start;
}

/*
 * Smallest a >= addr with a % align == phase.  False, *out untouched, if it would pass
 * VMEM_ADDR_MAX.  Requires: align a power of two, phase < align.
 */
/*@ requires is_pow2(align) && phase < align && \valid(out);
    assigns *out;
    ensures found: \result ==> *out >= addr && *out % align == phase;
    ensures least: \result ==> \forall vmem_addr_t a; addr <= a < *out ==> a % align != phase;
    ensures none: !\result ==> \forall vmem_addr_t a; addr <= a ==> a % align != phase;
    ensures untouched: !\result ==> *out == \old(*out);
 */
static inline bool
vmi_align_up(vmem_addr_t addr, vmem_size_t align, vmem_size_t phase, vmem_addr_t *out)
{
    /* (phase - addr) mod align is the distance to go; the unsigned wrap is intended. */
    const vmem_size_t gap = (phase - addr) & (align - 1);

    //@ assert gap == (vmem_size_t)(phase - addr) % align;
    VMI_ASSERT(vmi_is_pow2(align) && phase < align);
    if (gap > VMEM_ADDR_MAX - addr) {
        return false;
    }
    //@ assert (addr + gap) % align == phase;
    *out = addr + gap;
    return true;
}

/* Largest a <= addr with a % align == phase.  False, *out untouched, if it would pass 0. */
/*@ requires is_pow2(align) && phase < align && \valid(out);
    assigns *out;
    ensures found: \result ==> *out <= addr && *out % align == phase;
    ensures greatest: \result ==> \forall vmem_addr_t a; *out < a <= addr ==> a % align != phase;
    ensures none: !\result ==> \forall vmem_addr_t a; a <= addr ==> a % align != phase;
    ensures untouched: !\result ==> *out == \old(*out);
 */
static inline bool
vmi_align_down(vmem_addr_t addr, vmem_size_t align, vmem_size_t phase, vmem_addr_t *out)
{
    const vmem_size_t gap = (addr - phase) & (align - 1);

    //@ assert gap == (vmem_size_t)(addr - phase) % align;
    VMI_ASSERT(vmi_is_pow2(align) && phase < align);
    if (gap > addr) {
        return false;
    }
    //@ assert (addr - gap) % align == phase;
    *out = addr - gap;
    return true;
}

/* Round up to a multiple of a power of two.  False, *out untouched, if it exceeds VMEM_SIZE_MAX. */
/*@ requires is_pow2(quantum) && \valid(out);
    assigns *out;
    ensures found: \result ==> *out >= size && *out % quantum == 0;
    ensures least: \result ==> \forall vmem_size_t s; size <= s < *out ==> s % quantum != 0;
    ensures none: !\result ==> \forall vmem_size_t s; size <= s ==> s % quantum != 0;
    ensures untouched: !\result ==> *out == \old(*out);
 */
static inline bool
vmi_round_up(vmem_size_t size, vmem_size_t quantum, vmem_size_t *out)
{
    return vmi_align_up(size, quantum, 0, out);
}

/*
 * Round up to a multiple of any step > 0.  By shifting and subtracting, because a 64-bit division would
 * be a library call on 32-bit targets.
 */
static inline bool
vmi_round_up_any(vmem_size_t size, vmem_size_t step, vmem_size_t *out)
{
    vmem_size_t rest = size;

    if (vmi_is_pow2(step)) {
        return vmi_round_up(size, step, out);
    }
    for (unsigned shift = 63 - vmi_log2(step) + 1; shift-- > 0;) {
        rest -= rest >> shift >= step ? step << shift : 0;
    }
    if (rest != 0 && step - rest > VMEM_SIZE_MAX - size) {
        return false;
    }
    *out = rest != 0 ? size + (step - rest) : size;
    return true;
}

/* a + b, or VMEM_SIZE_MAX where the sum is larger. */
/*@ assigns \nothing;
    ensures \result == \min(a + b, VMEM_SIZE_MAX);
 */
static inline vmem_size_t
vmi_add_saturating(vmem_size_t a, vmem_size_t b)
{
    return b > VMEM_SIZE_MAX - a ? VMEM_SIZE_MAX : a + b;
}

#endif
