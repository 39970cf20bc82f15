/*
 * order - holes and spans in order; the essay is in order.h.       SPDX-License-Identifier: BSD-2-Clause
 */
#include "structures/order_node.h"

enum {
    JOIN_BELOW = VMI_FANOUT / 4,      /* a node with fewer entries looks for a neighbour */
    JOIN_AT_MOST = VMI_FANOUT * 3 / 4 /* entries of two neighbours that may become one */
};

/* Go into a node: all its lines are wanted soon, and it may be far away. */
static struct vmi_node *
enter_node(const struct vmi_order *order, uint32_t index)
{
    struct vmi_node *node = vmi_node_at(order, index);

    vmi_prefetch(node, sizeof *node);
    return node;
}

void
vmi_order_init(struct vmi_order *order, struct vmi_slab *nodes, bool by_size)
{
    *order = (struct vmi_order){ .nodes = nodes, .by_size = by_size };
}

static bool
is_after(const struct vmi_order *order, const struct vmi_node *node, unsigned slot, uint64_t key,
    uint64_t other)
{
    if (node->key[slot] != key) {
        return node->key[slot] > key;
    }
    return order->by_size && node->other[slot] > other;
}

/* 1 if the entry at `slot` is at or before (key, other), else 0; in address order before key alone. */
static inline unsigned
is_reached(const struct vmi_node *node, unsigned slot, uint64_t key, uint64_t other, bool by_size)
{
    const unsigned is_past = vmi_is_below(key, node->key[slot]);

    if (!by_size) {
        return is_past ^ 1u;
    }
    return (is_past |
               ((unsigned)(key == node->key[slot]) & vmi_is_below(other, node->other[slot]))) ^
        1u;
}

/*
 * In two steps, of which third and where in it, each of which looks at its entries at once; without a
 * branch, for where a key lies is anybody's guess, and without a look at the count, thanks to O4.
 */
static inline unsigned
rank_as(const struct vmi_node *node, uint64_t key, uint64_t other, bool by_size)
{
    const unsigned third = VMI_FANOUT / 3;
    const unsigned from = third *
        (is_reached(node, third - 1, key, other, by_size) +
            is_reached(node, 2 * third - 1, key, other, by_size));
    unsigned reached = from;

    for (unsigned i = 0; i < third; i++) {
        reached += is_reached(node, from + i, key, other, by_size);
    }
    return vmi_select(vmi_is_below(reached, node->count), reached, node->count);
}

/* The number of entries that are not after (key, other). */
static unsigned
rank(const struct vmi_order *order, const struct vmi_node *node, uint64_t key, uint64_t other)
{
    return VMI_UNLIKELY(order->by_size) ? rank_as(node, key, other, true)
                                        : rank_as(node, key, other, false);
}

/* Before the first entry of the order, the slot of the leaf's step is this. */
#define BEFORE_FIRST (~0u)

void
vmi_order_go(const struct vmi_order *order, uint64_t key, uint64_t other, struct vmi_way *way)
{
    uint32_t index = order->root;
    unsigned depth = 0;

    way->depth = 0;
    way->step[0].slot = BEFORE_FIRST;
    for (uint32_t level = order->levels; level > 0; level--, depth++) {
        struct vmi_node *node = enter_node(order, index);
        const unsigned before = rank(order, node, key, other);
        const unsigned slot = before - (unsigned)(before > 0);
        way->step[depth].node = node;
        if (level == 1) {
            way->step[depth].slot = before - 1; /* BEFORE_FIRST if there is none before */
            way->depth = depth;
            return;
        }
        way->step[depth].slot = slot;
        index = node->ref[slot];
    }
}

void
vmi_order_approach(const struct vmi_order *order, uint64_t key)
{
    uint32_t index = order->root;

    for (uint32_t level = order->levels; level > 1; level--) {
        const struct vmi_node *node = vmi_node_at(order, index);
        const unsigned before = rank(order, node, key, 0);
        index = node->ref[before > 0 ? before - 1 : 0];
        (void)enter_node(order, index);
    }
}

/* Make the inner entry at `slot` tell the truth about `child`.  False if it did already. */
static bool
refresh_entry(const struct vmi_order *order, struct vmi_node *node, unsigned slot,
    const struct vmi_node *child)
{
    const uint64_t other = vmi_node_summary(order, child);

    if (node->key[slot] == child->key[0] && node->other[slot] == other) {
        return false;
    }
    node->key[slot] = child->key[0];
    node->other[slot] = other;
    return true;
}

/* Refresh the entries above step `depth`, as far up as they change. */
static void
refresh_above(const struct vmi_order *order, const struct vmi_way *way, unsigned depth)
{
    while (depth > 0) {
        const struct vmi_node *child = way->step[depth].node;
        depth--;
        if (!refresh_entry(order, way->step[depth].node, way->step[depth].slot, child)) {
            return;
        }
    }
}

