/*
 * table - a family of figures as an aligned table.            SPDX-License-Identifier: BSD-2-Clause
 *
 * One line for each key (subject, part, live), one column for each metric, in the order in which
 * they came.  A cell is "median unit [lowest..highest]", the brackets being the spread over the
 * repeats; goals and notes follow at the end of the line.  Columns are as wide as their widest
 * cell.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "workload.h"

#define COLUMNS_MAX 16
#define CELL_BYTES 64
#define TAIL_BYTES 256

struct line {
    struct bench_key key;
    char cells[COLUMNS_MAX][CELL_BYTES];
    char tail[TAIL_BYTES];
};

struct table {
    struct line *lines;
    size_t line_count;
    const char *metrics[COLUMNS_MAX];
    int widths[COLUMNS_MAX];
    size_t column_count;
    int subject_width;
    int part_width;
};

static bool
is_same_key(const struct bench_key *a, const struct bench_key *b)
{
    return a->live == b->live && strcmp(a->subject, b->subject) == 0 &&
        strcmp(a->part, b->part) == 0;
}

/* Three figures that matter: 1.23, 12.3, 123, 12345. */
static int
decimals(double value)
{
    const double size = fabs(value);

    return size < 9.995 ? 2 : size < 99.95 ? 1 : 0;
}

static void
put_cell(char cell[CELL_BYTES], const struct bench_figure *figure)
{
    const double lowest = figure->samples[0];
    const double highest = figure->samples[figure->sample_count - 1];
    const int length = snprintf(
        cell, CELL_BYTES, "%.*f %s", decimals(figure->median), figure->median, figure->unit);

    if (figure->sample_count > 1 && length > 0 && length < CELL_BYTES) {
        snprintf(cell + length, CELL_BYTES - (size_t)length, " [%.*f..%.*f]", decimals(lowest),
            lowest, decimals(highest), highest);
    }
}

static void
add_to_tail(struct line *line, const char *text)
{
    const size_t length = strlen(line->tail);

    snprintf(line->tail + length, TAIL_BYTES - length, "%s%s", length == 0 ? "" : "; ", text);
}

static void
put_goal(struct line *line, const struct bench_figure *figure)
{
    char text[CELL_BYTES * 2];

    snprintf(text, sizeof text, "%s %s %g %s: %s", figure->metric,
        figure->goal->is_floor ? ">=" : "<=", figure->goal->bound, figure->unit,
        bench_figure_is_met(figure) ? "met" : "SHORT");
    add_to_tail(line, text);
}

static struct line *
line_of(struct table *table, const struct bench_key *key)
{
    for (size_t i = 0; i < table->line_count; i++) {
        if (is_same_key(&table->lines[i].key, key)) {
            return &table->lines[i];
        }
    }
    struct line *line = &table->lines[table->line_count++];
    memset(line, 0, sizeof *line);
    line->key = *key;
    return line;
}

static size_t
column_of(struct table *table, const char *metric)
{
    for (size_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->metrics[i], metric) == 0) {
            return i;
        }
    }
    if (table->column_count == COLUMNS_MAX) {
        return COLUMNS_MAX - 1;
    }
    table->metrics[table->column_count] = metric;
    table->widths[table->column_count] = (int)strlen(metric);
    return table->column_count++;
}

static int
wider(int width, const char *text)
{
    const int length = (int)strlen(text);

    return length > width ? length : width;
}

static void
gather(struct table *table, const struct bench_report *report)
{
    for (size_t i = report->family_start; i < report->count; i++) {
        const struct bench_figure *figure = &report->figures[i];
        struct line *line = line_of(table, &figure->key);

        table->subject_width = wider(table->subject_width, figure->key.subject);
        table->part_width = wider(table->part_width, figure->key.part);
        if (figure->metric == NULL) {
            add_to_tail(line, figure->note);
            continue;
        }
        const size_t column = column_of(table, figure->metric);
        put_cell(line->cells[column], figure);
        table->widths[column] = wider(table->widths[column], line->cells[column]);
        if (figure->goal != NULL) {
            put_goal(line, figure);
        }
    }
}

static void
print_line(const struct table *table, const struct line *line)
{
    char live[16];

    printf("  %-*s  %5s", table->subject_width, line->key.subject,
        bench_live_text(line->key.live, live));
    if (table->part_width > 0) {
        printf("  %-*s", table->part_width, line->key.part);
    }
    for (size_t i = 0; i < table->column_count; i++) {
        printf("  %*s", table->widths[i], line->cells[i]);
    }
    printf("%s%s\n", line->tail[0] == '\0' ? "" : "  ", line->tail);
}

static void
print_head(const struct table *table)
{
    printf("  %-*s  %5s", table->subject_width, "subject", "live");
    if (table->part_width > 0) {
        printf("  %-*s", table->part_width, "part");
    }
    for (size_t i = 0; i < table->column_count; i++) {
        printf("  %*s", table->widths[i], table->metrics[i]);
    }
    printf("\n");
}

void
bench_report_table(const struct bench_report *report)
{
    struct table table = { 0 };

    printf("\n%s: %s\n", report->family, report->title);
    if (report->family_start == report->count) {
        printf("  nothing to measure with these options\n");
        return;
    }
    table.lines = bench_get(report->count - report->family_start, sizeof *table.lines);
    table.subject_width = (int)strlen("subject");
    gather(&table, report);
    print_head(&table);
    for (size_t i = 0; i < table.line_count; i++) {
        if (i > 0 && table.lines[i].key.live != table.lines[i - 1].key.live) {
            printf("\n");
        }
        print_line(&table, &table.lines[i]);
    }
    free(table.lines);
    fflush(stdout);
}

void
bench_report_goals(const struct bench_report *report)
{
    unsigned met = 0;
    unsigned total = 0;

    if (!report->is_judged) {
        printf("\ngoals: not judged, they hold for %u %% occupancy\n", BENCH_GOAL_OCCUPANCY);
        return;
    }
    for (size_t i = 0; i < report->count; i++) {
        if (report->figures[i].goal != NULL) {
            total++;
            met += bench_figure_is_met(&report->figures[i]);
        }
    }
    printf("\ngoals: %u of %u met", met, total);
    printf(met == total ? "\n" : "; short:\n");
    for (size_t i = 0; i < report->count; i++) {
        const struct bench_figure *figure = &report->figures[i];
        char live[16];

        if (figure->goal != NULL && !bench_figure_is_met(figure)) {
            printf("  %s / %s / %s / %s: %s %.*f %s, goal %s %g\n", figure->family,
                figure->key.subject, figure->key.part, bench_live_text(figure->key.live, live),
                figure->metric, decimals(figure->median), figure->median, figure->unit,
                figure->goal->is_floor ? ">=" : "<=", figure->goal->bound);
        }
    }
}
