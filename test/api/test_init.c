/*
 * test_init - arenas in the caller's memory, before any allocator exists. [S2] [T2]
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * The linker sends every call of mmap() and munmap() here (-Wl,--wrap), so that a test can say that no
 * page was obtained, or refuse one.
 */
#include "vmt.h"
#include "vmt_fault.h"
#include "vmt_picture.h"
#include "vmt_tags.h"

#include "engine/arena.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SENTINEL ((struct vmem_arena *)(uintptr_t)0x5a5a)
#define CANARY 0xc3

void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int file, off_t offset);
void *__real_mmap(void *at, size_t bytes, int protection, int flags, int file, off_t offset);
int __wrap_munmap(void *memory, size_t bytes);
int __real_munmap(void *memory, size_t bytes);

static unsigned pages_calls;
static struct vmt_fuse mappings;  /* makes mmap() fail */
static size_t mapped_bytes;       /* and not unmapped */
static size_t unmapped_bytes_max; /* by one call */

void *
__wrap_mmap(void *at, size_t bytes, int protection, int flags, int file, off_t offset)
{
    pages_calls++;
    if (vmt_fuse_blows(&mappings)) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    mapped_bytes += bytes;
    return __real_mmap(at, bytes, protection, flags, file, offset);
}

int
__wrap_munmap(void *memory, size_t bytes)
{
    CHECK(memory != NULL);
    pages_calls++;
    mapped_bytes -= bytes;
    unmapped_bytes_max = bytes > unmapped_bytes_max ? bytes : unmapped_bytes_max;
    return __real_munmap(memory, bytes);
}

static struct vmem_storage storage;

static void
test_the_wrapper_sees_pages(void)
{
    const size_t before = mapped_bytes;
    struct vmem_arena *arena = NULL;

    pages_calls = 0;
    CHECK_OR_RETURN(vmem_create("paged", 0, 64, 1, 0, 0, &arena) == 0);
    CHECK_U64(pages_calls, >, 0);
    CHECK_U64(mapped_bytes, >, before);
    CHECK_U64(vmem_destroy(arena), ==, 0);
    CHECK_U64(mapped_bytes, ==, before);
}

static void
test_init_returns_the_storage_and_the_same_statuses(void)
{
    struct vmem_arena *arena = SENTINEL;

    CHECK_U64(vmem_init(&storage, "bad", 0, 64, 3, 0, 0, &arena), ==, EINVAL);
    CHECK_U64(vmem_init(&storage, "bad", 1, 64, 16, 0, 0, &arena), ==, EINVAL);
    CHECK_U64(vmem_init(&storage, "bad", 0, 64, 16, 0, 0x800, &arena), ==, EINVAL);
    CHECK_U64(vmem_init(&storage, "bad", VMEM_ADDR_MAX, 2, 1, 0, 0, &arena), ==, ENOSPC);
    CHECK(arena == SENTINEL);
    CHECK_OR_RETURN(vmem_init(&storage, "placed", 0, 64, 16, 0, 0, &arena) == 0);
    CHECK((void *)arena == (void *)&storage);
    CHECK_STR(vmem_name(arena), "placed");
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_init_with_no_memory_at_all_says_enomem(void)
{
    const struct vmem_options options = { .quantum = 1, .size = 64, .tag_memory_only = true };
    struct vmem_arena *arena = SENTINEL;

    pages_calls = 0;
    CHECK_U64(vmem_init_with(&storage, &options, &arena), ==, ENOMEM);
    CHECK(arena == SENTINEL);
    CHECK_U64(pages_calls, ==, 0);
}

static bool
is_untouched(const unsigned char *memory, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (memory[i] != CANARY) {
            return false;
        }
    }
    return true;
}

/* Live allocations with a hole behind each: the most tags that so many allocations can need. */
static void
fill_with_holes(struct vmem_arena *arena, uint64_t count, vmem_size_t quantum)
{
    for (uint64_t i = 0; i < count && !vmt_failed(); i++) {
        vmem_addr_t addr = 0;

        vmt_context("allocation", i);
        CHECK_U64(vmem_xalloc(arena, 1, 2 * quantum, 0, 0, 0, VMEM_ADDR_MAX, 0, &addr), ==, 0);
    }
    vmt_context(NULL, 0);
}

static bool
free_it(void *arg, const struct vmem_segment *segment)
{
    vmem_free(arg, segment->start, segment->size);
    return true;
}

