/*
 * test_codes - every code of enum vmem_fault_code: its exact line, and an arena that is as it was.
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * is_seen notes which codes the tests caused; a code that none did fails the last one, which therefore
 * needs all of the others: it fails under --filter.
 */
#include "vmt.h"
#include "vmt_fault.h"
#include "vmt_picture.h"
#include "vmt_source.h"

#include "engine/arena.h"

#include <errno.h>
#include <string.h>

static struct vmt_picture before;
static bool is_seen[VMEM_FAULT_CODE_END];

/* A statement that must be reported with this code and exactly this line: nothing else is a test of it. */
#define EXPECT_REPORTED(statement, fault_code, line) \
    do { \
        const char *const expected_line = (line); \
        EXPECT_FATAL_TEXT(statement, fault_code, expected_line); \
        is_seen[fault_code] = \
            expected_line != NULL && strcmp(vmt_fault_seen.text, expected_line) == 0; \
    } while (0)

/* And that must change nothing. */
#define EXPECT_REFUSED(arena, statement, fault_code, line) \
    do { \
        vmt_picture_take(&before, (arena)); \
        EXPECT_REPORTED(statement, fault_code, line); \
        CHECK_STR(vmt_fault_seen.arena, vmem_name(arena)); \
        CHECK_UNCHANGED(&before, (arena)); \
    } while (0)

/* 0x1000-0x1fff of quantum 16; 0x1000-0x103f busy. */
static struct vmem_arena *
create(void)
{
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 0;

    CHECK_U64(vmem_create("kva", 0x1000, 0x1000, 16, 0, 0, &arena), ==, 0);
    CHECK_U64(vmem_alloc(arena, 64, 0, &addr), ==, 0);
    CHECK_U64(addr, ==, 0x1000);
    return arena;
}

