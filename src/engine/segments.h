/*
 * segments.h - carving an allocation out of a hole, and merging it back.
 *                                                                  SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. What it is for
 *    The only place where segments change shape.  Tags, bins and indexes are kept in step here.
 *
 * 2. How it works
 *      carve   [ ------ hole ------ ]   =>   [ hole ][ busy ][ hole ]     the outer ones if not empty
 *      merge   [ hole ][ busy ][ hole ]  =>   [ ------ hole ------ ]
 *
 *    A hole that only shrinks keeps its tag, and its bin if its class stays.  vmi_carve() changes the
 *    indexes before the tags and bins.
 *
 * 3. Costs: O(1), and O(log holes) for each index in use.
 *
 * 4. Locking and failure: the arena is entered; carve has its tags reserved; neither can fail.
 */
#ifndef VMI_SEGMENTS_H
#define VMI_SEGMENTS_H

#include "engine/index.h"

/*
 * `has_index`, here and below, is arena->is_indexed, passed so that the common way, which knows that
 * there is none, does not ask again and again.
 */

/* A tag became a hole: put it into its bin and the indexes. */
static inline void
vmi_hole_insert(struct vmem_arena *arena, uint32_t index, struct vmi_tag *tag, bool has_index)
{
    vmi_bins_insert(&arena->bins, &arena->tags, index, tag);
    arena->hole_count++;
    if (VMI_UNLIKELY(has_index)) {
        vmi_index_insert(arena, index, tag->start, tag->size);
    }
}

/* A hole ceases to be one: take it out of its bin and the indexes. */
static inline void
vmi_hole_remove(struct vmem_arena *arena, uint32_t index, const struct vmi_tag *tag, bool has_index)
{
    vmi_bins_remove(&arena->bins, &arena->tags, index, tag);
    arena->hole_count--;
    if (VMI_UNLIKELY(has_index)) {
        vmi_index_remove(arena, tag->start, tag->size);
    }
}

/* A hole gets a new start and size, and stays between the same neighbours. */
static inline void
vmi_hole_resize(struct vmem_arena *arena, uint32_t index, struct vmi_tag *tag, vmem_addr_t start,
    vmem_size_t size, bool has_index)
{
    const struct vmem_range from = { .start = tag->start, .size = tag->size };
    const unsigned old_class = vmi_bins_class(&arena->bins, from.size);

    if (vmi_bins_class(&arena->bins, size) == old_class) {
        struct vmi_bin *bin = &arena->bins.bin[old_class];
        bin->size_max = size > bin->size_max ? size : bin->size_max;
        tag->start = start;
        tag->size = size;
        if (start != from.start) {
            const unsigned place = vmi_bin_place(bin, index);
            if (place < VMI_FRONT) {
                bin->start[place] = start;
            }
        }
    } else {
        vmi_bins_remove(&arena->bins, &arena->tags, index, tag);
        tag->start = start;
        tag->size = size;
        vmi_bins_insert(&arena->bins, &arena->tags, index, tag);
    }
    if (VMI_UNLIKELY(has_index)) {
        const struct vmem_range to = { .start = start, .size = size };
        vmi_index_change(arena, index, &from, &to);
    }
}

/* A hole, out of its bin already, becomes busy as a whole. */
static inline void
vmi_hole_take(struct vmem_arena *arena, uint32_t index, struct vmi_tag *hole)
{
    hole->own = vmi_tag_own(VMI_KIND_BUSY, 0);
    hole->extra = 0;
    vmi_tag(arena, hole->prev)->next = index;
    vmi_tag(arena, hole->next)->prev = index;
}

/* Put a new busy tag between a hole and what lies below it.  Returns the tag. */
static inline uint32_t
vmi_hole_precede(
    struct vmem_arena *arena, uint32_t hole_index, struct vmi_tag *hole, vmem_size_t size)
{
    const uint32_t index = vmi_tag_take(&arena->tags);
    struct vmi_tag *busy = vmi_tag(arena, index);

    busy->start = hole->start;
    busy->size = size;
    busy->prev = hole->prev;
    busy->next = hole_index | VMI_LINK_HOLE;
    busy->own = vmi_tag_own(VMI_KIND_BUSY, 0);
    busy->extra = 0;
    vmi_tag(arena, hole->prev)->next = index;
    hole->prev = index;
    return index;
}