/* The published bound holds for `count` allocations; not a page is obtained, not a byte beyond used. */
static void
check_bound(uint64_t count, unsigned quanta_log2, vmem_size_t quantum)
{
    const size_t bytes = VMEM_TAG_MEMORY_BYTES(count, quanta_log2);
    unsigned char *memory = aligned_alloc(64, ((bytes + 63) & ~(size_t)63) + 64);
    struct vmem_options options = { .name = "boot",
        .size = quanta_log2 < 64 ? quantum << quanta_log2 : VMEM_SIZE_MAX,
        .quantum = quantum,
        .tag_memory = memory,
        .tag_memory_bytes = bytes,
        .tag_memory_only = true };
    struct vmem_arena *arena = NULL;
    struct vmem_stats stats;

    CHECK_OR_RETURN(memory != NULL);
    memset(memory, CANARY, bytes + 64);
    pages_calls = 0;
    CHECK_U64(vmem_init_with(&storage, &options, &arena), ==, 0);
    if (arena != NULL) {
        fill_with_holes(arena, count, quantum);
        CHECK_INTACT(arena);
        vmem_stats(arena, &stats);
        CHECK_U64(stats.busy_segments, ==, count);
        CHECK_U64(stats.metadata_bytes, <=, bytes + VMEM_STORAGE_BYTES);
        /* All of it freed and done again: nothing is lost on the way. */
        vmem_walk(arena, VMEM_ALLOC, free_it, arena);
        CHECK_U64(vmem_size(arena, VMEM_ALLOC), ==, 0);
        fill_with_holes(arena, count, quantum);
        vmem_walk(arena, VMEM_ALLOC, free_it, arena);
        CHECK_U64(vmem_destroy(arena), ==, 0);
    }
    CHECK_U64(pages_calls, ==, 0);
    CHECK(is_untouched(memory + bytes, 64));
    free(memory);
}

static void
test_the_published_bound_on_tag_memory_is_enough(void)
{
    static const uint64_t counts[] = { 1, 2, 7, 31, 32, 33, 52, 53, 100, 127, 128, 129, 255, 1000,
        1023, 1024, 1025, 3328, 3329, 5000, 10000 };

    for (size_t i = 0; i < sizeof counts / sizeof counts[0] && !vmt_failed(); i++) {
        check_bound(counts[i], 16, 1);
        check_bound(counts[i], 40, 4096);
        check_bound(counts[i], 64, 1);
    }
}

static void
test_without_a_bound_tags_run_out_cleanly(void)
{
    static _Alignas(64) unsigned char memory[(VMEM_TAG_MEMORY_BYTES(50, 20) + 63) & ~63u];
    static struct vmt_picture before;
    struct vmem_options options = { .size = 1 << 20,
        .quantum = 1,
        .tag_memory = memory,
        .tag_memory_bytes = sizeof memory,
        .tag_memory_only = true };
    struct vmem_arena *arena = NULL;
    struct vmem_stats stats;
    vmem_addr_t addr = 77;
    int status = 0;

    CHECK_OR_RETURN(vmem_init_with(&storage, &options, &arena) == 0);
    for (unsigned i = 0; status == 0 && i < 100000; i++) {
        vmt_picture_take(&before, arena);
        addr = 77;
        status = vmem_xalloc(arena, 1, 2, 0, 0, 0, VMEM_ADDR_MAX, 0, &addr);
    }
    CHECK_U64(status, ==, ENOMEM);
    CHECK_U64(addr, ==, 77);
    CHECK_UNCHANGED(&before, arena);
    vmem_stats(arena, &stats);
    CHECK_U64(stats.fails[VMEM_REASON_TAGS], ==, 1);
    vmem_walk(arena, VMEM_ALLOC, free_it, arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_more_tag_memory_helps_at_once(void)
{
    static _Alignas(64) unsigned char first[(VMEM_TAG_MEMORY_BYTES(50, 20) + 63) & ~63u];
    static _Alignas(64) unsigned char second[65536];
    struct vmem_options options = { .size = 1 << 20,
        .quantum = 1,
        .tag_memory = first,
        .tag_memory_bytes = sizeof first,
        .tag_memory_only = true };
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_init_with(&storage, &options, &arena) == 0);
    while (vmem_alloc(arena, 1, 0, &addr) == 0) {
    }
    CHECK_U64(vmem_add_tags(arena, second + 8, 4096), ==, EINVAL);
    CHECK_U64(vmem_add_tags(arena, NULL, 4096), ==, EINVAL);
    CHECK_U64(vmem_add_tags(arena, second, 1023), ==, EINVAL);
    CHECK_U64(vmem_add_tags(arena, second, 0), ==, EINVAL);
    CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, ENOMEM);
    CHECK_U64(vmem_add_tags(arena, second, sizeof second), ==, 0);
    CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, 0);
    CHECK_INTACT(arena);
    vmem_walk(arena, VMEM_ALLOC, free_it, arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_the_caller_s_memory_is_used_before_the_source(void)
{
    static _Alignas(64) unsigned char memory[65536];
    struct vmem_options options = {
        .size = 1 << 20, .quantum = 1, .tag_memory = memory, .tag_memory_bytes = sizeof memory
    };
    struct vmem_arena *arena = NULL;
    struct vmt_tags tags;
    vmem_addr_t addr = 0;

    vmt_tags_init(&tags);
    options.tags = tags.source;
    CHECK_OR_RETURN(vmem_init_with(&storage, &options, &arena) == 0);
    CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, 0);
    CHECK_U64(tags.fuse.calls, ==, 0);
    fill_with_holes(arena, 4000, 1);
    CHECK_U64(tags.fuse.calls, >, 0); /* and then the source helps */
    vmem_walk(arena, VMEM_ALLOC, free_it, arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
    vmt_tags_fini(&tags);
}

/* -------------------------------------------------------------------------------------------------
 * Pages of the system, when there are none
 * ---------------------------------------------------------------------------------------------- */

enum { ROUNDS = 3000 };

/* Allocate and free, so that tags, the busy index and an index by address grow, and shrink again. */
static void
use(struct vmem_arena *arena)
{
    vmem_addr_t addr = 0;

    for (unsigned i = 0; i < ROUNDS; i++) {
        CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, 0);
        CHECK_U64(addr, ==, i);
    }
    for (unsigned i = 0; i < ROUNDS; i += 2) {
        vmem_free(arena, i, 1);
    }
    CHECK_U64(vmem_alloc(arena, 2, VMEM_FIRSTFIT, &addr), ==, 0);
    CHECK_U64(addr, ==, ROUNDS);
    CHECK_INTACT(arena);
    vmem_walk(arena, VMEM_ALLOC, free_it, arena);
    for (unsigned i = 0; i < ROUNDS; i++) { /* what is empty goes back, some with each call */
        CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, 0);
        vmem_free(arena, addr, 1);
    }
    CHECK_INTACT(arena);
    vmem_maintain(arena);
    CHECK_INTACT(arena);
    CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, 1 << 20);
}

