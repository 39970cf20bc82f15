/*
 * supply.h - memory for metadata.                                  SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. What it is for
 *    Tags, index nodes, bins and the busy index need memory, from the caller, from a source that may
 *    itself be a vmem arena, or from the port's pages.  An operation obtains all that it may need before
 *    it changes anything, so that what follows cannot fail.
 *
 * 2. How it works
 *    `vmi_supply_needs()` loops: look what is missing; take a piece of a *blob* (memory that is handed
 *    out in pieces: the caller's, or 16 KiB from the source), or leave the lock and ask the source; enter
 *    and look again.  When it returns 0, everything is there at one moment and the lock is held.
 *    What becomes superfluous is put on the garbage list, and back to the source when the lock is left:
 *    one piece at a time, a large one of the port's in parts, so that no call pays for all of it.
 *
 *    Where the port has windows, chunks and the tables of the busy index lie in them, and nothing is
 *    mapped or unmapped while an arena lives: what is no longer needed is dropped, some pages a call.
 *    A table of b bytes lies at 3 b in its window; tables of different sizes do not meet there.
 *
 * 3. Locking: the source is called without the lock, so it may be fed by an arena that is fed by it.
 *
 * 4. Where it comes from
 *    Reserve before change, and the trouble with a source called under the lock: [BA01 4.4.4], F3.
 */
#ifndef VMI_SUPPLY_H
#define VMI_SUPPLY_H

#include "engine/arena.h"

enum {
    VMI_SUPPLY_BLOB_BYTES = 16384, /* what is asked of the source for small pieces */
    VMI_TAGS_PER_SPLIT = 2,        /* a range in the middle of a hole leaves two more segments */
    VMI_TAGS_PER_SPAN = 2,         /* a header and a hole */
    VMI_TAGS_RESERVE = VMI_TAGS_PER_SPLIT + VMI_TAGS_PER_SPAN
};

/* A piece of memory that waits, to be used again or to be put back. */
struct vmi_piece {
    struct vmi_piece *next;
    size_t bytes;
};

/* What an operation may need. */
struct vmi_needs {
    uint32_t tags;    /* <= VMI_TAGS_RESERVE */
    bool busy_entry;  /* room for one more address in the busy index */
    vmem_size_t span; /* units: a span of this size may come; 0 = none */
    uint32_t nodes;   /* index nodes, beside those that the next change may take */
};

/* Add memory to hand out in pieces.  `is_ours`: it goes back to the source in the end. */
void vmi_supply_add_blob(struct vmem_arena *arena, void *memory, size_t bytes, bool is_ours);

/*
 * Obtain everything that is missing.  The lock is held, may be left meanwhile, and is held again.
 *
 * Returns   0; ENOMEM: what was obtained stays in reserve
 */
VMI_ENTERED VMI_NOINLINE int vmi_supply_needs(
    struct vmem_arena *arena, const struct vmi_needs *needs);

/* Take windows for tags and nodes, where the port has any to give.  Before anything is obtained. */
void vmi_supply_set_windows(struct vmem_arena *arena);

/* Obtain zeroed memory that stays until the arena ends; NULL if there is none.  Entered. */
VMI_ENTERED void *vmi_supply_permanent(struct vmem_arena *arena, size_t bytes);

/* Top up the nodes of an index while it is cheap, ignoring failure.  The lock may be left. */
VMI_ENTERED VMI_NOINLINE void vmi_supply_nodes_softly(struct vmem_arena *arena);

/* The same with what is at hand: nobody is asked, and the lock is not left. */
VMI_ENTERED void vmi_supply_nodes_at_hand(struct vmem_arena *arena);

/* Build an index to the end; the lock may be left.  False: no memory, the index is off. */
VMI_ENTERED bool vmi_index_build(struct vmem_arena *arena, struct vmi_index *index);

/* Empty some more of an old busy table; put back a part of what became empty. */
VMI_ENTERED VMI_NOINLINE void vmi_supply_tidy(struct vmem_arena *arena);

/* Do all pending work: see vmem_maintain(). */
VMI_ENTERED void vmi_supply_maintain(struct vmem_arena *arena);

/* Put everything back: the end of the arena.  No lock is held; nobody else knows the arena. */
VMI_OUTSIDE void vmi_supply_end(struct vmem_arena *arena);

/* True if an index in use is complete and has nodes for what comes next. */
bool vmi_supply_has_nodes(const struct vmem_arena *arena);

/*
 * True if an ordinary allocation can begin at once: tags at hand, room in the busy index.  While a table
 * moves it should not, although it could: every operation does a part of the move.
 */
static inline bool
vmi_supply_is_ample(struct vmem_arena *arena)
{
    return vmi_tags_reserve(&arena->tags, VMI_TAGS_PER_SPLIT) &&
        VMI_LIKELY(arena->busy.count < arena->busy.count_max) &&
        (VMI_LIKELY(!arena->is_indexed) || vmi_supply_has_nodes(arena));
}

#endif
