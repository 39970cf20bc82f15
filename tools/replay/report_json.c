/*
 * report_json - the report as one JSON document.              SPDX-License-Identifier: BSD-2-Clause
 *
 * Sizes and addresses are exact integers in units.  Above 2^63-1, where many readers lose digits or
 * fail, such a number is written as a string of decimal digits.  Times are in nanoseconds, shares
 * between 0 and 1.  jansson builds the document; it ignores NULL parts, so memory is checked once,
 * at the end.
 */
#include "report.h"
#include "ticks.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct replay_document {
    json_t *traces;
    bool is_broken; /* something could not be built */
};

static json_t *
number(uint64_t value)
{
    if (value <= (uint64_t)INT64_MAX) {
        return json_integer((json_int_t)value);
    }
    return json_sprintf("%" PRIu64, value);
}

/* Put a new value under a key; the object owns it then. */
static void
put(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value);
}

/* Text that may hold any bytes: what is not UTF-8 is shown as '?'. */
static json_t *
text(const char *bytes)
{
    json_t *string = json_string(bytes);
    if (string != NULL) {
        return string;
    }
    char *copy = strdup(bytes);
    for (char *c = copy; c != NULL && *c != '\0'; c++) {
        *c = (char)(*c >= ' ' && *c <= '~' ? *c : '?');
    }
    string = copy == NULL ? NULL : json_string(copy);
    free(copy);
    return string;
}

static json_t *
text_or_null(const char *bytes)
{
    return bytes[0] == '\0' ? json_null() : text(bytes);
}

static json_t *
latency_of(const struct replay_percentiles *percentiles)
{
    json_t *object = json_object();
    put(object, "samples", number(percentiles->count));
    put(object, "p50", json_real(percentiles->p50_ns));
    put(object, "p90", json_real(percentiles->p90_ns));
    put(object, "p99", json_real(percentiles->p99_ns));
    put(object, "p99.9", json_real(percentiles->p999_ns));
    put(object, "max", json_real(percentiles->max_ns));
    return object;
}

static json_t *
latencies_of(const struct replay_latency *latency)
{
    const struct replay_clock *clock = replay_clock();
    json_t *object = json_object();
    put(object, "clock", text(clock->is_tsc ? "tsc" : "monotonic"));
    put(object, "overhead_subtracted",
        json_real((double)clock->overhead_ticks * clock->ns_per_tick));
    put(object, "passes", number(latency->pass_count));
    put(object, "alloc", latency_of(&latency->alloc));
    put(object, "free", latency_of(&latency->free));
    return object;
}

static json_t *
rate_of(const struct replay_rate *rate)
{
    json_t *object = json_object();
    put(object, "passes", number(rate->pass_count));
    put(object, "operations_per_second",
        json_real(rate->ns_per_op > 0 ? 1e9 / rate->ns_per_op : 0));
    put(object, "ns_per_operation", json_real(rate->ns_per_op));
    put(object, "ns_per_operation_min", json_real(rate->ns_per_op_min));
    put(object, "ns_per_operation_max", json_real(rate->ns_per_op_max));
    return object;
}

static json_t *
failure_of(const struct replay_failure *failure)
{
    json_t *object = json_object();
    put(object, "line", number(failure->op->line));
    put(object, "id", number(failure->op->id));
    put(object, "size", number(failure->op->size));
    put(object, "status",
        text(failure->status == ENOMEM      ? "ENOMEM"
                : failure->status == EINVAL ? "EINVAL"
                                            : strerror(failure->status)));
    put(object, "reason", text(vmem_reason_text(failure->why.reason)));
    put(object, "free", number(failure->why.free_size));
    put(object, "largest_hole", number(failure->why.largest_hole));
    put(object, "largest_possible", number(failure->why.largest_possible));
    put(object, "holes", number(failure->why.holes));
    return object;
}

