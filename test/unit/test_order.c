/*
 * test_order - holes and spans in order, against a sorted array.  SPDX-License-Identifier: BSD-2-Clause
 *
 * Both orders (by address: key = start, other = size; by size: key = size, other = start) hold at
 * every moment what a sorted array of the same entries holds:
 *  - O1 to O4 hold (vmi_order_check()), count is the array's, vmi_order_largest() its largest size.
 *  - seek and seek_back give the array's next, and previous, entry of at least `least` units, from keys
 *    that are there, beside them and at both ends of the space; or leave *entry alone.
 *  - A way goes to the array's last entry at or before a key, and from there on and back, entry by entry
 *    or over the entries that are too small.
 *  - What is inserted, removed or updated where a way leads is as if it were looked for by its key.
 *  - An insertion takes at most vmi_order_need() nodes, and one that splits the root so many; clearing, or removing everything, gives all back.
 *  - Entries inserted in ascending order fill their nodes.
 *
 * The trees are up to 3 levels high (3000 entries at half-full nodes of 24), grown and shrunk in waves:
 * splits, joins, roots that come and go.
 */
#include "structures/order.h"
#include "unit.h"

enum { MANY = 3000, NODES = 2000 };

struct fixture {
    struct vmi_slab nodes;
    struct vmi_order order;
    uint32_t total; /* nodes in all */
    uint32_t count; /* of the array */
    struct vmi_entry *array;
};

static void
set_up(struct fixture *f, bool by_size)
{
    vmi_slab_init(&f->nodes, VMI_NODE_LOG2);
    vmt_slab_feed(&f->nodes, NODES);
    vmi_order_init(&f->order, &f->nodes, by_size);
    f->total = f->nodes.free_count;
    f->count = 0;
    f->array = vmt_zeroed(MANY * sizeof f->array[0]);
}

static void
tear_down(struct fixture *f)
{
    vmi_order_clear(&f->order);
    CHECK_U64(f->nodes.free_count, ==, f->total);
    vmt_port_put(f->array, MANY * sizeof f->array[0]);
    vmt_slab_end(&f->nodes);
}

static unsigned insertions_that_need_all;

static bool
is_less(const struct fixture *f, const struct vmi_entry *a, uint64_t key, uint64_t other)
{
    return a->key < key || (f->order.by_size && a->key == key && a->other < other);
}

