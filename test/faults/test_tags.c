/*
 * test_tags - every request for metadata failing once, and from then on. [T1] [T2]
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 */
#include "vmt_faulty.h"

#include "vmt_fault.h"
#include "vmt_picture.h"

#include <errno.h>
#include <stdlib.h>

static const unsigned policies[] = { VMEM_INSTANTFIT, VMEM_BESTFIT, VMEM_FIRSTFIT, VMEM_NEXTFIT,
    VMEM_HIGH, VMEM_FIRSTFIT | VMEM_HIGH };

enum { POLICIES = sizeof policies / sizeof policies[0] };

static void
create_and_add(struct vmt_faulty *f)
{
    const struct vmem_options options = { .quantum = 16, .size = 4096, .base = 0x1000 };

    if (vmt_faulty_create(f, &options)) {
        vmt_faulty_add(f, 0x2000, 0x1000);
        vmt_faulty_add(f, 0x10000, (vmem_size_t)1 << 40); /* larger bins */
        vmt_faulty_add(f, (vmem_addr_t)1 << 62, (vmem_size_t)1 << 62);
        for (vmem_addr_t i = 0; i < 150; i++) {
            vmt_faulty_add(f, 0x20000000000 + i * 0x1000, 0x100); /* nodes of the order of spans */
        }
    }
}

static void
test_creating_and_adding(void)
{
    vmt_faulty_tags(create_and_add, 3);
}

static void
indexed_hardened(struct vmt_faulty *f)
{
    const struct vmem_options options = { .quantum = 1,
        .size = 0x100000,
        .flags = VMEM_INDEXED | VMEM_RANDOM,
        .random_seed = 7,
        .quarantine_frees = 3000 };

    if (vmt_faulty_create(f, &options)) {
        for (unsigned i = 0; i < 100; i++) {
            (void)vmt_faulty_alloc(f, 1 + i % 9, NULL, 0);
        }
    }
}

static void
test_a_hardened_arena(void)
{
    vmt_faulty_tags(indexed_hardened, 3);
}

/* Holes between, so that each policy must search, and builds what it searches with. */
static void
many_policies(struct vmt_faulty *f)
{
    const struct vmem_options options = { .quantum = 1, .size = 0x10000 };
    const struct vmem_constraint window = { .align = 4, .addr_min = 0x400, .addr_max = 0xffff };

    if (!vmt_faulty_create(f, &options)) {
        return;
    }
    for (unsigned i = 0; i < 200; i++) {
        (void)vmt_faulty_alloc(f, 3 + i % 5, NULL, policies[i % POLICIES]);
    }
    for (unsigned i = 0; i + 1 < f->live; i += 2) {
        vmt_faulty_free(f, i);
    }
    for (unsigned i = 0; i < 60; i++) {
        (void)vmt_faulty_alloc(f, 1 + i % 7, i % 2 ? &window : NULL, policies[i % POLICIES]);
    }
}

static void
test_all_policies_and_their_indexes(void)
{
    vmt_faulty_tags(many_policies, 5);
}

static void
grow(struct vmt_faulty *f)
{
    const struct vmem_options options = { .quantum = 1, .size = 0x100000 };

    f->is_careful = false; /* O(n) around each of thousands of calls is too much */
    if (!vmt_faulty_create(f, &options)) {
        return;
    }
    for (unsigned i = 0; i < 6000; i++) {
        (void)vmt_faulty_alloc(f, 1 + i % 3, NULL, 0);
        if (i % 7 == 6 && f->live > 0) {
            vmt_faulty_free(f, f->live / 2);
        }
    }
    CHECK_INTACT(f->arena);
    vmem_maintain(f->arena);
    CHECK_INTACT(f->arena);
    vmt_faulty_free_all(f);
    vmem_maintain(f->arena);
}

static void
test_growing_to_thousands_and_shrinking(void)
{
    vmt_faulty_tags(grow, 10);
}

