/*
 * row_threads - two threads on one arena.                     SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. Method
 *    Each thread churns its own half of the live blocks in the shared arena.  Both meet, spinning,
 *    and then run a segment of SEGMENT_PAIRS; a segment lasts from the first start to the last end,
 *    so that threads which did not really run at the same time look slow, not fast.  The same
 *    thread runs alone between.  A repeat is the lower quartile of its segments, because whatever
 *    else runs on the machine only ever adds.
 *
 * 2. Figures
 *    "one" and "two" are ns of a pair for each thread; "slower" is their ratio: 1 would be perfect
 *    scaling, 2 is what a single lock gives at best.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "clock.h"
#include "workload.h"

#define THREADS 2u
#define SEGMENT_PAIRS 10000u
#define SEGMENTS_MAX 40u
#define SPINS_MAX 2000u

static const struct bench_adapter *const subjects[] = {
    &bench_floor,
    &bench_vmem_locked,
    &bench_vmem_handle_locked,
    &bench_map_locked,
    &bench_glibc,
    &bench_jemalloc,
    &bench_mimalloc,
    &bench_tcmalloc,
    NULL,
};

struct worker {
    struct bench_instance instance; /* the arena is shared */
    struct bench_load load;
    struct bench_trace trace;
    struct crew *crew;
    uint64_t start_ns; /* of the last segment */
    uint64_t end_ns;
};

struct crew {
    struct worker workers[THREADS];
    atomic_uint arrived; /* at all meetings so far */
    unsigned segments;
};

/* Wait until all have come to meeting `index`; give way if another one has no processor. */
static void
meet(struct crew *crew, unsigned index)
{
    unsigned spins = 0;

    atomic_fetch_add(&crew->arrived, 1);
    while (atomic_load(&crew->arrived) < (index + 1) * THREADS) {
        if (++spins % SPINS_MAX == 0) {
            sched_yield();
        }
    }
}

static void
run_segment(struct worker *worker, unsigned segment)
{
    const struct bench_op *ops = worker->trace.ops + (size_t)segment * SEGMENT_PAIRS;

    worker->start_ns = bench_clock_wall_ns();
    bench_instance_run(&worker->instance, ops, SEGMENT_PAIRS);
    worker->end_ns = bench_clock_wall_ns();
}

/* The second thread: as many segments as the first, each between two meetings. */
static void *
help(void *arg)
{
    struct worker *worker = arg;

    for (unsigned segment = 0; segment < worker->crew->segments; segment++) {
        meet(worker->crew, 2 * segment);
        run_segment(worker, segment);
        meet(worker->crew, 2 * segment + 1);
    }
    return NULL;
}

/* ns a pair of the segment that all workers have just run. */
static double
segment_ns(const struct crew *crew, unsigned workers)
{
    uint64_t start = crew->workers[0].start_ns;
    uint64_t end = crew->workers[0].end_ns;

    for (unsigned i = 1; i < workers; i++) {
        start = crew->workers[i].start_ns < start ? crew->workers[i].start_ns : start;
        end = crew->workers[i].end_ns > end ? crew->workers[i].end_ns : end;
    }
    return (double)(end - start) / SEGMENT_PAIRS;
}

static double
lower_quartile(double *values, unsigned count)
{
    bench_sort(values, count);
    return bench_quantile(values, count, 0.25);
}

static double
time_two(struct crew *crew)
{
    double segments_ns[SEGMENTS_MAX];
    pthread_t thread;

    atomic_store(&crew->arrived, 0);
    if (pthread_create(&thread, NULL, help, &crew->workers[1]) != 0) {
        fprintf(stderr, "vmem-bench: no second thread\n");
        exit(1);
    }
    for (unsigned segment = 0; segment < crew->segments; segment++) {
        meet(crew, 2 * segment);
        run_segment(&crew->workers[0], segment);
        meet(crew, 2 * segment + 1);
        segments_ns[segment] = segment_ns(crew, THREADS);
    }
    pthread_join(thread, NULL);
    return lower_quartile(segments_ns, crew->segments);
}

