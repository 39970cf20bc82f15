/*
 * row_occupancy - how full an arena is at its first refusal.  SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. Loads
 *    "fresh fill"  allocations only, into an empty arena.
 *    "churn ramp"  blocks come and go around half of the arena for 4 n steps; then, over 40 n
 *                  steps, the target rises evenly from 50 to 100 %.  A step allocates one block if
 *                  the arena is below the target, else it frees one at random.
 *    The arena is of such a size that n blocks of mean size fill it.
 *
 * 2. Figures
 *    The median over seeds of the occupancy, busy quanta over all quanta, at the first and at the
 *    100th refusal.  Time plays no part: the figures are the same on every machine.
 */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "workload.h"

#define SEEDS_MAX 16
#define RAMP_HOLD 4u  /* steps at 50 %, times n */
#define RAMP_RISE 40u /* steps from 50 to 100 %, times n */
#define FAILURES 100u

static const struct subject {
    const char *name;
    const struct bench_adapter *adapter;
} subjects[] = {
    { "vmem default", &bench_vmem_addr },
    { "vmem default, indexed", &bench_vmem_indexed },
    { "vmem best fit", &bench_vmem_best },
    { "vmem lowest fit", &bench_vmem_first },
    { "vmem next fit", &bench_vmem_next },
    { "std::map best fit", &bench_map },
};

struct world {
    const struct bench_adapter *adapter;
    void *arena;
    struct bench_prng prng;
    uint64_t span_quanta;
    uint64_t used_quanta;
    struct bench_slot *blocks;
    uint32_t count;
    uint32_t capacity;
};

static void
open_world(struct world *world, const struct bench_adapter *adapter, uint32_t n, uint64_t seed)
{
    memset(world, 0, sizeof *world);
    world->adapter = adapter;
    world->prng.state = seed;
    world->span_quanta = (uint64_t)(n * bench_sizes_mean());
    world->arena = adapter->create(world->span_quanta);
    world->capacity = 2 * n + 1024;
    world->blocks = bench_get(world->capacity, sizeof *world->blocks);
}

static void
drop(struct world *world, uint32_t index)
{
    const struct bench_slot block = world->blocks[index];

    world->adapter->free_(world->arena, block.key, block.size);
    world->used_quanta -= block.size / BENCH_QUANTUM;
    world->blocks[index] = world->blocks[--world->count];
}

static void
close_world(struct world *world)
{
    while (world->count > 0) {
        drop(world, world->count - 1);
    }
    world->adapter->destroy(world->arena);
    free(world->blocks);
}

static void
grow_blocks(struct world *world)
{
    struct bench_slot *blocks = bench_get(world->capacity * 2, sizeof *blocks);

    memcpy(blocks, world->blocks, world->count * sizeof *blocks);
    free(world->blocks);
    world->blocks = blocks;
    world->capacity *= 2;
}

static bool
add(struct world *world)
{
    const uint32_t quanta = bench_sizes_draw(&world->prng);
    struct bench_slot block = { 0, (uint64_t)quanta * BENCH_QUANTUM };

    if (!world->adapter->alloc(world->arena, block.size, &block.key)) {
        return false;
    }
    if (world->count == world->capacity) {
        grow_blocks(world);
    }
    world->blocks[world->count++] = block;
    world->used_quanta += quanta;
    return true;
}

static double
occupancy(const struct world *world)
{
    return 100.0 * (double)world->used_quanta / (double)world->span_quanta;
}

static double
fresh_fill(const struct bench_adapter *adapter, uint32_t n, uint64_t seed)
{
    struct world world;

    open_world(&world, adapter, n, seed);
    while (add(&world)) {
    }
    const double found = occupancy(&world);
    close_world(&world);
    return found;
}

/* One step of the ramp.  Returns the number of refusals, 0 or 1. */
static unsigned
step(struct world *world, double target)
{
    if ((double)world->used_quanta < target) {
        return !add(world);
    }
    drop(world, bench_prng_below(&world->prng, world->count));
    return 0;
}

static void
churn_ramp(const struct bench_adapter *adapter, uint32_t n, uint64_t seed, double *first,
    double *hundredth)
{
    const uint64_t hold = (uint64_t)RAMP_HOLD * n;
    const uint64_t rise = (uint64_t)RAMP_RISE * n;
    struct world world;
    unsigned failures = 0;

    open_world(&world, adapter, n, seed);
    *first = *hundredth = 0;
    for (uint64_t i = 0; i < hold + rise && failures < FAILURES; i++) {
        const double part = i < hold ? 0 : (double)(i - hold) / (double)rise;

        failures += step(&world, (0.5 + 0.5 * part) * (double)world.span_quanta);
        if (failures == 1 && *first == 0) {
            *first = occupancy(&world);
        }
    }
    *hundredth = occupancy(&world);
    close_world(&world);
}

static void
measure(struct bench_run *run, const struct subject *subject, uint32_t n, unsigned seeds)
{
    const struct bench_key fresh = { subject->name, "fresh fill", n };
    const struct bench_key ramp = { subject->name, "churn ramp", n };
    double fill[SEEDS_MAX];
    double first[SEEDS_MAX];
    double hundredth[SEEDS_MAX];

    for (unsigned seed = 0; seed < seeds; seed++) {
        bench_progress("occupancy, %u live, seed %u of %u: %s", n, seed + 1, seeds, subject->name);
        fill[seed] = fresh_fill(subject->adapter, n, run->options->seed + seed);
        churn_ramp(subject->adapter, n, run->options->seed + seed, &first[seed], &hundredth[seed]);
    }
    bench_report_add(&run->report, &fresh, "1st failure", "%", fill, seeds);
    bench_report_add(&run->report, &ramp, "1st failure", "%", first, seeds);
    bench_report_add(&run->report, &ramp, "100th failure", "%", hundredth, seeds);
}

static void
run_occupancy(struct bench_run *run)
{
    static const struct {
        uint32_t n;
        unsigned seeds;
    } scales[] = { { 10000, 15 }, { 100000, 5 } };
    const bool is_quick = run->options->is_quick;

    for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++) {
        for (size_t k = 0; k < sizeof subjects / sizeof subjects[0]; k++) {
            if (subjects[k].adapter->is_baseline && !run->options->has_baselines) {
                continue;
            }
            if (is_quick && i > 0 && k > 0) {
                continue;
            }
            measure(run, &subjects[k], scales[i].n, is_quick ? 3 : scales[i].seeds);
        }
    }
}

const struct bench_family bench_occupancy = {
    "occupancy",
    "busy part of the arena at the first refusal, medians over seeds",
    run_occupancy,
};
