/*
 * test_meanwhile - what happens while a call has left the lock to ask for metadata. [T1] [T2]
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * The tag source stands for another thread: the lock is free while it is called, so whatever it does to
 * the arena is what any thread could do at that moment.
 */
#include "vmt_picture.h"

#include "engine/arena.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct meanwhile {
    struct vmem_arena *arena;
    void (*then)(
        struct meanwhile *m); /* what another thread does at the next call; NULL = nothing */
    vmem_addr_t addr;
    unsigned depth;
    unsigned releases;
    unsigned refused;
    unsigned pieces; /* that the arena has */
    bool is_armed_by_import;
    bool refuses;
};

static void *
get(void *arg, size_t bytes)
{
    struct meanwhile *m = arg;
    void (*const then)(struct meanwhile *) = m->then;
    void *memory;

    m->then = NULL;
    if (then != NULL) {
        then(m);
    }
    if (m->refuses) {
        return NULL;
    }
    memory = aligned_alloc(64, bytes);
    CHECK(memory != NULL);
    memset(memory, 0, bytes);
    m->pieces++;
    return memory;
}

static void
put(void *arg, void *memory, size_t bytes)
{
    struct meanwhile *m = arg;

    (void)bytes;
    m->pieces--;
    free(memory);
}

static void
add_neighbour(struct meanwhile *m)
{
    CHECK_U64(vmem_add(m->arena, 512, 512, 0), ==, 0);
}

/* Both spans fit the bins that the arena had; together, as one hole, they do not. */
static void
test_a_neighbour_is_added(void)
{
    for (unsigned frees = 0; frees < 600;
         frees += 50) { /* more or less of the first blob is taken */
        struct meanwhile m = { .then = NULL };
        const struct vmem_options options = {
            .quantum = 1, .quarantine_frees = frees, .tags = { get, put, &m }
        };
        CHECK_OR_RETURN(vmem_create_with(&options, &m.arena) == 0);
        m.then = add_neighbour;
        CHECK_U64(vmem_add(m.arena, 0, 512, 0), ==, 0);
        m.then = NULL;
        CHECK_INTACT(m.arena);
        CHECK_U64(vmem_size(m.arena, VMEM_MAXFREE) % 512, ==, 0);
        CHECK_U64(vmem_destroy(m.arena), ==, 0);
    }
}

static bool
free_visited(void *arg, const struct vmem_segment *segment)
{
    vmem_free(arg, segment->start, segment->size);
    return true;
}

static void
add_the_same(struct meanwhile *m)
{
    m->refused += vmem_add(m->arena, 0, (vmem_size_t)1 << 40, 0) != 0;
}

/* Two threads add the same span: one of them is told so. */
static void
test_the_same_span_is_added(void)
{
    struct meanwhile m = { .then = NULL };
    const struct vmem_options options = { .quantum = 1, .tags = { get, put, &m } };

    CHECK_OR_RETURN(vmem_create_with(&options, &m.arena) == 0);
    m.then = add_the_same;
    CHECK_U64(vmem_add(m.arena, 0, (vmem_size_t)1 << 40, 0), ==, 17); /* EEXIST */
    CHECK(m.then == NULL);
    CHECK_U64(m.refused, ==, 0);
    CHECK_INTACT(m.arena);
    CHECK_U64(vmem_size(m.arena, VMEM_FREE), ==, (vmem_size_t)1 << 40);
    CHECK_U64(vmem_destroy(m.arena), ==, 0);
}

static void
add_a_larger_one(struct meanwhile *m)
{
    m->refused += vmem_add(m->arena, (vmem_size_t)1 << 52, (vmem_size_t)1 << 50, 0) != 0;
}

