/*
 * survey - the untimed pass: what happened.                   SPDX-License-Identifier: BSD-2-Clause
 *
 * Keeps the replayer's own books beside the arena's and asks the arena only what it answers in
 * O(1), so that the arena takes the same course as in the timed passes; failures are the exception.
 * Metadata is read whenever the number of live allocations turns at a new peak.
 */
#include "failures.h"
#include "pass.h"

#include <inttypes.h>
#include <stdio.h>

/* The state of a survey under way. */
struct survey_run {
    struct replay_survey *survey;
    struct replay_rig rig;
    vmem_size_t live_size;
    uint64_t live_count;
    bool is_metadata_due; /* live_count is a new peak, metadata not read yet */
};

static void
read_metadata(struct survey_run *run)
{
    struct vmem_stats stats;
    vmem_stats(run->rig.arena, &stats);
    run->survey->metadata_count = run->live_count;
    run->survey->metadata_bytes = stats.metadata_bytes;
    run->is_metadata_due = false;
}

static void
survey_alloc(struct survey_run *run, const struct vmem_trace_op *op)
{
    struct replay_survey *survey = run->survey;
    const struct replay_plan *plan = run->rig.plan;
    const int status = replay_rig_alloc(&run->rig, op);
    if (status != 0) {
        replay_failures_note(&survey->failures, &run->rig, op, status);
        return;
    }
    vmem_size_t rounded = 0;
    (void)replay_round(op->size, plan->quantum, &rounded);
    const vmem_size_t owned = vmem_size(run->rig.arena, VMEM_ALLOC | VMEM_FREE);
    const vmem_size_t reach = run->rig.slots[op->slot].addr - plan->base + rounded;
    survey->alloc_count++;
    run->live_size += rounded;
    run->live_count++;
    if (run->live_size > survey->live_peak) {
        survey->live_peak = run->live_size;
        survey->owned_at_live_peak = owned;
    }
    survey->owned_peak = owned > survey->owned_peak ? owned : survey->owned_peak;
    survey->footprint = reach > survey->footprint ? reach : survey->footprint;
    run->is_metadata_due = run->is_metadata_due || run->live_count > survey->metadata_count;
}

static void
survey_free(struct survey_run *run, const struct vmem_trace_op *op)
{
    vmem_size_t rounded = 0;
    if (run->is_metadata_due) {
        read_metadata(run);
    }
    (void)replay_round(run->rig.slots[op->slot].size, run->rig.plan->quantum, &rounded);
    if (!replay_rig_free(&run->rig, op)) {
        run->survey->ignored_count++;
        return;
    }
    run->survey->free_count++;
    run->live_size -= rounded;
    run->live_count--;
}

/* Everything is freed: the arena must be as new.  False and dirt[] if not. */
static bool
check_emptied(struct replay_rig *rig, char *dirt)
{
    struct vmem_stats stats;
    struct vmem_stats parent = { 0 };
    vmem_drain(rig->arena);
    vmem_stats(rig->arena, &stats);
    if (rig->parent != NULL) {
        vmem_stats(rig->parent, &parent);
    }
    if (stats.inuse_size == 0 && stats.busy_segments == 0 && stats.holes == stats.spans &&
        stats.imported_size == 0 && parent.inuse_size == 0 && parent.busy_segments == 0 &&
        parent.holes == parent.spans) {
        return true;
    }
    (void)snprintf(dirt, REPLAY_TEXT_BYTES,
        "everything was freed, but %" PRIu64 " units in %" PRIu64 " segments are busy, %" PRIu64
        " holes are in %" PRIu64 " spans, %" PRIu64 " units are still imported",
        stats.inuse_size + parent.inuse_size, stats.busy_segments + parent.busy_segments,
        stats.holes + parent.holes, stats.spans + parent.spans, stats.imported_size);
    return false;
}

static void
finish(struct survey_run *run, struct replay_result *result)
{
    struct replay_survey *survey = run->survey;
    struct replay_rig *rig = &run->rig;
    if (run->is_metadata_due) {
        read_metadata(run);
    }
    survey->live_final = run->live_size;
    survey->live_count_final = run->live_count;
    vmem_stats(rig->arena, &survey->stats);
    survey->owned_final = survey->stats.total_size;
    survey->holes_final = survey->stats.holes;
    survey->largest_final = vmem_size(rig->arena, VMEM_MAXFREE);
    replay_failures_settle(&survey->failures, &survey->stats);
    replay_rig_empty(rig);
    result->is_dirty = !check_emptied(rig, result->dirt);
    if (!replay_rig_close(rig) && !result->is_dirty) {
        result->is_dirty = true;
        (void)snprintf(result->dirt, REPLAY_TEXT_BYTES, "the empty arena could not be destroyed");
    }
}

bool
replay_survey(struct replay_result *result, struct replay_context *context)
{
    struct survey_run run = { .survey = &result->survey };
    const struct vmem_trace *trace = result->plan.trace;
    result->survey = (struct replay_survey){ 0 };
    if (!replay_rig_open(&run.rig, &result->plan, context->why)) {
        return false;
    }
    replay_progress_phase(&context->progress, result->plan.policy->name, "survey", trace->op_count);
    for (size_t i = 0; i < trace->op_count; i++) {
        const struct vmem_trace_op *op = &trace->ops[i];
        if (i % REPLAY_PROGRESS_OPS == 0) {
            replay_progress_step(&context->progress, i);
        }
        if (op->kind == VMEM_TRACE_ALLOC) {
            survey_alloc(&run, op);
        } else {
            survey_free(&run, op);
        }
    }
    finish(&run, result);
    return true;
}
