/*
 * check - every invariant, in O(n).                                SPDX-License-Identifier: BSD-2-Clause
 *
 * The numbers are those of docs/DESIGN.md.  B, H, O and SL are checked by the structures themselves;
 * here they are tied together.  Links between tags are followed only where they lead to a tag, so that a
 * broken list gives a sentence and not a crash.
 *
 *    I0  the arena can be entered.
 *    I1  the list of tags links both ways, and each link says truly whether its end is a hole.
 *    I2  a segment is not empty, its bounds are multiples of the quantum, and it does not wrap.
 *    I3  a span's segments fill it, in ascending order, without gap or overlap.
 *    I4  two holes never touch.
 *    I5  inuse, total, imported and the counts are the sums over the list.
 *    I6  the bins hold exactly the holes.
 *    I7  the busy index holds exactly the allocations that have no handle and do not rest.
 *    I8  every tag is in the list or spare.
 *    S2  spans ascend and are exactly those in the order of spans.
 *    I9  what sums up the state of the arena for its short ways is up to date, and import_kept is the
 *        number of wholly free spans that can go back.
 *    X1  an index holds exactly the holes below its cursor.
 */
#include "inspect/inspect.h"

#include "engine/quarantine.h"
#include "engine/spans.h"

/* The sums over the list, and what is being looked at. */
struct survey {
    const struct vmem_arena *arena;
    vmem_size_t total;
    vmem_size_t imported;
    vmem_size_t busy_size;
    vmem_size_t resting_size;
    uint64_t spans;
    uint64_t holes;
    uint64_t busy;      /* resting ones not counted */
    uint64_t by_handle; /* of these */
    uint64_t resting;
    uint64_t tags;
    uint64_t kept;    /* wholly free spans that can go back */
    vmem_addr_t next; /* where the next segment of the span must start */
    vmem_size_t left; /* units of the span that its segments have yet to fill */
    vmem_addr_t span_last;
    vmem_addr_t at; /* for the report */
    uint64_t found;
    bool by_address_covers; /* the cursor of the index was not passed yet */
    bool by_size_covers;
    uint64_t by_address_holes;
    uint64_t by_size_holes;
};

static const char *
check_links(struct survey *s, uint32_t index, const struct vmi_tag *tag)
{
    const struct vmem_arena *arena = s->arena;
    const uint32_t after = vmi_tag_next(tag);
    const struct vmi_tag *next;
    bool is_hole;

    if (!vmi_tag_can_be(&arena->tags, after) || !vmi_tag_can_be(&arena->tags, vmi_tag_prev(tag))) {
        return "I1: every link leads to a tag";
    }
    next = vmi_tag(arena, after);
    if (vmi_tag_prev(next) != index) {
        return "I1: the list links both ways";
    }
    is_hole = vmi_tag_kind(next) == VMI_KIND_HOLE;
    if (((tag->next & VMI_LINK_HOLE) != 0) != is_hole) {
        return "I1: a link says truly whether its end is a hole";
    }
    is_hole = vmi_tag_kind(tag) == VMI_KIND_HOLE;
    if (((next->prev & VMI_LINK_HOLE) != 0) != is_hole) {
        return "I1: a link says truly whether its end is a hole";
    }
    return NULL;
}

static const char *
check_bounds(const struct survey *s, const struct vmi_tag *tag)
{
    if (tag->size == 0 || !vmi_range_exists(tag->start, tag->size)) {
        return "I2: a segment is not empty and does not wrap";
    }
    if (((tag->start | tag->size) & (s->arena->quantum - 1)) != 0) {
        return "I2: a segment's bounds are multiples of the quantum";
    }
    return NULL;
}

static const char *
check_header(struct survey *s, uint32_t index, const struct vmi_tag *tag)
{
    struct vmi_entry entry;

    if (s->left != 0) {
        return "I3: a span's segments fill it";
    }
    if (s->spans != 0 && tag->start <= s->span_last) {
        return "S2: spans ascend and do not overlap";
    }
    if (!vmi_order_seek_back(&s->arena->spans, tag->start, 0, &entry) || entry.tag != index ||
        entry.key != tag->start || entry.other != tag->size) {
        return "S2: every span is in the order of spans";
    }
    s->spans++;
    s->total += tag->size;
    s->imported += vmi_tag_payload(tag) == VMI_SPAN_IMPORTED ? tag->size : 0;
    s->next = tag->start;
    s->left = tag->size;
    s->span_last = vmi_tag_last(tag);
    return NULL;
}