/* Another thread adds a larger span, with more bins: they are not given up for fewer. */
static void
test_a_larger_span_is_added(void)
{
    struct meanwhile m = { .then = NULL };
    const struct vmem_options options = { .quantum = 1, .tags = { get, put, &m } };

    CHECK_OR_RETURN(vmem_create_with(&options, &m.arena) == 0);
    m.then = add_a_larger_one;
    CHECK_U64(vmem_add(m.arena, 0, 1 << 20, 0), ==, 0);
    CHECK(m.then == NULL);
    CHECK_U64(m.refused, ==, 0);
    CHECK_INTACT(m.arena);
    CHECK_U64(vmem_size(m.arena, VMEM_MAXFREE), ==, (vmem_size_t)1 << 50);
    CHECK_U64(vmem_destroy(m.arena), ==, 0);
    CHECK_U64(m.pieces, ==, 0); /* nor are those lost that came too late */
}

/* Another thread takes all tags that are at hand, and no entry of the busy index; there are no more. */
struct taker {
    struct meanwhile m; /* first: it is what the callbacks get */
    vmem_handle_t handles[4096];
    unsigned count;
};

static void
take_all_tags(struct meanwhile *m)
{
    struct taker *taker = (struct taker *)m;
    vmem_addr_t addr = 0;

    m->refuses = true;
    while (taker->count < sizeof taker->handles / sizeof taker->handles[0] &&
        vmem_alloc_handle(m->arena, 1, NULL, VMEM_FIRSTFIT, &addr, &taker->handles[taker->count]) ==
            0) {
        taker->count++;
    }
}

/* What a call had made sure of is gone when it comes back to the lock without a larger table. [T1] */
static void
test_tags_that_were_at_hand_are_taken(void)
{
    enum { MANY = 4096 };
    static struct taker taker;
    const struct vmem_options options = {
        .quantum = 1, .size = 2 * MANY, .tags = { get, put, &taker }
    };
    vmem_addr_t addr = 0;

    taker = (struct taker){ .count = 0 };
    CHECK_OR_RETURN(vmem_create_with(&options, &taker.m.arena) == 0);
    for (unsigned i = 0; i < MANY && !vmt_failed(); i++) {
        const vmem_size_t busy = vmem_size(taker.m.arena, VMEM_ALLOC);
        const unsigned count = taker.count;
        taker.m.then = i % 4 == 0 ? take_all_tags : NULL; /* else it gets what it asks for */
        taker.m.refuses = false;
        if (vmem_alloc(taker.m.arena, 1, VMEM_FIRSTFIT, &addr) == 0) {
            CHECK_U64(vmem_size(taker.m.arena, VMEM_ALLOC), ==, busy + 1 + taker.count - count);
        }
        CHECK_INTACT(taker.m.arena);
    }
    taker.m.then = NULL;
    taker.m.refuses = false;
    CHECK_U64(taker.count, >, 100);
    while (taker.count > 0) {
        vmem_free_handle(taker.m.arena, taker.handles[--taker.count]);
    }
    vmem_walk(taker.m.arena, VMEM_ALLOC, free_visited, taker.m.arena);
    CHECK_U64(vmem_destroy(taker.m.arena), ==, 0);
    CHECK_U64(taker.m.pieces, ==, 0);
}

static void
allocate_until_a_table_moves(struct meanwhile *m)
{
    vmem_addr_t addr = 0;

    while (!vmi_busy_is_moving(&m->arena->busy) && m->depth < 1 << 16) {
        m->refused += vmem_alloc(m->arena, 1, 0, &addr) != 0;
        m->depth++;
    }
}

