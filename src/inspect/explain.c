/*
 * explain - why a request fails, and what would not.               SPDX-License-Identifier: BSD-2-Clause
 *
 * Every hole is judged, so the answer is exact where an allocation that fails only counts what O(1) can
 * tell.  The order of the reasons is that of an allocation: memory for tags comes first, then holes, then
 * the source.  What a source of spans or of tags would answer is not known, and neither is asked: of the
 * first it is told whether the limit lets it be asked, for as much as an import would ask for; of the second
 * nothing, unless there is none.
 */
#include "inspect/inspect.h"

#include "engine/import.h"
#include "engine/supply.h"

static const char *const reason_texts[VMEM_REASON_COUNT] = {
    [VMEM_REASON_NONE] = "it can be met",
    [VMEM_REASON_ARGUMENTS] =
        "the request is not valid: its arguments, its flags, or where it is made",
    [VMEM_REASON_ROUNDING] = "the size cannot be rounded to the quantum",
    [VMEM_REASON_SPACE] = "fewer units are free than asked for",
    [VMEM_REASON_FRAGMENTS] = "no hole is large enough",
    [VMEM_REASON_WINDOW] = "no hole in the window is large enough",
    [VMEM_REASON_ALIGNMENT] = "the holes that are large enough are misaligned or cross a boundary",
    [VMEM_REASON_LIMIT] = "the limit forbids the arena to grow",
    [VMEM_REASON_IMPORT] = "the source gave nothing that helps",
    [VMEM_REASON_TAGS] = "no memory for tags",
};

const char *
vmi_reason_text(enum vmem_reason reason)
{
    return (unsigned)reason < VMEM_REASON_COUNT ? reason_texts[reason] : "unknown reason";
}

/* Units of a hole that lie in the window. */
static vmem_size_t
clipped_size(const struct vmem_range *hole, const struct vmi_shape *shape)
{
    const vmem_addr_t last = hole->start + (hole->size - 1);
    const vmem_addr_t low = hole->start > shape->addr_min ? hole->start : shape->addr_min;
    const vmem_addr_t high = last < shape->addr_max ? last : shape->addr_max;

    return low <= high ? vmi_add_saturating(high - low, 1) : 0;
}

/* Judge one hole. */
static void
consider_hole(const struct vmem_arena *arena, const struct vmem_range *hole,
    const struct vmi_shape *shape, struct vmem_explanation *e)
{
    const vmem_addr_t last = hole->start + (hole->size - 1);
    const vmem_size_t possible = vmi_fit_largest(hole->start, last, shape, arena->quantum);
    vmem_addr_t ignored;

    e->holes++;
    e->largest_hole = hole->size > e->largest_hole ? hole->size : e->largest_hole;
    e->largest_possible = possible > e->largest_possible ? possible : e->largest_possible;
    if (hole->size < shape->size) {
        return;
    }
    e->holes_large_enough++;
    e->holes_in_window += clipped_size(hole, shape) >= shape->size ? 1 : 0;
    e->holes_fitting += vmi_fit_lowest(hole->start, last, shape, &ignored) ? 1 : 0;
}

/* Judge all holes; what rests in quarantine is free, and makes one with the holes beside it. */
static void
consider_all(
    const struct vmem_arena *arena, const struct vmi_shape *shape, struct vmem_explanation *e)
{
    struct vmem_range run = { 0, 0 };
    uint32_t index = arena->root;

    do {
        const struct vmi_tag *tag;
        index = vmi_tag_next(vmi_tag(arena, index));
        tag = vmi_tag(arena, index);
        if (vmi_tag_is_free(tag)) {
            run.start = run.size == 0 ? tag->start : run.start;
            run.size += tag->size;
        } else if (run.size != 0) {
            consider_hole(arena, &run, shape, e);
            run.size = 0;
        }
    } while (index != arena->root);
}

/* An allocation would find no tags, and has nobody to ask for more.  Entered, and stays so. */
VMI_ENTERED static bool
lacks_tags(struct vmem_arena *arena)
{
    const struct vmi_needs needs = { .tags = VMI_TAGS_PER_SPLIT, .busy_entry = true };

    if (arena->supply.source.get != NULL) {
        return false;
    }
    if (!vmi_busy_is_moving(&arena->busy) && vmi_supply_is_ample(arena)) {
        return false;
    }
    return vmi_supply_needs(arena, &needs) != 0;
}

/* What the source has to do with it; NONE: there is none, or nothing that it gives could help. */
VMI_ENTERED static enum vmem_reason
reason_of_source(const struct vmem_arena *arena, const struct vmi_request *request)
{
    struct vmi_import import;

    if (vmi_import_plan(arena, request, &import) != 0) {
        return VMEM_REASON_NONE;
    }
    return import.want.size <= vmi_import_room(arena) ? VMEM_REASON_IMPORT : VMEM_REASON_LIMIT;
}

VMI_ENTERED static enum vmem_reason
reason_from(const struct vmem_arena *arena, const struct vmi_request *request,
    const struct vmem_explanation *e)
{
    enum vmem_reason reason;

    if (e->holes_fitting != 0) {
        return VMEM_REASON_NONE;
    }
    reason = reason_of_source(arena, request);
    if (reason != VMEM_REASON_NONE) {
        return reason;
    }
    if (e->free_size < e->size_rounded) {
        return VMEM_REASON_SPACE;
    }
    if (e->holes_large_enough == 0) {
        return VMEM_REASON_FRAGMENTS;
    }
    return e->holes_in_window == 0 ? VMEM_REASON_WINDOW : VMEM_REASON_ALIGNMENT;
}

void
vmi_explain(struct vmem_arena *arena, vmem_size_t size, const struct vmem_constraint *constraint,
    unsigned flags, struct vmem_explanation *e)
{
    const struct vmi_arguments arguments = vmi_arguments_of(size, constraint, flags);
    struct vmi_request request;

    *e = (struct vmem_explanation){ 0 };
    e->status = vmi_request_make(arena, &arguments, &request);
    if (e->status != 0) {
        e->reason = e->status == ENOMEM ? VMEM_REASON_ROUNDING : VMEM_REASON_ARGUMENTS;
        return;
    }
    e->size_rounded = request.shape.size;
    if (!vmi_enter(arena)) {
        e->status = EBUSY;
        e->reason = VMEM_REASON_ARGUMENTS;
        return;
    }
    e->free_size = arena->total - arena->inuse;
    consider_all(arena, &request.shape, e);
    e->reason = lacks_tags(arena) ? VMEM_REASON_TAGS : reason_from(arena, &request, e);
    e->status = e->reason == VMEM_REASON_NONE ? 0 : ENOMEM;
    vmi_leave(arena);
}