static void
destroy(struct vmem_arena *arena)
{
    vmem_free(arena, 0x1000, 64);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_bad_free(void)
{
    struct vmem_arena *arena = create();
    vmem_addr_t addr = 0;

    EXPECT_REFUSED(arena, vmem_free(arena, 0x1010, 16), VMEM_FAULT_BAD_FREE,
        "vmem: BAD_FREE arena=kva addr=0x1010 size=0x10: inside an allocation, not its start; found "
        "0x1000+0x40");
    CHECK_U64(vmt_fault_seen.fault.addr, ==, 0x1010);
    CHECK_U64(vmt_fault_seen.fault.size, ==, 16);
    CHECK_U64(vmt_fault_seen.fault.found_start, ==, 0x1000);
    CHECK_U64(vmt_fault_seen.fault.found_size, ==, 64);
    EXPECT_REFUSED(arena, vmem_free(arena, 0x1100, 64), VMEM_FAULT_BAD_FREE,
        "vmem: BAD_FREE arena=kva addr=0x1100 size=0x40: nothing is allocated there, it is free; "
        "found 0x1040+0xfc0");
    EXPECT_REFUSED(arena, vmem_xfree(arena, 0x2000, 64), VMEM_FAULT_BAD_FREE,
        "vmem: BAD_FREE arena=kva addr=0x2000 size=0x40: the arena does not own this address");
    CHECK_U64(vmt_fault_seen.fault.found_size, ==, 0);
    EXPECT_REFUSED(arena, vmem_free(arena, VMEM_ADDR_MAX, VMEM_SIZE_MAX), VMEM_FAULT_BAD_FREE,
        "vmem: BAD_FREE arena=kva addr=0xffffffffffffffff size=0xffffffffffffffff: the arena does "
        "not own this address");
    EXPECT_REFUSED(arena, vmem_free(arena, 0, 0), VMEM_FAULT_BAD_FREE,
        "vmem: BAD_FREE arena=kva addr=0x0 size=0x0: the arena does not own this address");
    CHECK_U64(vmem_alloc(arena, 32, 0, &addr), ==, 0);
    vmem_free(arena, addr, 32);
    EXPECT_REFUSED(arena, vmem_free(arena, addr, 32), VMEM_FAULT_BAD_FREE,
        "vmem: BAD_FREE arena=kva addr=0x1040 size=0x20: nothing is allocated there, it is free; "
        "found 0x1040+0xfc0");
    destroy(arena);
}

static void
test_wrong_size(void)
{
    struct vmem_arena *arena = create();

    EXPECT_REFUSED(arena, vmem_free(arena, 0x1000, 48), VMEM_FAULT_WRONG_SIZE,
        "vmem: WRONG_SIZE arena=kva addr=0x1000 size=0x30: allocated with another size; found "
        "0x1000+0x40");
    EXPECT_REFUSED(arena, vmem_xfree(arena, 0x1000, 65), VMEM_FAULT_WRONG_SIZE,
        "vmem: WRONG_SIZE arena=kva addr=0x1000 size=0x41: allocated with another size; found "
        "0x1000+0x40");
    EXPECT_REFUSED(arena, vmem_free(arena, 0x1000, 0), VMEM_FAULT_WRONG_SIZE,
        "vmem: WRONG_SIZE arena=kva addr=0x1000 size=0x0: allocated with another size; found "
        "0x1000+0x40");
    EXPECT_REFUSED(arena, vmem_free(arena, 0x1000, VMEM_SIZE_MAX), VMEM_FAULT_WRONG_SIZE,
        "vmem: WRONG_SIZE arena=kva addr=0x1000 size=0xffffffffffffffff: allocated with another "
        "size; found 0x1000+0x40");
    destroy(arena);
}

static void
test_bad_handle(void)
{
    struct vmem_arena *arena = create();

    EXPECT_REFUSED(arena, vmem_free_handle(arena, 0), VMEM_FAULT_BAD_HANDLE,
        "vmem: BAD_HANDLE arena=kva addr=0x0 size=0x0: no live allocation has this handle (shown as "
        "addr)");
    EXPECT_REFUSED(arena, vmem_free_handle(arena, 0xfeed), VMEM_FAULT_BAD_HANDLE,
        "vmem: BAD_HANDLE arena=kva addr=0xfeed size=0x0: no live allocation has this handle (shown "
        "as addr)");
    CHECK_U64(vmt_fault_seen.fault.addr, ==, 0xfeed);
    destroy(arena);
}

static void
test_handle_only(void)
{
    struct vmem_arena *arena = create();
    vmem_handle_t handle = 0;
    vmem_addr_t addr = 0;

    CHECK_U64(vmem_alloc_handle(arena, 32, NULL, 0, &addr, &handle), ==, 0);
    EXPECT_REFUSED(arena, vmem_free(arena, addr, 32), VMEM_FAULT_HANDLE_ONLY,
        "vmem: HANDLE_ONLY arena=kva addr=0x1040 size=0x20: allocated with a handle, to be freed by "
        "it; found 0x1040+0x20");
    vmem_free_handle(arena, handle);
    destroy(arena);
}

static void
test_destroy_busy(void)
{
    struct vmem_arena *arena = create();
    vmem_addr_t addrs[4] = { 0, 0, 0, 0 };
    int status = 0;

    EXPECT_REFUSED(arena, status = vmem_destroy(arena), VMEM_FAULT_DESTROY_BUSY,
        "vmem: DESTROY_BUSY arena=kva addr=0x1000 size=0x40: destroyed with live allocations; 1 "
        "live, the first at 0x1000+0x40");
    CHECK_U64(status, ==, EBUSY);
    for (unsigned i = 0; i < 4; i++) {
        CHECK_U64(vmem_alloc(arena, 16, 0, &addrs[i]), ==, 0);
    }
    EXPECT_REFUSED(arena, status = vmem_destroy(arena), VMEM_FAULT_DESTROY_BUSY,
        "vmem: DESTROY_BUSY arena=kva addr=0x1000 size=0x80: destroyed with live allocations; 5 "
        "live, the first at 0x1000+0x40 0x1040+0x10 0x1050+0x10 0x1060+0x10");
    CHECK_U64(vmt_fault_seen.fault.count, ==, 5);
    CHECK_U64(vmt_fault_seen.fault.live[3].start, ==, 0x1060);
    CHECK_U64(vmt_fault_seen.fault.live[3].size, ==, 16);
    for (unsigned i = 0; i < 4; i++) {
        vmem_free(arena, addrs[i], 16);
    }
    destroy(arena);
}

static bool
visit_nothing(void *arg, const struct vmem_segment *segment)
{
    (void)arg;
    (void)segment;
    FAIL("an arena that cannot be entered is not walked");
    return true;
}

/* A call from where no call may be made: the thread is in a call on this arena already. */
#define EXPECT_REENTRY(arena, statement) \
    do { \
        EXPECT_REPORTED(statement, VMEM_FAULT_REENTRY, \
            "vmem: REENTRY arena=kva addr=0x0 size=0x0: the calling thread is in a call on this " \
            "arena already"); \
    } while (0)

/* Calls that enter once for each of the things they show: all are reported, and nothing is shown. */
static void
show_everything(struct vmem_arena *arena)
{
    static struct vmt_text text;

    text = (struct vmt_text){ .length = 0 };
    vmt_fault_expect();
    vmem_summary(arena, vmt_text_sink, &text);
    vmt_fault_judge_all(VMEM_FAULT_REENTRY, VMI_CLASS_COUNT - 1);
    CHECK_STR(text.text,
        "arena kva: instant fit\n"
        "  holes of at least       count         units\n");
    text = (struct vmt_text){ .length = 0 };
    EXPECT_REENTRY(arena, vmem_whatis(0x1000, vmt_text_sink, &text));
    CHECK_STR(text.text, "0x1000 is in no arena\n");
}

static void
call_everything(struct vmem_arena *arena)
{
    struct vmem_stats stats = { .quantum = 77 };
    static _Alignas(64) unsigned char memory[1024];
    struct vmem_violation violation;
    struct vmem_explanation explanation;
    struct vmem_range range;
    vmem_handle_t handle = 0;
    vmem_addr_t addr = 77;
    int status = 0;

    EXPECT_REENTRY(arena, vmem_free(arena, 0x1000, 64));
    EXPECT_REENTRY(arena, vmem_xfree(arena, 0x1000, 64));
    EXPECT_REENTRY(arena, vmem_free_handle(arena, 1));
    EXPECT_REENTRY(arena, status = vmem_handle_range(arena, 1, &range));
    CHECK_U64(status, ==, EBUSY);
    EXPECT_REENTRY(arena, status = vmem_add(arena, 0x8000, 16, 0));
    CHECK_U64(status, ==, EBUSY);
    EXPECT_REENTRY(arena, status = vmem_add_tags(arena, memory, sizeof memory));
    CHECK_U64(status, ==, EBUSY);
    EXPECT_REENTRY(arena, status = vmem_set_import(arena, NULL, NULL, NULL, 0));
    CHECK_U64(status, ==, EBUSY);
    EXPECT_REENTRY(arena, status = vmem_destroy(arena));
    CHECK_U64(status, ==, EBUSY);
    EXPECT_REENTRY(arena, status = (int)vmem_check(arena, &violation));
    CHECK_U64(status, ==, 0);
    EXPECT_REENTRY(arena, vmem_set_limit(arena, 1));
    EXPECT_REENTRY(arena, vmem_set_import_keep(arena, 1));
    EXPECT_REENTRY(arena, vmem_set_reclaim(arena, NULL, NULL));
    EXPECT_REENTRY(arena, vmem_drain(arena));
    EXPECT_REENTRY(arena, vmem_maintain(arena));
    EXPECT_REENTRY(arena, vmem_walk(arena, VMEM_ALLOC, visit_nothing, NULL));
    EXPECT_REENTRY(arena, (void)vmem_size(arena, VMEM_FREE));
    EXPECT_REENTRY(arena, status = (int)vmem_state(arena, 0x1000));
    CHECK_U64(status, ==, VMEM_STATE_OUTSIDE);
    EXPECT_REENTRY(arena, status = vmem_contains(arena, 0x1000, 1));
    CHECK_U64(status, ==, 0);
    EXPECT_REENTRY(arena, status = vmem_source(arena) != NULL);
    CHECK_U64(status, ==, 0);
    EXPECT_REENTRY(arena, vmem_stats(arena, &stats));
    CHECK_U64(stats.quantum, ==, 0);
    EXPECT_REENTRY(arena, vmem_explain(arena, 16, NULL, 0, &explanation));
    CHECK_U64(explanation.status, ==, EBUSY);
    CHECK_U64(explanation.reason, !=, VMEM_REASON_NONE);
    EXPECT_REENTRY(arena, status = vmem_alloc(arena, 16, 0, &addr));
    CHECK_U64(status, ==, EBUSY);
    EXPECT_REENTRY(
        arena, status = vmem_xalloc(arena, 16, 64, 0, 0, 0, VMEM_ADDR_MAX, VMEM_BESTFIT, &addr));
    CHECK_U64(status, ==, EBUSY);
    EXPECT_REENTRY(arena, status = vmem_alloc_handle(arena, 16, NULL, 0, &addr, &handle));
    CHECK_U64(status, ==, EBUSY);
    EXPECT_REENTRY(arena, status = vmem_alloc(arena, 0, 0, &addr)); /* it cannot be counted */
    CHECK_U64(status, ==, EINVAL);
    CHECK_U64(addr, ==, 77);
    CHECK_U64(handle, ==, 0);
    show_everything(arena);
}

static void
test_reentry(void)
{
    struct vmem_arena *arena = create();

    vmt_picture_take(&before, arena);
    CHECK_OR_RETURN(vmi_enter(arena));
    call_everything(arena);
    vmi_leave(arena);
    CHECK_UNCHANGED(&before, arena);
    destroy(arena);
}

static void
test_reentry_without_a_lock(void)
{
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create("kva", 0x1000, 0x1000, 16, 0, VMEM_NOLOCK, &arena) == 0);
    CHECK_U64(vmem_alloc(arena, 64, 0, &addr), ==, 0);
    vmt_picture_take(&before, arena);
    CHECK_OR_RETURN(vmi_enter(arena));
    call_everything(arena);
    vmi_leave(arena);
    CHECK_UNCHANGED(&before, arena);
    destroy(arena);
}

