/*
 * row_aligned - half of the requests aligned.                 SPDX-License-Identifier: BSD-2-Clause
 *
 * Pairs as in the churn row, at 50 % occupancy; every second request, at random, is aligned to 1,
 * 2, 4 ... 256 quanta.  Some subjects walk their holes for that: a repeat therefore ends after
 * BUDGET_NS, and says so.  "wrongly refused" counts, in a further pass that is not timed, the
 * library's refusals for which its own exhaustive search, vmem_explain(), finds a place.
 */
#include "adapter_vmem.h"
#include "bench.h"
#include "clock.h"
#include "workload.h"

#define OCCUPANCY 50
#define SLICE 1000u
#define BUDGET_NS 1000000000u /* of a repeat */
#define BUDGET_QUICK_NS 300000000u
#define FILL_BUDGETS 10u /* that filling may take */
#define MAP_LIVE_MAX 100000u
#define EXPLAIN_MAX 100u

static const struct bench_adapter *const subjects[] = {
    &bench_floor,
    &bench_vmem_locked,
    &bench_vmem_addr,
    &bench_vmem_handle,
    &bench_map,
    &bench_glibc,
    &bench_jemalloc,
    &bench_mimalloc,
    &bench_tcmalloc,
    NULL,
};

struct trial {
    struct bench_instance instance;
    double samples[BENCH_REPEATS_MAX];
    bool is_cut;         /* the last run ran out of time */
    bool is_part_filled; /* so did filling: fewer blocks are live */
    bool is_repeat_cut;  /* so did a repeat */
};

/* Run a trace for as long as the budget lasts.  Returns ns a pair. */
static double
run_within(struct trial *trial, const struct bench_trace *trace, uint64_t budget_ns)
{
    const uint64_t start = bench_clock_cpu_ns();
    uint64_t now = start;
    size_t done = 0;
    size_t slices = 0;

    while (done < trace->count && now - start < budget_ns) {
        const size_t left = trace->count - done;
        const size_t count = left < SLICE ? left : SLICE;

        bench_instance_run_aligned(&trial->instance, trace->ops + done, count);
        done += count;
        slices++;
        now = bench_clock_cpu_ns();
    }
    trial->is_cut = done < trace->count;
    return ((double)(now - start) - bench_clock_cpu_cost_ns() * (double)slices) / (double)done;
}

static uint64_t
budget(const struct bench_run *run)
{
    return run->options->is_quick ? BUDGET_QUICK_NS : BUDGET_NS;
}

static bool
is_refused_wrongly(const struct bench_instance *instance, const struct bench_op *op)
{
    const struct vmem_constraint constraint = { .align = (vmem_size_t)BENCH_QUANTUM
            << op->align_log2 };
    struct vmem_explanation explanation;

    vmem_explain(
        instance->arena, (vmem_size_t)op->quanta * BENCH_QUANTUM, &constraint, 0, &explanation);
    return explanation.holes_fitting > 0;
}

/* Look at refusals one by one. */
static void
judge_refusals(
    struct bench_run *run, struct bench_instance *instance, const struct bench_trace *trace)
{
    const struct bench_key key = { instance->adapter->name, "pair", instance->slot_count };
    double wrong = 0;
    unsigned judged = 0;

    for (size_t i = 0; i < trace->count && judged < EXPLAIN_MAX; i++) {
        bench_instance_run_aligned(instance, &trace->ops[i], 1);
        if (instance->slots[trace->ops[i].slot].size == 0) {
            wrong += is_refused_wrongly(instance, &trace->ops[i]);
            judged++;
        }
    }
    bench_report_add(&run->report, &key, "wrongly refused", "requests", &wrong, 1);
    bench_report_note(&run->report, &key, "of %u refusals that were looked at", judged);
}

