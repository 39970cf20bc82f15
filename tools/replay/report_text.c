/*
 * report_text - the report as tables.                         SPDX-License-Identifier: BSD-2-Clause
 *
 * Each figure is a row and each policy a column, so that one policy and a comparison are the same
 * table.  A row that says nothing for any column (no failures, nothing imported) is left out.
 * What is not a single figure follows below: failures by line, fragmentation as small curves.
 */
#include "human.h"
#include "report.h"
#include "table.h"
#include "ticks.h"

#include <inttypes.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAILURES_SHOWN 5
#define FAILURES_SHOWN_COMPARED 2

/* -------------------------------------------------------------------------------------------------
 * The rows
 * ---------------------------------------------------------------------------------------------- */

static double
ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

/* Mean and maximum over the samples of one fragmentation figure. */
static double
mean_of(const struct replay_observation *observation, bool by_squares)
{
    double sum = 0;
    for (size_t i = 0; i < observation->sample_count; i++) {
        const struct replay_sample *sample = &observation->samples[i];
        sum += by_squares ? sample->by_squares : sample->by_largest;
    }
    return ratio(sum, (double)observation->sample_count);
}

static double
max_of(const struct replay_observation *observation, bool by_squares)
{
    double max = 0;
    for (size_t i = 0; i < observation->sample_count; i++) {
        const struct replay_sample *sample = &observation->samples[i];
        const double value = by_squares ? sample->by_squares : sample->by_largest;
        max = value > max ? value : max;
    }
    return max;
}

/* The figures of the table, in order. */
enum row {
    ROW_RATE,
    ROW_NS,
    ROW_SIZE,
    ROW_SIZE_RATIO,
    ROW_OWNED_PEAK,
    ROW_IMPORTS,
    ROW_RELEASES,
    ROW_LIVE_PEAK,
    ROW_OCCUPANCY_PEAK,
    ROW_OCCUPANCY_FINAL,
    ROW_FOOTPRINT,
    ROW_FAILURES,
    ROW_REASON_FIRST,
    ROW_REASON_LAST = ROW_REASON_FIRST + VMEM_REASON_COUNT - 1,
    ROW_UNEXAMINED,
    ROW_UNEXPLAINED,
    ROW_IGNORED,
    ROW_OCCUPANCY_FAILURE,
    ROW_BY_LARGEST_MEAN,
    ROW_BY_LARGEST_MAX,
    ROW_BY_SQUARES_MEAN,
    ROW_BY_SQUARES_MAX,
    ROW_LARGEST,
    ROW_HOLES,
    ROW_METADATA,
    ROW_ALLOC_P50,
    ROW_ALLOC_P90,
    ROW_ALLOC_P99,
    ROW_ALLOC_P999,
    ROW_ALLOC_MAX,
    ROW_FREE_P50,
    ROW_FREE_P90,
    ROW_FREE_P99,
    ROW_FREE_P999,
    ROW_FREE_MAX,
    ROW_CHECKS,
    ROW_VERDICT,
    ROW_COUNT
};

