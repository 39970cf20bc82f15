/*
 * plan - what one trace is replayed with.                     SPDX-License-Identifier: BSD-2-Clause
 *
 * Sizes
 *    auto     the peak of what is live at once, sizes rounded to the quantum, and an eighth of it;
 *             also far enough to reach every window that the trace names, if the base lies below.
 *    import   the parent owns what --size says, by default a quarter of the space, so that it is
 *             never the limit; the arena imports multiples of the import quantum.
 */
#include "plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define AUTO_HEADROOM_LOG2 3 /* auto adds 1/8 of the peak */
#define PARENT_SIZE_AUTO (UINT64_C(1) << 62)
#define IMPORTS_PER_PEAK_LOG2 6 /* an import is a 64th of the peak, rounded to a power of two */

static vmem_size_t
add_saturated(vmem_size_t a, vmem_size_t b)
{
    return a > VMEM_SIZE_MAX - b ? VMEM_SIZE_MAX : a + b;
}

/* The largest multiple of the quantum that a span at base can have. */
static vmem_size_t
span_size_max(vmem_addr_t base, vmem_size_t quantum)
{
    return (VMEM_ADDR_MAX - base) & ~(quantum - 1);
}

/* Units from base to the end of a request of `size` at addr_min, or 0 if it lies below the base. */
static vmem_size_t
window_reach(const struct vmem_trace_constraint *constraint, vmem_addr_t base, vmem_size_t size)
{
    if (constraint->addr_min < base) {
        return 0;
    }
    return add_saturated(constraint->addr_min - base, size);
}

bool
replay_demand_measure(struct replay_demand *demand, const struct vmem_trace *trace,
    const struct replay_options *options)
{
    vmem_size_t *live = calloc(trace->slot_count + (size_t)1, sizeof(*live));
    if (live == NULL) {
        return false;
    }
    *demand = (struct replay_demand){ 0 };
    vmem_size_t live_size = 0;
    size_t live_count = 0;
    vmem_size_t reach = 0;
    for (size_t i = 0; i < trace->op_count; i++) {
        const struct vmem_trace_op *op = &trace->ops[i];
        if (op->kind == VMEM_TRACE_FREE) {
            live_size -= live[op->slot];
            live_count--;
            continue;
        }
        vmem_size_t rounded = 0;
        demand->unroundable_count += !replay_round(op->size, options->quantum, &rounded);
        if (rounded > VMEM_SIZE_MAX - live_size) {
            rounded = 0; /* More than the whole space: it cannot be served, so it is not counted. */
        }
        live[op->slot] = rounded;
        live_size += rounded;
        live_count++;
        if (live_size > demand->live_peak) {
            demand->live_peak = live_size;
        }
        if (live_count > demand->live_count_peak) {
            demand->live_count_peak = live_count;
        }
        if (rounded > demand->request_max) {
            demand->request_max = rounded;
        }
        if (op->constraint != VMEM_TRACE_ANYWHERE) {
            const vmem_size_t window =
                window_reach(&trace->constraints[op->constraint], options->base, rounded);
            reach = window > reach ? window : reach;
        }
    }
    free(live);
    const vmem_size_t size_max = span_size_max(options->base, options->quantum);
    vmem_size_t wanted = add_saturated(demand->live_peak, demand->live_peak >> AUTO_HEADROOM_LOG2);
    wanted = wanted < reach ? reach : wanted;
    wanted = wanted < options->quantum ? options->quantum : wanted;
    if (!replay_round(wanted, options->quantum, &demand->span_size_auto) ||
        demand->span_size_auto > size_max) {
        demand->span_size_auto = size_max;
    }
    return true;
}

/* The trace's constraints as this quantum allows them: any quantum is a multiple of less. */
static bool
convert_constraints(struct replay_plan *plan)
{
    const struct vmem_trace *trace = plan->trace;
    if (trace->constraint_count == 0) {
        return true;
    }
    plan->constraints = calloc(trace->constraint_count, sizeof(*plan->constraints));
    if (plan->constraints == NULL) {
        return false;
    }
    for (size_t i = 0; i < trace->constraint_count; i++) {
        const struct vmem_trace_constraint *from = &trace->constraints[i];
        plan->constraints[i] = (struct vmem_constraint){
            .align = from->align != 0 && from->align < plan->quantum ? plan->quantum : from->align,
            .phase = from->phase,
            .nocross = from->nocross,
            .addr_min = from->addr_min,
            .addr_max = from->addr_max,
        };
    }
    return true;
}

static vmem_size_t
import_quantum_auto(vmem_size_t peak, vmem_size_t quantum)
{
    vmem_size_t import_quantum = quantum;
    while (import_quantum < peak >> IMPORTS_PER_PEAK_LOG2 && import_quantum < UINT64_C(1) << 62) {
        import_quantum *= 2;
    }
    return import_quantum;
}

static bool
choose_size(struct replay_plan *plan, const struct replay_job *job, char *why)
{
    const struct replay_demand *demand = job->demand;
    const struct replay_options *options = job->options;
    const vmem_size_t size_max = span_size_max(plan->base, plan->quantum);
    if (size_max == 0) {
        (void)snprintf(
            why, REPLAY_TEXT_BYTES, "--base leaves no room for one quantum below 2^64-1");
        return false;
    }
    plan->size = demand->span_size_auto;
    if (options->is_importing) {
        plan->import_quantum = options->import_quantum != 0
            ? options->import_quantum
            : import_quantum_auto(demand->live_peak, plan->quantum);
        plan->size = size_max < PARENT_SIZE_AUTO ? size_max : PARENT_SIZE_AUTO;
    }
    if (options->size_rule == REPLAY_SIZE_GIVEN &&
        (!replay_round(options->size, plan->quantum, &plan->size) || plan->size > size_max)) {
        (void)snprintf(why, REPLAY_TEXT_BYTES,
            "--size is too large: from the base at most %" PRIu64 " units fit below 2^64-1",
            size_max);
        return false;
    }
    return true;
}

bool
replay_plan_make(struct replay_plan *plan, const struct replay_job *job,
    const struct replay_policy *policy, char *why)
{
    const struct vmem_trace *trace = job->trace;
    const struct replay_options *options = job->options;
    *plan = (struct replay_plan){
        .trace = trace,
        .policy = policy,
        .flags = policy->flag | (options->is_high ? (unsigned)VMEM_HIGH : 0u),
        .arena_flags = options->is_unlocked ? (unsigned)VMEM_NOLOCK : 0u,
        .quantum = options->quantum,
        .base = options->base,
        .uses_handles = options->uses_handles,
    };
    if (!choose_size(plan, job, why)) {
        return false;
    }
    if (!convert_constraints(plan)) {
        (void)snprintf(why, REPLAY_TEXT_BYTES, "no memory for the constraints");
        return false;
    }
    for (size_t i = 1; options->uses_handles && i < trace->constraint_count; i++) {
        if (plan->constraints[i].addr_max == 0) {
            (void)snprintf(why, REPLAY_TEXT_BYTES,
                "the trace uses max=0, which an allocation by handle cannot say: leave out "
                "--handles");
            return false;
        }
    }
    return true;
}

void
replay_plan_dispose(struct replay_plan *plan)
{
    free(plan->constraints);
    *plan = (struct replay_plan){ 0 };
}
