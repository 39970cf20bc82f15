/*
 * test_walk_holds - a walk leaves the lock after some tags, whether or not they are of a wanted type.
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * When the lock is left, one piece of garbage goes back to the tag source.  So an arena is given more
 * garbage than a walk can want, and what comes back counts how often the lock was left.
 */
#include "vmt.h"
#include "vmt_picture.h"

#include "engine/supply.h"

#include <string.h>

enum { BUSY = 12 * 256 - 2, GARBAGE = 1024, PIECE_BYTES = 8192, TAGS_MAX = 256, BATCH = 16 };

static _Alignas(64) unsigned char garbage[GARBAGE][PIECE_BYTES];

struct counter {
    struct vmem_arena *arena;
    unsigned leaves; /* of the lock, since the garbage was laid */
};

static void *
get(void *arg, size_t bytes)
{
    void *memory = vmt_port_get(bytes);

    (void)arg;
    return memory != NULL ? memset(memory, 0, bytes) : NULL;
}

/* Only the garbage that was laid is counted. */
static void
put(void *arg, void *memory, size_t bytes)
{
    struct counter *counter = arg;
    unsigned char *at = memory;

    if (at >= garbage[0] && at <= garbage[GARBAGE - 1]) {
        CHECK_U64(bytes, ==, PIECE_BYTES);
        CHECK(!vmi_port_lock_held(&counter->arena->lock));
        counter->leaves++;
    } else {
        vmt_port_put(memory, bytes);
    }
}

static void
lay_garbage(struct counter *counter)
{
    struct vmi_supply *supply = &counter->arena->supply;

    for (unsigned i = 0; i < GARBAGE; i++) {
        struct vmi_piece *piece = (void *)garbage[i];
        piece->next = supply->garbage;
        piece->bytes = PIECE_BYTES;
        supply->garbage = piece;
        supply->bytes += PIECE_BYTES;
    }
    counter->leaves = 0;
}

static void
sweep_garbage(struct counter *counter)
{
    while (counter->arena->supply.garbage != NULL) {
        CHECK_U64(vmem_size(counter->arena, VMEM_ALLOC), ==, BUSY);
    }
}

static bool
count_it(void *arg, const struct vmem_segment *segment)
{
    (void)segment;
    ++*(unsigned *)arg;
    return true;
}

/* Walk; returns how often the lock was left, and checks how many segments were seen. */
static unsigned
leaves_of_walk(struct counter *counter, unsigned typemask, unsigned expected)
{
    unsigned seen = 0;
    unsigned leaves;

    lay_garbage(counter);
    vmem_walk(counter->arena, typemask, count_it, &seen);
    leaves = counter->leaves;
    sweep_garbage(counter);
    CHECK_U64(seen, ==, expected);
    return leaves;
}

static void
test_the_lock_is_left_although_nothing_matches(void)
{
    struct counter counter = { .arena = NULL };
    const struct vmem_options options = { .name = "walked",
        .size = BUSY + 1,
        .quantum = 1,
        .tags = { .get = get, .put = put, .arg = &counter } };
    const unsigned tags = BUSY + 2; /* the header and the hole too */
    vmem_addr_t addr;

    CHECK_OR_RETURN(vmem_create_with(&options, &counter.arena) == 0);
    for (unsigned i = 0; i < BUSY; i++) {
        CHECK_U64(vmem_alloc(counter.arena, 1, VMEM_FIRSTFIT, &addr), ==, 0);
    }
    CHECK_U64(leaves_of_walk(&counter, 0, 0), ==, tags / TAGS_MAX + 1);
    CHECK_U64(leaves_of_walk(&counter, VMEM_SPAN, 1), >=, tags / TAGS_MAX);
    CHECK_U64(leaves_of_walk(&counter, VMEM_FREE, 1), >=, tags / TAGS_MAX);
    CHECK_U64(leaves_of_walk(&counter, VMEM_ALLOC, BUSY), >=, BUSY / BATCH);
    CHECK_U64(leaves_of_walk(&counter, VMEM_SPAN | VMEM_ALLOC | VMEM_FREE, tags), >=, tags / BATCH);
    for (unsigned i = 0; i < BUSY; i++) {
        vmem_free(counter.arena, i, 1);
    }
    CHECK_INTACT(counter.arena);
    CHECK_U64(vmem_destroy(counter.arena), ==, 0);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_the_lock_is_left_although_nothing_matches),
};

VMT_SUITE(tests);
