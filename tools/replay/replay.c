/*
 * replay - vmem replay: a trace through the allocator.        SPDX-License-Identifier: BSD-2-Clause
 *
 * For each file: load the trace, say what is wrong with it if anything, and replay what is sound.
 * For each policy: choose the size of the span, then four passes, each with a new arena:
 *
 *    survey    books, failures and their reasons, footprint, metadata      survey.c, failures.c
 *    observe   the holes over time, and the checks                         observe.c, audit.c
 *    rate      nothing but the operations, against the clock               timed.c
 *    latency   the clock around each operation                             timed.c
 *
 * Misuse faults do not abort: a hook counts them, and the replay is not sound.
 */
#include "replay.h"

#include "options.h"
#include "pass.h"
#include "report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum exit_status { EXIT_OK = 0, EXIT_UNSOUND = 1, EXIT_INPUT = 2 };

/* Where the fatal hook notes its calls. */
struct fault_log {
    uint64_t count;
    char text[REPLAY_TEXT_BYTES];
};

static void
note_fault(void *arg, const struct vmem_fault *fault)
{
    struct fault_log *log = arg;
    if (log->count++ == 0) {
        (void)snprintf(log->text, sizeof(log->text), "%s", fault->text);
    }
}

/* Everything that lasts for the whole command. */
struct command {
    struct replay_options options;
    struct replay_context context;
    struct replay_summary summary;
    struct fault_log faults;
    struct replay_overview *overview; /* tables */
    struct replay_document *document; /* --json */
};

static void
print_error(const struct vmem_trace *trace)
{
    const struct vmem_trace_error *error = &trace->error;
    const char *name = strcmp(trace->name, "-") == 0 ? "<stdin>" : trace->name;
    if (error->line == 0) {
        (void)fprintf(stderr, "%s: error: %s\n", name, error->text);
    } else if (error->column == 0) {
        (void)fprintf(stderr, "%s:%" PRIu64 ": error: %s\n", name, error->line, error->text);
    } else {
        (void)fprintf(stderr, "%s:%" PRIu64 ":%" PRIu64 ": error: %s\n", name, error->line,
            error->column, error->text);
    }
    if (error->excerpt[0] != '\0') {
        (void)fprintf(stderr, "    %s\n    %*s\n", error->excerpt, (int)error->excerpt_column, "^");
    }
    if (trace->op_count > 0) {
        (void)fprintf(stderr,
            "%s: what precedes the error is sound and was replayed: operations %zu (allocations %zu, "
            "frees %zu)\n",
            name, trace->op_count, trace->alloc_count, trace->free_count);
    } else {
        (void)fprintf(stderr, "%s: nothing was replayed\n", name);
    }
}

/* Run all passes of one plan.  Returns false and context.why if that was not possible. */
static bool
run_passes(
    struct command *command, struct replay_result *result, const struct replay_demand *demand)
{
    struct replay_context *context = &command->context;
    command->faults = (struct fault_log){ 0 };
    if (command->options.size_rule == REPLAY_SIZE_FIT &&
        !replay_find_fit(result, demand, context)) {
        return false;
    }
    const bool is_run = replay_survey(result, context) &&
        replay_observe(result, command->options.is_checked, context) &&
        replay_measure_rate(result, context) && replay_measure_latency(result, context);
    result->fault_count = command->faults.count;
    memcpy(result->fault, command->faults.text, sizeof(result->fault));
    return is_run;
}

static void
add_to_summary(struct replay_summary *summary, const struct replay_result *result)
{
    summary->result_count++;
    summary->failure_count += result->survey.failures.count;
    summary->unexplained_count += result->survey.failures.unexplained_count;
    summary->unsound_count += !replay_result_is_sound(result);
}

