/*
 * report_json - all that was found, as one JSON object.       SPDX-License-Identifier: BSD-2-Clause
 */
#include <jansson.h>
#include <stdio.h>

#include "bench.h"
#include "clock.h"
#include "machine.h"
#include "report.h"

/* What a dependent load takes, by KiB of memory. */
static json_t *
loads_object(const struct bench_machine *machine)
{
    json_t *loads = json_object();

    for (unsigned i = 0; i < BENCH_MISS_SIZES; i++) {
        char kib[16];
        snprintf(kib, sizeof kib, "%u", bench_miss_kib[i]);
        json_object_set_new(loads, kib, json_real(machine->miss_ns[i]));
    }
    return loads;
}

static json_t *
machine_object(const struct bench_machine *machine)
{
    return json_pack("{s:s, s:i, s:b, s:s, s:s, s:s, s:s, s:i, s:f, s:f, s:f, s:f, s:o}", "cpu",
        machine->cpu, "processors", machine->cpu_count, "virtual", machine->is_virtual, "system",
        machine->system, "huge_pages", machine->huge_pages, "compiler", machine->compiler,
        "build_type", machine->build_type, "check_level", machine->check_level, "load_average",
        machine->load, "stamp_ns", bench_clock_ticks_to_ns(bench_clock_stamp_ticks()),
        "stamp_step_ns", bench_clock_granularity_ns(), "cpu_clock_ns", bench_clock_cpu_cost_ns(),
        "dependent_load_ns_by_kib", loads_object(machine));
}

static json_t *
options_object(const struct bench_options *options)
{
    return json_pack("{s:i, s:i, s:I, s:b}", "repeats", (int)options->repeats, "occupancy_percent",
        (int)options->occupancy, "seed", (json_int_t)options->seed, "quick", options->is_quick);
}

static json_t *
samples_array(const struct bench_figure *figure)
{
    json_t *samples = json_array();

    for (unsigned i = 0; i < figure->sample_count; i++) {
        json_array_append_new(samples, json_real(figure->samples[i]));
    }
    return samples;
}

static json_t *
figure_object(const struct bench_figure *figure)
{
    json_t *object = json_pack("{s:s, s:s, s:s, s:I}", "family", figure->family, "subject",
        figure->key.subject, "part", figure->key.part, "live", (json_int_t)figure->key.live);

    if (figure->metric == NULL) {
        json_object_set_new(object, "note", json_string(figure->note));
        return object;
    }
    json_object_set_new(object, "metric", json_string(figure->metric));
    json_object_set_new(object, "unit", json_string(figure->unit));
    json_object_set_new(object, "median", json_real(figure->median));
    json_object_set_new(object, "samples", samples_array(figure));
    if (figure->goal != NULL) {
        json_object_set_new(object, "goal",
            json_pack("{s:f, s:s, s:b}", "bound", figure->goal->bound, "sense",
                figure->goal->is_floor ? "at least" : "at most", "met",
                bench_figure_is_met(figure)));
    }
    return object;
}

int
bench_report_json(const struct bench_report *report, const struct bench_machine *machine,
    const struct bench_options *options, const char *path)
{
    json_t *figures = json_array();

    for (size_t i = 0; i < report->count; i++) {
        json_array_append_new(figures, figure_object(&report->figures[i]));
    }
    json_t *root = json_pack("{s:o, s:o, s:o}", "machine", machine_object(machine), "options",
        options_object(options), "figures", figures);
    const int status = json_dump_file(root, path, JSON_INDENT(1) | JSON_REAL_PRECISION(6));

    json_decref(root);
    if (status != 0) {
        fprintf(stderr, "vmem-bench: cannot write %s\n", path);
    }
    return status;
}