/* Upkeep asks for a smaller table, and meanwhile another thread needs a larger one. */
static void
test_a_table_grows_while_upkeep_wants_it_smaller(void)
{
    enum { MANY = 20000 };
    struct meanwhile m = { .then = NULL };
    const struct vmem_options options = { .quantum = 1, .size = 1 << 20, .tags = { get, put, &m } };
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create_with(&options, &m.arena) == 0);
    for (unsigned i = 0; i < MANY; i++) {
        CHECK_U64(vmem_alloc(m.arena, 1, 0, &addr), ==, 0);
    }
    vmem_walk(m.arena, VMEM_ALLOC, free_visited, m.arena);
    m.then = allocate_until_a_table_moves;
    vmem_maintain(m.arena);
    CHECK(m.then == NULL);
    CHECK_U64(m.depth, >, 1);
    CHECK_U64(m.depth, <, 1 << 16);
    CHECK_U64(m.refused, ==, 0);
    CHECK_INTACT(m.arena);
    vmem_walk(m.arena, VMEM_ALLOC, free_visited, m.arena);
    CHECK_U64(vmem_size(m.arena, VMEM_ALLOC), ==, 0);
    CHECK_U64(vmem_destroy(m.arena), ==, 0);
}

enum {
    WAITING = 20,
    BEFORE = 51, /* one below what a table of 64 slots takes without growing */
    FULL = 416   /* what one of 512 slots takes, for which the first blob has no larger one */
};

/* One more thread comes to ask, until there are many; then all of them are refused. */
static void
allocate_too(struct meanwhile *m)
{
    vmem_addr_t addr;

    if (++m->depth < WAITING) {
        m->then = allocate_too;
        m->refused += vmem_alloc(m->arena, 1, 0, &addr) != 0;
    }
}

/* `spans` take tags, so that these may run out, too. */
static bool
many_wait_for_a_larger_table(unsigned flags, unsigned before, unsigned spans)
{
    struct meanwhile m = { .then = NULL };
    const struct vmem_options options = {
        .quantum = 1, .size = 1 << 20, .flags = flags, .tags = { get, put, &m }
    };
    bool has_tags = true;
    vmem_addr_t addr;

    CHECK(vmem_create_with(&options, &m.arena) == 0);
    for (unsigned i = 0; i < spans; i++) {
        CHECK_U64(vmem_add(m.arena, (i + 1ull) << 22, 1 << 21, 0), ==, 0);
    }
    m.refuses = flags != 0;
    for (unsigned i = 0; i < before; i++) {
        has_tags = has_tags && vmem_alloc(m.arena, 1, 0, &addr) == 0;
    }
    m.refuses = true;
    m.then = allocate_too;
    /* In the middle of the hole, which takes two tags. */
    m.refused += vmem_xalloc(m.arena, 1, 0, 0, 0, 1 << 19, VMEM_ADDR_MAX, 0, &addr) != 0;
    CHECK(m.depth == WAITING || !has_tags);
    CHECK(flags != 0 || spans != 0 || m.refused == 0); /* there is still room for all of them */

    CHECK_INTACT(m.arena);
    m.then = NULL;
    vmem_walk(m.arena, VMEM_ALLOC, free_visited, m.arena);
    CHECK_U64(vmem_destroy(m.arena), ==, 0);
    return has_tags;
}

/*
 * Each found a place in the busy index, and tags, before it left the lock; there is not one for each.
 */
static void
test_many_wait_for_a_larger_table(void)
{
    for (unsigned indexed = 0; indexed <= 1; indexed++) {
        const unsigned flags = indexed != 0 ? VMEM_INDEXED : 0;
        const unsigned before = indexed != 0 ? BEFORE : FULL;
        unsigned spans = 0;
        while (spans < 300 && many_wait_for_a_larger_table(flags, before, spans)) {
            spans++;
        }
        CHECK_U64(spans, >, 10);
    }
}

static void
free_the_large_one(struct meanwhile *m)
{
    vmem_free(m->arena, m->addr, 64);
}

static int
import_and_arm(void *arg, const struct vmem_import_request *request, struct vmem_range *span)
{
    struct meanwhile *m = arg;

    m->then = free_the_large_one;
    *span = (struct vmem_range){ .start = 1 << 20, .size = request->size };
    return 0;
}