/* The array's first entry that is not before (key, other). */
static uint32_t
place_of(const struct fixture *f, uint64_t key, uint64_t other)
{
    uint32_t low = 0;
    uint32_t high = f->count;

    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (is_less(f, &f->array[middle], key, other)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool
is_there(const struct fixture *f, uint64_t key, uint64_t other)
{
    const uint32_t place = place_of(f, key, other);

    return place < f->count && f->array[place].key == key &&
        (!f->order.by_size || f->array[place].other == other);
}

static void
insert(struct fixture *f, uint64_t key, uint64_t other, uint32_t tag)
{
    const uint32_t place = place_of(f, key, other);
    const uint32_t need = vmi_order_need(&f->order);
    const uint32_t before = f->nodes.free_count;

    vmi_order_insert(&f->order, key, other, tag);
    CHECK_U64(before - f->nodes.free_count, <=, need);
    insertions_that_need_all += before - f->nodes.free_count == need && need > 1;
    for (uint32_t i = f->count; i > place; i--) {
        f->array[i] = f->array[i - 1];
    }
    f->array[place] = (struct vmi_entry){ key, other, tag };
    f->count++;
}

static void
remove_at(struct fixture *f, uint32_t place)
{
    vmi_order_remove(&f->order, f->array[place].key, f->array[place].other);
    f->count--;
    for (uint32_t i = place; i < f->count; i++) {
        f->array[i] = f->array[i + 1];
    }
}

static const struct vmi_entry untouched = { 0xdead, 0xbeef, 77 };

static void
check_entry(const struct vmi_entry *have, bool is_found, const struct vmi_entry *want)
{
    CHECK(is_found == (want != NULL));
    if (want == NULL) {
        want = &untouched;
    }
    CHECK_U64(have->key, ==, want->key);
    CHECK_U64(have->other, ==, want->other);
    CHECK_U64(have->tag, ==, want->tag);
}

static void
check_seek(const struct fixture *f, uint64_t key, uint64_t other, uint64_t least)
{
    struct vmi_entry have = untouched;
    uint32_t place = place_of(f, key, other);
    bool is_found = vmi_order_seek(&f->order, key, other, least, &have);

    while (place < f->count && f->array[place].other < least) {
        place++;
    }
    check_entry(&have, is_found, place < f->count ? &f->array[place] : NULL);
    if (f->order.by_size) {
        return;
    }
    have = untouched;
    is_found = vmi_order_seek_back(&f->order, key, least, &have);
    place = place_of(f, key, 0);
    place += place < f->count && f->array[place].key == key ? 1 : 0;
    while (place > 0 && f->array[place - 1].other < least) {
        place--;
    }
    check_entry(&have, is_found, place > 0 ? &f->array[place - 1] : NULL);
}

static void
check_whole(const struct fixture *f)
{
    uint64_t largest = 0;

    CHECK_HOLDS(vmi_order_check(&f->order));
    CHECK_U64(f->order.count, ==, f->count);
    CHECK((f->order.root == 0) == (f->count == 0));
    CHECK((f->order.levels == 0) == (f->count == 0));
    for (uint32_t i = 0; i < f->count; i++) {
        largest = f->array[i].other > largest ? f->array[i].other : largest;
    }
    if (!f->order.by_size) {
        CHECK_U64(vmi_order_largest(&f->order), ==, largest);
    }
}

/* Seek from a key, beside it, for sizes that some, few and no entries have. */
static void
check_seeks_around(const struct fixture *f, uint64_t key, uint64_t other, uint64_t least)
{
    for (uint64_t i = 0; i < 3; i++) {
        check_seek(f, key - 1 + i, other, 0);
        check_seek(f, key, other - 1 + i, 0);
        if (!f->order.by_size) {
            check_seek(f, key - 1 + i, other, least);
            check_seek(f, key, other, least - 1 + i);
        }
    }
}

static void
check_seeks_at_the_ends(const struct fixture *f)
{
    check_seek(f, 0, 0, 0);
    check_seek(f, UINT64_MAX, UINT64_MAX, 0);
    check_seek(f, 0, UINT64_MAX, 0);
    check_seek(f, UINT64_MAX, 0, 0);
    if (!f->order.by_size) {
        check_seek(f, 0, 0, UINT64_MAX);
        check_seek(f, UINT64_MAX, 0, UINT64_MAX);
        check_seek(f, 0, 0, vmi_order_largest(&f->order));
        check_seek(f, UINT64_MAX, 0, vmi_order_largest(&f->order));
    }
}

static void
test_an_empty_order_finds_nothing(void)
{
    for (unsigned by_size = 0; by_size < 2; by_size++) {
        struct fixture f;
        set_up(&f, by_size == 1);
        check_whole(&f);
        check_seeks_at_the_ends(&f);
        vmi_order_clear(&f.order);
        check_whole(&f);
        tear_down(&f);
    }
}

/* Every way that one entry can lie to what is sought, at all corners of the space. */
static void
test_one_entry_is_found_from_where_it_should_be(void)
{
    static const uint64_t values[] = { 0, 1, 1000, UINT64_MAX - 1, UINT64_MAX };

    for (unsigned by_size = 0; by_size < 2; by_size++) {
        for (unsigned i = 0; i < 25; i++) {
            struct fixture f;
            set_up(&f, by_size == 1);
            vmt_context("values", i);
            insert(&f, values[i / 5], values[i % 5], 1);
            check_whole(&f);
            check_seeks_at_the_ends(&f);
            for (unsigned j = 0; j < 25; j++) {
                check_seek(&f, values[j / 5], values[j % 5], 0);
                if (by_size == 0) {
                    check_seek(&f, values[j / 5], 0, values[j % 5]);
                }
            }
            remove_at(&f, 0);
            check_whole(&f);
            tear_down(&f);
        }
    }
}

/* Ascending, descending, from the middle outwards; and emptied in each of these ways. */
static void
fill_and_empty(bool by_size, unsigned way_in, unsigned way_out)
{
    const uint32_t n = 700;
    struct fixture f;

    set_up(&f, by_size);
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t ordinal = way_in == 0 ? i
            : way_in == 1                    ? n - 1 - i
                                             : (i % 2 == 0 ? n / 2 + i / 2 : n / 2 - 1 - i / 2);
        /* By size, every key comes four times. */
        const uint64_t key = by_size ? ordinal / 4 : 10u * ordinal;
        insert(&f, key, by_size ? 5u * ordinal : ordinal * 7919u % 613, ordinal + 1);
        if (i % 16 == 0) {
            check_whole(&f);
            check_seeks_around(&f, key, (uint64_t)5 * ordinal, 300);
        }
    }
    check_whole(&f);
    if (way_in == 0) {
        /* Leaves of 24, and above them nodes of 24: nothing is wasted. */
        CHECK_U64(f.total - f.nodes.free_count, ==, (n + 23) / 24 + 2 + 1);
        CHECK_U64(f.order.levels, ==, 3);
    }
    check_seeks_at_the_ends(&f);
    while (f.count > 0) {
        remove_at(&f, way_out == 0 ? 0 : way_out == 1 ? f.count - 1 : f.count / 2);
        if (f.count % 16 == 0 || f.count < 30) {
            check_whole(&f);
            check_seeks_at_the_ends(&f);
        }
    }
    CHECK_U64(f.nodes.free_count, ==, f.total);
    tear_down(&f);
}

static void
test_filling_and_emptying_in_every_direction(void)
{
    for (unsigned i = 0; i < 18; i++) {
        vmt_context("way", i);
        fill_and_empty(i / 9 == 1, i / 3 % 3, i % 3);
    }
}

static void
test_a_root_that_splits_takes_all_that_it_may_need(void)
{
    insertions_that_need_all = 0;
    fill_and_empty(false, 0, 0);
    CHECK_U64(insertions_that_need_all, ==, 2); /* to two levels, and to three */
}

/* Most entries go, here and there: what is left does not lie alone in its nodes. */
static void
test_nodes_that_become_small_are_joined(void)
{
    enum { LEFT = 200 };
    struct vmt_rng rng = { .state = vmt_seed() };
    struct fixture f;

    set_up(&f, false);
    for (uint32_t i = 0; i < MANY; i++) {
        insert(&f, i, 1, i + 1);
    }
    while (f.count > LEFT) {
        remove_at(&f, (uint32_t)vmt_rng_below(&rng, f.count));
    }
    check_whole(&f);
    /* Of two neighbours in a node, if one is below a quarter, both are above three quarters together. */
    CHECK_U64(f.total - f.nodes.free_count, <=, LEFT / 6 + 4);
    while (f.count > 5) {
        remove_at(&f, (uint32_t)vmt_rng_below(&rng, f.count));
    }
    CHECK_U64(f.order.levels, ==, 1);
    CHECK_U64(f.total - f.nodes.free_count, ==, 1);
    tear_down(&f);
}

static void
test_clearing_gives_every_node_back(void)
{
    static const uint32_t counts[] = { 1, 24, 25, 48, 49, 576, 577, 1200, 3000 };

    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct fixture f;
        set_up(&f, i % 2 == 0);
        vmt_context("entries", counts[i]);
        for (uint32_t j = 0; j < counts[i]; j++) {
            insert(&f, (uint32_t)(j * 2654435761u), j, j + 1);
        }
        vmi_order_clear(&f.order);
        CHECK_U64(f.nodes.free_count, ==, f.total);
        CHECK(f.order.by_size == (i % 2 == 0) && f.order.nodes == &f.nodes);
        f.count = 0;
        check_whole(&f);
        insert(&f, 5, 5, 5); /* and it is usable */
        check_whole(&f);
        tear_down(&f);
    }
}