static const char *const row_names[ROW_COUNT] = {
    [ROW_RATE] = "operations a second",
    [ROW_NS] = "time per operation",
    [ROW_SIZE] = "span",
    [ROW_SIZE_RATIO] = "span / peak of the trace",
    [ROW_OWNED_PEAK] = "owned, peak",
    [ROW_IMPORTS] = "spans imported",
    [ROW_RELEASES] = "spans released",
    [ROW_LIVE_PEAK] = "busy, peak",
    [ROW_OCCUPANCY_PEAK] = "occupancy, peak",
    [ROW_OCCUPANCY_FINAL] = "occupancy, final",
    [ROW_FOOTPRINT] = "footprint / busy peak",
    [ROW_FAILURES] = "failed allocations",
    [ROW_UNEXAMINED] = "  by the arena's counters only",
    [ROW_UNEXPLAINED] = "  UNEXPLAINED",
    [ROW_IGNORED] = "frees of these, ignored",
    [ROW_OCCUPANCY_FAILURE] = "occupancy at first failure",
    [ROW_BY_LARGEST_MEAN] = "1 - largest/free, mean",
    [ROW_BY_LARGEST_MAX] = "1 - largest/free, max",
    [ROW_BY_SQUARES_MEAN] = "1 - sqrt(sum s^2)/sum s, mean",
    [ROW_BY_SQUARES_MAX] = "1 - sqrt(sum s^2)/sum s, max",
    [ROW_LARGEST] = "largest hole, final",
    [ROW_HOLES] = "holes, final",
    [ROW_METADATA] = "metadata per live, at peak",
    [ROW_ALLOC_P50] = "alloc p50",
    [ROW_ALLOC_P90] = "alloc p90",
    [ROW_ALLOC_P99] = "alloc p99",
    [ROW_ALLOC_P999] = "alloc p99.9",
    [ROW_ALLOC_MAX] = "alloc max",
    [ROW_FREE_P50] = "free p50",
    [ROW_FREE_P90] = "free p90",
    [ROW_FREE_P99] = "free p99",
    [ROW_FREE_P999] = "free p99.9",
    [ROW_FREE_MAX] = "free max",
    [ROW_CHECKS] = "checks passed",
    [ROW_VERDICT] = "verdict",
};

static struct human
latency_cell(const struct replay_percentiles *percentiles, unsigned index)
{
    const double values[] = { percentiles->p50_ns, percentiles->p90_ns, percentiles->p99_ns,
        percentiles->p999_ns, percentiles->max_ns };
    return percentiles->count == 0 ? human_text("-") : human_ns(values[index]);
}

static struct human
arena_cell(const struct replay_result *result, const struct replay_demand *demand, enum row row)
{
    const struct replay_survey *survey = &result->survey;
    const bool is_fixed = result->plan.import_quantum == 0;
    const double live_peak = (double)survey->live_peak;
    switch ((unsigned)row) {
    case ROW_RATE:
        return human_count(ratio(1e9, result->rate.ns_per_op));
    case ROW_NS:
        return human_ns(result->rate.ns_per_op);
    case ROW_SIZE:
        return is_fixed ? human_size(result->plan.size) : human_text("%s", "");
    case ROW_SIZE_RATIO:
        return is_fixed
            ? human_text("%.3f", ratio((double)result->plan.size, (double)demand->live_peak))
            : human_text("%s", "");
    case ROW_OWNED_PEAK:
        return is_fixed ? human_text("%s", "") : human_size(survey->owned_peak);
    case ROW_IMPORTS:
        return is_fixed ? human_text("%s", "") : human_count((double)survey->stats.imports);
    case ROW_RELEASES:
        return is_fixed ? human_text("%s", "") : human_count((double)survey->stats.releases);
    case ROW_LIVE_PEAK:
        return human_size(survey->live_peak);
    case ROW_OCCUPANCY_PEAK:
        return human_share(ratio(live_peak, (double)survey->owned_at_live_peak));
    case ROW_OCCUPANCY_FINAL:
        return human_share(ratio((double)survey->live_final, (double)survey->owned_final));
    case ROW_FOOTPRINT:
        return human_text("%.3f", ratio((double)survey->footprint, live_peak));
    case ROW_LARGEST:
        return human_size(survey->largest_final);
    case ROW_HOLES:
        return human_count((double)survey->holes_final);
    case ROW_METADATA:
        return human_text(
            "%.1f B", ratio((double)survey->metadata_bytes, (double)survey->metadata_count));
    default:
        return human_text("%s", "");
    }
}

/* A count that is worth a row only if it is not 0 in some column. */
static struct human
count_unless_zero(uint64_t count)
{
    return count == 0 ? human_text("%s", "") : human_text("%" PRIu64, count);
}

static struct human
failure_cell(const struct replay_result *result, enum row row)
{
    const struct replay_failures *failures = &result->survey.failures;
    switch ((unsigned)row) {
    case ROW_FAILURES:
        return human_text("%" PRIu64, failures->count);
    case ROW_UNEXAMINED:
        return count_unless_zero(failures->count - failures->examined_count);
    case ROW_UNEXPLAINED:
        return count_unless_zero(failures->unexplained_count);
    case ROW_IGNORED:
        return count_unless_zero(result->survey.ignored_count);
    case ROW_OCCUPANCY_FAILURE:
        return failures->count == 0 ? human_text("%s", "")
                                    : human_share(failures->occupancy_at_first);
    default:
        return count_unless_zero(failures->by_reason[row - ROW_REASON_FIRST]);
    }
}

