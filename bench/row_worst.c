/*
 * row_worst - the worst single operation, free of noise.      SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. Method
 *    The same trace is replayed from a fresh arena several times; operation i is the same work each
 *    time, so the smallest of its times is what the work takes, and what an interrupt or a
 *    neighbour added is gone.  Percentiles and maximum are those of the smallest times.  A pair is
 *    the sum of the smallest free and the smallest allocation.
 *
 * 2. The trace
 *    It is the whole life of an arena, because the worst operations are where structures grow:
 *
 *        fill      `live` allocations into the empty arena: tables grow, pages are touched first
 *        churn     pairs at constant occupancy
 *        window    the first request in a window: an arena without address index builds it now
 *        indexed   more pairs, with the index
 *        drain     frees of all blocks: tables shrink
 *
 *    The last three steps but the drain are for the library's subjects by address only.
 */
#include <stdlib.h>
#include <string.h>

#include "adapter_vmem.h"
#include "bench.h"
#include "clock.h"
#include "workload.h"

static const struct bench_adapter *const subjects[] = {
    &bench_floor,
    &bench_vmem_locked,
    &bench_vmem_addr,
    &bench_vmem_handle,
    &bench_vmem_indexed,
    &bench_map,
    NULL,
};

struct stage {
    struct bench_trace trace;
    uint32_t *free_ticks;
    uint32_t *alloc_ticks;
};

struct life {
    uint64_t span_quanta;
    uint32_t live;
    struct stage fill;
    struct stage churn;
    struct stage indexed;
    uint32_t window_ticks; /* allocation */
    uint32_t *drain_ticks;
};

static void
open_stage(struct stage *stage)
{
    stage->free_ticks = bench_get(stage->trace.count, sizeof *stage->free_ticks);
    stage->alloc_ticks = bench_get(stage->trace.count, sizeof *stage->alloc_ticks);
}

static void
reset_stage(struct stage *stage)
{
    memset(stage->free_ticks, 0xff, stage->trace.count * sizeof *stage->free_ticks);
    memset(stage->alloc_ticks, 0xff, stage->trace.count * sizeof *stage->alloc_ticks);
}

static void
close_stage(struct stage *stage)
{
    free(stage->free_ticks);
    free(stage->alloc_ticks);
    bench_trace_fini(&stage->trace);
}

static void
open_life(struct life *life, const struct bench_options *options, uint32_t live)
{
    const size_t pairs = options->is_quick ? live / 2 : live < 100000 ? 100000 : live;
    struct bench_load load;

    memset(life, 0, sizeof *life);
    bench_load_init(&load, live, options->occupancy, false, options->seed);
    life->live = live;
    life->span_quanta = load.span_quanta;
    bench_load_fill(&load, &life->fill.trace);
    bench_load_churn(&load, &life->churn.trace, pairs);
    bench_load_churn(&load, &life->indexed.trace, pairs / 4);
    bench_load_fini(&load);
    open_stage(&life->fill);
    open_stage(&life->churn);
    open_stage(&life->indexed);
    life->drain_ticks = bench_get(live, sizeof *life->drain_ticks);
}

static void
reset_life(struct life *life)
{
    reset_stage(&life->fill);
    reset_stage(&life->churn);
    reset_stage(&life->indexed);
    memset(life->drain_ticks, 0xff, life->live * sizeof *life->drain_ticks);
    life->window_ticks = UINT32_MAX;
}

static void
close_life(struct life *life)
{
    close_stage(&life->fill);
    close_stage(&life->churn);
    close_stage(&life->indexed);
    free(life->drain_ticks);
}

static bool
has_index(const struct bench_adapter *adapter)
{
    return adapter == &bench_vmem_locked || adapter == &bench_vmem_addr ||
        adapter == &bench_vmem_indexed;
}

static void
run_stage(struct bench_instance *instance, struct stage *stage)
{
    bench_instance_stamp(
        instance, stage->trace.ops, stage->trace.count, stage->free_ticks, stage->alloc_ticks);
}

/* One quantum in the lower half of the span. */
static void
request_window(struct life *life, struct vmem_arena *arena)
{
    const vmem_addr_t last = BENCH_VMEM_BASE + life->span_quanta * BENCH_QUANTUM / 2 - 1;
    vmem_addr_t addr = 0;

    const uint64_t start = bench_clock_stamp();
    const int status = vmem_xalloc(arena, BENCH_QUANTUM, 0, 0, 0, BENCH_VMEM_BASE, last, 0, &addr);
    const uint64_t end = bench_clock_stamp();
    const uint32_t ticks = bench_clock_interval(start, end, bench_clock_stamp_ticks());

    if (status == 0) {
        vmem_xfree(arena, addr, BENCH_QUANTUM);
    }
    life->window_ticks = ticks < life->window_ticks ? ticks : life->window_ticks;
}

