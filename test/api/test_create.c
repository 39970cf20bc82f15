/*
 * test_create - creating and destroying arenas: every documented result. [S1] [S3]
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 */
#include "vmt.h"
#include "vmt_fault.h"
#include "vmt_picture.h"
#include "vmt_source.h"
#include "vmt_tags.h"

#include <errno.h>
#include <string.h>

#define SENTINEL ((struct vmem_arena *)(uintptr_t)0x5a5a)

struct create_case {
    const char *what;
    vmem_addr_t base;
    vmem_size_t size;
    vmem_size_t quantum;
    unsigned flags;
    int status;
};

static const struct create_case create_cases[] = {
    { "smallest", 0, 1, 1, 0, 0 },
    { "empty", 0, 0, 1, 0, 0 },
    { "empty, base ignored", 3, 0, 4096, 0, 0 },
    { "whole space", 0, VMEM_SIZE_MAX, 1, 0, 0 },
    { "whole space but 0", 1, VMEM_SIZE_MAX, 1, 0, 0 },
    { "last unit", VMEM_ADDR_MAX, 1, 1, 0, 0 },
    { "last page", VMEM_ADDR_MAX - 4095, 4096, 4096, 0, 0 },
    { "largest quantum", (vmem_addr_t)1 << 63, (vmem_size_t)1 << 63, (vmem_size_t)1 << 63, 0, 0 },
    { "largest quantum at 0", 0, (vmem_size_t)1 << 63, (vmem_size_t)1 << 63, 0, 0 },
    { "best", 0, 64, 1, VMEM_BESTFIT, 0 },
    { "first", 0, 64, 1, VMEM_FIRSTFIT, 0 },
    { "next", 0, 64, 1, VMEM_NEXTFIT, 0 },
    { "instant", 0, 64, 1, VMEM_INSTANTFIT, 0 },
    { "no lock", 0, 64, 1, VMEM_NOLOCK, 0 },
    { "indexed", 0, 64, 1, VMEM_INDEXED, 0 },
    { "random", 0, 64, 1, VMEM_RANDOM, 0 },
    { "all three", 0, 64, 1, VMEM_RANDOM | VMEM_INDEXED | VMEM_NOLOCK | VMEM_FIRSTFIT, 0 },
    { "quantum 0", 0, 64, 0, 0, EINVAL },
    { "quantum 3", 0, 63, 3, 0, EINVAL },
    { "quantum 2^64-1", 0, 0, VMEM_SIZE_MAX, 0, EINVAL },
    { "quantum 2^k+1", 0, 0, 4097, 0, EINVAL },
    { "quantum 2^k-1", 0, 0, 4095, 0, EINVAL },
    { "base unaligned", 1, 4096, 4096, 0, EINVAL },
    { "size unaligned", 0, 4095, 4096, 0, EINVAL },
    { "size one more", 0, 4097, 4096, 0, EINVAL },
    { "two policies", 0, 64, 1, VMEM_BESTFIT | VMEM_FIRSTFIT, EINVAL },
    { "all policies", 0, 64, 1, 0xf, EINVAL },
    { "unknown flag", 0, 64, 1, 0x800, EINVAL },
    { "unknown top flag", 0, 64, 1, 0x80000000u, EINVAL },
    { "modifier of a request", 0, 64, 1, VMEM_HIGH, EINVAL },
    { "past the top", 2, VMEM_SIZE_MAX, 1, 0, ENOSPC },
    { "past the top by a page", VMEM_ADDR_MAX - 4095, 8192, 4096, 0, ENOSPC },
    { "two units from the last", VMEM_ADDR_MAX, 2, 1, 0, ENOSPC },
};

static void
test_create_returns_each_documented_status(void)
{
    for (size_t i = 0; i < sizeof create_cases / sizeof create_cases[0]; i++) {
        const struct create_case *c = &create_cases[i];
        struct vmem_arena *arena = SENTINEL;

        vmt_context(c->what, i);
        CHECK_U64(
            vmem_create(c->what, c->base, c->size, c->quantum, 0, c->flags, &arena), ==, c->status);
        if (arena == SENTINEL) {
            CHECK(c->status != 0);
            continue;
        }
        CHECK(c->status == 0);
        CHECK_U64(vmem_size(arena, VMEM_FREE), ==, c->size);
        CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, c->size);
        CHECK_U64(vmem_size(arena, VMEM_ALLOC), ==, 0);
        CHECK_U64(vmem_quantum(arena), ==, c->quantum);
        CHECK_STR(vmem_name(arena), c->what);
        CHECK(vmem_source(arena) == NULL);
        CHECK_INTACT(arena);
        CHECK_U64(vmem_destroy(arena), ==, 0);
    }
}

