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

/*
 * Lowest and highest address in start .. last where the shape may lie.
 *
 * Requires  start <= last
 * Returns   true and *at, or false with *at untouched
 * Cost      O(1)
 */
bool vmi_fit_lowest(
    vmem_addr_t start, vmem_addr_t last, const struct vmi_shape *shape, vmem_addr_t *at);
bool vmi_fit_highest(
    vmem_addr_t start, vmem_addr_t last, const struct vmi_shape *shape, vmem_addr_t *at);

/*
 * The size from which on every hole has a legal place, the window aside; 0 if no size is enough.
 * At most size + align, twice that with nocross.  Cost O(1).
 */
vmem_size_t vmi_fit_sufficient(const struct vmi_shape *shape, vmem_size_t quantum);

/*
 * The largest size that could lie in start .. last under the shape's align, phase, nocross and
 * window, its own size ignored; a multiple of the quantum, 0 if none.  Cost O(1).
 */
vmem_size_t vmi_fit_largest(
    vmem_addr_t start, vmem_addr_t last, const struct vmi_shape *shape, vmem_size_t quantum);

#endif
