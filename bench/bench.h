/*
 * bench.h - the program: options, row families, progress.     SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "adapter.h"
#include "report.h"

#define BENCH_LIVES_MAX 8
#define BENCH_REPEATS_MAX 64
#define BENCH_SUBJECTS_MAX 16
#define BENCH_ROWS_MAX 16

struct bench_options {
    uint32_t lives[BENCH_LIVES_MAX]; /* numbers of live blocks, ascending */
    unsigned live_count;
    unsigned repeats;   /* interleaved, of every timing */
    unsigned occupancy; /* per cent, of churn, latency, worst and policy */
    uint64_t seed;
    bool is_quick;
    bool has_baselines;
    const char *rows[BENCH_ROWS_MAX]; /* families to run; none = all */
    unsigned row_count;
    const char *json_path; /* NULL = no file */
};

struct bench_run {
    const struct bench_options *options;
    struct bench_report report;
};

/* A family of rows: one file, one table. */
struct bench_family {
    const char *name;
    const char *title;
    void (*run)(struct bench_run *run);
};

extern const struct bench_family bench_churn;
extern const struct bench_family bench_latency;
extern const struct bench_family bench_worst;
extern const struct bench_family bench_policy;
extern const struct bench_family bench_fail;
extern const struct bench_family bench_aligned;
extern const struct bench_family bench_occupancy;
extern const struct bench_family bench_metadata;
extern const struct bench_family bench_walk;
extern const struct bench_family bench_threads;

/*
 * From a list that ends with NULL, the subjects to measure.  What is unavailable is noted in the
 * report under `part`.  Returns their number.
 */
unsigned bench_choose(struct bench_run *run, const struct bench_adapter *const *list,
    const struct bench_adapter **chosen, uint32_t live, const char *part);

/* Pairs of one repeat at so many live blocks, and of the warm-up before the first. */
size_t bench_pairs(const struct bench_options *options, uint32_t live);
size_t bench_warm_pairs(const struct bench_options *options, uint32_t live);

/* Open an instance for each subject, fill them all, and warm them up. */
struct bench_load;
struct bench_trace;
void bench_open_all(struct bench_run *run, struct bench_instance *instances,
    const struct bench_adapter *const *adapters, unsigned count, struct bench_load *load,
    struct bench_trace *trace);
void bench_close_all(struct bench_instance *instances, unsigned count);

/* What is going on, on a terminal; nothing elsewhere.  Done with "" . */
void bench_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
void bench_progress_clear(void);

#endif
