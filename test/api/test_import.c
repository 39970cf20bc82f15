/*
 * test_import - spans from a function: what is asked for, and what is done with the answer.
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 * [S5], [I1]-[I5]
 */
#include "vmt.h"
#include "vmt_fault.h"
#include "vmt_picture.h"
#include "vmt_source.h"

#include "engine/free.h"

#include <errno.h>

#define MAX VMEM_ADDR_MAX

static struct vmt_picture before;
static struct vmt_source source;

/* An empty arena of quantum 16 that imports multiples of 256 from 0x10000-0x1ffff. */
static struct vmem_arena *
create_importer(void)
{
    struct vmem_arena *arena = NULL;

    vmt_source_init(&source, 0x10000, 0x10000);
    CHECK_U64(vmem_create("importer", 0, 0, 16, 0, 0, &arena), ==, 0);
    CHECK_U64(vmem_set_import(arena, vmt_source_import, vmt_source_release, &source, 256), ==, 0);
    return arena;
}

static void
destroy_importer(struct vmem_arena *arena)
{
    CHECK_INTACT(arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
    vmt_source_fini(&source);
}

static void
test_set_import_returns_each_documented_status(void)
{
    struct vmem_arena *arena = create_importer();
    vmem_addr_t addr = 0;

    CHECK_U64(vmem_set_import(arena, vmt_source_import, NULL, &source, 24), ==, EINVAL);
    CHECK_U64(vmem_set_import(arena, vmt_source_import, NULL, &source, 8), ==, EINVAL);
    CHECK_U64(vmem_set_import(arena, NULL, vmt_source_release, &source, 0), ==, EINVAL);
    CHECK_U64(vmem_alloc(arena, 16, 0, &addr), ==, 0); /* the source is the one set before */
    CHECK_U64(source.imports, ==, 1);
    CHECK_U64(vmem_set_import(arena, NULL, NULL, NULL, 0), ==, EBUSY);
    vmem_free(arena, addr, 16);
    CHECK_U64(source.releases, ==, 1);
    CHECK_U64(vmem_set_import(arena, NULL, NULL, NULL, 0), ==, 0); /* empty again */
    CHECK_U64(vmem_alloc(arena, 16, 0, &addr), ==, ENOMEM);
    CHECK_U64(source.imports, ==, 1);
    CHECK_U64(vmem_set_import(arena, vmt_source_import, vmt_source_release, &source, 0), ==, 0);
    CHECK_U64(vmem_alloc(arena, 16, 0, &addr), ==, 0);
    CHECK_U64(source.request.size, ==, 16); /* 0 means the quantum */
    vmem_free(arena, addr, 16);
    destroy_importer(arena);
}

static void
test_a_span_is_imported_and_released_at_once(void)
{
    struct vmem_arena *arena = create_importer();
    struct vmem_stats stats;
    vmem_addr_t addr = 0;

    CHECK_U64(vmem_alloc(arena, 17, 0, &addr), ==, 0);
    CHECK_U64(addr, ==, 0x10000);
    CHECK_U64(source.span_size, ==, 256);
    vmem_stats(arena, &stats);
    CHECK_U64(stats.imports, ==, 1);
    CHECK_U64(stats.imported_size, ==, 256);
    CHECK_U64(stats.total_size, ==, 256);
    CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, 256 - 32);
    vmem_free(arena, addr, 17);
    vmem_stats(arena, &stats);
    CHECK_U64(stats.releases, ==, 1);
    CHECK_U64(stats.total_size, ==, 0);
    destroy_importer(arena);
}

static void
test_the_source_is_told_the_constraints(void)
{
    struct vmem_arena *arena = create_importer();
    vmem_addr_t addr = 0;

    CHECK_U64(vmem_xalloc(arena, 32, 1024, 64, 0, 0x14000, 0x17fff, 0, &addr), ==, 0);
    CHECK_U64(addr, ==, 0x14040);
    CHECK_U64(source.request.size, ==, 256);
    CHECK_U64(source.request.quantum, ==, 16);
    CHECK_U64(source.request.align, ==, 1024);
    CHECK_U64(source.request.phase, ==, 64);
    CHECK_U64(source.request.addr_min, ==, 0x14000);
    CHECK_U64(source.request.addr_max, >=, 0x17fff);
    CHECK_U64(source.request.size_anywhere, ==, 0); /* a window: no size is enough */
    vmem_free(arena, addr, 32);
    destroy_importer(arena);
}