static void
import_some(struct vmt_faulty *f)
{
    const struct vmem_options options = { .quantum = 16,
        .import_fn = vmt_source_import,
        .release_fn = vmt_source_release,
        .source_arg = &f->source,
        .import_quantum = 256 };
    const struct vmem_constraint aligned = { .align = 1024 };

    if (!vmt_faulty_create(f, &options)) {
        return;
    }
    for (unsigned i = 0; i < 120; i++) {
        (void)vmt_faulty_alloc(
            f, 100 + 16 * (i % 20), i % 3 == 0 ? &aligned : NULL, policies[i % POLICIES]);
        if (i % 5 == 4 && f->live > 0) {
            vmt_faulty_free(f, f->live / 2);
        }
    }
}

static void
test_importing(void)
{
    vmt_faulty_tags(import_some, 4);
    vmt_faulty_imports(import_some, 10);
}

/* Three levels; the metadata of the lowest fails. */
static void
import_tree(struct vmt_faulty *f)
{
    struct vmem_arena *root = NULL;
    struct vmem_arena *middle = NULL;
    struct vmem_options options = { .quantum = 64, .import_quantum = 1024 };

    if (vmem_create("root", 0x10000, 0x100000, 16, 0, 0, &root) != 0 ||
        vmem_create("middle", 0, 0, 32, 0, 0, &middle) != 0) {
        FAIL("out of memory");
        return;
    }
    CHECK_U64(vmem_import_from(middle, root, 4096), ==, 0);
    options.source_arena = middle;
    if (vmt_faulty_create(f, &options)) {
        for (unsigned i = 0; i < 100; i++) {
            (void)vmt_faulty_alloc(f, 200 + 64 * (i % 9), NULL, policies[i % POLICIES]);
        }
        CHECK_INTACT(middle);
        CHECK_INTACT(root);
        vmt_faulty_free_all(f);
        CHECK_U64(vmem_size(middle, VMEM_ALLOC), ==, 0);
        CHECK_U64(vmem_destroy(f->arena), ==, 0);
        f->arena = NULL;
    }
    CHECK_U64(vmem_size(root, VMEM_ALLOC), ==, 0); /* nothing got lost between the levels */
    CHECK_U64(vmem_destroy(middle), ==, 0);
    CHECK_U64(vmem_destroy(root), ==, 0);
}

static void
test_a_tree_of_arenas(void)
{
    vmt_faulty_tags(import_tree, 3);
}

/* And that of the middle: the levels above and below must not lose anything. */
static void
import_tree_middle(struct vmt_faulty *f)
{
    struct vmem_arena *root = NULL;
    struct vmem_arena *leaf = NULL;
    static vmem_addr_t addrs[100];
    unsigned count = 0;
    struct vmem_options options = { .quantum = 32, .import_quantum = 4096 };

    if (vmem_create("root", 0x10000, 0x100000, 16, 0, 0, &root) != 0 ||
        vmem_create("leaf", 0, 0, 64, 0, 0, &leaf) != 0) {
        FAIL("out of memory");
        return;
    }
    options.source_arena = root;
    if (vmt_faulty_create(f, &options)) {
        CHECK_U64(vmem_import_from(leaf, f->arena, 1024), ==, 0);
        for (unsigned i = 0; i < 100; i++) {
            const int status = vmem_alloc(leaf, 900, 0, &addrs[count]);
            CHECK(status == 0 || status == ENOMEM);
            count += status == 0;
            CHECK_U64(vmem_size(f->arena, VMEM_ALLOC), ==, vmem_size(leaf, VMEM_ALLOC | VMEM_FREE));
            CHECK_U64(vmem_size(root, VMEM_ALLOC), ==, vmem_size(f->arena, VMEM_ALLOC | VMEM_FREE));
        }
        f->refused += count != 100;
        while (count > 0) {
            vmem_free(leaf, addrs[--count], 900);
        }
        CHECK_U64(vmem_size(f->arena, VMEM_ALLOC | VMEM_FREE), ==, 0);
        CHECK_U64(vmem_size(root, VMEM_ALLOC), ==, 0);
    }
    CHECK_U64(vmem_destroy(leaf), ==, 0);
    if (f->arena != NULL) {
        CHECK_U64(vmem_destroy(f->arena), ==, 0);
        f->arena = NULL;
    }
    CHECK_U64(vmem_destroy(root), ==, 0);
}

