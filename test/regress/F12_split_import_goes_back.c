/*
 * F12_split_import_goes_back - an imported span goes back also after constraints split it
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * libumem loses the mark of an imported span when an aligned allocation leaves a hole before it.
 */
#include "vmt.h"
#include "vmt_fault.h"
#include "vmt_picture.h"
#include "vmt_source.h"

static void
test_F12_every_order_of_freeing_gives_the_span_back(void)
{
    static const unsigned orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 },
        { 2, 0, 1 }, { 2, 1, 0 } };
    static struct vmt_source source;
    struct vmem_arena *arena = NULL;

    vmt_source_init(&source, 0x10000, 0x100000);
    CHECK_OR_RETURN(vmem_create("split", 0, 0, 16, 0, 0, &arena) == 0);
    CHECK_U64(
        vmem_set_import(arena, vmt_source_import, vmt_source_release, &source, 0x1000), ==, 0);
    for (unsigned order = 0; order < 6; order++) {
        vmem_addr_t addrs[3] = { 0, 0, 0 };
        CHECK_U64(vmem_xalloc(arena, 32, 64, 16, 0, 0, VMEM_ADDR_MAX, 0, &addrs[0]), ==, 0);
        CHECK_U64(vmem_xalloc(arena, 32, 1024, 512, 0, 0, VMEM_ADDR_MAX, 0, &addrs[1]), ==, 0);
        CHECK_U64(
            vmem_xalloc(arena, 32, 256, 0, 256, 0, VMEM_ADDR_MAX, VMEM_HIGH, &addrs[2]), ==, 0);
        CHECK_U64(source.span_count, ==, 1);
        for (unsigned i = 0; i < 3; i++) {
            CHECK_U64(source.span_count, ==, 1);
            vmem_free(arena, addrs[orders[order][i]], 32);
            CHECK_INTACT(arena);
        }
        CHECK_U64(source.span_count, ==, 0);
    }
    CHECK_U64(vmem_destroy(arena), ==, 0);
    vmt_source_fini(&source);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_F12_every_order_of_freeing_gives_the_span_back),
};

VMT_SUITE(tests);
