/*
 * parse.h - one line of a trace.                                      SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMEM_TOOLS_PARSE_H
#define VMEM_TOOLS_PARSE_H

#include "trace.h"

enum vmem_trace_line_kind {
    VMEM_TRACE_LINE_EMPTY, /* blank, or a comment */
    VMEM_TRACE_LINE_ALLOC,
    VMEM_TRACE_LINE_FREE,
    VMEM_TRACE_LINE_TIME
};

struct vmem_trace_line {
    enum vmem_trace_line_kind kind;
    uint64_t id;
    size_t id_column;
    uint64_t size; /* alloc: units, > 0 */
    bool is_constrained;
    struct vmem_trace_constraint constraint;
    uint64_t time_ns;
    size_t error_column; /* from 1 */
    char error[VMEM_TRACE_ERROR_BYTES];
};

/*
 * Read text[0 .. length-1], a line without its end.  Each line is judged by itself: whether an id
 * is live is the caller's business.
 *
 * Returns   true; false, line->error and line->error_column
 */
bool vmem_trace_parse(const char *text, size_t length, struct vmem_trace_line *line);

#endif
