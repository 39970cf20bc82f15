/*
 * walk - visiting segments while the arena changes.                SPDX-License-Identifier: BSD-2-Clause
 *
 * A cursor stands on the next tag to visit; whoever removes a tag moves the cursors that stand on it
 * (engine/arena.h).  Some segments at a time are copied with the lock held and shown to the visitor
 * without it; the lock is left after so many tags, too, when few of them are of a wanted type.  What
 * lies below the place already reached is clipped, so no unit is visited twice.
 */
#include "inspect/inspect.h"

enum {
    BATCH = 16,     /* segments that are copied at a time */
    TAGS_MAX = 256, /* tags that are looked at under one hold of the lock */
};

struct progress {
    struct vmi_cursor cursor;
    vmem_addr_t reached; /* last unit visited */
    bool has_begun;
};

/* Describe a tag, without what was visited before.  False: nothing of it is left. */
static bool
describe(const struct vmi_tag *tag, const struct progress *progress, struct vmem_segment *segment)
{
    const bool is_span = vmi_tag_kind(tag) == VMI_KIND_SPAN;

    *segment = (struct vmem_segment){
        .start = tag->start,
        .size = tag->size,
        .type = is_span            ? VMEM_SPAN
            : vmi_tag_is_free(tag) ? VMEM_FREE
                                   : VMEM_ALLOC,
        .imported = is_span && vmi_tag_payload(tag) == VMI_SPAN_IMPORTED,
    };
    if (!is_span && progress->has_begun && tag->start <= progress->reached) {
        const vmem_addr_t last = vmi_tag_last(tag);
        if (last <= progress->reached) {
            return false;
        }
        segment->start = progress->reached + 1;
        segment->size = last - progress->reached;
    }
    return true;
}

/* Copy up to BATCH segments of the wanted types; it may be none of TAGS_MAX tags.  Entered. */
static unsigned
copy_batch(const struct vmem_arena *arena, unsigned typemask, struct progress *progress,
    struct vmem_segment *batch)
{
    unsigned count = 0;
    unsigned left = TAGS_MAX;

    while (count < BATCH && left > 0 && progress->cursor.tag != arena->root) {
        const struct vmi_tag *tag = vmi_tag(arena, progress->cursor.tag);
        if (describe(tag, progress, &batch[count])) {
            if (batch[count].type != VMEM_SPAN) {
                progress->reached = vmi_tag_last(tag);
                progress->has_begun = true;
            }
            count += (batch[count].type & typemask) != 0 ? 1 : 0;
        }
        progress->cursor.tag = vmi_tag_next(tag);
        left--;
    }
    return count;
}

void
vmi_walk(struct vmem_arena *arena, unsigned typemask, vmem_visitor_fn *visitor, void *arg)
{
    struct progress progress = { .cursor = { .is_walk = true } };
    struct vmem_segment batch[BATCH];
    bool goes_on = true;

    if (!vmi_enter(arena)) {
        return;
    }
    vmi_cursor_add(arena, &progress.cursor);
    while (goes_on && progress.cursor.tag != arena->root) {
        const unsigned count = copy_batch(arena, typemask, &progress, batch);
        vmi_leave(arena);
        for (unsigned i = 0; goes_on && i < count; i++) {
            goes_on = visitor(arg, &batch[i]);
        }
        vmi_reenter(arena);
    }
    vmi_cursor_remove(arena, &progress.cursor);
    vmi_leave(arena);
}
