/*
 * alloc - the way of an allocation.                                SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. What it is for
 *    Order: what is tried, and when, before a request is refused.
 *
 * 2. How it works
 *      reserve tags -> choose a hole -> carve
 *        no hole:  drain the quarantine, choose again
 *                  ask the source for a span, choose again
 *                  level by level: give kept spans back (where a limit forbids to ask, one by one, and
 *                  all of it once more before each), call reclaim; if that changed anything, all of it
 *                  once more
 *
 *    When the source is an arena, the request climbs: it becomes a request there, which may become one
 *    in *its* source, and so on.  On the way down each level takes the span that the level above found.
 *    The climb is a loop: the request at any level is a function of the first one, and is computed again
 *    where it is needed.
 *
 *      level 2  root      [ range ]                      found here
 *      level 1  domain    accepts it as a span, carves   ^ climbing   | coming down
 *      level 0  caller    accepts that, carves           |            v
 *
 *    A span that turns out not to be needed, or not to help, goes straight back: nothing is imported in
 *    a loop.
 *
 * 3. Prepare, then commit: until a hole is chosen nothing has changed; from then on nothing can fail.
 *
 * 4. Locking: one arena's lock at a time; none while a callback runs.
 */
#include "engine/alloc.h"

#include "engine/import.h"
#include "engine/spans.h"

/* Internal status beside the errno values: a valid request, and no place for it. */
#define NO_PLACE (-1)

void
vmi_count_failure(struct vmem_arena *arena, enum vmem_reason reason)
{
    if (vmi_enter(arena)) {
        arena->fails[reason]++;
        vmi_leave(arena);
    }
}

/* Prepare and choose.  Returns 0, NO_PLACE, or ENOMEM for want of tags.  Entered. */
VMI_ENTERED static int
prepare(struct vmem_arena *arena, const struct vmi_request *request, struct vmi_choice *choice)
{
    const struct vmi_needs needs = { .tags = VMI_TAGS_PER_SPLIT,
        .busy_entry = !request->wants_handle };
    bool may_scan = false;
    enum vmi_verdict verdict = VMI_WANTS_INDEX;

    do {
        if (arena->is_indexed) {
            if (arena->by_address.state == VMI_INDEX_BUILDING) {
                (void)vmi_index_advance(arena, &arena->by_address, VMI_INDEX_STEP);
            }
            vmi_supply_nodes_softly(arena);
        }
        /* Last: what is needed for sure must be there at one moment, and the lock not left after it. */
        if (vmi_busy_is_moving(&arena->busy) || !vmi_supply_is_ample(arena)) {
            if (vmi_supply_needs(arena, &needs) != 0) {
                return ENOMEM;
            }
        }
        verdict = vmi_choose_hole(arena, request, may_scan, choice);
        if (verdict == VMI_WANTS_INDEX && !vmi_index_build(arena, choice->index)) {
            may_scan = true;
            arena->scans++;
        }
    } while (verdict == VMI_WANTS_INDEX);
    return verdict == VMI_CHOSEN ? 0 : NO_PLACE;
}

/* Carve what was chosen.  Cannot fail. */
static void
commit(struct vmem_arena *arena, const struct vmi_request *request, const struct vmi_choice *choice,
    struct vmi_result *result)
{
    const vmem_size_t size = request->shape.size;
    uint32_t index;

    vmi_prefetch(vmi_tag(arena, choice->hole), sizeof(struct vmi_tag));
    if (!request->wants_handle) {
        vmi_busy_prefetch(&arena->busy, choice->addr);
    }
    if (arena->import_kept != 0 && vmi_span_is_releasable(arena, vmi_tag(arena, choice->hole))) {
        vmi_keep_spans(arena, -1);
    }
    index = vmi_carve(arena, choice->hole, &choice->range, choice->has_way ? &choice->way : NULL,
        choice->addr, size);
    VMI_ASSERT(choice->addr >= request->shape.addr_min &&
        request->shape.addr_max - choice->addr >= size - 1);
    VMI_ASSERT((choice->addr & (request->shape.align - 1)) == request->shape.phase);
    if (request->wants_handle) {
        result->handle = vmi_handle_make(arena, index);
    } else {
        vmi_busy_insert(&arena->busy, choice->addr, index);
    }
    if (request->policy == VMEM_NEXTFIT) {
        arena->next_fit = choice->addr + size; /* past the top it wraps to 0, as it should */
    }
    result->addr = choice->addr;
    vmi_account_alloc(arena, size);
}

