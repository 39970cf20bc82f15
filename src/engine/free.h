/*
 * free.h - taking an allocation back.                              SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMI_FREE_H
#define VMI_FREE_H

#include "engine/segments.h"

/* A span that an arena let go, and where it goes. */
struct vmi_released {
    struct vmem_range range; /* size 0 = none */
    struct vmem_arena *arena;
    vmem_release_fn *release_fn;
    void *arg;
};

/* Free by address, or by handle; misuse is reported here.  Gives spans back to their sources. */
VMI_OUTSIDE void vmi_free(struct vmem_arena *arena, vmem_addr_t addr, vmem_size_t size);
VMI_OUTSIDE void vmi_free_handle(struct vmem_arena *arena, vmem_handle_t handle);

/* The tag of a live handle; 0 if it is stale or never was one.  The arena is entered. */
static inline uint32_t
vmi_handle_tag(const struct vmem_arena *arena, vmem_handle_t handle)
{
    const uint32_t index = (uint32_t)handle;
    const uint32_t generation = (uint32_t)(handle >> 32);
    const struct vmi_tag *tag;

    if (generation == 0 || generation > VMI_OWN_PAYLOAD || !vmi_tag_can_be(&arena->tags, index)) {
        return 0;
    }
    tag = vmi_tag(arena, index);
    return tag->own == vmi_tag_own(VMI_KIND_BUSY, generation) ? index : 0;
}

/* Make a busy segment free, in no index any more; a span that became wholly free is let go. */
VMI_ENTERED void vmi_free_segment(
    struct vmem_arena *arena, uint32_t index, struct vmi_released *released);

/* Let a wholly free span go that the arena had kept.  *released: size 0 if there is none.  Entered. */
VMI_ENTERED void vmi_free_kept_span(struct vmem_arena *arena, struct vmi_released *released);

/*
 * Give the wholly free spans back that the arena keeps, but for so many.  The arena is entered, and left
 * meanwhile.  True if there was one.
 */
VMI_ENTERED bool vmi_trim_kept_spans(struct vmem_arena *arena, unsigned keep);

/* Give a span back to where it came from, and so on up: no recursion.  No lock is held. */
VMI_OUTSIDE void vmi_give_back(const struct vmi_released *released);

/* Free all that rests in quarantine.  The arena is entered, and left meanwhile where spans go back. */
VMI_ENTERED bool vmi_drain(struct vmem_arena *arena);

#endif
