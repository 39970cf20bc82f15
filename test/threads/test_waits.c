/*
 * test_waits - a call that has left the lock for a callback waits for it before it goes on.
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * While the callback runs, another thread enters the arena, and leaves it some time after the callback has
 * returned.  The call must not have returned by then.
 */
#include "vmt.h"
#include "vmt_picture.h"

#include "engine/arena.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { NO_MEMORY = 12, A_WHILE_MS = 30 };

struct other {
    struct vmem_arena *arena;
    pthread_t thread;
    bool is_running;
    atomic_int is_armed; /* the next callback starts the thread; an int, see README.md */
    atomic_int is_in;
    atomic_int is_out;
    bool refuses;
};

static void *
stay_a_while(void *arg)
{
    const struct timespec a_while = { .tv_nsec = A_WHILE_MS * 1000000 };
    struct other *other = arg;
    const bool has_entered = vmi_enter(other->arena);

    atomic_store(&other->is_in, true);
    (void)nanosleep(&a_while, NULL);
    atomic_store(&other->is_out, true);
    if (has_entered) {
        vmi_leave(other->arena);
    }
    return NULL;
}

/* No callback runs with the lock held. */
static void
expect_no_lock(const struct other *other)
{
    CHECK(other->arena == NULL || !vmi_port_lock_held(&other->arena->lock));
}

/* In a callback: from here on somebody else has the lock. */
static void
let_another_in(struct other *other)
{
    expect_no_lock(other);
    if (!atomic_exchange(&other->is_armed, false)) {
        return;
    }
    other->is_running = pthread_create(&other->thread, NULL, stay_a_while, other) == 0;
    CHECK(other->is_running);
    while (other->is_running && !atomic_load(&other->is_in)) {
    }
}

/* After the call. */
static void
expect_waited(struct other *other)
{
    CHECK(atomic_load(&other->is_out));
    CHECK(other->is_running);
    if (other->is_running) {
        CHECK_U64(pthread_join(other->thread, NULL), ==, 0);
    }
    CHECK_INTACT(other->arena);
}

static int
import(void *arg, const struct vmem_import_request *request, struct vmem_range *span)
{
    struct other *other = arg;

    let_another_in(other);
    *span = (struct vmem_range){ .start = 1 << 20, .size = request->size };
    return other->refuses ? NO_MEMORY : 0;
}

static void
release(void *arg, vmem_addr_t start, vmem_size_t size)
{
    (void)start;
    (void)size;
    let_another_in(arg);
}

static void
reclaim(void *arg, struct vmem_arena *arena, vmem_size_t size, unsigned flags)
{
    (void)arena;
    (void)size;
    (void)flags;
    let_another_in(arg);
}

static void *
get(void *arg, size_t bytes)
{
    void *memory = aligned_alloc(64, bytes);

    let_another_in(arg);
    return memory != NULL ? memset(memory, 0, bytes) : NULL;
}

static void
put(void *arg, void *memory, size_t bytes)
{
    (void)bytes;
    expect_no_lock(arg);
    free(memory);
}

static bool
visit(void *arg, const struct vmem_segment *segment)
{
    (void)segment;
    let_another_in(arg);
    return true;
}

static void
test_after_an_import(void)
{
    for (unsigned refuses = 0; refuses < 2; refuses++) {
        struct other other = { .refuses = refuses != 0, .is_armed = true };
        const struct vmem_options options = {
            .quantum = 1, .import_fn = import, .release_fn = release, .source_arg = &other
        };
        vmem_addr_t addr = 0;

        CHECK_OR_RETURN(vmem_create_with(&options, &other.arena) == 0);
        CHECK_U64(vmem_alloc(other.arena, 16, 0, &addr), ==, refuses != 0 ? NO_MEMORY : 0);
        expect_waited(&other);
        if (refuses == 0) {
            vmem_free(other.arena, addr, 16);
        }
        CHECK_U64(vmem_destroy(other.arena), ==, 0);
    }
}

static void
test_after_a_reclaim(void)
{
    struct other other = { .is_armed = true };
    const struct vmem_options options = {
        .quantum = 1, .reclaim_fn = reclaim, .reclaim_arg = &other
    };
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create_with(&options, &other.arena) == 0);
    CHECK_U64(vmem_alloc(other.arena, 16, 0, &addr), ==, NO_MEMORY);
    expect_waited(&other);
    CHECK_U64(vmem_destroy(other.arena), ==, 0);
}

static void
test_after_kept_spans_went_back(void)
{
    struct other other = { .is_armed = false };
    const struct vmem_options options = {
        .quantum = 1, .import_fn = import, .release_fn = release, .source_arg = &other
    };
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create_with(&options, &other.arena) == 0);
    vmem_set_import_keep(other.arena, 1);
    CHECK_U64(vmem_alloc(other.arena, 16, 0, &addr), ==, 0);
    vmem_free(other.arena, addr, 16);
    atomic_store(&other.is_armed, true);
    vmem_set_import_keep(other.arena, 0);
    expect_waited(&other);
    CHECK_U64(vmem_destroy(other.arena), ==, 0);
}

static void
test_after_a_source_of_tags(void)
{
    struct other other = { .is_armed = false };
    const struct vmem_options options = { .quantum = 1, .tags = { get, put, &other } };

    CHECK_OR_RETURN(vmem_create_with(&options, &other.arena) == 0);
    atomic_store(&other.is_armed, true);
    CHECK_U64(vmem_add(other.arena, 0, (vmem_size_t)1 << 40, 0), ==, 0); /* takes larger bins */
    expect_waited(&other);
    CHECK_U64(vmem_destroy(other.arena), ==, 0);
}

