/*
 * test_import_tree - arenas that import from arenas, reclaim, and two threads that import at once.
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 * [I3], [I6], [S7]
 */
#include "vmt.h"
#include "vmt_fault.h"
#include "vmt_picture.h"
#include "vmt_source.h"

#include <errno.h>
#include <pthread.h>

#define MAX VMEM_ADDR_MAX

enum { DEPTH = 50 };

static struct vmt_picture before;

static void
test_import_from_returns_each_documented_status(void)
{
    struct vmem_arena *root = NULL;
    struct vmem_arena *child = NULL;
    struct vmem_arena *unlocked = NULL;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create("root", 0, 4096, 16, 0, 0, &root) == 0);
    CHECK_OR_RETURN(vmem_create("child", 0, 0, 16, 0, 0, &child) == 0);
    CHECK_OR_RETURN(vmem_create("unlocked", 0, 0, 16, 0, VMEM_NOLOCK, &unlocked) == 0);
    CHECK_U64(vmem_import_from(child, child, 0), ==, EINVAL); /* fed by itself */
    CHECK_U64(vmem_import_from(child, unlocked, 0), ==, EINVAL);
    CHECK_U64(vmem_import_from(child, root, 24), ==, EINVAL);
    CHECK_U64(vmem_import_from(child, root, 8), ==, EINVAL);
    CHECK(vmem_source(child) == NULL);
    CHECK_U64(vmem_import_from(child, root, 0), ==, 0);
    CHECK(vmem_source(child) == root);
    CHECK_U64(vmem_import_from(unlocked, child, 0), ==, 0); /* the other way round is allowed */
    CHECK_U64(vmem_alloc(unlocked, 16, 0, &addr), ==, 0);
    CHECK_U64(vmem_size(root, VMEM_ALLOC), ==, 16);
    CHECK_U64(vmem_import_from(child, NULL, 0), ==, EBUSY);
    CHECK_U64(vmem_import_from(root, NULL, 0), ==, EBUSY); /* it owns a span */
    vmem_free(unlocked, addr, 16);
    CHECK_U64(vmem_import_from(unlocked, NULL, 0), ==, 0);
    CHECK(vmem_source(unlocked) == NULL);
    CHECK_U64(vmem_alloc(unlocked, 16, 0, &addr), ==, ENOMEM);
    CHECK_U64(vmem_destroy(unlocked), ==, 0);
    CHECK_U64(vmem_destroy(child), ==, 0);
    CHECK_U64(vmem_destroy(root), ==, 0);
}

/* Who imported it learns of it only when the span goes back. */
static void
test_a_span_that_was_freed_in_its_source_by_somebody_else_is_a_bad_free_there(void)
{
    struct vmem_arena *root = NULL;
    struct vmem_arena *child = NULL;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create("root", 0, 4096, 16, 0, 0, &root) == 0);
    CHECK_OR_RETURN(vmem_create("child", 0, 0, 16, 0, 0, &child) == 0);
    CHECK_U64(vmem_import_from(child, root, 0), ==, 0);
    CHECK_U64(vmem_alloc(child, 16, 0, &addr), ==, 0);
    CHECK_U64(vmem_size(root, VMEM_ALLOC), ==, 16);
    vmem_free(root, addr, 16);
    EXPECT_FATAL(vmem_free(child, addr, 16), VMEM_FAULT_BAD_FREE);
    CHECK_U64(vmem_size(child, VMEM_ALLOC | VMEM_FREE), ==, 0);
    CHECK_U64(vmem_size(root, VMEM_ALLOC), ==, 0);
    CHECK_U64(vmem_size(root, VMEM_FREE), ==, 4096);
    CHECK_U64(vmem_destroy(child), ==, 0);
    CHECK_U64(vmem_destroy(root), ==, 0);
}

