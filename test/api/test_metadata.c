/*
 * test_metadata - memory for metadata is counted to the byte, and given back some pages at a time. [T3]
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * The linker sends the library's calls of vmi_port_window_drop() here (-Wl,--wrap), so that a test can see
 * what is dropped, and when.
 */
#include "vmt.h"
#include "vmt_picture.h"
#include "vmt_tags.h"

#include "engine/arena.h"
#include "engine/quarantine.h"
#include "engine/supply.h"

enum { COUNT = 40000, PAGE = 4096, PART = 16384, TABLE_PAGES_MAX = 1024 };

static vmem_addr_t addrs[COUNT];
static vmem_size_t sizes[COUNT];

static size_t
metadata(struct vmem_arena *arena)
{
    struct vmem_stats stats;

    vmem_stats(arena, &stats);
    return stats.metadata_bytes;
}

/* -------------------------------------------------------------------------------------------------
 * From a source
 * ---------------------------------------------------------------------------------------------- */

/* Allocate up to `high` and free down to `low`, some times, in no order; check after every step. */
static void
churn(struct vmem_arena *arena, unsigned policy, void (*check)(struct vmem_arena *arena))
{
    struct vmt_rng rng = { .state = vmt_seed() };
    unsigned live = 0;

    for (unsigned round = 0; round < 4; round++) {
        while (live < (unsigned)COUNT >> round && !vmt_failed()) {
            sizes[live] = 1 + vmt_rng_below(&rng, 8);
            CHECK_U64(vmem_alloc(arena, sizes[live], policy, &addrs[live]), ==, 0);
            live++;
            check(arena);
        }
        while (live > 0 && !vmt_failed()) {
            const uint64_t i = vmt_rng_below(&rng, live);
            const vmem_addr_t addr = addrs[i];
            addrs[i] = addrs[--live];
            vmem_free(arena, addr, sizes[i]);
            sizes[i] = sizes[live];
            check(arena);
        }
        vmem_maintain(arena);
        check(arena);
    }
}

static struct vmt_tags tags;
static size_t own_bytes;

static void
check_against_source(struct vmem_arena *arena)
{
    CHECK_U64(arena->supply.bytes, ==, tags.live_bytes);
}

static void
test_what_the_source_gave_is_counted_to_the_byte(void)
{
    static const unsigned policies[] = { VMEM_INSTANTFIT, VMEM_BESTFIT };

    for (unsigned i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        struct vmem_options options = { .quantum = 1, .size = 1 << 20 };
        struct vmem_arena *arena = NULL;

        vmt_tags_init(&tags);
        options.tags = tags.source;
        CHECK_OR_RETURN(vmem_create_with(&options, &arena) == 0);
        CHECK_U64(metadata(arena), ==, sizeof *arena + tags.live_bytes);
        churn(arena, policies[i], check_against_source);
        CHECK_INTACT(arena);
        CHECK_U64(vmem_destroy(arena), ==, 0);
        vmt_tags_fini(&tags);
    }
}

/* What is obtained for good lies one behind the other, on lines of 64 bytes. */
static void
test_permanent_pieces_do_not_overlap(void)
{
    for (unsigned frees = 1; frees < 40; frees++) {
        struct vmem_options options = { .quantum = 1, .quarantine_frees = frees };
        struct vmem_arena *arena = NULL;
        uintptr_t ring;
        uintptr_t table;

        vmt_tags_init(&tags);
        options.tags = tags.source;
        CHECK_OR_RETURN(vmem_create_with(&options, &arena) == 0);
        CHECK_U64(vmem_add(arena, 0, 16, 0), ==, 0);
        ring = (uintptr_t)arena->quarantine.ring;
        table = (uintptr_t)arena->busy.table.bucket;
        CHECK_U64(ring, ==, table + vmi_table_bytes(&arena->busy.table));
        CHECK_U64((uintptr_t)vmi_slab_chunk(&arena->tags.slab, 0), ==,
            ring + (frees * sizeof(struct vmi_resting) + 63) / 64 * 64);
        CHECK_U64(vmem_destroy(arena), ==, 0);
        vmt_tags_fini(&tags);
    }
}

