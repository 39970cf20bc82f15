/*
 * test_random - random work while every callback fails at random. [T1] [I2] [P6]
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * Arenas of all kinds (hardened, indexed, importing, keeping) work while one request for metadata in
 * four, and one import in four, is refused in bad times; then good times come again.  A map of all
 * units says who owns what.  Nothing may be given twice, nothing lost, no free may fail.
 */
#include "vmt.h"
#include "vmt_fault.h"
#include "vmt_picture.h"
#include "vmt_source.h"
#include "vmt_tags.h"

#include <errno.h>
#include <string.h>

enum { UNITS = 1 << 13, LIVE_MAX = 1500, CHECK_EVERY = 64, SEASON = 400 };

struct held {
    vmem_addr_t addr;
    vmem_size_t size;
    vmem_handle_t handle;
};

struct world {
    struct vmem_arena *arena;
    struct vmt_tags tags;
    struct vmt_source source;
    struct vmt_rng rng;
    vmem_size_t quantum;
    vmem_size_t limit;
    unsigned count;
    struct held held[LIVE_MAX];
    unsigned char is_owned[UNITS];
    unsigned char is_static[UNITS]; /* added */
};

/* Make the next few calls of both callbacks fail, or none. */
static void
draw_weather(struct world *w, bool is_bad)
{
    vmt_fuse_set(
        &w->tags.fuse, is_bad ? 1 + vmt_rng_below(&w->rng, 4) : 0, vmt_rng_below(&w->rng, 2) == 0);
    vmt_fuse_set(&w->source.fuse, is_bad ? 1 + vmt_rng_below(&w->rng, 4) : 0,
        vmt_rng_below(&w->rng, 2) == 0);
}

static void
mark(struct world *w, const struct held *held, unsigned char is_owned)
{
    for (vmem_addr_t at = held->addr; at < held->addr + held->size && at < UNITS; at++) {
        CHECK_U64(w->is_owned[at], ==, !is_owned);
        w->is_owned[at] = is_owned;
    }
}

static void
allocate(struct world *w)
{
    static const unsigned policies[] = { 0, VMEM_BESTFIT, VMEM_FIRSTFIT, VMEM_NEXTFIT, VMEM_HIGH,
        VMEM_BESTFIT | VMEM_HIGH, VMEM_FIRSTFIT | VMEM_HIGH };
    const unsigned flags = policies[vmt_rng_below(&w->rng, 7)];
    const vmem_size_t quanta = 1 + vmt_rng_below(&w->rng, vmt_rng_below(&w->rng, 8) == 0 ? 100 : 9);
    struct held held = { .size = quanta * w->quantum };
    struct vmem_constraint c = { .align = 0 };
    int status;

    if (vmt_rng_below(&w->rng, 3) == 0) {
        c.align = w->quantum << vmt_rng_below(&w->rng, 6);
        c.addr_min = vmt_rng_below(&w->rng, 2) ? vmt_rng_below(&w->rng, UNITS) : 0;
    }
    if (vmt_rng_below(&w->rng, 4) == 0) {
        status = vmem_alloc_handle(w->arena, held.size, &c, flags, &held.addr, &held.handle);
    } else {
        status = vmem_xalloc_with(w->arena, held.size, &c, flags, &held.addr);
    }
    CHECK(status == 0 || status == ENOMEM);
    if (status != 0) {
        return;
    }
    CHECK_U64(held.addr % (c.align != 0 ? c.align : w->quantum), ==, 0);
    CHECK_U64(held.addr, >=, c.addr_min);
    CHECK(vmem_contains(w->arena, held.addr, held.size));
    mark(w, &held, 1);
    w->held[w->count++] = held;
}

static void
release(struct world *w, unsigned which)
{
    const struct held held = w->held[which];

    w->held[which] = w->held[--w->count];
    mark(w, &held, 0);
    if (held.handle != 0) {
        vmem_free_handle(w->arena, held.handle);
    } else {
        vmem_free(w->arena, held.addr, held.size);
    }
}

/* The lower half is for adding, the upper for the source. */
static void
add(struct world *w)
{
    const vmem_addr_t start = vmt_rng_below(&w->rng, UNITS / 2 / w->quantum) * w->quantum;
    const vmem_size_t size = (1 + vmt_rng_below(&w->rng, 8)) * w->quantum;
    const vmem_size_t total = vmem_size(w->arena, VMEM_ALLOC | VMEM_FREE);
    const bool is_beyond = w->limit != 0 && total + size > w->limit;
    bool is_taken = false;
    int status;

    if (start + size > UNITS / 2) {
        return;
    }
    for (vmem_addr_t at = start; at < start + size; at++) {
        is_taken = is_taken || w->is_static[at];
    }
    status = vmem_add(w->arena, start, size, 0);
    if (is_taken || is_beyond) {
        CHECK_U64(status, ==, is_taken ? EEXIST : ENOSPC);
    } else {
        CHECK(status == 0 || status == ENOMEM);
    }
    if (status == 0) {
        memset(&w->is_static[start], 1, (size_t)size);
    }
}