static void
count_release(void *arg, vmem_addr_t start, vmem_size_t size)
{
    struct meanwhile *m = arg;

    CHECK_U64(start, ==, 1 << 20);
    CHECK_U64(size, ==, 64);
    m->releases++;
}

/* Returns whether the span turned out not to be needed; then it is kept only if it may be. */
static bool
a_place_turns_up_after_an_import(unsigned small, unsigned keep)
{
    struct meanwhile m = { .then = NULL };
    const struct vmem_options options = { .quantum = 1,
        .size = 64 + small,
        .flags = VMEM_FIRSTFIT,
        .tags = { get, put, &m },
        .import_fn = import_and_arm,
        .release_fn = count_release,
        .source_arg = &m };
    struct vmem_stats stats;
    vmem_addr_t addr = 0;

    CHECK(vmem_create_with(&options, &m.arena) == 0);
    vmem_set_import_keep(m.arena, keep);
    CHECK_U64(vmem_alloc(m.arena, 64, 0, &m.addr), ==, 0);
    for (unsigned i = 0; i < small; i++) {
        CHECK_U64(vmem_alloc(m.arena, 1, 0, &addr), ==, 0);
    }
    CHECK_U64(vmem_alloc(m.arena, 64, 0, &addr), ==, 0);
    m.then = NULL;
    vmem_stats(m.arena, &stats);
    if (addr == m.addr) {
        CHECK_U64(stats.imports, ==, 1);
        CHECK_U64(stats.imported_size, ==, keep * 64);
        CHECK_U64(stats.imports_returned, ==, 1 - keep);
        CHECK_U64(m.releases, ==, 1 - keep);
    } else {
        CHECK_U64(stats.imported_size, ==, 64);
        CHECK_U64(stats.imports_returned, ==, 0);
    }
    CHECK_INTACT(m.arena);
    vmem_walk(m.arena, VMEM_ALLOC, free_visited, m.arena);
    CHECK_U64(vmem_destroy(m.arena), ==, 0);
    CHECK_U64(m.releases, ==, 1);
    return addr == m.addr;
}

/* A place turns up after the span came: the span is not needed, and goes back. [I2] [I3] */
static void
test_a_place_turns_up_after_an_import(void)
{
    for (unsigned keep = 0; keep <= 1; keep++) {
        unsigned unneeded = 0;
        for (unsigned small = 0; small < 400;
             small++) { /* at some of them tags run out just then */
            unneeded += a_place_turns_up_after_an_import(small, keep);
        }
        CHECK(unneeded > 0);
    }
}

static int
import_while_a_place_turns_up(
    void *arg, const struct vmem_import_request *request, struct vmem_range *span)
{
    struct meanwhile *m = arg;

    vmem_free(m->arena, m->addr, 64);
    *span = (struct vmem_range){ .start = 1 << 20, .size = request->size };
    return 0;
}

/* A span that is not needed any more, of a source that takes none back, is not lost. [I3] */
static void
test_a_span_that_nobody_takes_back_is_kept(void)
{
    struct meanwhile m = { .then = NULL };
    const struct vmem_options options = {
        .quantum = 1, .size = 64, .import_fn = import_while_a_place_turns_up, .source_arg = &m
    };
    vmem_addr_t addr;

    CHECK_OR_RETURN(vmem_create_with(&options, &m.arena) == 0);
    CHECK_U64(vmem_alloc(m.arena, 64, 0, &m.addr), ==, 0);
    CHECK_U64(vmem_alloc(m.arena, 64, 0, &addr), ==, 0);
    CHECK_U64(addr, ==, m.addr);
    CHECK_U64(vmem_size(m.arena, VMEM_ALLOC | VMEM_FREE), ==, 128);
    CHECK_INTACT(m.arena);
    vmem_free(m.arena, addr, 64);
    CHECK_U64(vmem_destroy(m.arena), ==, 0);
}