#define EXPECT_REGISTRY_REENTRY(name, statement) \
    EXPECT_REPORTED(statement, VMEM_FAULT_REENTRY, \
        "vmem: REENTRY arena=" name " addr=0x0 size=0x0: created or destroyed while the calling " \
        "thread is visiting all arenas")

static bool
count_arena(void *arg, struct vmem_arena *arena)
{
    (void)arena;
    ++*(unsigned *)arg;
    return true;
}

/* What a visitor of all arenas must not do, and what it may. */
static bool
change_the_registry(void *arg, struct vmem_arena *arena)
{
    static struct vmem_storage storage;
    struct vmem_arena *new_arena = NULL;
    unsigned again = 0;
    int status = 0;

    EXPECT_REGISTRY_REENTRY("new", status = vmem_create("new", 0, 0, 1, 0, 0, &new_arena));
    CHECK_U64(status, ==, EBUSY);
    EXPECT_REGISTRY_REENTRY("", status = vmem_init(&storage, NULL, 0, 0, 1, 0, 0, &new_arena));
    CHECK_U64(status, ==, EBUSY);
    CHECK(new_arena == NULL);
    EXPECT_REGISTRY_REENTRY("kva", status = vmem_destroy(arena));
    CHECK_U64(status, ==, EBUSY);
    vmem_walk_arenas(count_arena, &again);
    CHECK_U64(again, ==, 2);
    ++*(unsigned *)arg;
    return true;
}

