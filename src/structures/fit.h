/*
 * fit.h - where in a hole a request may lie.  Pure functions.      SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMI_FIT_H
#define VMI_FIT_H

#include "base/range.h"

/* A request's size and constraints, checked and complete. */
struct vmi_shape {
    vmem_size_t size;    /* units, > 0, multiple of the quantum */
    vmem_size_t align;   /* units, power of two >= the quantum */
    vmem_size_t phase;   /* units, < align, multiple of the quantum */
    vmem_size_t nocross; /* units, power of two; 0 = may cross; phase % nocross + size <= nocross */
    vmem_addr_t addr_min; /* first unit allowed */
    vmem_addr_t addr_max; /* last unit allowed, inclusive, >= addr_min */
};

/*@ predicate is_shape(struct vmi_shape *s) =
      s->size > 0 && is_pow2(s->align) && s->phase < s->align &&
      (s->nocross == 0 ||
       is_pow2(s->nocross) && s->phase % s->nocross + s->size <= s->nocross);

    predicate crosses(integer at, integer last, integer n) = n != 0 && at - at % n != last - last % n;

    predicate may_lie(struct vmi_shape *s, integer at, integer start, integer last) =
      \let end = at + (s->size - 1);
      start <= at && end <= last && s->addr_min <= at && end <= s->addr_max &&
      at % s->align == s->phase && !crosses(at, end, s->nocross);
 */

/*
 * Lowest and highest address in start .. last where the shape may lie.
 *
 * Requires  start <= last
 * Returns   true and *at, or false with *at untouched
 * Cost      O(1)
 */
/*@ requires is_shape(shape) && \valid_read(shape) && \valid(at) && \separated(at, shape);
    requires start <= last;
    assigns *at;
    ensures sound: \result ==> may_lie(shape, *at, start, last);
    ensures least: \result ==> \forall vmem_addr_t a; a < *at ==> !may_lie(shape, a, start, last);
    ensures complete: !\result ==> \forall vmem_addr_t a; !may_lie(shape, a, start, last);
    ensures untouched: !\result ==> *at == \old(*at);
 */
bool vmi_fit_lowest(
    vmem_addr_t start, vmem_addr_t last, const struct vmi_shape *shape, vmem_addr_t *at);
/*@ requires is_shape(shape) && \valid_read(shape) && \valid(at) && \separated(at, shape);
    requires start <= last;
    assigns *at;
    ensures sound: \result ==> may_lie(shape, *at, start, last);
    ensures greatest: \result ==> \forall vmem_addr_t a; a > *at ==> !may_lie(shape, a, start, last);
    ensures complete: !\result ==> \forall vmem_addr_t a; !may_lie(shape, a, start, last);
    ensures untouched: !\result ==> *at == \old(*at);
 */
bool vmi_fit_highest(
    vmem_addr_t start, vmem_addr_t last, const struct vmi_shape *shape, vmem_addr_t *at);

/*
 * The size from which on every hole has a legal place, the window aside; 0 if no size is enough.
 * At most size + align, twice that with nocross.  Cost O(1).
 */
/*@ requires is_shape(shape) && \valid_read(shape) && 0 < quantum <= shape->align;
    assigns \nothing;
    ensures guarded: \result != 0 ==> \result >= shape->size;
    ensures plain: shape->nocross <= shape->align && \result != 0 ==>
        \result == shape->size + (shape->align - quantum);
    ensures none: shape->nocross <= shape->align && \result == 0 ==>
        shape->size + (shape->align - quantum) > VMEM_SIZE_MAX;
 */
vmem_size_t vmi_fit_sufficient(const struct vmi_shape *shape, vmem_size_t quantum);

/*
 * The largest size that could lie in start .. last under the shape's align, phase, nocross and
 * window, its own size ignored; a multiple of the quantum, 0 if none.  Cost O(1).
 */
vmem_size_t vmi_fit_largest(
    vmem_addr_t start, vmem_addr_t last, const struct vmi_shape *shape, vmem_size_t quantum);

#endif