/* The k-th mapping refused: the arena is not created, or does without that one, with the same results. */
static void
test_every_mapping_refused_once(void)
{
    unsigned refused = 0;
    bool has_failed = true;

    for (uint64_t k = 1; has_failed && !vmt_failed(); k++) {
        const size_t before = mapped_bytes;
        struct vmem_arena *arena = SENTINEL;
        int status;
        vmt_context("mapping", k);
        vmt_fuse_set(&mappings, k, false);
        status = vmem_create("paged", 0, 1 << 20, 1, 0, 0, &arena);
        if (status == 0) {
            use(arena);
            CHECK_U64(vmem_destroy(arena), ==, 0);
        } else {
            CHECK_U64(status, ==, ENOMEM);
            CHECK(arena == SENTINEL);
            refused++;
        }
        CHECK_U64(k == 1, <=, status != 0); /* without the arena's own page there is none */
        CHECK_U64(mapped_bytes, ==, before);
        has_failed = mappings.failed != 0;
    }
    vmt_context(NULL, 0);
    vmt_fuse_set(&mappings, 0, false);
    CHECK_U64(refused, ==, 3); /* of the arena itself, the first table, and the span's bins */
}

/* Each mapping goes back once, no less and no more, whatever the busy index has grown to. */
static void
test_every_mapping_goes_back_once(void)
{
    for (unsigned count = 0; count <= 40000; count = count * 3 + 1) {
        const size_t before = mapped_bytes;
        struct vmem_arena *arena = NULL;
        vmt_context("allocations", count);
        CHECK_OR_RETURN(vmem_create("paged", 0, 1 << 20, 1, 0, 0, &arena) == 0);
        for (unsigned i = 0; i < count; i++) {
            vmem_addr_t addr = 0;
            CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, 0);
        }
        vmem_walk(arena, VMEM_ALLOC, free_it, arena);
        CHECK_U64(vmem_destroy(arena), ==, 0);
        CHECK_U64(mapped_bytes, ==, before);
    }
}

