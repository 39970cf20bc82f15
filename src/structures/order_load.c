/*
 * order_load - fill an empty order all at once; the essay is in order_load.h.
 *                                                                  SPDX-License-Identifier: BSD-2-Clause
 */
#include "structures/order_load.h"

#include "structures/order_node.h"

enum {
    DIGIT_LOG2 = 7,  /* bits of the widest digit: its chains are 1 KiB of stack */
    PER_CHAIN = 2,   /* nodes that are not full: the last of a chain, before and after a pass */
    BEING_DEALT = 1, /* and the one that is being dealt out */
    NARROWEST = PER_CHAIN * 2 + BEING_DEALT
};

/* Entries have 32-bit references, so there are not more of them; and 64-bit division is a library call
   on 32-bit targets. */
static uint64_t
nodes_for(uint64_t entries)
{
    const uint32_t count = (uint32_t)entries;

    VMI_ASSERT(entries <= UINT32_MAX);
    return count / VMI_FANOUT + (count % VMI_FANOUT != 0);
}

static uint64_t
inner_nodes(uint64_t leaves)
{
    uint64_t inner = 0;

    for (uint64_t nodes = leaves; nodes > 1; inner += nodes) {
        nodes = nodes_for(nodes);
    }
    return inner;
}

/* The width of a digit for which there are nodes, but no more chains than leaves. */
static unsigned
digit_width(uint64_t leaves, uint64_t spare)
{
    unsigned width = 1;

    while (width < DIGIT_LOG2 && (uint64_t)2 << width <= leaves &&
        ((uint64_t)PER_CHAIN * 2 << width) + BEING_DEALT <= spare) {
        width++;
    }
    return width;
}

static uint64_t
need(uint64_t count, uint64_t to_sort)
{
    const uint64_t leaves = nodes_for(count);
    const uint64_t inner = inner_nodes(leaves);

    return leaves + (inner > to_sort ? inner : to_sort);
}

uint64_t
vmi_load_least(uint64_t count)
{
    return need(count, NARROWEST);
}

uint64_t
vmi_load_ample(uint64_t count)
{
    const unsigned width = digit_width(nodes_for(count), UINT64_MAX);

    return need(count, ((uint64_t)PER_CHAIN << width) + BEING_DEALT);
}

static VMI_NOINLINE struct vmi_node *
extend(struct vmi_order *order, struct vmi_chain *chain)
{
    const uint32_t index = vmi_slab_take(order->nodes);
    struct vmi_node *node = vmi_node_at(order, index);

    node->count = 0;
    node->level = 0;
    if (chain->first == 0) {
        chain->first = index;
    } else {
        vmi_node_at(order, chain->last)->level = index;
    }
    chain->last = index;
    return node;
}

static inline void
append(struct vmi_order *order, struct vmi_chain *chain, uint64_t key, uint64_t other, uint32_t ref)
{
    struct vmi_node *node = chain->first == 0 ? NULL : vmi_node_at(order, chain->last);
    uint32_t slot;

    if (VMI_UNLIKELY(node == NULL || node->count == VMI_FANOUT)) {
        node = extend(order, chain);
    }
    slot = node->count++;
    node->key[slot] = key;
    node->other[slot] = other;
    node->ref[slot] = ref;
}

void
vmi_load_begin(struct vmi_load *load, struct vmi_order *order)
{
    VMI_ASSERT(order->root == 0);
    *load = (struct vmi_load){ .order = order, .key_all = UINT64_MAX, .other_all = UINT64_MAX };
}

void
vmi_load_add(struct vmi_load *load, uint64_t key, uint64_t other, uint32_t tag)
{
    append(load->order, &load->chain, key, other, tag);
    load->count++;
    load->key_any |= key;
    load->key_all &= key;
    load->other_any |= other;
    load->other_all &= other;
}

