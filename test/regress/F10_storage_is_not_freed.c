/*
 * F10_storage_is_not_freed - an arena in static storage is destroyed without freeing it
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * FreeBSD hands statically stored arenas to its memory allocator when they are destroyed.
 */
#include "vmt.h"
#include "vmt_fault.h"

#include <errno.h>

static struct vmem_storage storage;
static _Alignas(64) unsigned char tags[16384];

static void
test_F10_storage_and_tag_memory_stay_the_caller_s(void)
{
    const struct vmem_options options = { .size = 64,
        .quantum = 1,
        .tag_memory = tags,
        .tag_memory_bytes = sizeof tags,
        .tag_memory_only = true };

    for (unsigned round = 0; round < 3; round++) {
        struct vmem_arena *arena = NULL;
        vmem_addr_t addr = 0;
        CHECK_U64(vmem_init_with(&storage, &options, &arena), ==, 0);
        CHECK((void *)arena == (void *)&storage);
        CHECK_U64(vmem_alloc(arena, 8, 0, &addr), ==, 0);
        vmem_free(arena, addr, 8);
        CHECK_U64(vmem_destroy(arena), ==, 0);
        /* Static memory that was freed could not be written any more, or would end the process. */
        for (size_t i = 0; i < sizeof storage.bytes; i++) {
            storage.bytes[i] = 0xee;
        }
        for (size_t i = 0; i < sizeof tags; i++) {
            tags[i] = 0xee;
        }
    }
}

static void
test_F10_an_init_that_fails_leaves_the_storage(void)
{
    struct vmem_arena *arena = NULL;

    CHECK_U64(vmem_init(&storage, "bad", 1, 64, 16, 0, 0, &arena), ==, EINVAL);
    CHECK(arena == NULL);
    for (size_t i = 0; i < sizeof storage.bytes; i++) {
        storage.bytes[i] = 0xee;
    }
    CHECK_U64(vmem_init(&storage, "good", 0, 64, 16, 0, 0, &arena), ==, 0);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_F10_storage_and_tag_memory_stay_the_caller_s),
    VMT_TEST(test_F10_an_init_that_fails_leaves_the_storage),
};

VMT_SUITE(tests);
