/*
 * test_supply - memory for metadata: somebody else was faster, there is none, it goes back. [T1] [T2] [L2]
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * The source of tags stands for another thread: it is asked without the lock, so that whatever it does to
 * the arena is what any thread could do at that moment.  What was obtained for a need that somebody else
 * has met by then is put aside or goes back, and nothing else changes.
 */
#include "vmt.h"
#include "vmt_fault.h"
#include "vmt_picture.h"

#include "engine/index.h"
#include "engine/supply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct world {
    struct vmem_arena *arena;
    bool (*is_due)(const struct world *w, size_t bytes); /* is this the request for memory? */
    void (*then)(struct world *w);                       /* at that one, once */
    bool refuses;
    bool happened;
    uint64_t gets;
    uint64_t puts;
    uint64_t puts_then; /* before it happened */
    size_t live_bytes;
    vmem_addr_t addr;
};

static void *
get(void *arg, size_t bytes)
{
    struct world *w = arg;
    void *memory;

    if (w->is_due != NULL && w->is_due(w, bytes)) {
        w->is_due = NULL;
        w->happened = true;
        w->puts_then = w->puts;
        w->then(w);
    }
    if (w->refuses) {
        return NULL;
    }
    memory = aligned_alloc(64, bytes);
    CHECK(memory != NULL);
    memset(memory, 0, bytes);
    w->gets++;
    w->live_bytes += bytes;
    return memory;
}

static void
put(void *arg, void *memory, size_t bytes)
{
    struct world *w = arg;

    w->puts++;
    w->live_bytes -= bytes;
    memset(memory, 0xc3, bytes);
    free(memory);
}

static bool
create(struct world *w)
{
    const struct vmem_options options = {
        .name = "supply", .quantum = 1, .size = 1 << 20, .tags = { get, put, w }
    };

    *w = (struct world){ .arena = NULL };
    CHECK_U64(vmem_create_with(&options, &w->arena), ==, 0);
    return w->arena != NULL;
}

static bool
free_visited(void *arg, const struct vmem_segment *segment)
{
    vmem_free(arg, segment->start, segment->size);
    return true;
}

static size_t
metadata(struct vmem_arena *arena)
{
    struct vmem_stats stats;

    vmem_stats(arena, &stats);
    return stats.metadata_bytes - sizeof *arena;
}

static void
destroy(struct world *w)
{
    w->refuses = false;
    w->is_due = NULL;
    CHECK_INTACT(w->arena);
    vmem_walk(w->arena, VMEM_ALLOC, free_visited, w->arena);
    CHECK_INTACT(w->arena);
    CHECK_U64(vmem_size(w->arena, VMEM_MAXFREE), ==, 1 << 20);
    CHECK_U64(vmem_destroy(w->arena), ==, 0);
    CHECK_U64(w->gets, ==, w->puts);
    CHECK_U64(w->live_bytes, ==, 0);
}

static int
take_one(struct world *w)
{
    vmem_addr_t addr = 0;

    return vmem_alloc(w->arena, 1, 0, &addr);
}

/* Allocate one by one until so many chunks of tags are there. */
static void
grow_to_chunks(struct world *w, uint32_t chunks)
{
    while (w->arena->tags.slab.dir_count < chunks && !vmt_failed()) {
        CHECK_U64(take_one(w), ==, 0);
    }
}

/* Allocate one by one until so many are live. */
static void
grow_to(struct world *w, uint32_t count)
{
    while (w->arena->busy.count < count && !vmt_failed()) {
        CHECK_U64(take_one(w), ==, 0);
    }
}

/* Leave no room in the memory that small pieces come from. */
static void
use_up_small_pieces(struct world *w)
{
    w->refuses = true;
    CHECK(vmi_enter(w->arena));
    while (vmi_supply_permanent(w->arena, 64) != NULL) {
    }
    vmi_leave(w->arena);
    w->refuses = false;
}

/* Do what is to happen when the next allocations come to ask for it; then all is as it should be. */
static void
take_until_it_happens(struct world *w, bool (*is_due)(const struct world *w, size_t bytes),
    void (*then)(struct world *w))
{
    w->then = then;
    w->is_due = is_due;
    for (unsigned i = 0; i < 100000 && !w->happened && !vmt_failed(); i++) {
        CHECK_U64(take_one(w), ==, 0);
    }
    CHECK(w->happened);
    CHECK_INTACT(w->arena);
    CHECK_U64(w->live_bytes, ==, metadata(w->arena));
}

/* -------------------------------------------------------------------------------------------------
 * The directory of the tags' chunks
 * ---------------------------------------------------------------------------------------------- */