static void
test_an_aligned_import_asks_for_no_more_than_align_and_size(void)
{
    struct vmem_arena *arena = create_importer();

    for (unsigned manner = 0; manner < 2; manner++) {
        source.manner = manner == 0 ? VMT_SOURCE_CONSTRAINED : VMT_SOURCE_ANYWHERE;
        for (vmem_size_t align = 16; align <= 8192; align *= 2) {
            for (vmem_size_t size = 16; size <= 4096; size *= 3) {
                const vmem_size_t rounded = (size + 15) & ~(vmem_size_t)15;
                const vmem_size_t most = (rounded + align + 255) & ~(vmem_size_t)255;
                vmem_addr_t addr = 0;
                CHECK_U64(vmem_xalloc(arena, size, align, 0, 0, 0, MAX, 0, &addr), ==, 0);
                CHECK_U64(addr % align, ==, 0);
                CHECK_U64(source.span_size, <=, most);
                CHECK_U64(source.request.size, ==, (rounded + 255) & ~(vmem_size_t)255);
                CHECK_U64(source.request.size_anywhere, <=, most);
                vmem_free(arena, addr, size);
                CHECK_U64(source.span_count, ==, 0);
            }
        }
    }
    destroy_importer(arena);
}

static void
test_more_units_than_asked_for_are_welcome(void)
{
    struct vmem_arena *arena = create_importer();
    vmem_addr_t a = 0;
    vmem_addr_t b = 0;

    source.extra = 1024;
    CHECK_U64(vmem_alloc(arena, 16, 0, &a), ==, 0);
    CHECK_U64(vmem_size(arena, VMEM_ALLOC | VMEM_FREE), ==, 256 + 1024);
    CHECK_U64(vmem_alloc(arena, 1024, 0, &b), ==, 0);
    CHECK_U64(source.imports, ==, 1);
    vmem_free(arena, a, 16);
    vmem_free(arena, b, 1024);
    destroy_importer(arena);
}

static void
test_a_refused_import_changes_nothing(void)
{
    struct vmem_arena *arena = create_importer();
    struct vmem_stats stats;
    vmem_addr_t addr = 77;
    vmem_addr_t pin = 0;

    CHECK_U64(vmem_alloc(arena, 256, 0, &pin), ==, 0);
    vmt_picture_take(&before, arena);
    source.status = EIO;
    vmt_fuse_set(&source.fuse, 1, true);
    CHECK_U64(vmem_alloc(arena, 16, 0, &addr), ==, ENOMEM);
    CHECK_U64(source.fuse.calls, ==, 1); /* asked once */
    CHECK_U64(addr, ==, 77);
    CHECK_UNCHANGED(&before, arena);
    vmem_stats(arena, &stats);
    CHECK_U64(stats.imports_refused, ==, 1);
    CHECK_U64(stats.fails[VMEM_REASON_IMPORT], ==, 1);
    vmt_fuse_set(&source.fuse, 0, false);
    vmem_free(arena, pin, 256);
    destroy_importer(arena);
}

static void
test_a_span_that_does_not_help_goes_back_at_once(void)
{
    struct vmem_arena *arena = create_importer();
    struct vmem_stats stats;
    vmem_addr_t addr = 77;
    vmem_addr_t pin = 0;

    CHECK_U64(vmem_alloc(arena, 256, 0, &pin), ==, 0);
    vmt_picture_take(&before, arena);
    source.lie = VMT_LIE_UNCONSTRAINED; /* at the lowest place, outside of the window */
    CHECK_U64(vmem_xalloc(arena, 16, 0, 0, 0, 0x18000, 0x18fff, 0, &addr), ==, ENOMEM);
    CHECK_U64(source.lies, ==, 1);
    CHECK_U64(source.lies_released, ==, 1);
    CHECK_U64(addr, ==, 77);
    CHECK_UNCHANGED(&before, arena);
    vmem_stats(arena, &stats);
    CHECK_U64(stats.imports_returned, ==, 1);
    source.lie = VMT_LIE_NONE;
    vmem_free(arena, pin, 256);
    destroy_importer(arena);
}

