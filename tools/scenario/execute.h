/* execute.h - run a parsed scenario.                              SPDX-License-Identifier: BSD-2-Clause */
#ifndef VMEM_SCENARIO_EXECUTE_H
#define VMEM_SCENARIO_EXECUTE_H

#include "scenario.h"

#include <stdio.h>

struct vmem_run_options {
    bool is_verbose;      /* print each line that was judged */
    bool is_quiet;        /* print failures and the tally only */
    const uint64_t *seed; /* for random lines, instead of theirs; NULL = theirs */
    FILE *out;            /* judgements */
    FILE *err;            /* broken scenarios */
};

/* Lines judged (a line in a repeat counts each time), and files not run. */
struct vmem_tally {
    uint64_t passed, failed, skipped;
};

/*
 * Run a scenario, whole or up to where it is broken, and report on it.
 *
 *   path   its name in messages
 *   tally  counts are added; a broken line counts as failed
 */
void vmem_execute(const struct vmem_scenario *scenario, const char *path,
    const struct vmem_run_options *options, struct vmem_tally *tally);

#endif