static void
test_a_circle_of_sources_is_refused(void)
{
    struct vmem_arena *arenas[DEPTH] = { NULL };

    for (unsigned i = 0; i < DEPTH; i++) {
        CHECK_OR_RETURN(vmem_create("ring", 0, 0, 1, 0, 0, &arenas[i]) == 0);
        if (i > 0) {
            CHECK_U64(vmem_import_from(arenas[i], arenas[i - 1], 0), ==, 0);
        }
    }
    for (unsigned i = 0; i < DEPTH; i++) {
        CHECK_U64(vmem_import_from(arenas[0], arenas[i], 0), ==, EINVAL);
    }
    for (unsigned i = DEPTH; i-- > 0;) {
        CHECK_U64(vmem_destroy(arenas[i]), ==, 0);
    }
}

static void
test_the_parent_is_asked_for_exactly_the_rounded_size(void)
{
    struct vmem_arena *root = NULL;
    struct vmem_arena *child = NULL;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create("root", 16, 0x100000, 16, 0, 0, &root) == 0);
    CHECK_OR_RETURN(vmem_create("child", 0, 0, 256, 0, 0, &child) == 0);
    CHECK_U64(vmem_import_from(child, root, 1024), ==, 0);
    CHECK_U64(vmem_alloc(child, 1, 0, &addr), ==, 0);
    CHECK_U64(vmem_size(root, VMEM_ALLOC), ==, 1024);
    CHECK_U64(addr % 256, ==, 0); /* though the parent's quantum is smaller */
    vmem_free(child, addr, 1);
    CHECK_U64(vmem_size(root, VMEM_ALLOC), ==, 0);
    CHECK_U64(vmem_xalloc(child, 1024, 4096, 0, 0, 0, VMEM_ADDR_MAX, 0, &addr), ==, 0);
    CHECK_U64(vmem_size(root, VMEM_ALLOC), ==, 1024); /* aligned, and no more for it */
    vmem_free(child, addr, 1024);
    CHECK_U64(vmem_destroy(child), ==, 0);
    CHECK_U64(vmem_destroy(root), ==, 0);
}

static void
test_fifty_levels_hold(void)
{
    struct vmem_arena *arenas[DEPTH] = { NULL };
    vmem_addr_t a = 0;
    vmem_addr_t b = 77;

    for (unsigned i = 0; i < DEPTH; i++) {
        const struct vmem_options options = { .size = i == 0 ? 0x10000 : 0,
            .base = 0x8000,
            .quantum = 16,
            .source_arena = i == 0 ? NULL : arenas[i - 1],
            .import_quantum = i == 0 ? 0 : 64 };
        CHECK_OR_RETURN(vmem_create_with(&options, &arenas[i]) == 0);
    }
    CHECK_U64(vmem_alloc(arenas[DEPTH - 1], 48, 0, &a), ==, 0);
    for (unsigned i = 0; i < DEPTH; i++) {
        CHECK_U64(vmem_size(arenas[i], VMEM_ALLOC), ==, i == DEPTH - 1 ? 48 : 64);
        CHECK(vmem_state(arenas[i], a) == VMEM_STATE_BUSY);
    }
    vmt_picture_take(&before, arenas[DEPTH - 1]);
    CHECK_U64(vmem_alloc(arenas[DEPTH - 1], 0x10000, 0, &b), ==, ENOMEM);
    CHECK_U64(b, ==, 77);
    CHECK_UNCHANGED(&before, arenas[DEPTH - 1]);
    vmem_free(arenas[DEPTH - 1], a, 48);
    for (unsigned i = 0; i < DEPTH; i++) {
        CHECK_U64(vmem_size(arenas[i], VMEM_ALLOC), ==, 0);
        CHECK_U64(vmem_size(arenas[i], VMEM_FREE), ==, i == 0 ? 0x10000 : 0);
        CHECK_INTACT(arenas[i]);
    }
    for (unsigned i = DEPTH; i-- > 0;) {
        CHECK_U64(vmem_destroy(arenas[i]), ==, 0);
    }
}

