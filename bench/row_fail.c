/*
 * row_fail - what a refusal costs.                            SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. Arenas
 *    "churned"   the load of the churn row: holes of all sizes.
 *    "comb"      an adversary's: every period of 4096 quanta is a hole of 4090 and a busy block
 *                of 6.  All holes are in one size class, which is also that of a request of 4091:
 *                the class is not empty, yet no member fits.  All holes start at a multiple of
 *                4096 quanta, and so none has room for a request of 4090 with any other phase.
 *
 * 2. Figures
 *    "first" is the first such request: what it builds, it builds then.  "steady" is the mean of
 *    many, in thread CPU time; a request that takes long is repeated less often, but at least once.
 *    Every request must be refused; one that is met shows as a note.
 */
#include <errno.h>
#include <stdlib.h>

#include "adapter_vmem.h"
#include "bench.h"
#include "clock.h"
#include "workload.h"

#define SAMPLE_NS 5000000u
#define SAMPLE_REQUESTS_MAX 100000u
#define COMB_PERIOD_QUANTA 4096u
#define COMB_HOLE_QUANTA 4090u

struct request {
    const char *subject;
    struct vmem_arena *arena; /* NULL = none: the loop alone */
    vmem_size_t size;
    struct vmem_constraint constraint;
    bool is_constrained;
};

static int
ask(const struct request *request)
{
    vmem_addr_t addr;

    if (request->arena == NULL) {
        return ENOMEM;
    }
    if (!request->is_constrained) {
        return vmem_alloc(request->arena, request->size, 0, &addr);
    }
    return vmem_xalloc_with(request->arena, request->size, &request->constraint, 0, &addr);
}

/* So that the loop around a request that does nothing is not optimised away. */
static int (*volatile ask_indirect)(const struct request *request) = ask;

static double
time_requests(const struct request *request, uint64_t *met)
{
    int (*call)(const struct request *) = ask_indirect;
    const uint64_t start = bench_clock_cpu_ns();
    uint64_t now = start;
    unsigned count = 0;

    for (unsigned step = 1; now - start < SAMPLE_NS && count < SAMPLE_REQUESTS_MAX; step *= 2) {
        for (unsigned i = 0; i < step; i++) {
            *met += call(request) == 0;
        }
        count += step;
        now = bench_clock_cpu_ns();
    }
    return (double)(now - start) / count;
}

static void
measure(struct bench_run *run, uint32_t live, const struct request *request)
{
    const struct bench_key key = { request->subject, "", live };
    const unsigned repeats = run->options->repeats;
    double samples[BENCH_REPEATS_MAX];
    uint64_t met = 0;

    bench_progress("fail, %u live: %s", live, request->subject);
    const uint64_t start = bench_clock_stamp();
    met += ask(request) == 0;
    const uint64_t end = bench_clock_stamp();
    const double first = bench_clock_ticks_to_ns((double)(end - start));

    for (unsigned repeat = 0; repeat < repeats; repeat++) {
        samples[repeat] = time_requests(request, &met);
    }
    bench_report_add(&run->report, &key, "first", "ns", &first, 1);
    bench_report_add(&run->report, &key, "steady", "ns", samples, repeats);
    if (met > 0) {
        bench_report_note(&run->report, &key, "%llu requests were MET", (unsigned long long)met);
    }
}

/* The largest hole, and the largest parts of holes in either half of the span, in units. */
struct survey {
    vmem_addr_t middle; /* first unit of the upper half */
    vmem_size_t largest;
    vmem_size_t below;
    vmem_size_t above;
};

static vmem_size_t
larger(vmem_size_t a, vmem_size_t b)
{
    return a > b ? a : b;
}

static bool
survey_hole(void *arg, const struct vmem_segment *hole)
{
    struct survey *survey = arg;
    const vmem_addr_t end = hole->start + hole->size;

    survey->largest = larger(survey->largest, hole->size);
    if (hole->start < survey->middle) {
        survey->below =
            larger(survey->below, (end < survey->middle ? end : survey->middle) - hole->start);
    }
    if (end > survey->middle) {
        survey->above = larger(survey->above, end - larger(hole->start, survey->middle));
    }
    return true;
}

static struct survey
survey_arena(struct vmem_arena *arena, uint64_t span_quanta)
{
    struct survey survey = { .middle = BENCH_VMEM_BASE + span_quanta / 2 * BENCH_QUANTUM };

    vmem_walk(arena, VMEM_FREE, survey_hole, &survey);
    return survey;
}

