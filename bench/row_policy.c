/*
 * row_policy - exact place, windows, lowest fit, next fit, best fit.
 *                                                             SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. Method
 *    An arena is filled and churned; then batch after batch: a sixteenth of the blocks (at most
 *    BATCH_MAX), chosen at random, are freed, and blocks of the same sizes, in another order, are
 *    allocated in the way that the row is about.  Both halves are timed as a whole, in thread CPU
 *    time; "alloc" is the second half alone, "pair" both.  So the occupancy is the same after every
 *    batch, nothing but the library's own memory is touched at random while the clock runs, and a
 *    large batch leaves little of what an allocation needs in the nearest caches.  What a window
 *    refuses is put back elsewhere, untimed.  A sample is the median of its batches.
 *
 * 2. Rows
 *    Every row has an arena of its own, warmed up by `live` such pairs, so that a policy lives with
 *    the holes that it makes.  Windows lie anywhere in the span at random.
 */
#include <stdlib.h>
#include <string.h>

#include "adapter_vmem.h"
#include "bench.h"
#include "clock.h"
#include "workload.h"

#define BATCH_MIN 16u
#define BATCH_MAX 16384u
#define SAMPLE_NS 300000000u
#define BATCHES_MAX 4096u

struct request {
    uint64_t addr;   /* freed, or wanted; then: received */
    uint64_t size;   /* units */
    uint64_t lowest; /* window, inclusive */
    uint64_t highest;
    uint32_t slot;
    bool is_met;
};

struct row {
    const char *subject;
    bool (*alloc)(void *arena, struct request *request);
    uint64_t window_quanta;   /* 0 = none */
    unsigned window_fraction; /* of the span; 0 = none */
    bool is_exact;            /* the same ranges that were freed */
    const struct bench_adapter *adapter;
};

static bool
alloc_exact(void *arena, struct request *r)
{
    return vmem_xalloc(arena, r->size, 0, 0, 0, r->addr, r->addr + r->size - 1, 0, &r->addr) == 0;
}

static bool
alloc_window(void *arena, struct request *r)
{
    return vmem_xalloc(arena, r->size, 0, 0, 0, r->lowest, r->highest, 0, &r->addr) == 0;
}

static bool
alloc_first(void *arena, struct request *r)
{
    return vmem_alloc(arena, r->size, VMEM_FIRSTFIT, &r->addr) == 0;
}

static bool
alloc_next(void *arena, struct request *r)
{
    return vmem_alloc(arena, r->size, VMEM_NEXTFIT, &r->addr) == 0;
}

static bool
alloc_best(void *arena, struct request *r)
{
    return vmem_alloc(arena, r->size, VMEM_BESTFIT, &r->addr) == 0;
}

static bool
alloc_default(void *arena, struct request *r)
{
    return vmem_alloc(arena, r->size, 0, &r->addr) == 0;
}

static bool
alloc_nothing(void *arena, struct request *r)
{
    return arena != NULL && r->size != 0;
}

static bool
alloc_map_exact(void *arena, struct request *r)
{
    return bench_map_alloc_at(arena, r->addr, r->size);
}

static bool
alloc_map_best(void *arena, struct request *r)
{
    return bench_map.alloc(arena, r->size, &r->addr);
}

static const struct row rows[] = {
    { "harness floor", alloc_nothing, 0, 0, true, &bench_floor },
    { "exact place", alloc_exact, 0, 0, true, &bench_vmem_addr },
    { "window of 1/64 span", alloc_window, 0, 64, false, &bench_vmem_addr },
    { "window of 4096 quanta", alloc_window, 4096, 0, false, &bench_vmem_addr },
    { "lowest fit", alloc_first, 0, 0, false, &bench_vmem_addr },
    { "next fit", alloc_next, 0, 0, false, &bench_vmem_addr },
    { "best fit", alloc_best, 0, 0, false, &bench_vmem_addr },
    { "instant fit, no index", alloc_default, 0, 0, false, &bench_vmem_addr },
    { "std::map exact place", alloc_map_exact, 0, 0, true, &bench_map },
    { "std::map best fit", alloc_map_best, 0, 0, false, &bench_map },
};
#define ROWS (sizeof rows / sizeof rows[0])

struct bed {
    const struct row *row;
    struct bench_instance instance;
    struct bench_prng prng;
    uint64_t span_quanta;
    uint32_t *order; /* a permutation of the slots */
    struct request *batch;
    uint64_t requests;
    uint64_t refused;
};

