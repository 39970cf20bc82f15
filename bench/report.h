/*
 * report.h - figures, their goals, and how they are shown.    SPDX-License-Identifier: BSD-2-Clause
 *
 * A *figure* is the median of some samples of one metric, of one part of one subject at one number
 * of live blocks.  Figures are gathered by family; a family becomes a table, and everything becomes
 * JSON.
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_NOTE_BYTES 96
#define BENCH_GOAL_OCCUPANCY 75u /* per cent; other runs are not judged */

/* A figure to reach; goals.h has them all. */
struct bench_goal {
    const char *family;
    const char *subject; /* NULL = every one of the library's */
    const char *part;    /* NULL = any */
    uint32_t live;       /* 0 = any */
    const char *metric;
    bool is_floor; /* reach at least the bound, not at most */
    double bound;  /* in the unit of the figure */
};

/* What a figure is of.  The strings must last. */
struct bench_key {
    const char *subject; /* "vmem handle" */
    const char *part;    /* "pair", or "" */
    uint32_t live;       /* blocks; 0 = does not apply */
};

struct bench_figure {
    const char *family;
    struct bench_key key;
    const char *metric; /* "median", "p99.9", "max"; NULL = a note without a figure */
    const char *unit;   /* "ns" */
    double *samples;    /* sorted */
    unsigned sample_count;
    double median;
    const struct bench_goal *goal; /* NULL = none */
    char note[BENCH_NOTE_BYTES];   /* "" = none */
};

struct bench_report {
    const char *family;
    const char *title;
    struct bench_figure *figures;
    size_t count;
    size_t capacity;
    size_t family_start; /* index of the present family's first figure */
    bool is_judged;      /* figures are held against their goals */
};

/* The figures that follow belong to this family. */
void bench_report_begin(struct bench_report *report, const char *family, const char *title);

/* Add a figure: the median of samples, which are copied.  One sample is a figure without spread. */
void bench_report_add(struct bench_report *report, const struct bench_key *key, const char *metric,
    const char *unit, const double *samples, unsigned count);

/* Say something in place of, or after, the figures of a key. */
void bench_report_note(struct bench_report *report, const struct bench_key *key, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

/* Print the present family as a table. */
void bench_report_table(const struct bench_report *report);

/* Print how many goals were met, and which were not. */
void bench_report_goals(const struct bench_report *report);

void bench_report_fini(struct bench_report *report);

/* True if the figure's goal is met; it must have one. */
bool bench_figure_is_met(const struct bench_figure *figure);

/* 1000 -> "1k", 1000000 -> "1M". */
const char *bench_live_text(uint32_t live, char text[16]);

/* The q-quantile of sorted values, and sorting. */
void bench_sort(double *values, size_t count);
void bench_sort_ticks(uint32_t *values, size_t count);
double bench_quantile(const double *sorted, size_t count, double q);
double bench_median(double *values, size_t count); /* sorts them */

struct bench_machine;
struct bench_options;

/* Write everything to a file.  Returns 0 or -1. */
int bench_report_json(const struct bench_report *report, const struct bench_machine *machine,
    const struct bench_options *options, const char *path);

#endif
