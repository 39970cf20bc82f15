/*
 * S1_a_refused_table - a larger table is refused, and meanwhile everything was freed.
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * When there is no memory for a larger table of the busy index, but room in the one there is, the arena
 * notes at which number of allocations it will ask again.  It reckoned from the number that there was when
 * the refusal came: if another thread had freed nearly all by then, the table grew for a handful, and it
 * could still be moving when the arena was destroyed, which an assertion said could not be.
 *
 * The tag source stands for the other thread: the lock is free while it is called.
 */
#include "vmt.h"
#include "vmt_picture.h"

#include "engine/arena.h"

#include <stdlib.h>
#include <string.h>

enum {
    FULL = 416 /* a table of 512 slots asks for a larger one, which the first blob has not got */
};

struct other {
    struct vmem_arena *arena;
    bool is_armed;
    bool has_freed;
};

static bool
free_visited(void *arg, const struct vmem_segment *segment)
{
    vmem_free(arg, segment->start, segment->size);
    return true;
}

static void *
get(void *arg, size_t bytes)
{
    struct other *other = arg;
    void *memory;

    if (other->is_armed) {
        other->is_armed = false;
        vmem_walk(other->arena, VMEM_ALLOC, free_visited, other->arena);
        other->has_freed = true;
        return NULL;
    }
    memory = aligned_alloc(64, bytes);
    return memory != NULL ? memset(memory, 0, bytes) : NULL;
}

static void
put(void *arg, void *memory, size_t bytes)
{
    (void)arg;
    (void)bytes;
    free(memory);
}

static void
test_a_table_does_not_grow_for_what_was_freed(void)
{
    struct other other = { .is_armed = false };
    const struct vmem_options options = {
        .size = 1024, .quantum = 1, .tags = { get, put, &other }
    };
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create_with(&options, &other.arena) == 0);
    for (unsigned i = 0; i < FULL; i++) {
        CHECK_U64(vmem_alloc(other.arena, 1, 0, &addr), ==, 0);
    }
    other.is_armed = true;
    CHECK_U64(vmem_alloc(other.arena, 1, 0, &addr), ==, 0);
    CHECK(other.has_freed);
    for (unsigned i = 0; i < 2; i++) {
        CHECK_U64(vmem_alloc(other.arena, 1, 0, &addr), ==, 0);
    }
    CHECK(!vmi_busy_is_moving(&other.arena->busy));
    CHECK_INTACT(other.arena);
    vmem_walk(other.arena, VMEM_ALLOC, free_visited, other.arena);
    CHECK_U64(vmem_destroy(other.arena), ==, 0);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_a_table_does_not_grow_for_what_was_freed),
};

VMT_SUITE(tests);