/* The last of the caller's memory is used, too, in smaller pieces: no more than a third lies idle. */
static void
test_little_of_the_callers_memory_is_left_unused(void)
{
    enum { EACH_MOST = 180 }; /* bytes an allocation; 48 where there is much memory */

    for (size_t bytes = 30720; bytes < 1 << 18; bytes = bytes * 9 / 8 / 64 * 64) {
        void *memory = vmt_port_get(bytes);
        const struct vmem_options options = { .quantum = 1,
            .size = 1 << 20,
            .tag_memory = memory,
            .tag_memory_bytes = bytes,
            .tag_memory_only = true };
        struct vmem_arena *arena = NULL;
        vmem_addr_t addr = 0;
        size_t count = 0;

        vmt_context("bytes", bytes);
        CHECK_OR_RETURN(vmem_create_with(&options, &arena) == 0);
        while (vmem_alloc(arena, 1, 0, &addr) == 0) {
            count++;
        }
        CHECK_U64(count * EACH_MOST, >=, bytes);
        for (addr = 0; addr < count; addr++) {
            vmem_free(arena, addr, 1);
        }
        CHECK_U64(vmem_destroy(arena), ==, 0);
        vmt_port_put(memory, bytes);
    }
}

/* -------------------------------------------------------------------------------------------------
 * In windows
 * ---------------------------------------------------------------------------------------------- */

#if VMI_PORT_HAS_WINDOW

void __wrap_vmi_port_window_drop(void *part, size_t bytes);
void __real_vmi_port_window_drop(void *part, size_t bytes);

/* What is watched, while a test runs; NULL = nothing. */
static struct vmem_arena *watched;
static const char *moving_table;         /* the old table, if it lies in the window */
static size_t moving_bytes;              /* of it */
static bool is_dropped[TABLE_PAGES_MAX]; /* its pages */
static unsigned drops;                   /* in this operation */
static bool has_rehearsed;
static uint64_t tables_dropped;
static uint64_t chunks_dropped;
static uint64_t rehearsals;

static bool
is_in(const void *memory, const void *start, size_t bytes)
{
    return (uintptr_t)memory - (uintptr_t)start < bytes;
}

/* No chunk in use, and no part of one that is leaving, but what is beyond what is left of it. */
static void
check_no_chunk(const struct vmi_slab *slab, const void *part, size_t bytes)
{
    for (uint32_t number = 0; number < slab->dir_count; number++) {
        const struct vmi_chunk *chunk = vmi_slab_chunk(slab, number);
        CHECK(chunk == NULL || !is_in(part, chunk, chunk->bytes));
        CHECK(chunk == NULL || !is_in(chunk, part, bytes));
    }
    CHECK(slab->leaving == NULL || !is_in(part, slab->leaving, slab->leaving->bytes));
    chunks_dropped++;
}

static bool
is_zero(const char *memory, size_t bytes)
{
    size_t i = 0;

    while (i < bytes && memory[i] == 0) {
        i++;
    }
    return i == bytes;
}

/* A table that was left has been dropped as a whole before the next one is: another can lie there. */
static void
follow_tables(struct vmem_arena *arena)
{
    const struct vmi_table *old = &arena->busy.old;
    const char *now = (const char *)old->bucket;

    if (now == moving_table) {
        return;
    }
    for (size_t page = 0; moving_table != NULL && page < moving_bytes / PAGE; page++) {
        CHECK(is_dropped[page]);
        CHECK(is_zero(moving_table + page * PAGE, PAGE));
        is_dropped[page] = false;
    }
    moving_table = NULL;
    if (now != NULL && is_in(now, arena->supply.table_window, (size_t)1 << VMI_WINDOW_LOG2)) {
        moving_table = now;
        moving_bytes = vmi_table_bytes(old);
        CHECK_U64(moving_bytes / PAGE, <=, TABLE_PAGES_MAX);
    }
}

