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

#include "engine/index.h"
#include "engine/supply.h"

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

static const struct vmt_test tests[] = {
    VMT_TEST(test_a_change_beside_the_cursor_of_a_build),
};

VMT_SUITE(tests);
