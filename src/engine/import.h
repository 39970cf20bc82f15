/*
 * import.h - obtaining spans from a source.                        SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMI_IMPORT_H
#define VMI_IMPORT_H

#include "engine/free.h"
#include "engine/request.h"

/* An import under way, decided with the lock held, done without it. */
struct vmi_import {
    struct vmem_import_request want;
    struct vmi_source source;     /* as it was when the import was decided */
    struct vmi_request in_source; /* source.arena: the request that is made there */
};

/*
 * What would be asked for, whatever the limit says.  Entered, or an import is under way.
 * Returns   0, and *import; ENOENT no source; ENOMEM no import can help
 */
int vmi_import_plan(
    const struct vmem_arena *arena, const struct vmi_request *request, struct vmi_import *import);

/* Units that the arena may yet import.  Entered. */
VMI_ENTERED vmem_size_t vmi_import_room(const struct vmem_arena *arena);

/*
 * Decide to import for a request that found no place.  The arena is entered.
 *
 * Returns   0, and *import; the size asked for counts against the limit until vmi_import_end()
 *           ENOENT no source; ENOSPC the limit forbids it; ENOMEM no import can help
 */
VMI_ENTERED int vmi_import_begin(
    struct vmem_arena *arena, const struct vmi_request *request, struct vmi_import *import);

/* Ask an import function.  No lock is held.  Returns 0 and *span, or why not. */
VMI_OUTSIDE int vmi_import_call(const struct vmi_import *import, struct vmem_range *span);

/* Give a span back that was imported but is not in the arena. */
VMI_OUTSIDE void vmi_import_return(const struct vmi_import *import, const struct vmem_range *span);

/* The import is over, one way or the other: no longer count it against the limit.  Entered. */
VMI_ENTERED void vmi_import_end(struct vmem_arena *arena, const struct vmi_import *import);

/*
 * Take an imported span into the arena.  Entered, with everything reserved that vmi_span_add() needs.
 * Returns 0; or EINVAL, EEXIST, ENOSPC: refused, the arena is unchanged.
 */
VMI_ENTERED int vmi_import_accept(
    struct vmem_arena *arena, const struct vmi_import *import, const struct vmem_range *span);

/* Report a span that a source should not have given.  No lock is held. */
VMI_OUTSIDE void vmi_import_report(
    const struct vmem_arena *arena, const struct vmem_range *span, int status);

#endif