static void
test_the_middle_of_a_tree(void)
{
    vmt_faulty_tags(import_tree_middle, 3);
}

/* -------------------------------------------------------------------------------------------------
 * Without memory for an index, answers come from scans, and are the same
 * ---------------------------------------------------------------------------------------------- */

static void
test_without_index_memory_scans_give_the_same_answers(void)
{
    enum { UNITS = 2000 };
    struct vmem_arena *arenas[2] = { NULL, NULL };
    struct vmt_rng rng = { .state = vmt_seed() };
    struct vmem_stats stats;
    struct vmt_tags tags;
    static vmem_addr_t live[UNITS];
    unsigned count = 0;

    vmt_tags_init(&tags);
    for (unsigned i = 0; i < 2; i++) {
        struct vmem_options options = { .quantum = 1, .size = UNITS };
        options.tags = i == 0 ? (struct vmem_tag_source){ 0 } : tags.source;
        CHECK_OR_RETURN(vmem_create_with(&options, &arenas[i]) == 0);
        for (vmem_addr_t at = 0; at < UNITS; at++) {
            vmem_addr_t addr = 0;
            CHECK_U64(vmem_alloc(arenas[i], 1, 0, &addr), ==, 0);
        }
        for (vmem_addr_t at = 0; at < UNITS; at += 2) {
            vmem_free(arenas[i], at, 1);
        }
    }
    for (vmem_addr_t at = 1; at < UNITS; at += 2) {
        live[count++] = at;
    }
    vmt_fuse_set(&tags.fuse, 1, true); /* from here on: no more memory */
    for (unsigned op = 0; op < 600 && !vmt_failed(); op++) {
        const unsigned policy = op % 3 == 0 ? VMEM_BESTFIT
            : op % 3 == 1                   ? VMEM_FIRSTFIT
                                            : VMEM_NEXTFIT;
        const vmem_addr_t low = vmt_rng_below(&rng, UNITS);
        vmem_addr_t addr[2] = { 77, 77 };
        int status[2];

        for (unsigned i = 0; i < 2; i++) {
            status[i] =
                vmem_xalloc(arenas[i], 1 + op % 3, 0, 0, 0, low, UNITS - 1, policy, &addr[i]);
        }
        CHECK_U64(status[0], ==, status[1]);
        CHECK_U64(addr[0], ==, addr[1]);
        if (status[0] == 0 && status[1] == 0) {
            vmem_free(arenas[0], addr[0], 1 + op % 3);
            vmem_free(arenas[1], addr[1], 1 + op % 3);
        }
        if (op % 4 == 0 && count > 0) {
            const unsigned which = (unsigned)vmt_rng_below(&rng, count);
            vmem_free(arenas[0], live[which], 1);
            vmem_free(arenas[1], live[which], 1);
            live[which] = live[--count];
        }
    }
    CHECK_INTACT(arenas[0]);
    CHECK_INTACT(arenas[1]);
    vmem_stats(arenas[1], &stats);
    CHECK_U64(stats.scans, >, 0);
    vmem_stats(arenas[0], &stats);
    CHECK_U64(stats.scans, ==, 0);
    while (count-- > 0) {
        vmem_free(arenas[0], live[count], 1);
        vmem_free(arenas[1], live[count], 1);
    }
    CHECK_U64(vmem_destroy(arenas[0]), ==, 0);
    CHECK_U64(vmem_destroy(arenas[1]), ==, 0);
    vmt_tags_fini(&tags);
}

static bool
free_visited(void *arg, const struct vmem_segment *segment)
{
    vmem_free(arg, segment->start, segment->size);
    return true;
}