static void
check_lie(enum vmt_source_lie lie, vmem_addr_t pin_min, bool goes_back)
{
    struct vmem_arena *arena = create_importer();
    struct vmem_stats stats;
    vmem_addr_t addr = 77;
    vmem_addr_t pin = 0;
    int status = 0;

    vmt_context("lie", lie);
    CHECK_U64(vmem_xalloc(arena, 256, 0, 0, 0, pin_min, MAX, 0, &pin), ==, 0);
    vmt_picture_take(&before, arena);
    source.lie = lie;
    EXPECT_FATAL(status = vmem_alloc(arena, 16, 0, &addr), VMEM_FAULT_BAD_IMPORT);
    CHECK_U64(status, ==, ENOMEM);
    CHECK_U64(addr, ==, 77);
    CHECK_U64(source.lies, ==, 1); /* not asked again */
    CHECK_U64(source.lies_released, ==, goes_back ? 1 : 0);
    CHECK_UNCHANGED(&before, arena);
    CHECK_U64(vmt_fault_seen.fault.addr, ==, source.liar.start);
    CHECK_U64(vmt_fault_seen.fault.size, ==, source.liar.size);
    vmem_stats(arena, &stats);
    CHECK_U64(stats.imports_refused, ==, 1);
    source.lie = VMT_LIE_NONE;
    CHECK_U64(vmem_alloc(arena, 16, 0, &addr), ==, 0); /* and it can go on */
    vmem_free(arena, addr, 16);
    vmem_free(arena, pin, 256);
    destroy_importer(arena);
    vmt_context(NULL, 0);
}

static void
test_an_overlapping_span_is_refused_and_reported(void)
{
    check_lie(VMT_LIE_OVERLAP, 0, false);
}

static void
test_an_unaligned_span_is_refused_and_reported(void)
{
    check_lie(VMT_LIE_START_UNALIGNED, 0, true);
    check_lie(VMT_LIE_SIZE_UNALIGNED, 0, true);
}

static void
test_a_small_span_is_refused_and_reported(void)
{
    check_lie(VMT_LIE_TOO_SMALL, 0, true);
}

static void
test_a_span_beyond_the_top_is_refused_and_reported(void)
{
    check_lie(VMT_LIE_WRAPS, 0, true);
}

/* Nothing is given back: there is nothing. */
static void
test_an_empty_span_is_refused_and_reported(void)
{
    check_lie(VMT_LIE_EMPTY, 0, false);
}

static void
test_the_limit_holds_for_imports(void)
{
    struct vmem_arena *arena = create_importer();
    struct vmem_stats stats;
    vmem_addr_t addr = 0;
    vmem_addr_t other = 77;

    vmem_set_limit(arena, 511);
    CHECK_U64(vmem_alloc(arena, 256, 0, &addr), ==, 0);
    CHECK_U64(vmem_alloc(arena, 16, 0, &other), ==, ENOMEM);
    CHECK_U64(source.fuse.calls, ==, 1); /* the source was not asked */
    vmem_stats(arena, &stats);
    CHECK_U64(stats.fails[VMEM_REASON_LIMIT], ==, 1);
    vmem_set_limit(arena, 512);
    CHECK_U64(vmem_alloc(arena, 16, 0, &other), ==, 0);
    vmem_free(arena, other, 16);
    vmem_free(arena, addr, 256);
    destroy_importer(arena);
}

/* What the request offers as `size_anywhere` may be more than the limit allows: nobody lied. */
static void
test_a_source_that_cannot_place_is_not_blamed_for_the_limit(void)
{
    struct vmem_arena *arena = create_importer();
    vmem_addr_t addr = 77;

    source.manner = VMT_SOURCE_ANYWHERE;
    vmem_set_limit(arena, 512);
    CHECK_U64(vmem_xalloc(arena, 16, 1024, 0, 0, 0, MAX, 0, &addr), ==, ENOMEM);
    CHECK_U64(addr, ==, 77);
    CHECK_U64(source.span_count, ==, 0);
    destroy_importer(arena);
}