static void
test_a_source_that_is_fed_still_is_not_destroyed(void)
{
    struct vmem_arena *root = NULL;
    struct vmem_arena *child = NULL;
    vmem_addr_t addr = 0;
    int status = 0;

    CHECK_OR_RETURN(vmem_create("root", 0, 4096, 16, 0, 0, &root) == 0);
    CHECK_OR_RETURN(vmem_create("child", 0, 0, 16, 0, 0, &child) == 0);
    CHECK_U64(vmem_import_from(child, root, 0), ==, 0);
    CHECK_U64(vmem_alloc(child, 16, 0, &addr), ==, 0);
    EXPECT_FATAL(status = vmem_destroy(root), VMEM_FAULT_DESTROY_BUSY);
    CHECK_U64(status, ==, EBUSY);
    vmem_free(child, addr, 16);
    CHECK_U64(vmem_destroy(root), ==, 0); /* nothing is out: the child has no source any more */
    CHECK(vmem_source(child) == NULL);
    CHECK_U64(vmem_alloc(child, 16, 0, &addr), ==, ENOMEM);
    CHECK_U64(vmem_destroy(child), ==, 0);
}

/* What a reclaim function finds to free. */
struct pantry {
    vmem_addr_t addr[8];
    unsigned count;
    unsigned calls;
    vmem_size_t asked_size;
    struct vmem_arena *asked_by;
    struct vmem_stats stats; /* seen inside: the arena can be looked at */
};

static void
free_one(void *arg, struct vmem_arena *arena, vmem_size_t size, unsigned flags)
{
    struct pantry *pantry = arg;

    pantry->calls++;
    pantry->asked_size = size;
    pantry->asked_by = arena;
    CHECK_U64(flags & VMEM_WAIT, ==, 0);
    vmem_stats(arena, &pantry->stats);
    if (pantry->count > 0) {
        vmem_free(arena, pantry->addr[--pantry->count], 64);
    }
}

static void
test_reclaim_is_asked_before_a_request_fails(void)
{
    struct pantry pantry = { .count = 0 };
    struct vmem_arena *arena = NULL;
    struct vmem_stats stats;
    vmem_addr_t addr = 77;

    CHECK_OR_RETURN(vmem_create("reclaim", 0, 512, 16, 0, 0, &arena) == 0);
    vmem_set_reclaim(arena, free_one, &pantry);
    for (unsigned i = 0; i < 8; i++) {
        CHECK_U64(vmem_alloc(arena, 64, 0, &pantry.addr[i]), ==, 0);
    }
    CHECK_U64(pantry.calls, ==, 0); /* not before */
    vmt_picture_take(&before, arena);
    CHECK_U64(vmem_alloc(arena, 50, 0, &addr), ==, ENOMEM);
    CHECK_UNCHANGED(&before, arena);
    CHECK_U64(pantry.calls, ==, 1);
    CHECK_U64(addr, ==, 77);
    pantry.count = 8;
    CHECK_U64(vmem_alloc(arena, 50, 0, &addr), ==, 0);
    CHECK_U64(pantry.calls, ==, 2);
    CHECK_U64(pantry.asked_size, ==, 64);
    CHECK(pantry.asked_by == arena);
    CHECK_U64(pantry.stats.busy_segments, ==, 8);
    vmem_stats(arena, &stats);
    CHECK_U64(stats.reclaims, ==, 2);
    vmem_set_reclaim(arena, NULL, NULL);
    CHECK_U64(vmem_alloc(arena, 64, 0, &pantry.addr[7]), ==, ENOMEM);
    CHECK_U64(pantry.calls, ==, 2);
    vmem_free(arena, addr, 50);
    while (pantry.count > 0) {
        vmem_free(arena, pantry.addr[--pantry.count], 64);
    }
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_reclaim_comes_after_the_arena_s_own_quarantine(void)
{
    struct pantry pantry = { .count = 0 };
    const struct vmem_options options = { .size = 512,
        .quantum = 16,
        .quarantine_frees = 16,
        .reclaim_fn = free_one,
        .reclaim_arg = &pantry };
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create_with(&options, &arena) == 0);
    CHECK_U64(vmem_alloc(arena, 512, 0, &addr), ==, 0);
    vmem_free(arena, addr, 512);
    CHECK_U64(vmem_alloc(arena, 512, 0, &addr), ==, 0);
    CHECK_U64(pantry.calls, ==, 0);
    vmem_free(arena, addr, 512);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_reclaim_that_frees_in_the_source_helps_the_child(void)
{
    struct pantry pantry = { .count = 1 };
    struct vmem_arena *root = NULL;
    struct vmem_arena *child = NULL;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create("root", 0, 64, 16, 0, 0, &root) == 0);
    CHECK_OR_RETURN(vmem_create("child", 0, 0, 16, 0, 0, &child) == 0);
    CHECK_U64(vmem_import_from(child, root, 64), ==, 0);
    CHECK_U64(vmem_alloc(root, 64, 0, &pantry.addr[0]), ==, 0);
    vmem_set_reclaim(root, free_one, &pantry);
    CHECK_U64(vmem_alloc(child, 64, 0, &addr), ==, 0);
    CHECK(pantry.asked_by == root);
    vmem_free(child, addr, 64);
    CHECK_U64(vmem_destroy(child), ==, 0);
    CHECK_U64(vmem_destroy(root), ==, 0);
}