/* Put the chains, in turn, one behind the other. */
static struct vmi_chain
join(struct vmi_order *order, const struct vmi_chain *chain, unsigned count)
{
    struct vmi_chain all = { 0 };

    for (unsigned i = 0; i < count; i++) {
        if (chain[i].first != 0) {
            if (all.first == 0) {
                all.first = chain[i].first;
            } else {
                vmi_node_at(order, all.last)->level = chain[i].first;
            }
            all.last = chain[i].last;
        }
    }
    return all;
}

/* Sort by the digit at `shift` of the key, or of `other`; what is equal there stays as it is. */
static void
deal(struct vmi_load *load, bool by_other, unsigned shift, unsigned width)
{
    struct vmi_order *order = load->order;
    struct vmi_chain chain[1u << DIGIT_LOG2];
    const unsigned mask = (1u << width) - 1;
    uint32_t next;

    memset(chain, 0, sizeof chain[0] << width);
    for (uint32_t index = load->chain.first; index != 0; index = next) {
        const struct vmi_node *node = vmi_node_at(order, index);
        const uint64_t *word = by_other ? node->other : node->key;
        next = node->level;
        for (unsigned i = 0; i < node->count; i++) {
            append(order, &chain[(unsigned)(word[i] >> shift) & mask], node->key[i], node->other[i],
                node->ref[i]);
        }
        vmi_slab_give(order->nodes, index);
    }
    load->chain = join(order, chain, mask + 1);
}

/* Sort by the key, or by `other`, of which these bits are not everywhere the same. */
static void
sort(struct vmi_load *load, bool by_other, uint64_t differing, unsigned width)
{
    uint64_t left = differing;

    while (left != 0) {
        const unsigned shift = vmi_lowest_bit(left);
        deal(load, by_other, shift, width);
        left = left >> shift >> width << width << shift;
    }
}

static void
give_chain(struct vmi_order *order, uint32_t index)
{
    while (index != 0) {
        const uint32_t next = vmi_node_at(order, index)->level;
        vmi_slab_give(order->nodes, index);
        index = next;
    }
}

/* Move the entries together: all nodes but the last one are full. */
static void
pack(struct vmi_load *load)
{
    struct vmi_order *order = load->order;
    struct vmi_node *to = vmi_node_at(order, load->chain.first);
    unsigned filled = 0;
    uint32_t next;

    load->chain.last = load->chain.first;
    for (uint32_t index = load->chain.first; index != 0; index = next) {
        const struct vmi_node *node = vmi_node_at(order, index);
        const unsigned count = node->count;
        next = node->level;
        for (unsigned moved = 0; moved < count;) {
            unsigned more;
            if (filled == VMI_FANOUT) {
                load->chain.last = to->level;
                to = vmi_node_at(order, to->level);
                filled = 0;
            }
            more = count - moved < VMI_FANOUT - filled ? count - moved : VMI_FANOUT - filled;
            vmi_node_move(to, filled, node, moved, more);
            moved += more;
            filled += more;
            to->count = filled;
        }
    }
    give_chain(order, to->level);
    to->level = 0;
}

/* Give the nodes of a chain their level; returns the chain of the nodes above them. */
static struct vmi_chain
link_level(struct vmi_order *order, struct vmi_chain chain, uint32_t level)
{
    struct vmi_chain above = { 0 };
    uint32_t next;

    for (uint32_t index = chain.first; index != 0; index = next) {
        struct vmi_node *node = vmi_node_at(order, index);
        next = node->level;
        node->level = level;
        vmi_node_pad(order, node);
        if (chain.first != chain.last) {
            append(order, &above, node->key[0], vmi_node_summary(order, node), index);
        }
    }
    return above;
}

void
vmi_load_end(struct vmi_load *load)
{
    struct vmi_order *order = load->order;
    const unsigned width = digit_width(nodes_for(load->count), order->nodes->free_count);

    if (load->count == 0) {
        return;
    }
    if (order->by_size) {
        sort(load, true, load->other_any & ~load->other_all, width);
    }
    sort(load, false, load->key_any & ~load->key_all, width);
    pack(load);
    for (struct vmi_chain chain = load->chain; chain.first != 0; order->levels++) {
        order->root = chain.first;
        chain = link_level(order, chain, order->levels);
    }
    order->count = load->count;
}