/* -------------------------------------------------------------------------------------------------
 * After a span was added, before a place in it was taken
 * ---------------------------------------------------------------------------------------------- */

enum { FEW = 24, AT = 1 << 20, WANTED = 64 }; /* so many holes are searched without an index */

struct late {
    struct meanwhile m; /* first: it is what the callbacks get */
    void (*when_added)(struct meanwhile *m);
};

static int
import_and_wait(void *arg, const struct vmem_import_request *request, struct vmem_range *span)
{
    struct late *late = arg;

    late->m.then = late->when_added;
    *span = (struct vmem_range){ .start = AT, .size = request->size };
    return 0;
}

/*
 * 64 busy units from 0 on, then holes, as many as are searched without an index: with the span's there is
 * one more.  So the lock is left, to ask for an index, when the span has been added.
 */
static bool
make_late(struct late *late, void (*when_added)(struct meanwhile *), unsigned keep)
{
    const struct vmem_options options = { .quantum = 1,
        .size = WANTED + 2 * FEW,
        .flags = VMEM_FIRSTFIT,
        .tags = { get, put, &late->m },
        .import_fn = import_and_wait,
        .release_fn = count_release,
        .source_arg = late,
        .import_keep = keep };
    vmem_addr_t addr;

    *late = (struct late){ .m = { .then = NULL } };
    CHECK_U64(vmem_create_with(&options, &late->m.arena), ==, 0);
    CHECK_U64(vmem_alloc(late->m.arena, WANTED, 0, &late->m.addr), ==, 0);
    for (unsigned i = 0; i < 2 * FEW; i++) {
        CHECK_U64(vmem_alloc(late->m.arena, 1, 0, &addr), ==, 0);
    }
    CHECK_U64(vmem_alloc(late->m.arena, WANTED, 0, &addr), ==, 0); /* all that a span needs */
    vmem_free(late->m.arena, addr, WANTED);
    vmem_set_import_keep(late->m.arena, 0);
    vmem_set_import_keep(late->m.arena, keep);
    CHECK_U64(vmem_size(late->m.arena, VMEM_FREE), ==, 0);
    for (unsigned i = 0; i < 2 * FEW; i += 2) {
        vmem_free(late->m.arena, WANTED + i, 1);
    }
    late->m.releases = 0;
    late->when_added = when_added;
    return !vmt_failed();
}

/* Ask; the span is released so many times, and the arena owns so many units beside its own. */
static void
ask_late(struct late *late, int status, vmem_addr_t place, unsigned releases, vmem_size_t imported)
{
    struct vmem_stats stats;
    vmem_addr_t addr = 77;

    CHECK_U64(vmem_alloc(late->m.arena, WANTED, 0, &addr), ==, status);
    CHECK_U64(addr, ==, status == 0 ? place : 77);
    CHECK(late->m.then == NULL); /* it did happen */
    vmem_stats(late->m.arena, &stats);
    CHECK_U64(stats.imported_size, ==, imported);
    CHECK_U64(late->m.releases, ==, releases);
    CHECK_INTACT(late->m.arena);
    late->when_added = NULL;
    vmem_walk(late->m.arena, VMEM_ALLOC, free_visited, late->m.arena);
    CHECK_U64(vmem_destroy(late->m.arena), ==, 0);
    CHECK_U64(late->m.releases, ==, releases + (imported != 0 ? 1 : 0));
}

static void
keep_none(struct meanwhile *m)
{
    vmem_set_import_keep(m->arena, 0);
}

static void
take_one_at(struct meanwhile *m, vmem_addr_t at)
{
    vmem_addr_t addr = 0;

    CHECK_U64(vmem_xalloc(m->arena, 1, 0, 0, 0, at, at, VMEM_INSTANTFIT, &addr), ==, 0);
}

static void
take_the_first_unit(struct meanwhile *m)
{
    take_one_at(m, AT);
}

static void
take_the_last_unit(struct meanwhile *m)
{
    take_one_at(m, AT + WANTED - 1);
}

