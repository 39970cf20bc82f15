/*
 * failures - refused allocations and their reasons.           SPDX-License-Identifier: BSD-2-Clause
 *
 * A failure is *explained* if vmem_explain() names a reason, the reason fits the status that the
 * allocation returned, and the figures that come with it bear it out: "no hole is large enough"
 * with a hole that is, is no explanation.  vmem_explain() walks all segments, so after a budget of
 * segments the rest of the failures are left to the arena's counters by reason, whose sum must
 * agree.
 */
#include "failures.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define EXAMINED_SEGMENTS_MAX UINT64_C(100000000)

/* What the figures of an explanation contradict, or NULL. */
static const char *
contradiction(const struct vmem_explanation *why, const struct replay_plan *plan)
{
    /* A source may help or not, so the figures of an importing arena prove less. */
    const bool is_fixed = plan->import_quantum == 0;
    switch (why->reason) {
    case VMEM_REASON_NONE:
        return "no reason is known";
    case VMEM_REASON_SPACE:
        return why->free_size < why->size_rounded ? NULL : "as many units are free";
    case VMEM_REASON_FRAGMENTS:
        return why->largest_hole < why->size_rounded && why->holes_large_enough == 0
            ? NULL
            : "a hole is large enough";
    case VMEM_REASON_WINDOW:
        return why->holes_in_window == 0 ? NULL : "a hole in the window is large enough";
    case VMEM_REASON_ALIGNMENT:
        return why->holes_fitting == 0 ? NULL : "a hole has a legal place";
    case VMEM_REASON_LIMIT:
        return "no limit is set";
    case VMEM_REASON_IMPORT:
        return is_fixed ? "there is no source" : NULL;
    case VMEM_REASON_ARGUMENTS:
    case VMEM_REASON_ROUNDING:
    case VMEM_REASON_TAGS:
        return NULL;
    case VMEM_REASON_COUNT:
        break;
    }
    return "the reason is not one of the list";
}

static void
note_unexplained(struct replay_failures *failures, const struct vmem_trace_op *op, int status,
    const struct vmem_explanation *why, const char *what)
{
    if (failures->unexplained_count++ > 0) {
        return;
    }
    (void)snprintf(failures->unexplained_text, sizeof(failures->unexplained_text),
        "line %" PRIu32 ": id %" PRIu64 ", %" PRIu64
        " units, refused with %s; explained as \"%s\", but %s",
        op->line, op->id, op->size, strerror(status), vmem_reason_text(why->reason), what);
}

/* Ask the arena, also for the one window that struct vmem_constraint cannot say. */
static void
explain(struct replay_rig *rig, const struct vmem_trace_op *op, struct vmem_explanation *why)
{
    const struct replay_plan *plan = rig->plan;
    const bool is_anywhere = op->constraint == VMEM_TRACE_ANYWHERE;
    const struct vmem_constraint *constraint =
        is_anywhere ? NULL : &plan->constraints[op->constraint];
    vmem_explain(rig->arena, op->size, constraint, plan->flags, why);
    if (!is_anywhere && constraint->addr_max == 0 && why->reason == VMEM_REASON_NONE) {
        why->reason = VMEM_REASON_WINDOW;
        why->status = ENOMEM;
        why->largest_possible = 0;
        why->holes_in_window = 0;
        why->holes_fitting = 0;
    }
}

void
replay_failures_note(struct replay_failures *failures, struct replay_rig *rig,
    const struct vmem_trace_op *op, int status)
{
    if (failures->count++ == 0) {
        const vmem_size_t owned = vmem_size(rig->arena, VMEM_ALLOC | VMEM_FREE);
        const vmem_size_t busy = vmem_size(rig->arena, VMEM_ALLOC);
        failures->occupancy_at_first = owned == 0 ? 0 : (double)busy / (double)owned;
    }
    if (failures->examined_segments > EXAMINED_SEGMENTS_MAX) {
        return;
    }
    struct vmem_stats stats;
    vmem_stats(rig->arena, &stats);
    failures->examined_segments += stats.busy_segments + stats.holes + 1;
    failures->examined_count++;
    struct vmem_explanation why;
    explain(rig, op, &why);
    const char *what = contradiction(&why, rig->plan);
    if (what == NULL && why.status != status) {
        what = "that is another status";
    }
    if (what != NULL) {
        note_unexplained(failures, op, status, &why, what);
    }
    if ((size_t)why.reason < VMEM_REASON_COUNT) {
        failures->by_reason[why.reason]++;
    }
    if (failures->kept_count < REPLAY_FAILURES_KEPT) {
        failures->kept[failures->kept_count++] =
            (struct replay_failure){ .op = op, .status = status, .why = why };
    }
}

void
replay_failures_settle(struct replay_failures *failures, const struct vmem_stats *stats)
{
    failures->counted_by_arena = 0;
    for (int reason = 0; reason < VMEM_REASON_COUNT; reason++) {
        failures->counted_by_arena += stats->fails[reason];
    }
    if (failures->counted_by_arena != failures->count) {
        if (failures->unexplained_count++ == 0) {
            (void)snprintf(failures->unexplained_text, sizeof(failures->unexplained_text),
                "%" PRIu64 " allocations failed, but the arena counted %" PRIu64, failures->count,
                failures->counted_by_arena);
        }
    }
}
