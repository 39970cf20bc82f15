/*
 * F8_rounding - a size that cannot be rounded is an error, never 0
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * The ancestor rounds 2^64-1 up to 0.
 */
#include "vmt.h"
#include "vmt_fault.h"

#include <errno.h>

static void
test_F8_no_rounding_gives_0(void)
{
    for (unsigned log2 = 0; log2 < 64; log2++) {
        const vmem_size_t quantum = (vmem_size_t)1 << log2;
        const vmem_size_t last = VMEM_SIZE_MAX - (quantum - 1); /* the largest multiple */
        struct vmem_arena *arena = NULL;
        vmem_size_t rounded = 77;
        vmem_addr_t addr = 77;

        vmt_context("quantum log2", log2);
        CHECK_OR_RETURN(vmem_create("round", 0, 0, quantum, 0, 0, &arena) == 0);
        CHECK_U64(vmem_roundup_size(arena, last, &rounded), ==, 0);
        CHECK_U64(rounded, ==, last);
        rounded = 77;
        if (quantum > 1) {
            CHECK_U64(vmem_roundup_size(arena, last + 1, &rounded), ==, ENOMEM);
            CHECK_U64(vmem_roundup_size(arena, VMEM_SIZE_MAX, &rounded), ==, ENOMEM);
            CHECK_U64(rounded, ==, 77);
        }
        CHECK_U64(vmem_alloc(arena, VMEM_SIZE_MAX, 0, &addr), ==, ENOMEM);
        CHECK_U64(
            vmem_xalloc(arena, VMEM_SIZE_MAX, 0, 0, 0, 0, VMEM_ADDR_MAX, 0, &addr), ==, ENOMEM);
        CHECK_U64(addr, ==, 77);
        CHECK_U64(vmem_destroy(arena), ==, 0);
    }
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_F8_no_rounding_gives_0),
};

VMT_SUITE(tests);
