/*
 * test_half_built - holes come, go and change while an index is half built. [S15]
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * An index that is being built holds exactly the holes below its cursor's tag (X1).  So every change that
 * an allocation or a free can make is made with the cursor on every tag there is, the changed one and its
 * neighbours among them; vmem_check() must find nothing, then and when the index is complete.
 *
 *      header  40 busy 0..39  hole 40+8  busy 48+8  hole 56+8  busy 64+8  hole 72+8  busy 80+8 ...
 *
 * There are too few holes for a request to want the index, and more tags in front than a request advances
 * a build in passing.
 */
#include "vmt.h"
#include "vmt_picture.h"

#include "vmt_tags.h"

#include "engine/index.h"
#include "engine/supply.h"

#include <errno.h>

enum { SINGLES = 40, EIGHTS = 12, SPAN = SINGLES + 8 * EIGHTS, TAGS = 1 + SINGLES + EIGHTS };

_Static_assert((unsigned)SINGLES > VMI_INDEX_STEP,
    "the cursor can be anywhere when a request has advanced it");

/* What is changed: [first, first + size) is allocated, or freed. */
struct change {
    vmem_addr_t first;
    vmem_size_t size;
    bool is_free;
    bool is_prepared; /* allocated before the index is begun */
};

static const struct change changes[] = {
    { 72, 8, false, false }, /* a whole hole */
    { 72, 3, false, false }, /* its low end */
    { 76, 4, false, false }, /* its high end */
    { 74, 3, false, false }, /* its middle */
    { 64, 8, true, false },  /* between two holes: both merge */
    { 76, 4, true, true },   /* above a hole */
    { 72, 3, true, true },   /* below one */
    { 72, 8, true, true },   /* beside none */
};

static void
take(struct vmem_arena *arena, vmem_addr_t first, vmem_size_t size)
{
    vmem_addr_t addr = 0;

    CHECK_U64(vmem_xalloc(arena, size, 0, 0, 0, first, first + size - 1, 0, &addr), ==, 0);
}

static struct vmem_arena *
make(const struct change *change)
{
    struct vmem_arena *arena = NULL;

    CHECK_U64(vmem_create("half built", 0, SPAN, 1, 0, 0, &arena), ==, 0);
    for (unsigned i = 0; i < SINGLES; i++) {
        take(arena, i, 1);
    }
    for (unsigned i = 0; i < EIGHTS; i++) {
        take(arena, SINGLES + 8 * i, 8);
    }
    for (unsigned i = 0; i < EIGHTS; i += 2) {
        vmem_free(arena, SINGLES + 8 * i, 8);
    }
    if (change->is_prepared) {
        take(arena, change->first, change->size);
    }
    return arena;
}

static void
begin(struct vmem_arena *arena, struct vmi_index *index, uint64_t tags)
{
    CHECK(vmi_enter(arena));
    vmi_index_want(arena, index);
    vmi_supply_nodes_softly(arena);
    CHECK(vmi_index_advance(arena, index, tags));
    vmi_leave(arena);
}

static void
complete(struct vmem_arena *arena, struct vmi_index *index)
{
    CHECK(vmi_enter(arena));
    CHECK(vmi_index_advance(arena, index, UINT64_MAX));
    CHECK_U64(index->state, ==, VMI_INDEX_READY);
    CHECK_U64(index->order.count, ==, arena->hole_count);
    for (const struct vmi_cursor *c = arena->cursors; c != NULL; c = c->next) {
        CHECK_OR_RETURN(c != &index->cursor);
    }
    vmi_leave(arena);
}

static bool
free_visited(void *arg, const struct vmem_segment *segment)
{
    vmem_free(arg, segment->start, segment->size);
    return true;
}