static void
test_two_orders_share_their_nodes(void)
{
    struct fixture f;
    struct vmi_order other;

    set_up(&f, false);
    vmi_order_init(&other, &f.nodes, true);
    for (uint32_t i = 0; i < 1000; i++) {
        insert(&f, (uint64_t)10 * i, i % 50 + 1, i + 1);
        vmi_order_insert(&other, i % 50 + 1, (uint64_t)10 * i, i + 1);
    }
    CHECK_HOLDS(vmi_order_check(&other));
    check_whole(&f);
    vmi_order_clear(&other);
    check_whole(&f);
    CHECK_U64(f.nodes.free_count, <, f.total);
    tear_down(&f);
}

static void
test_an_update_changes_an_entry_in_its_place(void)
{
    struct vmt_rng rng = { .state = vmt_seed() };
    struct fixture f;

    set_up(&f, false);
    for (uint32_t i = 0; i < 1500; i++) {
        insert(&f, 1000 + 100u * i, 1 + vmt_rng_below(&rng, 90), i + 1);
    }
    for (uint64_t op = 0; op < vmt_ops(3000) && !vmt_failed(); op++) {
        const uint32_t place = (uint32_t)vmt_rng_below(&rng, f.count);
        const uint64_t below = place > 0 ? f.array[place - 1].key : 0;
        const uint64_t above = place + 1 < f.count ? f.array[place + 1].key : UINT64_MAX;
        struct vmi_entry *entry = &f.array[place];
        const uint64_t old_key = entry->key;
        vmt_context("operation", op);
        entry->key = below + 1 + vmt_rng_below(&rng, above - below - 1);
        entry->other = vmt_rng_next(&rng) >> vmt_rng_below(&rng, 64);
        entry->tag = (uint32_t)vmt_rng_next(&rng);
        vmi_order_update(&f.order, old_key, entry->key, entry->other, entry->tag);
        if (op % 16 == 0) {
            check_whole(&f);
        }
        check_seeks_around(&f, entry->key, 0, entry->other);
    }
    check_whole(&f);
    tear_down(&f);
}

