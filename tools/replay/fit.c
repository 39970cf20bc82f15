/*
 * fit - the smallest span in which a trace fits.              SPDX-License-Identifier: BSD-2-Clause
 *
 * Doubling from the peak finds a size at which nothing fails; bisection then narrows the pair
 * (something fails, nothing fails) down to one quantum.  Fitting is not monotone in the size: a
 * larger span changes which hole is the best, and a size above the result may fail again.  So the
 * result is *a* smallest size: nothing fails at it, something fails at one quantum less.
 */
#include "pass.h"

#include <stdio.h>

/* Replay until the first failure.  *is_fit = there was none. */
static bool
probe(const struct replay_plan *plan, bool *is_fit, struct replay_context *context)
{
    struct replay_rig rig;
    const struct vmem_trace *trace = plan->trace;
    if (!replay_rig_open(&rig, plan, context->why)) {
        return false;
    }
    *is_fit = true;
    for (size_t i = 0; i < trace->op_count && *is_fit; i++) {
        const struct vmem_trace_op *op = &trace->ops[i];
        if (op->kind == VMEM_TRACE_ALLOC) {
            *is_fit = replay_rig_alloc(&rig, op) == 0;
        } else {
            (void)replay_rig_free(&rig, op);
        }
        if (i % REPLAY_PROGRESS_OPS == 0) {
            replay_progress_step(&context->progress, context->progress.done);
        }
    }
    replay_rig_empty(&rig);
    (void)replay_rig_close(&rig);
    return true;
}

/* Expected number of probes: a few doublings, then one for each bit of the gap in quanta. */
static unsigned
expected_probes(vmem_size_t gap, vmem_size_t quantum)
{
    unsigned count = 4;
    for (vmem_size_t quanta = gap / quantum; quanta > 0; quanta /= 2) {
        count++;
    }
    return count;
}

/* Probe at one size. */
static bool
probe_at(
    struct replay_result *result, vmem_size_t size, bool *is_fit, struct replay_context *context)
{
    result->plan.size = size;
    replay_progress_step(&context->progress, result->fit_probe_count++);
    return probe(&result->plan, is_fit, context);
}

/*
 * Double plan.size until the trace fits.  *too_small = the largest size at which it did not, or as
 * it was.
 */
static bool
find_enough(struct replay_result *result, vmem_size_t *too_small, struct replay_context *context)
{
    const struct replay_plan *plan = &result->plan;
    const vmem_size_t size_max = (VMEM_ADDR_MAX - plan->base) & ~(plan->quantum - 1);
    vmem_size_t size = plan->size < size_max ? plan->size : size_max;
    bool is_fit = false;
    while (probe_at(result, size, &is_fit, context)) {
        if (is_fit || size == size_max) {
            result->is_unfit = !is_fit;
            return true;
        }
        *too_small = size;
        size = size > size_max / 2 ? size_max : size * 2;
    }
    return false;
}

bool
replay_find_fit(struct replay_result *result, const struct replay_demand *demand,
    struct replay_context *context)
{
    const vmem_size_t quantum = result->plan.quantum;
    const vmem_size_t at_least = demand->live_peak < quantum ? quantum : demand->live_peak;
    vmem_size_t too_small = at_least - quantum; /* less than what is live at the peak */
    result->plan.size = at_least;
    replay_progress_phase(&context->progress, result->plan.policy->name, "fit",
        expected_probes(demand->live_peak, quantum));
    if (!find_enough(result, &too_small, context)) {
        return false;
    }
    vmem_size_t enough = result->plan.size;
    while (!result->is_unfit && enough - too_small > quantum) {
        bool is_fit = false;
        const vmem_size_t half = (enough - too_small) / 2 & ~(quantum - 1);
        const vmem_size_t size = too_small + (half < quantum ? quantum : half);
        if (!probe_at(result, size, &is_fit, context)) {
            return false;
        }
        enough = is_fit ? size : enough;
        too_small = is_fit ? too_small : size;
    }
    result->plan.size = enough;
    return true;
}
