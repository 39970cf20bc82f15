/*
 * test_handles - allocations named by a handle: stale, foreign, forged, and given twice.
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 */
#include "vmt.h"
#include "vmt_fault.h"
#include "vmt_picture.h"

#include "engine/arena.h"

#include <errno.h>

static struct vmt_picture before;

static struct vmem_arena *
create(const char *name)
{
    struct vmem_arena *arena = NULL;

    CHECK_U64(vmem_create(name, 0, 0x10000, 16, 0, 0, &arena), ==, 0);
    return arena;
}

/* The handle names nothing: neither its range is told nor is anything freed. */
static void
check_refused(struct vmem_arena *arena, vmem_handle_t handle)
{
    struct vmem_range range = { 7, 7 };

    CHECK_U64(vmem_handle_range(arena, handle, &range), ==, EINVAL);
    CHECK_U64(range.start, ==, 7);
    CHECK_U64(range.size, ==, 7);
    vmt_picture_take(&before, arena);
    EXPECT_FATAL(vmem_free_handle(arena, handle), VMEM_FAULT_BAD_HANDLE);
    CHECK_U64(vmt_fault_seen.fault.addr, ==, handle);
    CHECK_UNCHANGED(&before, arena);
}

static void
test_a_handle_names_its_range_and_frees_it(void)
{
    struct vmem_arena *arena = create("handles");
    struct vmem_range range = { 0, 0 };
    vmem_handle_t handle = 0;
    vmem_addr_t addr = 99;

    CHECK_OR_RETURN(arena != NULL);
    CHECK_U64(vmem_alloc_handle(arena, 20, NULL, 0, &addr, &handle), ==, 0);
    CHECK_U64(handle, !=, 0);
    CHECK_U64(addr, ==, 0);
    CHECK_U64(vmem_handle_range(arena, handle, &range), ==, 0);
    CHECK_U64(range.start, ==, addr);
    CHECK_U64(range.size, ==, 32);
    CHECK(vmem_state(arena, addr) == VMEM_STATE_BUSY);
    CHECK(vmem_state(arena, addr + 31) == VMEM_STATE_BUSY);
    CHECK_INTACT(arena);
    vmem_free_handle(arena, handle);
    CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, 0x10000);
    check_refused(arena, handle); /* twice */
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_a_constrained_allocation_has_a_handle_too(void)
{
    const struct vmem_constraint constraint = { .align = 4096, .addr_min = 0x2001 };
    struct vmem_arena *arena = create("handles");
    vmem_handle_t handle = 0;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(arena != NULL);
    CHECK_U64(vmem_alloc_handle(arena, 16, &constraint, VMEM_FIRSTFIT, &addr, &handle), ==, 0);
    CHECK_U64(addr, ==, 0x3000);
    vmem_free_handle(arena, handle);
    CHECK_INTACT(arena);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_handles_that_never_were_are_refused(void)
{
    struct vmem_arena *arena = create("handles");
    vmem_handle_t handle = 0;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(arena != NULL);
    check_refused(arena, 0);
    check_refused(arena, 1);
    check_refused(arena, UINT64_MAX);
    CHECK_U64(vmem_alloc_handle(arena, 16, NULL, 0, &addr, &handle), ==, 0);
    for (unsigned bit = 0; bit < 64; bit++) {
        struct vmem_range range = { 7, 7 };
        vmt_context("with this bit turned:", bit);
        CHECK_U64(vmem_handle_range(arena, handle ^ (vmem_handle_t)1 << bit, &range), ==, EINVAL);
    }
    vmt_context(NULL, 0);
    vmem_free_handle(arena, handle);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_a_handle_of_another_arena_is_refused(void)
{
    struct vmem_arena *mine = create("mine");
    struct vmem_arena *other = create("other");
    vmem_handle_t my_handle = 0;
    vmem_handle_t other_handle = 0;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(mine != NULL && other != NULL);
    CHECK_U64(vmem_alloc_handle(mine, 16, NULL, 0, &addr, &my_handle), ==, 0);
    CHECK_U64(vmem_alloc_handle(other, 32, NULL, 0, &addr, &other_handle), ==, 0);
    CHECK_U64(my_handle, !=, other_handle);
    if (my_handle != other_handle) {
        check_refused(mine, other_handle);
        check_refused(other, my_handle);
    }
    vmem_free_handle(mine, my_handle);
    vmem_free_handle(other, other_handle);
    CHECK_U64(vmem_destroy(other), ==, 0);
    CHECK_U64(vmem_destroy(mine), ==, 0);
}

static void
test_stale_handles_stay_stale_when_the_place_is_used_again(void)
{
    enum { ROUNDS = 2000 };
    struct vmem_arena *arena = create("handles");
    static vmem_handle_t old[ROUNDS];
    vmem_handle_t handle = 0;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(arena != NULL);
    for (unsigned i = 0; i < ROUNDS; i++) {
        CHECK_U64(vmem_alloc_handle(arena, 16, NULL, 0, &addr, &old[i]), ==, 0);
        vmem_free_handle(arena, old[i]);
    }
    CHECK_U64(vmem_alloc_handle(arena, 16, NULL, 0, &addr, &handle), ==, 0);
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct vmem_range range;
        CHECK_U64(old[i], !=, handle);
        CHECK_U64(vmem_handle_range(arena, old[i], &range), ==, EINVAL);
    }
    vmem_free_handle(arena, handle);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_address_and_handle_do_not_mix(void)
{
    struct vmem_arena *arena = create("handles");
    vmem_handle_t handle = 0;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(arena != NULL);
    CHECK_U64(vmem_alloc_handle(arena, 16, NULL, 0, &addr, &handle), ==, 0);
    vmt_picture_take(&before, arena);
    EXPECT_FATAL(vmem_free(arena, addr, 16), VMEM_FAULT_HANDLE_ONLY);
    EXPECT_FATAL(vmem_xfree(arena, addr, 16), VMEM_FAULT_HANDLE_ONLY);
    CHECK_UNCHANGED(&before, arena);
    vmem_free_handle(arena, handle);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_handles_and_addresses_live_side_by_side(void)
{
    enum { LIVE = 500 };
    static vmem_handle_t handles[LIVE];
    static vmem_addr_t addrs[LIVE];
    struct vmem_arena *arena = create("handles");
    vmem_addr_t ignored = 0;

    CHECK_OR_RETURN(arena != NULL);
    for (unsigned i = 0; i < LIVE; i++) {
        CHECK_U64(vmem_alloc_handle(arena, 16, NULL, 0, &ignored, &handles[i]), ==, 0);
        CHECK_U64(vmem_alloc(arena, 16, 0, &addrs[i]), ==, 0);
    }
    CHECK_INTACT(arena);
    for (unsigned i = 0; i < LIVE; i++) {
        vmem_free_handle(arena, handles[(i * 7) % LIVE]);
        vmem_free(arena, addrs[i], 16);
    }
    CHECK_INTACT(arena);
    CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, 0x10000);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

/* The generation of handles has 30 bits, and is never 0. */
static void
test_the_generation_of_handles_wraps_past_0(void)
{
    struct vmem_arena *arena = create("handles");
    vmem_handle_t handles[3] = { 0, 0, 0 };
    vmem_addr_t addr = 0;

    arena->generation = VMI_OWN_PAYLOAD - 1;
    for (unsigned i = 0; i < 3; i++) {
        CHECK_U64(vmem_alloc_handle(arena, 16, NULL, 0, &addr, &handles[i]), ==, 0);
    }
    CHECK_U64(handles[0] >> 32, ==, VMI_OWN_PAYLOAD);
    CHECK_U64(handles[1] >> 32, ==, 1);
    CHECK_U64(handles[2] >> 32, ==, 2);
    for (unsigned i = 0; i < 3; i++) {
        vmem_free_handle(arena, handles[i]);
    }
    check_refused(arena, handles[1]);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

/* A policy of its own, and a size that cannot be: neither goes the short way. */
static void
test_an_allocation_with_a_policy_has_a_handle_too(void)
{
    struct vmem_arena *arena = create("handles");
    struct vmem_range range = { 0, 0 };
    vmem_handle_t handle = 0;
    vmem_addr_t addr = 0;

    CHECK_U64(vmem_alloc_handle(arena, 16, NULL, VMEM_FIRSTFIT | VMEM_HIGH, &addr, &handle), ==, 0);
    CHECK_U64(addr, ==, 0xfff0);
    CHECK_U64(vmem_handle_range(arena, handle, &range), ==, 0);
    CHECK_U64(range.start, ==, 0xfff0);
    CHECK_U64(range.size, ==, 16);
    CHECK_U64(vmem_alloc_handle(arena, 0, NULL, 0, &addr, &handle), ==, EINVAL);
    vmem_free_handle(arena, handle);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_a_handle_names_its_range_and_frees_it),
    VMT_TEST(test_a_constrained_allocation_has_a_handle_too),
    VMT_TEST(test_handles_that_never_were_are_refused),
    VMT_TEST(test_a_handle_of_another_arena_is_refused),
    VMT_TEST(test_stale_handles_stay_stale_when_the_place_is_used_again),
    VMT_TEST(test_address_and_handle_do_not_mix),
    VMT_TEST(test_handles_and_addresses_live_side_by_side),
    VMT_TEST(test_the_generation_of_handles_wraps_past_0),
    VMT_TEST(test_an_allocation_with_a_policy_has_a_handle_too),
};

VMT_SUITE(tests);