/* [S5] What is enough anywhere is offered if the limit has room for it, and only then; so is the size. */
static void
test_what_is_enough_anywhere_is_offered_up_to_the_limit(void)
{
    for (unsigned taken = 0; taken < 2; taken++) {
        struct vmem_arena *arena = create_importer();
        const vmem_size_t total = taken * (vmem_size_t)256;
        vmem_addr_t first = 0;
        vmem_addr_t addr = 0;
        vmem_size_t enough;

        if (taken != 0) {
            CHECK_U64(vmem_alloc(arena, 256, 0, &first), ==, 0);
        }
        CHECK_U64(vmem_xalloc(arena, 32, 1024, 0, 0, 0, MAX, 0, &addr), ==, 0);
        vmem_free(arena, addr, 32);
        enough = source.request.size_anywhere;
        CHECK_U64(enough, ==, 1024 + 256);
        for (vmem_size_t limit = enough - 1; limit <= enough + 1; limit++) {
            vmem_set_limit(arena, total + limit);
            CHECK_U64(vmem_xalloc(arena, 32, 1024, 0, 0, 0, MAX, 0, &addr), ==, 0);
            CHECK_U64(source.request.size_anywhere, ==, limit < enough ? 0 : enough);
            vmem_free(arena, addr, 32);
        }
        for (vmem_size_t limit = 255; limit <= 256; limit++) {
            const uint64_t calls = source.fuse.calls;
            vmem_set_limit(arena, total + limit);
            CHECK_U64(vmem_alloc(arena, 32, 0, &addr), ==, limit < 256 ? ENOMEM : 0);
            CHECK_U64(source.fuse.calls - calls, ==, limit < 256 ? 0 : 1);
            if (limit == 256) {
                vmem_free(arena, addr, 32);
            }
        }
        if (taken != 0) {
            vmem_free(arena, first, 256);
        }
        destroy_importer(arena);
    }
}

static void
test_wholly_free_spans_are_kept_as_told(void)
{
    struct vmem_arena *arena = create_importer();
    vmem_addr_t addrs[4];

    vmem_set_import_keep(arena, 2);
    for (unsigned round = 0; round < 10; round++) {
        for (unsigned i = 0; i < 4; i++) {
            CHECK_U64(vmem_alloc(arena, 256, 0, &addrs[i]), ==, 0);
        }
        for (unsigned i = 0; i < 4; i++) {
            vmem_free(arena, addrs[i], 256);
        }
        CHECK_U64(source.span_count, ==, 2);
        CHECK_INTACT(arena);
    }
    CHECK_U64(source.imports, ==, 4 + 9 * 2); /* two of four come from what was kept */
    vmem_set_import_keep(arena, 1);           /* what is now too many goes at once */
    CHECK_U64(source.span_count, ==, 1);
    vmem_set_import_keep(arena, 0);
    CHECK_U64(source.span_count, ==, 0);
    CHECK_INTACT(arena);
    destroy_importer(arena);
}

static void
test_kept_spans_do_not_thrash_the_source(void)
{
    struct vmem_arena *arena = create_importer();
    vmem_addr_t addr = 0;

    vmem_set_import_keep(arena, 1);
    for (unsigned i = 0; i < 1000; i++) {
        CHECK_U64(vmem_alloc(arena, 16, 0, &addr), ==, 0);
        vmem_free(arena, addr, 16);
    }
    CHECK_U64(source.imports, ==, 1);
    destroy_importer(arena);
}

static void
test_kept_spans_go_back_before_a_request_fails(void)
{
    struct vmem_arena *arena = create_importer();
    vmem_addr_t addrs[256];
    vmem_addr_t addr = 0;

    vmem_set_import_keep(arena, 1000);
    for (unsigned i = 0; i < 256; i++) {
        CHECK_U64(vmem_alloc(arena, 256, 0, &addrs[i]), ==, 0);
    }
    for (unsigned i = 0; i < 256; i++) {
        vmem_free(arena, addrs[i], 256);
    }
    CHECK_U64(source.span_count, ==, 256);
    CHECK_U64(vmem_alloc(arena, 0x10000, 0, &addr), ==, 0); /* the source must have all back */
    CHECK_U64(addr, ==, 0x10000);
    vmem_free(arena, addr, 0x10000);
    destroy_importer(arena);
}

static void
test_spans_of_a_source_without_release_merge_and_stay(void)
{
    struct vmem_arena *arena = NULL;
    struct vmem_stats stats;
    vmem_addr_t a = 0;
    vmem_addr_t b = 0;

    vmt_source_init(&source, 0x10000, 0x10000);
    CHECK_U64(vmem_create("forever", 0, 0, 16, 0, 0, &arena), ==, 0);
    CHECK_U64(vmem_set_import(arena, vmt_source_import, NULL, &source, 256), ==, 0);
    CHECK_U64(vmem_alloc(arena, 256, 0, &a), ==, 0);
    CHECK_U64(vmem_alloc(arena, 256, 0, &b), ==, 0);
    vmem_stats(arena, &stats);
    CHECK_U64(stats.spans, ==, 1);
    vmem_free(arena, a, 256);
    vmem_free(arena, b, 256);
    CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, 512);
    CHECK_U64(vmem_alloc(arena, 512, 0, &a), ==, 0);
    CHECK_U64(source.imports, ==, 2);
    vmem_free(arena, a, 512);
    CHECK_INTACT(arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
    CHECK_U64(source.releases, ==, 0);
}