static void
test_the_registry_is_not_changed_in_a_walk(void)
{
    struct vmem_arena *one = NULL;
    struct vmem_arena *other = NULL;
    unsigned visits = 0;

    CHECK_OR_RETURN(vmem_create("kva", 0, 4096, 16, 0, 0, &one) == 0);
    CHECK_OR_RETURN(vmem_create("kva", 0, 4096, 16, 0, 0, &other) == 0);
    vmem_walk_arenas(change_the_registry, &visits);
    CHECK_U64(visits, ==, 2);
    /* The lock was left: now it can be done. */
    CHECK_U64(vmem_destroy(one), ==, 0);
    CHECK_U64(vmem_destroy(other), ==, 0);
}

static void
test_bad_import(void)
{
    static struct vmt_source source;
    struct vmem_arena *arena = NULL;
    vmem_addr_t pin = 0;
    vmem_addr_t addr = 77;
    int status = 0;

    vmt_source_init(&source, 0x10000, 0x10000);
    CHECK_OR_RETURN(vmem_create("importer", 0, 0, 16, 0, 0, &arena) == 0);
    CHECK_U64(vmem_set_import(arena, vmt_source_import, vmt_source_release, &source, 0), ==, 0);
    CHECK_U64(vmem_alloc(arena, 256, 0, &pin), ==, 0);
    source.lie = VMT_LIE_OVERLAP;
    EXPECT_REFUSED(arena, status = vmem_alloc(arena, 32, 0, &addr), VMEM_FAULT_BAD_IMPORT,
        "vmem: BAD_IMPORT arena=importer addr=0x10000 size=0x100: the source gave a span that "
        "overlaps one that the arena owns");
    CHECK_U64(status, ==, ENOMEM);
    source.lie = VMT_LIE_TOO_SMALL;
    EXPECT_REFUSED(arena, status = vmem_alloc(arena, 32, 0, &addr), VMEM_FAULT_BAD_IMPORT,
        "vmem: BAD_IMPORT arena=importer addr=0x10100 size=0x10: the source gave a span that is too "
        "small, or not aligned to the quantum");
    source.lie = VMT_LIE_WRAPS;
    EXPECT_REFUSED(arena, status = vmem_alloc(arena, 32, 0, &addr), VMEM_FAULT_BAD_IMPORT,
        "vmem: BAD_IMPORT arena=importer addr=0xfffffffffffffff0 size=0x20: the source gave a span "
        "that reaches beyond the address space");
    CHECK_U64(addr, ==, 77);
    source.lie = VMT_LIE_NONE;
    vmem_free(arena, pin, 256);
    CHECK_U64(vmem_destroy(arena), ==, 0);
    vmt_source_fini(&source);
}

