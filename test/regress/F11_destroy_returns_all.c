/*
 * F11_destroy_returns_all - destroying returns every span to its source and every tag
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * NetBSD, illumos and libumem leak spans or never return imports when an arena is destroyed.
 */
#include "vmt.h"
#include "vmt_fault.h"
#include "vmt_picture.h"
#include "vmt_source.h"
#include "vmt_tags.h"

static void
test_F11_kept_resting_and_over_imported_spans_go_back(void)
{
    static struct vmt_source source;
    struct vmem_options options = { .quantum = 1,
        .import_fn = vmt_source_import,
        .release_fn = vmt_source_release,
        .source_arg = &source,
        .import_quantum = 64,
        .import_keep = 100,
        .quarantine_frees = 10 };
    struct vmem_arena *arena = NULL;
    struct vmt_tags tags;
    static vmem_addr_t addrs[200];

    vmt_source_init(&source, 0, 0x100000);
    vmt_tags_init(&tags);
    options.tags = tags.source;
    CHECK_OR_RETURN(vmem_create_with(&options, &arena) == 0);
    for (unsigned i = 0; i < 200; i++) {
        CHECK_U64(vmem_alloc(arena, 40 + i, VMEM_FIRSTFIT, &addrs[i]), ==, 0);
    }
    for (unsigned i = 0; i < 200; i++) {
        vmem_free(arena, addrs[i], 40 + i);
    }
    CHECK_U64(source.span_count, >=, 100);
    CHECK_INTACT(arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
    CHECK_U64(source.imports, ==, source.releases);
    vmt_source_fini(&source);
    vmt_tags_fini(&tags);
}

static void
test_F11_a_tree_gives_back_to_its_root(void)
{
    struct vmem_arena *root = NULL;
    struct vmem_arena *child = NULL;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create("root", 0, 4096, 1, 0, 0, &root) == 0);
    CHECK_OR_RETURN(vmem_create("child", 0, 0, 1, 0, 0, &child) == 0);
    CHECK_U64(vmem_import_from(child, root, 64), ==, 0);
    vmem_set_import_keep(child, 10);
    CHECK_U64(vmem_alloc(child, 64, 0, &addr), ==, 0);
    vmem_free(child, addr, 64);
    CHECK_U64(vmem_size(root, VMEM_ALLOC), ==, 64);
    CHECK_U64(vmem_destroy(child), ==, 0);
    CHECK_U64(vmem_size(root, VMEM_ALLOC), ==, 0);
    CHECK_U64(vmem_destroy(root), ==, 0);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_F11_kept_resting_and_over_imported_spans_go_back),
    VMT_TEST(test_F11_a_tree_gives_back_to_its_root),
};

VMT_SUITE(tests);
