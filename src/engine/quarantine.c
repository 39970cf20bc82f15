/*
 * quarantine - freed ranges rest; the essay is in quarantine.h.    SPDX-License-Identifier: BSD-2-Clause
 */
#include "engine/quarantine.h"

static uint32_t
slot_after(const struct vmi_quarantine *q, uint32_t count)
{
    const uint32_t slot = q->first + count;

    return slot >= q->capacity ? slot - q->capacity : slot;
}

uint32_t
vmi_quarantine_pop(struct vmem_arena *arena)
{
    struct vmi_quarantine *q = &arena->quarantine;
    uint32_t index;

    if (q->count == 0) {
        return 0;
    }
    index = q->ring[q->first].tag;
    q->first = slot_after(q, 1);
    q->count--;
    q->size -= vmi_tag(arena, index)->size;
    vmi_tag(arena, index)->extra = 0;
    return index;
}

uint32_t
vmi_quarantine_leave(struct vmem_arena *arena)
{
    const struct vmi_quarantine *q = &arena->quarantine;

    if (q->count == q->capacity ||
        (q->count != 0 && q->rest_ns != 0 &&
            vmi_port_time_ns() - q->ring[q->first].since_ns >= q->rest_ns)) {
        return vmi_quarantine_pop(arena);
    }
    return 0;
}

void
vmi_quarantine_rest(struct vmem_arena *arena, uint32_t index)
{
    struct vmi_quarantine *q = &arena->quarantine;
    struct vmi_tag *tag = vmi_tag(arena, index);
    const uint64_t now = q->rest_ns != 0 ? vmi_port_time_ns() : 0;

    VMI_ASSERT(q->count < q->capacity);
    tag->own = vmi_tag_own(VMI_KIND_BUSY, 0);
    tag->extra = VMI_BUSY_RESTING;
    q->ring[slot_after(q, q->count)] = (struct vmi_resting){ .since_ns = now, .tag = index };
    q->count++;
    q->size += tag->size;
}

bool
vmi_quarantine_holds(const struct vmem_arena *arena, vmem_addr_t addr)
{
    const struct vmi_quarantine *q = &arena->quarantine;

    for (uint32_t i = 0; i < q->count; i++) {
        const struct vmi_tag *tag = vmi_tag(arena, q->ring[slot_after(q, i)].tag);
        if (addr - tag->start < tag->size) { /* of an address below, it is larger */
            return true;
        }
    }
    return false;
}