static void
change_with_the_cursor_at(const struct change *change, uint64_t tags)
{
    struct vmem_arena *arena = make(change);

    begin(arena, &arena->by_address, tags);
    begin(arena, &arena->by_size, tags);
    CHECK_INTACT(arena);
    if (change->is_free) {
        vmem_free(arena, change->first, change->size);
    } else {
        take(arena, change->first, change->size);
    }
    CHECK(arena->by_address.state != VMI_INDEX_OFF);
    if (tags < TAGS) {
        CHECK_U64(arena->by_size.state, ==, VMI_INDEX_BUILDING); /* nothing advances this one */
    }
    CHECK_INTACT(arena);
    complete(arena, &arena->by_address);
    complete(arena, &arena->by_size);
    CHECK_INTACT(arena);
    vmem_walk(arena, VMEM_ALLOC, free_visited, arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_a_change_beside_the_cursor_of_a_build(void)
{
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        for (uint64_t tags = 0; tags <= TAGS + 3 && !vmt_failed(); tags++) {
            vmt_context("change", i);
            change_with_the_cursor_at(&changes[i], tags);
        }
    }
}

/* -------------------------------------------------------------------------------------------------
 * Without nodes
 * ---------------------------------------------------------------------------------------------- */

enum { NODES_MAX = 64 };

/* An arena whose source gives nothing any more, and whose free nodes somebody has. */
struct starved {
    struct vmt_tags tags;
    struct vmem_arena *arena;
    uint32_t taken[NODES_MAX];
    unsigned count;
};

static void
starve(struct starved *s)
{
    vmt_fuse_set(&s->tags.fuse, 1, true);
    for (s->count = 0; s->arena->nodes.free_count > 0 && s->count < NODES_MAX; s->count++) {
        s->taken[s->count] = vmi_slab_take(&s->arena->nodes);
    }
    CHECK_U64(s->arena->nodes.free_count, ==, 0);
}

static void
feed(struct starved *s)
{
    while (s->count > 0) {
        vmi_slab_give(&s->arena->nodes, s->taken[--s->count]);
    }
    vmt_fuse_set(&s->tags.fuse, 0, false);
}

/* Holes of 8 units, one behind the other with a unit between: as many as one node of an index takes. */
static bool
create_starved(struct starved *s)
{
    struct vmem_options options = { .quantum = 1, .size = 9 * VMI_FANOUT };
    vmem_addr_t addr = 0;

    vmt_tags_init(&s->tags);
    options.tags = s->tags.source;
    CHECK_U64(vmem_create_with(&options, &s->arena), ==, 0);
    for (unsigned i = 0; i < VMI_FANOUT; i++) {
        CHECK_U64(vmem_xalloc(s->arena, 1, 0, 0, 0, 9 * i + 8, 9 * i + 8, 0, &addr), ==, 0);
    }
    return !vmt_failed();
}

static void
destroy_starved(struct starved *s)
{
    CHECK_INTACT(s->arena);
    vmem_walk(s->arena, VMEM_ALLOC, free_visited, s->arena);
    CHECK_U64(vmem_destroy(s->arena), ==, 0);
    vmt_tags_fini(&s->tags);
}

/* It stands still where it is, loses nothing, and goes on when there are nodes. */
static void
test_a_build_without_nodes_stands_still(void)
{
    struct starved s;
    uint32_t at;

    CHECK_OR_RETURN(create_starved(&s));
    CHECK(vmi_enter(s.arena));
    vmi_index_want(s.arena, &s.arena->by_address);
    CHECK(vmi_index_advance(s.arena, &s.arena->by_address, 1));
    at = s.arena->by_address.cursor.tag;
    starve(&s);
    CHECK(!vmi_index_advance(s.arena, &s.arena->by_address, UINT64_MAX));
    CHECK_U64(s.arena->by_address.state, ==, VMI_INDEX_BUILDING);
    CHECK_U64(s.arena->by_address.cursor.tag, ==, at);
    CHECK_U64(s.arena->by_address.order.count, ==, 0);
    feed(&s);
    vmi_leave(s.arena);
    CHECK_INTACT(s.arena);
    complete(s.arena, &s.arena->by_address);
    destroy_starved(&s);
}

/* Carve out of the middle of a hole: two take its place in the index, for which there is no node. */
static void
test_an_index_that_a_carving_finds_without_nodes_is_given_up(void)
{
    for (unsigned by_size = 0; by_size < 2; by_size++) {
        struct starved s;
        struct vmi_index *index;
        vmem_addr_t addr = 0;

        vmt_context("by size", by_size);
        CHECK_OR_RETURN(create_starved(&s));
        index = by_size != 0 ? &s.arena->by_size : &s.arena->by_address;
        CHECK(vmi_enter(s.arena));
        CHECK(vmi_index_build(s.arena, index));
        starve(&s);
        vmi_leave(s.arena);
        CHECK_U64(vmem_xalloc(s.arena, 2, 0, 0, 0, 12, 13, VMEM_INSTANTFIT, &addr), ==, 0);
        CHECK_U64(addr, ==, 12);
        CHECK_U64(index->state, ==, VMI_INDEX_OFF);
        CHECK_U64(index->order.count, ==, 0);
        CHECK(!s.arena->is_indexed);
        /* What it would have told is found without it. */
        CHECK_U64(vmem_xalloc(s.arena, 3, 0, 0, 0, 9, 20, VMEM_FIRSTFIT, &addr), ==, 0);
        CHECK_U64(addr, ==, 9);
        CHECK_U64(vmem_xalloc(s.arena, 3, 0, 0, 0, 9, 20, VMEM_BESTFIT, &addr), ==, 0);
        CHECK_U64(addr, ==, 14);
        feed(&s);
        destroy_starved(&s);
    }
    vmt_context(NULL, 0);
}

/* The nodes that an insertion may need, and not one more, are enough. */
static void
test_an_index_with_just_enough_nodes_is_kept(void)
{
    for (unsigned by_size = 0; by_size < 2; by_size++) {
        struct starved s;
        struct vmi_index *index;
        vmem_addr_t addr = 0;

        vmt_context("by size", by_size);
        CHECK_OR_RETURN(create_starved(&s));
        index = by_size != 0 ? &s.arena->by_size : &s.arena->by_address;
        CHECK(vmi_enter(s.arena));
        CHECK(vmi_index_build(s.arena, index));
        starve(&s);
        for (uint32_t need = vmi_order_need(&index->order); need > 0; need--) {
            vmi_slab_give(&s.arena->nodes, s.taken[--s.count]);
        }
        vmi_leave(s.arena);
        CHECK_U64(vmem_xalloc(s.arena, 2, 0, 0, 0, 12, 13, VMEM_INSTANTFIT, &addr), ==, 0);
        CHECK_U64(index->state, ==, VMI_INDEX_READY);
        CHECK_U64(index->order.count, ==, VMI_FANOUT + 1);
        CHECK_U64(s.arena->nodes.free_count, ==, 0);
        feed(&s);
        destroy_starved(&s);
    }
    vmt_context(NULL, 0);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_an_index_with_just_enough_nodes_is_kept),
    VMT_TEST(test_a_change_beside_the_cursor_of_a_build),
    VMT_TEST(test_a_build_without_nodes_stands_still),
    VMT_TEST(test_an_index_that_a_carving_finds_without_nodes_is_given_up),
};

VMT_SUITE(tests);