static void
put_entry(struct vmi_node *node, unsigned slot, uint64_t key, uint64_t other, uint32_t ref)
{
    VMI_ASSERT(node->count < VMI_FANOUT && slot <= node->count);
    vmi_node_move(node, slot + 1, node, slot, node->count - slot);
    node->key[slot] = key;
    node->other[slot] = other;
    node->ref[slot] = ref;
    node->count++;
}

static void
drop_entry(const struct vmi_order *order, struct vmi_node *node, unsigned slot)
{
    vmi_node_move(node, slot, node, slot + 1, node->count - slot - 1);
    node->count--;
    vmi_node_pad_one(order, node, node->count);
}

static struct vmi_node *
new_node(struct vmi_order *order, uint32_t level, uint32_t *index)
{
    struct vmi_node *node;

    *index = vmi_slab_take(order->nodes);
    node = vmi_node_at(order, *index);
    node->count = 0;
    node->level = level;
    vmi_node_pad(order, node);
    return node;
}

/*
 * Split a full node before an insertion at `slot`: the upper entries go to a new right neighbour.
 * At the right edge only the new entry will.
 */
static struct vmi_node *
split(struct vmi_order *order, struct vmi_node *node, unsigned slot, uint32_t *right_index)
{
    struct vmi_node *right = new_node(order, node->level, right_index);
    const unsigned keep = slot == VMI_FANOUT ? VMI_FANOUT : VMI_FANOUT / 2;

    vmi_node_move(right, 0, node, keep, node->count - keep);
    right->count = node->count - keep;
    node->count = keep;
    vmi_node_pad(order, node);
    return right;
}

static void
grow_root(
    struct vmi_order *order, struct vmi_node *left, struct vmi_node *right, uint32_t right_index)
{
    uint32_t index;
    struct vmi_node *root = new_node(order, left->level + 1, &index);

    root->count = 2;
    root->ref[0] = order->root;
    root->ref[1] = right_index;
    (void)refresh_entry(order, root, 0, left);
    (void)refresh_entry(order, root, 1, right);
    order->root = index;
    order->levels++;
}

void
vmi_order_insert_here(
    struct vmi_order *order, const struct vmi_way *way, uint64_t key, uint64_t other, uint32_t tag)
{
    uint32_t ref = tag;

    VMI_ASSERT(order->nodes->free_count >= vmi_order_need(order));
    order->count++;
    if (order->root == 0) {
        put_entry(new_node(order, 0, &order->root), 0, key, other, tag);
        order->levels = 1;
        return;
    }
    for (unsigned depth = way->depth;; depth--) {
        struct vmi_node *node = way->step[depth].node;
        unsigned slot = rank(order, node, key, other);
        struct vmi_node *right;
        uint32_t right_index;
        if (node->count < VMI_FANOUT) {
            put_entry(node, slot, key, other, ref);
            refresh_above(order, way, depth);
            return;
        }
        right = split(order, node, slot, &right_index);
        if (slot > node->count || right->count == 0) {
            put_entry(right, slot - node->count, key, other, ref);
        } else {
            put_entry(node, slot, key, other, ref);
        }
        if (depth == 0) {
            grow_root(order, node, right, right_index);
            return;
        }
        refresh_above(order, way, depth);
        key = right->key[0];
        other = vmi_node_summary(order, right);
        ref = right_index;
    }
}

void
vmi_order_insert(struct vmi_order *order, uint64_t key, uint64_t other, uint32_t tag)
{
    struct vmi_way way;

    vmi_order_go(order, key, other, &way);
    vmi_order_insert_here(order, &way, key, other, tag);
}

/* Join the child at `slot` with its right neighbour, if both are small enough together. */
static bool
join(struct vmi_order *order, struct vmi_node *node, unsigned slot)
{
    struct vmi_node *left;
    struct vmi_node *right;

    if (slot + 1 >= node->count) {
        return false;
    }
    left = vmi_node_at(order, node->ref[slot]);
    right = vmi_node_at(order, node->ref[slot + 1]);
    if (left->count + right->count > JOIN_AT_MOST) {
        return false;
    }
    vmi_node_move(left, left->count, right, 0, right->count);
    left->count += right->count;
    vmi_slab_give(order->nodes, node->ref[slot + 1]);
    drop_entry(order, node, slot + 1);
    (void)refresh_entry(order, node, slot, left);
    return true;
}

/* A root with one child is one level too many; an empty root is none at all. */
static void
shrink_root(struct vmi_order *order)
{
    struct vmi_node *root = vmi_node_at(order, order->root);

    while (root->level > 0 && root->count == 1) {
        const uint32_t child = root->ref[0];
        vmi_slab_give(order->nodes, order->root);
        order->root = child;
        order->levels--;
        root = vmi_node_at(order, child);
    }
    if (root->count == 0) {
        vmi_slab_give(order->nodes, order->root);
        order->root = 0;
        order->levels = 0;
    }
}