/* Two threads that find the arena empty at the same time. */
struct racer {
    struct vmem_arena *arena;
    vmem_size_t size;
    vmem_addr_t addr;
    int status;
};

static pthread_barrier_t both_import;

static void
meet(void *arg)
{
    (void)arg;
    (void)pthread_barrier_wait(&both_import);
}

static void *
allocate(void *arg)
{
    struct racer *racer = arg;

    racer->status = vmem_alloc(racer->arena, racer->size, 0, &racer->addr);
    return NULL;
}

static void
race(vmem_size_t size, uint64_t spans_needed)
{
    static struct vmt_source source;
    struct vmem_arena *arena = NULL;
    struct racer racers[2];
    pthread_t threads[2];

    vmt_source_init(&source, 0x1000, 0x10000);
    source.during_import = meet; /* both are inside of import before either gets its span */
    CHECK_OR_RETURN(vmem_create("race", 0, 0, 16, 0, 0, &arena) == 0);
    CHECK_U64(vmem_set_import(arena, vmt_source_import, vmt_source_release, &source, 256), ==, 0);
    (void)pthread_barrier_init(&both_import, NULL, 2);
    for (unsigned i = 0; i < 2; i++) {
        racers[i] = (struct racer){ .arena = arena, .size = size };
        (void)pthread_create(&threads[i], NULL, allocate, &racers[i]);
    }
    for (unsigned i = 0; i < 2; i++) {
        (void)pthread_join(threads[i], NULL);
        CHECK_U64(racers[i].status, ==, 0);
    }
    (void)pthread_barrier_destroy(&both_import);
    CHECK_U64(racers[0].addr, !=, racers[1].addr);
    CHECK_U64(source.imports, ==, 2);
    CHECK_U64(source.span_count, ==, spans_needed);
    CHECK_INTACT(arena);
    vmem_free(arena, racers[0].addr, size);
    vmem_free(arena, racers[1].addr, size);
    CHECK_U64(vmem_destroy(arena), ==, 0);
    vmt_source_fini(&source);
}

static void
test_racing_imports_keep_one_span_if_one_is_enough(void)
{
    race(16, 1);
    race(128, 1);
}

static void
test_racing_imports_keep_both_spans_if_both_are_needed(void)
{
    race(256, 2);
    race(144, 2);
}

/*
 * The child must let its kept span go to stay below its limit.  Given back too early, it would empty the
 * middle's span, which would go back in turn; and the root has no such span to give that a request
 * aligned to its double can lie at the start of it. [P6] [I4]
 */
static void
test_a_kept_span_goes_without_taking_its_source_s_span_along(void)
{
    const struct vmem_options of_child = {
        .name = "child", .quantum = 4096, .import_keep = 1, .limit = 5000
    };
    struct vmem_arena *root = NULL;
    struct vmem_arena *middle = NULL;
    struct vmem_arena *child = NULL;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create("root", 0x15000, 0x4000, 4096, 0, 0, &root) == 0);
    CHECK_OR_RETURN(vmem_create("middle", 0, 0, 4096, 0, 0, &middle) == 0);
    CHECK_OR_RETURN(vmem_create_with(&of_child, &child) == 0);
    CHECK_U64(vmem_import_from(middle, root, 0x4000), ==, 0);
    CHECK_U64(vmem_import_from(child, middle, 0), ==, 0);
    CHECK_U64(vmem_alloc(child, 4096, 0, &addr), ==, 0);
    CHECK_U64(addr, ==, 0x15000);
    vmem_free(child, addr, 4096); /* kept */
    CHECK_U64(vmem_size(child, VMEM_FREE), ==, 4096);
    CHECK_U64(vmem_xalloc(child, 4096, 0x8000, 0, 0, 0, VMEM_ADDR_MAX, 0, &addr), ==, 0);
    CHECK_U64(addr, ==, 0x18000);
    CHECK_U64(vmem_size(child, VMEM_ALLOC | VMEM_FREE), ==, 4096);
    vmem_free(child, addr, 4096);
    CHECK_U64(vmem_destroy(child), ==, 0);
    CHECK_U64(vmem_destroy(middle), ==, 0);
    CHECK_U64(vmem_destroy(root), ==, 0);
}

