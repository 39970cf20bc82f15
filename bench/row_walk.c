/*
 * row_walk - looking at everything: walk and check.           SPDX-License-Identifier: BSD-2-Clause
 *
 * vmem_walk() over busy segments and holes with a visitor that counts, and vmem_check(), both over
 * the number of segments, in thread CPU time, on a churned arena.
 */
#include "adapter_vmem.h"
#include "bench.h"
#include "clock.h"
#include "workload.h"

#define SAMPLE_NS 2000000u

static const struct bench_adapter *const subjects[] = {
    &bench_vmem_addr,
    &bench_vmem_indexed,
    NULL,
};

static bool
count_segment(void *arg, const struct vmem_segment *segment)
{
    uint64_t *count = arg;

    *count += segment->size != 0;
    return true;
}

static double
time_walk(struct vmem_arena *arena)
{
    const uint64_t start = bench_clock_cpu_ns();
    uint64_t now = start;
    uint64_t segments = 0;

    while (now - start < SAMPLE_NS) {
        vmem_walk(arena, VMEM_ALLOC | VMEM_FREE, count_segment, &segments);
        now = bench_clock_cpu_ns();
    }
    return (double)(now - start) / (double)segments;
}

static double
time_check(struct vmem_arena *arena, uint64_t segments)
{
    const uint64_t start = bench_clock_cpu_ns();
    uint64_t now = start;
    unsigned rounds = 0;

    while (now - start < SAMPLE_NS) {
        struct vmem_violation violation;

        bench_vmem_require(vmem_check(arena, &violation) ? 0 : -1, "vmem_check");
        rounds++;
        now = bench_clock_cpu_ns();
    }
    return (double)(now - start) / ((double)segments * rounds);
}

static void
measure(struct bench_run *run, const struct bench_instance *instance)
{
    const struct bench_key walk = { instance->adapter->name, "walk", instance->slot_count };
    const struct bench_key check = { instance->adapter->name, "check", instance->slot_count };
    const unsigned repeats = run->options->repeats;
    double walk_ns[BENCH_REPEATS_MAX];
    double check_ns[BENCH_REPEATS_MAX];
    struct vmem_stats stats;

    vmem_stats(instance->arena, &stats);
    const uint64_t segments = stats.busy_segments + stats.holes;
    for (unsigned repeat = 0; repeat < repeats; repeat++) {
        bench_progress("walk, %u live, repeat %u of %u: %s", instance->slot_count, repeat + 1,
            repeats, instance->adapter->name);
        walk_ns[repeat] = time_walk(instance->arena);
        check_ns[repeat] = time_check(instance->arena, segments);
    }
    bench_report_add(&run->report, &walk, "mean", "ns", walk_ns, repeats);
    bench_report_add(&run->report, &check, "mean", "ns", check_ns, repeats);
    bench_report_note(&run->report, &walk, "%llu segments", (unsigned long long)segments);
}

static void
run_live(struct bench_run *run, uint32_t live)
{
    const struct bench_adapter *chosen[sizeof subjects / sizeof subjects[0]];
    const unsigned count = bench_choose(run, subjects, chosen, live, "walk");
    struct bench_trace trace = { 0 };
    struct bench_load load;

    bench_load_init(&load, live, run->options->occupancy, false, run->options->seed);
    for (unsigned i = 0; i < count; i++) {
        struct bench_instance instance;

        bench_open_all(run, &instance, &chosen[i], 1, &load, &trace);
        measure(run, &instance);
        bench_close_all(&instance, 1);
    }
    bench_trace_fini(&trace);
    bench_load_fini(&load);
}

static void
run_walk(struct bench_run *run)
{
    for (unsigned i = 0; i < run->options->live_count; i++) {
        run_live(run, run->options->lives[i]);
    }
}

const struct bench_family bench_walk = {
    "walk",
    "vmem_walk() and vmem_check(), per segment, thread CPU time",
    run_walk,
};
