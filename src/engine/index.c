/*
 * index - the holes in order; the essay is in index.h.             SPDX-License-Identifier: BSD-2-Clause
 */
#include "engine/index.h"

#include "structures/order_load.h"

static void
note_state(struct vmem_arena *arena)
{
    arena->is_indexed =
        arena->by_address.state != VMI_INDEX_OFF || arena->by_size.state != VMI_INDEX_OFF;
    vmi_note_state(arena);
}

void
vmi_index_want(struct vmem_arena *arena, struct vmi_index *index)
{
    if (index->state != VMI_INDEX_OFF) {
        return;
    }
    index->state = VMI_INDEX_BUILDING;
    vmi_cursor_add(arena, &index->cursor);
    note_state(arena);
}

void
vmi_index_drop(struct vmem_arena *arena, struct vmi_index *index)
{
    if (index->state == VMI_INDEX_BUILDING) {
        vmi_cursor_remove(arena, &index->cursor);
    }
    vmi_order_clear(&index->order);
    index->state = VMI_INDEX_OFF;
    note_state(arena);
}

/* Does the index hold a hole that starts at `start`, or should it? */
static bool
covers(const struct vmem_arena *arena, const struct vmi_index *index, vmem_addr_t start)
{
    return index->state == VMI_INDEX_READY ||
        (index->state == VMI_INDEX_BUILDING &&
            (index->cursor.tag == arena->root || start < vmi_tag(arena, index->cursor.tag)->start));
}

static void
put_hole(struct vmem_arena *arena, struct vmi_index *index, uint32_t tag_index, vmem_addr_t start,
    vmem_size_t size)
{
    if (VMI_UNLIKELY(arena->nodes.free_count < vmi_order_need(&index->order))) {
        vmi_index_drop(arena, index);
    } else if (index->order.by_size) {
        vmi_order_insert(&index->order, size, start, tag_index);
    } else {
        vmi_order_insert(&index->order, start, size, tag_index);
    }
}

static void
drop_hole(struct vmi_index *index, vmem_addr_t start, vmem_size_t size)
{
    if (index->order.by_size) {
        vmi_order_remove(&index->order, size, start);
    } else {
        vmi_order_remove(&index->order, start, size);
    }
}

bool
vmi_index_advance(struct vmem_arena *arena, struct vmi_index *index, uint64_t tags)
{
    while (index->state == VMI_INDEX_BUILDING && tags-- > 0) {
        const uint32_t tag_index = index->cursor.tag;
        const struct vmi_tag *tag = vmi_tag(arena, tag_index);
        if (tag_index == arena->root) {
            vmi_cursor_remove(arena, &index->cursor);
            index->state = VMI_INDEX_READY;
            break;
        }
        if (vmi_tag_kind(tag) == VMI_KIND_HOLE) {
            if (arena->nodes.free_count < vmi_order_need(&index->order)) {
                return false;
            }
            put_hole(arena, index, tag_index, tag->start, tag->size);
        }
        index->cursor.tag = vmi_tag_next(tag);
    }
    return true;
}

uint64_t
vmi_index_load_least(const struct vmem_arena *arena)
{
    return vmi_load_least(arena->hole_count);
}

uint64_t
vmi_index_load_ample(const struct vmem_arena *arena)
{
    return vmi_load_ample(arena->hole_count);
}

/* Add the holes among the tags of one chunk. */
static void
load_chunk(struct vmi_load *load, const struct vmi_chunk *chunk, bool by_size)
{
    const struct vmi_tag *tags = (const struct vmi_tag *)(const void *)chunk;
    const uint32_t index = chunk->number << (VMI_CHUNK_LOG2 - VMI_TAG_LOG2);

    for (uint32_t slot = chunk->slot_first; slot < chunk->fresh; slot++) {
        const struct vmi_tag *tag = &tags[slot];
        if (vmi_tag_kind(tag) == VMI_KIND_HOLE) {
            vmi_load_add(load, by_size ? tag->size : tag->start, by_size ? tag->start : tag->size,
                index + slot);
        }
    }
}

void
vmi_index_load(struct vmem_arena *arena, struct vmi_index *index)
{
    struct vmi_load load;

    VMI_ASSERT(index->state == VMI_INDEX_OFF);
    VMI_ASSERT(arena->nodes.free_count >= vmi_index_load_least(arena));
    vmi_load_begin(&load, &index->order);
    for (uint32_t number = 0; number < arena->tags.slab.dir_count; number++) {
        const struct vmi_chunk *chunk = vmi_slab_chunk(&arena->tags.slab, number);
        if (chunk != NULL) {
            load_chunk(&load, chunk, index->order.by_size);
        }
    }
    VMI_ASSERT(load.count == arena->hole_count);
    vmi_load_end(&load);
    index->cursor.tag = arena->root; /* it may have been elsewhere, in a build that was given up */
    index->state = VMI_INDEX_READY;
    note_state(arena);
}