static void
test_the_options_form_says_the_same(void)
{
    for (size_t i = 0; i < sizeof create_cases / sizeof create_cases[0]; i++) {
        const struct create_case *c = &create_cases[i];
        const struct vmem_options options = { .name = c->what,
            .base = c->base,
            .size = c->size,
            .quantum = c->quantum,
            .flags = c->flags };
        struct vmem_arena *arena = SENTINEL;

        vmt_context(c->what, i);
        CHECK_U64(vmem_create_with(&options, &arena), ==, c->status);
        CHECK((arena != SENTINEL) == (c->status == 0));
        if (arena != SENTINEL) {
            CHECK_U64(vmem_size(arena, VMEM_ALLOC | VMEM_FREE), ==, c->size);
            CHECK_U64(vmem_destroy(arena), ==, 0);
        }
    }
}

static void
test_names_are_copied_and_truncated(void)
{
    char name[64];
    char expected[VMEM_NAME_BYTES];

    for (size_t length = 0; length < sizeof name - 1; length++) {
        struct vmem_arena *arena = NULL;
        const size_t kept = length < VMEM_NAME_BYTES - 1 ? length : VMEM_NAME_BYTES - 1;

        memset(name, 'n', sizeof name);
        name[length] = '\0';
        memset(expected, 'n', sizeof expected);
        expected[kept] = '\0';
        CHECK_OR_RETURN(vmem_create(name, 0, 64, 1, 0, 0, &arena) == 0);
        memset(name, 'x', sizeof name); /* the name is a copy */
        CHECK_STR(vmem_name(arena), expected);
        CHECK_U64(vmem_destroy(arena), ==, 0);
    }
}

static void
test_no_name_is_the_empty_name(void)
{
    struct vmem_arena *arena = NULL;

    CHECK_OR_RETURN(vmem_create(NULL, 0, 64, 1, 0, 0, &arena) == 0);
    CHECK_STR(vmem_name(arena), "");
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_qcache_max_is_accepted_and_changes_nothing(void)
{
    static const vmem_size_t values[] = { 0, 1, 15, 16, 17, 1024, VMEM_SIZE_MAX };

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct vmem_arena *arena = NULL;
        vmem_addr_t addr = 1;

        CHECK_OR_RETURN(vmem_create("q", 0, 64, 1, values[i], 0, &arena) == 0);
        CHECK_U64(vmem_alloc(arena, 8, 0, &addr), ==, 0);
        CHECK_U64(addr, ==, 0);
        CHECK_U64(vmem_size(arena, VMEM_ALLOC), ==, 8);
        vmem_free(arena, addr, 8);
        vmem_drain(arena);
        CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, 64);
        CHECK_U64(vmem_destroy(arena), ==, 0);
    }
}

static void
refuse(const char *what, struct vmem_options options, int status)
{
    struct vmem_arena *arena = SENTINEL;

    options.quantum = options.quantum != 0 ? options.quantum : 16;
    if (!vmt_check_u64((uint64_t)vmem_create_with(&options, &arena) == (uint64_t)status,
            (uint64_t)status, 0, __FILE__, __LINE__, what)) {
        return;
    }
    CHECK(arena == SENTINEL);
}

