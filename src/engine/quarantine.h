/*
 * quarantine.h - freed ranges rest before they can be used again.  SPDX-License-Identifier: BSD-2-Clause
 *
 * Hardened arenas keep a ring of the last frees.  A resting range is still a busy segment to its
 * neighbours, but no longer in the busy index, so freeing it again is detected; in all figures it counts
 * as free.  It leaves the ring when as many frees as the ring is long came after it, when its time is
 * over, or when an allocation would fail: quarantine never costs a success.
 */
#ifndef VMI_QUARANTINE_H
#define VMI_QUARANTINE_H

#include "engine/segments.h"

struct vmi_resting {
    uint64_t since_ns;
    uint32_t tag;
};

/* Put a busy segment, which is in no index any more, to rest.  Requires: the ring is not full. */
void vmi_quarantine_rest(struct vmem_arena *arena, uint32_t index);

/* Take a segment out that has rested enough; 0 if there is none.  Makes room in a full ring. */
uint32_t vmi_quarantine_leave(struct vmem_arena *arena);

/* Take the oldest segment out, 0 if there is none; its time does not matter. */
uint32_t vmi_quarantine_pop(struct vmem_arena *arena);

/* Is the unit in a resting range? */
bool vmi_quarantine_holds(const struct vmem_arena *arena, vmem_addr_t addr);

#endif