static struct human
verdict_cell(const struct replay_report *report, const struct replay_result *result, enum row row)
{
    const struct replay_observation *observation = &result->observation;
    if (row == ROW_CHECKS) {
        return report->options->is_checked
            ? human_text("%" PRIu64, observation->check_count - (observation->is_violated ? 1 : 0))
            : human_text("%s", "");
    }
    if (!replay_result_is_sound(result)) {
        return human_text("NOT SOUND");
    }
    return human_text(result->is_unfit ? "never fits" : report->is_whole ? "ok" : "ok, cut short");
}

static struct human
cell_of(const struct replay_report *report, const struct replay_result *result, enum row row)
{
    if (row >= ROW_FAILURES && row <= ROW_OCCUPANCY_FAILURE) {
        return failure_cell(result, row);
    }
    if (row >= ROW_BY_LARGEST_MEAN && row <= ROW_BY_SQUARES_MAX) {
        const bool by_squares = row >= ROW_BY_SQUARES_MEAN;
        const bool is_mean = row == ROW_BY_LARGEST_MEAN || row == ROW_BY_SQUARES_MEAN;
        return human_share(is_mean ? mean_of(&result->observation, by_squares)
                                   : max_of(&result->observation, by_squares));
    }
    if (row >= ROW_ALLOC_P50 && row <= ROW_ALLOC_MAX) {
        return latency_cell(&result->latency.alloc, row - ROW_ALLOC_P50);
    }
    if (row >= ROW_FREE_P50 && row <= ROW_FREE_MAX) {
        return latency_cell(&result->latency.free, row - ROW_FREE_P50);
    }
    if (row >= ROW_CHECKS) {
        return verdict_cell(report, result, row);
    }
    return arena_cell(result, report->demand, row);
}

static void
add_row(struct replay_table *table, const struct replay_report *report, enum row row)
{
    struct human cells[REPLAY_POLICY_COUNT];
    bool is_empty = true;
    for (size_t i = 0; i < report->result_count; i++) {
        cells[i] = cell_of(report, &report->results[i], row);
        is_empty = is_empty && cells[i].text[0] == '\0';
    }
    if (is_empty) {
        return;
    }
    if (row >= ROW_REASON_FIRST && row <= ROW_REASON_LAST) {
        char name[96];
        (void)snprintf(name, sizeof(name), "  %s",
            vmem_reason_text((enum vmem_reason)(row - ROW_REASON_FIRST)));
        replay_table_add(table, name);
    } else {
        replay_table_add(table, row_names[row]);
    }
    for (size_t i = 0; i < report->result_count; i++) {
        replay_table_add(table, cells[i].text[0] == '\0' ? "-" : cells[i].text);
    }
}

/* -------------------------------------------------------------------------------------------------
 * Around the table
 * ---------------------------------------------------------------------------------------------- */

static void
print_head(const struct replay_report *report)
{
    const struct vmem_trace *trace = report->trace;
    const struct replay_options *options = report->options;
    const struct replay_plan *plan = &report->results[0].plan;
    (void)printf("%s\n", trace->name);
    if (trace->title[0] != '\0') {
        (void)printf("  %s\n", trace->title);
    }
    (void)printf(
        "  %zu operations%s (allocations %zu, frees %zu); at its peak %s units in %zu live\n",
        trace->op_count, report->is_whole ? "" : " before the error", trace->alloc_count,
        trace->free_count, human_size(report->demand->live_peak).text,
        report->demand->live_count_peak);
    if (plan->import_quantum != 0) {
        (void)printf("  imports of %s units from a parent of %s",
            human_size(plan->import_quantum).text, human_size(plan->size).text);
    } else if (options->size_rule == REPLAY_SIZE_FIT) {
        (void)printf("  the smallest span found in which nothing fails");
    } else {
        (void)printf("  a span of %s units%s", human_size(plan->size).text,
            options->size_rule == REPLAY_SIZE_AUTO ? " (the peak and 1/8)" : "");
    }
    (void)printf(" from 0x%" PRIx64 ", quantum %" PRIu64 ", %s%s, %s\n\n", plan->base,
        plan->quantum, options->is_high ? "from the top, " : "",
        plan->uses_handles ? "by handle" : "by address",
        options->is_unlocked ? "no lock" : "with a lock");
}

