/*
 * test_threads - one arena, and a tree of arenas, under several threads.
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * Who owns a unit is kept in a bitmap beside the arena: whoever is given a range sets its bits, and
 * finds none set; whoever frees it clears them first.  Two owners of one unit are seen at once, and
 * under the thread sanitizer so is whatever the lock does not cover.
 */
#include "vmt.h"
#include "vmt_fault.h"
#include "vmt_picture.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 4, UNITS = 1 << 14, LIVE_MAX = 64, CHILDREN = 3 };

/* 32 bits at a time: not every machine has atomics of 64. */
static _Atomic uint32_t owned[UNITS / 32];

/* Set or clear the bits of a range; each must be in the other state. */
static void
change_owner(vmem_addr_t start, vmem_size_t size, bool take)
{
    for (vmem_addr_t at = start; at < start + size; at++) {
        const uint32_t bit = (uint32_t)1 << (at % 32);
        const uint32_t old =
            take ? atomic_fetch_or(&owned[at / 32], bit) : atomic_fetch_and(&owned[at / 32], ~bit);
        CHECK(((old & bit) != 0) == !take);
    }
}

struct live {
    vmem_addr_t addr;
    vmem_size_t size;
    vmem_handle_t handle; /* 0 = by address */
};

struct worker {
    struct vmem_arena *arena;
    struct vmt_rng rng;
    uint64_t rounds;
    uint64_t allocated;
    unsigned count;
    struct live live[LIVE_MAX];
};

static void
take_one(struct worker *w)
{
    static const unsigned policies[] = { VMEM_INSTANTFIT, VMEM_INSTANTFIT, VMEM_BESTFIT,
        VMEM_FIRSTFIT, VMEM_NEXTFIT, VMEM_HIGH };
    const unsigned flags = policies[vmt_rng_below(&w->rng, 6)];
    const struct vmem_constraint c = { .align = 8, .addr_min = vmt_rng_below(&w->rng, UNITS / 2) };
    struct live live = { .size = 1 + vmt_rng_below(&w->rng, 40) };
    int status;

    switch (vmt_rng_below(&w->rng, 4)) {
    case 0:
        status = vmem_xalloc_with(w->arena, live.size, &c, flags, &live.addr);
        break;
    case 1:
        status = vmem_alloc_handle(w->arena, live.size, NULL, flags, &live.addr, &live.handle);
        break;
    default:
        status = vmem_alloc(w->arena, live.size, flags, &live.addr);
        break;
    }
    CHECK(status == 0 || status == ENOMEM);
    if (status == 0) {
        change_owner(live.addr, live.size, true);
        w->live[w->count++] = live;
        w->allocated++;
    }
}

static void
give_one(struct worker *w)
{
    const unsigned which = (unsigned)vmt_rng_below(&w->rng, w->count);
    const struct live live = w->live[which];

    w->live[which] = w->live[--w->count];
    change_owner(live.addr, live.size, false);
    if (live.handle != 0) {
        vmem_free_handle(w->arena, live.handle);
    } else {
        vmem_free(w->arena, live.addr, live.size);
    }
}

static void *
work(void *arg)
{
    struct worker *w = arg;

    for (uint64_t round = 0; round < w->rounds && !vmt_failed(); round++) {
        if (w->count == 0 || (w->count < LIVE_MAX && vmt_rng_below(&w->rng, 2) == 0)) {
            take_one(w);
        } else {
            give_one(w);
        }
    }
    while (w->count > 0) {
        give_one(w);
    }
    return NULL;
}

/* One that looks, while the others work. */
struct looker {
    struct vmem_arena *arena;
    atomic_bool is_done;
    uint64_t rounds;
    vmem_addr_t reached;
    bool has_begun;
};

static bool
look_at(void *arg, const struct vmem_segment *segment)
{
    struct looker *l = arg;

    CHECK(!l->has_begun || segment->start > l->reached);
    l->has_begun = true;
    l->reached = segment->start + (segment->size - 1);
    return true;
}

static void
swallow(void *arg, const char *text, size_t length)
{
    size_t *bytes = arg;

    CHECK(text[0] != '\0');
    *bytes += length;
}

