/*
 * registry.h - all arenas of the process.                          SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMI_REGISTRY_H
#define VMI_REGISTRY_H

#include "engine/arena.h"

/*
 * May an arena of this name be created or destroyed now?  False, reported: the calling thread is in
 * vmi_registry_walk().
 */
bool vmi_registry_may_change(const char *name);

/* Put an arena in.  Requires of both: vmi_registry_may_change(). */
void vmi_registry_add(struct vmem_arena *arena);

/* Take an arena out; arenas that import from it have no source any more. */
void vmi_registry_remove(struct vmem_arena *arena);

/* Call for each arena, in the order of creation, with the registry locked; false ends it. */
VMI_OUTSIDE void vmi_registry_walk(vmem_arena_visitor_fn *visitor, void *arg);

#endif
