/*
 * alloc.h - the way of an allocation.                              SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMI_ALLOC_H
#define VMI_ALLOC_H

#include "engine/choose_hole.h"
#include "engine/supply.h"

/* Internal status of vmi_alloc_quickly(). */
#define VMI_LONG_WAY (-1)

struct vmi_result {
    vmem_addr_t addr;
    vmem_handle_t handle; /* if it was asked for */
};

/*
 * Allocate: try, drain, import, reclaim, try again.  No lock is held.
 *
 * Returns   0 and *result; ENOMEM no place or no memory for tags; EBUSY re-entered, reported
 */
VMI_OUTSIDE int vmi_alloc(
    struct vmem_arena *arena, const struct vmi_request *request, struct vmi_result *result);

/* Count a refused request. */
VMI_OUTSIDE void vmi_count_failure(struct vmem_arena *arena, enum vmem_reason reason);

/* The books of an allocation whose segment is carved. */
static inline void
vmi_account_alloc(struct vmem_arena *arena, vmem_size_t size)
{
    arena->inuse += size;
    arena->inuse_peak = arena->inuse > arena->inuse_peak ? arena->inuse : arena->inuse_peak;
    arena->allocs++;
}

static inline vmem_handle_t
vmi_handle_make(struct vmem_arena *arena, uint32_t index)
{
    arena->generation = (arena->generation + 1) & VMI_OWN_PAYLOAD;
    if (VMI_UNLIKELY(arena->generation == 0)) {
        arena->generation = 1;
    }
    vmi_tag(arena, index)->own = vmi_tag_own(VMI_KIND_BUSY, arena->generation);
    return (vmem_handle_t)arena->generation << 32 | index;
}

/*
 * The short way: no constraints, instant fit, everything at hand, a larger class has a hole.
 *
 *   size     a multiple of the quantum, > 0
 *   Returns  0; VMI_LONG_WAY nothing was done, take the long way; EBUSY re-entered, reported
 */
VMI_OUTSIDE static VMI_INLINE int
vmi_alloc_quickly(
    struct vmem_arena *arena, vmem_size_t size, vmem_addr_t *addr, vmem_handle_t *handle)
{
    unsigned found = VMI_CLASS_NONE;
    unsigned place;
    vmem_addr_t start;
    uint32_t index;

    if (VMI_UNLIKELY(!vmi_enter(arena))) {
        return EBUSY;
    }
    if (VMI_LIKELY(arena->allocs_plainly && vmi_supply_is_ample(arena))) {
        found = vmi_bins_first(&arena->bins, vmi_class_sufficient(size >> arena->quantum_log2));
    }
    if (VMI_UNLIKELY(found == VMI_CLASS_NONE)) {
        vmi_leave(arena);
        return VMI_LONG_WAY;
    }
    place = vmi_bin_lowest(&arena->bins.bin[found]);
    start = arena->bins.bin[found].start[place]; /* known before the tag is */
    if (VMI_UNLIKELY(arena->is_indexed)) {
        vmi_prefetch(vmi_tag(arena, arena->bins.bin[found].front[place]), sizeof(struct vmi_tag));
        vmi_index_approach(arena, start);
    }
    index = vmi_carve_front(arena, found, place, start, size);
    if (handle != NULL) {
        *handle = vmi_handle_make(arena, index);
    } else {
        vmi_busy_insert(&arena->busy, start, index);
    }
    *addr = start;
    vmi_account_alloc(arena, size);
    vmi_leave(arena);
    return 0;
}

#endif
