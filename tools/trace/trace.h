/*
 * trace.h - a recorded workload, read and checked.                    SPDX-License-Identifier: BSD-2-Clause
 *
 * A trace (.vmt) is text, plain or compressed by gzip.  Its first line is "# vmem-trace 1"; then,
 * one a line,
 *
 *    a ID SIZE [align=N] [phase=N] [nocross=N] [min=A] [max=A]      allocate
 *    f ID                                                          free
 *    t SECONDS                                                     time passes
 *
 * `#` starts a comment; blank lines are skipped.  ID is an unsigned integer, decimal or hex, that
 * no live allocation has; it may be used again once freed.  SECONDS may have a decimal fraction.
 *
 * Loading replaces ids by *slots*, small consecutive numbers that are reused, so that a replay
 * needs an array and no lookup: allocation and free of one id name the same slot.
 */
#ifndef VMEM_TOOLS_TRACE_H
#define VMEM_TOOLS_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VMEM_TRACE_VERSION 1
#define VMEM_TRACE_LINE_BYTES 4096 /* longest line, without its end */
#define VMEM_TRACE_ERROR_BYTES 320
#define VMEM_TRACE_EXCERPT_BYTES 96
#define VMEM_TRACE_TITLE_BYTES 160
#define VMEM_TRACE_ANYWHERE 0 /* constraint number of an unconstrained allocation */

enum vmem_trace_kind { VMEM_TRACE_ALLOC, VMEM_TRACE_FREE };

/* One operation. */
struct vmem_trace_op {
    uint64_t id;   /* as written */
    uint64_t size; /* alloc: units, > 0 */
    uint32_t slot;
    uint32_t constraint; /* alloc: number of a constraint, or VMEM_TRACE_ANYWHERE */
    uint32_t line;       /* of the file, from 1 */
    uint32_t kind;       /* enum vmem_trace_kind */
};

/* What an allocation asks for besides its size.  Each value is valid by itself. */
struct vmem_trace_constraint {
    uint64_t align;    /* units, power of two; 0 = not given */
    uint64_t phase;    /* units, < align */
    uint64_t nocross;  /* units, power of two >= size; 0 = not given */
    uint64_t addr_min; /* first unit allowed */
    uint64_t addr_max; /* last unit allowed, inclusive */
};

/* Where and why reading stopped. */
struct vmem_trace_error {
    uint64_t line;                          /* from 1; 0 = the file as a whole */
    uint64_t column;                        /* byte of the line, from 1; 0 = the line as a whole */
    char text[VMEM_TRACE_ERROR_BYTES];      /* what is wrong and what would be right */
    char excerpt[VMEM_TRACE_EXCERPT_BYTES]; /* printable part of the line; "" = none */
    uint64_t excerpt_column;                /* of the excerpt: the offending byte, from 1 */
};

struct vmem_trace {
    const char *name; /* of the file, or "-"; the caller's */
    struct vmem_trace_op *ops;
    size_t op_count;
    size_t alloc_count;
    size_t free_count;
    size_t live_count;                         /* allocated and not freed at the end */
    uint32_t slot_count;                       /* most allocations live at once */
    struct vmem_trace_constraint *constraints; /* [0] is unused: it means anywhere */
    size_t constraint_count;                   /* with [0]; 0 = no constraints at all */
    uint64_t time_ns;                          /* sum of the t lines, at most 2^64-1 */
    uint64_t line_count;
    bool is_compressed;
    bool lacks_newline;                 /* the last line has no end, as if the file had been cut */
    char title[VMEM_TRACE_TITLE_BYTES]; /* first comment after the first line, or "" */
    struct vmem_trace_error error;      /* if loading failed */
};

/*
 * Read a whole trace; "-" is the standard input.
 *
 * Returns   true; false and trace->error.  Then the trace holds the operations that precede the
 *           error, all of them sound: op_count may be > 0.
 */
bool vmem_trace_load(struct vmem_trace *trace, const char *name);

/* Free what vmem_trace_load() obtained, after success and failure alike. */
void vmem_trace_dispose(struct vmem_trace *trace);

#endif
