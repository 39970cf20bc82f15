/*
 * scenario - any text to the reader of scenarios, and what it makes of it to the runner.
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. What it is for
 *    docs/FORMATS.md says what a scenario is; here any bytes are one.
 *
 * 2. What is judged
 *    A text is parsed, or it is broken: then the error has words, and names a line and a column that the
 *    text has.  What was parsed can be said again: the texts of the statements, each on a line, are a
 *    scenario of the same statements.
 *    It is run, even if only up to where it is broken, and the library agrees with the model in every
 *    line.  What the lines themselves expect is left out, since bytes may expect anything; but that of
 *    `state` is kept, and then a failure must say that the library and the model are of one mind.
 *
 * 3. Bounds
 *    A scenario may say `repeat 10^18`.  Repeats and random workloads are cut to some hundred lines before
 *    the run, so that every input ends soon.
 */
#define _GNU_SOURCE /* fmemopen() */
#include "fuzz.h"

#include "execute.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TEXT_MAX = 4096,
    TIMES_MAX = 16,      /* that a line is run */
    RANDOM_OPS_MAX = 96, /* of a random line, in all its runs */
    OUT_BYTES = 1 << 16
};

/* -------------------------------------------------------------------------------------------------
 * Parsing
 * ---------------------------------------------------------------------------------------------- */

/* Length of a line, from 1; -1 if the text has fewer. */
static long
line_length(const char *text, size_t length, unsigned number)
{
    size_t start = 0;

    for (unsigned at = 1;; at++) {
        const char *newline = start < length ? memchr(text + start, '\n', length - start) : NULL;
        const size_t end = newline != NULL ? (size_t)(newline - text) : length;

        if (at == number) {
            return (long)(end - start);
        }
        if (newline == NULL) {
            return -1;
        }
        start = end + 1;
    }
}

static void
judge_error(const struct vmem_scenario *scenario, const char *text, size_t length)
{
    const long line = line_length(text, length, scenario->error_line);

    FUZZ_REQUIRE(scenario->error[0] != '\0', "an error has words");
    FUZZ_REQUIRE(scenario->error_line >= 1 && line >= 0, "an error names a line of the text");
    FUZZ_REQUIRE(scenario->error_column >= 1 && scenario->error_column <= (unsigned)line + 4,
        "an error names a column of its line");
    for (const char *c = scenario->error; *c != '\0'; c++) {
        FUZZ_REQUIRE(*c >= ' ' && *c <= '~', "an error is printable");
    }
}

/* Say the statements again, and compare. */
static void
judge_round_trip(const struct vmem_scenario *scenario)
{
    static char text[2 * TEXT_MAX];
    struct vmem_scenario again;
    size_t length = 0;

    for (size_t i = 0; i < scenario->count; i++) {
        const struct vmem_statement *statement = &scenario->statements[i];

        FUZZ_REQUIRE(length + statement->length < sizeof text, "statements are parts of the text");
        memcpy(text + length, statement->text, statement->length);
        length += statement->length;
        text[length++] = '\n';
    }
    FUZZ_REQUIRE(vmem_scenario_parse(&again, text, length), "what was parsed can be said again");
    FUZZ_REQUIRE(again.count == scenario->count, "and has as many statements");
    for (size_t i = 0; i < again.count; i++) {
        const struct vmem_statement *a = &again.statements[i];
        const struct vmem_statement *b = &scenario->statements[i];

        FUZZ_REQUIRE(a->verb == b->verb && a->result.kind == b->result.kind &&
                a->result.addr == b->result.addr && a->result.status == b->result.status &&
                a->arena.suffix == b->arena.suffix && a->id.suffix == b->id.suffix,
            "and they are the same");
    }
    vmem_scenario_fini(&again);
}

/* -------------------------------------------------------------------------------------------------
 * Running
 * ---------------------------------------------------------------------------------------------- */

/* Make it end soon, and expect nothing that bytes made up. */
static void
tame(struct vmem_scenario *scenario)
{
    uint64_t times[VMEM_SCENARIO_DEPTH_MAX + 1] = { 1 };
    size_t depth = 0;

    for (size_t i = 0; i < scenario->count; i++) {
        struct vmem_statement *statement = &scenario->statements[i];
        const uint64_t most = TIMES_MAX / times[depth];

        if (statement->verb == VMEM_VERB_REPEAT) {
            if (statement->u.repeat.count > most) {
                statement->u.repeat.count = most;
            }
            times[depth + 1] = times[depth] * statement->u.repeat.count;
            depth++;
            times[depth] = times[depth] == 0 ? 1 : times[depth];
        } else if (statement->verb == VMEM_VERB_END) {
            depth--;
        } else if (statement->verb == VMEM_VERB_EXPECT) {
            memset(statement->u.expect.is_given, 0, sizeof statement->u.expect.is_given);
        } else if (statement->verb == VMEM_VERB_RANDOM &&
            statement->u.random.ops > RANDOM_OPS_MAX / times[depth]) {
            statement->u.random.ops = RANDOM_OPS_MAX / times[depth];
        }
        if (statement->verb != VMEM_VERB_STATE) {
            statement->result.kind = VMEM_RESULT_ANY;
        }
    }
}

/* A line of the runner's output that is not about the model and the library. */
static bool
is_harmless(const char *line)
{
    char want[12];
    char have[12];
    char model[12];

    if (strncmp(line, "    ", 4) == 0) { /* what was wrong with a line */
        return sscanf(line, "    expected %11[a-z], got %11[a-z], and the model has %11[a-z]", want,
                   have, model) == 3 &&
            strcmp(have, model) == 0;
    }
    return strstr(line, "cannot follow the arena") == NULL &&
        strstr(line, "could not be dropped") == NULL;
}

static void
judge_output(char *out)
{
    for (char *line = strtok(out, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (!is_harmless(line)) {
            (void)fprintf(stderr, "%s\n", line);
        }
        FUZZ_REQUIRE(is_harmless(line), "the library and the model agree");
    }
}

static void
run(const struct vmem_scenario *scenario, bool is_verbose)
{
    static char out[OUT_BYTES];
    FILE *stream = fmemopen(out, sizeof out - 1, "w");
    FILE *nowhere = fmemopen(NULL, 4096, "w");
    const struct vmem_run_options options = {
        .is_verbose = is_verbose, .out = stream, .err = nowhere
    };
    struct vmem_tally tally = { 0 };

    if (stream == NULL || nowhere == NULL) {
        abort();
    }
    memset(out, 0, sizeof out);
    vmem_execute(scenario, "input", &options, &tally);
    (void)fclose(stream);
    (void)fclose(nowhere);
    judge_output(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vmem_scenario scenario;
    const char *text = (const char *)data;
    bool is_good;

    if (size > TEXT_MAX) {
        return 0;
    }
    is_good = vmem_scenario_parse(&scenario, text, size);
    FUZZ_REQUIRE(is_good != scenario.is_broken, "a text is good or broken");
    if (is_good) {
        judge_round_trip(&scenario);
    } else {
        judge_error(&scenario, text, size);
    }
    tame(&scenario);
    run(&scenario, size % 2 == 0);
    vmem_scenario_fini(&scenario);
    return 0;
}
