/*
 * F1_align_near_the_top - aligning up near 2^64 must not wrap
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * FreeBSD and its ancestor compute the aligned start with a sum that wraps, hand out an address outside
 * of the span, and corrupt the list of segments.
 */
#include "vmt.h"
#include "vmt_fault.h"
#include "vmt_picture.h"

#include <errno.h>

static void
test_F1_no_aligned_place_beyond_the_top(void)
{
    static const unsigned policies[] = { 0, VMEM_BESTFIT, VMEM_FIRSTFIT, VMEM_NEXTFIT, VMEM_HIGH,
        VMEM_FIRSTFIT | VMEM_HIGH };
    struct vmem_arena *arena = NULL;

    /* The last 100 units but one: the only multiple of 64 in them is 2^64 - 64. */
    CHECK_OR_RETURN(vmem_create("top", VMEM_ADDR_MAX - 99, 100, 1, 0, 0, &arena) == 0);
    for (size_t p = 0; p < sizeof policies / sizeof policies[0]; p++) {
        for (vmem_size_t align = 1; align != 0; align *= 2) {
            vmem_addr_t addr = 77;
            const int status =
                vmem_xalloc(arena, 65, align, 0, 0, 0, VMEM_ADDR_MAX, policies[p], &addr);
            vmt_context("align", align);
            CHECK_U64(status, ==, align < 64 ? 0 : ENOMEM);
            if (status == 0) {
                CHECK_U64(addr % align, ==, 0);
                CHECK_U64(addr, >=, VMEM_ADDR_MAX - 99);
                CHECK_U64(addr, <=, VMEM_ADDR_MAX - 64);
                vmem_free(arena, addr, 65);
            }
            CHECK_INTACT(arena);
        }
    }
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_F1_the_last_phase_fits(void)
{
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 77;

    CHECK_OR_RETURN(vmem_create("top", VMEM_ADDR_MAX - 4095, 4096, 1, 0, 0, &arena) == 0);
    CHECK_U64(vmem_xalloc(arena, 1, 4096, 4095, 0, 0, VMEM_ADDR_MAX, 0, &addr), ==, 0);
    CHECK_U64(addr, ==, VMEM_ADDR_MAX);
    CHECK_U64(vmem_xalloc(arena, 2, 4096, 4094, 0, 0, VMEM_ADDR_MAX, 0, &addr), ==, ENOMEM);
    vmem_free(arena, VMEM_ADDR_MAX, 1);
    CHECK_U64(vmem_xalloc(arena, 2, 4096, 4095, 0, 0, VMEM_ADDR_MAX, 0, &addr), ==, ENOMEM);
    CHECK_INTACT(arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_F1_no_aligned_place_beyond_the_top),
    VMT_TEST(test_F1_the_last_phase_fits),
};

VMT_SUITE(tests);
