/*
 * test_order_load - an order that is filled all at once.           SPDX-License-Identifier: BSD-2-Clause
 *
 * Whatever is added, in whatever order:
 *  - O1 to O4 hold, and a walk meets exactly the entries that were added, in ascending order.
 *  - The leaves, and the nodes above them, are full: an order takes no node more than it must.
 *  - With vmi_load_least() nodes nothing fails, and while it lasts no more than these are taken; with
 *    vmi_load_ample() nodes no more than these.
 *  - It is an order like any other: what was added can be removed, something else inserted.
 *  - Clearing it gives every node back.
 *
 * Entries are drawn as a permutation, so that no two are equal: all keys close together, a quantum apart,
 * at both ends of the space, all over it; in size order many, or all, of the same size.
 */
#include "structures/order_load.h"
#include "unit.h"

enum { MANY = 14000, NODES = 3000, KINDS = 6 };

static const uint32_t counts[] = { 0, 1, 2, 23, 24, 25, 48, 49, 575, 576, 577, 600, 3000, 13824,
    13825, MANY };

struct fixture {
    struct vmi_slab nodes;
    struct vmi_order order;
    uint32_t total;
};

static void
set_up(struct fixture *f, bool by_size)
{
    vmi_slab_init(&f->nodes, VMI_NODE_LOG2);
    vmt_slab_feed(&f->nodes, NODES);
    vmi_order_init(&f->order, &f->nodes, by_size);
    f->total = f->nodes.free_count;
}

static void
tear_down(struct fixture *f)
{
    vmi_order_clear(&f->order);
    CHECK_U64(f->nodes.free_count, ==, f->total);
    vmt_slab_end(&f->nodes);
}

/* A number of its own for each i < count, in no order: 7919 is prime, and divides no count. */
static uint64_t
shuffled(uint32_t i, uint32_t count)
{
    return (uint64_t)i * 7919 % count;
}

/* The entry of an address whose rank is `rank`; ascending in rank. */
static uint64_t
place_of(unsigned kind, uint64_t rank, uint32_t count)
{
    switch (kind) {
    case 0:
        return rank; /* close together */
    case 1:
        return 0x40000000 + 4096 * rank; /* a quantum apart */
    case 2:
        return UINT64_MAX - (count - 1 - rank); /* up to the top */
    case 3:
        return rank < count / 2 ? rank : UINT64_MAX - (count - rank); /* both ends */
    case 4:
        return UINT64_MAX / count * rank + rank * rank % 997; /* everywhere */
    default:
        return count == 1 ? UINT64_MAX : UINT64_MAX / (count - 1) * rank;
    }
}

/* Sizes, of which there are few, many, one, or very large ones among small. */
static uint64_t
size_of(unsigned kind, uint64_t rank)
{
    static const uint64_t sizes[] = { 4096, 1, UINT64_MAX, 12288, 2 };

    return kind % 3 == 0 ? 1 + rank % 50 : kind % 3 == 1 ? 77 : sizes[rank * 31 % 5];
}

/* Add `count` entries and end.  The tag is the rank by address, plus 1. */
static void
load(struct fixture *f, unsigned kind, uint32_t count)
{
    struct vmi_load l;

    vmi_load_begin(&l, &f->order);
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t rank = shuffled(i, count);
        const uint64_t place = place_of(kind, rank, count);
        const uint64_t size = size_of(kind, rank);
        const bool by_size = f->order.by_size;
        vmi_load_add(&l, by_size ? size : place, by_size ? place : size, (uint32_t)rank + 1);
    }
    vmi_load_end(&l);
}

static void
check_entry(const struct fixture *f, unsigned kind, uint32_t count, const struct vmi_entry *entry)
{
    const uint64_t place = place_of(kind, entry->tag - 1, count);
    const uint64_t size = size_of(kind, entry->tag - 1);

    CHECK_U64(entry->key, ==, f->order.by_size ? size : place);
    CHECK_U64(entry->other, ==, f->order.by_size ? place : size);
}

/* Every entry once, in order: ascending says that none comes twice, the number that all do. */
static void
check_walk(const struct fixture *f, unsigned kind, uint32_t count)
{
    struct vmi_entry before = { 0 };
    struct vmi_entry entry;
    struct vmi_way way;
    uint32_t met = 0;

    vmi_order_go(&f->order, 0, 0, &way);
    if (count > 0 && vmi_order_here(&way, &entry)) {
        check_entry(f, kind, count, &entry);
        before = entry;
        met++;
    }
    while (vmi_order_next(&f->order, &way, 0, &entry)) {
        CHECK_OR_RETURN(entry.tag > 0 && entry.tag <= count);
        check_entry(f, kind, count, &entry);
        if (met > 0) {
            CHECK(before.key < entry.key ||
                (f->order.by_size && before.key == entry.key && before.other < entry.other));
        }
        before = entry;
        met++;
    }
    CHECK_U64(met, ==, count);
}

/* Nodes of a tree without a gap. */
static uint32_t
nodes_of(uint32_t count)
{
    uint32_t nodes = 0;

    for (uint32_t level = (count + VMI_FANOUT - 1) / VMI_FANOUT; level > 0;
         level = level == 1 ? 0 : (level + VMI_FANOUT - 1) / VMI_FANOUT) {
        nodes += level;
    }
    return nodes;
}

static void
check_load(bool by_size, unsigned kind, uint32_t count)
{
    struct fixture f;

    set_up(&f, by_size);
    vmt_context("entries", count);
    load(&f, kind, count);
    CHECK_HOLDS(vmi_order_check(&f.order));
    CHECK_U64(f.order.count, ==, count);
    CHECK_U64(f.total - f.nodes.free_count, ==, nodes_of(count));
    check_walk(&f, kind, count);
    tear_down(&f);
}

