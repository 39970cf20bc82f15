/*
 * plan.h - what one trace is replayed with.                           SPDX-License-Identifier: BSD-2-Clause
 *
 * A *demand* is what a trace asks for, whatever serves it; a *plan* fixes the arena and the policy
 * that serve it.  All passes over one plan see the same arena and the same requests.
 */
#ifndef VMEM_TOOLS_REPLAY_PLAN_H
#define VMEM_TOOLS_REPLAY_PLAN_H

#include "options.h"
#include "trace.h"

#include <stdbool.h>
#include <vmem/vmem.h>

#define REPLAY_TEXT_BYTES 256

/* What a trace asks for at a quantum. */
struct replay_demand {
    vmem_size_t live_peak;      /* units, sizes rounded: most that was live at once */
    size_t live_count_peak;     /* most allocations live at once */
    vmem_size_t request_max;    /* units: the largest single request, rounded */
    vmem_size_t span_size_auto; /* units: --size auto */
    size_t unroundable_count;   /* requests that no quantum can round */
};

/* What the plans for one trace have in common. */
struct replay_job {
    const struct vmem_trace *trace;
    const struct replay_demand *demand;
    const struct replay_options *options;
};

struct replay_plan {
    const struct vmem_trace *trace;
    const struct replay_policy *policy;
    struct vmem_constraint *constraints; /* by number, for this quantum; NULL = none */
    unsigned flags;                      /* of each request */
    unsigned arena_flags;                /* of creation */
    vmem_size_t quantum;
    vmem_addr_t base;
    vmem_size_t size;           /* units: of the span, or of the parent's */
    vmem_size_t import_quantum; /* units; 0 = a fixed span, nothing is imported */
    bool uses_handles;
};

/* Measure a trace.  Returns false if there is no memory. */
bool replay_demand_measure(struct replay_demand *demand, const struct vmem_trace *trace,
    const struct replay_options *options);

/*
 * Fix everything but a size that has to be searched: with REPLAY_SIZE_FIT plan->size is the
 * search's start.
 *
 * Returns   true; false and why[0 .. REPLAY_TEXT_BYTES-1] if the options cannot serve this trace
 */
bool replay_plan_make(struct replay_plan *plan, const struct replay_job *job,
    const struct replay_policy *policy, char *why);

void replay_plan_dispose(struct replay_plan *plan);

/* Round up to a quantum.  Returns false if that exceeds VMEM_SIZE_MAX. */
static inline bool
replay_round(vmem_size_t size, vmem_size_t quantum, vmem_size_t *rounded)
{
    if (size > VMEM_SIZE_MAX - (quantum - 1)) {
        return false;
    }
    *rounded = (size + (quantum - 1)) & ~(quantum - 1);
    return true;
}

#endif