void
__wrap_vmi_port_window_drop(void *part, size_t bytes)
{
    struct vmem_arena *arena = watched;

    if (arena != NULL) {
        const size_t window_bytes = (size_t)1 << VMI_WINDOW_LOG2;
        follow_tables(arena);
        CHECK_U64(bytes % PAGE, ==, 0);
        CHECK_U64(bytes, >=, PAGE);
        CHECK_U64(bytes, <=, PART);
        drops++;
        if (part == arena->supply.table_window) {
            CHECK_U64(bytes, ==, PAGE); /* for practice: no table lies there */
            has_rehearsed = true;
            rehearsals++;
        } else if (is_in(part, arena->tags.slab.window_memory, window_bytes)) {
            CHECK(has_rehearsed);
            check_no_chunk(&arena->tags.slab, part, bytes);
        } else if (is_in(part, arena->nodes.window_memory, window_bytes)) {
            CHECK(has_rehearsed);
            check_no_chunk(&arena->nodes, part, bytes);
        } else if (moving_table != NULL && is_in(part, moving_table, moving_bytes)) {
            const size_t first = (size_t)((const char *)part - moving_table) / PAGE;
            CHECK(has_rehearsed);
            for (size_t page = first; page < first + bytes / PAGE; page++) {
                /* Where its last entries wrap to goes a second time, when they are gone. */
                CHECK(!is_dropped[page] ||
                    first * PAGE < arena->busy.old.wrap * sizeof(struct vmi_bucket));
                is_dropped[page] = true;
            }
            tables_dropped++;
        } else {
            vmt_fail(__FILE__, __LINE__, "a part of nothing that may go was dropped");
        }
    }
    __real_vmi_port_window_drop(part, bytes);
}

static size_t
slab_bytes(const struct vmi_slab *slab)
{
    size_t sum = slab->dir_count * sizeof slab->dir[0];

    for (uint32_t number = 0; number < slab->dir_count; number++) {
        const struct vmi_chunk *chunk = vmi_slab_chunk(slab, number);
        sum += chunk != NULL ? chunk->bytes : 0;
    }
    return sum + (slab->leaving != NULL ? slab->leaving->bytes : 0);
}

/* The bytes in windows: chunks, the table, and of an old one what was not yet dropped from its end. */
static size_t
window_bytes_of(const struct vmem_arena *arena)
{
    const void *window = arena->supply.table_window;
    const size_t bytes = (size_t)1 << VMI_WINDOW_LOG2;
    size_t sum = slab_bytes(&arena->tags.slab) + slab_bytes(&arena->nodes);

    if (is_in(arena->busy.table.bucket, window, bytes)) {
        sum += vmi_table_bytes(&arena->busy.table);
    }
    return sum;
}

static void
check_windows(struct vmem_arena *arena)
{
    follow_tables(arena);
    CHECK_U64(drops, <=, 1); /* so that no operation is long */
    drops = 0;
    if (!vmi_busy_is_moving(&arena->busy)) {
        CHECK_U64(metadata(arena), ==, own_bytes + window_bytes_of(arena));
    } else {
        CHECK_U64(metadata(arena), >=, own_bytes + window_bytes_of(arena));
    }
}

/* vmem_maintain() does all at once. */
static void
check_after(struct vmem_arena *arena)
{
    drops = drops > 1 ? 1 : drops;
    check_windows(arena);
}

static void
test_windows_are_dropped_some_pages_at_a_time(void)
{
    const struct vmem_options options = { .quantum = 1, .size = 1 << 20 };
    struct vmem_arena *arena = NULL;

    CHECK_OR_RETURN(vmem_create_with(&options, &arena) == 0);
    own_bytes = metadata(arena) - window_bytes_of(arena);
    watched = arena;
    drops = 0;
    for (unsigned round = 0; round < 3 && !vmt_failed(); round++) {
        for (unsigned i = 0; i < COUNT && !vmt_failed(); i++) {
            CHECK_U64(vmem_alloc(arena, 1 + i % 2, 0, &addrs[i]), ==, 0);
            check_windows(arena);
        }
        for (unsigned i = 0; i < COUNT && !vmt_failed(); i++) {
            const unsigned which = (unsigned)(i * 7919ull % COUNT);
            vmem_free(arena, addrs[which], 1 + which % 2);
            check_windows(arena);
            if (round == 1 &&
                i % 100 == 0) { /* with a table on its way, and a smaller one to follow */
                vmem_maintain(arena);
                check_after(arena);
            }
        }
        vmem_maintain(arena);
        has_rehearsed = true;
        check_after(arena);
    }
    CHECK_U64(tables_dropped, >, 0);
    CHECK_U64(chunks_dropped, >, 0);
    CHECK_U64(rehearsals, >, 0);
    CHECK_INTACT(arena);
    watched = NULL;
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

#endif

static const struct vmt_test tests[] = {
    VMT_TEST(test_what_the_source_gave_is_counted_to_the_byte),
    VMT_TEST(test_permanent_pieces_do_not_overlap),
    VMT_TEST(test_little_of_the_callers_memory_is_left_unused),
#if VMI_PORT_HAS_WINDOW
    VMT_TEST(test_windows_are_dropped_some_pages_at_a_time),
#endif
};

VMT_SUITE(tests);