/* The tag of an allocation was overwritten: its free must notice, and must not follow it. */
static void
test_corrupt(void)
{
    struct vmem_arena *arena = create();
    const uint32_t header = vmi_tag_next(vmi_tag(arena, arena->root));
    const uint32_t index = vmi_tag_next(vmi_tag(arena, header));
    uint32_t own;

    CHECK_OR_RETURN(vmi_tag_kind(vmi_tag(arena, index)) == VMI_KIND_BUSY);
    own = vmi_tag(arena, index)->own;
    vmi_tag(arena, index)->own = vmi_tag_own(VMI_KIND_NONE, 0);
    EXPECT_REPORTED(vmem_free(arena, 0x1000, 64), VMEM_FAULT_CORRUPT,
        "vmem: CORRUPT arena=kva addr=0x1000 size=0x40: the busy index leads to a tag that is not that "
        "of an allocation; found 0x1000+0x40");
    if (vmt_fault_seen.count == 1) { /* else it was freed, and the arena is past repair */
        vmi_tag(arena, index)->own = own;
        CHECK_INTACT(arena);
        destroy(arena);
    }
}

static bool
ask_the_arena(void *arg, const struct vmem_segment *segment)
{
    uint64_t *count = arg;

    *count += segment->size;
    return true;
}

static struct vmem_arena *inspected;
static uint64_t inspected_units;

static void
inspecting_hook(void *arg, const struct vmem_fault *fault)
{
    unsigned *calls = arg;
    struct vmem_stats stats;
    struct vmem_violation violation;

    ++*calls;
    CHECK_U64(fault->code, ==, VMEM_FAULT_BAD_FREE);
    vmem_stats(inspected, &stats);
    CHECK(vmem_check(inspected, &violation));
    vmem_walk(inspected, VMEM_ALLOC, ask_the_arena, &inspected_units);
}

static void
test_the_hook_may_inspect_the_arena(void)
{
    struct vmem_arena *arena = create();
    unsigned calls = 0;

    inspected = arena;
    inspected_units = 0;
    vmem_set_fatal_hook(inspecting_hook, &calls);
    vmem_free(arena, 0x1800, 16);
    vmt_fault_install();
    CHECK_U64(calls, ==, 1);
    CHECK_U64(inspected_units, ==, 64);
    destroy(arena);
}

static void
test_every_code_has_a_test(void)
{
    for (unsigned code = 1; code < VMEM_FAULT_CODE_END; code++) {
        vmt_context("fault code", code);
        CHECK(is_seen[code]);
    }
}

/* What lies too far from the start of its span is not looked for: it is told less, and said as much. */
static void
test_bad_free_far_from_the_start_of_the_span(void)
{
    enum { NEAR = 4094 }; /* segments behind the header, of the 4096 that are looked at */
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create("kva", 0, 0x4000, 2, 0, 0, &arena) == 0);
    for (unsigned i = 0; i < 0x2000; i++) {
        CHECK_U64(vmem_alloc(arena, 2, 0, &addr), ==, 0);
        CHECK_U64(addr, ==, 2 * i);
    }
    EXPECT_FATAL_TEXT(vmem_free(arena, 2 * NEAR + 3, 2), VMEM_FAULT_BAD_FREE,
        "vmem: BAD_FREE arena=kva addr=0x1fff size=0x2: inside an allocation, not its start; found "
        "0x1ffe+0x2");
    EXPECT_FATAL_TEXT(vmem_free(arena, 2 * NEAR + 5, 2), VMEM_FAULT_BAD_FREE,
        "vmem: BAD_FREE arena=kva addr=0x2001 size=0x2: nothing is allocated at this address");
    CHECK_U64(vmt_fault_seen.fault.found_size, ==, 0);
    CHECK_INTACT(arena);
    for (unsigned i = 0; i < 0x2000; i++) {
        vmem_free(arena, 2 * i, 2);
    }
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_bad_free),
    VMT_TEST(test_wrong_size),
    VMT_TEST(test_bad_handle),
    VMT_TEST(test_handle_only),
    VMT_TEST(test_destroy_busy),
    VMT_TEST(test_reentry),
    VMT_TEST(test_reentry_without_a_lock),
    VMT_TEST(test_the_registry_is_not_changed_in_a_walk),
    VMT_TEST(test_bad_import),
    VMT_TEST(test_corrupt),
    VMT_TEST(test_the_hook_may_inspect_the_arena),
    VMT_TEST(test_every_code_has_a_test),
    VMT_TEST(test_bad_free_far_from_the_start_of_the_span),
};

VMT_SUITE(tests);