static bool
is_for_the_directory(const struct world *w, size_t bytes)
{
    const struct vmi_slab *slab = &w->arena->tags.slab;

    return slab->dir_count == slab->dir_capacity && bytes == VMI_SUPPLY_BLOB_BYTES;
}

static void
test_no_memory_for_a_larger_directory(void)
{
    struct world w;
    struct vmi_slab *slab;
    uint64_t gets;
    int status = 0;

    CHECK_OR_RETURN(create(&w));
    slab = &w.arena->tags.slab;
    grow_to_chunks(&w, VMI_SLAB_DIR_INLINE);
    grow_to(&w, 8000); /* past the growth of the busy index */
    use_up_small_pieces(&w);
    w.refuses = true;
    gets = w.gets;
    while (status == 0) {
        status = take_one(&w);
    }
    CHECK_U64(status, ==, ENOMEM);
    CHECK_U64(w.gets, ==, gets);
    CHECK_U64(slab->dir_capacity, ==, VMI_SLAB_DIR_INLINE);
    CHECK_U64(slab->dir_count, ==, VMI_SLAB_DIR_INLINE);
    CHECK_U64(slab->free_count, ==, 0);
    CHECK_INTACT(w.arena);
    w.refuses = false;
    CHECK_U64(take_one(&w), ==, 0);
    CHECK_U64(slab->dir_capacity, ==, 2 * VMI_SLAB_DIR_INLINE);
    CHECK_U64(slab->dir_count, ==, VMI_SLAB_DIR_INLINE + 1);
    destroy(&w);
}

static void
allocate_too(struct world *w)
{
    CHECK_U64(take_one(w), ==, 0);
}

static void
fill_the_larger_directory(struct world *w)
{
    grow_to_chunks(w, 2 * VMI_SLAB_DIR_INLINE);
}

/* Somebody else has put a larger one in its place; it may even be full by now. */
static void
test_the_directory_was_replaced_meanwhile(void)
{
    for (unsigned full = 0; full < 2; full++) {
        struct world w;
        const struct vmi_slab *slab;

        CHECK_OR_RETURN(create(&w));
        vmt_context("full", full);
        slab = &w.arena->tags.slab;
        grow_to_chunks(&w, VMI_SLAB_DIR_INLINE);
        use_up_small_pieces(&w);
        take_until_it_happens(
            &w, is_for_the_directory, full != 0 ? fill_the_larger_directory : allocate_too);
        CHECK_U64(slab->dir_capacity, ==, 2 * VMI_SLAB_DIR_INLINE);
        CHECK_U64(slab->dir_count, ==, VMI_SLAB_DIR_INLINE + (full != 0 ? VMI_SLAB_DIR_INLINE : 1));
        CHECK(w.arena->supply.pieces != NULL); /* what was not needed waits to be used */
        CHECK_U64(w.arena->supply.pieces->bytes, ==, 2 * sizeof slab->dir_inline);
        destroy(&w);
    }
    vmt_context(NULL, 0);
}

static bool
is_for_the_last_entry(const struct world *w, size_t bytes)
{
    const struct vmi_slab *slab = &w->arena->tags.slab;

    return slab->dir_count == VMI_SLAB_DIR_INLINE - 1 && slab->free_count == 0 &&
        bytes == (size_t)1 << VMI_CHUNK_LOG2;
}

/* Memory for a chunk came, but somebody else's took the last entry of the directory: it goes back. */
static void
test_the_last_entry_of_the_directory_was_taken_meanwhile(void)
{
    struct world w;

    CHECK_OR_RETURN(create(&w));
    grow_to_chunks(&w, VMI_SLAB_DIR_INLINE - 1);
    take_until_it_happens(&w, is_for_the_last_entry, allocate_too);
    CHECK_U64(w.arena->tags.slab.dir_count, ==, VMI_SLAB_DIR_INLINE);
    CHECK_U64(w.puts, ==, w.puts_then + 1);
    destroy(&w);
}

/* -------------------------------------------------------------------------------------------------
 * The busy index
 * ---------------------------------------------------------------------------------------------- */

static bool
is_for_a_larger_table(const struct world *w, size_t bytes)
{
    return w->arena->busy.count >= w->arena->busy.count_max &&
        bytes == 2 * vmi_table_bytes(&w->arena->busy.table);
}

static void
test_the_table_was_replaced_meanwhile(void)
{
    struct world w;
    size_t bytes;

    CHECK_OR_RETURN(create(&w));
    grow_to(&w, 300);
    bytes = vmi_table_bytes(&w.arena->busy.table);
    take_until_it_happens(&w, is_for_a_larger_table, allocate_too);
    CHECK_U64(vmi_table_bytes(&w.arena->busy.table), ==, 2 * bytes);
    CHECK(vmi_busy_is_moving(&w.arena->busy));
    CHECK_U64(w.puts, ==, w.puts_then + 1); /* the other one, when the lock was left */
    destroy(&w);
}