static bool
is_in_order(const struct vmi_order *order, uint64_t key, uint64_t other, uint32_t index)
{
    struct vmi_entry entry;

    return vmi_order_seek(order, key, order->by_size ? other : 0, 0, &entry) &&
        entry.tag == index && entry.key == key && entry.other == other;
}

static const char *
check_hole(struct survey *s, uint32_t index, const struct vmi_tag *tag)
{
    s->holes++;
    s->kept += vmi_span_is_releasable(s->arena, tag) ? 1 : 0;
    if ((tag->prev & VMI_LINK_HOLE) != 0) {
        return "I4: two holes never touch";
    }
    if (s->by_address_covers) {
        s->by_address_holes++;
        if (!is_in_order(&s->arena->by_address.order, tag->start, tag->size, index)) {
            return "X1: the index by address holds the holes below its cursor";
        }
    }
    if (s->by_size_covers) {
        s->by_size_holes++;
        if (!is_in_order(&s->arena->by_size.order, tag->size, tag->start, index)) {
            return "X1: the index by size holds the holes below its cursor";
        }
    }
    return NULL;
}

static const char *
check_busy(struct survey *s, uint32_t index, const struct vmi_tag *tag)
{
    struct vmi_slot slot;
    uint32_t found;

    if (tag->extra == VMI_BUSY_RESTING) {
        s->resting++;
        s->resting_size += tag->size;
        return NULL;
    }
    s->busy++;
    s->busy_size += tag->size;
    if (vmi_tag_payload(tag) != 0) {
        s->by_handle++;
        return NULL;
    }
    found = vmi_busy_find(&s->arena->busy, &s->arena->tags, tag->start, &slot);
    return found == index ? NULL : "I7: every allocation by address is in the busy index";
}

static const char *
check_segment(struct survey *s, uint32_t index, const struct vmi_tag *tag)
{
    if (s->left == 0 || tag->start != s->next || tag->size > s->left) {
        s->found = s->next;
        return "I3: segments fill their span without gap or overlap";
    }
    s->next = tag->start + tag->size; /* past the top it wraps, and nothing is left */
    s->left -= tag->size;
    if (vmi_tag_kind(tag) == VMI_KIND_HOLE) {
        return check_hole(s, index, tag);
    }
    if (vmi_tag_kind(tag) == VMI_KIND_BUSY) {
        return check_busy(s, index, tag);
    }
    return "I3: only holes and busy segments fill a span";
}

/* From the tag of a cursor on, the index that is being built holds nothing; at the root it has all. */
static void
note_cursors(struct survey *s, uint32_t index)
{
    const struct vmem_arena *arena = s->arena;

    if (index == arena->root) {
        return;
    }
    if (index == arena->by_address.cursor.tag) {
        s->by_address_covers =
            s->by_address_covers && arena->by_address.state != VMI_INDEX_BUILDING;
    }
    if (index == arena->by_size.cursor.tag) {
        s->by_size_covers = s->by_size_covers && arena->by_size.state != VMI_INDEX_BUILDING;
    }
}

/* Walk the list once.  It ends: where every tag has one before it, only the root can come twice. */
static const char *
check_list(struct survey *s)
{
    const struct vmem_arena *arena = s->arena;
    uint32_t index = arena->root;

    do {
        const struct vmi_tag *tag = vmi_tag(arena, index);
        const char *broken;
        vmi_busy_prefetch(&arena->busy, tag->start); /* both it and the next tag are far away */
        broken = check_links(s, index, tag);
        s->at = tag->start;
        s->found = tag->size;
        s->tags++;
        note_cursors(s, index);
        if (broken == NULL && index != arena->root) {
            broken = check_bounds(s, tag);
            if (broken == NULL) {
                broken = vmi_tag_kind(tag) == VMI_KIND_SPAN ? check_header(s, index, tag)
                                                            : check_segment(s, index, tag);
            }
        }
        if (broken != NULL) {
            return broken;
        }
        index = vmi_tag_next(tag);
    } while (index != arena->root);
    return s->left == 0 ? NULL : "I3: a span's segments fill it";
}

static uint64_t
tags_in_use(const struct vmi_tags *tags)
{
    uint64_t used = 0;

    for (uint32_t number = 0; number < tags->slab.dir_count; number++) {
        used += vmi_slab_used(&tags->slab, number);
    }
    return used - tags->spare_count;
}