static void
open_trials(struct bench_run *run, struct trial *trials, const struct bench_adapter *const *chosen,
    unsigned count, struct bench_load *load, struct bench_trace *trace)
{
    for (unsigned i = 0; i < count; i++) {
        bench_progress("aligned, %u live, filling %s", load->live, chosen[i]->name);
        trials[i].is_repeat_cut = false;
        bench_instance_open(&trials[i].instance, chosen[i], load->live, load->span_quanta);
    }
    bench_load_fill(load, trace);
    for (unsigned i = 0; i < count; i++) {
        run_within(&trials[i], trace, FILL_BUDGETS * budget(run));
        trials[i].is_part_filled = trials[i].is_cut;
    }
    bench_load_churn(load, trace, bench_warm_pairs(run->options, load->live) / 2);
    for (unsigned i = 0; i < count; i++) {
        bench_progress("aligned, %u live, warming up %s", load->live, chosen[i]->name);
        run_within(&trials[i], trace, 2 * budget(run));
        trials[i].instance.pairs = 0;
        trials[i].instance.refused = 0;
    }
}

static void
add_figures(struct bench_run *run, struct trial *trial, const struct bench_trace *trace)
{
    struct bench_instance *instance = &trial->instance;
    const struct bench_key key = { instance->adapter->name, "pair", instance->slot_count };
    const double refused = 100.0 * (double)instance->refused / (double)instance->pairs;

    bench_report_add(&run->report, &key, "mean", "ns", trial->samples, run->options->repeats);
    bench_report_add(&run->report, &key, "refused", "%", &refused, 1);
    if (trial->is_part_filled) {
        bench_report_note(&run->report, &key, "FILLED ONLY IN PART, for want of time");
    }
    if (trial->is_repeat_cut) {
        bench_report_note(&run->report, &key, "repeats cut short by their time budget");
    }
    if (!instance->adapter->is_baseline) {
        judge_refusals(run, instance, trace);
    }
}

static unsigned
choose(struct bench_run *run, const struct bench_adapter **chosen, uint32_t live)
{
    const struct bench_adapter *all[BENCH_SUBJECTS_MAX];
    const unsigned all_count = bench_choose(run, subjects, all, live, "pair");
    unsigned count = 0;

    for (unsigned i = 0; i < all_count; i++) {
        if (all[i] == &bench_map && live > MAP_LIVE_MAX) {
            bench_report_note(&run->report, &(struct bench_key){ all[i]->name, "pair", live },
                "not run: walks its holes");
            continue;
        }
        chosen[count++] = all[i];
    }
    return count;
}

static void
run_live(struct bench_run *run, uint32_t live)
{
    static struct trial trials[BENCH_SUBJECTS_MAX];
    const struct bench_adapter *chosen[BENCH_SUBJECTS_MAX];
    const unsigned count = choose(run, chosen, live);
    struct bench_trace trace = { 0 };
    struct bench_load load;

    bench_load_init(&load, live, OCCUPANCY, true, run->options->seed);
    open_trials(run, trials, chosen, count, &load, &trace);
    for (unsigned repeat = 0; repeat < run->options->repeats; repeat++) {
        bench_load_churn(&load, &trace, bench_pairs(run->options, live));
        for (unsigned i = 0; i < count; i++) {
            const unsigned turn = (i + repeat) % count;

            bench_progress("aligned, %u live, repeat %u of %u: %s", live, repeat + 1,
                run->options->repeats, chosen[turn]->name);
            trials[turn].samples[repeat] = run_within(&trials[turn], &trace, budget(run));
            trials[turn].is_repeat_cut |= trials[turn].is_cut;
        }
    }
    bench_load_churn(&load, &trace, bench_pairs(run->options, live));
    for (unsigned i = 0; i < count; i++) {
        add_figures(run, &trials[i], &trace);
        bench_instance_close(&trials[i].instance);
    }
    bench_trace_fini(&trace);
    bench_load_fini(&load);
}

static void
run_aligned(struct bench_run *run)
{
    for (unsigned i = 0; i < run->options->live_count; i++) {
        run_live(run, run->options->lives[i]);
    }
}

const struct bench_family bench_aligned = {
    "aligned",
    "mean of a pair, half of the requests aligned to 1..256 quanta, 50 % occupied",
    run_aligned,
};
