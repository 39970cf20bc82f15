/*
 * order_node.h - a node of an order from inside; for order.c and order_load.c only.
 *                                                                  SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMI_ORDER_NODE_H
#define VMI_ORDER_NODE_H

#include "structures/order.h"

static inline struct vmi_node *
vmi_node_at(const struct vmi_order *order, uint32_t index)
{
    return vmi_slab_at(order->nodes, index, VMI_NODE_LOG2);
}

static inline uint64_t
vmi_node_largest_other(const struct vmi_node *node)
{
    uint64_t largest = 0;

    for (unsigned i = 0; i < VMI_FANOUT; i++) {
        largest = node->other[i] > largest ? node->other[i] : largest;
    }
    return largest;
}

/* What the entry above a node says in its `other`: see O2. */
static inline uint64_t
vmi_node_summary(const struct vmi_order *order, const struct vmi_node *node)
{
    return order->by_size ? node->other[0] : vmi_node_largest_other(node);
}

static inline void
vmi_node_move(struct vmi_node *to, unsigned to_slot, const struct vmi_node *from,
    unsigned from_slot, unsigned count)
{
    memmove(&to->key[to_slot], &from->key[from_slot], count * sizeof to->key[0]);
    memmove(&to->other[to_slot], &from->other[from_slot], count * sizeof to->other[0]);
    memmove(&to->ref[to_slot], &from->ref[from_slot], count * sizeof to->ref[0]);
}

/* Make a slot behind the last entry what O4 wants. */
static inline void
vmi_node_pad_one(const struct vmi_order *order, struct vmi_node *node, unsigned slot)
{
    node->key[slot] = UINT64_MAX;
    node->other[slot] = order->by_size ? UINT64_MAX : 0;
}

static inline void
vmi_node_pad(const struct vmi_order *order, struct vmi_node *node)
{
    for (unsigned slot = node->count; slot < VMI_FANOUT; slot++) {
        vmi_node_pad_one(order, node, slot);
    }
}

#endif