static void
test_spans_that_touch_stay_apart_and_go_back_as_they_came(void)
{
    struct vmem_arena *arena = create_importer();
    vmem_addr_t a = 0;
    vmem_addr_t b = 0;

    CHECK_U64(vmem_alloc(arena, 256, 0, &a), ==, 0);
    CHECK_U64(vmem_alloc(arena, 256, 0, &b), ==, 0);
    CHECK_U64(b, ==, a + 256);
    CHECK(vmem_contains(arena, a, 512));
    CHECK_U64(vmem_add(arena, a + 512, 256, 0), ==, 0); /* a static neighbour */
    CHECK_U64(vmem_add(arena, a - 256, 256, 0), ==, 0);
    vmem_free(arena, b, 256);
    CHECK_U64(source.span_count, ==, 1);
    vmem_free(arena, a, 256);
    CHECK_U64(source.span_count, ==, 0);
    CHECK_U64(vmem_size(arena, VMEM_FREE), ==, 512);
    destroy_importer(arena);
}

/* A static span was there first, above the one that comes and below the next: neither becomes part of it. */
static void
test_a_span_between_static_ones_stays_apart(void)
{
    for (unsigned above = 0; above < 2; above++) {
        struct vmem_arena *arena = create_importer();
        const vmem_addr_t imported = source.start;
        vmem_addr_t a = 0;
        vmem_addr_t b = 0;

        CHECK_U64(vmem_add(arena, above != 0 ? imported + 256 : imported - 256, 256, 0), ==, 0);
        CHECK_U64(vmem_alloc(arena, 256, 0, &a), ==, 0);
        CHECK_U64(source.span_count, ==, 0);
        CHECK_U64(vmem_alloc(arena, 256, 0, &b), ==, 0);
        CHECK_U64(b, ==, imported);
        CHECK_U64(source.span_count, ==, 1);
        vmem_free(arena, b, 256);
        CHECK_U64(source.span_count, ==, 0);
        CHECK_INTACT(arena);
        vmem_free(arena, a, 256);
        destroy_importer(arena);
    }
}

/* Meanwhile somebody else frees what is needed: the span is not. [I3] */
struct freer {
    struct vmem_arena *arena;
    vmem_addr_t addr;
};

static void
free_meanwhile(void *arg)
{
    struct freer *freer = arg;

    if (freer->arena != NULL) {
        vmem_free(freer->arena, freer->addr, 256);
        freer->arena = NULL;
    }
}

static void
test_a_span_that_is_no_longer_needed_goes_back(void)
{
    struct vmem_arena *arena = create_importer();
    struct freer freer = { .arena = arena };
    struct vmem_stats stats;
    vmem_addr_t pin = 0;
    vmem_addr_t addr = 0;

    vmem_set_import_keep(arena, 1);
    CHECK_U64(vmem_alloc(arena, 256, 0, &pin), ==, 0);
    freer.addr = pin;
    source.during_import = free_meanwhile;
    source.during_import_arg = &freer;
    CHECK_U64(vmem_alloc(arena, 256, 0, &addr), ==, 0);
    CHECK_U64(addr, ==, pin);
    CHECK_U64(source.span_count, ==, 1);
    vmem_stats(arena, &stats);
    CHECK_U64(stats.imports_returned, ==, 1);
    CHECK_U64(stats.imports, ==, 1);
    vmem_free(arena, addr, 256);
    destroy_importer(arena);
}

/* An importer whose import quantum is not a power of two. */
static void
test_any_multiple_of_the_quantum_is_an_import_quantum(void)
{
    static const struct {
        vmem_size_t size;
        vmem_size_t asked;
    } cases[] = { { 1, 48 }, { 16, 48 }, { 48, 48 }, { 49, 96 }, { 96, 96 }, { 1000, 1008 },
        { 0x7000, 0x7020 } };
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 77;

    vmt_source_init(&source, 0x10000, 0x10000);
    CHECK_U64(vmem_create("thirds", 0, 0, 16, 0, 0, &arena), ==, 0);
    CHECK_U64(vmem_set_import(arena, vmt_source_import, vmt_source_release, &source, 48), ==, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK_U64(vmem_alloc(arena, cases[i].size, 0, &addr), ==, 0);
        CHECK_U64(source.request.size, ==, cases[i].asked);
        CHECK_U64(source.span_size, ==, cases[i].asked);
        vmem_free(arena, addr, cases[i].size);
    }
    destroy_importer(arena);
}

