/* observe.h - what can be seen of real arenas.                    SPDX-License-Identifier: BSD-2-Clause */
#ifndef VMEM_SCENARIO_OBSERVE_H
#define VMEM_SCENARIO_OBSERVE_H

#include "world.h"

/* What kind of call may have moved spans. */
enum vmem_cause {
    VMEM_CAUSE_ALLOC, /* may import, and release what is empty */
    VMEM_CAUSE_FREE,  /* may release */
    VMEM_CAUSE_OTHER  /* may do neither */
};

struct vmem_call {
    enum vmem_cause cause;
    bool has_place; /* ALLOC: the arena had a place already, so nothing should move */
    bool is_served; /* ALLOC: it succeeded */
    const struct vmem_model_request *request; /* ALLOC: valid */
};

/* Learn from the arena and its sources which imported spans came and went, and judge that. */
void vmem_observe_spans(
    struct vmem_world *world, struct vmem_pair *pair, const struct vmem_call *call);

/* The figures of the real arena. */
void vmem_observe_figures(struct vmem_arena *arena, struct vmem_model_figures *figures);

/* One of the figures. */
vmem_size_t vmem_figure_of(const struct vmem_model_figures *figures, enum vmem_figure which);

/*
 * Compare the figures of the arena and of its sources with their models, and from time to time all
 * their segments and the library's own invariants: as often as can be afforded.
 */
void vmem_observe_compare(struct vmem_world *world, struct vmem_pair *pair);

#endif
