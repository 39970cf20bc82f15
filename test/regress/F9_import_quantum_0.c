/*
 * F9_import_quantum_0 - an import quantum of 0 is the quantum
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * The ancestor divides by it.
 */
#include "vmt.h"
#include "vmt_fault.h"
#include "vmt_source.h"

static void
test_F9_zero_means_the_quantum(void)
{
    static struct vmt_source source;
    struct vmem_options options = { .quantum = 64,
        .import_fn = vmt_source_import,
        .release_fn = vmt_source_release,
        .source_arg = &source,
        .import_quantum = 0 };
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 0;

    vmt_source_init(&source, 0x10000, 0x10000);
    CHECK_OR_RETURN(vmem_create_with(&options, &arena) == 0);
    CHECK_U64(vmem_alloc(arena, 65, 0, &addr), ==, 0);
    CHECK_U64(source.request.size, ==, 128);
    vmem_free(arena, addr, 65);
    CHECK_U64(vmem_set_import(arena, vmt_source_import, vmt_source_release, &source, 0), ==, 0);
    CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, 0);
    CHECK_U64(source.request.size, ==, 64);
    vmem_free(arena, addr, 1);
    CHECK_U64(vmem_destroy(arena), ==, 0);
    vmt_source_fini(&source);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_F9_zero_means_the_quantum),
};

VMT_SUITE(tests);