/* The size itself can be rounded to the import quantum, but not what would be enough anywhere. */
static void
test_no_size_is_enough_anywhere_near_the_top(void)
{
    const vmem_size_t step = (vmem_size_t)1 << 40;
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 77;

    vmt_source_init(&source, 0x10000, 0x10000);
    CHECK_U64(vmem_create("huge", 0, 0, 16, 0, 0, &arena), ==, 0);
    CHECK_U64(vmem_set_import(arena, vmt_source_import, vmt_source_release, &source, step), ==, 0);
    CHECK_U64(vmem_xalloc(arena, 0 - 2 * step, step, 0, 0, 0, MAX, 0, &addr), ==, ENOMEM);
    CHECK_U64(source.request.size, ==, 0 - 2 * step);
    CHECK_U64(source.request.size_anywhere, ==, 0 - step);
    CHECK_U64(vmem_xalloc(arena, 0 - 2 * step, 2 * step, 0, 0, 0, MAX, 0, &addr), ==, ENOMEM);
    CHECK_U64(source.request.size, ==, 0 - 2 * step);
    CHECK_U64(source.request.size_anywhere, ==, 0);
    CHECK_U64(addr, ==, 77);
    destroy_importer(arena);
}

static int status_during_import;

static void
set_another_source(void *arg)
{
    status_during_import = vmem_set_import(arg, NULL, NULL, NULL, 0);
}

static void
test_the_source_stays_while_it_is_asked(void)
{
    struct vmem_arena *arena = create_importer();
    vmem_addr_t addr = 0;

    source.during_import = set_another_source;
    source.during_import_arg = arena;
    CHECK_U64(vmem_alloc(arena, 16, 0, &addr), ==, 0);
    CHECK_U64(status_during_import, ==, EBUSY);
    source.during_import = NULL;
    vmem_free(arena, addr, 16);
    CHECK_U64(source.releases, ==, 1); /* to the source that it came from */
    destroy_importer(arena);
}

/* More than was asked for, and more than the limit allows: it goes back, and nobody is blamed. */
static void
test_more_units_than_the_limit_allows_go_back(void)
{
    struct vmem_arena *arena = create_importer();
    struct vmem_stats stats;
    vmem_addr_t addr = 77;

    vmem_set_limit(arena, 512);
    source.extra = 512;
    CHECK_U64(vmem_alloc(arena, 16, 0, &addr), ==, ENOMEM);
    CHECK_U64(addr, ==, 77);
    CHECK_U64(source.imports, ==, 1);
    CHECK_U64(source.releases, ==, 1);
    vmem_stats(arena, &stats);
    CHECK_U64(stats.imports, ==, 0);
    CHECK_U64(stats.imports_refused, ==, 1);
    CHECK_U64(stats.fails[VMEM_REASON_IMPORT], ==, 1);
    source.extra = 256; /* as much as it allows */
    CHECK_U64(vmem_alloc(arena, 16, 0, &addr), ==, 0);
    vmem_free(arena, addr, 16);
    destroy_importer(arena);
}

/* A span that does not help, of a source that takes none back, is kept. [I3] */
static void
test_a_span_that_does_not_help_and_cannot_go_back_stays(void)
{
    struct vmem_arena *arena = NULL;
    struct vmem_stats stats;
    vmem_addr_t addr = 77;

    vmt_source_init(&source, 0x10000, 0x10000);
    CHECK_U64(vmem_create("forever", 0, 0, 16, 0, 0, &arena), ==, 0);
    CHECK_U64(vmem_set_import(arena, vmt_source_import, NULL, &source, 256), ==, 0);
    source.lie = VMT_LIE_UNCONSTRAINED;
    CHECK_U64(vmem_xalloc(arena, 16, 0, 0, 0, 0x18000, 0x18fff, 0, &addr), ==, ENOMEM);
    CHECK_U64(addr, ==, 77);
    CHECK_U64(source.lies_released, ==, 0);
    vmem_stats(arena, &stats);
    CHECK_U64(stats.total_size, ==, 256);
    CHECK_U64(stats.imports, ==, 1);
    CHECK_U64(stats.imports_returned, ==, 0);
    CHECK_U64(vmem_alloc(arena, 256, 0, &addr), ==, 0);
    CHECK_U64(addr, ==, 0x10000);
    vmem_free(arena, addr, 256);
    destroy_importer(arena);
}

