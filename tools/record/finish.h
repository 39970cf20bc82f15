/*
 * finish.h - turn a directory of raw logs into traces.            SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMEM_RECORD_FINISH_H
#define VMEM_RECORD_FINISH_H

#include <stdbool.h>
#include <stddef.h>

struct vmr_finish {
    const char *directory; /* of raw logs; each is removed once its trace is written */
    const char *output;    /* trace of the program that was started; others are named after it */
    bool has_alignment;
    bool is_quiet; /* no line for each trace; errors are always reported */
};

struct vmr_finish_result {
    size_t trace_count;  /* written */
    size_t failed_count; /* raw logs that could not be turned into a trace, and are kept */
    bool has_own_heap;   /* the program defines malloc itself */
};

/*
 * Write the traces.
 *
 * The first program image of the process that was started becomes `output`; any other image gets
 * the process id, and the number of the image if it is not the first, before the suffix:
 * x.vmt.gz, x.4711.vmt.gz, x.4711-2.vmt.gz.  Images other than the first that allocated nothing
 * get no trace.  Messages go to stderr.
 *
 * Returns   0 and *result; an errno value if the directory cannot be read
 */
int vmr_finish(const struct vmr_finish *finish, struct vmr_finish_result *result);

#endif
