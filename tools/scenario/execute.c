/*
 * execute - run a parsed scenario and report on it.               SPDX-License-Identifier: BSD-2-Clause
 *
 * The repeats that are under way are a stack of counters, so that neither depth nor count costs
 * anything.  Judgements and errors go to two streams, which may be one.
 */
#include "execute.h"

#include "operate.h"

#include <inttypes.h>

#define SHOWN_MAX 50 /* failures shown for each file */

/* A repeat under way. */
struct frame {
    uint64_t index; /* 1-based */
    size_t at;      /* statement of the repeat */
};

struct execution {
    const struct vmem_scenario *scenario;
    const char *path;
    const struct vmem_run_options *options;
    struct vmem_world world;
    struct vmem_report report;
    struct frame frames[VMEM_SCENARIO_DEPTH_MAX];
    size_t depth;
    struct vmem_tally tally;
};

static uint64_t
innermost(const struct execution *run)
{
    return run->depth != 0 ? run->frames[run->depth - 1].index : 0;
}

static int
shown_length(const struct vmem_statement *statement)
{
    return statement->length < 200 ? (int)statement->length : 200;
}

/* " (repeat 3, 1)": the counts around the line, outermost first. */
static void
print_counts(const struct execution *run, FILE *out)
{
    const size_t first = run->depth > 8 ? run->depth - 8 : 0;

    for (size_t i = first; i < run->depth; i++) {
        (void)fprintf(out, "%s%" PRIu64, i == first ? " (repeat " : ", ", run->frames[i].index);
    }
    (void)fputs(run->depth != 0 ? ")" : "", out);
}

static void
print_failure(struct execution *run, const struct vmem_statement *statement)
{
    if (run->tally.failed > SHOWN_MAX) {
        return;
    }
    (void)fprintf(run->options->out, "%s:%u:%u: %.*s", run->path, statement->line,
        statement->column, shown_length(statement), statement->text);
    print_counts(run, run->options->out);
    (void)fprintf(run->options->out, "\n    %s\n", run->report.text);
    if (run->tally.failed == SHOWN_MAX) {
        (void)fprintf(
            run->options->out, "%s: further failures are counted but not shown\n", run->path);
    }
}

/* The scenario cannot go on: say where, why, and what was done. */
static void
print_broken(const struct execution *run, unsigned line, unsigned column, const char *text)
{
    (void)fflush(run->options->out);
    (void)fprintf(run->options->err, "%s:%u:%u: %s", run->path, line, column, text);
    print_counts(run, run->options->err);
    (void)fprintf(run->options->err,
        "\n%s: broken there; judged before that: %" PRIu64 " passed, %" PRIu64
        " failed; the rest was not run\n",
        run->path, run->tally.passed, run->tally.failed);
}

/* Returns false if the scenario ends here. */
static bool
run_line(struct execution *run, const struct vmem_statement *statement)
{
    vmem_operate(&run->world, statement, innermost(run), run->options->seed, &run->report);
    if (run->report.outcome == VMEM_OUTCOME_BROKEN) {
        print_broken(run, statement->line, run->report.column, run->report.text);
        run->tally.failed++;
        return false;
    }
    if (run->report.outcome == VMEM_OUTCOME_FAILED) {
        run->tally.failed++;
        print_failure(run, statement);
    } else {
        run->tally.passed++;
    }
    if (run->options->is_verbose && run->report.outcome == VMEM_OUTCOME_PASSED) {
        (void)fprintf(run->options->out, "%s:%u: %.*s", run->path, statement->line,
            shown_length(statement), statement->text);
        print_counts(run, run->options->out);
        (void)fprintf(run->options->out, " -> %s\n", run->report.got);
    }
    if (run->world.has_parted) {
        (void)fprintf(run->options->out,
            "%s:%u:%u: the model cannot follow the arena any more; the rest was not run\n",
            run->path, statement->line, statement->column);
        return false;
    }
    return true;
}

/* Enter or skip a repeat.  Returns the next statement. */
static size_t
enter(struct execution *run, size_t at)
{
    const struct vmem_statement *statement = &run->scenario->statements[at];

    if (statement->u.repeat.count == 0) {
        return statement->u.repeat.partner + 1;
    }
    run->frames[run->depth++] = (struct frame){ 1, at };
    return at + 1;
}

/* Go back to the start of a repeat, or leave it. */
static size_t
leave(struct execution *run, size_t at)
{
    struct frame *frame = &run->frames[run->depth - 1];

    if (frame->index < run->scenario->statements[frame->at].u.repeat.count) {
        frame->index++;
        return frame->at + 1;
    }
    run->depth--;
    return at + 1;
}

static bool
run_all(struct execution *run)
{
    size_t at = 0;

    while (at < run->scenario->count) {
        const struct vmem_statement *statement = &run->scenario->statements[at];

        if (statement->verb == VMEM_VERB_REPEAT) {
            at = enter(run, at);
        } else if (statement->verb == VMEM_VERB_END) {
            at = leave(run, at);
        } else if (run_line(run, statement)) {
            at++;
        } else {
            return false;
        }
    }
    return true;
}

static bool
is_skipped(const struct execution *run, struct vmem_tally *tally)
{
    const struct vmem_scenario *scenario = run->scenario;

    if (scenario->missing[0] == '\0') {
        return false;
    }
    tally->skipped++;
    (void)fprintf(run->options->out, "%s:%u: skipped: it needs '%s', which is not built\n",
        run->path, scenario->missing_line, scenario->missing);
    return true;
}

void
vmem_execute(const struct vmem_scenario *scenario, const char *path,
    const struct vmem_run_options *options, struct vmem_tally *tally)
{
    static struct execution run; /* large; one at a time */
    bool is_whole;

    run.scenario = scenario;
    run.path = path;
    run.options = options;
    run.depth = 0;
    run.tally = (struct vmem_tally){ 0 };
    if (is_skipped(&run, tally)) {
        return;
    }
    vmem_world_init(&run.world, scenario);
    is_whole = run_all(&run);
    if (is_whole && scenario->is_broken) {
        print_broken(&run, scenario->error_line, scenario->error_column, scenario->error);
        run.tally.failed++;
    }
    if (!vmem_world_fini(&run.world)) {
        run.tally.failed++;
        (void)fprintf(options->out, "%s: %s\n", path, run.world.finding);
    }
    if (!options->is_quiet) {
        (void)fprintf(options->out, "%s: %" PRIu64 " passed, %" PRIu64 " failed\n", path,
            run.tally.passed, run.tally.failed);
    }
    tally->passed += run.tally.passed;
    tally->failed += run.tally.failed;
}