/* Kept spans that another call gives back while a request tries to do without them one by one. */
static void
keep_none(void *arg)
{
    vmem_set_import_keep(arg, 0);
}

static void
test_kept_spans_that_another_call_gives_back(void)
{
    struct vmem_arena *arena = create_importer();
    vmem_addr_t addrs[3];
    vmem_addr_t addr = 77;

    vmem_set_import_keep(arena, 3);
    vmem_set_limit(arena, 768);
    for (unsigned i = 0; i < 3; i++) {
        CHECK_U64(vmem_alloc(arena, 256, 0, &addrs[i]), ==, 0);
    }
    for (unsigned i = 0; i < 3; i++) {
        vmem_free(arena, addrs[i], 256);
    }
    CHECK_U64(source.span_count, ==, 3);
    source.during_import = keep_none; /* which is after one of them is given up */
    source.during_import_arg = arena;
    vmt_fuse_set(&source.fuse, 1, false);
    CHECK_U64(vmem_xalloc(arena, 256, 0, 0, 0, 0x18000, MAX, 0, &addr), ==, 0);
    CHECK_U64(addr, ==, 0x18000);
    CHECK_U64(source.fuse.calls, ==, 2);
    CHECK_U64(source.span_count, ==, 1);
    source.during_import = NULL;
    vmem_free(arena, addr, 256);
    destroy_importer(arena);
}

/* With units of the arena's own below, beside and above those that are kept. */
static void
test_a_kept_span_is_found_among_all_spans(void)
{
    struct vmi_released released = { .range = { .size = 1 } };
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 77;

    vmt_source_init(&source, 0x10000, 0x10000);
    CHECK_U64(vmem_create("mixed", 0, 0, 1, 0, 0, &arena), ==, 0);
    CHECK_U64(vmem_set_import(arena, vmt_source_import, vmt_source_release, &source, 256), ==, 0);
    CHECK_OR_RETURN(vmi_enter(arena));
    vmi_free_kept_span(arena, &released); /* no span at all */
    CHECK_U64(released.range.size, ==, 0);
    vmi_leave(arena);
    CHECK_U64(vmem_add(arena, 0, 2, 0), ==, 0);
    CHECK_U64(vmem_add(arena, MAX, 1, 0), ==, 0);
    vmem_set_import_keep(arena, 1);
    CHECK_U64(vmem_alloc(arena, 256, 0, &addr), ==, 0);
    CHECK_U64(addr, ==, 0x10000);
    CHECK_OR_RETURN(vmi_enter(arena));
    released.range.size = 1;
    vmi_free_kept_span(arena, &released); /* busy */
    CHECK_U64(released.range.size, ==, 0);
    vmi_leave(arena);
    vmem_free(arena, addr, 256);
    CHECK_OR_RETURN(vmi_enter(arena));
    vmi_free_kept_span(arena, &released);
    vmi_leave(arena);
    CHECK_U64(released.range.start, ==, 0x10000);
    CHECK_U64(released.range.size, ==, 256);
    CHECK_INTACT(arena);
    vmi_give_back(&released);
    CHECK_U64(source.span_count, ==, 0);
    released.range.size = 1;
    CHECK_OR_RETURN(vmi_enter(arena));
    vmi_free_kept_span(arena, &released); /* gone */
    vmi_leave(arena);
    CHECK_U64(released.range.size, ==, 0);
    destroy_importer(arena);
}

