/*
 * F5_aligned_import_size - an aligned import asks for align + size at most
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * The ancestor imports 4 MiB + 4 KiB for 4 KiB aligned to 2 MiB.
 */
#include "vmt.h"
#include "vmt_fault.h"
#include "vmt_picture.h"
#include "vmt_source.h"

static void
test_F5_4k_aligned_to_2m_imports_no_more_than_their_sum(void)
{
    static struct vmt_source source;
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 0;

    vmt_source_init(&source, 0x1001000, 0x10000000);
    CHECK_OR_RETURN(vmem_create("aligned", 0, 0, 0x1000, 0, 0, &arena) == 0);
    CHECK_U64(vmem_set_import(arena, vmt_source_import, vmt_source_release, &source, 0), ==, 0);
    CHECK_U64(vmem_xalloc(arena, 0x1000, 0x200000, 0, 0, 0, VMEM_ADDR_MAX, 0, &addr), ==, 0);
    CHECK_U64(source.span_size, ==, 0x1000); /* the source places it */
    vmem_free(arena, addr, 0x1000);
    source.manner = VMT_SOURCE_ANYWHERE; /* the source cannot */
    CHECK_U64(vmem_xalloc(arena, 0x1000, 0x200000, 0, 0, 0, VMEM_ADDR_MAX, 0, &addr), ==, 0);
    CHECK_U64(addr % 0x200000, ==, 0);
    CHECK_U64(source.span_size, <=, 0x201000);
    vmem_free(arena, addr, 0x1000);
    CHECK_U64(vmem_destroy(arena), ==, 0);
    vmt_source_fini(&source);
}

static void
test_F5_from_an_arena_no_more_than_the_size(void)
{
    struct vmem_arena *root = NULL;
    struct vmem_arena *child = NULL;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create("root", 0x1000, 0x10000000, 0x1000, 0, 0, &root) == 0);
    CHECK_OR_RETURN(vmem_create("child", 0, 0, 0x1000, 0, 0, &child) == 0);
    CHECK_U64(vmem_import_from(child, root, 0), ==, 0);
    CHECK_U64(vmem_xalloc(child, 0x1000, 0x200000, 0, 0, 0, VMEM_ADDR_MAX, 0, &addr), ==, 0);
    CHECK_U64(addr % 0x200000, ==, 0);
    CHECK_U64(vmem_size(root, VMEM_ALLOC), ==, 0x1000);
    vmem_free(child, addr, 0x1000);
    CHECK_U64(vmem_destroy(child), ==, 0);
    CHECK_U64(vmem_destroy(root), ==, 0);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_F5_4k_aligned_to_2m_imports_no_more_than_their_sum),
    VMT_TEST(test_F5_from_an_arena_no_more_than_the_size),
};

VMT_SUITE(tests);