static void
test_options_that_contradict_each_other_are_refused(void)
{
    static _Alignas(64) unsigned char memory[4096];
    static struct vmt_source source;
    struct vmem_arena *upper = NULL;
    struct vmem_arena *unlocked = NULL;
    struct vmt_tags tags;

    vmt_tags_init(&tags);
    CHECK_OR_RETURN(vmem_create("upper", 0, 4096, 16, 0, 0, &upper) == 0);
    CHECK_OR_RETURN(vmem_create("unlocked", 0, 4096, 16, 0, VMEM_NOLOCK, &unlocked) == 0);
    refuse("both kinds of source",
        (struct vmem_options){ .source_arena = upper, .import_fn = vmt_source_import }, EINVAL);
    refuse("release without import", (struct vmem_options){ .release_fn = vmt_source_release },
        EINVAL);
    refuse("import quantum no multiple",
        (struct vmem_options){ .import_fn = vmt_source_import, .import_quantum = 24 }, EINVAL);
    refuse("import quantum below the quantum",
        (struct vmem_options){ .source_arena = upper, .import_quantum = 8 }, EINVAL);
    refuse("a source without a lock for an arena with one",
        (struct vmem_options){ .source_arena = unlocked }, EINVAL);
    refuse("tag memory unaligned",
        (struct vmem_options){ .tag_memory = memory + 8, .tag_memory_bytes = 2048 }, EINVAL);
    refuse("tag memory too small",
        (struct vmem_options){ .tag_memory = memory, .tag_memory_bytes = 1023 }, EINVAL);
    refuse("get without put", (struct vmem_options){ .tags = { .get = tags.source.get } }, EINVAL);
    refuse("put without get", (struct vmem_options){ .tags = { .put = tags.source.put } }, EINVAL);
    refuse("waiting", (struct vmem_options){ .flags = VMEM_WAIT }, ENOTSUP);
    refuse("waiting and not", (struct vmem_options){ .flags = VMEM_WAIT | VMEM_NOWAIT }, EINVAL);
    refuse("waiting without a lock", (struct vmem_options){ .flags = VMEM_WAIT | VMEM_NOLOCK },
        EINVAL);
    refuse("import quantum no multiple, without a source",
        (struct vmem_options){ .import_quantum = 24 }, EINVAL);
    refuse("limit below the span", (struct vmem_options){ .size = 4096, .limit = 4080 }, ENOSPC);
    CHECK_U64(source.imports, ==, 0);
    CHECK_U64(vmem_destroy(unlocked), ==, 0);
    CHECK_U64(vmem_destroy(upper), ==, 0);
    vmt_tags_fini(&tags);
}

static void
test_creation_without_memory_says_enomem(void)
{
    struct vmem_options options = { .quantum = 1, .size = 64, .tag_memory_only = true };
    struct vmem_arena *arena = SENTINEL;
    struct vmt_tags tags;

    CHECK_U64(vmem_create_with(&options, &arena), ==, ENOMEM);
    CHECK(arena == SENTINEL);

    vmt_tags_init(&tags);
    vmt_fuse_set(&tags.fuse, 1, true);
    options = (struct vmem_options){ .quantum = 1, .size = 64, .tags = tags.source };
    CHECK_U64(vmem_create_with(&options, &arena), ==, ENOMEM);
    CHECK(arena == SENTINEL);
    CHECK_U64(tags.fuse.failed, >, 0);
    vmt_tags_fini(&tags);
}

static void
test_creation_that_fails_late_gives_all_memory_back(void)
{
    struct vmem_options options = { .quantum = 16, .base = 8, .size = 64 };
    struct vmem_arena *arena = SENTINEL;
    struct vmt_tags tags;

    vmt_tags_init(&tags);
    options.tags = tags.source;
    CHECK_U64(vmem_create_with(&options, &arena), ==, EINVAL);
    CHECK(arena == SENTINEL);
    vmt_tags_fini(&tags);
}

static void
test_everything_said_in_options_holds(void)
{
    static struct vmt_source source;
    struct vmem_options options = { .name = "all",
        .quantum = 16,
        .limit = 4096,
        .import_fn = vmt_source_import,
        .release_fn = vmt_source_release,
        .source_arg = &source,
        .import_quantum = 256,
        .import_keep = 1,
        .flags = VMEM_FIRSTFIT };
    struct vmem_arena *arena = NULL;
    struct vmem_stats stats;
    struct vmt_tags tags;
    vmem_addr_t addr = 0;

    vmt_source_init(&source, 0x10000, 0x10000);
    vmt_tags_init(&tags);
    options.tags = tags.source;
    CHECK_OR_RETURN(vmem_create_with(&options, &arena) == 0);
    CHECK_U64(tags.live_count, >, 0);
    CHECK_U64(vmem_alloc(arena, 16, 0, &addr), ==, 0);
    CHECK_U64(source.request.size, ==, 256);
    CHECK_U64(source.request.quantum, ==, 16);
    vmem_stats(arena, &stats);
    CHECK_U64(stats.limit, ==, 4096);
    CHECK_U64(stats.imported_size, ==, 256);
    vmem_free(arena, addr, 16);
    CHECK_U64(source.releases, ==, 0); /* one is kept */
    CHECK_U64(vmem_destroy(arena), ==, 0);
    CHECK_U64(source.releases, ==, 1);
    vmt_source_fini(&source);
    vmt_tags_fini(&tags);
}

