/*
 * workload.h - the synthetic load: sizes, traces, blocks.     SPDX-License-Identifier: BSD-2-Clause
 *
 * Sizes follow a power law, P(s) ~ s^-1.5 for s = 1 .. 1024 quanta: half of the requests are for
 * one or two quanta, the mean is 24.5.  `live` blocks are live at any time; a *pair* frees a random
 * one and allocates a new size in its place.  The sizes of a trace are chosen so that the occupancy
 * of the arena stays within a narrow band of the wanted one.  A trace is written out before it is
 * timed, and every subject runs the same one.
 */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_QUANTUM 16u /* units; also the bytes of a quantum for the malloc baselines */
#define BENCH_SIZE_QUANTA_MAX 1024u
#define BENCH_ALIGN_LOG2_MAX 8u /* of aligned requests: up to 256 quanta */
#define BENCH_LOOKAHEAD 16u     /* operations between the prefetch of a slot and its use */

/* Pseudo-random numbers (splitmix64): fast, and the same on every machine. */
struct bench_prng {
    uint64_t state;
};

static inline uint64_t
bench_prng_next(struct bench_prng *prng)
{
    uint64_t z = prng->state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Below `bound`, which is not 0.  The bias of 2^-32 does not matter here. */
static inline uint32_t
bench_prng_below(struct bench_prng *prng, uint32_t bound)
{
    return (uint32_t)(((bench_prng_next(prng) >> 32) * bound) >> 32);
}

static inline double
bench_prng_unit(struct bench_prng *prng)
{
    return (double)(bench_prng_next(prng) >> 11) * 0x1p-53;
}

/* Draw a size in quanta.  bench_sizes_init() first, once. */
void bench_sizes_init(void);
uint32_t bench_sizes_draw(struct bench_prng *prng);
double bench_sizes_mean(void); /* quanta */

/* One pair: free what the slot holds, if anything, then allocate `quanta` into it. */
struct bench_op {
    uint32_t slot;
    uint16_t quanta;
    uint16_t align_log2; /* quanta; 0 = anywhere */
};

/* `count` operations, and BENCH_LOOKAHEAD more that are only looked at. */
struct bench_trace {
    struct bench_op *ops;
    size_t count;
    size_t capacity;
};

/* A model of the arena's content: what the generator of traces needs to hold the occupancy. */
struct bench_load {
    struct bench_prng prng;
    uint32_t live;          /* blocks */
    uint64_t span_quanta;   /* of the arena */
    uint64_t used_quanta;   /* by the blocks now */
    uint64_t target_quanta; /* to hold */
    uint64_t band_quanta;   /* on either side of it */
    bool is_aligned;        /* half of the requests are aligned */
    uint16_t *sizes;        /* quanta, per slot */
};

/*
 * Set up for `live` blocks that occupy `percent` per cent of the span.
 */
void bench_load_init(
    struct bench_load *load, uint32_t live, unsigned percent, bool is_aligned, uint64_t seed);
void bench_load_fini(struct bench_load *load);

/* Write the trace that fills an empty arena, or `count` further pairs. */
void bench_load_fill(struct bench_load *load, struct bench_trace *trace);
void bench_load_churn(struct bench_load *load, struct bench_trace *trace, size_t count);

void bench_trace_fini(struct bench_trace *trace);

/* malloc() and calloc() that end the program rather than return NULL. */
void *bench_get(size_t count, size_t bytes);
void *bench_get_zeroed(size_t count, size_t bytes);

#endif