static void *
look(void *arg)
{
    struct looker *l = arg;
    size_t bytes = 0;

    do {
        struct vmem_violation violation = { .invariant = "(holds)" };
        struct vmem_explanation explanation;
        struct vmem_stats stats;
        l->has_begun = false;
        vmem_walk(l->arena, VMEM_ALLOC | VMEM_FREE, look_at, l);
        vmem_stats(l->arena, &stats);
        CHECK_U64(stats.allocs - stats.frees, ==, stats.busy_segments);
        CHECK_U64(stats.inuse_size, <=, stats.total_size);
        CHECK_U64(vmem_size(l->arena, VMEM_MAXFREE), <=, UNITS);
        if (!vmem_check(l->arena, &violation)) {
            FAIL(violation.invariant);
        }
        vmem_explain(l->arena, 64, NULL, 0, &explanation);
        vmem_dump(l->arena, swallow, &bytes);
        vmem_whatis(l->rounds % UNITS, swallow, &bytes);
        (void)vmem_state(l->arena, l->rounds * 97 % UNITS);
        (void)vmem_contains(l->arena, 0, UNITS);
        vmem_maintain(l->arena);
        vmem_drain(l->arena);
        l->rounds++;
    } while (!atomic_load(&l->is_done) && !vmt_failed());
    CHECK_U64(bytes, >, 0);
    return NULL;
}

/* Run the workers, one for each arena in turn, beside a looker. */
static void
run(struct vmem_arena *const *arenas, unsigned arena_count, uint64_t rounds)
{
    static struct worker workers[THREADS];
    static struct looker looker;
    pthread_t threads[THREADS + 1];
    uint64_t allocated = 0;

    looker = (struct looker){ .arena = arenas[0] };
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){
            .arena = arenas[i % arena_count], .rng = { .state = vmt_seed() + i }, .rounds = rounds
        };
        CHECK_U64(pthread_create(&threads[i], NULL, work, &workers[i]), ==, 0);
    }
    CHECK_U64(pthread_create(&threads[THREADS], NULL, look, &looker), ==, 0);
    for (unsigned i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
        allocated += workers[i].allocated;
    }
    atomic_store(&looker.is_done, true);
    (void)pthread_join(threads[THREADS], NULL);
    CHECK_U64(allocated, >, rounds);
    CHECK_U64(looker.rounds, >, 0);
}