static json_t *
failures_of(const struct replay_failures *failures)
{
    json_t *object = json_object();
    json_t *by_reason = json_object();
    json_t *first = json_array();
    for (int reason = 0; reason < VMEM_REASON_COUNT; reason++) {
        if (failures->by_reason[reason] > 0) {
            put(by_reason, vmem_reason_text((enum vmem_reason)reason),
                number(failures->by_reason[reason]));
        }
    }
    for (size_t i = 0; i < failures->kept_count; i++) {
        (void)json_array_append_new(first, failure_of(&failures->kept[i]));
    }
    put(object, "count", number(failures->count));
    put(object, "examined", number(failures->examined_count));
    put(object, "counted_by_arena", number(failures->counted_by_arena));
    put(object, "unexplained", number(failures->unexplained_count));
    put(object, "unexplained_text", text_or_null(failures->unexplained_text));
    put(object, "occupancy_at_first",
        failures->count == 0 ? json_null() : json_real(failures->occupancy_at_first));
    put(object, "by_reason", by_reason);
    put(object, "first", first);
    return object;
}

static json_t *
samples_of(const struct replay_observation *observation)
{
    json_t *array = json_array();
    for (size_t i = 0; i < observation->sample_count; i++) {
        const struct replay_sample *sample = &observation->samples[i];
        json_t *object = json_object();
        put(object, "operations", number(sample->op_index));
        put(object, "busy", number(sample->inuse_size));
        put(object, "free", number(sample->free_size));
        put(object, "largest_hole", number(sample->largest_hole));
        put(object, "holes", number(sample->holes));
        put(object, "by_largest", json_real(sample->by_largest));
        put(object, "by_squares", json_real(sample->by_squares));
        (void)json_array_append_new(array, object);
    }
    return array;
}

static double
ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

static json_t *
occupancy_of(const struct replay_survey *survey)
{
    json_t *object = json_object();
    put(object, "busy_peak", number(survey->live_peak));
    put(object, "owned_at_busy_peak", number(survey->owned_at_live_peak));
    put(object, "peak",
        json_real(ratio((double)survey->live_peak, (double)survey->owned_at_live_peak)));
    put(object, "busy_final", number(survey->live_final));
    put(object, "live_final", number(survey->live_count_final));
    put(object, "final", json_real(ratio((double)survey->live_final, (double)survey->owned_final)));
    put(object, "owned_peak", number(survey->owned_peak));
    put(object, "footprint", number(survey->footprint));
    put(object, "footprint_per_busy_peak",
        json_real(ratio((double)survey->footprint, (double)survey->live_peak)));
    put(object, "largest_hole_final", number(survey->largest_final));
    put(object, "holes_final", number(survey->holes_final));
    return object;
}

static json_t *
metadata_of(const struct replay_survey *survey)
{
    json_t *object = json_object();
    put(object, "live", number(survey->metadata_count));
    put(object, "bytes", number(survey->metadata_bytes));
    put(object, "bytes_per_live",
        json_real(ratio((double)survey->metadata_bytes, (double)survey->metadata_count)));
    return object;
}

static json_t *
checks_of(const struct replay_report *report, const struct replay_result *result)
{
    json_t *object = json_object();
    put(object, "wanted", json_boolean(report->options->is_checked));
    put(object, "count", number(result->observation.check_count));
    put(object, "violation",
        text_or_null(result->observation.is_violated ? result->observation.violation : ""));
    put(object, "left_after_freeing_all", text_or_null(result->is_dirty ? result->dirt : ""));
    put(object, "faults", number(result->fault_count));
    put(object, "first_fault", text_or_null(result->fault));
    put(object, "is_sound", json_boolean(replay_result_is_sound(result)));
    return object;
}

