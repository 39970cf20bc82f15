/*
 * R1_in_use_is_not_given_back - a wrong span that is the arena's already stays out of release()  [I5]
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * Found by reading.  A source function may answer with a range that the arena owns and has handed out.
 * That was refused as an overlap and never released; but where the span was too small or unaligned as
 * well, or not needed any more when it came, it was released: units that somebody uses went back to the
 * source.  Whether a span goes back is now asked of what the arena owns, not of what else is wrong.
 */
#include "vmt.h"
#include "vmt_fault.h"

#include <errno.h>

enum { OWNED_START = 0x1000, OWNED_SIZE = 0x100, QUANTUM = 0x10 };

struct liar {
    struct vmem_arena *arena;
    struct vmem_range lie;
    bool adds_room; /* what was asked for is there when the span comes */
    unsigned releases;
};

static int
lie(void *arg, const struct vmem_import_request *request, struct vmem_range *span)
{
    const struct liar *liar = arg;

    (void)request;
    *span = liar->lie;
    return liar->adds_room ? vmem_add(liar->arena, 0x8000, OWNED_SIZE, 0) : 0;
}

static void
count_release(void *arg, vmem_addr_t start, vmem_size_t size)
{
    struct liar *liar = arg;

    (void)start;
    (void)size;
    liar->releases++;
}

/* An arena all of whose units are in use. */
static bool
set_up(struct liar *liar)
{
    vmem_addr_t addr;

    return vmem_create("arena", 0, 0, QUANTUM, 0, 0, &liar->arena) == 0 &&
        vmem_set_import(liar->arena, lie, count_release, liar, 0) == 0 &&
        vmem_add(liar->arena, OWNED_START, OWNED_SIZE, 0) == 0 &&
        vmem_alloc(liar->arena, OWNED_SIZE, 0, &addr) == 0;
}

static void
tear_down(struct liar *liar, unsigned releases)
{
    struct vmem_violation violation;

    CHECK_U64(liar->releases, ==, releases);
    CHECK(vmem_check(liar->arena, &violation));
    vmem_free(liar->arena, OWNED_START, OWNED_SIZE);
    CHECK_U64(vmem_destroy(liar->arena), ==, 0);
}

/* The arena needs OWNED_SIZE units and is told `start` and `size`. */
static void
refuse(vmem_addr_t start, vmem_size_t size, unsigned releases)
{
    struct liar liar = { .lie = { start, size } };
    vmem_addr_t addr = 7;
    int status = 0;

    CHECK_OR_RETURN(set_up(&liar));
    EXPECT_FATAL(status = vmem_alloc(liar.arena, OWNED_SIZE, 0, &addr), VMEM_FAULT_BAD_IMPORT);
    CHECK_U64(status, ==, ENOMEM);
    CHECK_U64(addr, ==, 7);
    tear_down(&liar, releases);
}

static void
test_R1_too_small_and_in_use(void)
{
    refuse(OWNED_START, OWNED_SIZE - QUANTUM, 0);
    refuse(OWNED_START + OWNED_SIZE - QUANTUM, OWNED_SIZE - QUANTUM, 0);
}

static void
test_R1_unaligned_and_in_use(void)
{
    refuse(OWNED_START + 1, OWNED_SIZE, 0);
    refuse(OWNED_START - 1, 2, 0);
}

/* What nobody uses goes back, whatever is wrong with it: up to the last unit before, from the first after. */
static void
test_R1_wrong_but_not_in_use(void)
{
    refuse(OWNED_START - QUANTUM, QUANTUM, 1);
    refuse(OWNED_START + OWNED_SIZE, QUANTUM, 1);
    refuse(OWNED_START + OWNED_SIZE + 1, OWNED_SIZE, 1);
}

static void
test_R1_not_needed_and_in_use(void)
{
    struct liar liar = { .lie = { OWNED_START, OWNED_SIZE }, .adds_room = true };
    vmem_addr_t addr = 7;

    CHECK_OR_RETURN(set_up(&liar));
    CHECK_U64(vmem_alloc(liar.arena, OWNED_SIZE, 0, &addr), ==, 0);
    CHECK_U64(addr, ==, 0x8000);
    vmem_free(liar.arena, addr, OWNED_SIZE);
    tear_down(&liar, 0);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_R1_too_small_and_in_use),
    VMT_TEST(test_R1_unaligned_and_in_use),
    VMT_TEST(test_R1_wrong_but_not_in_use),
    VMT_TEST(test_R1_not_needed_and_in_use),
};

VMT_SUITE(tests);
