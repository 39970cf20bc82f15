/*
 * test_entries - the k-th entry into an arena refused, for every k: somebody is in it already.
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * A call may enter its arena, and those that it imports from, many times.  Who uses an arena without a lock
 * from two threads, or from a signal handler, finds any of these entries refused.  It is reported, once;
 * what the call had done by then is finished or undone, and every arena is whole.
 *
 * The port refuses here: meanwhile the thread has no number, so that each entry takes the port's long way,
 * which is wrapped, and which has nothing to lock for the only thread that there is.
 */
#include "vmt.h"
#include "vmt_fault.h"
#include "vmt_picture.h"
#include "vmt_source.h"

#include "engine/arena.h"

#include <errno.h>

bool __real_vmi_port_lock_enter_slow(struct vmi_port_lock *lock);
bool __wrap_vmi_port_lock_enter_slow(struct vmi_port_lock *lock);

static struct vmt_fuse entries;
static bool is_counting;

bool
__wrap_vmi_port_lock_enter_slow(struct vmi_port_lock *lock)
{
    return is_counting ? !vmt_fuse_blows(&entries) : __real_vmi_port_lock_enter_slow(lock);
}

/* From here to end(), entry number k is refused; 0 = none. */
static void
begin(uint64_t k)
{
    vmt_fault_expect();
    vmt_fuse_set(&entries, k, false);
    vmi_port_self = 0;
    is_counting = true;
}

static void
end(void)
{
    is_counting = false;
    vmt_fault_judge_all(VMEM_FAULT_REENTRY, (unsigned)entries.failed);
}

static uint64_t
refusals(struct vmem_arena *arena)
{
    struct vmem_stats stats;
    uint64_t sum = 0;

    vmem_stats(arena, &stats);
    for (unsigned i = 0; i < VMEM_REASON_COUNT; i++) {
        sum += stats.fails[i];
    }
    return sum;
}

/* Does the one call, with an entry refused, and judges it.  Returns how many entries it made. */
typedef uint64_t scenario_fn(uint64_t k);

static void
refuse_each(scenario_fn *scenario, uint64_t entries_expected)
{
    CHECK_U64(scenario(0), ==, entries_expected);
    for (uint64_t k = 1; k <= entries_expected && !vmt_failed(); k++) {
        vmt_context("refused entry", k);
        (void)scenario(k);
        CHECK_U64(entries.failed, ==, 1);
    }
    vmt_context(NULL, 0);
}

/* An allocation that finds no place: the two tries, the search for what could be given up, the reason. */
static uint64_t
no_place(uint64_t k)
{
    static struct vmt_picture before;
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 77;
    int status;

    CHECK_U64(vmem_create("full", 0, 64, 16, 0, 0, &arena), ==, 0);
    CHECK_U64(vmem_alloc(arena, 64, 0, &addr), ==, 0);
    vmt_picture_take(&before, arena);
    addr = 77;
    begin(k);
    status = vmem_alloc(arena, 16, 0, &addr);
    end();
    CHECK_U64(status, ==, k == 1 || k == 2 ? EBUSY : ENOMEM);
    CHECK_U64(addr, ==, 77);
    CHECK_UNCHANGED(&before, arena);
    /* Counted, unless it was the last entry, which is for that. */
    CHECK_U64(refusals(arena), ==, k == 1 || k == 2 || k == entries.calls ? 0 : 1);
    vmem_free(arena, 0, 64);
    CHECK_U64(vmem_destroy(arena), ==, 0);
    return entries.calls;
}

static void
test_an_allocation_that_finds_no_place(void)
{
    refuse_each(no_place, 8);
}

static unsigned reclaims;

static void
count_reclaim(void *arg, struct vmem_arena *arena, vmem_size_t size, unsigned flags)
{
    (void)arg;
    (void)arena;
    (void)size;
    (void)flags;
    reclaims++;
}

