/*
 * index - the holes in order; the essay is in index.h.             SPDX-License-Identifier: BSD-2-Clause
 */
#include "engine/index.h"

static void
note_state(struct vmem_arena *arena)
{
    arena->is_indexed =
        arena->by_address.state != VMI_INDEX_OFF || arena->by_size.state != VMI_INDEX_OFF;
    vmi_note_how_to_free(arena);
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

void
vmi_index_change(struct vmem_arena *arena, uint32_t tag_index, const struct vmem_range *from,
    const struct vmem_range *to)
{
    /* A hole never moves past another tag, so an index that covers it covered it before, unless it
       is the cursor's own tag, and that one is not covered in either case. */
    if (arena->by_address.state != VMI_INDEX_OFF && arena->by_address.cursor.tag != tag_index &&
        covers(arena, &arena->by_address, from->start)) {
        vmi_order_update(&arena->by_address.order, from->start, to->start, to->size, tag_index);
    }
    if (arena->by_size.state != VMI_INDEX_OFF && arena->by_size.cursor.tag != tag_index &&
        covers(arena, &arena->by_size, from->start)) {
        drop_hole(&arena->by_size, from->start, from->size);
        put_hole(arena, &arena->by_size, tag_index, to->start, to->size);
    }
}
