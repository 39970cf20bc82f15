/*
 * free - taking an allocation back.                                SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. What it is for
 *    A free finds its tag, by address in the busy index or by handle without a lookup, and checks it
 *    before anything is changed: a bad free is caught here, in every build, at no extra cost.
 *
 * 2. How it works
 *    by address:  busy index -> tag -> size as allocated?  -> out of the index -> merge with the holes
 *    beside it -> if an imported span is now wholly free: let it go, to the source, without the lock.
 *    The source may be an arena; then this is a free there, which may let go a span in turn.  It is a
 *    loop, not a recursion.
 *
 * 3. Costs: O(1) expected; O(log holes) with an index; O(log spans) when a span goes back.
 *
 * 4. Failure: a free never fails and never needs memory.
 */
#include "engine/free.h"

#include "engine/misuse.h"
#include "engine/quarantine.h"
#include "engine/spans.h"
#include "engine/supply.h"

enum {
    LEAVING_MAX = 8,      /* segments that one free takes out of quarantine */
    NEIGHBOURS_MAX = 4096 /* tags to look at for the text of a report */
};

/* Take the span of a wholly free hole out of the arena. */
static void
let_go(struct vmem_arena *arena, uint32_t hole_index, struct vmi_released *released)
{
    const struct vmi_tag *hole = vmi_tag(arena, hole_index);

    *released = (struct vmi_released){
        .range = { .start = hole->start, .size = hole->size },
        .arena = arena->source.arena,
        .release_fn = arena->source.release_fn,
        .arg = arena->source.arg,
    };
    vmi_span_remove(arena, hole_index);
    arena->releases++;
}

void
vmi_free_segment(struct vmem_arena *arena, uint32_t index, struct vmi_released *released)
{
    const uint32_t hole_index = vmi_merge(arena, index, vmi_tag(arena, index), arena->is_indexed);

    arena->changes++;
    if (VMI_UNLIKELY(arena->gives_back) &&
        vmi_span_is_releasable(arena, vmi_tag(arena, hole_index))) {
        if (arena->import_kept < arena->import_keep) {
            vmi_keep_spans(arena, 1);
        } else {
            let_go(arena, hole_index, released);
        }
    }
}

void
vmi_free_kept_span(struct vmem_arena *arena, struct vmi_released *released)
{
    struct vmi_entry entry;
    vmem_addr_t key = 0;

    released->range.size = 0;
    for (; vmi_order_seek(&arena->spans, key, 0, 0, &entry); key = entry.key + 1) {
        const uint32_t first = vmi_tag_next(vmi_tag(arena, entry.tag));
        if (vmi_tag_kind(vmi_tag(arena, first)) == VMI_KIND_HOLE &&
            vmi_span_is_releasable(arena, vmi_tag(arena, first))) {
            vmi_keep_spans(arena, -1);
            let_go(arena, first, released);
            return;
        }
        if (entry.key == VMEM_ADDR_MAX) {
            return;
        }
    }
}

/* Put a segment to rest, and free those that have rested enough; one span may go back with them. */
VMI_ENTERED static void
rest(struct vmem_arena *arena, uint32_t index, struct vmi_released *released)
{
    for (unsigned i = 0; i < LEAVING_MAX && released->range.size == 0; i++) {
        const uint32_t leaving = vmi_quarantine_leave(arena);
        if (leaving == 0) {
            break;
        }
        vmi_free_segment(arena, leaving, released);
    }
    vmi_quarantine_rest(arena, index);
}

/* Make a segment, found and checked, free, or put it to rest.  Leaves the arena. */
VMI_LEAVES VMI_NOINLINE static void
finish_specially(struct vmem_arena *arena, uint32_t index, struct vmi_released *released)
{
    released->range.size = 0;
    if (arena->quarantine.ring != NULL) {
        rest(arena, index, released);
    } else {
        vmi_free_segment(arena, index, released);
    }
    vmi_supply_nodes_at_hand(arena);
    vmi_supply_tidy(arena);
    vmi_leave(arena);
}

