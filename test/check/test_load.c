/*
 * test_load - an index that is loaded at once, while memory is short and others are at work. [T1] [X1]
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * The source of metadata is ours: it refuses from its k-th call on, or frees and wishes while it is asked,
 * for the lock is left then.  Whatever it does, vmi_index_build() ends with an index that is complete or
 * off, and vmem_check() finds nothing; a request for a window is answered in either case.
 */
#include "vmt.h"
#include "vmt_picture.h"

#include "engine/index.h"
#include "engine/supply.h"

enum { UNITS = 4000, KEPT_FROM = 3000 };

struct source {
    uint64_t calls_left; /* from then on it refuses */
    uint64_t calls;
    uint64_t refused;
    struct vmem_arena *arena;
    vmem_addr_t frees_from; /* the next unit to free while it is asked; UNITS = none */
    unsigned frees_each;    /* so many a call */
};

/* Each call of the source sees more holes, and wishes for what is not there. */
static void
free_and_wish(struct source *source)
{
    struct vmem_arena *arena = source->arena;

    for (unsigned i = 0; i < source->frees_each && source->frees_from < UNITS;
         i++, source->frees_from += 2) {
        vmem_free(arena, source->frees_from, 1);
    }
    CHECK(vmi_enter(arena));
    vmi_index_want(arena, &arena->by_address);
    vmi_index_want(arena, &arena->by_size);
    (void)vmi_index_advance(arena, &arena->by_address, 1);
    vmi_leave(arena);
    CHECK_INTACT(arena);
}

static void *
get(void *arg, size_t bytes)
{
    struct source *source = arg;
    unsigned char *memory;

    if (source->frees_from < UNITS) {
        free_and_wish(source);
    }
    source->calls++;
    if (source->calls_left == 0) {
        source->refused++;
        return NULL;
    }
    source->calls_left--;
    memory = vmt_port_get(bytes);
    for (size_t i = 0; memory != NULL && i < bytes; i++) {
        memory[i] = 0;
    }
    return memory;
}

static void
put(void *arg, void *memory, size_t bytes)
{
    (void)arg;
    vmt_port_put(memory, bytes);
}

/* Every other unit below `kept_from` is a hole; from there on all are busy. */
static struct vmem_arena *
make(struct source *source, vmem_addr_t kept_from)
{
    const struct vmem_options options = {
        .quantum = 1, .size = UNITS, .tags = { get, put, source }
    };
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr;

    *source = (struct source){ .calls_left = UINT64_MAX, .frees_from = UNITS };
    CHECK_U64(vmem_create_with(&options, &arena), ==, 0);
    for (unsigned i = 0; i < UNITS; i++) {
        CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, 0);
    }
    for (vmem_addr_t i = 0; i < kept_from; i += 2) {
        vmem_free(arena, i, 1);
    }
    source->arena = arena;
    return arena;
}

static bool
build(struct vmem_arena *arena, struct vmi_index *index)
{
    bool is_built;

    CHECK(vmi_enter(arena));
    is_built = vmi_index_build(arena, index);
    CHECK(index->state == (is_built ? VMI_INDEX_READY : VMI_INDEX_OFF));
    CHECK_U64(index->order.count, ==, is_built ? arena->hole_count : 0);
    vmi_leave(arena);
    CHECK_INTACT(arena);
    return is_built;
}

static bool
free_visited(void *arg, const struct vmem_segment *segment)
{
    vmem_free(arg, segment->start, segment->size);
    return true;
}

static void
end(struct vmem_arena *arena, struct source *source)
{
    vmem_addr_t addr;

    source->frees_from = UNITS;
    CHECK_U64(vmem_xalloc(arena, 1, 0, 0, 0, 2000, 2500, 0, &addr), ==, 0);
    CHECK_U64(addr, ==, 2000);
    CHECK_INTACT(arena);
    vmem_walk(arena, VMEM_ALLOC, free_visited, arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_memory_that_ends_anywhere(void)
{
    unsigned built_scarcely = 0;
    unsigned given_up = 0;

    for (unsigned i = 0; i < 40; i++) {
        struct source source;
        struct vmem_arena *arena = make(&source, KEPT_FROM);
        struct vmi_index *index = i % 2 == 0 ? &arena->by_address : &arena->by_size;
        bool is_built;
        vmt_context("calls", i / 2);
        source.calls_left = i / 2;
        is_built = build(arena, index);
        built_scarcely += is_built && source.refused > 0 ? 1 : 0;
        given_up += is_built ? 0 : 1;
        CHECK(is_built || source.refused > 0);
        end(arena, &source);
    }
    CHECK_U64(built_scarcely, >, 0);
    CHECK_U64(given_up, >, 0);
}

/* Some holes more, for which the nodes are enough; or so many that nodes must be obtained again. */
static void
test_holes_and_wishes_that_come_meanwhile(void)
{
    for (unsigned i = 0; i < 4; i++) {
        const vmem_addr_t kept_from = i / 2 == 0 ? KEPT_FROM : 60;
        struct source source;
        struct vmem_arena *arena = make(&source, kept_from);
        const uint64_t calls = source.calls;
        const uint64_t holes = arena->hole_count;
        vmt_context("variant", i);
        source.frees_from = kept_from;
        source.frees_each = i / 2 == 0 ? 50 : UNITS;
        CHECK(build(arena, i % 2 == 0 ? &arena->by_address : &arena->by_size));
        CHECK_U64(source.calls, >, calls);
        CHECK_U64(arena->hole_count, >, holes);
        end(arena, &source);
    }
}

static void
test_a_build_in_passing_gives_way_to_a_load(void)
{
    for (unsigned i = 0; i < 12; i++) {
        struct source source;
        struct vmem_arena *arena = make(&source, KEPT_FROM);
        struct vmi_index *index = i % 2 == 0 ? &arena->by_address : &arena->by_size;
        vmt_context("step", i);
        CHECK(vmi_enter(arena));
        vmi_index_want(arena, index);
        vmi_supply_nodes_softly(arena);
        CHECK(vmi_index_advance(arena, index, i / 2 * 30));
        CHECK(index->state == VMI_INDEX_BUILDING);
        vmi_leave(arena);
        CHECK(build(arena, index));
        CHECK(arena->cursors == NULL);
        CHECK(build(arena, index)); /* and once more: nothing to do */
        end(arena, &source);
    }
}

/* Without a hole, with one, and at the top of the address space. */
static void
test_few_holes(void)
{
    for (unsigned i = 0; i < 2; i++) {
        struct vmem_arena *arena = NULL;
        struct vmi_index *index;
        vmem_addr_t addr;
        CHECK_U64(vmem_create("few", UINT64_MAX - 15, 16, 1, 0, 0, &arena), ==, 0);
        index = i == 0 ? &arena->by_address : &arena->by_size;
        CHECK(build(arena, index));
        CHECK_U64(vmem_alloc(arena, 16, 0, &addr), ==, 0);
        CHECK_INTACT(arena);
        CHECK(vmi_enter(arena));
        vmi_index_drop(arena, index);
        vmi_leave(arena);
        CHECK(build(arena, index));
        vmem_free(arena, addr, 16);
        CHECK_INTACT(arena);
        CHECK_U64(index->order.count, ==, 1);
        CHECK_U64(vmem_destroy(arena), ==, 0);
    }
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_memory_that_ends_anywhere),
    VMT_TEST(test_holes_and_wishes_that_come_meanwhile),
    VMT_TEST(test_a_build_in_passing_gives_way_to_a_load),
    VMT_TEST(test_few_holes),
};

VMT_SUITE(tests);
