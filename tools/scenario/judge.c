/*
 * judge - one call on a real arena, judged by its model.          SPDX-License-Identifier: BSD-2-Clause
 *
 * The order is always: what should happen, by the model as it was; the call; which spans moved;
 * whether the answer was right; the model follows; the figures.  The model follows the arena even
 * where the arena was wrong (another place than the policy dictates), so that one fault is reported
 * once.  Where it cannot (a place that was not free) the scenario ends: world->has_parted.
 */
#include "judge.h"

#include "observe.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

const char *
vmem_status_text(int status)
{
    static char number[32];
    static const struct {
        int status;
        const char *text;
    } names[] = { { 0, "ok" }, { ENOMEM, "ENOMEM" }, { EINVAL, "EINVAL" }, { EEXIST, "EEXIST" },
        { ENOSPC, "ENOSPC" }, { EBUSY, "EBUSY" }, { ETIMEDOUT, "ETIMEDOUT" },
        { ENOTSUP, "ENOTSUP" } };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].status == status) {
            return names[i].text;
        }
    }
    (void)snprintf(number, sizeof number, "status %d", status);
    return number;
}

const char *
vmem_observed_text(const struct vmem_observed *observed)
{
    static char text[32];

    if (observed->is_misuse) {
        return "misuse";
    }
    if (observed->status == 0 && observed->has_addr) {
        (void)snprintf(text, sizeof text, "@0x%" PRIx64, observed->addr);
        return text;
    }
    return vmem_status_text(observed->status);
}

/* The library called the fatal hook where nothing was misused. */
static void
expect_silence(struct vmem_world *world)
{
    if (world->told.count != 0) {
        vmem_world_find(world, "the fatal hook was called: %s", world->told.text);
    }
}

static void
expect_status(struct vmem_world *world, int status, int want, const char *rule)
{
    if (status != want) {
        char text[32];

        (void)snprintf(text, sizeof text, "%s", vmem_status_text(want));
        vmem_world_find(
            world, "%s: %s, and the model says %s", vmem_status_text(status), rule, text);
    }
}

static int
call_alloc(struct vmem_pair *pair, const struct vmem_statement_alloc *alloc, bool is_plain,
    vmem_addr_t *addr)
{
    if (is_plain) {
        return vmem_alloc(pair->real, alloc->size, alloc->flags, addr);
    }
    return vmem_xalloc(pair->real, alloc->size, alloc->align, alloc->phase, alloc->nocross,
        alloc->addr_min, alloc->addr_max, alloc->flags, addr);
}

/* Judge the answer to a valid request, and follow. */
static void
judge_answer(struct vmem_world *world, struct vmem_pair *pair,
    const struct vmem_model_request *request, const struct vmem_observed *observed)
{
    struct vmem_model *model = &pair->model;
    const vmem_addr_t addr = observed->addr;
    struct vmem_model_verdict verdict;

    vmem_model_judge(model, request, observed->status, addr, &verdict);
    if (verdict.rule != NULL && verdict.status == 0 && verdict.has_addr) {
        vmem_world_find(world, "%s: %s; the model has @0x%" PRIx64, vmem_observed_text(observed),
            verdict.rule, verdict.addr);
    } else if (verdict.rule != NULL) {
        vmem_world_find(world, "%s: %s", vmem_observed_text(observed), verdict.rule);
    }
    if (observed->status != 0) {
        return;
    }
    if (request->size - 1 > VMEM_ADDR_MAX - addr ||
        vmem_model_hole(model, addr, addr + (request->size - 1)) == NULL) {
        world->has_parted = true;
        return;
    }
    vmem_model_commit(model, request, addr);
}

/* An arena with static spans may be offered one of them by its source, and refuses it [I5]. */
static bool
met_own_span(
    struct vmem_world *world, const struct vmem_pair *pair, const struct vmem_observed *observed)
{
    if (world->told.count == 0 || world->told.code != VMEM_FAULT_BAD_IMPORT ||
        pair->source == NULL || pair->model.statics.count == 0 || observed->status != ENOMEM) {
        return false;
    }
    world->told.count = 0;
    return true;
}

