/*
 * order.h - holes and spans in order.                              SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. What it is for
 *    Whatever depends on *where* a hole lies (a window, the lowest fit, next fit, an exact place) wants
 *    the holes by address; exact best fit wants them by size.  Both are one structure: a B+tree of
 *    entries (key, other, tag).
 *
 *      ordered by   key     other                      what an inner entry keeps in `other`
 *      address      start   size                       the largest size below it
 *      size         size    start (breaks ties)        the first start below it
 *
 * 2. How it works
 *    Nodes of 24 entries, three parallel arrays, 512 bytes.  An inner entry repeats the first key of
 *    its child, always exactly, and in address order the largest size: a search for the lowest hole
 *    of at least s units goes down beside its starting key, and where nothing fits turns to the next
 *    subtree whose largest size is enough.  Behind the last entry a node is padded, so that a search
 *    looks at the same places in every node and never guesses wrong about a count.  In a large order a
 *    leaf is far away: all lines of a node are asked for as soon as its index is known.
 *
 *    Full nodes split in two (at the right edge: 24 + 1, so that building in order fills the nodes); nodes
 *    under a quarter full join a neighbour when both fill less than three quarters of one.
 *
 * 3. Invariants                                                        (checked by vmi_order_check())
 *    O1  entries are in strictly ascending order.
 *    O2  an inner entry has its child's first key, and its child's largest size or first start.
 *    O3  all leaves are on one level; no node but the root is empty; count counts the leaf entries.
 *    O4  behind the last entry of a node, keys are the largest number; others are that, too, in size
 *        order, and 0 in address order.
 *
 * 4. Costs: O(log n) each; a search for a fit visits at most two nodes a level; a change where a way
 *    leads begins in the leaf, and goes up only as far as nodes change.
 *
 * 5. Locking and failure
 *    No locks: the caller holds the arena lock.  insert needs vmi_order_need() free nodes; nothing else
 *    can fail.  No recursion.
 *
 * 6. Where it comes from
 *    B+trees: [COMER79].  Largest hole per subtree: the hole tree of drm_mm and the maple tree's gaps.
 */
#ifndef VMI_ORDER_H
#define VMI_ORDER_H

#include "structures/slab.h"

enum {
    VMI_NODE_LOG2 = 9,
    VMI_FANOUT = 24,
    VMI_ORDER_LEVELS_MAX = 14 /* a quarter full: 6^14 entries */
};

struct vmi_node {
    uint32_t count; /* entries */
    uint32_t level; /* 0 = leaf */
    uint64_t key[VMI_FANOUT];
    uint64_t other[VMI_FANOUT];
    uint32_t ref[VMI_FANOUT]; /* leaf: tag; inner: node */
};

_Static_assert(sizeof(struct vmi_node) <= 1u << VMI_NODE_LOG2, "a node fits its slot");

struct vmi_order {
    struct vmi_slab *nodes; /* shared with the arena's other orders */
    uint64_t count;         /* entries */
    uint32_t root;          /* 0 = empty */
    uint32_t levels;        /* 0 = empty */
    bool by_size;
};

struct vmi_entry {
    uint64_t key;
    uint64_t other;
    uint32_t tag;
};

/* A place in an order, until the order changes.  The way to a leaf: step[0] is the root. */
struct vmi_way {
    unsigned depth; /* index of the leaf's step */
    struct {
        struct vmi_node *node;
        unsigned slot;
    } step[VMI_ORDER_LEVELS_MAX];
};

void vmi_order_init(struct vmi_order *order, struct vmi_slab *nodes, bool by_size);

/* Nodes that one insertion may take. */
static inline uint32_t
vmi_order_need(const struct vmi_order *order)
{
    return order->levels + 1;
}

/* Insert an entry that is not there.  Requires: vmi_order_need() free nodes. */
void vmi_order_insert(struct vmi_order *order, uint64_t key, uint64_t other, uint32_t tag);

/* Remove an entry that is there. */
void vmi_order_remove(struct vmi_order *order, uint64_t key, uint64_t other);

/* Address order: give the entry that has `key` a new key, size and tag; its place stays the same. */
void vmi_order_update(
    struct vmi_order *order, uint64_t key, uint64_t new_key, uint64_t new_other, uint32_t tag);

/*
 * The same three for somebody who is at the entry, or, to insert, at the one before it.  After an
 * update, and only then, the way is as good as before.
 */
void vmi_order_insert_here(
    struct vmi_order *order, const struct vmi_way *way, uint64_t key, uint64_t other, uint32_t tag);
void vmi_order_remove_here(struct vmi_order *order, const struct vmi_way *way);
void vmi_order_update_here(
    struct vmi_order *order, const struct vmi_way *way, uint64_t key, uint64_t other, uint32_t tag);

/* Have the leaf where `key` is or belongs brought in, while something else is waited for. */
void vmi_order_approach(const struct vmi_order *order, uint64_t key);

/* Give all nodes back. */
void vmi_order_clear(struct vmi_order *order);

/*
 * Go to the last entry at or before (key, other) -- before key alone, in address order -- or, if there
 * is none, to the place before the first entry.
 */
void vmi_order_go(const struct vmi_order *order, uint64_t key, uint64_t other, struct vmi_way *way);

/* The entry at that place.  False: it is before the first entry. */
bool vmi_order_here(const struct vmi_way *way, struct vmi_entry *entry);

/*
 * Go on to the next entry, or back to the one before, whose `other` is at least `least`, and read it.
 * False: there is none, and the way ends here.  In size order `least` must be 0.
 */
bool vmi_order_next(
    const struct vmi_order *order, struct vmi_way *way, uint64_t least, struct vmi_entry *entry);
bool vmi_order_previous(
    const struct vmi_order *order, struct vmi_way *way, uint64_t least, struct vmi_entry *entry);

/*
 * The first entry at or after (key, other) -- after key alone, in address order -- whose `other` is
 * at least `least`; the last one at or before key.  False, *entry untouched, if there is none.
 * In size order `least` must be 0.
 */
bool vmi_order_seek(const struct vmi_order *order, uint64_t key, uint64_t other, uint64_t least,
    struct vmi_entry *entry);
bool vmi_order_seek_back(
    const struct vmi_order *order, uint64_t key, uint64_t least, struct vmi_entry *entry);

/* Address order: the largest `other`; 0 if empty. */
uint64_t vmi_order_largest(const struct vmi_order *order);

const char *vmi_order_check(const struct vmi_order *order);

#endif