static void
print_failure(const struct replay_failure *failure)
{
    const struct vmem_explanation *why = &failure->why;
    (void)printf("    line %" PRIu32 ": id %" PRIu64 ", %" PRIu64 " units: %s", failure->op->line,
        failure->op->id, failure->op->size, vmem_reason_text(why->reason));
    (void)printf(" (free %" PRIu64 ", holes %" PRIu64 ", largest %" PRIu64 "; %" PRIu64
                 " would fit)\n",
        why->free_size, why->holes, why->largest_hole, why->largest_possible);
}

static void
print_failures(const struct replay_report *report)
{
    const size_t shown_max = report->result_count == 1 ? FAILURES_SHOWN : FAILURES_SHOWN_COMPARED;
    for (size_t i = 0; i < report->result_count; i++) {
        const struct replay_failures *failures = &report->results[i].survey.failures;
        const size_t shown = failures->kept_count < shown_max ? failures->kept_count : shown_max;
        if (shown == 0) {
            continue;
        }
        (void)printf("\n  %s: the first %zu of %" PRIu64 " failed allocations\n",
            report->results[i].plan.policy->name, shown, failures->count);
        for (size_t k = 0; k < shown; k++) {
            print_failure(&failures->kept[k]);
        }
    }
}

/* One curve, a character a sample: 0 is the lowest, 1 the highest. */
static void
print_curve(const struct replay_observation *observation, bool by_squares)
{
    static const char *const blocks[] = { "\u2581", "\u2582", "\u2583", "\u2584", "\u2585",
        "\u2586", "\u2587", "\u2588" };
    static const char *const digits[] = { "0", "1", "2", "3", "4", "5", "6", "7" };
    const bool is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    for (size_t i = 0; i < observation->sample_count; i++) {
        const struct replay_sample *sample = &observation->samples[i];
        const double value = by_squares ? sample->by_squares : sample->by_largest;
        const int level = value >= 1 ? 7 : value <= 0 ? 0 : (int)(value * 8);
        (void)fputs(is_utf8 ? blocks[level] : digits[level], stdout);
    }
}

static void
print_curves(const struct replay_report *report)
{
    static const char *const titles[] = { "1 - largest/free", "1 - sqrt(sum s^2)/sum s" };
    for (int by_squares = 0; by_squares < 2; by_squares++) {
        (void)printf("\n  fragmentation from the first operation to the last, 0..1: %s\n",
            titles[by_squares]);
        for (size_t i = 0; i < report->result_count; i++) {
            (void)printf("    %-8s", report->results[i].plan.policy->name);
            print_curve(&report->results[i].observation, by_squares == 1);
            (void)fputc('\n', stdout);
        }
    }
}

/* Sentences about what is wrong with one replay. */
static void
print_wrongs(const struct replay_result *result)
{
    const char *name = result->plan.policy->name;
    if (result->observation.is_violated) {
        (void)printf("\n  %s: CHECK FAILED: %s\n", name, result->observation.violation);
    }
    if (result->is_dirty) {
        (void)printf("\n  %s: NOT EMPTY: %s\n", name, result->dirt);
    }
    if (result->fault_count > 0) {
        (void)printf("\n  %s: %" PRIu64 " FAULTS: %s\n", name, result->fault_count, result->fault);
    }
    if (result->survey.failures.unexplained_count > 0) {
        (void)printf("\n  %s: UNEXPLAINED: %s\n", name, result->survey.failures.unexplained_text);
    }
    if (result->is_unfit) {
        (void)printf("\n  %s: the trace fits at no size: see the failures\n", name);
    }
}