/* A figure of the arena against the sum over the list; both go into the report. */
static bool
differs(struct survey *s, uint64_t kept, uint64_t sum)
{
    s->at = kept;
    s->found = sum;
    return kept != sum;
}

/* What the short ways look at, against what it sums up: see vmi_note_state(). */
static const char *
check_state(struct survey *s)
{
    const struct vmem_arena *arena = s->arena;
    const bool is_moving = vmi_busy_is_moving(&arena->busy);
    const bool is_indexed =
        arena->by_address.state != VMI_INDEX_OFF || arena->by_size.state != VMI_INDEX_OFF;

    if (differs(s, arena->import_kept, s->kept)) {
        return "I9: import_kept is the number of wholly free spans that can go back";
    }
    if (differs(s, arena->is_indexed, is_indexed)) {
        return "I9: is_indexed says whether an index is not off";
    }
    if (differs(s, arena->allocs_plainly, arena->is_plain && s->kept == 0 && !is_moving)) {
        return "I9: allocs_plainly says whether an allocation may go the short way";
    }
    if (differs(s, arena->frees_plainly,
            !is_indexed && !arena->gives_back && arena->quarantine.ring == NULL && !is_moving)) {
        return "I9: frees_plainly says whether a free may go the short way";
    }
    return NULL;
}

static const char *
check_figures(struct survey *s)
{
    const struct vmem_arena *arena = s->arena;

    if (differs(s, arena->total, s->total)) {
        return "I5: total is the sum of the spans";
    }
    if (arena->gives_back && differs(s, arena->imported, s->imported)) {
        return "I5: imported is the sum of the imported spans";
    }
    if (differs(s, arena->inuse, s->busy_size)) {
        return "I5: inuse is the sum of the allocations";
    }
    if (differs(s, arena->allocs - arena->frees, s->busy)) {
        return "I5: allocations less frees is what is live";
    }
    if (differs(s, arena->hole_count, s->holes)) {
        return "I5: hole_count is the number of holes";
    }
    if (differs(s, arena->quarantine.count, s->resting) ||
        differs(s, arena->quarantine.size, s->resting_size)) {
        return "I5: the quarantine knows what rests";
    }
    if (differs(s, arena->spans.count, s->spans)) {
        return "S2: the order of spans holds nothing else";
    }
    if (differs(s, arena->busy.count, s->busy - s->by_handle)) {
        return "I7: the busy index holds nothing else";
    }
    if (differs(s, tags_in_use(&arena->tags), s->tags)) {
        return "I8: every tag is in the list or spare";
    }
    if (differs(s, arena->by_address.order.count, s->by_address_holes)) {
        return "X1: the index by address holds nothing else";
    }
    if (differs(s, arena->by_size.order.count, s->by_size_holes)) {
        return "X1: the index by size holds nothing else";
    }
    return check_state(s);
}

static const char *
check_structures(struct survey *s)
{
    const struct vmem_arena *arena = s->arena;
    const char *broken = vmi_slab_check(&arena->tags.slab);
    uint64_t holes = 0;

    broken = broken != NULL ? broken : vmi_slab_check(&arena->nodes);
    broken = broken != NULL ? broken : vmi_bins_check(&arena->bins, &arena->tags, &holes);
    broken = broken != NULL ? broken : vmi_busy_check(&arena->busy, &arena->tags);
    broken = broken != NULL ? broken : vmi_order_check(&arena->spans);
    broken = broken != NULL ? broken : vmi_order_check(&arena->by_address.order);
    broken = broken != NULL ? broken : vmi_order_check(&arena->by_size.order);
    if (broken == NULL && differs(s, arena->hole_count, holes)) {
        broken = "I6: the bins hold exactly the holes";
    }
    return broken;
}

bool
vmi_check(struct vmem_arena *arena, struct vmem_violation *violation)
{
    struct survey s = { .arena = arena };
    const char *broken;

    if (!vmi_enter(arena)) {
        *violation = (struct vmem_violation){ .invariant = "I0: the arena can be entered" };
        return false;
    }
    s.by_address_covers = arena->by_address.state != VMI_INDEX_OFF;
    s.by_size_covers = arena->by_size.state != VMI_INDEX_OFF;
    broken = check_structures(&s);
    broken = broken != NULL ? broken : check_list(&s);
    broken = broken != NULL ? broken : check_figures(&s);
    vmi_leave(arena);
    if (broken != NULL) {
        *violation = (struct vmem_violation){ .invariant = broken, .addr = s.at, .found = s.found };
    }
    return broken == NULL;
}