/* Where the way should be: the number of entries at or before the key. */
static void
check_here(const struct fixture *f, const struct vmi_way *way, uint32_t entries)
{
    struct vmi_entry have = untouched;
    const bool is_found = vmi_order_here(way, &have);

    check_entry(&have, is_found, entries > 0 ? &f->array[entries - 1] : NULL);
}

/* From a key to both ends, over all entries of less than `least`. */
static void
walk_from(const struct fixture *f, uint64_t key, uint64_t other, uint64_t least)
{
    struct vmi_way way;
    struct vmi_entry have = untouched;
    uint32_t entries = place_of(f, key, other);

    entries += is_there(f, key, other) ? 1 : 0;
    vmi_order_go(&f->order, key, other, &way);
    check_here(f, &way, entries);
    for (uint32_t place = entries; place < f->count; place++) {
        if (f->array[place].other >= least) {
            CHECK_OR_RETURN(vmi_order_next(&f->order, &way, least, &have));
            check_entry(&have, true, &f->array[place]);
            check_here(f, &way, place + 1);
        }
    }
    have = untouched;
    CHECK(!vmi_order_next(&f->order, &way, least, &have));
    check_entry(&have, false, NULL);

    vmi_order_go(&f->order, key, other, &way);
    for (uint32_t place = entries; place > 1; place--) {
        if (f->array[place - 2].other >= least) {
            CHECK_OR_RETURN(vmi_order_previous(&f->order, &way, least, &have));
            check_entry(&have, true, &f->array[place - 2]);
            check_here(f, &way, place - 1);
        }
    }
    have = untouched;
    CHECK(!vmi_order_previous(&f->order, &way, least, &have));
    check_entry(&have, false, NULL);
}

