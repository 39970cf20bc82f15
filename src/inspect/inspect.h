/*
 * inspect.h - looking at an arena: nothing here changes what is allocated.
 *                                                                  SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMI_INSPECT_H
#define VMI_INSPECT_H

#include "engine/arena.h"

/* walk.c */
VMI_OUTSIDE void vmi_walk(
    struct vmem_arena *arena, unsigned typemask, vmem_visitor_fn *visitor, void *arg);

/* figures.c */
VMI_OUTSIDE vmem_size_t vmi_figure(struct vmem_arena *arena, unsigned typemask);
VMI_OUTSIDE void vmi_stats_read(struct vmem_arena *arena, struct vmem_stats *stats);
VMI_OUTSIDE bool vmi_contains(struct vmem_arena *arena, vmem_addr_t addr, vmem_size_t size);
VMI_OUTSIDE enum vmem_state vmi_state(struct vmem_arena *arena, vmem_addr_t addr);

/* explain.c */
VMI_OUTSIDE void vmi_explain(struct vmem_arena *arena, vmem_size_t size,
    const struct vmem_constraint *constraint, unsigned flags, struct vmem_explanation *explanation);
const char *vmi_reason_text(enum vmem_reason reason);

/* check.c */
VMI_OUTSIDE bool vmi_check(struct vmem_arena *arena, struct vmem_violation *violation);

/* print.c */
VMI_OUTSIDE void vmi_print(struct vmem_arena *arena, vmem_sink_fn *sink, void *arg);
VMI_OUTSIDE void vmi_printall(vmem_sink_fn *sink, void *arg);
VMI_OUTSIDE void vmi_summary(struct vmem_arena *arena, vmem_sink_fn *sink, void *arg);
VMI_OUTSIDE void vmi_dump(struct vmem_arena *arena, vmem_sink_fn *sink, void *arg);
VMI_OUTSIDE void vmi_whatis(vmem_addr_t addr, vmem_sink_fn *sink, void *arg);

#endif
