/*
 * report - figures and their goals.                           SPDX-License-Identifier: BSD-2-Clause
 */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "goals.h"
#include "workload.h"

static int
compare_doubles(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;

    return (x > y) - (x < y);
}

static int
compare_ticks(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a;
    const uint32_t y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

void
bench_sort(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare_doubles);
}

void
bench_sort_ticks(uint32_t *values, size_t count)
{
    qsort(values, count, sizeof *values, compare_ticks);
}

double
bench_quantile(const double *sorted, size_t count, double q)
{
    const double at = q * (double)(count - 1);
    const size_t below = (size_t)at;
    const size_t above = below + 1 < count ? below + 1 : below;

    return sorted[below] + (sorted[above] - sorted[below]) * (at - (double)below);
}

double
bench_median(double *values, size_t count)
{
    bench_sort(values, count);
    return bench_quantile(values, count, 0.5);
}

const char *
bench_live_text(uint32_t live, char text[16])
{
    if (live == 0) {
        snprintf(text, 16, "-");
    } else if (live % 1000000 == 0) {
        snprintf(text, 16, "%uM", live / 1000000);
    } else if (live % 1000 == 0) {
        snprintf(text, 16, "%uk", live / 1000);
    } else {
        snprintf(text, 16, "%u", live);
    }
    return text;
}

/* Every subject but the baselines is a way to use the library. */
static bool
is_of_library(const char *subject)
{
    return strstr(subject, "std::map") == NULL && strstr(subject, "malloc") == NULL &&
        strcmp(subject, "harness floor") != 0;
}

static bool
is_goal_of(const struct bench_goal *goal, const struct bench_figure *figure)
{
    if (strcmp(goal->family, figure->family) != 0 || strcmp(goal->metric, figure->metric) != 0) {
        return false;
    }
    if (goal->live != 0 && goal->live != figure->key.live) {
        return false;
    }
    if (goal->part != NULL && strcmp(goal->part, figure->key.part) != 0) {
        return false;
    }
    if (goal->subject == NULL) {
        return is_of_library(figure->key.subject);
    }
    return strcmp(goal->subject, figure->key.subject) == 0;
}

static const struct bench_goal *
find_goal(const struct bench_figure *figure)
{
    for (size_t i = 0; i < sizeof bench_goals / sizeof bench_goals[0]; i++) {
        if (is_goal_of(&bench_goals[i], figure)) {
            return &bench_goals[i];
        }
    }
    return NULL;
}

bool
bench_figure_is_met(const struct bench_figure *figure)
{
    return figure->goal->is_floor ? figure->median >= figure->goal->bound
                                  : figure->median <= figure->goal->bound;
}

static struct bench_figure *
append(struct bench_report *report, const struct bench_key *key)
{
    if (report->count == report->capacity) {
        report->capacity = report->capacity == 0 ? 256 : report->capacity * 2;
        struct bench_figure *figures = bench_get(report->capacity, sizeof *figures);
        if (report->count != 0) {
            memcpy(figures, report->figures, report->count * sizeof *figures);
        }
        free(report->figures);
        report->figures = figures;
    }
    struct bench_figure *figure = &report->figures[report->count++];
    memset(figure, 0, sizeof *figure);
    figure->family = report->family;
    figure->key = *key;
    return figure;
}

void
bench_report_begin(struct bench_report *report, const char *family, const char *title)
{
    report->family = family;
    report->title = title;
    report->family_start = report->count;
}

void
bench_report_add(struct bench_report *report, const struct bench_key *key, const char *metric,
    const char *unit, const double *samples, unsigned count)
{
    struct bench_figure *figure = append(report, key);

    figure->metric = metric;
    figure->unit = unit;
    figure->samples = bench_get(count, sizeof *samples);
    memcpy(figure->samples, samples, count * sizeof *samples);
    figure->sample_count = count;
    figure->median = bench_median(figure->samples, count);
    figure->goal = report->is_judged ? find_goal(figure) : NULL;
}

void
bench_report_note(struct bench_report *report, const struct bench_key *key, const char *format, ...)
{
    struct bench_figure *figure = append(report, key);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(figure->note, sizeof figure->note, format, arguments);
    va_end(arguments);
}

void
bench_report_fini(struct bench_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        free(report->figures[i].samples);
    }
    free(report->figures);
    memset(report, 0, sizeof *report);
}