static void
test_a_way_leads_through_all_entries_in_order(void)
{
    static const uint32_t counts[] = { 0, 1, 2, 24, 25, 60, 700 };

    for (unsigned i = 0; i < 2 * sizeof counts / sizeof counts[0]; i++) {
        const uint32_t count = counts[i / 2];
        struct fixture f;
        set_up(&f, i % 2 == 1);
        vmt_context("entries", count);
        for (uint32_t j = 1; j <= count; j++) {
            insert(&f, i % 2 == 1 ? j / 3 : 10u * j, i % 2 == 1 ? j : 1 + j * 7919u % 61, j);
        }
        for (uint32_t step = 0; step < 5; step++) {
            const uint64_t key = (uint64_t)(i % 2 == 1 ? count / 12 : count * 10 / 4) * step;
            walk_from(&f, key, count / 2, 0);
            walk_from(&f, key + 1, 0, 0);
            if (i % 2 == 0) {
                walk_from(&f, key, 0, 30);
                walk_from(&f, key, 0, 61);
                walk_from(&f, key, 0, 62);
            }
        }
        walk_from(&f, UINT64_MAX, UINT64_MAX, 0);
        walk_from(&f, 0, 0, 0);
        tear_down(&f);
    }
}

/* The array's entry that a way leads to, which it came to by vmi_order_next() or _previous(). */
static uint32_t
go_by_steps(const struct fixture *f, struct vmt_rng *rng, struct vmi_way *way)
{
    struct vmi_entry entry = untouched;

    vmi_order_go(&f->order, vmt_rng_below(rng, f->array[f->count - 1].key + 2), 0, way);
    if (vmt_rng_below(rng, 2) == 0) {
        (void)vmi_order_next(&f->order, way, vmt_rng_below(rng, 12), &entry);
    } else {
        (void)vmi_order_previous(&f->order, way, vmt_rng_below(rng, 12), &entry);
    }
    if (entry.tag == untouched.tag) {
        /* No such entry: the way ends there. */
        vmi_order_go(&f->order, f->array[f->count / 2].key, 0, way);
        (void)vmi_order_here(way, &entry);
    }
    return place_of(f, entry.key, 0);
}

/* Where a hole is carved: it shrinks, goes, or becomes two. */
static void
test_an_entry_is_changed_where_a_way_leads(void)
{
    struct vmt_rng rng = { .state = vmt_seed() };
    struct fixture f;

    set_up(&f, false);
    for (uint32_t i = 0; i < 800; i++) {
        insert(&f, 1000u * i, 1 + vmt_rng_below(&rng, 9), 100 + i);
    }
    for (uint64_t op = 0; op < vmt_ops(4000) && !vmt_failed(); op++) {
        struct vmi_way way;
        const uint32_t place = go_by_steps(&f, &rng, &way);
        struct vmi_entry *entry = &f.array[place];
        const uint64_t above = place + 1 < f.count ? f.array[place + 1].key : entry->key + 1000;
        vmt_context("operation", op);
        check_here(&f, &way, place + 1);
        if (f.count > 600 + op / 10 % 2 * 400) {
            vmi_order_remove_here(&f.order, &way);
            f.count--;
            memmove(entry, entry + 1, (f.count - place) * sizeof *entry);
        } else {
            entry->other = 1 + vmt_rng_below(&rng, 12);
            entry->tag++;
            vmi_order_update_here(&f.order, &way, entry->key, entry->other, entry->tag);
            check_here(&f, &way, place + 1);
            if (above - entry->key > 1) {
                const struct vmi_entry high = { (entry->key + above) / 2, op % 11 + 1, 7 };
                vmi_order_insert_here(&f.order, &way, high.key, high.other, high.tag);
                memmove(entry + 2, entry + 1, (f.count - place - 1) * sizeof *entry);
                entry[1] = high;
                f.count++;
            }
        }
        if (op % 16 == 0) {
            check_whole(&f);
        }
        check_seeks_around(&f, above, 0, 5);
    }
    check_whole(&f);
    tear_down(&f);
}

