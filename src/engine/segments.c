/*
 * segments - carving and merging; the essay is in segments.h.      SPDX-License-Identifier: BSD-2-Clause
 */
#include "engine/segments.h"

/* All of the hole: [ hole ] => [ busy ]. */
static uint32_t
carve_whole(struct vmem_arena *arena, uint32_t hole_index)
{
    struct vmi_tag *hole = vmi_tag(arena, hole_index);

    vmi_hole_remove(arena, hole_index, hole, false);
    vmi_hole_take(arena, hole_index, hole);
    return hole_index;
}

/* From the hole's low end: [ hole ] => [ busy ][ hole ]. */
static uint32_t
carve_low(struct vmem_arena *arena, uint32_t hole_index, vmem_size_t size)
{
    struct vmi_tag *hole = vmi_tag(arena, hole_index);
    const uint32_t index = vmi_hole_precede(arena, hole_index, hole, size);

    vmi_hole_resize(arena, hole_index, hole, hole->start + size, hole->size - size, false);
    return index;
}

/* From the hole's middle, or its high end: [ hole ] => [ hole ][ busy ][ hole ], or without the last. */
static uint32_t
carve_high(struct vmem_arena *arena, uint32_t hole_index, vmem_size_t left, vmem_size_t size,
    uint32_t high_index)
{
    struct vmi_tag *hole = vmi_tag(arena, hole_index);
    const uint32_t index = vmi_tag_take(&arena->tags);
    struct vmi_tag *busy = vmi_tag(arena, index);
    const vmem_size_t right = hole->size - left - size;

    busy->start = hole->start + left;
    busy->size = size;
    busy->prev = hole_index | VMI_LINK_HOLE;
    busy->next = hole->next;
    busy->own = vmi_tag_own(VMI_KIND_BUSY, 0);
    busy->extra = 0;
    if (right == 0) {
        vmi_tag(arena, hole->next)->prev = index;
    } else {
        struct vmi_tag *high = vmi_tag(arena, high_index);
        high->start = busy->start + size;
        high->size = right;
        high->prev = index;
        high->next = hole->next;
        vmi_tag(arena, hole->next)->prev = high_index | VMI_LINK_HOLE;
        busy->next = high_index | VMI_LINK_HOLE;
    }
    hole->next = index;
    vmi_hole_resize(arena, hole_index, hole, hole->start, left, false);
    if (right != 0) {
        vmi_hole_insert(arena, high_index, vmi_tag(arena, high_index), false);
    }
    return index;
}

uint32_t
vmi_carve(struct vmem_arena *arena, uint32_t hole_index, const struct vmem_range *range,
    const struct vmi_way *way, vmem_addr_t addr, vmem_size_t size)
{
    const vmem_size_t left = addr - range->start;
    const vmem_size_t right = range->size - left - size;
    uint32_t high_index = 0;

    VMI_ASSERT(addr >= range->start && size > 0);
    VMI_ASSERT(left <= range->size && size <= range->size - left);
    if (left != 0 && right != 0) {
        high_index = vmi_tag_take(&arena->tags);
    }
    if (arena->is_indexed) {
        /* The indexes need no tag: they change while the hole's is on its way. */
        vmi_prefetch(vmi_tag(arena, hole_index), sizeof(struct vmi_tag));
        vmi_index_carve(arena, hole_index, range, way, left, right, high_index);
    }
    VMI_ASSERT(vmi_tag_kind(vmi_tag(arena, hole_index)) == VMI_KIND_HOLE);
    VMI_ASSERT(vmi_tag(arena, hole_index)->start == range->start &&
        vmi_tag(arena, hole_index)->size == range->size);
    if (left != 0) {
        return carve_high(arena, hole_index, left, size, high_index);
    }
    return right != 0 ? carve_low(arena, hole_index, size) : carve_whole(arena, hole_index);
}

VMI_NOINLINE uint32_t
vmi_merge_with_holes(struct vmem_arena *arena, uint32_t index, struct vmi_tag *tag, bool has_index)
{
    const uint32_t before = vmi_tag_prev(tag);
    const uint32_t after = vmi_tag_next(tag);
    struct vmi_tag *low;
    struct vmi_tag *high;

    vmi_cursors_leave(arena, index, tag, (tag->prev & VMI_LINK_HOLE) != 0 ? before : after);
    if ((tag->next & VMI_LINK_HOLE) == 0) {
        low = vmi_tag(arena, before);
        low->next = after;
        vmi_tag(arena, after)->prev = before | VMI_LINK_HOLE;
        vmi_hole_resize(arena, before, low, low->start, low->size + tag->size, has_index);
        vmi_tag_give(&arena->tags, index);
        return before;
    }
    high = vmi_tag(arena, after);
    if ((tag->prev & VMI_LINK_HOLE) == 0) {
        high->prev = before;
        vmi_tag(arena, before)->next = after | VMI_LINK_HOLE;
        vmi_hole_resize(arena, after, high, tag->start, high->size + tag->size, has_index);
        vmi_tag_give(&arena->tags, index);
        return after;
    }
    low = vmi_tag(arena, before);
    vmi_hole_remove(arena, after, high, has_index);
    vmi_cursors_leave(arena, after, high, before);
    low->next = high->next;
    vmi_tag(arena, high->next)->prev = before | VMI_LINK_HOLE;
    vmi_hole_resize(arena, before, low, low->start, low->size + tag->size + high->size, has_index);
    vmi_tag_give(&arena->tags, after);
    vmi_tag_give(&arena->tags, index);
    return before;
}
