/*
 * F2_next_fit_unrounded - next fit must use the rounded size
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * FreeBSD's next fit compares and carves with the size as it was asked for; a size below the quantum makes
 * the index of a free list -1.
 */
#include "vmt.h"
#include "vmt_fault.h"
#include "vmt_picture.h"

#include <errno.h>

static void
test_F2_next_fit_rounds(void)
{
    struct vmem_arena *arena = NULL;
    vmem_addr_t addrs[4] = { 0, 0, 0, 0 };

    CHECK_OR_RETURN(vmem_create("next", 0, 64, 16, 0, VMEM_NEXTFIT, &arena) == 0);
    for (unsigned i = 0; i < 4; i++) {
        CHECK_U64(vmem_alloc(arena, 1, 0, &addrs[i]), ==, 0);
        CHECK_U64(addrs[i], ==, 16 * i);
    }
    CHECK_U64(vmem_alloc(arena, 1, 0, &addrs[0]), ==, ENOMEM);
    vmem_free(arena, addrs[1], 1);
    CHECK_U64(vmem_alloc(arena, 17, 0, &addrs[0]), ==, ENOMEM); /* 16 are free, 32 are needed */
    CHECK_INTACT(arena);
    CHECK_U64(vmem_alloc(arena, 15, 0, &addrs[1]), ==, 0);
    CHECK_U64(addrs[1], ==, 16);
    for (unsigned i = 0; i < 4; i++) {
        vmem_free(arena, 16 * (vmem_addr_t)i, 16);
    }
    CHECK_INTACT(arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_F2_less_than_a_quantum_at_the_cursor(void)
{
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 0;

    /* The cursor stands at every place in turn, with sizes that round up. */
    CHECK_OR_RETURN(vmem_create("next", 0, 160, 16, 0, VMEM_NEXTFIT, &arena) == 0);
    for (unsigned i = 0; i < 100; i++) {
        CHECK_U64(vmem_alloc(arena, 1 + i % 33, 0, &addr), ==, 0);
        CHECK_U64(addr % 16, ==, 0);
        CHECK_INTACT(arena);
        vmem_free(arena, addr, 1 + i % 33);
    }
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_F2_next_fit_rounds),
    VMT_TEST(test_F2_less_than_a_quantum_at_the_cursor),
};

VMT_SUITE(tests);
