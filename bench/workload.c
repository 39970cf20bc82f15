/*
 * workload - see workload.h.                                  SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. Drawing sizes
 *    The alias method: 1024 columns of equal weight, each shared by at most two sizes.  One random
 *    number picks the column and the side of it, so that a draw costs a table look-up, and the
 *    distribution is exact up to 53 bits.
 *
 * 2. Holding the occupancy
 *    The sum of n such sizes has a standard deviation of 11 % of its mean for n = 1000: left alone,
 *    the occupancy would wander.  A size that leads out of the band around the target, or further
 *    out of it, is drawn again (up to DRAWS_MAX times).  The band is 4 / sqrt(n / 1000) per cent,
 *    but at least half a per cent, so that few draws are refused and the distribution is kept.
 */
#include "workload.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DRAWS_MAX 16u

static struct {
    double threshold; /* below it, the column's own size */
    uint16_t own;     /* quanta */
    uint16_t other;
} columns[BENCH_SIZE_QUANTA_MAX];

static double size_mean;

void *
bench_get(size_t count, size_t bytes)
{
    void *memory = count > SIZE_MAX / bytes ? NULL : malloc(count * bytes);

    if (memory == NULL) {
        fprintf(stderr, "vmem-bench: no memory for %zu x %zu bytes\n", count, bytes);
        exit(1);
    }
    return memory;
}

/* Written to, so that no first touch of a page falls into a timed section. */
void *
bench_get_zeroed(size_t count, size_t bytes)
{
    void *memory = bench_get(count, bytes);

    memset(memory, 0, count * bytes);
    return memory;
}

/* Fill up each light column with what a heavy one has too much. */
static void
pair_columns(double *weight)
{
    uint32_t light[BENCH_SIZE_QUANTA_MAX];
    uint32_t heavy[BENCH_SIZE_QUANTA_MAX];
    uint32_t light_count = 0;
    uint32_t heavy_count = 0;

    for (uint32_t i = 0; i < BENCH_SIZE_QUANTA_MAX; i++) {
        columns[i].threshold = 1.0;
        columns[i].own = (uint16_t)(i + 1);
        columns[i].other = (uint16_t)(i + 1);
        if (weight[i] < 1.0) {
            light[light_count++] = i;
        } else {
            heavy[heavy_count++] = i;
        }
    }
    while (light_count > 0 && heavy_count > 0) {
        const uint32_t small = light[--light_count];
        const uint32_t big = heavy[heavy_count - 1];

        columns[small].threshold = weight[small];
        columns[small].other = (uint16_t)(big + 1);
        weight[big] -= 1.0 - weight[small];
        if (weight[big] < 1.0) {
            heavy_count--;
            light[light_count++] = big;
        }
    }
}

void
bench_sizes_init(void)
{
    double weight[BENCH_SIZE_QUANTA_MAX];
    double sum = 0;
    double moment = 0;

    for (uint32_t i = 0; i < BENCH_SIZE_QUANTA_MAX; i++) {
        weight[i] = pow(i + 1, -1.5);
        sum += weight[i];
        moment += weight[i] * (i + 1);
    }
    size_mean = moment / sum;
    for (uint32_t i = 0; i < BENCH_SIZE_QUANTA_MAX; i++) {
        weight[i] *= BENCH_SIZE_QUANTA_MAX / sum;
    }
    pair_columns(weight);
}

double
bench_sizes_mean(void)
{
    return size_mean;
}

uint32_t
bench_sizes_draw(struct bench_prng *prng)
{
    const double at = bench_prng_unit(prng) * BENCH_SIZE_QUANTA_MAX;
    const uint32_t column = (uint32_t)at;

    return at - column < columns[column].threshold ? columns[column].own : columns[column].other;
}

static uint64_t
distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* A new size for a slot, and the model brought up to date. */
static uint16_t
draw_size(struct bench_load *load, uint32_t slot)
{
    const uint64_t rest = load->used_quanta - load->sizes[slot];
    const uint64_t now = distance(load->used_quanta, load->target_quanta);
    uint32_t quanta = 0;

    for (unsigned draw = 0; draw < DRAWS_MAX; draw++) {
        quanta = bench_sizes_draw(&load->prng);
        const uint64_t then = distance(rest + quanta, load->target_quanta);
        if (then <= load->band_quanta || then <= now) {
            break;
        }
    }
    load->used_quanta = rest + quanta;
    load->sizes[slot] = (uint16_t)quanta;
    return (uint16_t)quanta;
}

void
bench_load_init(
    struct bench_load *load, uint32_t live, unsigned percent, bool is_aligned, uint64_t seed)
{
    const double target = size_mean * live;
    const double band = fmax(0.04 / sqrt(fmax(live / 1000.0, 1.0)), 0.005);

    memset(load, 0, sizeof *load);
    load->prng.state = seed;
    load->live = live;
    load->target_quanta = (uint64_t)target;
    load->band_quanta = (uint64_t)(target * band);
    load->span_quanta = (uint64_t)(target * 100.0 / percent);
    load->is_aligned = is_aligned;
    load->sizes = bench_get_zeroed(live, sizeof *load->sizes);
    for (uint32_t i = 0; i < live; i++) {
        load->sizes[i] = (uint16_t)bench_sizes_draw(&load->prng);
        load->used_quanta += load->sizes[i];
    }
    while (distance(load->used_quanta, load->target_quanta) > load->band_quanta) {
        draw_size(load, bench_prng_below(&load->prng, live));
    }
}

void
bench_load_fini(struct bench_load *load)
{
    free(load->sizes);
    load->sizes = NULL;
}

static void
make_room(struct bench_trace *trace, size_t count)
{
    if (trace->capacity < count + BENCH_LOOKAHEAD) {
        free(trace->ops);
        trace->capacity = count + BENCH_LOOKAHEAD;
        trace->ops = bench_get_zeroed(trace->capacity, sizeof *trace->ops);
    }
    trace->count = count;
    memset(trace->ops + count, 0, BENCH_LOOKAHEAD * sizeof *trace->ops);
}

static uint16_t
draw_align(struct bench_load *load)
{
    if (!load->is_aligned || (bench_prng_next(&load->prng) & 1) != 0) {
        return 0;
    }
    return (uint16_t)bench_prng_below(&load->prng, BENCH_ALIGN_LOG2_MAX + 1);
}

void
bench_load_fill(struct bench_load *load, struct bench_trace *trace)
{
    make_room(trace, load->live);
    for (uint32_t i = 0; i < load->live; i++) {
        trace->ops[i] = (struct bench_op){ i, load->sizes[i], draw_align(load) };
    }
}

void
bench_load_churn(struct bench_load *load, struct bench_trace *trace, size_t count)
{
    make_room(trace, count);
    for (size_t i = 0; i < count; i++) {
        const uint32_t slot = bench_prng_below(&load->prng, load->live);
        const uint16_t quanta = draw_size(load, slot);

        trace->ops[i] = (struct bench_op){ slot, quanta, draw_align(load) };
    }
}

void
bench_trace_fini(struct bench_trace *trace)
{
    free(trace->ops);
    memset(trace, 0, sizeof *trace);
}