static void
do_one(struct world *w)
{
    const uint64_t what = vmt_rng_below(&w->rng, 100);

    if (what < 48 && w->count < LIVE_MAX) {
        allocate(w);
    } else if (what < 94) {
        if (w->count > 0) {
            release(w, (unsigned)vmt_rng_below(&w->rng, w->count));
        }
    } else if (what < 96) {
        add(w);
    } else if (what < 97) {
        vmem_maintain(w->arena);
    } else if (what < 98) {
        vmem_drain(w->arena);
    } else if (what < 99) {
        vmem_set_import_keep(w->arena, (unsigned)vmt_rng_below(&w->rng, 4));
    } else {
        (void)vmem_state(w->arena, vmt_rng_below(&w->rng, UNITS));
    }
}

static void
finish(struct world *w)
{
    while (w->count > 0) {
        release(w, w->count - 1);
    }
    CHECK_INTACT(w->arena);
    CHECK_U64(vmem_size(w->arena, VMEM_ALLOC), ==, 0);
    CHECK_U64(vmem_destroy(w->arena), ==, 0);
    vmt_source_fini(&w->source);
    vmt_tags_fini(&w->tags);
}

static void
live_through(struct vmem_options options, bool imports)
{
    static struct world w;

    memset(&w, 0, sizeof w);
    w.rng.state = vmt_seed() + options.flags + options.quantum + (imports ? 7 : 0);
    w.quantum = options.quantum;
    w.limit = options.limit;
    vmt_tags_init(&w.tags);
    vmt_source_init(&w.source, UNITS / 2, UNITS / 2);
    w.source.manner = vmt_rng_below(&w.rng, 2) ? VMT_SOURCE_ANYWHERE : VMT_SOURCE_CONSTRAINED;
    options.tags = w.tags.source;
    options.size = UNITS / 4;
    memset(w.is_static, 1, UNITS / 4);
    if (imports) {
        options.import_fn = vmt_source_import;
        options.release_fn = vmt_source_release;
        options.source_arg = &w.source;
        options.import_quantum = options.quantum * 16;
    }
    CHECK_OR_RETURN(vmem_create_with(&options, &w.arena) == 0);
    for (uint64_t op = 0; op < vmt_ops(6000) && !vmt_failed(); op++) {
        vmt_context("operation", op);
        if (op % 16 == 0) {
            draw_weather(&w, op / SEASON % 2 == 1);
        }
        do_one(&w);
        if (op % CHECK_EVERY == 0) {
            CHECK_INTACT(w.arena);
        }
    }
    vmt_context(NULL, 0);
    finish(&w);
}

static void
test_a_plain_arena(void)
{
    live_through((struct vmem_options){ .quantum = 1 }, false);
    live_through((struct vmem_options){ .quantum = 16, .flags = VMEM_NOLOCK }, false);
}

static void
test_an_indexed_arena(void)
{
    live_through((struct vmem_options){ .quantum = 1, .flags = VMEM_INDEXED }, false);
    live_through(
        (struct vmem_options){ .quantum = 1, .flags = VMEM_INDEXED | VMEM_BESTFIT }, false);
}

static void
test_a_hardened_arena(void)
{
    live_through(
        (struct vmem_options){
            .quantum = 1, .flags = VMEM_RANDOM, .random_seed = 3, .quarantine_frees = 20 },
        false);
}

static void
test_an_importing_arena(void)
{
    live_through((struct vmem_options){ .quantum = 1 }, true);
    live_through((struct vmem_options){ .quantum = 4, .flags = VMEM_INDEXED }, true);
    live_through((struct vmem_options){ .quantum = 1, .limit = UNITS / 2 }, true);
}

static void
test_a_hardened_importing_arena(void)
{
    live_through((struct vmem_options){ .quantum = 2,
                     .flags = VMEM_RANDOM | VMEM_INDEXED,
                     .random_seed = 5,
                     .quarantine_frees = 9 },
        true);
    live_through((struct vmem_options){ .quantum = 1, .quarantine_ns = 1000 }, true);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_a_plain_arena),
    VMT_TEST(test_an_indexed_arena),
    VMT_TEST(test_a_hardened_arena),
    VMT_TEST(test_an_importing_arena),
    VMT_TEST(test_a_hardened_importing_arena),
};

VMT_SUITE(tests);