void
vmi_order_remove_here(struct vmi_order *order, const struct vmi_way *way)
{
    unsigned depth = way->depth;

    drop_entry(order, way->step[depth].node, way->step[depth].slot);
    order->count--;
    while (depth > 0) {
        const struct vmi_node *child = way->step[depth].node;
        struct vmi_node *parent = way->step[depth - 1].node;
        const unsigned slot = way->step[depth - 1].slot;
        if (child->count == 0) {
            vmi_slab_give(order->nodes, parent->ref[slot]);
            drop_entry(order, parent, slot);
        } else if (child->count < JOIN_BELOW) {
            (void)refresh_entry(order, parent, slot, child);
            (void)(join(order, parent, slot) || (slot > 0 && join(order, parent, slot - 1)));
        } else {
            refresh_above(order, way, depth);
            return;
        }
        depth--;
    }
    shrink_root(order);
}

void
vmi_order_remove(struct vmi_order *order, uint64_t key, uint64_t other)
{
    struct vmi_way way;

    vmi_order_go(order, key, other, &way);
    VMI_ASSERT(way.step[way.depth].node->key[way.step[way.depth].slot] == key);
    vmi_order_remove_here(order, &way);
}

void
vmi_order_update_here(
    struct vmi_order *order, const struct vmi_way *way, uint64_t key, uint64_t other, uint32_t tag)
{
    struct vmi_node *leaf = way->step[way->depth].node;
    const unsigned slot = way->step[way->depth].slot;

    VMI_ASSERT(!order->by_size);
    leaf->key[slot] = key;
    leaf->other[slot] = other;
    leaf->ref[slot] = tag;
    refresh_above(order, way, way->depth);
}

void
vmi_order_update(
    struct vmi_order *order, uint64_t key, uint64_t new_key, uint64_t new_other, uint32_t tag)
{
    struct vmi_way way;

    vmi_order_go(order, key, 0, &way);
    VMI_ASSERT(way.step[way.depth].node->key[way.step[way.depth].slot] == key);
    vmi_order_update_here(order, &way, new_key, new_other, tag);
}

void
vmi_order_clear(struct vmi_order *order)
{
    struct vmi_way way;
    unsigned depth = 0;

    if (order->root == 0) {
        return;
    }
    way.step[0].node = vmi_node_at(order, order->root);
    way.step[0].slot = 0;
    for (;;) {
        struct vmi_node *node = way.step[depth].node;
        if (node->level > 0 && way.step[depth].slot < node->count) {
            const uint32_t child = node->ref[way.step[depth].slot++];
            depth++;
            way.step[depth].node = vmi_node_at(order, child);
            way.step[depth].slot = 0;
            continue;
        }
        if (depth == 0) {
            break;
        }
        depth--;
        vmi_slab_give(order->nodes, way.step[depth].node->ref[way.step[depth].slot - 1]);
    }
    vmi_slab_give(order->nodes, order->root);
    vmi_order_init(order, order->nodes, order->by_size);
}

static void
take_entry(const struct vmi_node *leaf, unsigned slot, struct vmi_entry *entry)
{
    *entry = (struct vmi_entry){ leaf->key[slot], leaf->other[slot], leaf->ref[slot] };
}

bool
vmi_order_here(const struct vmi_way *way, struct vmi_entry *entry)
{
    const unsigned slot = way->step[way->depth].slot;

    if (slot == BEFORE_FIRST) {
        return false;
    }
    take_entry(way->step[way->depth].node, slot, entry);
    return true;
}

bool
vmi_order_next(
    const struct vmi_order *order, struct vmi_way *way, uint64_t least, struct vmi_entry *entry)
{
    unsigned depth = way->depth;
    unsigned slot;

    if (order->root == 0) {
        return false;
    }
    VMI_ASSERT(!order->by_size || least == 0);
    slot = way->step[depth].slot + 1; /* BEFORE_FIRST becomes 0 */
    for (;;) {
        const struct vmi_node *node = way->step[depth].node;
        while (slot < node->count && node->other[slot] < least) {
            slot++;
        }
        if (slot < node->count) {
            way->step[depth].slot = slot;
            if (node->level == 0) {
                take_entry(node, slot, entry);
                return true;
            }
            depth++;
            way->step[depth].node = enter_node(order, node->ref[slot]);
            slot = 0;
        } else if (depth == 0) {
            return false;
        } else {
            depth--;
            slot = way->step[depth].slot + 1;
        }
    }
}

