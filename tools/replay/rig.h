/*
 * rig.h - an arena and what a replay keeps live in it.                SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMEM_TOOLS_REPLAY_RIG_H
#define VMEM_TOOLS_REPLAY_RIG_H

#include "plan.h"

/* What became of an allocation. */
struct replay_slot {
    vmem_addr_t addr;
    vmem_size_t size; /* as requested; 0 = nothing is live here */
    vmem_handle_t handle;
};

struct replay_rig {
    const struct replay_plan *plan;
    struct vmem_arena *arena;
    struct vmem_arena *parent; /* that the arena imports from, or NULL */
    struct replay_slot *slots; /* by slot of the trace */
};

/*
 * Create the plan's arenas, empty.
 *
 * Returns   true; false and why[0 .. REPLAY_TEXT_BYTES-1], nothing is left behind
 */
bool replay_rig_open(struct replay_rig *rig, const struct replay_plan *plan, char *why);

/* Free everything that is live. */
void replay_rig_empty(struct replay_rig *rig);

/* Destroy the arenas.  Returns true if each was empty. */
bool replay_rig_close(struct replay_rig *rig);

/* Serve one allocation of the trace.  Returns its status. */
static inline int
replay_rig_alloc(struct replay_rig *rig, const struct vmem_trace_op *op)
{
    const struct replay_plan *plan = rig->plan;
    const struct vmem_constraint *constraint =
        op->constraint == VMEM_TRACE_ANYWHERE ? NULL : &plan->constraints[op->constraint];
    struct replay_slot *slot = &rig->slots[op->slot];
    int status;
    if (plan->uses_handles) {
        status = vmem_alloc_handle(
            rig->arena, op->size, constraint, plan->flags, &slot->addr, &slot->handle);
    } else if (constraint == NULL) {
        status = vmem_alloc(rig->arena, op->size, plan->flags, &slot->addr);
    } else {
        status = vmem_xalloc(rig->arena, op->size, constraint->align, constraint->phase,
            constraint->nocross, constraint->addr_min, constraint->addr_max, plan->flags,
            &slot->addr);
    }
    slot->size = status == 0 ? op->size : 0;
    return status;
}

/* Serve one free of the trace.  Returns false if its allocation had failed: it is ignored. */
static inline bool
replay_rig_free(struct replay_rig *rig, const struct vmem_trace_op *op)
{
    struct replay_slot *slot = &rig->slots[op->slot];
    if (slot->size == 0) {
        return false;
    }
    if (rig->plan->uses_handles) {
        vmem_free_handle(rig->arena, slot->handle);
    } else {
        vmem_free(rig->arena, slot->addr, slot->size);
    }
    slot->size = 0;
    return true;
}

#endif