static struct vmem_stats
stats_of(struct vmem_arena *arena)
{
    struct vmem_stats stats;

    vmem_stats(arena, &stats);
    return stats;
}

/* The size that is enough anywhere does not exist: the source is asked once, for the right place. */
static void
test_what_is_not_enough_anywhere_is_asked_for_in_one_place_only(void)
{
    const vmem_size_t half = (vmem_size_t)1 << 63;
    struct vmem_arena *root = NULL;
    struct vmem_arena *child = NULL;
    vmem_addr_t addr = 77;

    CHECK_OR_RETURN(vmem_create("root", 0x1000, half, 16, 0, 0, &root) == 0);
    CHECK_OR_RETURN(vmem_create("child", 0, 0, 16, 0, 0, &child) == 0);
    CHECK_U64(vmem_import_from(child, root, 0), ==, 0);
    CHECK_U64(vmem_xalloc(child, half + 16, half, 0, 0, 0, VMEM_ADDR_MAX, 0, &addr), ==, ENOMEM);
    CHECK_U64(addr, ==, 77);
    CHECK_U64(stats_of(child).imports_refused, ==, 1);
    CHECK_U64(stats_of(child).fails[VMEM_REASON_SPACE], ==, 1); /* what the last try came to */
    CHECK_U64(vmem_xalloc(child, half - 16, half, 0, 0, 0, VMEM_ADDR_MAX, 0, &addr), ==, ENOMEM);
    CHECK_U64(stats_of(child).imports_refused, ==, 3); /* in one place, and anywhere */
    CHECK_U64(stats_of(child).fails[VMEM_REASON_IMPORT], ==, 1);
    CHECK_INTACT(child);
    CHECK_U64(vmem_destroy(child), ==, 0);
    CHECK_U64(vmem_destroy(root), ==, 0);
}

/* A size that the source's quantum cannot express is not asked for at all. */
/* A source of larger quantum cannot place a range within a block that is smaller: anywhere, then. */
static void
test_a_block_smaller_than_the_source_s_quantum(void)
{
    for (vmem_size_t quantum = 1; quantum <= 16; quantum *= 16) {
        struct vmem_arena *root = NULL;
        struct vmem_arena *child = NULL;
        vmem_addr_t addr = 77;

        CHECK_OR_RETURN(vmem_create("root", 0, 4096, 64, 0, 0, &root) == 0);
        CHECK_OR_RETURN(vmem_create("child", 0, 0, quantum, 0, 0, &child) == 0);
        CHECK_U64(vmem_import_from(child, root, quantum), ==, 0);
        CHECK_U64(vmem_xalloc(child, quantum, 0, 0, quantum, 0, MAX, 0, &addr), ==, 0);
        CHECK_U64(addr, ==, 0);
        CHECK_U64(vmem_size(root, VMEM_ALLOC), ==, 64);
        CHECK_U64(vmem_size(child, VMEM_ALLOC | VMEM_FREE), ==, quantum);
        vmem_xfree(child, addr, quantum);
        CHECK_U64(vmem_size(root, VMEM_ALLOC), ==, 0);
        CHECK_U64(vmem_destroy(child), ==, 0);
        CHECK_U64(vmem_destroy(root), ==, 0);
    }
}

static unsigned
refusals_for(struct vmem_arena *arena, enum vmem_reason reason)
{
    struct vmem_stats stats;

    vmem_stats(arena, &stats);
    return (unsigned)stats.fails[reason];
}