bool
vmi_order_previous(
    const struct vmi_order *order, struct vmi_way *way, uint64_t least, struct vmi_entry *entry)
{
    unsigned depth = way->depth;
    unsigned slots; /* entries of the node that are still to be looked at, from its first */

    if (order->root == 0) {
        return false;
    }
    VMI_ASSERT(!order->by_size || least == 0);
    slots = way->step[depth].slot == BEFORE_FIRST ? 0 : way->step[depth].slot;
    for (;;) {
        const struct vmi_node *node = way->step[depth].node;
        while (slots > 0 && node->other[slots - 1] < least) {
            slots--;
        }
        if (slots > 0) {
            way->step[depth].slot = slots - 1;
            if (node->level == 0) {
                take_entry(node, slots - 1, entry);
                return true;
            }
            depth++;
            way->step[depth].node = enter_node(order, node->ref[slots - 1]);
            slots = way->step[depth].node->count;
        } else if (depth == 0) {
            return false;
        } else {
            depth--;
            slots = way->step[depth].slot;
        }
    }
}

bool
vmi_order_seek(const struct vmi_order *order, uint64_t key, uint64_t other, uint64_t least,
    struct vmi_entry *entry)
{
    struct vmi_way way;
    struct vmi_entry here;

    vmi_order_go(order, key, other, &way);
    if (vmi_order_here(&way, &here) && here.key == key &&
        (order->by_size ? here.other == other : here.other >= least)) {
        *entry = here;
        return true;
    }
    return vmi_order_next(order, &way, least, entry);
}

bool
vmi_order_seek_back(
    const struct vmi_order *order, uint64_t key, uint64_t least, struct vmi_entry *entry)
{
    struct vmi_way way;
    struct vmi_entry here;

    VMI_ASSERT(!order->by_size);
    vmi_order_go(order, key, 0, &way);
    if (vmi_order_here(&way, &here) && here.other >= least) {
        *entry = here;
        return true;
    }
    return vmi_order_previous(order, &way, least, entry);
}

uint64_t
vmi_order_largest(const struct vmi_order *order)
{
    VMI_ASSERT(!order->by_size);
    return order->root == 0 ? 0 : vmi_node_largest_other(vmi_node_at(order, order->root));
}

/* O1, O2 and O4 within one node. */
static const char *
check_node(const struct vmi_order *order, const struct vmi_node *node)
{
    if (node->count == 0 || node->count > VMI_FANOUT) {
        return "O3: no node is empty or overfull";
    }
    for (unsigned i = node->count; i < VMI_FANOUT; i++) {
        if (node->key[i] != UINT64_MAX || node->other[i] != (order->by_size ? UINT64_MAX : 0)) {
            return "O4: behind the last entry a node is padded";
        }
    }
    for (unsigned i = 1; i < node->count; i++) {
        if (!is_after(order, node, i, node->key[i - 1], node->other[i - 1])) {
            return "O1: entries are in ascending order";
        }
    }
    for (unsigned i = 0; node->level > 0 && i < node->count; i++) {
        const struct vmi_node *child = vmi_node_at(order, node->ref[i]);
        if (child->count == 0 || child->count > VMI_FANOUT) {
            return "O3: no node is empty or overfull";
        }
        if (child->level + 1 != node->level) {
            return "O3: all leaves are on one level";
        }
        if (node->key[i] != child->key[0] || node->other[i] != vmi_node_summary(order, child)) {
            return "O2: an inner entry tells the truth about its child";
        }
        if (i + 1 < node->count &&
            !is_after(
                order, node, i + 1, child->key[child->count - 1], child->other[child->count - 1])) {
            return "O1: a child ends before the next begins";
        }
    }
    return NULL;
}

const char *
vmi_order_check(const struct vmi_order *order)
{
    struct vmi_way way;
    unsigned depth = 0;
    uint64_t entries = 0;

    if (order->root == 0) {
        return order->count == 0 && order->levels == 0 ? NULL : "O3: count counts the entries";
    }
    if (vmi_node_at(order, order->root)->level + 1 != order->levels) {
        return "O3: the root is on the highest level";
    }
    way.step[0].node = vmi_node_at(order, order->root);
    way.step[0].slot = 0;
    for (;;) {
        const struct vmi_node *node = way.step[depth].node;
        if (way.step[depth].slot == 0) {
            const char *broken = check_node(order, node);
            if (broken != NULL) {
                return broken;
            }
            entries += node->level == 0 ? node->count : 0;
        }
        if (node->level > 0 && way.step[depth].slot < node->count) {
            const uint32_t child = node->ref[way.step[depth].slot++];
            depth++;
            way.step[depth].node = vmi_node_at(order, child);
            way.step[depth].slot = 0;
            continue;
        }
        if (depth == 0) {
            return entries == order->count ? NULL : "O3: count counts the entries";
        }
        depth--;
    }
}