void
replay_report_print(const struct replay_report *report)
{
    if (report->result_count == 0) {
        return;
    }
    struct replay_table table;
    print_head(report);
    replay_table_init(&table, report->result_count + 1);
    replay_table_add(&table, "policy");
    for (size_t i = 0; i < report->result_count; i++) {
        replay_table_add(&table, report->results[i].plan.policy->name);
    }
    for (unsigned row = 0; row < ROW_COUNT; row++) {
        add_row(&table, report, (enum row)row);
    }
    if (!replay_table_print(&table, stdout)) {
        (void)fputs("vmem replay: no memory for the table\n", stderr);
    }
    print_failures(report);
    print_curves(report);
    for (size_t i = 0; i < report->result_count; i++) {
        print_wrongs(&report->results[i]);
    }
    const struct replay_clock *clock = replay_clock();
    (void)printf(
        "\n  rate: median of %u passes; latencies: %s, its own %.1f ns subtracted, %" PRIu64
        " + %" PRIu64 " samples\n\n",
        report->results[0].rate.pass_count,
        clock->is_tsc ? "time-stamp counter" : "CLOCK_MONOTONIC",
        (double)clock->overhead_ticks * clock->ns_per_tick, report->results[0].latency.alloc.count,
        report->results[0].latency.free.count);
}

/* -------------------------------------------------------------------------------------------------
 * All files
 * ---------------------------------------------------------------------------------------------- */

struct replay_overview {
    struct replay_table table;
};

static const char *const overview_heads[] = { "file", "policy", "ns/op", "busy, peak", "occupancy",
    "footprint", "failed", "B/live", "verdict" };
#define OVERVIEW_COLUMNS (sizeof(overview_heads) / sizeof(overview_heads[0]))

struct replay_overview *
replay_overview_new(void)
{
    struct replay_overview *overview = malloc(sizeof(*overview));
    if (overview != NULL) {
        replay_table_init(&overview->table, OVERVIEW_COLUMNS);
        for (size_t i = 0; i < OVERVIEW_COLUMNS; i++) {
            replay_table_add(&overview->table, overview_heads[i]);
        }
    }
    return overview;
}

/* A row of the overview for a file that was not replayed. */
static void
add_skipped(struct replay_table *table, const char *name)
{
    replay_table_add(table, name);
    for (size_t i = 1; i < OVERVIEW_COLUMNS; i++) {
        replay_table_add(table, i + 1 == OVERVIEW_COLUMNS ? "not replayed" : "-");
    }
}

void
replay_overview_add(struct replay_overview *overview, const struct replay_report *report)
{
    if (overview == NULL) {
        return;
    }
    struct replay_table *table = &overview->table;
    const char *slash = strrchr(report->trace->name, '/');
    const char *name = slash == NULL ? report->trace->name : slash + 1;
    if (report->result_count == 0) {
        add_skipped(table, name);
    }
    for (size_t i = 0; i < report->result_count; i++) {
        const struct replay_result *result = &report->results[i];
        replay_table_add(table, name);
        replay_table_add(table, result->plan.policy->name);
        replay_table_add(table, human_text("%.1f", result->rate.ns_per_op).text);
        static const enum row rows[] = { ROW_LIVE_PEAK, ROW_OCCUPANCY_PEAK, ROW_FOOTPRINT,
            ROW_FAILURES, ROW_METADATA, ROW_VERDICT };
        for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
            replay_table_add(table, cell_of(report, result, rows[k]).text);
        }
    }
}

void
replay_overview_print(struct replay_overview *overview, const struct replay_summary *summary)
{
    if (overview == NULL) {
        return;
    }
    if (summary->file_count > 1) {
        (void)printf("all traces\n\n");
    }
    replay_table_print(&overview->table, summary->file_count > 1 ? stdout : NULL);
    if (summary->file_count > 1) {
        (void)printf("\n  %zu files, %zu not read to their end, %zu replays, %" PRIu64
                     " failed allocations, %" PRIu64 " unexplained, %zu replays not sound\n",
            summary->file_count, summary->unread_count, summary->result_count,
            summary->failure_count, summary->unexplained_count, summary->unsound_count);
    }
    free(overview);
}
