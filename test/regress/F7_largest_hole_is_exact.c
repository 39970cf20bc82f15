/*
 * F7_largest_hole_is_exact - the largest hole is the hole, not its size class
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * The ancestor answers 64 for a hole of 127 pages: the floor of its size class.
 */
#include "vmt.h"
#include "vmt_fault.h"

static void
test_F7_127_are_127(void)
{
    for (vmem_size_t size = 1; size <= 2100; size++) {
        struct vmem_arena *arena = NULL;

        CHECK_OR_RETURN(vmem_create("max", 5, size, 1, 0, 0, &arena) == 0);
        CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, size);
        CHECK_U64(vmem_destroy(arena), ==, 0);
    }
}

static void
test_F7_of_many_holes_of_one_class_the_largest(void)
{
    enum { HOLES = 200 };
    struct vmem_arena *arena = NULL;
    static vmem_addr_t addrs[2 * HOLES];
    vmem_size_t largest = 0;

    CHECK_OR_RETURN(vmem_create("max", 0, 1 << 20, 1, 0, 0, &arena) == 0);
    for (unsigned i = 0; i < 2 * HOLES; i++) {
        CHECK_U64(vmem_alloc(arena, i % 2 ? 1 : 1000 + (i * 37) % 111, 0, &addrs[i]), ==, 0);
    }
    CHECK_U64(vmem_alloc(arena, vmem_size(arena, VMEM_MAXFREE), 0, &addrs[1]), ==, 0);
    for (unsigned i = 0; i < 2 * HOLES; i += 2) {
        const vmem_size_t size = 1000 + (i * 37) % 111;
        vmem_free(arena, addrs[i], size);
        largest = size > largest ? size : largest;
        CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, largest);
    }
    EXPECT_FATAL((void)vmem_destroy(arena), VMEM_FAULT_DESTROY_BUSY);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_F7_127_are_127),
    VMT_TEST(test_F7_of_many_holes_of_one_class_the_largest),
};

VMT_SUITE(tests);