/* A little more than the half with the smaller holes has in one piece. */
static void
fail_window(
    struct bench_run *run, uint32_t live, struct vmem_arena *arena, const struct survey *survey)
{
    const bool is_below = survey->below <= survey->above;
    struct request request = { .subject = "larger than any hole in the window",
        .arena = arena,
        .size = (is_below ? survey->below : survey->above) + BENCH_QUANTUM,
        .is_constrained = true };

    if (is_below) {
        request.constraint.addr_max = survey->middle - 1;
    } else {
        request.constraint.addr_min = survey->middle;
    }
    measure(run, live, &request);
}

static void
fail_churned(struct bench_run *run, uint32_t live)
{
    struct bench_instance instance;
    struct bench_trace trace = { 0 };
    struct bench_load load;

    bench_load_init(&load, live, run->options->occupancy, false, run->options->seed);
    bench_open_all(
        run, &instance, (const struct bench_adapter *[]){ &bench_vmem_addr }, 1, &load, &trace);
    const struct survey survey = survey_arena(instance.arena, load.span_quanta);
    measure(run, live,
        &(struct request){ .subject = "larger than any hole",
            .arena = instance.arena,
            .size = survey.largest + BENCH_QUANTUM });
    measure(run, live,
        &(struct request){ .subject = "larger than the arena",
            .arena = instance.arena,
            .size = (load.span_quanta + 1) * BENCH_QUANTUM });
    fail_window(run, live, instance.arena, &survey);
    bench_close_all(&instance, 1);
    bench_trace_fini(&trace);
    bench_load_fini(&load);
}

/*
 * Allocate tooth and gap in turn and free the gaps: a fresh arena hands them out side by side,
 * which the caller checks.
 */
static struct vmem_arena *
build_comb(uint32_t holes)
{
    const vmem_size_t gap = COMB_HOLE_QUANTA * BENCH_QUANTUM;
    const vmem_size_t tooth = (COMB_PERIOD_QUANTA - COMB_HOLE_QUANTA) * BENCH_QUANTUM;
    struct vmem_arena *arena = bench_vmem_create((uint64_t)holes * COMB_PERIOD_QUANTA, VMEM_NOLOCK);
    vmem_addr_t *gaps = bench_get(holes, sizeof *gaps);

    for (uint32_t i = 0; i < holes; i++) {
        vmem_addr_t addr;

        bench_vmem_require(vmem_alloc(arena, gap, 0, &gaps[i]), "gap of the comb");
        bench_vmem_require(vmem_alloc(arena, tooth, 0, &addr), "tooth of the comb");
    }
    for (uint32_t i = 0; i < holes; i++) {
        vmem_free(arena, gaps[i], gap);
    }
    free(gaps);
    return arena;
}

static bool
free_busy(void *arg, const struct vmem_segment *segment)
{
    vmem_free(arg, segment->start, segment->size);
    return true;
}

static void
fail_comb(struct bench_run *run, uint32_t holes)
{
    struct vmem_stats stats;

    bench_progress("fail: building a comb of %u holes", holes);
    struct vmem_arena *arena = build_comb(holes);
    vmem_stats(arena, &stats);
    const struct survey survey = survey_arena(arena, (uint64_t)holes * COMB_PERIOD_QUANTA);
    if (stats.holes != holes || survey.largest != COMB_HOLE_QUANTA * BENCH_QUANTUM) {
        bench_report_note(&run->report,
            &(struct bench_key){ "one class, all too small", "", holes },
            "no comb: the arena did not place side by side");
    } else {
        measure(run, holes,
            &(struct request){ .subject = "one class, all too small",
                .arena = arena,
                .size = (COMB_HOLE_QUANTA + 1) * BENCH_QUANTUM });
        measure(run, holes,
            &(struct request){ .subject = "large enough, none aligned",
                .arena = arena,
                .size = COMB_HOLE_QUANTA * BENCH_QUANTUM,
                .constraint = { .align = COMB_PERIOD_QUANTA * BENCH_QUANTUM,
                    .phase = 8 * BENCH_QUANTUM },
                .is_constrained = true });
    }
    vmem_walk(arena, VMEM_ALLOC, free_busy, arena);
    bench_vmem_require(vmem_destroy(arena), "vmem_destroy of the comb");
}

static void
run_fail(struct bench_run *run)
{
    for (unsigned i = 0; i < run->options->live_count; i++) {
        const uint32_t live = run->options->lives[i];

        measure(run, live, &(struct request){ .subject = "harness floor" });
        fail_churned(run, live);
        fail_comb(run, live);
    }
}

const struct bench_family bench_fail = {
    "fail",
    "requests that must be refused; by address, VMEM_NOLOCK",
    run_fail,
};