/* The same for the caller of an arena that is more than plain. */
VMI_LEAVES VMI_NOINLINE static void
finish_and_give_back(struct vmem_arena *arena, uint32_t index)
{
    struct vmi_released released;

    finish_specially(arena, index, &released);
    vmi_give_back(&released);
}

/* The common way to the same: see `frees_plainly`. */
VMI_LEAVES static VMI_INLINE void
finish(struct vmem_arena *arena, uint32_t index, vmem_size_t size)
{
    arena->inuse -= size;
    arena->frees++;
    if (VMI_UNLIKELY(!arena->frees_plainly)) {
        finish_and_give_back(arena, index);
        return;
    }
    (void)vmi_merge(arena, index, vmi_tag(arena, index), false);
    if (VMI_UNLIKELY(arena->tags.slab.has_surplus)) {
        vmi_supply_tidy(arena);
    }
    vmi_leave(arena);
}

/* The segment that holds a unit, looked for among a bounded number of tags; 0 if not found. */
static uint32_t
segment_at(const struct vmem_arena *arena, vmem_addr_t addr)
{
    const uint32_t header = vmi_span_of(arena, addr);
    uint32_t index = header;

    for (unsigned i = 0; header != 0 && i < NEIGHBOURS_MAX; i++) {
        const struct vmi_tag *tag;
        index = vmi_tag_next(vmi_tag(arena, index));
        tag = vmi_tag(arena, index);
        if (addr - tag->start < tag->size) { /* of an address below, it is larger */
            return index;
        }
    }
    return 0;
}

/* Say what is wrong with freeing `addr`.  The arena is entered; it is left here. */
VMI_LEAVES VMI_NOINLINE static void
reject(struct vmem_arena *arena, vmem_addr_t addr, vmem_size_t size, uint32_t found)
{
    struct vmem_fault fault = { .code = VMEM_FAULT_BAD_FREE, .addr = addr, .size = size };
    const char *why = "the arena does not own this address";
    const uint32_t index = found != 0 ? found : segment_at(arena, addr);

    if (index != 0) {
        const struct vmi_tag *tag = vmi_tag(arena, index);
        fault.found_start = tag->start;
        fault.found_size = tag->size;
        if (found != 0 && tag->own != vmi_tag_own(VMI_KIND_BUSY, 0)) {
            fault.code = VMEM_FAULT_CORRUPT;
            why = "the busy index leads to a tag that is not that of an allocation";
        } else if (found != 0) {
            fault.code = VMEM_FAULT_WRONG_SIZE;
            why = "allocated with another size";
        } else if (vmi_tag_kind(tag) == VMI_KIND_HOLE || tag->extra == VMI_BUSY_RESTING) {
            why = "nothing is allocated there, it is free";
        } else if (tag->start != addr) {
            why = "inside an allocation, not its start";
        } else {
            fault.code = VMEM_FAULT_HANDLE_ONLY;
            why = "allocated with a handle, to be freed by it";
        }
    } else if (vmi_span_of(arena, addr) != 0) {
        why = "nothing is allocated at this address";
    }
    vmi_leave(arena);
    vmi_misuse(arena, &fault, why);
}

/* What will be looked at lies far apart: ask for it all at once. */
VMI_NOINLINE static void
approach(const struct vmem_arena *arena, vmem_addr_t addr)
{
    vmi_busy_prefetch(&arena->busy, addr);
    vmi_index_approach(arena, addr);
}

VMI_LEAVES VMI_NOINLINE static void
reject_handle(struct vmem_arena *arena, vmem_handle_t handle)
{
    struct vmem_fault fault = { .code = VMEM_FAULT_BAD_HANDLE, .addr = handle };

    vmi_leave(arena);
    vmi_misuse(arena, &fault, "no live allocation has this handle (shown as addr)");
}

static vmem_size_t
round_up(const struct vmem_arena *arena, vmem_size_t size)
{
    return (size + (arena->quantum - 1)) & ~(arena->quantum - 1);
}