static double
time_one(struct crew *crew)
{
    double segments_ns[SEGMENTS_MAX];

    for (unsigned segment = 0; segment < crew->segments; segment++) {
        run_segment(&crew->workers[0], segment);
        segments_ns[segment] = segment_ns(crew, 1);
    }
    return lower_quartile(segments_ns, crew->segments);
}

static void
next_traces(struct crew *crew)
{
    for (unsigned i = 0; i < THREADS; i++) {
        struct worker *worker = &crew->workers[i];

        bench_load_churn(&worker->load, &worker->trace, (size_t)crew->segments * SEGMENT_PAIRS);
    }
}

static void
open_crew(struct crew *crew, const struct bench_adapter *adapter,
    const struct bench_options *options, uint32_t live)
{
    memset(crew, 0, sizeof *crew);
    crew->segments = options->is_quick ? 12 : SEGMENTS_MAX;
    for (unsigned i = 0; i < THREADS; i++) {
        struct worker *worker = &crew->workers[i];

        worker->crew = crew;
        bench_load_init(
            &worker->load, live / THREADS, options->occupancy, false, options->seed + i);
        worker->instance.adapter = adapter;
        worker->instance.slot_count = live / THREADS;
        worker->instance.slots = bench_get_zeroed(live / THREADS, sizeof(struct bench_slot));
        worker->instance.arena = i > 0 ? crew->workers[0].instance.arena
                                       : adapter->create(worker->load.span_quanta * THREADS);
        bench_load_fill(&worker->load, &worker->trace);
        bench_instance_run(&worker->instance, worker->trace.ops, worker->trace.count);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        struct worker *worker = &crew->workers[i];

        bench_load_churn(&worker->load, &worker->trace, 2 * (size_t)worker->load.live);
        bench_instance_run(&worker->instance, worker->trace.ops, worker->trace.count);
    }
}

static void
close_crew(struct crew *crew)
{
    for (unsigned i = 0; i < THREADS; i++) {
        bench_instance_drain(&crew->workers[i].instance, NULL);
        free(crew->workers[i].instance.slots);
        bench_trace_fini(&crew->workers[i].trace);
        bench_load_fini(&crew->workers[i].load);
    }
    crew->workers[0].instance.adapter->destroy(crew->workers[0].instance.arena);
}

static void
measure(struct bench_run *run, const struct bench_adapter *adapter, uint32_t live)
{
    static struct crew crew;
    const struct bench_key key = { adapter->name, "pair", live };
    const unsigned repeats = run->options->repeats;
    double one[BENCH_REPEATS_MAX];
    double two[BENCH_REPEATS_MAX];
    double slower[BENCH_REPEATS_MAX];

    open_crew(&crew, adapter, run->options, live);
    for (unsigned repeat = 0; repeat < repeats; repeat++) {
        bench_progress(
            "threads, %u live, repeat %u of %u: %s", live, repeat + 1, repeats, adapter->name);
        next_traces(&crew);
        one[repeat] = time_one(&crew);
        next_traces(&crew);
        two[repeat] = time_two(&crew);
        slower[repeat] = two[repeat] / one[repeat];
    }
    close_crew(&crew);
    bench_report_add(&run->report, &key, "one", "ns", one, repeats);
    bench_report_add(&run->report, &key, "two", "ns", two, repeats);
    bench_report_add(&run->report, &key, "slower", "x", slower, repeats);
}

static void
run_threads(struct bench_run *run)
{
    static const uint32_t lives[] = { 10000, 100000 };

    for (size_t i = 0; i < sizeof lives / sizeof lives[0]; i++) {
        const struct bench_adapter *chosen[BENCH_SUBJECTS_MAX];
        const unsigned count = bench_choose(run, subjects, chosen, lives[i], "pair");

        for (unsigned k = 0; k < count; k++) {
            measure(run, chosen[k], lives[i]);
        }
    }
}

const struct bench_family bench_threads = {
    "threads",
    "two threads on one arena with its lock, ns of a pair for each, time of day",
    run_threads,
};