/* An index that cannot grow when a free makes holes is given up, never wrong. */
static void
test_an_index_that_lacks_nodes_is_dropped(void)
{
    enum { UNITS = 20000 };
    struct vmem_options options = { .quantum = 1, .size = UNITS, .flags = VMEM_INDEXED };
    struct vmem_arena *arena = NULL;
    struct vmem_stats stats;
    struct vmt_tags tags;
    vmem_addr_t addr = 0;

    vmt_tags_init(&tags);
    options.tags = tags.source;
    CHECK_OR_RETURN(vmem_create_with(&options, &arena) == 0);
    for (vmem_addr_t at = 0; at < UNITS; at++) {
        CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, 0);
    }
    vmem_stats(arena, &stats);
    CHECK(stats.is_indexed);
    vmt_fuse_set(&tags.fuse, 1, true);
    for (vmem_addr_t at = 0; at < UNITS; at += 2) {
        vmem_free(arena, at, 1); /* 10000 holes need some 500 nodes */
    }
    CHECK_INTACT(arena);
    CHECK_U64(tags.fuse.failed, ==, 0); /* a free does not even ask [S9] */
    vmem_stats(arena, &stats);
    CHECK(!stats.is_indexed);
    CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, 1);
    CHECK_U64(vmem_xalloc(arena, 1, 0, 0, 0, 15001, UNITS, VMEM_FIRSTFIT, &addr), ==, 0);
    CHECK_U64(addr, ==, 15002);
    CHECK_U64(vmem_alloc(arena, 2, VMEM_FIRSTFIT, &addr), ==, ENOMEM);
    vmem_stats(arena, &stats);
    CHECK_U64(stats.scans, >, 0);
    vmt_fuse_set(&tags.fuse, 0, false);
    CHECK_U64(vmem_xalloc(arena, 1, 0, 0, 0, 17001, UNITS, VMEM_FIRSTFIT, &addr), ==, 0);
    CHECK_U64(addr, ==, 17002);
    vmem_stats(arena, &stats);
    CHECK(stats.is_indexed); /* and built again when it can be */
    CHECK_INTACT(arena);
    vmem_walk(arena, VMEM_ALLOC, free_visited, arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
    vmt_tags_fini(&tags);
}

/* The source of tags is fed by an arena that is fed by it. [T2] */
struct bootstrap {
    struct vmem_arena *arena;
    struct vmt_tags tags;
    unsigned nested;
};

static void
use_the_arena(void *arg)
{
    struct bootstrap *b = arg;
    vmem_addr_t addr = 0;

    if (b->arena != NULL && b->nested == 0) {
        b->nested = 1;
        if (vmem_alloc(b->arena, 1, 0, &addr) == 0) {
            vmem_free(b->arena, addr, 1);
        }
        b->nested = 0;
    }
}

static void
test_a_tag_source_may_call_another_arena(void)
{
    static struct bootstrap b;
    struct vmem_options options = { .quantum = 1, .size = 0x10000 };
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 0;

    b = (struct bootstrap){ .nested = 0 };
    CHECK_OR_RETURN(vmem_create("feeder", 0, 0x10000, 1, 0, 0, &b.arena) == 0);
    vmt_tags_init(&b.tags);
    b.tags.during_get = use_the_arena;
    b.tags.during_get_arg = &b;
    options.tags = b.tags.source;
    CHECK_OR_RETURN(vmem_create_with(&options, &arena) == 0);
    for (unsigned i = 0; i < 5000; i++) {
        CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, 0);
    }
    CHECK_INTACT(arena);
    CHECK_INTACT(b.arena);
    vmem_walk(arena, VMEM_ALLOC, free_visited, arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
    CHECK_U64(vmem_destroy(b.arena), ==, 0);
    vmt_tags_fini(&b.tags);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_creating_and_adding),
    VMT_TEST(test_a_hardened_arena),
    VMT_TEST(test_all_policies_and_their_indexes),
    VMT_TEST(test_growing_to_thousands_and_shrinking),
    VMT_TEST(test_importing),
    VMT_TEST(test_a_tree_of_arenas),
    VMT_TEST(test_the_middle_of_a_tree),
    VMT_TEST(test_without_index_memory_scans_give_the_same_answers),
    VMT_TEST(test_an_index_that_lacks_nodes_is_dropped),
    VMT_TEST(test_a_tag_source_may_call_another_arena),
};

VMT_SUITE(tests);