uint32_t
vmi_index_need(const struct vmem_arena *arena)
{
    uint32_t need = 0;

    need += arena->by_address.state != VMI_INDEX_OFF ? vmi_order_need(&arena->by_address.order) : 0;
    need += arena->by_size.state != VMI_INDEX_OFF ? vmi_order_need(&arena->by_size.order) : 0;
    return need;
}

void
vmi_index_insert(struct vmem_arena *arena, uint32_t tag_index, vmem_addr_t start, vmem_size_t size)
{
    if (covers(arena, &arena->by_address, start)) {
        put_hole(arena, &arena->by_address, tag_index, start, size);
    }
    if (covers(arena, &arena->by_size, start)) {
        put_hole(arena, &arena->by_size, tag_index, start, size);
    }
}

void
vmi_index_remove(struct vmem_arena *arena, vmem_addr_t start, vmem_size_t size)
{
    if (covers(arena, &arena->by_address, start)) {
        drop_hole(&arena->by_address, start, size);
    }
    if (covers(arena, &arena->by_size, start)) {
        drop_hole(&arena->by_size, start, size);
    }
}

/*
 * Does the index hold this hole, which may be about to change?  A hole never moves past another tag, so
 * an index that covers it covered it before, unless it is the cursor's own tag, and that one is not
 * covered in either case.
 */
static bool
holds(const struct vmem_arena *arena, const struct vmi_index *index, uint32_t tag_index,
    vmem_addr_t start)
{
    return index->state != VMI_INDEX_OFF && index->cursor.tag != tag_index &&
        covers(arena, index, start);
}

void
vmi_index_change(struct vmem_arena *arena, uint32_t tag_index, const struct vmem_range *from,
    const struct vmem_range *to)
{
    if (holds(arena, &arena->by_address, tag_index, from->start)) {
        vmi_order_update(&arena->by_address.order, from->start, to->start, to->size, tag_index);
    }
    if (holds(arena, &arena->by_size, tag_index, from->start)) {
        drop_hole(&arena->by_size, from->start, from->size);
        put_hole(arena, &arena->by_size, tag_index, to->start, to->size);
    }
}

static void
carve_by_address(struct vmem_arena *arena, uint32_t hole_index, const struct vmi_way *way,
    const struct vmem_range *low, const struct vmem_range *high, uint32_t high_index)
{
    struct vmi_order *order = &arena->by_address.order;

    if (low->size == 0 && high->size == 0) {
        vmi_order_remove_here(order, way);
    } else if (low->size == 0) {
        vmi_order_update_here(order, way, high->start, high->size, hole_index);
    } else {
        vmi_order_update_here(order, way, low->start, low->size, hole_index);
        if (high->size != 0) {
            if (VMI_UNLIKELY(arena->nodes.free_count < vmi_order_need(order))) {
                vmi_index_drop(arena, &arena->by_address);
            } else {
                vmi_order_insert_here(order, way, high->start, high->size, high_index);
            }
        }
    }
}

static void
carve_by_size(struct vmem_arena *arena, uint32_t hole_index, const struct vmem_range *hole,
    const struct vmem_range *low, const struct vmem_range *high, uint32_t high_index)
{
    struct vmi_index *index = &arena->by_size;

    drop_hole(index, hole->start, hole->size);
    if (low->size != 0) {
        put_hole(arena, index, hole_index, low->start, low->size);
    }
    if (high->size != 0 && index->state != VMI_INDEX_OFF) {
        put_hole(arena, index, low->size != 0 ? high_index : hole_index, high->start, high->size);
    }
}

void
vmi_index_carve(struct vmem_arena *arena, uint32_t hole_index, const struct vmem_range *hole,
    const struct vmi_way *way, vmem_size_t left, vmem_size_t right, uint32_t high_index)
{
    const struct vmem_range low = { .start = hole->start, .size = left };
    const struct vmem_range high = { .start = hole->start + (hole->size - right), .size = right };
    struct vmi_way found;

    if (holds(arena, &arena->by_address, hole_index, hole->start)) {
        if (way == NULL) {
            vmi_order_go(&arena->by_address.order, hole->start, 0, &found);
            way = &found;
        }
        carve_by_address(arena, hole_index, way, &low, &high, high_index);
    }
    if (holds(arena, &arena->by_size, hole_index, hole->start)) {
        carve_by_size(arena, hole_index, hole, &low, &high, high_index);
    }
}