/* Whoever cannot be entered is not reclaimed from. */
static uint64_t
reclaimed(uint64_t k)
{
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 77;
    int status;

    reclaims = 0;
    CHECK_U64(vmem_create("full", 0, 0, 16, 0, 0, &arena), ==, 0);
    vmem_set_reclaim(arena, count_reclaim, NULL);
    begin(k);
    status = vmem_alloc(arena, 16, 0, &addr);
    end();
    CHECK_U64(status, ==, k == 1 || k == 2 ? EBUSY : ENOMEM);
    CHECK_U64(addr, ==, 77);
    CHECK_U64(reclaims, ==, k == 1 || k == 2 || k == 5 ? 0 : 1);
    CHECK_INTACT(arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
    return entries.calls;
}

static void
test_reclaim(void)
{
    refuse_each(reclaimed, 8);
}

/* Two kept spans stand in the way of a larger one, because of the limit: they are given up one by one. */
static uint64_t
without_kept_spans(uint64_t k)
{
    static struct vmt_source source;
    struct vmem_arena *arena = NULL;
    vmem_addr_t addrs[2];
    vmem_addr_t addr = 77;
    int status;

    vmt_source_init(&source, 0x10000, 0x10000);
    CHECK_U64(vmem_create("keeper", 0, 0, 16, 0, 0, &arena), ==, 0);
    CHECK_U64(vmem_set_import(arena, vmt_source_import, vmt_source_release, &source, 256), ==, 0);
    vmem_set_import_keep(arena, 2);
    vmem_set_limit(arena, 512);
    for (unsigned i = 0; i < 2; i++) {
        CHECK_U64(vmem_alloc(arena, 256, 0, &addrs[i]), ==, 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        vmem_free(arena, addrs[i], 256);
    }
    CHECK_U64(source.span_count, ==, 2);
    begin(k);
    status = vmem_alloc(arena, 512, 0, &addr);
    end();
    CHECK_INTACT(arena);
    /* Refused at the head of a try, it is refused; whoever gives up nothing is asked for all at once. */
    CHECK_U64(status, ==, k == 1 || k == 2 || k == 5 || k == 7 ? EBUSY : 0);
    if (status == 0) {
        CHECK_U64(addr, ==, source.spans[0].start);
        CHECK_U64(source.span_size, ==, 512);
        vmem_free(arena, addr, 512);
    }
    CHECK_U64(addr == 77, ==, status != 0);
    CHECK_U64(vmem_destroy(arena), ==, 0);
    vmt_source_fini(&source);
    return entries.calls;
}

static void
test_kept_spans_that_are_given_up(void)
{
    refuse_each(without_kept_spans, 8);
}

struct family {
    struct vmem_arena *parent;
    struct vmem_arena *child;
};

static void
create_family(struct family *f)
{
    CHECK_U64(vmem_create("parent", 0x1000, 0x1000, 16, 0, 0, &f->parent), ==, 0);
    CHECK_U64(vmem_create("child", 0, 0, 16, 0, 0, &f->child), ==, 0);
    CHECK_U64(vmem_import_from(f->child, f->parent, 64), ==, 0);
}

static void
destroy_family(const struct family *f)
{
    CHECK_INTACT(f->child);
    CHECK_INTACT(f->parent);
    CHECK_U64(vmem_destroy(f->child), ==, 0);
    CHECK_U64(vmem_destroy(f->parent), ==, 0);
}

/* Up to the parent for a span, and down with it.  Once there is one, the request is met. */
static uint64_t
import_from_parent(uint64_t k)
{
    struct family f;
    vmem_addr_t addr = 77;
    int status;

    create_family(&f);
    begin(k);
    status = vmem_alloc(f.child, 16, 0, &addr);
    end();
    CHECK_INTACT(f.child);
    CHECK_INTACT(f.parent);
    CHECK_U64(status, ==, k >= 1 && k <= 3 ? EBUSY : 0);
    CHECK_U64(vmem_size(f.parent, VMEM_ALLOC), ==, status == 0 ? 64 : 0);
    CHECK_U64(addr, ==, status == 0 ? 0x1000 : 77);
    if (status == 0) {
        CHECK_U64(vmem_size(f.child, VMEM_ALLOC), ==, 16);
        vmem_free(f.child, addr, 16);
    }
    CHECK_U64(vmem_size(f.parent, VMEM_ALLOC), ==, 0);
    destroy_family(&f);
    return entries.calls;
}

static void
test_an_import_from_an_arena(void)
{
    refuse_each(import_from_parent, 4);
}

/* Where the parent cannot be entered, the span is not freed there: it is lost, but nothing else is. */
static uint64_t
free_to_parent(uint64_t k)
{
    struct family f;
    vmem_addr_t addr = 0;

    create_family(&f);
    CHECK_U64(vmem_alloc(f.child, 16, 0, &addr), ==, 0);
    begin(k);
    vmem_free(f.child, addr, 16);
    end();
    CHECK_INTACT(f.child);
    CHECK_INTACT(f.parent);
    CHECK_U64(vmem_size(f.child, VMEM_ALLOC), ==, k == 1 ? 16 : 0);
    CHECK_U64(vmem_size(f.child, VMEM_ALLOC | VMEM_FREE), ==, k == 1 ? 64 : 0);
    CHECK_U64(vmem_size(f.parent, VMEM_ALLOC), ==, k == 0 ? 0 : 64);
    if (k == 1) {
        vmem_free(f.child, addr, 16);
    } else if (k == 2) {
        vmem_free(f.parent, 0x1000, 64);
    }
    CHECK_U64(vmem_size(f.parent, VMEM_ALLOC), ==, 0);
    destroy_family(&f);
    return entries.calls;
}

static void
test_a_span_that_goes_back_to_an_arena(void)
{
    refuse_each(free_to_parent, 2);
}

/* A parent that ends is no longer the source of its children; of one that cannot be entered, it is. */
static uint64_t
end_of_parent(uint64_t k)
{
    struct family f;
    struct vmem_arena *source;
    int status;

    create_family(&f);
    begin(k);
    status = vmem_destroy(f.parent);
    end();
    source = vmem_source(f.child);
    if (status != 0) {
        CHECK_U64(status, ==, EBUSY);
        CHECK(k == 1 || k == 2); /* the registry, and the parent itself */
        CHECK(source == f.parent);
        CHECK_U64(vmem_destroy(f.parent), ==, 0);
    } else if (source != NULL) {
        CHECK_U64(k, ==, entries.calls); /* the child */
        CHECK_U64(vmem_set_import(f.child, NULL, NULL, NULL, 0), ==, 0);
    }
    CHECK(vmem_source(f.child) == NULL);
    CHECK_INTACT(f.child);
    CHECK_U64(vmem_destroy(f.child), ==, 0);
    return entries.calls;
}

static void
test_the_end_of_a_source(void)
{
    static const uint64_t ks[] = { 1, 2, 3,
        5 }; /* the fourth is the registry's, asked for before */

    CHECK_U64(end_of_parent(0), ==, 5);
    for (size_t i = 0; i < sizeof ks / sizeof ks[0]; i++) {
        vmt_context("refused entry", ks[i]);
        (void)end_of_parent(ks[i]);
    }
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_an_allocation_that_finds_no_place),
    VMT_TEST(test_reclaim),
    VMT_TEST(test_kept_spans_that_are_given_up),
    VMT_TEST(test_an_import_from_an_arena),
    VMT_TEST(test_a_span_that_goes_back_to_an_arena),
    VMT_TEST(test_the_end_of_a_source),
};

VMT_SUITE(tests);
