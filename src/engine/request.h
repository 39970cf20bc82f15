/*
 * request.h - from a caller's arguments to a request that can be answered.
 *                                                                  SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMI_REQUEST_H
#define VMI_REQUEST_H

#include "engine/arena.h"

struct vmi_request {
    struct vmi_shape shape;
    unsigned policy;  /* one of the VMEM_*FIT flags */
    bool is_high;     /* VMEM_HIGH */
    bool is_shaped;   /* align beyond the quantum, or nocross: not every place in a hole will do */
    bool is_windowed; /* addr_min or addr_max exclude something */
    bool imports_anywhere; /* ask a source for so much that its place does not matter */
    bool wants_handle;     /* freed by handle: no entry in the busy index */
};

/* What a caller said, before it is looked at. */
struct vmi_arguments {
    vmem_size_t size;
    vmem_size_t align;
    vmem_size_t phase;
    vmem_size_t nocross;
    vmem_addr_t addr_min;
    vmem_addr_t addr_max;
    unsigned flags;
};

/* The arguments of a constraint; NULL = anywhere. */
/*@ requires constraint == \null || \valid_read(constraint);
    assigns \nothing;
    ensures \result.size == size && \result.flags == flags;
    ensures constraint == \null ==> \result.align == 0 && \result.phase == 0 &&
        \result.nocross == 0 && \result.addr_min == 0 && \result.addr_max == VMEM_ADDR_MAX;
    ensures constraint != \null ==> \result.align == constraint->align &&
        \result.phase == constraint->phase && \result.nocross == constraint->nocross &&
        \result.addr_min == constraint->addr_min &&
        \result.addr_max == (constraint->addr_max != 0 ? constraint->addr_max : VMEM_ADDR_MAX);
 */
struct vmi_arguments vmi_arguments_of(
    vmem_size_t size, const struct vmem_constraint *constraint, unsigned flags);

/*
 * Check and complete. [C1] to [C4]
 *
 * Returns   0; EINVAL a bad or contradictory argument; ENOMEM the size cannot be rounded; ENOTSUP
 *           waiting is not supported
 */
/*@ requires \valid_read(arena) && \valid_read(arguments) && \valid(request);
    requires \separated(request, arena) && \separated(request, arguments);
    requires is_pow2(arena->quantum);
    assigns *request;
    ensures \result == 0 ==> is_shape(&request->shape) && request->shape.addr_min <= request->shape.addr_max;
    ensures \result == 0 ==>
        request->shape.size >= arguments->size && request->shape.size % arena->quantum == 0 &&
        (\forall vmem_size_t s; arguments->size <= s < request->shape.size ==> s % arena->quantum != 0);
    ensures \result == 0 ==> request->shape.phase == arguments->phase &&
        request->shape.nocross == arguments->nocross && request->shape.align >= arena->quantum &&
        request->shape.addr_min == arguments->addr_min && request->shape.addr_max == arguments->addr_max;
    ensures \result == ENOMEM ==>
        (\forall vmem_size_t s; arguments->size <= s ==> s % arena->quantum != 0);
    ensures \result == 0 || \result == EINVAL || \result == ENOMEM || \result == ENOTSUP;
 */
int vmi_request_make(const struct vmem_arena *arena, const struct vmi_arguments *arguments,
    struct vmi_request *request);

/* Check the flags of an allocation: the part of vmi_request_make() that a plain one needs. */
/*@ requires \valid_read(arena);
    assigns \nothing;
    ensures \result == 0 || \result == EINVAL || \result == ENOTSUP;
 */
int vmi_request_check_flags(const struct vmem_arena *arena, unsigned flags);

#endif