/* In a window nothing is enough anywhere, so the source is asked once; it is what lacks. */
static void
test_what_a_window_lacks_is_the_source_s(void)
{
    struct vmem_arena *root = NULL;
    struct vmem_arena *child = NULL;
    vmem_addr_t addr = 77;

    CHECK_OR_RETURN(vmem_create("root", 0, 4096, 16, 0, 0, &root) == 0);
    CHECK_OR_RETURN(vmem_create("child", 0, 0, 16, 0, 0, &child) == 0);
    CHECK_U64(vmem_import_from(child, root, 0), ==, 0);
    CHECK_U64(vmem_xalloc(child, 16, 64, 0, 0, 8192, 16383, 0, &addr), ==, ENOMEM);
    CHECK_U64(refusals_for(child, VMEM_REASON_IMPORT), ==, 1);
    CHECK_U64(vmem_xalloc(child, 16, 8192, 4096, 0, 0, MAX, 0, &addr), ==, ENOMEM);
    CHECK_U64(refusals_for(child, VMEM_REASON_IMPORT), ==, 2);
    CHECK_U64(vmem_destroy(child), ==, 0);
    CHECK_U64(vmem_destroy(root), ==, 0);
}

static void
test_what_the_source_cannot_round_is_not_asked_for(void)
{
    struct vmem_arena *root = NULL;
    struct vmem_arena *child = NULL;
    vmem_addr_t addr = 77;

    CHECK_OR_RETURN(vmem_create("root", 0, 0x10000, 4096, 0, 0, &root) == 0);
    CHECK_OR_RETURN(vmem_create("child", 0, 0, 1, 0, 0, &child) == 0);
    CHECK_U64(vmem_import_from(child, root, 0), ==, 0);
    CHECK_U64(vmem_alloc(child, VMEM_SIZE_MAX - 100, 0, &addr), ==, ENOMEM);
    CHECK_U64(addr, ==, 77);
    CHECK_U64(stats_of(child).imports_refused, ==, 0);
    CHECK_U64(stats_of(child).fails[VMEM_REASON_SPACE], ==, 1);
    CHECK_U64(vmem_alloc(child, VMEM_SIZE_MAX - 4095, 0, &addr), ==, ENOMEM);
    CHECK_U64(stats_of(child).imports_refused, ==, 1);
    CHECK_U64(vmem_alloc(child, 5000, 0, &addr), ==, 0);
    CHECK_U64(vmem_size(root, VMEM_ALLOC), ==, 8192);
    vmem_free(child, addr, 5000);
    CHECK_U64(vmem_destroy(child), ==, 0);
    CHECK_U64(vmem_destroy(root), ==, 0);
}

