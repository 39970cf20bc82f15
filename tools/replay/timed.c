/*
 * timed - the passes with a clock.                            SPDX-License-Identifier: BSD-2-Clause
 *
 * Rate     The operations of the trace in a plain loop, timed as a whole; the loop itself (reading
 *          the operation and its slot) is in the figure.  Repeated, each time with a new arena, and
 *          the median is reported; freeing what is left at the end is not timed.
 * Latency  The clock is read around each operation and its own cost is subtracted.  A pass is
 *          repeated until there are enough samples for a 99.9th percentile.
 */
#include "histogram.h"
#include "pass.h"
#include "ticks.h"

#include <stdio.h>
#include <stdlib.h>

#define RATE_PASSES_MIN 3
#define RATE_PASSES_MAX 301
#define RATE_ENOUGH_NS UINT64_C(100000000)     /* passes beyond the third are for short traces */
#define RATE_TOO_MUCH_NS UINT64_C(10000000000) /* a trace that takes so long is timed once */
#define LATENCY_SAMPLES_ENOUGH 20000
#define LATENCY_OPS_MAX 1000000 /* unless one pass has more: for traces whose requests all fail */
#define LATENCY_PASSES_MAX 1000 /* for traces of a few operations */

/* Run the operations first .. end-1. */
static void
run_ops(struct replay_rig *rig, size_t first, size_t end)
{
    const struct vmem_trace_op *ops = rig->plan->trace->ops;
    for (size_t i = first; i < end; i++) {
        if (ops[i].kind == VMEM_TRACE_ALLOC) {
            (void)replay_rig_alloc(rig, &ops[i]);
        } else {
            (void)replay_rig_free(rig, &ops[i]);
        }
    }
}

static bool
time_pass(const struct replay_plan *plan, uint64_t *elapsed_ns, struct replay_context *context)
{
    struct replay_rig rig;
    const size_t op_count = plan->trace->op_count;
    if (!replay_rig_open(&rig, plan, context->why)) {
        return false;
    }
    *elapsed_ns = 0;
    for (size_t first = 0; first < op_count; first += REPLAY_PROGRESS_OPS) {
        const size_t left = op_count - first;
        const size_t end = first + (left < REPLAY_PROGRESS_OPS ? left : REPLAY_PROGRESS_OPS);
        const uint64_t start_ns = replay_now_ns();
        run_ops(&rig, first, end);
        *elapsed_ns += replay_now_ns() - start_ns;
        replay_progress_step(&context->progress, end);
    }
    replay_rig_empty(&rig);
    replay_rig_close(&rig);
    return true;
}

static int
compare_ns(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a;
    const uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

bool
replay_measure_rate(struct replay_result *result, struct replay_context *context)
{
    const struct replay_plan *plan = &result->plan;
    uint64_t elapsed_ns[RATE_PASSES_MAX];
    uint64_t sum_ns = 0;
    unsigned count = 0;
    const double op_count = (double)plan->trace->op_count;
    do {
        replay_progress_phase(
            &context->progress, plan->policy->name, "rate", plan->trace->op_count);
        if (!time_pass(plan, &elapsed_ns[count], context)) {
            return false;
        }
        sum_ns += elapsed_ns[count++];
    } while (count < RATE_PASSES_MAX && sum_ns < RATE_TOO_MUCH_NS &&
        (count < RATE_PASSES_MIN || sum_ns < RATE_ENOUGH_NS));
    qsort(elapsed_ns, count, sizeof(elapsed_ns[0]), compare_ns);
    const uint64_t median_ns = elapsed_ns[count / 2];
    result->rate = (struct replay_rate){
        .pass_count = count,
        .op_count = plan->trace->op_count,
        .ns_per_op = (double)median_ns / op_count,
        .ns_per_op_min = (double)elapsed_ns[0] / op_count,
        .ns_per_op_max = (double)elapsed_ns[count - 1] / op_count,
    };
    return true;
}

static void
add_sample(struct replay_histogram *histogram, uint64_t ticks, uint64_t overhead_ticks)
{
    replay_histogram_add(histogram, ticks > overhead_ticks ? ticks - overhead_ticks : 0);
}

static bool
latency_pass(const struct replay_plan *plan, struct replay_histogram *alloc,
    struct replay_histogram *free_, struct replay_context *context)
{
    struct replay_rig rig;
    const struct replay_clock *clock = replay_clock();
    const bool is_tsc = clock->is_tsc;
    if (!replay_rig_open(&rig, plan, context->why)) {
        return false;
    }
    for (size_t i = 0; i < plan->trace->op_count; i++) {
        const struct vmem_trace_op *op = &plan->trace->ops[i];
        if (i % REPLAY_PROGRESS_OPS == 0) {
            replay_progress_step(&context->progress, i);
        }
        const uint64_t start = replay_ticks(is_tsc);
        if (op->kind == VMEM_TRACE_ALLOC) {
            const int status = replay_rig_alloc(&rig, op);
            const uint64_t ticks = replay_ticks(is_tsc) - start;
            if (status == 0) {
                add_sample(alloc, ticks, clock->overhead_ticks);
            }
        } else {
            const bool is_served = replay_rig_free(&rig, op);
            const uint64_t ticks = replay_ticks(is_tsc) - start;
            if (is_served) {
                add_sample(free_, ticks, clock->overhead_ticks);
            }
        }
    }
    replay_rig_empty(&rig);
    replay_rig_close(&rig);
    return true;
}

static struct replay_percentiles
percentiles_of(const struct replay_histogram *histogram, double ns_per_tick)
{
    return (struct replay_percentiles){
        .count = histogram->count,
        .p50_ns = (double)replay_histogram_at(histogram, 5000) * ns_per_tick,
        .p90_ns = (double)replay_histogram_at(histogram, 9000) * ns_per_tick,
        .p99_ns = (double)replay_histogram_at(histogram, 9900) * ns_per_tick,
        .p999_ns = (double)replay_histogram_at(histogram, 9990) * ns_per_tick,
        .max_ns = (double)histogram->value_max * ns_per_tick,
    };
}

bool
replay_measure_latency(struct replay_result *result, struct replay_context *context)
{
    const struct replay_plan *plan = &result->plan;
    struct replay_latency *latency = &result->latency;
    struct replay_histogram *both = calloc(2, sizeof(*both));
    if (both == NULL) {
        (void)snprintf(context->why, REPLAY_TEXT_BYTES, "no memory for the latencies");
        return false;
    }
    *latency = (struct replay_latency){ 0 };
    bool is_run;
    do {
        replay_progress_phase(
            &context->progress, plan->policy->name, "latency", plan->trace->op_count);
        is_run = latency_pass(plan, &both[0], &both[1], context);
        latency->pass_count++;
    } while (is_run && both[0].count < LATENCY_SAMPLES_ENOUGH &&
        latency->pass_count < LATENCY_PASSES_MAX &&
        latency->pass_count * plan->trace->op_count < LATENCY_OPS_MAX);
    const double ns_per_tick = replay_clock()->ns_per_tick;
    latency->alloc = percentiles_of(&both[0], ns_per_tick);
    latency->free = percentiles_of(&both[1], ns_per_tick);
    free(both);
    return is_run;
}
