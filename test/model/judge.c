/*
 * judge - what is checked after each operation.                    SPDX-License-Identifier: BSD-2-Clause
 */
#include "rig.h"

#include <errno.h>
#include <stdlib.h>

enum {
    STATS_EVERY = 8, /* operations */
    LARGEST_EVERY =
        16 /* in an arena with many holes: finding the largest is slow, here and there */
};

/* -------------------------------------------------------------------------------------------------
 * Spans that came and went
 * ---------------------------------------------------------------------------------------------- */

/* The imported spans of an arena. */
struct spans {
    struct vmem_model_range *at;
    size_t count;
    size_t capacity;
};

static void
spans_put(struct spans *spans, struct vmem_model_range span)
{
    if (spans->count == spans->capacity) {
        spans->capacity = 2 * spans->capacity + 16;
        spans->at = realloc(spans->at, spans->capacity * sizeof spans->at[0]);
        if (spans->at == NULL) {
            abort();
        }
    }
    spans->at[spans->count++] = span;
}

static bool
on_span(void *arg, const struct vmem_segment *segment)
{
    if (segment->imported) {
        spans_put(
            arg, (struct vmem_model_range){ segment->start, segment->start + (segment->size - 1) });
    }
    return true;
}

static bool
contains(const struct vmem_model_range *at, size_t count, struct vmem_model_range span)
{
    for (size_t i = 0; i < count; i++) {
        if (at[i].start == span.start && at[i].last == span.last) {
            return true;
        }
    }
    return false;
}

/*
 * Find the spans that went: those that are no longer there, and those that lie in one that the level
 * above gave back, though the same range may have come again since.
 */
static void
find_gone(const struct rig_level *level, const struct spans *now, const struct spans *gone_above,
    struct spans *gone)
{
    for (size_t i = 0; i < level->model.imports.count; i++) {
        const struct vmem_model_range span = level->model.imports.at[i];
        bool is_gone = !contains(now->at, now->count, span);
        for (size_t j = 0; j < gone_above->count; j++) {
            is_gone = is_gone ||
                (span.start >= gone_above->at[j].start && span.start <= gone_above->at[j].last);
        }
        if (is_gone) {
            spans_put(gone, span);
        }
    }
}

/* Tell the model which spans went. */
static const char *
spans_that_went(struct rig_level *level, const struct spans *gone, bool after_free)
{
    const char *broken = NULL;

    for (size_t i = 0; i < gone->count && broken == NULL; i++) {
        if (after_free && vmem_model_empty_imports(&level->model) <= level->model.import_keep) {
            return "[I4] a span went back that should be kept";
        }
        broken = vmem_model_span_went(&level->model, gone->at[i]);
    }
    return broken;
}

static const char *
spans_that_came(struct rig_level *level, const struct spans *now)
{
    const char *broken = NULL;

    for (size_t i = 0; i < now->count && broken == NULL; i++) {
        if (!contains(level->model.imports.at, level->model.imports.count, now->at[i])) {
            broken = vmem_model_span_came(&level->model, now->at[i]);
        }
    }
    return broken;
}

/* True if spans came or went since the last look. */
static bool
has_span_change(struct rig_level *level)
{
    struct vmem_stats stats;
    uint64_t changes;

    vmem_stats(level->arena, &stats);
    changes = stats.imports + stats.imports_returned + stats.releases;
    if (changes == level->span_changes) {
        return false;
    }
    level->span_changes = changes;
    return true;
}

const char *
rig_judge_spans(struct rig *rig, bool after_free)
{
    struct spans spans[RIG_LEVELS_MAX] = { 0 };
    struct spans gone[RIG_LEVELS_MAX] = { 0 }; /* of the top level none */
    const unsigned importing = rig->setup->levels - 1;
    const char *broken = NULL;
    bool has_changed = false;

    for (unsigned i = 0; i < importing; i++) {
        has_changed = has_span_change(&rig->level[i]) || has_changed;
    }
    if (has_changed) {
        for (unsigned i = importing; i-- > 0;) {
            vmem_walk(rig->level[i].arena, VMEM_SPAN, on_span, &spans[i]);
            find_gone(&rig->level[i], &spans[i], &gone[i + 1], &gone[i]);
        }
        for (unsigned i = 0; i < importing && broken == NULL; i++) {
            broken = spans_that_went(&rig->level[i], &gone[i], after_free);
        }
        for (unsigned i = importing; i-- > 0 && broken == NULL;) {
            broken = spans_that_came(&rig->level[i], &spans[i]);
        }
        for (unsigned i = 0; i < importing; i++) {
            free(spans[i].at);
            free(gone[i].at);
        }
    }
    for (unsigned i = 0; after_free && i < importing && broken == NULL; i++) {
        if (vmem_model_empty_imports(&rig->level[i].model) > rig->setup->keep[i]) {
            broken = "[I4] a span that is wholly free was not given back";
        }
    }
    return broken;
}