static void
test_destroying_with_live_allocations_destroys_nothing(void)
{
    static struct vmt_picture before;
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 0;
    int status = 0;

    CHECK_OR_RETURN(vmem_create("busy", 0, 4096, 16, 0, 0, &arena) == 0);
    CHECK_U64(vmem_alloc(arena, 32, 0, &addr), ==, 0);
    vmt_picture_take(&before, arena);
    EXPECT_FATAL(status = vmem_destroy(arena), VMEM_FAULT_DESTROY_BUSY);
    CHECK_U64(status, ==, EBUSY);
    CHECK_UNCHANGED(&before, arena);
    vmem_free(arena, addr, 32);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_the_default_policy_is_used(void)
{
    /* Holes of 8 at 0 and of 4 at 16: instant fit and first fit differ from best fit. */
    static const unsigned policies[] = { VMEM_FIRSTFIT, VMEM_BESTFIT, VMEM_NEXTFIT };
    static const vmem_addr_t expected[] = { 0, 16, 28 };

    for (size_t i = 0; i < 3; i++) {
        struct vmem_arena *arena = NULL;
        vmem_addr_t addr = 99;
        vmem_addr_t pins[2] = { 99, 99 };

        CHECK_OR_RETURN(vmem_create("p", 0, 64, 1, 0, policies[i], &arena) == 0);
        CHECK_U64(vmem_xalloc(arena, 8, 0, 0, 0, 8, 15, 0, &pins[0]), ==, 0);
        CHECK_U64(vmem_xalloc(arena, 8, 0, 0, 0, 20, 27, 0, &pins[1]), ==, 0);
        CHECK_U64(vmem_alloc(arena, 4, 0, &addr), ==, 0);
        CHECK_U64(addr, ==, expected[i]);
        vmem_free(arena, addr, 4);
        vmem_free(arena, pins[0], 8);
        vmem_free(arena, pins[1], 8);
        CHECK_U64(vmem_destroy(arena), ==, 0);
    }
}

/* The least that is accepted; what is said of a source that there is not is kept for one that comes. */
static void
test_options_at_their_bounds_are_accepted(void)
{
    static _Alignas(64) unsigned char memory[1024];
    const struct vmem_options least = { .quantum = 16,
        .tag_memory = memory,
        .tag_memory_bytes = 1024,
        .import_quantum = 32,
        .flags = VMEM_NOWAIT };
    struct vmem_arena *unlocked = NULL;
    struct vmem_arena *arena = NULL;

    CHECK_OR_RETURN(vmem_create_with(&least, &arena) == 0);
    CHECK(vmem_source(arena) == NULL);
    CHECK_U64(vmem_destroy(arena), ==, 0);
    CHECK_OR_RETURN(vmem_create("unlocked", 0, 4096, 16, 0, VMEM_NOLOCK, &unlocked) == 0);
    CHECK_U64(
        vmem_create_with(
            &(struct vmem_options){ .quantum = 16, .flags = VMEM_NOLOCK, .source_arena = unlocked },
            &arena),
        ==, 0);
    CHECK(vmem_source(arena) == unlocked);
    CHECK_U64(vmem_destroy(arena), ==, 0);
    CHECK_U64(vmem_destroy(unlocked), ==, 0);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_create_returns_each_documented_status),
    VMT_TEST(test_the_options_form_says_the_same),
    VMT_TEST(test_names_are_copied_and_truncated),
    VMT_TEST(test_no_name_is_the_empty_name),
    VMT_TEST(test_qcache_max_is_accepted_and_changes_nothing),
    VMT_TEST(test_options_that_contradict_each_other_are_refused),
    VMT_TEST(test_creation_without_memory_says_enomem),
    VMT_TEST(test_creation_that_fails_late_gives_all_memory_back),
    VMT_TEST(test_everything_said_in_options_holds),
    VMT_TEST(test_destroying_with_live_allocations_destroys_nothing),
    VMT_TEST(test_the_default_policy_is_used),
    VMT_TEST(test_options_at_their_bounds_are_accepted),
};

VMT_SUITE(tests);
