/*
 * spans - what an arena owns; the essay is in spans.h.             SPDX-License-Identifier: BSD-2-Clause
 */
#include "engine/spans.h"

bool
vmi_span_overlaps(const struct vmem_arena *arena, vmem_addr_t start, vmem_size_t size)
{
    struct vmi_entry entry;

    if (size == 0) {
        return false;
    }
    return vmi_order_seek_back(&arena->spans, vmi_add_saturating(start, size - 1), 0, &entry) &&
        entry.key + (entry.other - 1) >= start;
}

int
vmi_span_verdict(const struct vmem_arena *arena, vmem_addr_t start, vmem_size_t size)
{
    const vmem_size_t ceiling = arena->limit != 0 ? arena->limit : VMEM_SIZE_MAX;
    const vmem_size_t taken = vmi_add_saturating(arena->total, arena->import_asked);

    if (size == 0 || ((start | size) & (arena->quantum - 1)) != 0) {
        return EINVAL;
    }
    if (vmi_span_overlaps(arena, start, size)) {
        return EEXIST;
    }
    if (!vmi_range_exists(start, size) || taken > ceiling || size > ceiling - taken) {
        return ENOSPC;
    }
    return 0;
}

static bool
stays_apart(const struct vmi_tag *header)
{
    return vmi_tag_payload(header) == VMI_SPAN_IMPORTED;
}

/* Put a tag between two neighbours, whatever they are. */
static void
link_between(struct vmem_arena *arena, uint32_t index, uint32_t before, uint32_t after)
{
    const struct vmi_tag *low = vmi_tag(arena, before);
    const struct vmi_tag *high = vmi_tag(arena, after);
    struct vmi_tag *tag;

    vmi_tag_link(&arena->tags, index, before, after);
    tag = vmi_tag(arena, index);
    tag->prev |= vmi_tag_kind(low) == VMI_KIND_HOLE ? VMI_LINK_HOLE : 0;
    tag->next |= vmi_tag_kind(high) == VMI_KIND_HOLE ? VMI_LINK_HOLE : 0;
}

static void
unlink_tag(struct vmem_arena *arena, uint32_t index)
{
    const struct vmi_tag *tag = vmi_tag(arena, index);

    vmi_cursors_leave(arena, index, tag, vmi_tag_next(tag));
    vmi_tag(arena, vmi_tag_prev(tag))->next = tag->next;
    vmi_tag(arena, vmi_tag_next(tag))->prev = tag->prev;
    vmi_tag_give(&arena->tags, index);
}

/* The tag before which a span that starts at `start` has its header: the next span's, or the root. */
static uint32_t
header_after(const struct vmem_arena *arena, vmem_addr_t start)
{
    struct vmi_entry entry;

    return vmi_order_seek(&arena->spans, start, 0, 0, &entry) ? entry.tag : arena->root;
}

static uint32_t
header_before(const struct vmem_arena *arena, vmem_addr_t start)
{
    struct vmi_entry entry;

    return vmi_order_seek_back(&arena->spans, start, 0, &entry) ? entry.tag : 0;
}

static uint32_t
new_header(
    struct vmem_arena *arena, vmem_addr_t start, vmem_size_t size, bool is_imported, uint32_t after)
{
    const uint32_t index = vmi_tag_take(&arena->tags);
    struct vmi_tag *header = vmi_tag(arena, index);

    header->start = start;
    header->size = size;
    header->own = vmi_tag_own(VMI_KIND_SPAN, is_imported ? VMI_SPAN_IMPORTED : 0);
    header->extra = 0;
    link_between(arena, index, vmi_tag_prev(vmi_tag(arena, after)), after);
    vmi_order_insert(&arena->spans, start, size, index);
    return index;
}

/* Make room in the list of spans.  Returns the tag after which the new range's segment belongs. */
static uint32_t
extend_spans(struct vmem_arena *arena, vmem_addr_t start, vmem_size_t size, bool stays)
{
    const uint32_t after = header_after(arena, start);
    const uint32_t before = header_before(arena, start);
    struct vmi_tag *low = before != 0 ? vmi_tag(arena, before) : NULL;
    struct vmi_tag *high = after != arena->root ? vmi_tag(arena, after) : NULL;
    const vmem_addr_t last = start + (size - 1);
    const bool joins_low =
        !stays && low != NULL && !stays_apart(low) && vmi_tag_last(low) + 1 == start;
    const bool joins_high = !stays && high != NULL && !stays_apart(high) && last + 1 == high->start;

    if (joins_low && joins_high) {
        const uint32_t at = vmi_tag_prev(high);
        const vmem_size_t whole = low->size + size + high->size;
        vmi_order_remove(&arena->spans, high->start, high->size);
        unlink_tag(arena, after);
        low->size = whole;
        vmi_order_update(&arena->spans, low->start, low->start, whole, before);
        return at;
    }
    if (joins_low) {
        low->size += size;
        vmi_order_update(&arena->spans, low->start, low->start, low->size, before);
        return vmi_tag_prev(vmi_tag(arena, after));
    }
    if (joins_high) {
        const vmem_addr_t old_start = high->start;
        high->start = start;
        high->size += size;
        vmi_order_update(&arena->spans, old_start, start, high->size, after);
        return after;
    }
    return new_header(arena, start, size, stays, after);
}

void
vmi_span_add(struct vmem_arena *arena, vmem_addr_t start, vmem_size_t size, bool is_imported)
{
    const bool stays = is_imported && arena->gives_back;
    const uint32_t before = extend_spans(arena, start, size, stays);
    const uint32_t index = vmi_tag_take(&arena->tags);
    struct vmi_tag *tag = vmi_tag(arena, index);

    tag->start = start;
    tag->size = size;
    tag->own = vmi_tag_own(VMI_KIND_BUSY, 0);
    tag->extra = 0;
    link_between(arena, index, before, vmi_tag_next(vmi_tag(arena, before)));
    (void)vmi_merge(arena, index, tag, arena->is_indexed);
    arena->total += size;
    arena->imported += is_imported ? size : 0;
    vmi_keep_spans(arena, stays ? 1 : 0);
    arena->changes++;
}

bool
vmi_span_is_releasable(const struct vmem_arena *arena, const struct vmi_tag *hole)
{
    const struct vmi_tag *header = vmi_tag(arena, vmi_tag_prev(hole));

    return vmi_tag_kind(header) == VMI_KIND_SPAN && stays_apart(header) &&
        header->size == hole->size;
}

void
vmi_span_remove(struct vmem_arena *arena, uint32_t hole_index)
{
    struct vmi_tag *hole = vmi_tag(arena, hole_index);
    const uint32_t header_index = vmi_tag_prev(hole);
    const struct vmi_tag *header = vmi_tag(arena, header_index);

    VMI_ASSERT(vmi_span_is_releasable(arena, hole));
    arena->total -= header->size;
    arena->imported -= header->size;
    vmi_order_remove(&arena->spans, header->start, header->size);
    vmi_hole_remove(arena, hole_index, hole, arena->is_indexed);
    /* The hole's neighbours are headers, so no link to it needs more than its place. */
    unlink_tag(arena, hole_index);
    unlink_tag(arena, header_index);
}

uint32_t
vmi_span_of(const struct vmem_arena *arena, vmem_addr_t addr)
{
    struct vmi_entry entry;

    if (vmi_order_seek_back(&arena->spans, addr, 0, &entry) && addr - entry.key < entry.other) {
        return entry.tag;
    }
    return 0;
}