static json_t *
result_of(const struct replay_report *report, const struct replay_result *result)
{
    static const char *const size_rules[] = { "auto", "fit", "given" };
    const struct replay_plan *plan = &result->plan;
    const struct replay_survey *survey = &result->survey;
    const bool is_importing = plan->import_quantum != 0;
    json_t *object = json_object();
    put(object, "policy", text(plan->policy->name));
    put(object, "high", json_boolean(report->options->is_high));
    put(object, "handles", json_boolean(plan->uses_handles));
    put(object, "locked", json_boolean(!report->options->is_unlocked));
    put(object, "quantum", number(plan->quantum));
    put(object, "base", number(plan->base));
    put(object, "size", number(plan->size));
    put(object, "size_rule", text(size_rules[report->options->size_rule]));
    put(object, "fits",
        report->options->size_rule == REPLAY_SIZE_FIT ? json_boolean(!result->is_unfit)
                                                      : json_null());
    put(object, "grow", text(is_importing ? "import" : "none"));
    put(object, "import_quantum", is_importing ? number(plan->import_quantum) : json_null());
    put(object, "imports", number(survey->stats.imports));
    put(object, "releases", number(survey->stats.releases));
    put(object, "allocs", number(survey->alloc_count));
    put(object, "frees", number(survey->free_count));
    put(object, "frees_ignored", number(survey->ignored_count));
    put(object, "rate", rate_of(&result->rate));
    put(object, "latency_ns", latencies_of(&result->latency));
    put(object, "occupancy", occupancy_of(survey));
    put(object, "failures", failures_of(&survey->failures));
    put(object, "fragmentation", samples_of(&result->observation));
    put(object, "metadata", metadata_of(survey));
    put(object, "checks", checks_of(report, result));
    return object;
}

static json_t *
error_of(const struct replay_report *report)
{
    const struct vmem_trace_error *error = &report->trace->error;
    json_t *object = json_object();
    const bool is_read = report->is_whole;
    put(object, "line", is_read || error->line == 0 ? json_null() : number(error->line));
    put(object, "column", is_read || error->column == 0 ? json_null() : number(error->column));
    put(object, "text", text(is_read ? report->skipped : error->text));
    return object;
}

struct replay_document *
replay_document_new(void)
{
    struct replay_document *document = calloc(1, sizeof(*document));
    if (document != NULL) {
        document->traces = json_array();
    }
    return document;
}

void
replay_document_add(struct replay_document *document, const struct replay_report *report)
{
    if (document == NULL) {
        return;
    }
    const struct vmem_trace *trace = report->trace;
    json_t *object = json_object();
    json_t *results = json_array();
    for (size_t i = 0; i < report->result_count; i++) {
        (void)json_array_append_new(results, result_of(report, &report->results[i]));
    }
    put(object, "file", text(trace->name));
    put(object, "title", text_or_null(trace->title));
    put(object, "is_whole", json_boolean(report->is_whole));
    put(object, "error",
        report->is_whole && report->skipped[0] == '\0' ? json_null() : error_of(report));
    put(object, "operations", number(trace->op_count));
    put(object, "allocations", number(trace->alloc_count));
    put(object, "frees", number(trace->free_count));
    put(object, "live_at_end", number(trace->live_count));
    put(object, "live_peak", number(report->demand->live_count_peak));
    put(object, "size_peak", number(report->demand->live_peak));
    put(object, "seconds", json_real((double)trace->time_ns / 1e9));
    put(object, "replays", results);
    if (json_array_append_new(document->traces, object) != 0) {
        document->is_broken = true;
    }
}

bool
replay_document_print(struct replay_document *document, const struct replay_summary *summary)
{
    if (document == NULL) {
        return false;
    }
    json_t *root = json_object();
    json_t *totals = json_object();
    char version[32];
    (void)snprintf(version, sizeof(version), "%d.%d.%d", VMEM_VERSION_MAJOR, VMEM_VERSION_MINOR,
        VMEM_VERSION_PATCH);
    put(totals, "files", number(summary->file_count));
    put(totals, "files_not_read", number(summary->unread_count));
    put(totals, "replays", number(summary->result_count));
    put(totals, "replays_not_sound", number(summary->unsound_count));
    put(totals, "failures", number(summary->failure_count));
    put(totals, "unexplained", number(summary->unexplained_count));
    put(totals, "exit_status", json_integer(summary->exit_status));
    put(root, "program", text("vmem replay"));
    put(root, "version", text(version));
    put(root, "traces", document->traces);
    put(root, "summary", totals);
    const bool is_printed = !document->is_broken &&
        json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) == 0;
    (void)fputc('\n', stdout);
    json_decref(root);
    free(document);
    return is_printed;
}
