/*
 * order_load.h - fill an empty order all at once.                  SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. What it is for
 *    The first request that needs an order of all holes waits until it is there.  To insert them one by
 *    one is a search each; to bring the holes in whatever order they are met, and to sort them here, costs
 *    a few nanoseconds each.
 *
 * 2. How it works
 *    Entries are appended to a chain of nodes, which are the leaves to be; while a load lasts, `level` of
 *    a node is the index of the next one.  The chain is sorted by a radix sort, least significant digit
 *    first: a pass deals the entries out to up to 128 chains, one a value of the digit, and joins these
 *    again.  A node goes back to the slab as soon as it was dealt out, and comes again in another chain, so
 *    that a pass takes two nodes more a chain, and not twice the memory.  Only bits in which keys differ
 *    are looked at: the zeros below a quantum and above the highest address cost nothing.
 *
 *      chain   [ 7 2 5 ] -> [ 6 3 4 ]            deal out by the lowest bit, take the chains in turn:
 *        0:    [ 2 6 4 ]      1:  [ 7 5 3 ]      [ 2 6 4 ] -> [ 7 5 3 ], and so on with the next bit
 *
 *    In size order `other` is sorted by before the key, which leaves equal keys as they are.  Then the
 *    entries are moved together, so that every leaf but the last is full, and each level is linked to one
 *    above it until there is only one node.
 *
 *    How wide a digit is depends on the nodes that are there: seven bits where there are enough, a single
 *    one where there is hardly more than the order itself will take.
 *
 * 3. Invariants: between begin and end the order is empty; afterwards those of order.h hold.
 *
 * 4. Costs: O(n) a digit; at most 64 bits of a key, or 128 in size order, divided by a digit's width.
 *
 * 5. Locking and failure
 *    No locks: the caller holds the arena lock from begin to end.  With vmi_load_least() free nodes at the
 *    beginning, nothing can fail.
 *
 * 6. Where it comes from
 *    Sorting from the lowest digit: [KNUTH3 5.2.5], whose piles are linked lists, too.
 */
#ifndef VMI_ORDER_LOAD_H
#define VMI_ORDER_LOAD_H

#include "structures/order.h"

/* Nodes in a row, linked by their `level`; all but the last one are full while entries are added. */
struct vmi_chain {
    uint32_t first; /* 0 = none */
    uint32_t last;
};

struct vmi_load {
    struct vmi_order *order;
    struct vmi_chain chain;
    uint64_t count;     /* entries */
    uint64_t key_any;   /* bits that are 1 in some key */
    uint64_t key_all;   /* in all */
    uint64_t other_any; /* the same of `other` */
    uint64_t other_all;
};

/* Free nodes that a load of so many entries needs; and those with which it need not be slow. */
uint64_t vmi_load_least(uint64_t count);
uint64_t vmi_load_ample(uint64_t count);

/* Begin to load an order that is empty. */
void vmi_load_begin(struct vmi_load *load, struct vmi_order *order);

/* Add an entry that is not there, at any place. */
void vmi_load_add(struct vmi_load *load, uint64_t key, uint64_t other, uint32_t tag);

/* Sort what was added; the order is complete. */
void vmi_load_end(struct vmi_load *load);

#endif