static bool
is_for_a_smaller_table(const struct world *w, size_t bytes)
{
    return 2 * bytes == vmi_table_bytes(&w->arena->busy.table);
}

static void
allocate_many(struct world *w)
{
    grow_to(w, 4000);
}

/* Upkeep obtained a smaller table, and then there are too many allocations for it. */
static void
test_a_smaller_table_is_not_wanted_any_more(void)
{
    struct world w;
    size_t bytes;

    CHECK_OR_RETURN(create(&w));
    grow_to(&w, 5000);
    bytes = vmi_table_bytes(&w.arena->busy.table);
    vmem_walk(w.arena, VMEM_ALLOC, free_visited, w.arena);
    CHECK_U64(vmi_table_bytes(&w.arena->busy.table), ==, bytes);
    w.then = allocate_many;
    w.is_due = is_for_a_smaller_table;
    vmem_maintain(w.arena);
    CHECK(w.happened);
    CHECK_U64(vmi_table_bytes(&w.arena->busy.table), ==, bytes);
    CHECK(!vmi_busy_is_moving(&w.arena->busy));
    CHECK_U64(w.arena->busy.count, ==, 4000);
    CHECK_INTACT(w.arena);
    destroy(&w);
}

/* As large as it gets, and as full: the next allocation by address is refused, others are not. */
static void
test_the_busy_index_is_full_for_good(void)
{
    struct world w;
    struct vmi_busy *busy;
    struct vmi_busy kept;
    vmem_handle_t handle = 0;
    vmem_addr_t addr = 77;
    struct vmem_stats stats;
    int status;

    CHECK_OR_RETURN(create(&w));
    busy = &w.arena->busy;
    kept = *busy;
    busy->table.mask = ((uint32_t)1 << VMI_BUSY_LOG2_MAX) - 1; /* made up */
    busy->count = busy->count_max = (busy->table.mask + 1) / 16 * 15 * VMI_BUCKET_SLOTS;
    status = vmem_alloc(w.arena, 1, 0, &addr);
    CHECK_U64(status, ==, ENOMEM);
    CHECK_U64(addr, ==, 77);
    busy->count--; /* above what it would grow at, but there is room for one */
    status = vmem_alloc_handle(w.arena, 1, NULL, 0, &addr, &handle);
    CHECK_U64(status, ==, 0);
    *busy = kept;
    vmem_stats(w.arena, &stats);
    CHECK_U64(stats.fails[VMEM_REASON_TAGS], ==, 1);
    vmem_free_handle(w.arena, handle);
    destroy(&w);
}

/* -------------------------------------------------------------------------------------------------
 * Indexes
 * ---------------------------------------------------------------------------------------------- */

enum { SINGLES = 4000, MANY_SINGLES = 20000 };

/* Every other unit of the first ones is free. */
static void
make_holes(struct world *w, unsigned singles)
{
    grow_to(w, singles);
    for (unsigned i = 0; i < singles; i += 2) {
        vmem_free(w->arena, i, 1);
    }
}

static bool
is_for_nodes(const struct world *w, size_t bytes)
{
    (void)bytes;
    return w->arena->by_address.state == VMI_INDEX_OFF;
}

static void
take_the_lowest(struct world *w)
{
    CHECK_U64(vmem_alloc(w->arena, 1, VMEM_FIRSTFIT, &w->addr), ==, 0);
    CHECK_U64(w->arena->by_address.state, ==, VMI_INDEX_READY);
}

/* Two requests want the index, and ask for its nodes; it is built once. */
static void
test_an_index_was_built_meanwhile(void)
{
    struct world w;
    vmem_addr_t addr = 77;

    CHECK_OR_RETURN(create(&w));
    make_holes(&w, SINGLES);
    w.then = take_the_lowest;
    w.is_due = is_for_nodes;
    CHECK_U64(vmem_alloc(w.arena, 1, VMEM_FIRSTFIT, &addr), ==, 0);
    CHECK(w.happened);
    CHECK_U64(w.addr, ==, 0);
    CHECK_U64(addr, ==, 2);
    CHECK_U64(w.arena->by_address.state, ==, VMI_INDEX_READY);
    CHECK_INTACT(w.arena);
    destroy(&w);
}

static uint64_t made_up;

/* Twice as many holes as there are nodes for, those under way included. */
static bool
have_more_holes(const struct world *w, size_t bytes)
{
    const uint64_t real = w->arena->hole_count - made_up;

    (void)bytes;
    made_up = 2 * VMI_FANOUT * ((uint64_t)w->arena->nodes.free_count + 300);
    w->arena->hole_count = real + made_up;
    return false;
}