/* Spans of one unit, at 0 and 1: each is found, whichever of them is wholly free. */
static void
test_kept_spans_of_one_unit(void)
{
    for (vmem_addr_t kept = 0; kept <= 1; kept++) {
        struct vmem_arena *arena = NULL;
        vmem_addr_t addr = 77;

        vmt_source_init(&source, 0, 2);
        CHECK_U64(vmem_create("units", 0, 0, 1, 0, 0, &arena), ==, 0);
        CHECK_U64(vmem_set_import(arena, vmt_source_import, vmt_source_release, &source, 1), ==, 0);
        vmem_set_import_keep(arena, 1);
        for (vmem_addr_t i = 0; i <= 1; i++) {
            CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, 0);
            CHECK_U64(addr, ==, i);
        }
        vmem_free(arena, kept, 1);
        CHECK_U64(source.span_count, ==, 2);
        vmem_set_import_keep(arena, 0);
        CHECK_U64(source.span_count, ==, 1);
        CHECK_U64(source.spans[0].start, ==, 1 - kept);
        CHECK_INTACT(arena);
        vmem_free(arena, 1 - kept, 1);
        destroy_importer(arena);
    }
}

/* The largest multiple is asked for, and refused; what is beyond, but a size, is not asked for. */
static void
test_the_largest_multiple_of_an_import_quantum(void)
{
    const vmem_size_t step = 304;
    const vmem_size_t largest = VMEM_SIZE_MAX / step * step; /* 2^64 - 112 */
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 77;

    vmt_source_init(&source, 0x10000, 0x10000);
    CHECK_U64(vmem_create("huge", 0, 0, 16, 0, 0, &arena), ==, 0);
    CHECK_U64(vmem_set_import(arena, vmt_source_import, vmt_source_release, &source, step), ==, 0);
    CHECK_U64(vmem_alloc(arena, largest - step + 1, 0, &addr), ==, ENOMEM);
    CHECK_U64(source.fuse.calls, ==, 1);
    CHECK_U64(source.request.size, ==, largest);
    CHECK_U64(vmem_alloc(arena, largest, 0, &addr), ==, ENOMEM);
    CHECK_U64(source.fuse.calls, ==, 2);
    CHECK_U64(source.request.size, ==, largest);
    CHECK_U64(vmem_alloc(arena, largest + 1, 0, &addr), ==, ENOMEM);
    CHECK_U64(source.fuse.calls, ==, 2);
    CHECK_U64(addr, ==, 77);
    destroy_importer(arena);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_set_import_returns_each_documented_status),
    VMT_TEST(test_a_span_is_imported_and_released_at_once),
    VMT_TEST(test_the_source_is_told_the_constraints),
    VMT_TEST(test_an_aligned_import_asks_for_no_more_than_align_and_size),
    VMT_TEST(test_more_units_than_asked_for_are_welcome),
    VMT_TEST(test_a_refused_import_changes_nothing),
    VMT_TEST(test_a_span_that_does_not_help_goes_back_at_once),
    VMT_TEST(test_an_overlapping_span_is_refused_and_reported),
    VMT_TEST(test_an_unaligned_span_is_refused_and_reported),
    VMT_TEST(test_a_small_span_is_refused_and_reported),
    VMT_TEST(test_a_span_beyond_the_top_is_refused_and_reported),
    VMT_TEST(test_an_empty_span_is_refused_and_reported),
    VMT_TEST(test_the_limit_holds_for_imports),
    VMT_TEST(test_a_source_that_cannot_place_is_not_blamed_for_the_limit),
    VMT_TEST(test_what_is_enough_anywhere_is_offered_up_to_the_limit),
    VMT_TEST(test_wholly_free_spans_are_kept_as_told),
    VMT_TEST(test_kept_spans_do_not_thrash_the_source),
    VMT_TEST(test_kept_spans_go_back_before_a_request_fails),
    VMT_TEST(test_spans_of_a_source_without_release_merge_and_stay),
    VMT_TEST(test_spans_that_touch_stay_apart_and_go_back_as_they_came),
    VMT_TEST(test_a_span_between_static_ones_stays_apart),
    VMT_TEST(test_a_span_that_is_no_longer_needed_goes_back),
    VMT_TEST(test_any_multiple_of_the_quantum_is_an_import_quantum),
    VMT_TEST(test_no_size_is_enough_anywhere_near_the_top),
    VMT_TEST(test_the_source_stays_while_it_is_asked),
    VMT_TEST(test_more_units_than_the_limit_allows_go_back),
    VMT_TEST(test_a_span_that_does_not_help_and_cannot_go_back_stays),
    VMT_TEST(test_kept_spans_that_another_call_gives_back),
    VMT_TEST(test_a_kept_span_is_found_among_all_spans),
    VMT_TEST(test_kept_spans_of_one_unit),
    VMT_TEST(test_the_largest_multiple_of_an_import_quantum),
};

VMT_SUITE(tests);