/* With both limits open, a kept span more is no matter; else kept spans go, one by one, until it fits. */
static void
keep_under_a_limit(vmem_size_t child_limit, vmem_size_t middle_limit, vmem_addr_t expected,
    vmem_size_t expected_total)
{
    struct vmem_arena *root = NULL;
    struct vmem_arena *middle = NULL;
    struct vmem_arena *child = NULL;
    vmem_addr_t addrs[2];
    vmem_addr_t addr = 77;

    CHECK_OR_RETURN(vmem_create("root", 0x10000, 0x10000, 16, 0, 0, &root) == 0);
    CHECK_OR_RETURN(vmem_create("middle", 0, 0, 16, 0, 0, &middle) == 0);
    CHECK_OR_RETURN(vmem_create("child", 0, 0, 16, 0, 0, &child) == 0);
    CHECK_U64(vmem_import_from(middle, root, 0), ==, 0);
    CHECK_U64(vmem_import_from(child, middle, 0), ==, 0);
    vmem_set_import_keep(child, 2);
    vmem_set_limit(child, child_limit);
    vmem_set_limit(middle, middle_limit);
    for (unsigned i = 0; i < 2; i++) {
        CHECK_U64(vmem_alloc(child, 256, 0, &addrs[i]), ==, 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        vmem_free(child, addrs[i], 256);
    }
    CHECK_U64(vmem_size(child, VMEM_FREE), ==, 512);
    CHECK_U64(vmem_xalloc(child, 128, 0x400, 0x300, 0, 0, VMEM_ADDR_MAX, 0, &addr), ==, 0);
    CHECK_U64(addr, ==, expected);
    CHECK_U64(vmem_size(child, VMEM_ALLOC | VMEM_FREE), ==, expected_total);
    CHECK_INTACT(child);
    CHECK_INTACT(middle);
    vmem_free(child, addr, 128);
    CHECK_U64(vmem_destroy(child), ==, 0);
    CHECK_U64(vmem_destroy(middle), ==, 0);
    CHECK_U64(vmem_destroy(root), ==, 0);
}

static void
test_limits_of_either_level_make_kept_spans_go_one_by_one(void)
{
    keep_under_a_limit(0, 0, 0x10300, 512 + 128);
    keep_under_a_limit(512, 0, 0x10300, 256 + 128); /* with one of them less the child may ask */
    keep_under_a_limit(0, 512, 0x10300, 128);       /* the middle may when the first one is back */
}

/* The right place is refused; enough anywhere is more than the limit allows, so that it is to blame. */
static void
test_a_limit_on_what_is_enough_anywhere(void)
{
    struct vmem_arena *root = NULL;
    struct vmem_arena *child = NULL;
    vmem_addr_t addrs[2];
    vmem_addr_t addr = 77;

    CHECK_OR_RETURN(vmem_create("root", 0x10000, 0x300, 16, 0, 0, &root) == 0);
    CHECK_OR_RETURN(vmem_create("child", 0, 0, 16, 0, 0, &child) == 0);
    CHECK_U64(vmem_import_from(child, root, 0), ==, 0);
    vmem_set_import_keep(child, 2);
    vmem_set_limit(child, 1000);
    for (unsigned i = 0; i < 2; i++) {
        CHECK_U64(vmem_alloc(child, 256, 0, &addrs[i]), ==, 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        vmem_free(child, addrs[i], 256);
    }
    CHECK_U64(vmem_xalloc(child, 128, 0x400, 0x300, 0, 0, VMEM_ADDR_MAX, 0, &addr), ==, ENOMEM);
    CHECK_U64(addr, ==, 77);
    CHECK_U64(stats_of(child).fails[VMEM_REASON_LIMIT], ==, 1);
    CHECK_U64(stats_of(child).imports_refused, ==, 4); /* with two, one and none kept, and again */
    CHECK_U64(vmem_size(child, VMEM_ALLOC | VMEM_FREE), ==, 0);
    CHECK_INTACT(child);
    CHECK_U64(vmem_destroy(child), ==, 0);
    CHECK_U64(vmem_destroy(root), ==, 0);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_import_from_returns_each_documented_status),
    VMT_TEST(test_a_span_that_was_freed_in_its_source_by_somebody_else_is_a_bad_free_there),
    VMT_TEST(test_a_circle_of_sources_is_refused),
    VMT_TEST(test_the_parent_is_asked_for_exactly_the_rounded_size),
    VMT_TEST(test_fifty_levels_hold),
    VMT_TEST(test_a_source_that_is_fed_still_is_not_destroyed),
    VMT_TEST(test_reclaim_is_asked_before_a_request_fails),
    VMT_TEST(test_reclaim_comes_after_the_arena_s_own_quarantine),
    VMT_TEST(test_reclaim_that_frees_in_the_source_helps_the_child),
    VMT_TEST(test_a_kept_span_goes_without_taking_its_source_s_span_along),
    VMT_TEST(test_racing_imports_keep_one_span_if_one_is_enough),
    VMT_TEST(test_racing_imports_keep_both_spans_if_both_are_needed),
    VMT_TEST(test_what_is_not_enough_anywhere_is_asked_for_in_one_place_only),
    VMT_TEST(test_a_block_smaller_than_the_source_s_quantum),
    VMT_TEST(test_what_a_window_lacks_is_the_source_s),
    VMT_TEST(test_what_the_source_cannot_round_is_not_asked_for),
    VMT_TEST(test_limits_of_either_level_make_kept_spans_go_one_by_one),
    VMT_TEST(test_a_limit_on_what_is_enough_anywhere),
};

VMT_SUITE(tests);