/* -------------------------------------------------------------------------------------------------
 * Allocations
 * ---------------------------------------------------------------------------------------------- */

/* Granted, though no hole would do: a span must have come, of the right size. */
static const char *
judge_import(struct rig *rig, const struct rig_op *op, const struct vmem_model_request *request,
    vmem_addr_t addr, struct vmem_model_verdict *verdict)
{
    struct vmem_model *model = &rig->level[op->level].model;
    const char *broken = rig_judge_spans(rig, false);
    vmem_size_t size_min;
    vmem_size_t size_max;

    if (broken != NULL) {
        return broken;
    }
    vmem_model_judge(model, request, 0, addr, verdict);
    if (verdict->rule != NULL) {
        return verdict->rule;
    }
    if (!vmem_model_import_sizes(model, request, &size_min, &size_max)) {
        return "[I6] a span came that could not be asked for";
    }
    if (request->nocross > request->align) {
        /* What is enough anywhere, where a legal place comes once a block. */
        (void)vmem_model_roundup(
            size_max + (request->nocross - request->align), model->import_quantum, &size_max);
    }
    for (size_t i = 0; i < model->imports.count; i++) {
        const struct vmem_model_range span = model->imports.at[i];
        if (addr >= span.start && addr <= span.last &&
            (span.last - span.start < size_min - 1 || span.last - span.start > size_max - 1)) {
            return "[I2] [I6] a span of another size than may be asked for";
        }
    }
    return NULL;
}

/* Was the last refusal for want of tags, and may that be? */
static bool
lacked_tags(struct rig *rig, struct rig_level *level)
{
    struct vmem_stats stats;

    if (!rig->setup->may_lack_tags) {
        return false;
    }
    vmem_stats(level->arena, &stats);
    if (stats.fails[VMEM_REASON_TAGS] == level->lacked) {
        return false;
    }
    level->lacked = stats.fails[VMEM_REASON_TAGS];
    rig->reached->lacked++;
    return true;
}

const char *
rig_judge_alloc(struct rig *rig, const struct rig_op *op, int status, vmem_addr_t addr)
{
    struct vmem_model *model = &rig->level[op->level].model;
    const vmem_addr_t addr_max =
        op->kind != RIG_XALLOC && op->addr_max == 0 ? VMEM_ADDR_MAX : op->addr_max;
    struct vmem_model_request request;
    struct vmem_model_verdict verdict;
    const char *broken;
    const int want = vmem_model_request(model, op->size, op->align, op->phase, op->nocross,
        op->addr_min, addr_max, op->flags, &request);

    if (want != 0) {
        return status == want ? NULL : "[C4] another status for a request that is not valid";
    }
    if (status == ENOMEM && lacked_tags(rig, &rig->level[op->level])) {
        return NULL;
    }
    vmem_model_judge(model, &request, status, addr, &verdict);
    if (model->source != NULL && status == 0 && verdict.status != 0) {
        broken = judge_import(rig, op, &request, addr, &verdict);
    } else {
        broken = verdict.rule != NULL ? verdict.rule : rig_judge_spans(rig, false);
    }
    if (broken == NULL && status == 0) {
        vmem_model_commit(model, &request, addr);
    }
    return broken;
}

/* -------------------------------------------------------------------------------------------------
 * Figures and explanations
 * ---------------------------------------------------------------------------------------------- */

static const char *
judge_stats(const struct rig *rig, const struct rig_level *level)
{
    const struct vmem_model *model = &level->model;
    struct vmem_stats stats;

    vmem_stats(level->arena, &stats);
    if (stats.holes > rig->reached->holes) {
        rig->reached->holes = stats.holes;
    }
    if (stats.holes != model->holes.count || stats.busy_segments != model->busy.count ||
        stats.spans != model->statics.count + model->imports.count ||
        stats.imported_size != model->imported || stats.inuse_size != model->inuse ||
        stats.total_size != model->total || stats.allocs - stats.frees != model->busy.count ||
        stats.limit != model->limit) {
        return "vmem_stats is wrong";
    }
    return NULL;
}