/* Whenever the nodes have come, there are more holes than they suffice for: it is searched without. */
static void
test_an_index_that_is_never_caught_up_with(void)
{
    struct world w;
    struct vmem_stats stats;
    vmem_addr_t addr = 77;

    CHECK_OR_RETURN(create(&w));
    make_holes(&w, SINGLES);
    made_up = 0;
    w.is_due = have_more_holes;
    CHECK_U64(vmem_alloc(w.arena, 1, VMEM_FIRSTFIT, &addr), ==, 0);
    w.is_due = NULL;
    CHECK_U64(made_up, >, 0);
    w.arena->hole_count -= made_up;
    CHECK_U64(addr, ==, 0);
    CHECK_U64(w.arena->by_address.state, ==, VMI_INDEX_OFF);
    vmem_stats(w.arena, &stats);
    CHECK_U64(stats.scans, ==, 1);
    CHECK_INTACT(w.arena);
    CHECK_U64(vmem_alloc(w.arena, 1, VMEM_FIRSTFIT, &addr), ==, 0); /* the next one catches up */
    CHECK_U64(addr, ==, 2);
    CHECK_U64(w.arena->by_address.state, ==, VMI_INDEX_READY);
    destroy(&w);
}

/*
 * Upkeep gives back the chunks of an index's nodes, one piece when the lock is left; the others follow, and
 * the last ones when the arena ends.
 */
static void
test_what_an_index_took_goes_back_piece_by_piece(void)
{
    struct world w;
    vmem_addr_t addr = 77;
    uint32_t chunks;
    uint64_t puts;

    CHECK_OR_RETURN(create(&w));
    make_holes(&w, MANY_SINGLES);
    CHECK_U64(vmem_alloc(w.arena, 1, VMEM_FIRSTFIT, &addr), ==, 0);
    chunks = w.arena->nodes.chunk_count;
    CHECK_U64(chunks, >, 8);
    CHECK_OR_RETURN(vmi_enter(w.arena));
    vmi_index_drop(w.arena, &w.arena->by_address);
    vmi_leave(w.arena);
    CHECK_U64(w.arena->nodes.chunk_count, ==, chunks);
    puts = w.puts;
    vmem_maintain(w.arena);
    CHECK_U64(w.arena->nodes.chunk_count, <, 6); /* no more than two chunks' worth */
    CHECK(w.arena->supply.garbage != NULL && w.arena->supply.garbage->next != NULL);
    CHECK_U64(w.puts, ==, puts + 1);
    CHECK_U64(w.live_bytes, ==, metadata(w.arena));
    vmem_drain(w.arena);             /* which has nothing to do */
    CHECK_U64(w.puts, ==, puts + 3); /* nor has the look at the figures, before */
    CHECK_INTACT(w.arena);
    destroy(&w);
}

/* The end comes while there is still something to put back. */
static void
test_an_arena_that_ends_with_garbage_puts_it_back(void)
{
    struct world w;
    vmem_addr_t addr = 77;

    CHECK_OR_RETURN(create(&w));
    make_holes(&w, MANY_SINGLES);
    CHECK_U64(vmem_alloc(w.arena, 1, VMEM_FIRSTFIT, &addr), ==, 0);
    CHECK_OR_RETURN(vmi_enter(w.arena));
    vmi_index_drop(w.arena, &w.arena->by_address);
    vmi_leave(w.arena);
    vmem_walk(w.arena, VMEM_ALLOC, free_visited, w.arena);
    vmem_maintain(w.arena);
    CHECK(w.arena->supply.garbage != NULL);
    CHECK_U64(vmem_destroy(w.arena), ==, 0);
    CHECK_U64(w.gets, ==, w.puts);
    CHECK_U64(w.live_bytes, ==, 0);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_no_memory_for_a_larger_directory),
    VMT_TEST(test_the_directory_was_replaced_meanwhile),
    VMT_TEST(test_the_last_entry_of_the_directory_was_taken_meanwhile),
    VMT_TEST(test_the_table_was_replaced_meanwhile),
    VMT_TEST(test_a_smaller_table_is_not_wanted_any_more),
    VMT_TEST(test_the_busy_index_is_full_for_good),
    VMT_TEST(test_an_index_was_built_meanwhile),
    VMT_TEST(test_an_index_that_is_never_caught_up_with),
    VMT_TEST(test_what_an_index_took_goes_back_piece_by_piece),
    VMT_TEST(test_an_arena_that_ends_with_garbage_puts_it_back),
};

VMT_SUITE(tests);
