/*
 * F4_useless_imports - what cannot help is not imported again and again
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * The ancestor imports a thousand spans for a window that none of them touches, and keeps them all.
 */
#include "vmt.h"
#include "vmt_fault.h"
#include "vmt_picture.h"
#include "vmt_source.h"

#include <errno.h>

static void
test_F4_an_unsatisfiable_window_imports_once_at_most_and_keeps_nothing(void)
{
    static struct vmt_source source;
    static struct vmt_picture before;
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 77;

    vmt_source_init(&source, 0x10000, 0x100000);
    CHECK_OR_RETURN(vmem_create("window", 0, 0, 16, 0, 0, &arena) == 0);
    CHECK_U64(vmem_set_import(arena, vmt_source_import, vmt_source_release, &source, 0), ==, 0);
    vmt_picture_take(&before, arena);
    for (unsigned i = 0; i < 10; i++) {
        source.lie = VMT_LIE_UNCONSTRAINED; /* one that does not look at the window */
        source.lies = source.lies_released = 0;
        CHECK_U64(vmem_xalloc(arena, 16, 0, 0, 0, 0x80000, 0x8ffff, 0, &addr), ==, ENOMEM);
        CHECK_U64(source.lies, <=, 1);
        CHECK_U64(source.lies_released, ==, source.lies);
        CHECK_UNCHANGED(&before, arena);
        source.lie = VMT_LIE_NONE; /* one that does, and has nothing there */
        CHECK_U64(vmem_xalloc(arena, 16, 0, 0, 0, 0x800000, 0x8fffff, 0, &addr), ==, ENOMEM);
        CHECK_UNCHANGED(&before, arena);
    }
    CHECK_U64(addr, ==, 77);
    CHECK_U64(source.imports, ==, 0);
    CHECK_U64(vmem_destroy(arena), ==, 0);
    vmt_source_fini(&source);
}

/* Spans that are kept go back first: then once more, not once for each of them. */
static void
test_F4_spans_that_are_kept_do_not_multiply_imports(void)
{
    enum { KEPT = 100 };
    static struct vmt_source source;
    struct vmem_arena *arena = NULL;
    vmem_addr_t addrs[KEPT];
    vmem_addr_t addr = 0;

    vmt_source_init(&source, 0x10000, 0x100000);
    CHECK_OR_RETURN(vmem_create("window", 0, 0, 16, 0, 0, &arena) == 0);
    CHECK_U64(vmem_set_import(arena, vmt_source_import, vmt_source_release, &source, 0), ==, 0);
    vmem_set_import_keep(arena, KEPT);
    for (unsigned i = 0; i < KEPT; i++) {
        CHECK_U64(vmem_alloc(arena, 16, 0, &addrs[i]), ==, 0);
    }
    for (unsigned i = 0; i < KEPT; i++) {
        vmem_free(arena, addrs[i], 16);
    }
    source.lie = VMT_LIE_UNCONSTRAINED;
    source.lies = source.lies_released = 0;
    CHECK_U64(vmem_xalloc(arena, 16, 0, 0, 0, 0x80000, 0x8ffff, 0, &addr), ==, ENOMEM);
    CHECK_U64(source.lies, <=, 2);
    CHECK_U64(source.lies_released, ==, source.lies);
    CHECK_U64(vmem_size(arena, VMEM_ALLOC | VMEM_FREE), ==, 0);
    CHECK_U64(vmem_destroy(arena), ==, 0);
    vmt_source_fini(&source);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_F4_an_unsatisfiable_window_imports_once_at_most_and_keeps_nothing),
    VMT_TEST(test_F4_spans_that_are_kept_do_not_multiply_imports),
};

VMT_SUITE(tests);