const char *
rig_judge_figures(struct rig *rig, unsigned number)
{
    struct rig_level *level = &rig->level[number];
    struct vmem_model_figures figures;

    if (vmem_size(level->arena, VMEM_ALLOC) != level->model.inuse ||
        vmem_size(level->arena, VMEM_FREE) != level->model.total - level->model.inuse) {
        return "[S13] vmem_size is wrong";
    }
    if (!rig->setup->is_large || rig->count % LARGEST_EVERY == 0) {
        vmem_model_figures(&level->model, &figures);
        if (vmem_size(level->arena, VMEM_MAXFREE) != figures.largest) {
            return "[S13] the largest hole is another";
        }
    }
    return rig->count % STATS_EVERY == 0 ? judge_stats(rig, level) : NULL;
}

/* The reason for a refusal, worked out from the model. */
static enum vmem_reason
reason_of(struct vmem_model *model, const struct vmem_model_request *request)
{
    bool reaches_in = false;
    struct vmem_model_figures figures;

    vmem_model_figures(model, &figures);
    if (figures.free < request->size) {
        return VMEM_REASON_SPACE;
    }
    if (figures.largest < request->size) {
        return VMEM_REASON_FRAGMENTS;
    }
    for (size_t i = 0; i < model->holes.count; i++) {
        const struct vmem_model_range hole = model->holes.at[i];
        const vmem_addr_t low = hole.start > request->addr_min ? hole.start : request->addr_min;
        const vmem_addr_t high = hole.last < request->addr_max ? hole.last : request->addr_max;
        reaches_in = reaches_in || (low <= high && high - low >= request->size - 1);
    }
    return reaches_in ? VMEM_REASON_ALIGNMENT : VMEM_REASON_WINDOW;
}

const char *
rig_judge_explain(struct rig *rig, const struct rig_op *op)
{
    struct vmem_model *model = &rig->level[op->level].model;
    const struct vmem_constraint constraint = { op->align, op->phase, op->nocross, op->addr_min,
        op->addr_max };
    const vmem_addr_t addr_max = op->addr_max == 0 ? VMEM_ADDR_MAX : op->addr_max;
    struct vmem_explanation e;
    struct vmem_model_request request;
    struct vmem_model_figures figures;
    vmem_addr_t addr;
    bool is_dictated;
    int want = vmem_model_request(model, op->size, op->align, op->phase, op->nocross, op->addr_min,
        addr_max, op->flags, &request);

    vmem_explain(rig->level[op->level].arena, op->size, &constraint, op->flags, &e);
    if (want != 0) {
        const enum vmem_reason reason =
            want == ENOMEM ? VMEM_REASON_ROUNDING : VMEM_REASON_ARGUMENTS;
        return e.status == want && e.reason == reason ? NULL : "vmem_explain: a bad request";
    }
    if (e.reason == VMEM_REASON_TAGS) {
        /* The request itself must be refused for that. */
        struct rig_level *level = &rig->level[op->level];
        const int status = vmem_xalloc_with(level->arena, op->size, &constraint, op->flags, &addr);
        return e.status == ENOMEM && status == ENOMEM && lacked_tags(rig, level)
            ? NULL
            : "vmem_explain: tags are not what it lacks";
    }
    want = vmem_model_choose(model, &request, &addr, &is_dictated);
    vmem_model_figures(model, &figures);
    if (e.status != want || (e.holes_fitting != 0) != (want == 0) ||
        (e.largest_possible >= request.size) != (want == 0)) {
        return "vmem_explain says otherwise";
    }
    if (e.holes != figures.freesegs || e.free_size != figures.free ||
        e.largest_hole != figures.largest || e.size_rounded != request.size) {
        return "vmem_explain: a figure is wrong";
    }
    if (want == 0) {
        return e.reason == VMEM_REASON_NONE ? NULL : "vmem_explain: a reason for what works";
    }
    if (model->source != NULL &&
        (e.reason == VMEM_REASON_IMPORT || e.reason == VMEM_REASON_LIMIT)) {
        return NULL; /* else nothing that a source gives could help, and it is as without one */
    }
    return e.reason == reason_of(model, &request) ? NULL : "vmem_explain: another reason";
}
