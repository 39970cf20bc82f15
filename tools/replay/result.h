/*
 * result.h - what a replay found out, for the reports.                SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMEM_TOOLS_REPLAY_RESULT_H
#define VMEM_TOOLS_REPLAY_RESULT_H

#include "plan.h"
#include "rig.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <vmem/vmem.h>

#define REPLAY_FAILURES_KEPT 16
#define REPLAY_SAMPLES_MAX 64

/* A refused allocation. */
struct replay_failure {
    const struct vmem_trace_op *op;
    int status;
    struct vmem_explanation why;
};

/* Failures of one replay. */
struct replay_failures {
    uint64_t count;
    uint64_t examined_count;    /* explained one by one; the rest by the arena's counters alone */
    uint64_t examined_segments; /* walked for that */
    uint64_t unexplained_count; /* no reason, or one that the figures contradict */
    uint64_t by_reason[VMEM_REASON_COUNT]; /* of the examined ones */
    uint64_t counted_by_arena;             /* sum of its own counters */
    double occupancy_at_first;             /* busy part of what the arena owned, 0..1 */
    size_t kept_count;
    struct replay_failure kept[REPLAY_FAILURES_KEPT];
    char unexplained_text[REPLAY_TEXT_BYTES]; /* of the first, or "" */
};

/* The untimed pass: what happened. */
struct replay_survey {
    uint64_t alloc_count;   /* served */
    uint64_t free_count;    /* served */
    uint64_t ignored_count; /* frees of allocations that had failed */
    struct replay_failures failures;
    vmem_size_t live_peak;          /* units */
    vmem_size_t owned_at_live_peak; /* units */
    vmem_size_t live_final;         /* units */
    uint64_t live_count_final;
    vmem_size_t owned_peak; /* units */
    vmem_size_t owned_final;
    vmem_size_t footprint;     /* units from the base to the highest one ever used */
    uint64_t metadata_count;   /* live allocations at their peak */
    size_t metadata_bytes;     /* the arena's, at that moment; the parent's not included */
    vmem_size_t largest_final; /* units: the largest hole before the rest is freed */
    uint64_t holes_final;
    struct vmem_stats stats; /* at the end, before the rest is freed */
};

/* The state of the holes at one moment. */
struct replay_sample {
    size_t op_index; /* operations done */
    vmem_size_t inuse_size;
    vmem_size_t free_size;
    vmem_size_t largest_hole;
    uint64_t holes;
    double by_largest; /* 1 - largest / free, 0..1; 0 if nothing is free */
    double by_squares; /* 1 - sqrt(sum of squares) / sum; the same range */
};

/* The observing pass: the holes over time, and the checks. */
struct replay_observation {
    size_t sample_count;
    struct replay_sample samples[REPLAY_SAMPLES_MAX];
    uint64_t check_count;
    bool is_violated;
    char violation[REPLAY_TEXT_BYTES];
};

/* The timed passes. */
struct replay_rate {
    unsigned pass_count;
    uint64_t op_count; /* of one pass */
    double ns_per_op;  /* median of the passes */
    double ns_per_op_min;
    double ns_per_op_max;
};

struct replay_percentiles {
    uint64_t count;
    double p50_ns, p90_ns, p99_ns, p999_ns, max_ns;
};

struct replay_latency {
    unsigned pass_count;
    struct replay_percentiles alloc;
    struct replay_percentiles free;
};

/* One trace under one policy. */
struct replay_result {
    struct replay_plan plan;
    struct replay_survey survey;
    struct replay_observation observation;
    struct replay_rate rate;
    struct replay_latency latency;
    unsigned fit_probe_count; /* --size fit: replays that the search took */
    bool is_unfit;            /* --size fit: the trace fits at no size */
    bool is_dirty;            /* something was left after everything had been freed */
    char dirt[REPLAY_TEXT_BYTES];
    uint64_t fault_count; /* calls of the fatal hook */
    char fault[REPLAY_TEXT_BYTES];
};

/* True if nothing speaks against the arena. */
static inline bool
replay_result_is_sound(const struct replay_result *result)
{
    return !result->observation.is_violated && !result->is_dirty && result->fault_count == 0 &&
        result->survey.failures.unexplained_count == 0;
}

#endif
