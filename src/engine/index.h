/*
 * index.h - the holes in order, from the first time that somebody needs them.
 *                                                                  SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. What it is for
 *    Size classes answer most requests.  A window, the lowest fit, next fit or an exact place need the
 *    holes by address; exact best fit needs them by size.  An arena that never asks never pays.
 *
 * 2. How it works
 *    The first request that needs an index obtains all nodes and loads it at once: the tags are looked at
 *    as they lie in memory, which is many times as fast as from one to the next, and the holes among them
 *    are sorted (order_load.h).  A search that merely ran long only wishes for an index, and later operations
 *    build it, a few tags each: a cursor walks the list of tags upward, and the index holds exactly the
 *    holes below the cursor, at any moment.  Who needs it before that is done begins again, at once.
 *    A free that finds no memory for a node gives the whole index up: it must not fail.  The next request
 *    that needs it loads it again, or scans the list if there is no memory.
 *
 *    In a large arena the time goes into waiting for memory, so that what is known is used: whoever frees
 *    has the leaf brought in while it finds the tag; whoever carves says what the search knows of the hole,
 *    range and way, and the indexes change while its tag is on its way.
 *
 * 3. Invariant                                                          (checked by vmem_check())
 *    X1  an index holds exactly the holes that start below its cursor's tag; all, when it is ready.
 *
 * 4. Costs: a change of a hole O(log holes) an index.  Loading it O(tags) to read, in memory order, which
 *    is the greater part where few are holes, and O(holes) a digit to sort.  Building it in passing O(tags).
 */
#ifndef VMI_INDEX_H
#define VMI_INDEX_H

#include "engine/arena.h"

enum {
    VMI_INDEX_STEP = 32, /* tags to look at when a build is advanced in passing */
    VMI_INDEX_FAR = 4    /* levels of an index whose leaves are rarely in the nearest caches */
};

/* Begin to build an index in passing, if it is off. */
void vmi_index_want(struct vmem_arena *arena, struct vmi_index *index);

/*
 * Look at some tags more.  Returns false if the nodes do not suffice (nothing is lost); else true:
 * `tags` were looked at, or the index is ready.
 */
bool vmi_index_advance(struct vmem_arena *arena, struct vmi_index *index, uint64_t tags);

/* Nodes that loading an index takes in any case, and those with which it is not slow. */
uint64_t vmi_index_load_least(const struct vmem_arena *arena);
uint64_t vmi_index_load_ample(const struct vmem_arena *arena);

/* Make an index that is off complete.  Requires: vmi_index_load_least() free nodes. */
void vmi_index_load(struct vmem_arena *arena, struct vmi_index *index);

/* Give an index up, if it is not off. */
void vmi_index_drop(struct vmem_arena *arena, struct vmi_index *index);

/* Nodes that the next change may take. */
uint32_t vmi_index_need(const struct vmem_arena *arena);

/*
 * A hole at `start` is about to come, go or change: if the index is large, have its leaf brought in
 * while the caller waits for tags.
 */
static inline void
vmi_index_approach(const struct vmem_arena *arena, vmem_addr_t start)
{
    if (arena->by_address.order.levels >= VMI_INDEX_FAR) {
        vmi_order_approach(&arena->by_address.order, start);
    }
}

/* A hole comes, goes, or changes in its place.  The tag itself is not looked at. */
void vmi_index_insert(
    struct vmem_arena *arena, uint32_t tag_index, vmem_addr_t start, vmem_size_t size);
void vmi_index_remove(struct vmem_arena *arena, vmem_addr_t start, vmem_size_t size);
void vmi_index_change(struct vmem_arena *arena, uint32_t tag_index, const struct vmem_range *from,
    const struct vmem_range *to);

/*
 * A part of a hole is carved out: `left` units below it and `right` units above it remain, the latter
 * as a hole of the tag `high_index` if there are both.
 *
 *   way   to the hole, in the index by address; NULL if it is not known
 */
void vmi_index_carve(struct vmem_arena *arena, uint32_t hole_index, const struct vmem_range *hole,
    const struct vmi_way *way, vmem_size_t left, vmem_size_t right, uint32_t high_index);

#endif
