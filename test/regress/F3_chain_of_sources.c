/*
 * F3_chain_of_sources - several imports in one request must not outrun the reserve of tags
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * FreeBSD reserves tags once for a request; each arena that imports on its behalf takes from the same
 * reserve, which a chain of sources exhausts in the middle of a change.
 */
#include "vmt.h"
#include "vmt_fault.h"
#include "vmt_picture.h"

enum { DEPTH = 20 };

static void
test_F3_every_level_reserves_its_own_tags(void)
{
    struct vmem_arena *arenas[DEPTH] = { NULL };
    static vmem_addr_t addrs[300];
    unsigned count = 0;

    CHECK_OR_RETURN(vmem_create("root", 0, 1 << 20, 1, 0, 0, &arenas[0]) == 0);
    for (unsigned i = 1; i < DEPTH; i++) {
        CHECK_OR_RETURN(vmem_create("level", 0, 0, 1, 0, 0, &arenas[i]) == 0);
        CHECK_U64(vmem_import_from(arenas[i], arenas[i - 1], 0), ==, 0);
    }
    for (; count < 300; count++) {
        CHECK_U64(vmem_alloc(arenas[DEPTH - 1], 1 + count % 7, 0, &addrs[count]), ==, 0);
    }
    for (unsigned i = 0; i < DEPTH; i++) {
        CHECK_INTACT(arenas[i]);
        CHECK_U64(vmem_size(arenas[i], VMEM_ALLOC), ==, vmem_size(arenas[0], VMEM_ALLOC));
    }
    while (count-- > 0) {
        vmem_free(arenas[DEPTH - 1], addrs[count], 1 + count % 7);
    }
    for (unsigned i = DEPTH; i-- > 0;) {
        CHECK_INTACT(arenas[i]);
        CHECK_U64(vmem_size(arenas[i], VMEM_ALLOC), ==, 0);
        CHECK_U64(vmem_destroy(arenas[i]), ==, 0);
    }
}

static void
test_F3_a_level_without_tags_refuses_and_nothing_is_lost(void)
{
    static _Alignas(64) unsigned char memory[16384];
    const struct vmem_options options = { .quantum = 1,
        .tag_memory = memory,
        .tag_memory_bytes = sizeof memory,
        .tag_memory_only = true };
    struct vmem_arena *root = NULL;
    struct vmem_arena *middle = NULL;
    struct vmem_arena *child = NULL;
    static vmem_addr_t addrs[4000];
    unsigned count = 0;

    CHECK_OR_RETURN(vmem_create("root", 0, 1 << 20, 1, 0, 0, &root) == 0);
    CHECK_OR_RETURN(vmem_create_with(&options, &middle) == 0);
    CHECK_OR_RETURN(vmem_create("child", 0, 0, 1, 0, 0, &child) == 0);
    CHECK_U64(vmem_import_from(middle, root, 2), ==, 0);
    CHECK_U64(vmem_import_from(child, middle, 0), ==, 0);
    while (count < 4000 && vmem_alloc(child, 1, 0, &addrs[count]) == 0) {
        count++;
    }
    CHECK_U64(count, >, 10);
    CHECK_U64(count, <, 4000);
    CHECK_INTACT(root);
    CHECK_INTACT(middle);
    CHECK_INTACT(child);
    CHECK_U64(vmem_size(middle, VMEM_ALLOC), ==, count);
    CHECK_U64(vmem_size(root, VMEM_ALLOC), ==, vmem_size(middle, VMEM_ALLOC | VMEM_FREE));
    while (count-- > 0) {
        vmem_free(child, addrs[count], 1);
    }
    CHECK_U64(vmem_size(root, VMEM_ALLOC), ==, 0);
    CHECK_U64(vmem_destroy(child), ==, 0);
    CHECK_U64(vmem_destroy(middle), ==, 0);
    CHECK_U64(vmem_destroy(root), ==, 0);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_F3_every_level_reserves_its_own_tags),
    VMT_TEST(test_F3_a_level_without_tags_refuses_and_nothing_is_lost),
};

VMT_SUITE(tests);
