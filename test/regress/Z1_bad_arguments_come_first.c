/*
 * Z1_bad_arguments_come_first - a bad argument is EINVAL beside VMEM_WAIT, too [C4]
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * Found by the fuzz harnesses `operations` and `constrained`: the arena answered ENOTSUP to VMEM_WAIT
 * before it had looked at the other arguments, where the model says EINVAL, or ENOMEM for a size that
 * cannot be rounded.  The status would have changed with the version that can wait.
 */
#include "vmt.h"
#include "vmt_fault.h"

#include <errno.h>

static void
test_Z1_bad_arguments_are_told_before_waiting(void)
{
    const vmem_addr_t top = VMEM_ADDR_MAX;
    struct vmem_explanation e;
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 7;

    CHECK_OR_RETURN(vmem_create("wait", 0, 64, 16, 0, 0, &arena) == 0);
    CHECK_U64(vmem_alloc(arena, 16, VMEM_WAIT, &addr), ==, ENOTSUP);
    CHECK_U64(vmem_alloc(arena, 0, VMEM_WAIT, &addr), ==, EINVAL);
    CHECK_U64(vmem_alloc(arena, VMEM_SIZE_MAX, VMEM_WAIT, &addr), ==, ENOMEM);
    CHECK_U64(vmem_xalloc(arena, 16, 24, 0, 0, 0, top, VMEM_WAIT, &addr), ==, EINVAL);
    CHECK_U64(vmem_xalloc(arena, 16, 16, 16, 0, 0, top, VMEM_WAIT, &addr), ==, EINVAL);
    CHECK_U64(vmem_xalloc(arena, 32, 0, 0, 16, 0, top, VMEM_WAIT, &addr), ==, EINVAL);
    CHECK_U64(vmem_xalloc(arena, 16, 0, 0, 0, 9, 8, VMEM_WAIT, &addr), ==, EINVAL);
    vmem_explain(arena, 0, NULL, VMEM_WAIT, &e);
    CHECK_U64(e.status, ==, EINVAL);
    CHECK_U64(e.reason, ==, VMEM_REASON_ARGUMENTS);
    CHECK_U64(addr, ==, 7);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_Z1_bad_arguments_are_told_before_waiting),
};

VMT_SUITE(tests);
