/*
 * test_order_check - the order's checker sees each broken field.  SPDX-License-Identifier: BSD-2-Clause
 *
 *    O1  entries are in strictly ascending order.
 *    O2  an inner entry has its child's first key, and its child's largest size or first start.
 *    O3  all leaves are on one level; no node but the root is empty; count counts the leaf entries.
 *    O4  behind its last entry, a node's keys are the largest number, and `other` cannot matter.
 *
 * A tree of three levels in each order.  One field of a node, in the root, an inner node or a leaf, is
 * broken, the checker must name the invariant; the field is mended, and the checker must be content
 * again.  The checker looks at a child's first entry before it looks into the child: what breaks both
 * O1 and O2 is chosen so that only one of them can be meant.
 */
#include "structures/order.h"
#include "unit.h"

enum { ENTRIES = 700 };

struct fixture {
    struct vmi_slab nodes;
    struct vmi_order order;
    struct vmi_node *root;
    struct vmi_node *inner; /* the first below the root */
    struct vmi_node *leaf;  /* the second below it */
    struct vmi_node *after; /* the leaf behind that */
};

static struct vmi_node *
child_of(const struct fixture *f, const struct vmi_node *node, unsigned slot)
{
    return vmi_slab_at(&f->nodes, node->ref[slot], VMI_NODE_LOG2);
}

/* By address: keys 100, 200, ...  By size: each size twice, starts ascending. */
static void
set_up(struct fixture *f, bool by_size)
{
    vmi_slab_init(&f->nodes, VMI_NODE_LOG2);
    vmt_slab_feed(&f->nodes, 200);
    vmi_order_init(&f->order, &f->nodes, by_size);
    for (uint32_t i = 1; i <= ENTRIES; i++) {
        if (by_size) {
            vmi_order_insert(&f->order, (uint64_t)100 * (i / 2), (uint64_t)10 * i, i);
        } else {
            vmi_order_insert(&f->order, (uint64_t)100 * i, 10 + i % 7, i);
        }
    }
    CHECK_U64(f->order.levels, ==, 3);
    f->root = vmi_slab_at(&f->nodes, f->order.root, VMI_NODE_LOG2);
    f->inner = child_of(f, f->root, 0);
    f->leaf = child_of(f, f->inner, 1);
    f->after = child_of(f, f->inner, 2);
    CHECK_U64(f->leaf->level, ==, 0);
    CHECK_HOLDS(vmi_order_check(&f->order));
}

static void
tear_down(struct fixture *f)
{
    vmi_order_clear(&f->order);
    vmt_slab_end(&f->nodes);
}

/* Break one field, look, mend it. */
#define BREAK(f, field, value, id) \
    do { \
        const __typeof__(field) old_ = (field); \
        (field) = (value); \
        CHECK_BREAKS(vmi_order_check(&(f).order), (id)); \
        (field) = old_; \
        CHECK_HOLDS(vmi_order_check(&(f).order)); \
    } while (0)

static void
test_entries_out_of_order_are_noticed(void)
{
    for (unsigned by_size = 0; by_size < 2; by_size++) {
        struct fixture f;
        set_up(&f, by_size == 1);
        vmt_context("by size", by_size);
        for (unsigned slot = 1; slot + 1 < f.leaf->count; slot++) {
            BREAK(f, f.leaf->key[slot], f.leaf->key[slot - 1] - 1, "O1");
            BREAK(f, f.leaf->key[slot], f.leaf->key[slot + 1] + 1, "O1");
        }
        BREAK(f, f.leaf->key[f.leaf->count - 1], f.after->key[0] + 1, "O1");
        BREAK(f, f.root->key[0], f.root->key[1] + 1, "O1");
        BREAK(f, f.inner->key[2], f.inner->key[1] - 1, "O1");
        tear_down(&f);
    }
}

static void
test_equal_entries_are_noticed(void)
{
    struct fixture f;

    set_up(&f, false);
    BREAK(f, f.leaf->key[3], f.leaf->key[2], "O1");
    BREAK(f, f.leaf->key[f.leaf->count - 1], f.after->key[0], "O1");
    tear_down(&f);
    set_up(&f, true);
    for (unsigned slot = 2; slot < f.leaf->count; slot++) {
        if (f.leaf->key[slot] == f.leaf->key[slot - 1]) {
            BREAK(f, f.leaf->other[slot], f.leaf->other[slot - 1], "O1");
            BREAK(f, f.leaf->other[slot], f.leaf->other[slot - 1] - 1, "O1");
        }
    }
    tear_down(&f);
}

static void
test_an_inner_entry_that_lies_is_noticed(void)
{
    for (unsigned by_size = 0; by_size < 2; by_size++) {
        struct fixture f;
        set_up(&f, by_size == 1);
        vmt_context("by size", by_size);
        for (unsigned slot = 0; slot < f.root->count; slot++) {
            BREAK(f, f.root->key[slot], f.root->key[slot] + 1, "O2");
            BREAK(f, f.root->other[slot], f.root->other[slot] + 1, "O2");
            BREAK(f, f.root->other[slot], f.root->other[slot] - 1, "O2");
        }
        for (unsigned slot = 0; slot < f.inner->count; slot++) {
            const bool is_first = slot == 0;
            if (!is_first) {
                BREAK(f, f.inner->key[slot], f.inner->key[slot] + 1, "O2");
            }
            BREAK(f, f.inner->other[slot], f.inner->other[slot] + 1, "O2");
        }
        BREAK(f, f.inner->ref[1], f.inner->ref[2], "O2");
        BREAK(f, f.leaf->key[0], f.leaf->key[0] + 1, "O2");
        tear_down(&f);
    }
}

