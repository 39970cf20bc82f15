/*
 * report.h - what was found out, as text or JSON.                     SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMEM_TOOLS_REPLAY_REPORT_H
#define VMEM_TOOLS_REPLAY_REPORT_H

#include "options.h"
#include "result.h"

#include <stdbool.h>
#include <stddef.h>

/* One file: the trace, and what came of it under each policy. */
struct replay_report {
    const struct replay_options *options;
    const struct vmem_trace *trace;
    const struct replay_demand *demand;
    bool is_whole; /* else trace->error says where reading stopped */
    size_t result_count;
    struct replay_result results[REPLAY_POLICY_COUNT];
    char skipped[REPLAY_TEXT_BYTES]; /* why it was not replayed, or "" */
};

/* Totals over all files. */
struct replay_summary {
    size_t file_count;
    size_t unread_count;  /* files not read to their end, or not replayed */
    size_t result_count;  /* replays */
    size_t unsound_count; /* of them, with a violation or an unexplained failure */
    uint64_t failure_count;
    uint64_t unexplained_count;
    int exit_status;
};

/* Print one file's table to the standard output. */
void replay_report_print(const struct replay_report *report);

/* The table over all files. */
struct replay_overview;
struct replay_overview *replay_overview_new(void);
void replay_overview_add(struct replay_overview *overview, const struct replay_report *report);

/* Print and free. */
void replay_overview_print(struct replay_overview *overview, const struct replay_summary *summary);

/* The JSON document. */
struct replay_document;
struct replay_document *replay_document_new(void);
void replay_document_add(struct replay_document *document, const struct replay_report *report);

/* Print and free.  Returns false if memory ran out on the way. */
bool replay_document_print(struct replay_document *document, const struct replay_summary *summary);

#endif
