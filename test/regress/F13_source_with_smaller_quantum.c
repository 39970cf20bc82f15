/*
 * F13_source_with_smaller_quantum - an aligned import stays in its span though the source's quantum is smaller
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * libumem runs past the end of an imported span whose start the source aligned to its own quantum only.
 */
#include "vmt.h"
#include "vmt_fault.h"
#include "vmt_picture.h"
#include "vmt_source.h"

#include <errno.h>

static void
test_F13_places_lie_in_the_spans_of_the_source(void)
{
    struct vmem_arena *root = NULL;
    struct vmem_arena *child = NULL;
    vmem_addr_t addrs[32];

    CHECK_OR_RETURN(vmem_create("root", 7, 0x100000, 1, 0, 0, &root) == 0);
    CHECK_OR_RETURN(vmem_create("child", 0, 0, 64, 0, 0, &child) == 0);
    CHECK_U64(vmem_import_from(child, root, 0), ==, 0);
    for (unsigned i = 0; i < 32; i++) {
        const vmem_size_t align = (vmem_size_t)64 << i % 6;
        const vmem_size_t size = 64 + 64 * (i % 3);
        CHECK_U64(vmem_xalloc(child, size, align, 0, 0, 0, VMEM_ADDR_MAX, 0, &addrs[i]), ==, 0);
        CHECK_U64(addrs[i] % align, ==, 0);
        CHECK(vmem_contains(child, addrs[i], size));
        CHECK(vmem_state(root, addrs[i]) == VMEM_STATE_BUSY);
        CHECK(vmem_state(root, addrs[i] + (size - 1)) == VMEM_STATE_BUSY);
        CHECK_INTACT(child);
        CHECK_INTACT(root);
    }
    for (unsigned i = 0; i < 32; i++) {
        vmem_free(child, addrs[i], 64 + 64 * (i % 3));
    }
    CHECK_U64(vmem_size(root, VMEM_ALLOC), ==, 0);
    CHECK_U64(vmem_destroy(child), ==, 0);
    CHECK_U64(vmem_destroy(root), ==, 0);
}

static void
test_F13_a_span_off_the_quantum_is_refused(void)
{
    static struct vmt_source source;
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 77;
    int status = 0;

    vmt_source_init(&source, 0x10000, 0x10000);
    source.lie = VMT_LIE_START_UNALIGNED;
    CHECK_OR_RETURN(vmem_create("child", 0, 0, 64, 0, 0, &arena) == 0);
    CHECK_U64(vmem_set_import(arena, vmt_source_import, vmt_source_release, &source, 0), ==, 0);
    EXPECT_FATAL(status = vmem_xalloc(arena, 64, 1024, 0, 0, 0, VMEM_ADDR_MAX, 0, &addr),
        VMEM_FAULT_BAD_IMPORT);
    CHECK_U64(status, ==, ENOMEM);
    CHECK_U64(addr, ==, 77);
    CHECK_U64(vmem_destroy(arena), ==, 0);
    vmt_source_fini(&source);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_F13_places_lie_in_the_spans_of_the_source),
    VMT_TEST(test_F13_a_span_off_the_quantum_is_refused),
};

VMT_SUITE(tests);
