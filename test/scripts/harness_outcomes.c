/*
 * harness_outcomes - tests that pass and fail in every way there is.
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * Not a test of its own: test_harness.py runs this and judges what it prints.
 */
#include "vmt.h"
#include "vmt_fault.h"
#include "vmt_source.h"
#include "vmt_tags.h"

/* Report a fault as the library would, to whatever hook is installed: free what is not allocated. */
static void
misuse(void)
{
    struct vmem_arena *arena = NULL;

    CHECK_OR_RETURN(vmem_create("victim", 0, 4096, 1, 0, 0, &arena) == 0);
    vmem_free(arena, 17, 1);
    (void)vmem_destroy(arena);
}

static void
nothing_wrong(void)
{
    CHECK(true);
}

static void
test_that_passes(void)
{
    CHECK(1 + 1 == 2);
    CHECK_U64(3, <, 4);
    CHECK_STR("same", "same");
    CHECK_STR(NULL, NULL);
}

static void
test_false_condition(void)
{
    CHECK(1 + 1 == 3);
}

static void
test_wrong_number(void)
{
    CHECK_U64(70000, ==, 70001);
}

static void
test_wrong_text(void)
{
    CHECK_STR("found", "wanted");
}

static void
test_null_is_not_empty(void)
{
    CHECK_STR(NULL, "");
}

static void
test_without_a_check(void)
{
}

static void
test_told_to_fail(void)
{
    FAIL("told so");
}

static void
test_return_at_once(void)
{
    CHECK_OR_RETURN(false);
    FAIL("unreachable");
}

static void
test_context_is_told(void)
{
    vmt_context("operation", 4711);
    CHECK(false);
}

static void
test_context_ends_with_its_test(void)
{
    CHECK(false);
}

static void
test_many_failures(void)
{
    for (unsigned i = 0; i < 100; i++) {
        CHECK_U64(i, ==, 1000);
    }
}

static void
test_left_out(void)
{
    vmt_skip("not today");
}

static void
test_left_out_after_a_failure(void)
{
    CHECK(false);
    vmt_skip("too late");
}

static void
test_fault_expected(void)
{
    EXPECT_FATAL(misuse(), VMEM_FAULT_BAD_FREE);
}

static void
test_fault_unexpected(void)
{
    misuse();
}

static void
test_fault_with_another_code(void)
{
    EXPECT_FATAL(misuse(), VMEM_FAULT_WRONG_SIZE);
}

static void
test_fault_with_another_text(void)
{
    EXPECT_FATAL_TEXT(misuse(), VMEM_FAULT_BAD_FREE, "another text");
}

static void
test_fault_missing(void)
{
    EXPECT_FATAL(nothing_wrong(), VMEM_FAULT_BAD_FREE);
}

static void
test_fault_twice(void)
{
    EXPECT_FATAL(
        {
            misuse();
            misuse();
        },
        VMEM_FAULT_BAD_FREE);
}

static void
test_block_kept(void)
{
    struct vmt_tags tags;

    vmt_tags_init(&tags);
    (void)tags.source.get(tags.source.arg, 512);
    vmt_tags_fini(&tags);
}

static void
test_block_put_twice(void)
{
    struct vmt_tags tags;
    void *block;

    vmt_tags_init(&tags);
    block = tags.source.get(tags.source.arg, 512);
    tags.source.put(tags.source.arg, block, 512);
    tags.source.put(tags.source.arg, block, 512);
    vmt_tags_fini(&tags);
}

static void
test_block_put_with_another_size(void)
{
    struct vmt_tags tags;

    vmt_tags_init(&tags);
    tags.source.put(tags.source.arg, tags.source.get(tags.source.arg, 1024), 512);
    vmt_tags_fini(&tags);
}

static void
test_block_of_odd_size(void)
{
    struct vmt_tags tags;

    vmt_tags_init(&tags);
    tags.source.put(tags.source.arg, tags.source.get(tags.source.arg, 768), 768);
    vmt_tags_fini(&tags);
}