/* No window for tables, but the others: tags are given back as with it. */
static void
test_without_a_window_for_tables(void)
{
    struct vmem_arena *arena = NULL;

    vmt_fuse_set(&mappings, 4, false); /* the arena, two windows for slabs, and then this one */
    CHECK_OR_RETURN(vmem_create("paged", 0, 1 << 20, 1, 0, 0, &arena) == 0);
    CHECK_U64(mappings.failed, ==, 1);
    CHECK(arena->supply.table_window == NULL);
    CHECK(arena->tags.slab.window != NULL && arena->nodes.window != NULL);
    use(arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
    vmt_fuse_set(&mappings, 0, false);
}

/* The caller's memory first, then the system's pages, of which no call unmaps more than a few. */
static void
test_large_pieces_of_pages_go_back_in_parts(void)
{
    static _Alignas(64) unsigned char memory[4096];
    const struct vmem_options options = {
        .size = 1 << 20, .quantum = 1, .tag_memory = memory, .tag_memory_bytes = sizeof memory
    };
    const size_t before = mapped_bytes;
    struct vmem_arena *arena = NULL;
    size_t peak;

    CHECK_OR_RETURN(vmem_init_with(&storage, &options, &arena) == 0);
    unmapped_bytes_max = 0;
    for (unsigned i = 0; i < 10 * ROUNDS; i++) {
        vmem_addr_t addr = 0;
        CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, 0);
    }
    CHECK_U64(unmapped_bytes_max, ==, VMI_PORT_PART_BYTES); /* tables that were outgrown */
    peak = mapped_bytes;
    vmem_walk(arena, VMEM_ALLOC, free_it, arena);
    use(arena);
    CHECK_U64(unmapped_bytes_max, ==, VMI_PORT_PART_BYTES);
    CHECK_U64(mapped_bytes, <, peak);
    CHECK_U64(vmem_destroy(arena), ==, 0);
    CHECK_U64(mapped_bytes, ==, before);
}

#if VMI_PORT_HAS_WINDOW

/*
 * A table that is too large for its window lies in pages.  There is no time for so many allocations, so the
 * one before it is made up: empty, and said to be full.
 */
static void
test_a_table_that_is_too_large_for_the_window(void)
{
    enum { BUCKETS_LOG2 = VMI_WINDOW_LOG2 - 2 - 6 };
    const size_t bytes = (size_t)1 << (VMI_WINDOW_LOG2 - 2);
    const size_t before = mapped_bytes;
    struct vmem_arena *arena = NULL;
    struct vmi_busy *busy;
    struct vmem_stats stats;
    vmem_addr_t addrs[2];

    CHECK_OR_RETURN(vmem_create("paged", 0, 1 << 20, 1, 0, 0, &arena) == 0);
    busy = &arena->busy;
    busy->table.bucket = (struct vmi_bucket *)(void *)(arena->supply.table_window + 3 * bytes);
    busy->table.mask = (1u << BUCKETS_LOG2) - 1;
    busy->table.shift = 32 - BUCKETS_LOG2;
    busy->count_max = 0;
    arena->supply.bytes += bytes;
    CHECK_U64(vmem_alloc(arena, 1, 0, &addrs[0]), ==, 0);
    CHECK_U64(vmi_table_bytes(&busy->table), ==, 2 * bytes);
    CHECK(vmi_busy_is_moving(busy));
    CHECK((uintptr_t)busy->table.bucket - (uintptr_t)arena->supply.table_window >= 4 * bytes);
    CHECK_U64(vmem_alloc(arena, 1, 0, &addrs[1]), ==, 0);
    vmem_free(arena, addrs[0], 1);
    vmem_free(arena, addrs[1], 1);
    vmem_stats(arena, &stats);
    CHECK_U64(stats.metadata_bytes, >=, 2 * bytes);
    CHECK_U64(vmem_destroy(arena), ==, 0);
    CHECK_U64(mapped_bytes, ==, before);
}

#endif

static const struct vmt_test tests[] = {
    VMT_TEST(test_the_wrapper_sees_pages),
    VMT_TEST(test_init_returns_the_storage_and_the_same_statuses),
    VMT_TEST(test_init_with_no_memory_at_all_says_enomem),
    VMT_TEST(test_the_published_bound_on_tag_memory_is_enough),
    VMT_TEST(test_without_a_bound_tags_run_out_cleanly),
    VMT_TEST(test_more_tag_memory_helps_at_once),
    VMT_TEST(test_the_caller_s_memory_is_used_before_the_source),
    VMT_TEST(test_every_mapping_refused_once),
    VMT_TEST(test_every_mapping_goes_back_once),
    VMT_TEST(test_without_a_window_for_tables),
    VMT_TEST(test_large_pieces_of_pages_go_back_in_parts),
#if VMI_PORT_HAS_WINDOW
    VMT_TEST(test_a_table_that_is_too_large_for_the_window),
#endif
};

VMT_SUITE(tests);