static void
take_the_span(struct meanwhile *m)
{
    vmem_addr_t addr = 0;

    CHECK_U64(
        vmem_xalloc(m->arena, WANTED, 0, 0, 0, AT, AT + WANTED - 1, VMEM_INSTANTFIT, &addr), ==, 0);
}

/* Somebody else gives the span back, or takes a part of it: it is not given back a second time, or at all. */
static void
test_the_span_is_gone_or_in_use_when_it_does_not_help(void)
{
    struct late late;

    CHECK_OR_RETURN(make_late(&late, keep_none, 0));
    ask_late(&late, ENOMEM, 0, 1, 0);
    CHECK_OR_RETURN(make_late(&late, take_the_first_unit, 0));
    ask_late(&late, ENOMEM, 0, 0, WANTED);
    CHECK_OR_RETURN(make_late(&late, take_the_last_unit, 0));
    ask_late(&late, ENOMEM, 0, 0, WANTED);
    CHECK_OR_RETURN(make_late(&late, take_the_span, 0));
    ask_late(&late, ENOMEM, 0, 0, WANTED);
}

static void
free_and_take_the_first_unit(struct meanwhile *m)
{
    free_the_large_one(m);
    take_the_first_unit(m);
}

/* A lower place turns up: the span goes back, unless it is in use by now, or spans are kept. */
static void
test_the_span_is_not_needed_once_it_is_added(void)
{
    struct late late;

    CHECK_OR_RETURN(make_late(&late, free_the_large_one, 0));
    ask_late(&late, 0, 0, 1, 0);
    CHECK_OR_RETURN(make_late(&late, free_and_take_the_first_unit, 0));
    ask_late(&late, 0, 0, 0, WANTED);
    CHECK_OR_RETURN(make_late(&late, free_the_large_one, 1));
    ask_late(&late, 0, 0, 0, WANTED);
}

static int
import_what_nobody_can_add(
    void *arg, const struct vmem_import_request *request, struct vmem_range *span)
{
    struct meanwhile *m = arg;

    m->refuses = true; /* from here on, and a span of this size needs more bins than there are */
    return import_while_a_place_turns_up(arg, request, span);
}

/* Not needed, of a source that takes none back, and no memory to add it: lost, and nothing else is. */
static void
test_a_span_that_cannot_be_added_nor_go_back(void)
{
    struct meanwhile m = { .then = NULL };
    const struct vmem_options options = { .quantum = 1,
        .size = 64,
        .tags = { get, put, &m },
        .import_fn = import_what_nobody_can_add,
        .import_quantum = (vmem_size_t)1 << 40,
        .source_arg = &m };
    struct vmem_stats stats;
    vmem_addr_t addr = 77;

    CHECK_OR_RETURN(vmem_create_with(&options, &m.arena) == 0);
    CHECK_U64(vmem_alloc(m.arena, 64, 0, &m.addr), ==, 0);
    CHECK_U64(vmem_alloc(m.arena, 64, 0, &addr), ==, 0);
    CHECK_U64(addr, ==, m.addr);
    vmem_stats(m.arena, &stats);
    CHECK_U64(stats.total_size, ==, 64);
    CHECK_U64(stats.imports, ==, 0);
    CHECK_U64(stats.imports_returned, ==, 0);
    CHECK_INTACT(m.arena);
    vmem_free(m.arena, addr, 64);
    CHECK_U64(vmem_destroy(m.arena), ==, 0);
}

struct trimming {
    struct late late; /* first: it is what the callbacks get */
    unsigned imports;
    unsigned releases;
    vmem_addr_t found;
};

/* Small spans one behind the other; the large one lies below, and what is to happen will. */
static int
import_small_or_late(void *arg, const struct vmem_import_request *request, struct vmem_range *span)
{
    struct trimming *t = arg;

    if (request->size == WANTED) {
        return import_and_wait(arg, request, span);
    }
    *span = (struct vmem_range){ .start = 2 * AT + 1000 * t->imports++, .size = request->size };
    return 0;
}