/* Write one byte at `offset` from the start of a block. */
static void
write_beside(ptrdiff_t offset)
{
    struct vmt_tags tags;
    unsigned char *block;

    vmt_tags_init(&tags);
    block = tags.source.get(tags.source.arg, 512);
    CHECK_OR_RETURN(block != NULL);
    block[offset] = 1;
    tags.source.put(tags.source.arg, block, 512);
    vmt_tags_fini(&tags);
}

static void
test_block_overrun(void)
{
    write_beside(512);
}

static void
test_block_underrun(void)
{
    write_beside(-1);
}

static const struct vmem_import_request one_unit = {
    .size = 1,
    .size_anywhere = 1,
    .quantum = 1,
    .align = 1,
    .addr_max = VMEM_ADDR_MAX,
};

static void
test_span_kept(void)
{
    static struct vmt_source source;
    struct vmem_range span;

    vmt_source_init(&source, 0, 16);
    CHECK_U64(vmt_source_import(&source, &one_unit, &span), ==, 0);
    vmt_source_fini(&source);
}

static void
test_span_released_twice(void)
{
    static struct vmt_source source;
    struct vmem_range span = { 0, 0 };

    vmt_source_init(&source, 0, 16);
    CHECK_U64(vmt_source_import(&source, &one_unit, &span), ==, 0);
    vmt_source_release(&source, span.start, span.size);
    vmt_source_release(&source, span.start, span.size);
    vmt_source_fini(&source);
}

static void
test_span_released_in_part(void)
{
    static struct vmt_source source;
    struct vmem_range span = { 0, 0 };

    vmt_source_init(&source, 0, 16);
    source.extra = 1;
    CHECK_U64(vmt_source_import(&source, &one_unit, &span), ==, 0);
    vmt_source_release(&source, span.start, 1);
    vmt_source_release(&source, span.start, span.size);
    vmt_source_fini(&source);
}

static void
test_request_that_makes_no_sense(void)
{
    static struct vmt_source source;
    struct vmem_import_request request = one_unit;
    struct vmem_range span = { 0, 0 };

    vmt_source_init(&source, 0, 16);
    request.align = 4;
    request.phase = 4;
    CHECK_U64(vmt_source_import(&source, &request, &span), ==, 0);
    vmt_source_release(&source, span.start, span.size);
    vmt_source_fini(&source);
}

static void
test_prints_its_seed(void)
{
    vmt_note_u64("my seed is", vmt_seed());
    vmt_note_u64("operations", vmt_ops(12));
    CHECK(true);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_that_passes),
    VMT_TEST(test_false_condition),
    VMT_TEST(test_wrong_number),
    VMT_TEST(test_wrong_text),
    VMT_TEST(test_null_is_not_empty),
    VMT_TEST(test_without_a_check),
    VMT_TEST(test_told_to_fail),
    VMT_TEST(test_return_at_once),
    VMT_TEST(test_context_is_told),
    VMT_TEST(test_context_ends_with_its_test),
    VMT_TEST(test_many_failures),
    VMT_TEST(test_left_out),
    VMT_TEST(test_left_out_after_a_failure),
    VMT_TEST(test_fault_expected),
    VMT_TEST(test_fault_unexpected),
    VMT_TEST(test_fault_with_another_code),
    VMT_TEST(test_fault_with_another_text),
    VMT_TEST(test_fault_missing),
    VMT_TEST(test_fault_twice),
    VMT_TEST(test_block_kept),
    VMT_TEST(test_block_put_twice),
    VMT_TEST(test_block_put_with_another_size),
    VMT_TEST(test_block_of_odd_size),
    VMT_TEST(test_block_overrun),
    VMT_TEST(test_block_underrun),
    VMT_TEST(test_span_kept),
    VMT_TEST(test_span_released_twice),
    VMT_TEST(test_span_released_in_part),
    VMT_TEST(test_request_that_makes_no_sense),
    VMT_TEST(test_prints_its_seed),
};

VMT_SUITE(tests);
