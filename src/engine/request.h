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
struct vmi_arguments vmi_arguments_of(
    vmem_size_t size, const struct vmem_constraint *constraint, unsigned flags);

/*
 * Check and complete. [C1] to [C4]
 *
 * Returns   0; EINVAL a bad or contradictory argument; ENOMEM the size cannot be rounded; ENOTSUP
 *           waiting is not supported
 */
int vmi_request_make(const struct vmem_arena *arena, const struct vmi_arguments *arguments,
    struct vmi_request *request);

/* Check the flags of an allocation: the part of vmi_request_make() that a plain one needs. */
int vmi_request_check_flags(const struct vmem_arena *arena, unsigned flags);

#endif