struct vmem_observed
vmem_judge_alloc(struct vmem_world *world, struct vmem_pair *pair,
    const struct vmem_statement_alloc *alloc, bool is_plain)
{
    struct vmem_observed observed = { 0 };
    struct vmem_model_request request;
    const int valid = vmem_model_request(&pair->model, alloc->size, alloc->align, alloc->phase,
        alloc->nocross, alloc->addr_min, alloc->addr_max, alloc->flags, &request);
    struct vmem_call call = { VMEM_CAUSE_OTHER, true, false, NULL };
    vmem_addr_t unused;
    bool is_dictated;

    if (valid == 0) {
        call.cause = VMEM_CAUSE_ALLOC;
        call.has_place = vmem_model_choose(&pair->model, &request, &unused, &is_dictated) == 0;
        call.request = &request;
    }
    observed.status = call_alloc(pair, alloc, is_plain, &observed.addr);
    observed.has_addr = observed.status == 0;
    call.is_served = observed.has_addr;
    vmem_observe_spans(world, pair, &call);
    if (world->has_parted) {
        return observed;
    }
    if (met_own_span(world, pair, &observed) && !call.has_place) {
        return observed;
    }
    if (valid != 0) {
        expect_status(world, observed.status, valid, "[C4] the request is not valid");
        world->has_parted = observed.status == 0;
    } else {
        judge_answer(world, pair, &request, &observed);
    }
    expect_silence(world);
    vmem_observe_compare(world, pair);
    return observed;
}

/* A wrong free: the hook must have been called with the right words. */
static void
judge_misuse(struct vmem_world *world, enum vmem_model_free what)
{
    const enum vmem_fault_code code =
        what == VMEM_MODEL_FREE_NOTHING ? VMEM_FAULT_BAD_FREE : VMEM_FAULT_WRONG_SIZE;

    if (world->told.count == 0) {
        vmem_world_find(world, "the free was accepted, but %s",
            what == VMEM_MODEL_FREE_NOTHING ? "nothing is allocated at that address"
                                            : "what is allocated there has another size");
        world->has_parted = true;
    } else if (world->told.code != code || world->told.count != 1) {
        vmem_world_find(world, "the fatal hook was called %u times, first with: %s",
            world->told.count, world->told.text);
    }
}

struct vmem_observed
vmem_judge_free(struct vmem_world *world, struct vmem_pair *pair, vmem_addr_t addr,
    vmem_size_t size, bool is_plain)
{
    const enum vmem_model_free what = vmem_model_judge_free(&pair->model, addr, size);
    const struct vmem_call call = { .cause = VMEM_CAUSE_FREE };
    struct vmem_observed observed = { 0 };

    if (is_plain) {
        vmem_free(pair->real, addr, size);
    } else {
        vmem_xfree(pair->real, addr, size);
    }
    observed.is_misuse = world->told.count != 0;
    if (what != VMEM_MODEL_FREE_OK) {
        judge_misuse(world, what);
    } else if (observed.is_misuse) {
        vmem_world_find(world, "a right free was refused: %s", world->told.text);
    } else {
        vmem_world_live_remove(world, pair, addr);
        vmem_model_free(&pair->model, addr);
        vmem_observe_spans(world, pair, &call);
    }
    if (!world->has_parted) {
        vmem_observe_compare(world, pair);
    }
    return observed;
}

struct vmem_observed
vmem_judge_add(
    struct vmem_world *world, struct vmem_pair *pair, vmem_addr_t start, vmem_size_t size)
{
    struct vmem_observed observed = { .status = vmem_add(pair->real, start, size, 0) };
    const int want = vmem_model_judge_add(&pair->model, start, size);

    expect_status(world, observed.status, want, "[S4] adding the span");
    expect_silence(world);
    if (observed.status == want) {
        (void)vmem_model_add(&pair->model, start, size);
        vmem_observe_compare(world, pair);
    } else {
        world->has_parted = observed.status == 0;
    }
    return observed;
}

