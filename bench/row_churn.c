/*
 * row_churn - the steady cost of a pair.                      SPDX-License-Identifier: BSD-2-Clause
 *
 * All subjects are filled and warmed up, then measured in turn, repeat by repeat, each repeat on a
 * new piece of the trace that is the same for all.  The first tenth of a piece is not timed: it
 * brings the subject's memory back into the caches that the previous one took over.
 */
#include "bench.h"
#include "clock.h"
#include "workload.h"

static const struct bench_adapter *const subjects[] = {
    &bench_floor,
    &bench_vmem_locked,
    &bench_vmem_addr,
    &bench_vmem_handle,
    &bench_vmem_indexed,
    &bench_vmem_shared,
    &bench_map,
    &bench_glibc,
    &bench_jemalloc,
    &bench_mimalloc,
    &bench_tcmalloc,
    NULL,
};

static double
time_pairs(struct bench_instance *instance, const struct bench_trace *trace)
{
    const size_t untimed = trace->count / 2; /* brings the caches back that the others used */
    const size_t timed = trace->count - untimed;

    bench_instance_run(instance, trace->ops, untimed);
    const uint64_t start = bench_clock_cpu_ns();
    bench_instance_run(instance, trace->ops + untimed, timed);
    const uint64_t end = bench_clock_cpu_ns();
    return ((double)(end - start) - bench_clock_cpu_cost_ns()) / (double)timed;
}

static void
add_figures(struct bench_run *run, const struct bench_instance *instance, const double *samples)
{
    const struct bench_key key = { instance->adapter->name, "pair", instance->slot_count };

    bench_report_add(&run->report, &key, "mean", "ns", samples, run->options->repeats);
    if (instance->refused > 0) {
        bench_report_note(&run->report, &key, "%.3f %% of allocations refused",
            100.0 * (double)instance->refused / (double)instance->pairs);
    }
}

static void
run_live(struct bench_run *run, uint32_t live)
{
    const struct bench_adapter *chosen[BENCH_SUBJECTS_MAX];
    struct bench_instance instances[BENCH_SUBJECTS_MAX];
    double samples[BENCH_SUBJECTS_MAX][BENCH_REPEATS_MAX];
    struct bench_trace trace = { 0 };
    struct bench_load load;
    const unsigned count = bench_choose(run, subjects, chosen, live, "pair");

    bench_load_init(&load, live, run->options->occupancy, false, run->options->seed);
    bench_open_all(run, instances, chosen, count, &load, &trace);
    for (unsigned repeat = 0; repeat < run->options->repeats; repeat++) {
        bench_load_churn(&load, &trace, 2 * bench_pairs(run->options, live));
        for (unsigned i = 0; i < count; i++) {
            const unsigned turn = (i + repeat) % count;

            bench_progress("churn, %u live, repeat %u of %u: %s", live, repeat + 1,
                run->options->repeats, chosen[turn]->name);
            samples[turn][repeat] = time_pairs(&instances[turn], &trace);
        }
    }
    for (unsigned i = 0; i < count; i++) {
        add_figures(run, &instances[i], samples[i]);
    }
    bench_close_all(instances, count);
    bench_trace_fini(&trace);
    bench_load_fini(&load);
}

static void
run_churn(struct bench_run *run)
{
    for (unsigned i = 0; i < run->options->live_count; i++) {
        run_live(run, run->options->lives[i]);
    }
}

const struct bench_family bench_churn = {
    "churn",
    "mean of a pair (free a random block, allocate another size), thread CPU time",
    run_churn,
};