/* Find a place in the arena as it is.  Entered. */
VMI_ENTERED static int
take_place(struct vmem_arena *arena, const struct vmi_request *request, struct vmi_result *result)
{
    struct vmi_choice choice;
    int status = prepare(arena, request, &choice);

    if (status == NO_PLACE && vmi_drain(arena)) {
        status = prepare(arena, request, &choice);
    }
    if (status == 0) {
        commit(arena, request, &choice, result);
    }
    return status;
}

/* Reserve what it takes to add a span and to carve from it. */
VMI_ENTERED static int
reserve_for_span(struct vmem_arena *arena, vmem_size_t size)
{
    const struct vmi_needs needs = {
        .tags = VMI_TAGS_RESERVE,
        .busy_entry = true,
        .span = size,
    };

    return vmi_supply_needs(arena, &needs);
}

/* Take the span just added out again.  False: it is in use, or there is no way back. */
VMI_ENTERED static bool
withdraw(struct vmem_arena *arena, const struct vmem_range *span)
{
    const uint32_t header = vmi_span_of(arena, span->start);
    uint32_t hole;

    if (header == 0) {
        return false;
    }
    hole = vmi_tag_next(vmi_tag(arena, header));
    if (!arena->gives_back || vmi_tag_kind(vmi_tag(arena, hole)) != VMI_KIND_HOLE ||
        !vmi_span_is_releasable(arena, vmi_tag(arena, hole))) {
        return false;
    }
    vmi_keep_spans(arena, -1);
    vmi_span_remove(arena, hole);
    arena->imports_returned++;
    return true;
}

/*
 * A span came from the source: place the request without it if that is possible by now, else in it.
 * No lock is held.
 */
VMI_OUTSIDE static int
use_span(struct vmem_arena *arena, const struct vmi_request *request,
    const struct vmi_import *import, const struct vmem_range *span, struct vmi_result *result)
{
    bool goes_back = true;
    int accepted = 0;
    int status;

    vmi_reenter(arena);
    vmi_import_end(arena, import);
    status = take_place(arena, request, result);
    if (status == NO_PLACE) {
        status = reserve_for_span(arena, span->size);
        if (status == 0) {
            accepted = vmi_import_accept(arena, import, span);
            if (accepted == 0) {
                status = take_place(arena, request, result);
                /* Of no use, or the place is another one, that turned up while the lock was left. */
                goes_back = (status != 0 || arena->import_kept > arena->import_keep) &&
                    withdraw(arena, span);
            } else {
                arena->imports_refused++;
                status = NO_PLACE;
            }
        }
    } else if (arena->gives_back) {
        arena->imports_returned++;
    } else if (reserve_for_span(arena, span->size) == 0) {
        accepted = vmi_import_accept(arena, import, span); /* nobody would take it back */
        goes_back = false;
    }
    if (import->source.arena == NULL && vmi_span_overlaps(arena, span->start, span->size)) {
        goes_back = false; /* a function may have given what is in use, an arena has not */
    }
    vmi_leave(arena);
    /* More units than asked for are welcome, but not beyond the limit: nobody's fault. */
    if (accepted != 0 && (accepted != ENOSPC || !vmi_range_exists(span->start, span->size))) {
        vmi_import_report(arena, span, accepted);
    }
    if (goes_back) {
        vmi_import_return(import, span);
    }
    return status;
}

/* The source gave nothing. */
VMI_OUTSIDE static void
note_refusal(struct vmem_arena *arena, const struct vmi_import *import)
{
    vmi_reenter(arena);
    vmi_import_end(arena, import);
    arena->imports_refused++;
    vmi_leave(arena);
}