struct batch_time {
    double alloc_ns; /* per operation */
    double pair_ns;
};

static uint32_t
batch_size(uint32_t live)
{
    const uint32_t size = live / 16 < BATCH_MAX ? live / 16 : BATCH_MAX;

    return size > BATCH_MIN ? size : BATCH_MIN;
}

/* Choose distinct busy slots by the first steps of a shuffle, and copy them out. */
static uint32_t
choose_blocks(struct bed *bed, struct request *batch)
{
    const uint32_t live = bed->instance.slot_count;
    const uint32_t wanted = batch_size(live);
    uint32_t count = 0;

    for (uint32_t i = 0; i < live && count < wanted; i++) {
        const uint32_t j = i + bench_prng_below(&bed->prng, live - i);
        const uint32_t slot = bed->order[j];

        bed->order[j] = bed->order[i];
        bed->order[i] = slot;
        if (bed->instance.slots[slot].size != 0) {
            batch[count++] = (struct request){ .addr = bed->instance.slots[slot].key,
                .size = bed->instance.slots[slot].size,
                .slot = slot };
        }
    }
    return count;
}

/* Quanta that a window of the row spans; 0 = the row has none. */
static uint64_t
window_width(const struct bed *bed)
{
    uint64_t quanta = bed->row->window_quanta;

    if (bed->row->window_fraction != 0) {
        quanta = bed->span_quanta / bed->row->window_fraction;
        quanta = quanta < BENCH_SIZE_QUANTA_MAX ? BENCH_SIZE_QUANTA_MAX : quanta;
    }
    return quanta < bed->span_quanta ? quanta : bed->span_quanta;
}

static void
choose_windows(struct bed *bed, struct request *batch, uint32_t count)
{
    const uint64_t width = window_width(bed);

    for (uint32_t i = 0; width != 0 && i < count; i++) {
        const uint64_t start =
            (uint64_t)(bench_prng_unit(&bed->prng) * (double)(bed->span_quanta - width + 1));

        batch[i].lowest = BENCH_VMEM_BASE + start * BENCH_QUANTUM;
        batch[i].highest = batch[i].lowest + width * BENCH_QUANTUM - 1;
    }
}

/* Ask for the sizes, or for the very ranges, in another order than they were freed. */
static void
shuffle(struct bed *bed, struct request *batch, uint32_t count)
{
    for (uint32_t i = count; i > 1; i--) {
        const uint32_t j = bench_prng_below(&bed->prng, i);
        const struct request swapped = batch[j];

        batch[j] = batch[i - 1];
        batch[i - 1] = swapped;
    }
}

/* Return to the slots what was received; what was refused goes anywhere. */
static void
put_back(struct bed *bed, struct request *batch, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct bench_slot *slot = &bed->instance.slots[batch[i].slot];

        if (!batch[i].is_met) {
            bed->refused++;
            batch[i].is_met =
                bed->instance.adapter->alloc(bed->instance.arena, batch[i].size, &batch[i].addr);
        }
        slot->key = batch[i].addr;
        slot->size = batch[i].is_met ? batch[i].size : 0;
    }
    bed->requests += count;
}

static struct batch_time
run_batch(struct bed *bed)
{
    struct request *batch = bed->batch;
    const uint32_t count = choose_blocks(bed, batch);
    void *arena = bed->instance.arena;

    const uint64_t start = bench_clock_cpu_ns();
    for (uint32_t i = 0; i < count; i++) {
        bed->instance.adapter->free_(arena, batch[i].addr, batch[i].size);
    }
    const uint64_t freed = bench_clock_cpu_ns();
    shuffle(bed, batch, count);
    choose_windows(bed, batch, count);
    const uint64_t again = bench_clock_cpu_ns();
    for (uint32_t i = 0; i < count; i++) {
        batch[i].is_met = bed->row->alloc(arena, &batch[i]);
    }
    const uint64_t end = bench_clock_cpu_ns();
    put_back(bed, batch, count);

    const double cost = bench_clock_cpu_cost_ns();
    const double alloc_ns = ((double)(end - again) - cost) / count;
    return (struct batch_time){ alloc_ns, alloc_ns + ((double)(freed - start) - cost) / count };
}

