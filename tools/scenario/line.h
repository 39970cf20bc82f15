/* line.h - one line becomes a statement.                          SPDX-License-Identifier: BSD-2-Clause */
#ifndef VMEM_SCENARIO_LINE_H
#define VMEM_SCENARIO_LINE_H

#include "text.h"

/*
 * Parse the words of a line, at least one, into a statement.
 *
 *   is_repeated  the line stands inside a repeat
 */
bool vmem_line_parse(struct vmem_scenario *scenario, struct vmem_words *words, bool is_repeated,
    struct vmem_statement *statement);

#endif
