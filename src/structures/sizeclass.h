/*
 * sizeclass.h - from a number of quanta to a class and back.       SPDX-License-Identifier: BSD-2-Clause
 *
 * Sizes below 32 quanta have a class of their own; above, each power of two has 16 classes of equal
 * width, so that a class is at most 1/16 wide:
 *
 *      quanta   1 2 ... 31 | 32-33 34-35 ... 62-63 | 64-67 68-71 ...
 *      class    1 2 ... 31 |   32    33  ...   47  |   48    49  ...
 *
 * With 16 the first refusal of a full arena comes 1 to 2 points of occupancy later than with 8; 32 gain
 * nothing more (docs/DECISIONS/003-size-classes.md).
 */
#ifndef VMI_SIZECLASS_H
#define VMI_SIZECLASS_H

#include "base/bits.h"

enum {
    VMI_CLASS_EXACT_LOG2 = 5,
    VMI_CLASS_SUB_LOG2 = 4,
    VMI_CLASS_EXACT = 1 << VMI_CLASS_EXACT_LOG2,
    VMI_CLASS_SUBS = 1 << VMI_CLASS_SUB_LOG2,
    VMI_CLASS_COUNT = VMI_CLASS_EXACT + (64 - VMI_CLASS_EXACT_LOG2) * VMI_CLASS_SUBS,
    VMI_CLASS_NONE = VMI_CLASS_COUNT /* larger than any */
};

/*
 * The class that a hole of so many quanta belongs to; 0 for 0.  One formula for both kinds of class,
 * because which kind comes next is anybody's guess.
 */
/*@ assigns \nothing;
    ensures \result < VMI_CLASS_COUNT;
    ensures class_floor(\result) <= quanta;
    ensures \result + 1 < VMI_CLASS_COUNT ==> quanta < class_floor(\result + 1);
 */
static inline unsigned
vmi_class_of(uint64_t quanta)
{
    const unsigned shift = vmi_log2(quanta | (VMI_CLASS_EXACT - 1)) - VMI_CLASS_SUB_LOG2;

    //@ assert shift < 60 && is_log2(shift + 4, quanta | 31);
    //@ assert 0 <= quanta >> shift < 32;
    //@ assert shift << VMI_CLASS_SUB_LOG2 == 16 * shift;
    //@ assert class_floor((quanta >> shift) + 16 * shift) <= quanta;
    return (unsigned)(quanta >> shift) + (shift << VMI_CLASS_SUB_LOG2);
}

/*
 * The first class in which every hole has at least so many quanta: VMI_CLASS_NONE if there is
 * none; and for 0, which is what vmi_fit_sufficient() says where there is none.
 */
/*@ assigns \nothing;
    ensures 1 <= \result <= VMI_CLASS_NONE;
    ensures none: quanta == 0 ==> \result == VMI_CLASS_NONE;
    ensures enough: \forall integer c; \result <= c < VMI_CLASS_COUNT ==> class_floor(c) >= quanta;
    ensures least: quanta > 0 ==> class_floor(\result - 1) < quanta;
 */
static inline unsigned
vmi_class_sufficient(uint64_t quanta)
{
    return vmi_class_of(quanta - 1) + 1;
}

/* The smallest number of quanta in a class. */
/*@ requires index < VMI_CLASS_COUNT;
    assigns \nothing;
    ensures \result == class_floor(index);
 */
static inline uint64_t
vmi_class_floor(unsigned index)
{
    if (index < VMI_CLASS_EXACT) {
        return index;
    }
    const unsigned above = index - VMI_CLASS_EXACT;
    const unsigned log2 = VMI_CLASS_EXACT_LOG2 + above / VMI_CLASS_SUBS;
    return (uint64_t)(VMI_CLASS_SUBS + above % VMI_CLASS_SUBS) << (log2 - VMI_CLASS_SUB_LOG2);
}

_Static_assert(
    VMI_CLASS_EXACT_LOG2 == VMI_CLASS_SUB_LOG2 + 1, "the formula of vmi_class_of() needs it");

#endif
