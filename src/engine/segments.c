/*
 * segments - carving and merging; the essay is in segments.h.      SPDX-License-Identifier: BSD-2-Clause
 */
#include "engine/segments.h"

VMI_NOINLINE void
vmi_index_carved(struct vmem_arena *arena, uint32_t index, uint32_t hole_index, vmem_addr_t start)
{
    if (index == hole_index) {
        vmi_index_remove(arena, hole_index);
    } else {
        const struct vmi_tag *hole = vmi_tag(arena, hole_index);
        vmi_index_change(arena, hole_index, start, hole->size + (hole->start - start));
    }
}

/* Carve from the hole's low end: [ hole ] => [ busy ][ hole ], or all of it. */
static uint32_t
carve_low(struct vmem_arena *arena, uint32_t hole_index, vmem_size_t size)
{
    struct vmi_tag *hole = vmi_tag(arena, hole_index);
    uint32_t index;

    if (hole->size == size) {
        vmi_hole_remove(arena, hole_index, hole, arena->is_indexed);
        vmi_hole_take(arena, hole_index, hole);
        return hole_index;
    }
    index = vmi_hole_precede(arena, hole_index, hole, size);
    vmi_hole_resize(
        arena, hole_index, hole, hole->start + size, hole->size - size, arena->is_indexed);
    return index;
}

/* Carve from the hole's high end: [ hole ] => [ hole ][ busy ]. */
static uint32_t
carve_high(struct vmem_arena *arena, uint32_t hole_index, vmem_size_t size)
{
    struct vmi_tag *hole = vmi_tag(arena, hole_index);
    const uint32_t index = vmi_tag_take(&arena->tags);
    struct vmi_tag *busy = vmi_tag(arena, index);

    busy->start = hole->start + (hole->size - size);
    busy->size = size;
    busy->prev = hole_index | VMI_LINK_HOLE;
    busy->next = hole->next;
    busy->own = vmi_tag_own(VMI_KIND_BUSY, 0);
    busy->extra = 0;
    vmi_tag(arena, hole->next)->prev = index;
    hole->next = index;
    vmi_hole_resize(arena, hole_index, hole, hole->start, hole->size - size, arena->is_indexed);
    return index;
}

uint32_t
vmi_carve(struct vmem_arena *arena, uint32_t hole_index, vmem_addr_t addr, vmem_size_t size)
{
    struct vmi_tag *hole = vmi_tag(arena, hole_index);
    const vmem_size_t left = addr - hole->start;
    const vmem_size_t right = hole->size - left - size;
    uint32_t index;
    uint32_t high_index;
    struct vmi_tag *high;

    VMI_ASSERT(vmi_tag_kind(hole) == VMI_KIND_HOLE && addr >= hole->start && size > 0);
    VMI_ASSERT(left <= hole->size && size <= hole->size - left);
    if (left == 0) {
        return carve_low(arena, hole_index, size);
    }
    if (right == 0) {
        return carve_high(arena, hole_index, size);
    }
    /* Cut the hole in two first: its upper part, then the range at the lower part's high end. */
    high_index = vmi_tag_take(&arena->tags);
    high = vmi_tag(arena, high_index);
    high->start = addr + size;
    high->size = right;
    high->next = hole->next;
    vmi_tag(arena, hole->next)->prev = high_index | VMI_LINK_HOLE;
    hole->next = high_index;
    vmi_hole_resize(arena, hole_index, hole, hole->start, left + size, arena->is_indexed);
    index = carve_high(arena, hole_index, size);
    high->prev = index;
    vmi_tag(arena, index)->next = high_index | VMI_LINK_HOLE;
    vmi_hole_insert(arena, high_index, high, arena->is_indexed);
    return index;
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
