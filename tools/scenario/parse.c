/*
 * parse - a text becomes a scenario.                              SPDX-License-Identifier: BSD-2-Clause
 *
 * Repeats are matched with a stack of indices.  A repeat without any statement inside is left out,
 * so that 10^18 times nothing takes no time.
 */
#include "line.h"

#include <stdlib.h>
#include <string.h>

/* The repeats that are open, outermost first. */
struct open {
    size_t at[VMEM_SCENARIO_DEPTH_MAX];
    size_t count;
};

static struct vmem_statement *
append(struct vmem_scenario *scenario)
{
    struct vmem_statement *statement;

    if (scenario->count == scenario->capacity) {
        scenario->capacity = scenario->capacity * 2 + 64;
        scenario->statements = vmem_scenario_realloc(
            scenario->statements, scenario->capacity, sizeof *scenario->statements);
    }
    statement = &scenario->statements[scenario->count++];
    memset(statement, 0, sizeof *statement);
    return statement;
}

/* A repeat or an end was appended. */
static bool
match(struct vmem_scenario *scenario, struct open *open)
{
    const size_t index = scenario->count - 1;
    struct vmem_statement *statement = &scenario->statements[index];

    if (statement->verb == VMEM_VERB_REPEAT) {
        if (open->count == VMEM_SCENARIO_DEPTH_MAX) {
            return vmem_text_error(scenario, statement->column, "more than %d nested repeats",
                VMEM_SCENARIO_DEPTH_MAX);
        }
        open->at[open->count++] = index;
        return true;
    }
    if (open->count == 0) {
        scenario->count--;
        return vmem_text_error(scenario, statement->column, "end without a repeat before it");
    }
    open->count--;
    statement->u.repeat.partner = open->at[open->count];
    scenario->statements[open->at[open->count]].u.repeat.partner = index;
    if (open->at[open->count] + 1 == index) {
        scenario->count -= 2;
    }
    return true;
}

static bool
parse_line(struct vmem_scenario *scenario, const char *line, size_t length, unsigned number,
    struct open *open)
{
    struct vmem_words words;
    struct vmem_statement *statement;

    scenario->error_line = number;
    if (!vmem_text_split(scenario, line, length, &words)) {
        return false;
    }
    if (words.count == 0) {
        return true;
    }
    statement = append(scenario);
    statement->line = number;
    if (!vmem_line_parse(scenario, &words, open->count != 0, statement)) {
        scenario->count--;
        return false;
    }
    scenario->has_begun = scenario->has_begun || statement->verb != VMEM_VERB_NEEDS;
    if (statement->verb == VMEM_VERB_REPEAT || statement->verb == VMEM_VERB_END) {
        return match(scenario, open);
    }
    if (statement->verb == VMEM_VERB_NEEDS) {
        scenario->count--;
    }
    return true;
}

bool
vmem_scenario_parse(struct vmem_scenario *scenario, const char *text, size_t length)
{
    struct open open = { .count = 0 };
    const bool has_mark = length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0;
    size_t start = has_mark ? 3 : 0;
    unsigned number = 0;
    bool is_good = true;

    memset(scenario, 0, sizeof *scenario);
    while (is_good && start < length) {
        const char *newline = memchr(&text[start], '\n', length - start);
        const size_t end = newline != NULL ? (size_t)(newline - text) : length;

        is_good = parse_line(scenario, &text[start], end - start, ++number, &open);
        start = end + 1;
    }
    if (is_good && open.count != 0) {
        const struct vmem_statement *repeat = &scenario->statements[open.at[open.count - 1]];

        scenario->error_line = repeat->line;
        is_good =
            vmem_text_error(scenario, repeat->column, "this repeat has no end: add a line 'end'");
    }
    if (!is_good && open.count != 0) {
        scenario->count = open.at[0]; /* nothing of an unfinished repeat is run */
    }
    return is_good;
}

void
vmem_scenario_fini(struct vmem_scenario *scenario)
{
    for (size_t i = 0; i < scenario->name_count; i++) {
        free(scenario->names[i]);
    }
    free(scenario->names);
    free(scenario->statements);
    vmem_map_fini(&scenario->name_map);
    memset(scenario, 0, sizeof *scenario);
}