/* A request on its way through the levels. */
struct climb {
    struct vmem_arena *arena;   /* of the present level */
    struct vmi_request request; /* there */
    unsigned level;             /* 0 = where the caller asked */
    enum vmem_reason reason;    /* why level 0 gets nothing from its source */
    bool has_climbed;           /* level 0 asked an arena, not a function */
    bool is_limited;            /* a level did not ask, because of its limit */
};

/* Set a climb to a level that it has been at, and *import to what was asked from there. */
static void
go_to_level(struct climb *climb, struct vmem_arena *arena, const struct vmi_request *request,
    unsigned level, struct vmi_import *import)
{
    climb->arena = arena;
    climb->request = *request;
    for (climb->level = 0; climb->level < level; climb->level++) {
        (void)vmi_import_plan(climb->arena, &climb->request, import);
        climb->arena = import->source.arena;
        climb->request = import->in_source;
    }
    (void)vmi_import_plan(climb->arena, &climb->request, import);
}

/* Try at the present level.  *import: what may be asked of the source arena next; else ENOENT. */
VMI_OUTSIDE static int
try_level(struct climb *climb, struct vmi_result *result, struct vmi_import *import, int *can_climb)
{
    struct vmem_arena *arena = climb->arena;
    struct vmem_range span;
    int status;

    *can_climb = ENOENT;
    if (!vmi_enter(arena)) {
        return EBUSY;
    }
    status = take_place(arena, &climb->request, result);
    if (status == NO_PLACE) {
        *can_climb = vmi_import_begin(arena, &climb->request, import);
    }
    vmi_leave(arena);
    climb->is_limited = *can_climb == ENOSPC; /* then this is the last level */
    if (climb->level == 0) {
        climb->reason = *can_climb == 0 ? VMEM_REASON_IMPORT
            : *can_climb == ENOSPC      ? VMEM_REASON_LIMIT
                                        : VMEM_REASON_NONE;
    }
    if (*can_climb == 0 && import->source.arena == NULL) {
        *can_climb = ENOENT;
        if (vmi_import_call(import, &span) == 0) {
            return use_span(arena, &climb->request, import, &span, result);
        }
        note_refusal(arena, import);
    }
    return status;
}

/* Climb until a level has a place, and come down with it.  Returns 0, NO_PLACE, ENOMEM or EBUSY. */
VMI_OUTSIDE static int
climb_and_return(struct vmem_arena *arena, const struct vmi_request *request,
    struct vmi_result *result, struct climb *climb)
{
    struct vmi_import import;
    int can_climb;
    int status;

    *climb = (struct climb){ .arena = arena, .request = *request };
    status = try_level(climb, result, &import, &can_climb);

    while (can_climb == 0) {
        climb->has_climbed = true;
        climb->arena = import.source.arena;
        climb->request = import.in_source;
        climb->level++;
        status = try_level(climb, result, &import, &can_climb);
    }
    while (climb->level > 0) {
        go_to_level(climb, arena, request, climb->level - 1, &import);
        if (status == 0) {
            const struct vmem_range span = { .start = result->addr, .size = import.want.size };
            status = use_span(climb->arena, &climb->request, &import, &span, result);
        } else {
            note_refusal(climb->arena, &import);
        }
    }
    return status;
}

/* Call an arena's reclaim.  True if anything became free. */
VMI_OUTSIDE static bool
reclaim(struct vmem_arena *arena, vmem_size_t size, struct vmem_arena **source)
{
    vmem_reclaim_fn *reclaim_fn;
    void *reclaim_arg;
    uint64_t changes;
    bool has_changed;

    *source = NULL;
    if (!vmi_enter(arena)) {
        return false;
    }
    *source = arena->source.arena;
    changes = arena->changes + arena->frees;
    reclaim_fn = arena->reclaim_fn;
    reclaim_arg = arena->reclaim_arg;
    arena->reclaims += reclaim_fn != NULL ? 1 : 0;
    vmi_leave(arena);
    if (reclaim_fn != NULL) {
        reclaim_fn(reclaim_arg, arena, size, VMEM_NOWAIT);
    }
    vmi_reenter(arena);
    has_changed = arena->changes + arena->frees != changes;
    vmi_leave(arena);
    return has_changed;
}

