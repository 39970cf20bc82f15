/*
 * rig - an arena and what a replay keeps live in it.          SPDX-License-Identifier: BSD-2-Clause
 *
 * Fixed span: one arena with one static span.  Importing: the arena starts empty, its parent has
 * the span.  The parent takes the lowest place, so that imports stay together.
 */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
fail(char *why, const char *what, int status)
{
    (void)snprintf(why, REPLAY_TEXT_BYTES, "%s: %s", what, strerror(status));
    return false;
}

static bool
create_arenas(struct replay_rig *rig, char *why)
{
    const struct replay_plan *plan = rig->plan;
    struct vmem_options options = {
        .name = "replay",
        .base = plan->base,
        .size = plan->size,
        .quantum = plan->quantum,
        .flags = plan->arena_flags,
    };
    int status;
    if (plan->import_quantum != 0) {
        options.name = "replay-parent";
        options.flags |= VMEM_FIRSTFIT;
        status = vmem_create_with(&options, &rig->parent);
        if (status != 0) {
            return fail(why, "cannot create the parent arena", status);
        }
        options.name = "replay";
        options.flags = plan->arena_flags;
        options.size = 0;
        options.source_arena = rig->parent;
        options.import_quantum = plan->import_quantum;
    }
    status = vmem_create_with(&options, &rig->arena);
    return status == 0 || fail(why, "cannot create the arena", status);
}

bool
replay_rig_open(struct replay_rig *rig, const struct replay_plan *plan, char *why)
{
    *rig = (struct replay_rig){ .plan = plan };
    rig->slots = calloc(plan->trace->slot_count + (size_t)1, sizeof(*rig->slots));
    if (rig->slots == NULL) {
        (void)snprintf(why, REPLAY_TEXT_BYTES, "no memory for the live allocations");
        return false;
    }
    if (!create_arenas(rig, why)) {
        replay_rig_close(rig);
        return false;
    }
    return true;
}

void
replay_rig_empty(struct replay_rig *rig)
{
    for (uint32_t i = 0; i < rig->plan->trace->slot_count; i++) {
        const struct vmem_trace_op op = { .slot = i, .kind = VMEM_TRACE_FREE };
        replay_rig_free(rig, &op);
    }
}

bool
replay_rig_close(struct replay_rig *rig)
{
    bool is_empty = true;
    if (rig->arena != NULL) {
        is_empty = vmem_destroy(rig->arena) == 0;
    }
    if (rig->parent != NULL) {
        is_empty = vmem_destroy(rig->parent) == 0 && is_empty;
    }
    free(rig->slots);
    *rig = (struct replay_rig){ 0 };
    return is_empty;
}