static void
test_a_way_can_turn_round(void)
{
    struct vmt_rng rng = { .state = vmt_seed() };
    struct fixture f;
    struct vmi_way way;
    struct vmi_entry have;
    uint32_t place = 350;

    set_up(&f, false);
    for (uint32_t i = 0; i < 700; i++) {
        /* Every tenth is large enough for all: no step goes far. */
        insert(&f, (uint64_t)10 * i, i % 10 == 0 ? 10 : 1 + vmt_rng_below(&rng, 9), i + 1);
    }
    vmi_order_go(&f.order, 3500, 0, &way);
    for (uint64_t op = 0; op < vmt_ops(5000); op++) {
        const uint64_t least = vmt_rng_below(&rng, 10);
        uint32_t want = place;
        vmt_context("operation", op);
        if (place < 20 || (place < 680 && vmt_rng_below(&rng, 2) == 0)) {
            do {
                want++;
            } while (f.array[want].other < least);
            CHECK_OR_RETURN(vmi_order_next(&f.order, &way, least, &have));
        } else {
            do {
                want--;
            } while (f.array[want].other < least);
            CHECK_OR_RETURN(vmi_order_previous(&f.order, &way, least, &have));
        }
        check_entry(&have, true, &f.array[want]);
        place = want;
    }
    tear_down(&f);
}

/* Sizes that make the search for a fit turn aside: mostly small, few large. */
static uint64_t
random_size(struct vmt_rng *rng)
{
    const uint64_t kind = vmt_rng_below(rng, 100);

    return kind < 80 ? 1 + vmt_rng_below(rng, 8)
        : kind < 99  ? 1 + vmt_rng_below(rng, 1000)
                     : vmt_rng_next(rng);
}

static void
compare_at_random(bool by_size, uint64_t key_bound, uint64_t ops)
{
    struct vmt_rng rng = { .state = vmt_seed() };
    struct fixture f;

    set_up(&f, by_size);
    for (uint64_t op = 0; op < ops && !vmt_failed(); op++) {
        const bool is_growing = op / 4000 % 2 == 0;
        uint64_t key = key_bound != 0 ? vmt_rng_below(&rng, key_bound) : vmt_rng_next(&rng);
        uint64_t other = random_size(&rng);
        if (by_size) {
            const uint64_t size = other;
            other = key;
            key = size;
        }
        vmt_context("operation", op);
        if (vmt_rng_below(&rng, 10) < (is_growing ? 8 : 2)) {
            if (f.count < MANY && !is_there(&f, key, other)) {
                insert(&f, key, other, (uint32_t)op + 1);
            }
        } else if (f.count > 0) {
            remove_at(&f, (uint32_t)vmt_rng_below(&rng, f.count));
        }
        check_seek(&f, key, other, 0);
        if (!by_size) {
            check_seek(&f, key, 0, random_size(&rng));
        }
        if (op % (1 + f.count / 4) == 0) {
            check_whole(&f);
            check_seeks_at_the_ends(&f);
        }
    }
    while (f.count > 0) {
        remove_at(&f, (uint32_t)vmt_rng_below(&rng, f.count));
    }
    check_whole(&f);
    CHECK_U64(f.nodes.free_count, ==, f.total);
    tear_down(&f);
}

static void
test_random_entries_by_address_agree_with_a_sorted_array(void)
{
    compare_at_random(false, 0, vmt_ops(16000));
    compare_at_random(false, 2000, vmt_ops(16000)); /* dense: neighbours at every key */
}

static void
test_random_entries_by_size_agree_with_a_sorted_array(void)
{
    compare_at_random(true, 0, vmt_ops(16000));
    compare_at_random(true, 300, vmt_ops(16000));
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_an_empty_order_finds_nothing),
    VMT_TEST(test_one_entry_is_found_from_where_it_should_be),
    VMT_TEST(test_filling_and_emptying_in_every_direction),
    VMT_TEST(test_a_root_that_splits_takes_all_that_it_may_need),
    VMT_TEST(test_nodes_that_become_small_are_joined),
    VMT_TEST(test_clearing_gives_every_node_back),
    VMT_TEST(test_two_orders_share_their_nodes),
    VMT_TEST(test_an_update_changes_an_entry_in_its_place),
    VMT_TEST(test_a_way_leads_through_all_entries_in_order),
    VMT_TEST(test_an_entry_is_changed_where_a_way_leads),
    VMT_TEST(test_a_way_can_turn_round),
    VMT_TEST(test_random_entries_by_address_agree_with_a_sorted_array),
    VMT_TEST(test_random_entries_by_size_agree_with_a_sorted_array),
};

VMT_SUITE(tests);