static void
test_threads_on_one_arena_never_share_a_unit(void)
{
    struct vmem_arena *arena = NULL;

    CHECK_OR_RETURN(vmem_create("shared", 0, UNITS, 1, 0, 0, &arena) == 0);
    run(&arena, 1, vmt_ops(5000));
    CHECK_U64(vmem_size(arena, VMEM_ALLOC), ==, 0);
    CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, UNITS);
    CHECK_INTACT(arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_threads_on_a_hardened_arena_never_share_a_unit(void)
{
    const struct vmem_options options = {
        .size = UNITS, .quantum = 1, .flags = VMEM_RANDOM | VMEM_INDEXED, .quarantine_frees = 50
    };
    struct vmem_arena *arena = NULL;

    CHECK_OR_RETURN(vmem_create_with(&options, &arena) == 0);
    run(&arena, 1, vmt_ops(3000));
    vmem_drain(arena);
    CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, UNITS);
    CHECK_INTACT(arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

/* root <- middle <- three children, of which one keeps spans; all work at the same time. */
static void
test_threads_on_a_tree_of_arenas_never_share_a_unit(void)
{
    struct vmem_arena *root = NULL;
    struct vmem_arena *middle = NULL;
    struct vmem_arena *arenas[CHILDREN + 1] = { NULL };

    CHECK_OR_RETURN(vmem_create("root", 0, UNITS, 1, 0, 0, &root) == 0);
    CHECK_OR_RETURN(vmem_create("middle", 0, 0, 1, 0, 0, &middle) == 0);
    CHECK_U64(vmem_import_from(middle, root, 256), ==, 0);
    for (unsigned i = 0; i < CHILDREN; i++) {
        CHECK_OR_RETURN(vmem_create("child", 0, 0, 1, 0, 0, &arenas[i]) == 0);
        CHECK_U64(vmem_import_from(arenas[i], middle, 64), ==, 0);
    }
    vmem_set_import_keep(arenas[0], 4);
    vmem_set_import_keep(middle, 1);
    arenas[CHILDREN] = root;
    run(arenas, CHILDREN + 1, vmt_ops(3000));
    for (unsigned i = 0; i < CHILDREN; i++) {
        CHECK_U64(vmem_size(arenas[i], VMEM_ALLOC), ==, 0);
        CHECK_INTACT(arenas[i]);
        CHECK_U64(vmem_destroy(arenas[i]), ==, 0);
    }
    CHECK_U64(vmem_size(middle, VMEM_ALLOC), ==, 0);
    CHECK_INTACT(middle);
    CHECK_U64(vmem_destroy(middle), ==, 0);
    CHECK_U64(vmem_size(root, VMEM_MAXFREE), ==, UNITS);
    CHECK_INTACT(root);
    CHECK_U64(vmem_destroy(root), ==, 0);
}

/* Spans are added while others allocate from what is there. */
struct adder {
    struct vmem_arena *arena;
    vmem_addr_t first;
};

static void *
add_pieces(void *arg)
{
    const struct adder *adder = arg;

    for (vmem_addr_t at = adder->first; at < UNITS; at += 128) {
        CHECK_U64(vmem_add(adder->arena, at, 64, 0), ==, 0);
        CHECK_U64(vmem_add(adder->arena, at, 64, 0), ==, EEXIST);
    }
    return NULL;
}

static void
test_adding_while_others_allocate(void)
{
    struct vmem_arena *arena = NULL;
    struct vmem_stats stats;
    struct adder adders[2];
    pthread_t threads[2];

    CHECK_OR_RETURN(vmem_create("growing", 0, 64, 1, 0, 0, &arena) == 0);
    for (unsigned i = 0; i < 2; i++) {
        adders[i] = (struct adder){ .arena = arena, .first = i == 0 ? 128 : 64 };
        CHECK_U64(pthread_create(&threads[i], NULL, add_pieces, &adders[i]), ==, 0);
    }
    run(&arena, 1, vmt_ops(2000));
    (void)pthread_join(threads[0], NULL);
    (void)pthread_join(threads[1], NULL);
    vmem_stats(arena, &stats);
    CHECK_U64(stats.spans, ==, 1); /* all have merged */
    CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, UNITS);
    CHECK_INTACT(arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

/* Arenas come and go while others are printed. */
static void *
create_and_destroy(void *arg)
{
    const uint64_t *rounds = arg;

    for (uint64_t i = 0; i < *rounds; i++) {
        struct vmem_arena *arena = NULL;
        vmem_addr_t addr = 0;
        CHECK_U64(vmem_create("fleeting", 0, UNITS, 1, 0, 0, &arena), ==, 0);
        CHECK_U64(vmem_alloc(arena, 10, 0, &addr), ==, 0);
        vmem_free(arena, addr, 10);
        CHECK_U64(vmem_destroy(arena), ==, 0);
    }
    return NULL;
}

static void
test_the_registry_while_arenas_come_and_go(void)
{
    uint64_t rounds = vmt_ops(300);
    pthread_t threads[2];
    size_t bytes = 0;

    for (unsigned i = 0; i < 2; i++) {
        CHECK_U64(pthread_create(&threads[i], NULL, create_and_destroy, &rounds), ==, 0);
    }
    for (unsigned i = 0; i < 100; i++) {
        vmem_printall(swallow, &bytes);
        vmem_whatis(5, swallow, &bytes);
    }
    (void)pthread_join(threads[0], NULL);
    (void)pthread_join(threads[1], NULL);
    CHECK_U64(bytes, >, 0);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_threads_on_one_arena_never_share_a_unit),
    VMT_TEST(test_threads_on_a_hardened_arena_never_share_a_unit),
    VMT_TEST(test_threads_on_a_tree_of_arenas_never_share_a_unit),
    VMT_TEST(test_adding_while_others_allocate),
    VMT_TEST(test_the_registry_while_arenas_come_and_go),
};

VMT_SUITE(tests);
