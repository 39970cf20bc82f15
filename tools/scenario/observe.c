/*
 * observe - what can be seen of real arenas, against their models. SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. Imported spans
 *    After a call on an arena that imports, its imported spans and those of all its sources are
 *    read from the real arenas.  Spans that went are taken from the models from the bottom up (a
 *    span that goes back may empty the span above it), spans that came are added from the top down
 *    (a source must have imported before it can feed).
 *
 * 2. Segments
 *    Comparing every segment after every line would make long scenarios quadratic.  Work is
 *    counted instead, and an arena is compared whole once the work since the last time is a
 *    quarter of its segments: at most a constant factor more, and small arenas every time.
 */
#include "observe.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* The imported spans of a real arena. */
struct seen {
    struct vmem_model_range *at;
    size_t count, capacity;
};

static const char *
name_of(const struct vmem_pair *pair)
{
    return vmem_name(pair->real);
}

static bool
see_span(void *arg, const struct vmem_segment *segment)
{
    struct seen *seen = arg;

    if (!segment->imported) {
        return true;
    }
    if (seen->count == seen->capacity) {
        seen->capacity = seen->capacity * 2 + 16;
        seen->at = vmem_scenario_realloc(seen->at, seen->capacity, sizeof *seen->at);
    }
    seen->at[seen->count++] =
        (struct vmem_model_range){ segment->start, segment->start + (segment->size - 1) };
    return true;
}

static bool
has(const struct vmem_model_range *at, size_t count, struct vmem_model_range range)
{
    size_t lower = 0;
    size_t upper = count;

    while (lower < upper) {
        const size_t middle = lower + (upper - lower) / 2;

        if (at[middle].start < range.start) {
            lower = middle + 1;
        } else {
            upper = middle;
        }
    }
    return lower < count && at[lower].start == range.start && at[lower].last == range.last;
}

/* Take from the model the spans that are not seen any more, and judge whether they may be gone. */
static void
take_gone(struct vmem_world *world, struct vmem_pair *pair, const struct seen *seen,
    const struct vmem_call *call)
{
    struct vmem_model *model = &pair->model;
    size_t gone = 0;

    for (size_t i = model->imports.count; i-- > 0;) {
        const struct vmem_model_range span = model->imports.at[i];
        const char *rule;

        if (has(seen->at, seen->count, span)) {
            continue;
        }
        rule = vmem_model_span_went(model, span);
        if (rule != NULL) {
            vmem_world_find(
                world, "arena %s: span 0x%" PRIx64 ": %s", name_of(pair), span.start, rule);
            world->has_parted = true;
            return;
        }
        gone++;
    }
    if (gone != 0 &&
        (call->cause == VMEM_CAUSE_OTHER || (call->cause == VMEM_CAUSE_ALLOC && call->has_place))) {
        vmem_world_find(world, "arena %s: a span went back for no reason", name_of(pair));
    }
    if (gone != 0 && call->cause == VMEM_CAUSE_FREE &&
        vmem_model_empty_imports(model) < model->import_keep) {
        vmem_world_find(world, "arena %s: [I4] a span went back that should be kept (keep=%u)",
            name_of(pair), model->import_keep);
    }
}

/* Judge the size of a span that came. */
static void
judge_size(struct vmem_world *world, struct vmem_pair *pair, vmem_size_t size, vmem_size_t size_min,
    vmem_size_t size_max)
{
    if (size < size_min || size > size_max) {
        vmem_world_find(world,
            "arena %s: [I2] [I6] a span of %" PRIu64 " units came, and %" PRIu64 " to %" PRIu64
            " would be right",
            name_of(pair), size, size_min, size_max);
    }
}

/* The sizes of spans that the arena and its sources may import for a request. */
struct level {
    struct vmem_pair *pair;
    struct seen seen;
    vmem_size_t size_min, size_max;
};

static void
plan_sizes(struct level *levels, size_t count, const struct vmem_call *call)
{
    struct vmem_model_request least = *call->request;
    struct vmem_model_request most = *call->request;

    for (size_t i = 0; i < count; i++) {
        const struct vmem_model *model = &levels[i].pair->model;
        vmem_size_t unused;

        levels[i].size_min = 0;
        levels[i].size_max = VMEM_SIZE_MAX;
        if (!vmem_model_import_sizes(model, &least, &levels[i].size_min, &unused) ||
            !vmem_model_import_sizes(model, &most, &unused, &levels[i].size_max)) {
            levels[i].size_max = VMEM_SIZE_MAX;
        }
        least.size = levels[i].size_min;
        most.size = levels[i].size_max;
    }
}

static void
take_new(
    struct vmem_world *world, struct level *level, bool is_lowest, const struct vmem_call *call)
{
    struct vmem_model *model = &level->pair->model;
    size_t came = 0;

    for (size_t i = 0; i < level->seen.count; i++) {
        const struct vmem_model_range span = level->seen.at[i];
        const char *rule;

        if (has(model->imports.at, model->imports.count, span)) {
            continue;
        }
        rule = vmem_model_span_came(model, span);
        if (rule != NULL) {
            vmem_world_find(
                world, "arena %s: span 0x%" PRIx64 ": %s", name_of(level->pair), span.start, rule);
            world->has_parted = true;
            return;
        }
        came++;
        if (call->cause == VMEM_CAUSE_ALLOC) {
            judge_size(
                world, level->pair, span.last - span.start + 1, level->size_min, level->size_max);
        }
    }
    if (came == 0) {
        return;
    }
    if (call->cause != VMEM_CAUSE_ALLOC || call->has_place) {
        vmem_world_find(world, "arena %s: it imported though it need not", name_of(level->pair));
    } else if (is_lowest && !call->is_served) {
        vmem_world_find(world, "arena %s: [I2] a span that did not help was not given back",
            name_of(level->pair));
    } else if (is_lowest && came > 1) {
        vmem_world_find(
            world, "arena %s: [I2] it imported more than one span", name_of(level->pair));
    }
}