/* Not even when the arena ends: its spans go back, and its memory. */
static void
test_the_end_holds_no_lock(void)
{
    struct other other = { .is_armed = false };
    const struct vmem_options options = { .quantum = 1,
        .tags = { get, put, &other },
        .import_fn = import,
        .release_fn = release,
        .source_arg = &other };
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create_with(&options, &other.arena) == 0);
    vmem_set_import_keep(other.arena, 1);
    CHECK_U64(vmem_alloc(other.arena, 16, 0, &addr), ==, 0);
    vmem_free(other.arena, addr, 16);
    CHECK_U64(vmem_destroy(other.arena), ==, 0);
}

static void
test_after_a_visitor(void)
{
    struct other other = { .is_armed = true };

    CHECK_OR_RETURN(vmem_create("visited", 0, 64, 1, 0, 0, &other.arena) == 0);
    vmem_walk(other.arena, VMEM_FREE, visit, &other);
    expect_waited(&other);
    CHECK_U64(vmem_destroy(other.arena), ==, 0);
}

static void
test_what_rests_goes_to_its_source(void)
{
    struct other other = { .is_armed = false };
    const struct vmem_options options = { .quantum = 1,
        .quarantine_frees = 8,
        .import_fn = import,
        .release_fn = release,
        .source_arg = &other };
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create_with(&options, &other.arena) == 0);
    CHECK_U64(vmem_alloc(other.arena, 16, 0, &addr), ==, 0);
    vmem_free(other.arena, addr, 16);
    atomic_store(&other.is_armed, true);
    vmem_drain(other.arena);
    expect_waited(&other);
    CHECK_U64(vmem_destroy(other.arena), ==, 0);
}

/* -------------------------------------------------------------------------------------------------
 * The lock of all arenas
 * ---------------------------------------------------------------------------------------------- */

static bool
visit_a_while(void *arg, struct vmem_arena *arena)
{
    const struct timespec a_while = { .tv_nsec = A_WHILE_MS * 1000000 };
    struct other *other = arg;

    (void)arena;
    atomic_store(&other->is_in, true);
    (void)nanosleep(&a_while, NULL);
    atomic_store(&other->is_out, true);
    return false;
}

static void *
visit_all(void *arg)
{
    vmem_walk_arenas(visit_a_while, arg);
    return NULL;
}

static void *
get_while_all_are_visited(void *arg, size_t bytes)
{
    struct other *other = arg;
    void *memory = aligned_alloc(64, bytes);

    if (atomic_exchange(&other->is_armed, false)) {
        other->is_running = pthread_create(&other->thread, NULL, visit_all, other) == 0;
        CHECK(other->is_running);
        while (other->is_running && !atomic_load(&other->is_in)) {
        }
    }
    return memory != NULL ? memset(memory, 0, bytes) : NULL;
}

/* While an arena is made, another thread begins to visit all: the new one waits to be one of them. */
static void
test_a_new_arena_waits_for_those_who_visit_all(void)
{
    struct other other = { .is_armed = true };
    const struct vmem_options options = { .quantum = 1,
        .tags = { get_while_all_are_visited, put, &other } };
    struct vmem_arena *old = NULL;

    CHECK_OR_RETURN(vmem_create("old", 0, 64, 1, 0, 0, &old) == 0);
    CHECK_OR_RETURN(vmem_create_with(&options, &other.arena) == 0);
    expect_waited(&other);
    CHECK_U64(vmem_destroy(other.arena), ==, 0);
    CHECK_U64(vmem_destroy(old), ==, 0);
}

static int
import_while_all_are_visited(
    void *arg, const struct vmem_import_request *request, struct vmem_range *span)
{
    *span = (struct vmem_range){ .start = 1 << 20, .size = request->size };
    (void)arg;
    return 0;
}

static void
release_while_all_are_visited(void *arg, vmem_addr_t start, vmem_size_t size)
{
    struct other *other = arg;

    (void)start;
    (void)size;
    other->is_running = pthread_create(&other->thread, NULL, visit_all, other) == 0;
    CHECK(other->is_running);
    while (other->is_running && !atomic_load(&other->is_in)) {
    }
}

/* The same at the end of an arena, whose last span goes back just then. */
static void
test_an_arena_that_ends_waits_for_those_who_visit_all(void)
{
    struct other other = { .is_armed = false };
    const struct vmem_options options = { .quantum = 1,
        .import_fn = import_while_all_are_visited,
        .release_fn = release_while_all_are_visited,
        .source_arg = &other };
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create_with(&options, &other.arena) == 0);
    vmem_set_import_keep(other.arena, 1);
    CHECK_U64(vmem_alloc(other.arena, 16, 0, &addr), ==, 0);
    vmem_free(other.arena, addr, 16);
    CHECK_U64(vmem_destroy(other.arena), ==, 0);
    CHECK(atomic_load(&other.is_out));
    CHECK(other.is_running && pthread_join(other.thread, NULL) == 0);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_a_new_arena_waits_for_those_who_visit_all),
    VMT_TEST(test_an_arena_that_ends_waits_for_those_who_visit_all),
    VMT_TEST(test_after_an_import),
    VMT_TEST(test_after_a_reclaim),
    VMT_TEST(test_after_kept_spans_went_back),
    VMT_TEST(test_after_a_source_of_tags),
    VMT_TEST(test_the_end_holds_no_lock),
    VMT_TEST(test_after_a_visitor),
    VMT_TEST(test_what_rests_goes_to_its_source),
};

VMT_SUITE(tests);