/* Replay under one policy or all.  report->skipped says why, if it was not possible. */
static void
replay_policies_of(struct command *command, struct replay_report *report)
{
    const struct replay_options *options = &command->options;
    const struct replay_job job = {
        .trace = report->trace,
        .demand = report->demand,
        .options = options,
    };
    const size_t count = options->policy == NULL ? REPLAY_POLICY_COUNT : 1;
    for (size_t i = 0; i < count; i++) {
        const struct replay_policy *policy =
            options->policy == NULL ? &replay_policies[i] : options->policy;
        struct replay_result *result = &report->results[i];
        if (!replay_plan_make(&result->plan, &job, policy, command->context.why) ||
            !run_passes(command, result, report->demand)) {
            memcpy(report->skipped, command->context.why, sizeof(report->skipped));
            replay_plan_dispose(&result->plan);
            return;
        }
        report->result_count++;
        add_to_summary(&command->summary, result);
    }
}

static void
finish_report(struct command *command, struct replay_report *report)
{
    const struct vmem_trace *trace = report->trace;
    replay_progress_clear(&command->context.progress);
    if (command->options.is_json) {
        replay_document_add(command->document, report);
    } else {
        replay_report_print(report);
        replay_overview_add(command->overview, report);
        (void)fflush(stdout);
    }
    if (!report->is_whole) {
        print_error(trace);
    } else if (trace->lacks_newline && !command->options.is_quiet) {
        (void)fprintf(
            stderr, "%s: note: the last line has no end; was the file cut?\n", trace->name);
    }
    if (report->skipped[0] != '\0') {
        (void)fprintf(stderr, "%s: error: %s\n", trace->name, report->skipped);
    }
    command->summary.unread_count += !report->is_whole || report->skipped[0] != '\0';
    for (size_t i = 0; i < report->result_count; i++) {
        replay_plan_dispose(&report->results[i].plan);
    }
}

static void
replay_file(struct command *command, const char *name)
{
    struct vmem_trace trace;
    struct replay_demand demand = { 0 };
    struct replay_report *report = calloc(1, sizeof(*report));
    command->summary.file_count++;
    if (report == NULL) {
        (void)fprintf(stderr, "%s: error: no memory for a report\n", name);
        command->summary.unread_count++;
        return;
    }
    replay_progress_begin(&command->context.progress, name);
    *report = (struct replay_report){
        .options = &command->options,
        .trace = &trace,
        .demand = &demand,
        .is_whole = vmem_trace_load(&trace, name),
    };
    if (trace.op_count == 0) {
        if (report->is_whole) {
            (void)snprintf(report->skipped, sizeof(report->skipped),
                "the trace has no operations: there is nothing to replay");
        }
    } else if (!replay_demand_measure(&demand, &trace, &command->options)) {
        (void)snprintf(report->skipped, sizeof(report->skipped), "no memory to measure the trace");
    } else {
        replay_policies_of(command, report);
    }
    finish_report(command, report);
    vmem_trace_dispose(&trace);
    free(report);
}

int
vmem_cmd_replay(int argc, char **argv)
{
    static struct command command;
    command = (struct command){ 0 };
    switch (replay_options_read(&command.options, argc, argv)) {
    case REPLAY_OPTIONS_DONE:
        return EXIT_OK;
    case REPLAY_OPTIONS_WRONG:
        return EXIT_INPUT;
    case REPLAY_OPTIONS_RUN:
        break;
    }
    vmem_set_fatal_hook(note_fault, &command.faults);
    replay_progress_init(&command.context.progress, command.options.is_quiet);
    command.overview = command.options.is_json ? NULL : replay_overview_new();
    command.document = command.options.is_json ? replay_document_new() : NULL;
    for (size_t i = 0; i < command.options.file_count; i++) {
        replay_file(&command, command.options.files[i]);
    }
    vmem_set_fatal_hook(NULL, NULL);
    struct replay_summary *summary = &command.summary;
    summary->exit_status = summary->unsound_count > 0 ? EXIT_UNSOUND
        : summary->unread_count > 0                   ? EXIT_INPUT
                                                      : EXIT_OK;
    if (command.options.is_json && !replay_document_print(command.document, summary)) {
        (void)fputs("vmem replay: error: the JSON document could not be written\n", stderr);
        return EXIT_INPUT;
    }
    replay_overview_print(command.overview, summary);
    return summary->exit_status;
}