/* The same, with units that are the hole's until then; its bin is left as it is. */
static inline uint32_t
vmi_hole_split(
    struct vmem_arena *arena, uint32_t hole_index, struct vmi_tag *hole, vmem_size_t size)
{
    const uint32_t index = vmi_hole_precede(arena, hole_index, hole, size);

    hole->start += size;
    hole->size -= size;
    return index;
}

/* Take all of a hole at a place of a bin's front. */
static VMI_INLINE void
vmi_take_front(struct vmem_arena *arena, unsigned class_index, unsigned place, uint32_t index,
    struct vmi_tag *hole)
{
    vmi_bins_remove_front(&arena->bins, &arena->tags, class_index, place);
    arena->hole_count--;
    vmi_hole_take(arena, index, hole);
}

/*
 * Carve from the low end, `start`, of the hole at a place of a bin's front: the common case.  Where the
 * class tells the hole's size, what to do is decided without a look at its tag, which may be far away.
 */
static VMI_INLINE uint32_t
vmi_carve_front(struct vmem_arena *arena, unsigned class_index, unsigned place, vmem_addr_t start,
    vmem_size_t size)
{
    struct vmi_bins *bins = &arena->bins;
    struct vmi_bin *bin = &bins->bin[class_index];
    const uint32_t hole_index = bin->front[place];
    struct vmi_tag *hole = vmi_tag(arena, hole_index);
    uint32_t index = hole_index;

    if (class_index < VMI_CLASS_EXACT) {
        const unsigned quanta = (unsigned)(size >> bins->quantum_log2);
        if (class_index == quanta) {
            vmi_take_front(arena, class_index, place, hole_index, hole);
        } else {
            vmi_bins_remove_front(bins, &arena->tags, class_index, place);
            index = vmi_hole_split(arena, hole_index, hole, size);
            hole->own = vmi_tag_own(VMI_KIND_HOLE, 0);
            vmi_bins_put(bins, &arena->tags, class_index - quanta, hole_index, start + size);
        }
    } else if (hole->size == size) {
        vmi_take_front(arena, class_index, place, hole_index, hole);
    } else {
        index = vmi_hole_split(arena, hole_index, hole, size);
        if (vmi_bins_class(bins, hole->size) == class_index) {
            bin->start[place] = start + size;
        } else {
            vmi_bins_remove_front(bins, &arena->tags, class_index, place);
            vmi_bins_insert(bins, &arena->tags, hole_index, hole);
        }
    }
    if (VMI_UNLIKELY(arena->is_indexed)) {
        const vmem_size_t right = index == hole_index ? 0 : hole->size;
        const struct vmem_range whole = { .start = start, .size = size + right };
        vmi_index_carve(arena, hole_index, &whole, NULL, 0, right, 0);
    }
    return index;
}

/*
 * Carve `size` units at `addr` out of a hole.
 *
 *   range     the hole's
 *   way       to the hole, in the index by address; NULL if it is not known
 *
 * Requires  the wanted range lies in the hole; VMI_TAGS_PER_SPLIT tags reserved
 * Returns   the tag of the busy segment, its generation 0
 */
uint32_t vmi_carve(struct vmem_arena *arena, uint32_t hole_index, const struct vmem_range *range,
    const struct vmi_way *way, vmem_addr_t addr, vmem_size_t size);

/* Make a busy segment part of the holes beside it.  Returns the hole's tag. */
VMI_NOINLINE uint32_t vmi_merge_with_holes(
    struct vmem_arena *arena, uint32_t index, struct vmi_tag *tag, bool has_index);

/* Make a busy segment a hole, or part of the holes beside it.  Returns the hole's tag. */
static VMI_INLINE uint32_t
vmi_merge(struct vmem_arena *arena, uint32_t index, struct vmi_tag *tag, bool has_index)
{
    if (VMI_UNLIKELY(has_index)) {
        vmi_prefetch(vmi_tag(arena, vmi_tag_prev(tag)), sizeof(struct vmi_tag));
        vmi_prefetch(vmi_tag(arena, vmi_tag_next(tag)), sizeof(struct vmi_tag));
    }
    if (((tag->prev | tag->next) & VMI_LINK_HOLE) != 0) {
        return vmi_merge_with_holes(arena, index, tag, has_index);
    }
    vmi_tag(arena, tag->prev)->next = index | VMI_LINK_HOLE;
    vmi_tag(arena, tag->next)->prev = index | VMI_LINK_HOLE;
    vmi_hole_insert(arena, index, tag, has_index);
    return index;
}

#endif