static void
test_a_largest_size_that_is_not_is_noticed(void)
{
    struct fixture f;

    set_up(&f, false);
    for (unsigned slot = 0; slot < f.leaf->count; slot++) {
        BREAK(f, f.leaf->other[slot], 1000, "O2"); /* larger than is known above */
    }
    for (unsigned slot = 0; slot < f.inner->count; slot++) {
        BREAK(f, f.inner->other[slot], f.inner->other[slot] - 1, "O2");
    }
    tear_down(&f);
    set_up(&f, true);
    BREAK(f, f.leaf->other[0], f.leaf->other[0] + 1, "O2"); /* by size: the first start */
    tear_down(&f);
}

static void
test_a_wrong_count_of_entries_is_noticed(void)
{
    struct fixture f;

    set_up(&f, false);
    BREAK(f, f.order.count, ENTRIES + 1, "O3");
    BREAK(f, f.order.count, ENTRIES - 1, "O3");
    BREAK(f, f.order.count, 0, "O3");
    BREAK(f, f.order.root, 0, "O3"); /* everything is lost */
    BREAK(f, f.root->count, 0, "O3");
    BREAK(f, f.root->count, 1, "O4"); /* entries where there should be none */
    BREAK(f, f.root->count, VMI_FANOUT + 1, "O3");
    BREAK(f, f.leaf->count, f.leaf->count - 1, "O4");
    /* A leaf that lost its last entry neatly. */
    f.leaf->key[VMI_FANOUT - 1] = UINT64_MAX;
    f.leaf->other[VMI_FANOUT - 1] = 0;
    f.leaf->count--;
    CHECK_BREAKS(vmi_order_check(&f.order), "O3");
    f.leaf->count++;
    tear_down(&f);
}

static void
test_a_leaf_on_another_level_is_noticed(void)
{
    for (unsigned by_size = 0; by_size < 2; by_size++) {
        struct fixture f;
        set_up(&f, by_size == 1);
        vmt_context("by size", by_size);
        BREAK(f, f.leaf->level, 1, "O3");
        BREAK(f, f.inner->level, 0, "O3");
        BREAK(f, f.inner->level, 2, "O3");
        BREAK(f, f.root->level, 3, "O3");
        BREAK(f, f.root->ref[0], f.inner->ref[0], "O3");
        tear_down(&f);
    }
}

static void
test_a_wrong_number_of_levels_is_noticed(void)
{
    struct fixture f;

    set_up(&f, false);
    BREAK(f, f.order.levels, 2, "O3");
    BREAK(f, f.order.levels, 4, "O3");
    BREAK(f, f.order.levels, 0, "O3");
    tear_down(&f);
}

/* The number of a child's entries is looked at before the entries are. */
static void
test_an_empty_or_overfull_child_is_noticed(void)
{
    for (unsigned by_size = 0; by_size < 2; by_size++) {
        struct fixture f;
        set_up(&f, by_size == 1);
        vmt_context("by size", by_size);
        BREAK(f, f.leaf->count, VMI_FANOUT + 1, "O3");
        BREAK(f, f.inner->count, VMI_FANOUT + 1, "O3");
        BREAK(f, f.leaf->count, 0, "O3");
        BREAK(f, f.inner->count, 0, "O3");
        tear_down(&f);
    }
}

/* Behind the last entry: a search that looks at a whole node must not be led astray. */
static void
test_a_node_that_is_not_padded_is_noticed(void)
{
    for (unsigned by_size = 0; by_size < 2; by_size++) {
        struct fixture f;
        set_up(&f, by_size == 1);
        vmt_context("by size", by_size);
        CHECK_U64(f.root->count, <, VMI_FANOUT);
        for (unsigned slot = f.root->count; slot < VMI_FANOUT; slot++) {
            BREAK(f, f.root->key[slot], UINT64_MAX - 1, "O4");
            BREAK(f, f.root->other[slot], 1, "O4");
        }
        vmi_order_remove(&f.order, f.leaf->key[5], f.leaf->other[5]);
        CHECK_HOLDS(vmi_order_check(&f.order));
        BREAK(f, f.leaf->key[VMI_FANOUT - 1], 0, "O4");
        BREAK(f, f.leaf->other[VMI_FANOUT - 1], 2, "O4");
        tear_down(&f);
    }
}

static void
test_an_empty_order_that_says_otherwise_is_noticed(void)
{
    struct fixture f;

    vmi_slab_init(&f.nodes, VMI_NODE_LOG2);
    vmi_order_init(&f.order, &f.nodes, false);
    CHECK_HOLDS(vmi_order_check(&f.order));
    BREAK(f, f.order.count, 1, "O3");
    BREAK(f, f.order.levels, 1, "O3");
    vmt_slab_end(&f.nodes);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_entries_out_of_order_are_noticed),
    VMT_TEST(test_equal_entries_are_noticed),
    VMT_TEST(test_an_inner_entry_that_lies_is_noticed),
    VMT_TEST(test_a_largest_size_that_is_not_is_noticed),
    VMT_TEST(test_a_wrong_count_of_entries_is_noticed),
    VMT_TEST(test_a_leaf_on_another_level_is_noticed),
    VMT_TEST(test_a_wrong_number_of_levels_is_noticed),
    VMT_TEST(test_an_empty_or_overfull_child_is_noticed),
    VMT_TEST(test_a_node_that_is_not_padded_is_noticed),
    VMT_TEST(test_an_empty_order_that_says_otherwise_is_noticed),
};

VMT_SUITE(tests);