void
vmem_observe_spans(struct vmem_world *world, struct vmem_pair *pair, const struct vmem_call *call)
{
    struct level *levels = NULL;
    size_t count = 0;
    size_t depth = 0;

    for (struct vmem_pair *at = pair; at->source != NULL; at = at->source) {
        depth++;
    }
    if (depth == 0) {
        return;
    }
    levels = vmem_scenario_realloc(NULL, depth, sizeof *levels);
    for (struct vmem_pair *at = pair; at->source != NULL; at = at->source) {
        levels[count] = (struct level){ .pair = at };
        vmem_walk(at->real, VMEM_SPAN, see_span, &levels[count].seen);
        count++;
    }
    if (call->cause == VMEM_CAUSE_ALLOC) {
        plan_sizes(levels, count, call);
    }
    for (size_t i = 0; i < count && !world->has_parted; i++) {
        take_gone(world, levels[i].pair, &levels[i].seen, call);
    }
    for (size_t i = count; i-- > 0 && !world->has_parted;) {
        take_new(world, &levels[i], i == 0, call);
    }
    for (size_t i = 0; i < count; i++) {
        free(levels[i].seen.at);
    }
    free(levels);
}

void
vmem_observe_figures(struct vmem_arena *arena, struct vmem_model_figures *figures)
{
    struct vmem_stats stats;

    vmem_stats(arena, &stats);
    *figures = (struct vmem_model_figures){
        .total = vmem_size(arena, VMEM_ALLOC | VMEM_FREE),
        .inuse = vmem_size(arena, VMEM_ALLOC),
        .free = vmem_size(arena, VMEM_FREE),
        .largest = vmem_size(arena, VMEM_MAXFREE),
        .spans = stats.spans,
        .freesegs = stats.holes,
        .imported = stats.imported_size,
    };
}

vmem_size_t
vmem_figure_of(const struct vmem_model_figures *figures, enum vmem_figure which)
{
    const vmem_size_t all[VMEM_FIGURE_COUNT] = { figures->total, figures->inuse, figures->free,
        figures->largest, figures->spans, figures->freesegs, figures->imported };

    return all[which];
}

static void
compare_figures(struct vmem_world *world, struct vmem_pair *pair)
{
    struct vmem_model_figures real;
    struct vmem_model_figures model;

    vmem_observe_figures(pair->real, &real);
    vmem_model_figures(&pair->model, &model);
    for (unsigned i = 0; i < VMEM_FIGURE_COUNT; i++) {
        const vmem_size_t have = vmem_figure_of(&real, (enum vmem_figure)i);
        const vmem_size_t want = vmem_figure_of(&model, (enum vmem_figure)i);

        if (have != want) {
            vmem_world_find(world, "arena %s: [S13] %s is %" PRIu64 " and the model has %" PRIu64,
                name_of(pair), vmem_figure_names[i], have, want);
        }
    }
}

/* A walk over all segments, in step with the lists of the model. */
struct stroll {
    const struct vmem_model *model;
    size_t busy, holes;
    bool is_same;
    vmem_addr_t addr; /* of the first difference */
};

static bool
compare_segment(void *arg, const struct vmem_segment *segment)
{
    struct stroll *stroll = arg;
    const bool is_busy = (segment->type & VMEM_ALLOC) != 0;
    const struct vmem_model_list *list = is_busy ? &stroll->model->busy : &stroll->model->holes;
    const size_t i = is_busy ? stroll->busy++ : stroll->holes++;

    if (i >= list->count || list->at[i].start != segment->start ||
        list->at[i].last - list->at[i].start != segment->size - 1) {
        stroll->is_same = false;
        stroll->addr = segment->start;
    }
    return stroll->is_same;
}

static void
compare_segments(struct vmem_world *world, struct vmem_pair *pair)
{
    struct stroll stroll = { .model = &pair->model, .is_same = true };
    struct vmem_violation violation = { 0 };

    vmem_walk(pair->real, VMEM_ALLOC | VMEM_FREE, compare_segment, &stroll);
    if (!stroll.is_same) {
        vmem_world_find(world, "arena %s: the segment at 0x%" PRIx64 " is not as in the model",
            name_of(pair), stroll.addr);
    } else if (stroll.busy != pair->model.busy.count || stroll.holes != pair->model.holes.count) {
        vmem_world_find(world,
            "arena %s: a walk shows %zu busy segments and %zu holes, the model has %zu and %zu",
            name_of(pair), stroll.busy, stroll.holes, pair->model.busy.count,
            pair->model.holes.count);
    }
    if (!vmem_check(pair->real, &violation)) {
        vmem_world_find(world, "arena %s: [S15] invariant broken at 0x%" PRIx64 ": %s",
            name_of(pair), violation.addr, violation.invariant);
    }
}

void
vmem_observe_compare(struct vmem_world *world, struct vmem_pair *pair)
{
    for (struct vmem_pair *at = pair; at != NULL && !world->has_parted; at = at->source) {
        struct vmem_model *model = &at->model;

        compare_figures(world, at);
        if (at->source != NULL && vmem_model_empty_imports(model) > model->import_keep) {
            vmem_world_find(world, "arena %s: [I4] more than keep=%u wholly free spans are kept",
                name_of(at), model->import_keep);
        }
        at->work += 8;
        if (at->work >= (model->busy.count + model->holes.count) / 4) {
            at->work = 0;
            compare_segments(world, at);
        }
    }
}
