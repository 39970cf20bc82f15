/*
 * request.h - from a caller's arguments to a request that can be answered.
 *                                                                  SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMI_REQUEST_H
#define VMI_REQUEST_H

#include "engine/arena.h"

/* The flags that an allocation knows. */
#define VMI_ALLOC_FLAGS (VMI_POLICY_MASK | (unsigned)(VMEM_HIGH | VMEM_NOWAIT | VMEM_WAIT))

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

/*@ // What is wrong or cannot be done, so that a refusal can be proved to be right.
    predicate are_flags(struct vmem_arena *arena, unsigned flags) =
      \let policy = flags & VMI_POLICY_MASK;
      (flags & (unsigned)~VMI_ALLOC_FLAGS) == 0 && (policy == 0 || is_pow2(policy)) &&
      ((flags & VMEM_WAIT) != 0 ==> (flags & VMEM_NOWAIT) == 0 && !arena->is_unlocked);

    predicate is_consistent(struct vmi_arguments *a, integer align, integer quantum) =
      a->size > 0 && a->addr_min <= a->addr_max &&
      is_pow2(align) && align >= quantum && a->phase < align && a->phase % quantum == 0 &&
      (a->nocross == 0 || is_pow2(a->nocross) && a->nocross >= a->size);

    predicate has_no_whole_size(integer size, integer quantum) =
      \forall vmem_size_t s; size <= s ==> s % quantum != 0;

    // In no block is there room for the size, in whole quanta, behind the phase.
    predicate fits_no_block(struct vmi_arguments *a, integer quantum) =
      a->nocross != 0 && \forall vmem_size_t s; a->size <= s && s % quantum == 0 ==>
        a->phase % a->nocross + s > a->nocross;

    // What else a request says.
    predicate is_of(struct vmem_arena *arena, struct vmi_arguments *a, struct vmi_request *r) =
      (r->policy == ((a->flags & VMI_POLICY_MASK) != 0 ? a->flags & VMI_POLICY_MASK : arena->policy)) &&
      (r->is_high <==> (a->flags & VMEM_HIGH) != 0) &&
      (r->is_shaped <==> r->shape.align > arena->quantum || a->nocross != 0) &&
      (r->is_windowed <==> a->addr_min != 0 || a->addr_max != VMEM_ADDR_MAX);

    logic integer asked_align(struct vmem_arena *arena, struct vmi_arguments *a) =
      a->align != 0 ? a->align : arena->quantum;
 */

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
/*@ requires \valid(arena) && \valid(arguments) && \valid(request);
    requires \separated(arena, arguments, request);
    requires is_pow2(arena->quantum);
    assigns *request;
    ensures \result == 0 ==> is_shape(&request->shape) && request->shape.addr_min <= request->shape.addr_max;
    ensures \result == 0 ==>
        request->shape.size >= arguments->size && request->shape.size % arena->quantum == 0 &&
        (\forall vmem_size_t s; arguments->size <= s < request->shape.size ==> s % arena->quantum != 0);
    ensures \result == 0 ==> request->shape.phase == arguments->phase &&
        request->shape.nocross == arguments->nocross &&
        request->shape.align == asked_align(arena, arguments) && request->shape.align >= arena->quantum &&
        request->shape.addr_min == arguments->addr_min && request->shape.addr_max == arguments->addr_max;
    ensures right: \result == 0 || \result == ENOTSUP ==> are_flags(arena, arguments->flags) &&
        is_consistent(arguments, asked_align(arena, arguments), arena->quantum);
    ensures wrong: \result == EINVAL ==> !are_flags(arena, arguments->flags) ||
        !is_consistent(arguments, asked_align(arena, arguments), arena->quantum) ||
        fits_no_block(arguments, arena->quantum);
    ensures none: \result == ENOMEM ==> has_no_whole_size(arguments->size, arena->quantum);
    ensures waits: \result == ENOTSUP ==> (arguments->flags & VMEM_WAIT) != 0;
    ensures stays: \result == 0 ==> (arguments->flags & VMEM_WAIT) == 0;
    ensures complete: \result == 0 ==> is_of(arena, arguments, request);
    ensures \result == 0 || \result == EINVAL || \result == ENOMEM || \result == ENOTSUP;
 */
int vmi_request_make(const struct vmem_arena *arena, const struct vmi_arguments *arguments,
    struct vmi_request *request);

/* Check the flags of an allocation: the part of vmi_request_make() that a plain one needs. */
/*@ requires \valid_read(arena);
    assigns \nothing;
    ensures \result == 0 <==> are_flags(arena, flags) && (flags & VMEM_WAIT) == 0;
    ensures \result == ENOTSUP <==> are_flags(arena, flags) && (flags & VMEM_WAIT) != 0;
    ensures \result == EINVAL <==> !are_flags(arena, flags);
 */
int vmi_request_check_flags(const struct vmem_arena *arena, unsigned flags);

#endif