/* Is this, found by its address, an allocation of so many units?  Rounded, size 0 is none. */
static bool
is_allocation(const struct vmem_arena *arena, uint32_t index, vmem_size_t rounded)
{
    const struct vmi_tag *tag = vmi_tag(arena, index);

    return tag->size == rounded && tag->own == vmi_tag_own(VMI_KIND_BUSY, 0);
}

/* Take an allocation out of the busy index.  0: misuse, reported.  Entered; left if 0. */
VMI_LEAVES VMI_ENTERS_IF_TRUE VMI_LOCK_UNCHECKED static uint32_t
take_out(struct vmem_arena *arena, vmem_addr_t addr, vmem_size_t size)
{
    struct vmi_slot slot;
    const uint32_t index = vmi_busy_find(&arena->busy, &arena->tags, addr, &slot);

    if (index == 0 || !is_allocation(arena, index, round_up(arena, size))) {
        reject(arena, addr, size, index);
        return 0;
    }
    vmi_busy_remove(&arena->busy, &slot);
    return index;
}

void
vmi_give_back(const struct vmi_released *released)
{
    struct vmi_released now = *released;

    while (now.range.size != 0) {
        struct vmem_arena *source = now.arena;
        uint32_t index;

        if (source == NULL) {
            now.release_fn(now.arg, now.range.start, now.range.size);
            return;
        }
        if (!vmi_enter(source)) {
            return;
        }
        index = take_out(source, now.range.start, now.range.size);
        if (index == 0) {
            return;
        }
        source->inuse -= vmi_tag(source, index)->size;
        source->frees++;
        finish_specially(source, index, &now);
    }
}

/* A free that is not the common one: the entry has strayed, or is not there, or not as it should be. */
VMI_LEAVES VMI_NOINLINE static void
free_otherwise(struct vmem_arena *arena, vmem_addr_t addr, vmem_size_t size)
{
    const uint32_t index = take_out(arena, addr, size);

    if (index != 0) {
        finish(arena, index, vmi_tag(arena, index)->size);
    }
}

void
vmi_free(struct vmem_arena *arena, vmem_addr_t addr, vmem_size_t size)
{
    const vmem_size_t rounded = round_up(arena, size);
    struct vmi_slot slot;
    uint32_t index;

    if (VMI_UNLIKELY(!vmi_enter(arena))) {
        return;
    }
    if (VMI_UNLIKELY(arena->is_indexed)) {
        approach(arena, addr);
    }
    index = vmi_busy_find_home(&arena->busy, &arena->tags, addr, &slot);
    if (VMI_LIKELY(index != 0 && is_allocation(arena, index, rounded))) {
        vmi_busy_remove_home(&arena->busy, &slot);
        finish(arena, index, rounded);
    } else {
        free_otherwise(arena, addr, size);
    }
}

void
vmi_free_handle(struct vmem_arena *arena, vmem_handle_t handle)
{
    uint32_t index;

    if (VMI_UNLIKELY(!vmi_enter(arena))) {
        return;
    }
    index = vmi_handle_tag(arena, handle);
    if (VMI_LIKELY(index != 0)) {
        finish(arena, index, vmi_tag(arena, index)->size);
    } else {
        reject_handle(arena, handle);
    }
}

bool
vmi_trim_kept_spans(struct vmem_arena *arena, unsigned keep)
{
    struct vmi_released released;
    bool has_changed = false;

    while (arena->import_kept > keep) {
        vmi_free_kept_span(arena, &released);
        VMI_NEVER(released.range.size == 0, "I9: it finds what import_kept counts", break);
        vmi_leave(arena);
        vmi_give_back(&released);
        vmi_reenter(arena);
        has_changed = true;
    }
    return has_changed;
}

bool
vmi_drain(struct vmem_arena *arena)
{
    uint32_t index = vmi_quarantine_pop(arena);
    const bool had_any = index != 0;

    arena->drains += had_any ? 1 : 0;
    for (; index != 0; index = vmi_quarantine_pop(arena)) {
        struct vmi_released released = { .range = { .size = 0 } };
        vmi_free_segment(arena, index, &released);
        if (released.range.size != 0) {
            vmi_leave(arena);
            vmi_give_back(&released);
            vmi_reenter(arena);
        }
    }
    return had_any;
}