static void
test_entries_of_every_kind_and_number_come_out_in_order(void)
{
    for (unsigned i = 0; i < 2 * KINDS; i++) {
        for (size_t j = 0; j < sizeof counts / sizeof counts[0]; j++) {
            check_load(i % 2 == 1, i / 2, counts[j]);
        }
    }
}

/* Take nodes until `free` are left; the others are given back by tear_down(), with the slab. */
static void
leave_free(struct fixture *f, uint64_t free)
{
    while (f->nodes.free_count > free) {
        (void)vmi_slab_take(&f->nodes);
    }
    f->total = f->nodes.free_count;
}

/*
 * Exactly these nodes are there, and a take of one more would be a fault.  That they are all needed is
 * not promised, only that they are enough.
 */
static void
load_with(bool by_size, unsigned kind, uint32_t count, uint64_t nodes)
{
    struct fixture f;

    set_up(&f, by_size);
    vmt_context("entries", count);
    leave_free(&f, nodes);
    load(&f, kind, count);
    CHECK_HOLDS(vmi_order_check(&f.order));
    check_walk(&f, kind, count);
    tear_down(&f);
}

static void
test_the_nodes_that_are_asked_for_are_enough(void)
{
    for (unsigned i = 0; i < 2 * KINDS; i++) {
        for (size_t j = 0; j < sizeof counts / sizeof counts[0]; j++) {
            const uint64_t least = vmi_load_least(counts[j]);
            const uint64_t ample = vmi_load_ample(counts[j]);
            CHECK_U64(least, <=, ample);
            /* What an insertion of one by one takes, and at most some nodes more. */
            CHECK_U64(least, <=, nodes_of(counts[j]) + 5);
            CHECK_U64(ample, <=, 3 * (uint64_t)nodes_of(counts[j]) + 5);
            for (uint64_t nodes = least; nodes < ample; nodes += 1 + (ample - least) / 5) {
                load_with(i % 2 == 1, i / 2, counts[j], nodes);
            }
            load_with(i % 2 == 1, i / 2, counts[j], ample);
        }
    }
}

/* What a loaded order holds is told by a map of ranks. */
static void
change_at_random(bool by_size, unsigned kind, uint32_t count)
{
    struct vmt_rng rng = { .state = vmt_seed() };
    const uint32_t half = count / 2;
    bool *is_in = vmt_zeroed(MANY * sizeof is_in[0]);
    uint32_t in = 0;
    struct fixture f;
    struct vmi_load l;

    set_up(&f, by_size);
    vmt_context("entries", count);
    vmi_load_begin(&l, &f.order);
    for (uint32_t i = 0; i < half; i++, in++) {
        const uint64_t rank = shuffled(i, count);
        const uint64_t place = place_of(kind, rank, count);
        const uint64_t size = size_of(kind, rank);
        vmi_load_add(&l, by_size ? size : place, by_size ? place : size, (uint32_t)rank + 1);
        is_in[rank] = true;
    }
    vmi_load_end(&l);
    for (uint64_t op = 0; op < vmt_ops(8000) && !vmt_failed(); op++) {
        const uint64_t rank = vmt_rng_below(&rng, count);
        const uint64_t place = place_of(kind, rank, count);
        const uint64_t size = size_of(kind, rank);
        const uint64_t key = by_size ? size : place;
        const uint64_t other = by_size ? place : size;
        struct vmi_entry entry = { 0 };
        CHECK((vmi_order_seek(&f.order, key, other, 0, &entry) && entry.tag == rank + 1) ==
            is_in[rank]);
        if (is_in[rank]) {
            vmi_order_remove(&f.order, key, other);
        } else {
            vmi_order_insert(&f.order, key, other, (uint32_t)rank + 1);
        }
        is_in[rank] = !is_in[rank];
        in += is_in[rank] ? 1 : (uint32_t)-1;
        CHECK_U64(f.order.count, ==, in);
        if (op % 64 == 0) {
            CHECK_HOLDS(vmi_order_check(&f.order));
        }
    }
    CHECK_HOLDS(vmi_order_check(&f.order));
    tear_down(&f);
    vmt_port_put(is_in, MANY * sizeof is_in[0]);
}

static void
test_a_loaded_order_is_one_like_any_other(void)
{
    static const uint32_t some[] = { 2, 46, 50, 1154, MANY };

    for (unsigned i = 0; i < 2 * KINDS; i++) {
        for (size_t j = 0; j < sizeof some / sizeof some[0]; j++) {
            change_at_random(i % 2 == 1, i / 2, some[j]);
        }
    }
}

static void
test_an_order_can_be_loaded_again_after_it_was_cleared(void)
{
    struct fixture f;

    set_up(&f, false);
    for (unsigned i = 0; i < 3; i++) {
        load(&f, 4, 3000);
        CHECK_HOLDS(vmi_order_check(&f.order));
        check_walk(&f, 4, 3000);
        vmi_order_clear(&f.order);
        CHECK_U64(f.nodes.free_count, ==, f.total);
    }
    tear_down(&f);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_entries_of_every_kind_and_number_come_out_in_order),
    VMT_TEST(test_the_nodes_that_are_asked_for_are_enough),
    VMT_TEST(test_a_loaded_order_is_one_like_any_other),
    VMT_TEST(test_an_order_can_be_loaded_again_after_it_was_cleared),
};

VMT_SUITE(tests);