/* While the first one goes back, somebody asks for a large one. */
static void
release_and_ask(void *arg, vmem_addr_t start, vmem_size_t size)
{
    struct trimming *t = arg;

    CHECK_U64(start, ==, t->releases < 2 ? 2 * AT + 1000 * t->releases : AT);
    CHECK_U64(size, ==, t->releases < 2 ? WANTED / 2 : WANTED);
    if (t->releases++ == 0) {
        CHECK_U64(vmem_alloc(t->late.m.arena, WANTED, 0, &t->found), ==, 0);
    }
}

/*
 * Spans are kept no more, of two the first is on its way back, and a third comes that is not needed: there
 * is one too many, but the third is in use.
 */
static void
test_a_span_in_use_stays_while_others_go(void)
{
    static struct trimming t;
    const struct vmem_options options = { .quantum = 1,
        .size = WANTED + 2 * FEW,
        .flags = VMEM_FIRSTFIT,
        .tags = { get, put, &t },
        .import_fn = import_small_or_late,
        .release_fn = release_and_ask,
        .source_arg = &t,
        .import_keep = 2 };
    struct vmem_stats stats;
    vmem_addr_t addrs[2];
    vmem_addr_t addr;

    t = (struct trimming){ .imports = 0 };
    CHECK_OR_RETURN(vmem_create_with(&options, &t.late.m.arena) == 0);
    CHECK_U64(vmem_alloc(t.late.m.arena, WANTED, 0, &t.late.m.addr), ==, 0);
    for (unsigned i = 0; i < 2 * FEW; i++) {
        CHECK_U64(vmem_alloc(t.late.m.arena, 1, 0, &addr), ==, 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        CHECK_U64(vmem_alloc(t.late.m.arena, WANTED / 2, 0, &addrs[i]), ==, 0);
    }
    for (unsigned i = 0; i < 2 * FEW - 2;
         i += 2) { /* with a kept span, and the new one, one too many */
        vmem_free(t.late.m.arena, WANTED + i, 1);
    }
    for (unsigned i = 0; i < 2; i++) {
        vmem_free(t.late.m.arena, addrs[i], WANTED / 2);
    }
    CHECK_U64(t.releases, ==, 0);
    t.late.when_added = free_and_take_the_first_unit;
    vmem_set_import_keep(t.late.m.arena, 0);
    CHECK(t.late.m.then == NULL);
    CHECK_U64(t.found, ==, 0);
    CHECK_U64(t.releases, ==, 2);
    vmem_stats(t.late.m.arena, &stats);
    CHECK_U64(stats.imported_size, ==, WANTED);
    CHECK_U64(stats.imports_returned, ==, 0);
    CHECK_INTACT(t.late.m.arena);
    vmem_walk(t.late.m.arena, VMEM_ALLOC, free_visited, t.late.m.arena);
    CHECK_U64(t.releases, ==, 3);
    CHECK_U64(vmem_destroy(t.late.m.arena), ==, 0);
}

static int
refuse_while_a_range_goes_to_rest(
    void *arg, const struct vmem_import_request *request, struct vmem_range *span)
{
    struct meanwhile *m = arg;

    (void)request;
    (void)span;
    if (m->depth++ == 0) {
        vmem_free(m->arena, m->addr, 64);
    }
    return 12; /* ENOMEM */
}

static void
drain_it(void *arg, struct vmem_arena *arena, vmem_size_t size, unsigned flags)
{
    (void)arg;
    (void)size;
    (void)flags;
    vmem_drain(arena);
}

/* What went to rest while the source was asked, and leaves it in reclaim, is tried. [S7] */
static void
test_what_reclaim_drains_is_tried(void)
{
    struct meanwhile m = { .then = NULL };
    const struct vmem_options options = { .quantum = 1,
        .size = 64,
        .quarantine_frees = 8,
        .import_fn = refuse_while_a_range_goes_to_rest,
        .source_arg = &m };
    vmem_addr_t addr = 77;

    CHECK_OR_RETURN(vmem_create_with(&options, &m.arena) == 0);
    vmem_set_reclaim(m.arena, drain_it, NULL);
    CHECK_U64(vmem_alloc(m.arena, 64, 0, &m.addr), ==, 0);
    CHECK_U64(vmem_alloc(m.arena, 64, 0, &addr), ==, 0);
    CHECK_U64(addr, ==, m.addr);
    CHECK_INTACT(m.arena);
    vmem_free(m.arena, addr, 64);
    CHECK_U64(vmem_destroy(m.arena), ==, 0);
}

/* Another thread takes tags, as many as there are places for. */
static void
take_tags(struct meanwhile *m)
{
    vmem_addr_t addr = 0;

    for (unsigned i = 0; i < m->depth; i++) {
        m->refused += vmem_alloc(m->arena, 1, VMEM_FIRSTFIT, &addr) != 0;
    }
}

static int
import_much_and_arm(void *arg, const struct vmem_import_request *request, struct vmem_range *span)
{
    struct meanwhile *m = arg;

    m->then = take_tags;
    *span = (struct vmem_range){ .start = 1 << 20, .size = request->size };
    return 0;
}

static void
no_release(void *arg, vmem_addr_t start, vmem_size_t size)
{
    struct meanwhile *m = arg;

    CHECK_U64(start, ==, 1 << 20);
    CHECK_U64(size, ==, 1 << 19);
    m->releases++;
}

/* The bins for a large span are obtained, and meanwhile the tags for it go to somebody else. [T1] */
static void
test_tags_for_a_span_are_there_when_it_is_added(void)
{
    for (unsigned takes = 1; takes < 140; takes++) {
        struct meanwhile m = { .depth = takes };
        const struct vmem_options options = { .quantum = 1,
            .size = 400,
            .tags = { get, put, &m },
            .import_fn = import_much_and_arm,
            .release_fn = no_release,
            .source_arg = &m };
        vmem_addr_t addr = 0;

        CHECK_OR_RETURN(vmem_create_with(&options, &m.arena) == 0);
        CHECK_U64(vmem_alloc(m.arena, 1 << 19, 0, &addr), ==, 0);
        CHECK_U64(addr, ==, 1 << 20);
        m.then = NULL;
        CHECK_U64(m.refused, ==, 0);
        CHECK_INTACT(m.arena);
        vmem_walk(m.arena, VMEM_ALLOC, free_visited, m.arena);
        CHECK_U64(m.releases, ==, 1);
        CHECK_U64(vmem_destroy(m.arena), ==, 0);
    }
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_tags_for_a_span_are_there_when_it_is_added),
    VMT_TEST(test_what_reclaim_drains_is_tried),
    VMT_TEST(test_a_neighbour_is_added),
    VMT_TEST(test_the_same_span_is_added),
    VMT_TEST(test_a_larger_span_is_added),
    VMT_TEST(test_tags_that_were_at_hand_are_taken),
    VMT_TEST(test_a_table_grows_while_upkeep_wants_it_smaller),
    VMT_TEST(test_many_wait_for_a_larger_table),
    VMT_TEST(test_a_place_turns_up_after_an_import),
    VMT_TEST(test_a_span_that_nobody_takes_back_is_kept),
    VMT_TEST(test_the_span_is_gone_or_in_use_when_it_does_not_help),
    VMT_TEST(test_the_span_is_not_needed_once_it_is_added),
    VMT_TEST(test_a_span_that_cannot_be_added_nor_go_back),
    VMT_TEST(test_a_span_in_use_stays_while_others_go),
};

VMT_SUITE(tests);