static void
open_bed(struct bed *bed, const struct row *row, struct bench_load *load,
    const struct bench_trace *fill, const struct bench_options *options)
{
    const uint32_t warm =
        (options->is_quick ? load->live / 4 : load->live) / batch_size(load->live);

    memset(bed, 0, sizeof *bed);
    bed->row = row;
    bed->prng.state = options->seed;
    bed->span_quanta = load->span_quanta;
    bench_instance_open(&bed->instance, row->adapter, load->live, load->span_quanta);
    bench_instance_run(&bed->instance, fill->ops, fill->count);
    bed->order = bench_get(load->live, sizeof *bed->order);
    bed->batch = bench_get_zeroed(batch_size(load->live), sizeof *bed->batch);
    for (uint32_t i = 0; i < load->live; i++) {
        bed->order[i] = i;
    }
    const uint64_t start = bench_clock_wall_ns();
    for (uint32_t i = 0; i < warm && bench_clock_wall_ns() - start < 20000000000u; i++) {
        run_batch(bed);
    }
    bed->requests = 0;
    bed->refused = 0;
}

static void
close_bed(struct bed *bed)
{
    bench_instance_close(&bed->instance);
    free(bed->order);
    free(bed->batch);
}

/* Medians over the wanted number of batches, or as many as SAMPLE_NS holds, but at least three. */
static struct batch_time
sample_bed(struct bed *bed, uint32_t wanted)
{
    static double alloc_ns[BATCHES_MAX];
    static double pair_ns[BATCHES_MAX];
    const uint64_t start = bench_clock_wall_ns();
    uint32_t count = 0;

    while (count < wanted && (count < 3 || bench_clock_wall_ns() - start < SAMPLE_NS)) {
        const struct batch_time batch = run_batch(bed);

        alloc_ns[count] = batch.alloc_ns;
        pair_ns[count++] = batch.pair_ns;
    }
    return (struct batch_time){ bench_median(alloc_ns, count), bench_median(pair_ns, count) };
}

static void
add_figures(
    struct bench_run *run, const struct bed *bed, const double *alloc_ns, const double *pair_ns)
{
    const uint32_t live = bed->instance.slot_count;
    const struct bench_key alloc = { bed->row->subject, "alloc", live };
    const struct bench_key pair = { bed->row->subject, "pair", live };

    bench_report_add(&run->report, &alloc, "mean", "ns", alloc_ns, run->options->repeats);
    bench_report_add(&run->report, &pair, "mean", "ns", pair_ns, run->options->repeats);
    if (bed->refused > 0) {
        bench_report_note(&run->report, &alloc, "%.2f %% refused",
            100.0 * (double)bed->refused / (double)bed->requests);
    }
}

static void
run_live(struct bench_run *run, uint32_t live)
{
    static struct bed beds[ROWS];
    static double alloc_ns[ROWS][BENCH_REPEATS_MAX];
    static double pair_ns[ROWS][BENCH_REPEATS_MAX];
    const uint32_t batches = run->options->is_quick ? 50 : 200;
    const size_t count = run->options->has_baselines ? ROWS : ROWS - 2;
    struct bench_trace fill = { 0 };
    struct bench_load load;

    bench_load_init(&load, live, run->options->occupancy, false, run->options->seed);
    bench_load_fill(&load, &fill);
    for (size_t i = 0; i < count; i++) {
        bench_progress("policy, %u live, warming up: %s", live, rows[i].subject);
        open_bed(&beds[i], &rows[i], &load, &fill, run->options);
    }
    for (unsigned repeat = 0; repeat < run->options->repeats; repeat++) {
        for (size_t i = 0; i < count; i++) {
            bench_progress("policy, %u live, repeat %u of %u: %s", live, repeat + 1,
                run->options->repeats, rows[i].subject);
            const struct batch_time time = sample_bed(&beds[i], batches);
            alloc_ns[i][repeat] = time.alloc_ns;
            pair_ns[i][repeat] = time.pair_ns;
        }
    }
    for (size_t i = 0; i < count; i++) {
        add_figures(run, &beds[i], alloc_ns[i], pair_ns[i]);
        close_bed(&beds[i]);
    }
    bench_trace_fini(&fill);
    bench_load_fini(&load);
}

static void
run_policy(struct bench_run *run)
{
    for (unsigned i = 0; i < run->options->live_count; i++) {
        run_live(run, run->options->lives[i]);
    }
}

const struct bench_family bench_policy = {
    "policy",
    "allocation alone, and pair, in batches; by address, VMEM_NOLOCK, thread CPU time",
    run_policy,
};
