/*
 * support - what several families share.                      SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "workload.h"

unsigned
bench_choose(struct bench_run *run, const struct bench_adapter *const *list,
    const struct bench_adapter **chosen, uint32_t live, const char *part)
{
    unsigned count = 0;

    for (; *list != NULL; list++) {
        const struct bench_key key = { (*list)->name, part, live };
        const char *problem = (*list)->unavailable == NULL ? NULL : (*list)->unavailable();

        if ((*list)->is_baseline && *list != &bench_floor && !run->options->has_baselines) {
            continue;
        }
        if (problem != NULL) {
            bench_report_note(&run->report, &key, "%s", problem);
            continue;
        }
        chosen[count++] = *list;
    }
    return count;
}

size_t
bench_pairs(const struct bench_options *options, uint32_t live)
{
    const size_t often = 5 * (size_t)live; /* each block is replaced a few times */
    const size_t pairs = often < 200000 ? 200000 : often > 1000000 ? 1000000 : often;

    return options->is_quick ? pairs / 4 : pairs;
}

size_t
bench_warm_pairs(const struct bench_options *options, uint32_t live)
{
    return (options->is_quick ? 1u : 4u) * (size_t)live;
}

static void
run_all(struct bench_instance *instances, unsigned count, const struct bench_trace *trace)
{
    for (unsigned i = 0; i < count; i++) {
        bench_progress(
            "%u live, warming up %s", instances[i].slot_count, instances[i].adapter->name);
        bench_instance_run(&instances[i], trace->ops, trace->count);
    }
}

void
bench_open_all(struct bench_run *run, struct bench_instance *instances,
    const struct bench_adapter *const *adapters, unsigned count, struct bench_load *load,
    struct bench_trace *trace)
{
    const size_t chunk = 1000000;
    size_t left = bench_warm_pairs(run->options, load->live);

    for (unsigned i = 0; i < count; i++) {
        bench_instance_open(&instances[i], adapters[i], load->live, load->span_quanta);
    }
    bench_load_fill(load, trace);
    run_all(instances, count, trace);
    while (left > 0) {
        bench_load_churn(load, trace, left < chunk ? left : chunk);
        run_all(instances, count, trace);
        left -= trace->count;
    }
    for (unsigned i = 0; i < count; i++) {
        instances[i].pairs = 0;
        instances[i].refused = 0;
    }
}

void
bench_close_all(struct bench_instance *instances, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        bench_instance_close(&instances[i]);
    }
}

static size_t shown_length;

void
bench_progress(const char *format, ...)
{
    char text[128];
    va_list arguments;

    if (!isatty(STDERR_FILENO)) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const size_t length = strlen(text);
    fprintf(stderr, "\r%s", text);
    for (size_t i = length; i < shown_length; i++) {
        fputc(' ', stderr);
    }
    fflush(stderr);
    shown_length = length;
}

void
bench_progress_clear(void)
{
    if (shown_length > 0) {
        bench_progress("%s", "");
        fputc('\r', stderr);
        fflush(stderr);
    }
}