struct vmem_observed
vmem_judge_drain(struct vmem_world *world, struct vmem_pair *pair)
{
    const struct vmem_call call = { .cause = VMEM_CAUSE_FREE };

    vmem_drain(pair->real);
    expect_silence(world);
    vmem_observe_spans(world, pair, &call);
    vmem_observe_compare(world, pair);
    return (struct vmem_observed){ 0 };
}

struct vmem_observed
vmem_judge_limit(struct vmem_world *world, struct vmem_pair *pair, vmem_size_t limit)
{
    vmem_set_limit(pair->real, limit);
    pair->model.limit = limit;
    expect_silence(world);
    vmem_observe_compare(world, pair);
    return (struct vmem_observed){ 0 };
}

/* The status that creation must return; *is_open if another failure is as good. */
static int
create_model(struct vmem_pair *pair, const struct vmem_options *options, bool *is_open)
{
    struct vmem_model *model = &pair->model;
    int status = vmem_model_init(model, options->quantum, options->limit, options->flags);

    *is_open = false;
    if (status != 0) {
        return status;
    }
    if (pair->source != NULL) {
        status = vmem_model_set_source(
            model, &pair->source->model, options->import_quantum, options->import_keep);
        *is_open = options->size != 0; /* a static span and a source at once: may be refused */
    } else {
        *is_open = options->import_quantum % options->quantum != 0;
    }
    if (status == 0 && options->size != 0) {
        status = vmem_model_add(model, options->base, options->size);
    }
    return status;
}

struct vmem_observed
vmem_judge_create(struct vmem_world *world, struct vmem_pair *pair,
    const struct vmem_statement_arena *arena, const char *name)
{
    struct vmem_options options = arena->options;
    struct vmem_observed observed = { 0 };
    bool is_open;
    const int want = create_model(pair, &options, &is_open);

    options.name = name;
    options.source_arena = pair->source != NULL ? pair->source->real : NULL;
    observed.status = vmem_create_with(&options, &pair->real);
    expect_silence(world);
    if (observed.status != want && (!is_open || observed.status == 0)) {
        expect_status(world, observed.status, want, "[S1] creating the arena");
        world->has_parted = observed.status == 0;
    }
    if (observed.status == 0) {
        vmem_world_add(world, pair);
        if (!world->has_parted) {
            vmem_observe_compare(world, pair);
        }
    }
    return observed;
}

/* What the arena imported is the source's again. */
static void
return_spans(struct vmem_world *world, struct vmem_pair *pair)
{
    const struct vmem_call call = { .cause = VMEM_CAUSE_FREE };
    struct vmem_pair *source = pair->source;

    if (source == NULL) {
        return;
    }
    while (pair->model.imports.count != 0) {
        (void)vmem_model_span_went(&pair->model, pair->model.imports.at[0]);
    }
    vmem_observe_spans(world, source, &call);
    vmem_observe_compare(world, source);
}

struct vmem_observed
vmem_judge_destroy(struct vmem_world *world, struct vmem_pair *pair)
{
    const bool is_busy = pair->model.inuse != 0;
    struct vmem_observed observed = { .status = vmem_destroy(pair->real) };

    observed.is_misuse = world->told.count != 0;
    if (observed.status == 0) {
        if (is_busy) {
            vmem_world_find(world, "[S3] an arena with live allocations was destroyed");
            world->has_parted = true;
        } else {
            expect_silence(world);
            return_spans(world, pair);
        }
        vmem_world_remove(world, pair);
        return observed;
    }
    if (!is_busy) {
        vmem_world_find(world, "%s: [S3] the arena holds nothing and is not destroyed: %s",
            vmem_status_text(observed.status),
            observed.is_misuse ? world->told.text : "the fatal hook was not called");
    } else if (observed.status != EBUSY || world->told.code != VMEM_FAULT_DESTROY_BUSY ||
        world->told.count != 1) {
        vmem_world_find(world, "%s: [S3] wants EBUSY and one call of the fatal hook, got %u: %s",
            vmem_status_text(observed.status), world->told.count,
            observed.is_misuse ? world->told.text : "");
    }
    vmem_observe_compare(world, pair);
    return observed;
}
