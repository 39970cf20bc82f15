/* operate.h - one statement of a scenario, executed and judged.   SPDX-License-Identifier: BSD-2-Clause */
#ifndef VMEM_SCENARIO_OPERATE_H
#define VMEM_SCENARIO_OPERATE_H

#include "judge.h"

enum vmem_outcome {
    VMEM_OUTCOME_PASSED,
    VMEM_OUTCOME_FAILED, /* the library is wrong, or the scenario expects something else */
    VMEM_OUTCOME_BROKEN  /* the line makes no sense here: the scenario ends */
};

struct vmem_report {
    enum vmem_outcome outcome;
    unsigned column; /* of what is broken */
    char text[VMEM_FINDING_BYTES + 200];
    char got[64]; /* what the call did */
};

/*
 * Execute a statement other than a repeat and its end.
 *
 *   index  count of the innermost repeat
 *   seed   instead of that of a random line; NULL = none
 */
void vmem_operate(struct vmem_world *world, const struct vmem_statement *statement, uint64_t index,
    const uint64_t *seed, struct vmem_report *report);

#endif