static void
replay(struct life *life, const struct bench_adapter *adapter)
{
    struct bench_instance instance;

    bench_instance_open(&instance, adapter, life->live, life->span_quanta);
    run_stage(&instance, &life->fill);
    run_stage(&instance, &life->churn);
    if (has_index(adapter)) {
        request_window(life, instance.arena);
        run_stage(&instance, &life->indexed);
    }
    bench_instance_drain(&instance, life->drain_ticks);
    bench_instance_close(&instance);
}

/* The figures of one part; `ticks` is sorted afterwards. */
static void
add_part(struct bench_run *run, const struct bench_key *key, uint32_t *ticks, size_t count)
{
    static const struct {
        const char *name;
        double quantile;
    } quantiles[] = { { "p50", 0.5 }, { "p99", 0.99 }, { "p99.9", 0.999 }, { "p99.99", 0.9999 } };
    size_t worst = 0;

    for (size_t i = 0; i < count; i++) {
        /* A slot that was empty at the drain has no time. */
        ticks[i] = ticks[i] == UINT32_MAX ? 0 : ticks[i];
        worst = ticks[i] > ticks[worst] ? i : worst;
    }
    const double max = bench_clock_ticks_to_ns(ticks[worst]);
    bench_sort_ticks(ticks, count);
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++) {
        const size_t at = (size_t)(quantiles[i].quantile * (double)(count - 1));
        const double value = bench_clock_ticks_to_ns(ticks[at]);

        bench_report_add(&run->report, key, quantiles[i].name, "ns", &value, 1);
    }
    bench_report_add(&run->report, key, "max", "ns", &max, 1);
    if (max > 5000) {
        bench_report_note(&run->report, key, "max at operation %zu", worst);
    }
}

/* How far the tail is from the median; `ticks` is sorted. */
static void
add_ratio(struct bench_run *run, const struct bench_key *key, const uint32_t *ticks, size_t count)
{
    const double p50 = ticks[(size_t)(0.5 * (double)(count - 1))];
    const double p999 = ticks[(size_t)(0.999 * (double)(count - 1))];
    const double ratio = p50 > 0 ? p999 / p50 : 0;

    bench_report_add(&run->report, key, "p99.9/p50", "x", &ratio, 1);
}

static void
add_churn(struct bench_run *run, const char *subject, struct life *life)
{
    const size_t count = life->churn.trace.count;
    uint32_t *pairs = bench_get(count, sizeof *pairs);

    for (size_t i = 0; i < count; i++) {
        pairs[i] = life->churn.free_ticks[i] + life->churn.alloc_ticks[i];
    }
    add_part(run, &(struct bench_key){ subject, "churn pair", life->live }, pairs, count);
    add_ratio(run, &(struct bench_key){ subject, "churn pair", life->live }, pairs, count);
    add_part(run, &(struct bench_key){ subject, "churn alloc", life->live },
        life->churn.alloc_ticks, count);
    add_part(run, &(struct bench_key){ subject, "churn free", life->live }, life->churn.free_ticks,
        count);
    free(pairs);
}

static void
add_figures(struct bench_run *run, const struct bench_adapter *adapter, struct life *life)
{
    const uint32_t live = life->live;

    add_part(run, &(struct bench_key){ adapter->name, "fill alloc", live }, life->fill.alloc_ticks,
        life->fill.trace.count);
    add_churn(run, adapter->name, life);
    if (has_index(adapter)) {
        const struct bench_key key = { adapter->name, "first window request", live };
        const double window = bench_clock_ticks_to_ns(life->window_ticks);

        bench_report_add(&run->report, &key, "max", "ns", &window, 1);
        add_part(run, &(struct bench_key){ adapter->name, "indexed alloc", live },
            life->indexed.alloc_ticks, life->indexed.trace.count);
        add_part(run, &(struct bench_key){ adapter->name, "indexed free", live },
            life->indexed.free_ticks, life->indexed.trace.count);
    }
    add_part(
        run, &(struct bench_key){ adapter->name, "drain free", live }, life->drain_ticks, live);
}

static void
run_live(struct bench_run *run, uint32_t live)
{
    const struct bench_adapter *chosen[sizeof subjects / sizeof subjects[0]];
    const unsigned count = bench_choose(run, subjects, chosen, live, "churn pair");
    const unsigned replays = run->options->is_quick ? 3 : 5;
    struct life life;

    open_life(&life, run->options, live);
    for (unsigned i = 0; i < count; i++) {
        reset_life(&life);
        for (unsigned replay_index = 0; replay_index < replays; replay_index++) {
            bench_progress("worst, %u live, replay %u of %u: %s", live, replay_index + 1, replays,
                chosen[i]->name);
            replay(&life, chosen[i]);
        }
        add_figures(run, chosen[i], &life);
    }
    close_life(&life);
}

static void
run_worst(struct bench_run *run)
{
    for (unsigned i = 0; i < run->options->live_count; i++) {
        run_live(run, run->options->lives[i]);
    }
}

const struct bench_family bench_worst = {
    "worst",
    "single operations, the smallest time of each over replays of one life of an arena",
    run_worst,
};
