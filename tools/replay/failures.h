/*
 * failures.h - refused allocations and their reasons.                 SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMEM_TOOLS_REPLAY_FAILURES_H
#define VMEM_TOOLS_REPLAY_FAILURES_H

#include "result.h"

/* Note that op was refused just now with this status, and find out why. */
void replay_failures_note(struct replay_failures *failures, struct replay_rig *rig,
    const struct vmem_trace_op *op, int status);

/* At the end: do the arena's own counters know of as many? */
void replay_failures_settle(struct replay_failures *failures, const struct vmem_stats *stats);

#endif
