/*
 * row_latency - the distribution of single operations.        SPDX-License-Identifier: BSD-2-Clause
 *
 * A stamp between two fences before and after every call.  Fences keep calls from overlapping, so
 * that the median of a pair is above the mean of the churn row.  Interrupts and other tenants of
 * the machine are in here, and rule the maximum; the worst row is free of them.  Percentiles are
 * taken repeat by repeat, and the median of those is shown.
 */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "clock.h"
#include "workload.h"

enum { PART_PAIR, PART_ALLOC, PART_FREE, PARTS };
enum { METRIC_P50, METRIC_P99, METRIC_P999, METRIC_MAX, METRIC_RATIO, METRICS };

static const char *const part_names[PARTS] = { "pair", "alloc", "free" };

static const struct {
    const char *name;
    const char *unit;
    double quantile;
} metrics[METRICS] = {
    { "p50", "ns", 0.5 },
    { "p99", "ns", 0.99 },
    { "p99.9", "ns", 0.999 },
    { "max", "ns", 1.0 },
    { "p99.9/p50", "x", 0 },
};

static const struct bench_adapter *const subjects[] = {
    &bench_floor,
    &bench_vmem_locked,
    &bench_vmem_addr,
    &bench_vmem_handle,
    &bench_vmem_indexed,
    &bench_map,
    &bench_glibc,
    &bench_jemalloc,
    &bench_mimalloc,
    &bench_tcmalloc,
    NULL,
};

struct sample {
    double values[PARTS][METRICS][BENCH_REPEATS_MAX];
};

static void
take_quantiles(
    uint32_t *ticks, size_t count, unsigned repeat, double values[METRICS][BENCH_REPEATS_MAX])
{
    bench_sort_ticks(ticks, count);
    for (unsigned metric = 0; metric < METRIC_RATIO; metric++) {
        const size_t at = (size_t)(metrics[metric].quantile * (double)(count - 1));

        values[metric][repeat] = bench_clock_ticks_to_ns(ticks[at]);
    }
    const double p50 = values[METRIC_P50][repeat];
    values[METRIC_RATIO][repeat] = p50 > 0 ? values[METRIC_P999][repeat] / p50 : 0;
}

static void
measure(struct bench_instance *instance, const struct bench_trace *trace, unsigned repeat,
    uint32_t *ticks, struct sample *sample)
{
    const size_t untimed = trace->count / 2; /* brings the caches back that the others used */
    const size_t count = trace->count - untimed;
    uint32_t *free_ticks = ticks;
    uint32_t *alloc_ticks = ticks + count;
    uint32_t *pair_ticks = ticks + 2 * count;

    memset(ticks, 0xff, 2 * count * sizeof *ticks);
    bench_instance_run(instance, trace->ops, untimed);
    bench_instance_stamp(instance, trace->ops + untimed, count, free_ticks, alloc_ticks);
    for (size_t i = 0; i < count; i++) {
        pair_ticks[i] = free_ticks[i] + alloc_ticks[i];
    }
    take_quantiles(pair_ticks, count, repeat, sample->values[PART_PAIR]);
    take_quantiles(alloc_ticks, count, repeat, sample->values[PART_ALLOC]);
    take_quantiles(free_ticks, count, repeat, sample->values[PART_FREE]);
}

static void
add_figures(struct bench_run *run, const struct bench_instance *instance, struct sample *sample)
{
    for (unsigned part = 0; part < PARTS; part++) {
        const struct bench_key key = { instance->adapter->name, part_names[part],
            instance->slot_count };

        for (unsigned metric = 0; metric < METRICS; metric++) {
            bench_report_add(&run->report, &key, metrics[metric].name, metrics[metric].unit,
                sample->values[part][metric], run->options->repeats);
        }
    }
}

static void
run_live(struct bench_run *run, uint32_t live)
{
    const struct bench_adapter *chosen[BENCH_SUBJECTS_MAX];
    struct bench_instance instances[BENCH_SUBJECTS_MAX];
    struct sample *samples = bench_get_zeroed(BENCH_SUBJECTS_MAX, sizeof *samples);
    const size_t pairs = bench_pairs(run->options, live) / 2;
    uint32_t *ticks = bench_get_zeroed(3 * pairs, sizeof *ticks);
    struct bench_trace trace = { 0 };
    struct bench_load load;
    const unsigned count = bench_choose(run, subjects, chosen, live, "pair");

    bench_load_init(&load, live, run->options->occupancy, false, run->options->seed);
    bench_open_all(run, instances, chosen, count, &load, &trace);
    for (unsigned repeat = 0; repeat < run->options->repeats; repeat++) {
        bench_load_churn(&load, &trace, 2 * pairs);
        for (unsigned i = 0; i < count; i++) {
            const unsigned turn = (i + repeat) % count;

            bench_progress("latency, %u live, repeat %u of %u: %s", live, repeat + 1,
                run->options->repeats, chosen[turn]->name);
            measure(&instances[turn], &trace, repeat, ticks, &samples[turn]);
        }
    }
    for (unsigned i = 0; i < count; i++) {
        add_figures(run, &instances[i], &samples[i]);
    }
    bench_close_all(instances, count);
    bench_trace_fini(&trace);
    bench_load_fini(&load);
    free(ticks);
    free(samples);
}

static void
run_latency(struct bench_run *run)
{
    for (unsigned i = 0; i < run->options->live_count; i++) {
        run_live(run, run->options->lives[i]);
    }
}

const struct bench_family bench_latency = {
    "latency",
    "single operations between fences, noise of the machine included",
    run_latency,
};
