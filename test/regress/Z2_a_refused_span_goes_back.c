/*
 * Z2_a_refused_span_goes_back - a span that overlaps a static one returns to the arena that gave it [I5]
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * Found by the fuzz harness `trees`.  An arena that has a static span and imports from another arena may
 * be given a range that it owns already.  It reported that and refused the span, but never gave it back:
 * the range stayed busy in the source, which could not be destroyed any more.  That is right for a
 * function, which may have given what is in use; an arena gives only what nobody else has.
 */
#include "vmt.h"
#include "vmt_fault.h"

#include <errno.h>

static void
test_Z2_a_span_refused_for_overlap_is_free_in_the_source_again(void)
{
    struct vmem_arena *source = NULL;
    struct vmem_arena *arena = NULL;
    struct vmem_violation violation;
    vmem_addr_t addr = 7;
    int status = 0;

    CHECK_OR_RETURN(vmem_create("source", 0, 64, 1, 0, 0, &source) == 0);
    CHECK_OR_RETURN(vmem_create("arena", 0, 0, 1, 0, 0, &arena) == 0);
    CHECK_U64(vmem_import_from(arena, source, 0), ==, 0);
    CHECK_U64(vmem_add(arena, 0, 8, 0), ==, 0);
    EXPECT_FATAL(status = vmem_alloc(arena, 64, 0, &addr), VMEM_FAULT_BAD_IMPORT);
    CHECK_U64(status, ==, ENOMEM);
    CHECK_U64(addr, ==, 7);
    CHECK_U64(vmem_size(source, VMEM_ALLOC), ==, 0);
    CHECK_U64(vmem_size(arena, VMEM_ALLOC | VMEM_FREE), ==, 8);
    CHECK(vmem_check(source, &violation));
    CHECK(vmem_check(arena, &violation));
    CHECK_U64(vmem_destroy(arena), ==, 0);
    CHECK_U64(vmem_destroy(source), ==, 0);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_Z2_a_span_refused_for_overlap_is_free_in_the_source_again),
};

VMT_SUITE(tests);