/* Why there is no place, as far as O(1) can tell. */
VMI_OUTSIDE static enum vmem_reason
reason_of(struct vmem_arena *arena, const struct vmi_request *request, enum vmem_reason source)
{
    enum vmem_reason reason = VMEM_REASON_FRAGMENTS;

    if (source != VMEM_REASON_NONE || !vmi_enter(arena)) {
        return source;
    }
    if (arena->total - arena->inuse < request->shape.size) {
        reason = VMEM_REASON_SPACE;
    } else if ((request->is_shaped || request->is_windowed) &&
        vmi_choose_by_class(arena, request->shape.size) != 0) {
        reason = VMEM_REASON_WINDOW;
    }
    vmi_leave(arena);
    return reason;
}

/* Ask the sources for the right place; an arena that refuses, for enough to contain one. */
VMI_OUTSIDE static int
try_with_sources(struct vmem_arena *arena, const struct vmi_request *request,
    struct vmi_result *result, enum vmem_reason *reason, bool *is_limited)
{
    struct climb climb;
    int status = climb_and_return(arena, request, result, &climb);

    *is_limited = climb.is_limited;
    if (status == NO_PLACE && climb.has_climbed && request->is_shaped && !request->is_windowed) {
        struct vmi_request again = *request;
        again.imports_anywhere = true;
        status = climb_and_return(arena, &again, result, &climb);
        *is_limited = *is_limited || climb.is_limited;
    }
    *reason = climb.reason;
    return status;
}

/* The wholly free spans that an arena keeps. */
VMI_OUTSIDE static unsigned
count_kept(struct vmem_arena *arena)
{
    unsigned kept = 0;

    if (vmi_enter(arena)) {
        kept = arena->import_kept;
        vmi_leave(arena);
    }
    return kept;
}

/*
 * Do without the wholly free spans that one of the levels keeps.  While a limit is what forbids to ask,
 * they go one by one: without it the limit leaves more room; only then it is given back, whereupon the
 * source may give its own span back, which could have served.  The others go at once.
 * *has_changed: there was one.
 */
VMI_OUTSIDE static int
try_without_kept(struct vmem_arena *level, struct vmem_arena *arena,
    const struct vmi_request *request, struct vmi_result *result, enum vmem_reason *reason,
    bool *is_limited, bool *has_changed)
{
    int status = NO_PLACE;

    *has_changed = false;
    for (unsigned left = count_kept(level); status == NO_PLACE && left > 0 && *is_limited; left--) {
        struct vmi_released released = { .range = { .size = 0 } };
        if (vmi_enter(level)) {
            vmi_free_kept_span(level, &released);
            vmi_leave(level);
        }
        if (released.range.size != 0) {
            *has_changed = true;
            status = try_with_sources(arena, request, result, reason, is_limited);
            vmi_give_back(&released);
        }
    }
    if (status == NO_PLACE && vmi_enter(level)) {
        *has_changed = vmi_trim_kept_spans(level, 0) || *has_changed;
        vmi_leave(level);
    }
    return status;
}

int
vmi_alloc(struct vmem_arena *arena, const struct vmi_request *request, struct vmi_result *result)
{
    enum vmem_reason reason;
    struct vmi_result found;
    bool is_limited;
    int status = try_with_sources(arena, request, &found, &reason, &is_limited);

    /* Level by level, lest a span go back that would have served. */
    for (struct vmem_arena *level = arena; status == NO_PLACE && level != NULL;) {
        struct vmem_arena *source = NULL;
        bool has_changed;
        status =
            try_without_kept(level, arena, request, &found, &reason, &is_limited, &has_changed);
        if (status == NO_PLACE && (reclaim(level, request->shape.size, &source) || has_changed)) {
            status = try_with_sources(arena, request, &found, &reason, &is_limited);
        }
        level = source;
    }
    if (status == 0) {
        /* Upper levels allocate by address; only the caller's own level has a handle. */
        *result = found;
        return 0;
    }
    if (status == EBUSY) {
        return EBUSY;
    }
    vmi_count_failure(
        arena, status == ENOMEM ? VMEM_REASON_TAGS : reason_of(arena, request, reason));
    return ENOMEM;
}
