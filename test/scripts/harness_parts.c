/*
 * harness_parts - the parts that tests are made of: fuses, random numbers, tag and import sources.
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * That the sources notice what is done wrong to them is shown by harness_outcomes.c.
 */
#include "vmt.h"
#include "vmt_source.h"
#include "vmt_tags.h"

static void
test_a_new_fuse_never_blows(void)
{
    struct vmt_fuse fuse = { .calls = 0 };

    for (unsigned i = 0; i < 100; i++) {
        CHECK(!vmt_fuse_blows(&fuse));
    }
    CHECK_U64(fuse.calls, ==, 100);
    CHECK_U64(fuse.failed, ==, 0);
}

static void
test_a_fuse_blows_at_its_call_and_once(void)
{
    struct vmt_fuse fuse;

    vmt_fuse_set(&fuse, 3, false);
    for (unsigned call = 1; call <= 6; call++) {
        CHECK_U64(vmt_fuse_blows(&fuse), ==, call == 3);
    }
    CHECK_U64(fuse.failed, ==, 1);
}

static void
test_a_fuse_may_stay_blown(void)
{
    struct vmt_fuse fuse;

    vmt_fuse_set(&fuse, 3, true);
    for (unsigned call = 1; call <= 6; call++) {
        CHECK_U64(vmt_fuse_blows(&fuse), ==, call >= 3);
    }
    CHECK_U64(fuse.failed, ==, 4);
}

static void
test_random_numbers_stay_below_their_bound_and_reach_it(void)
{
    static const uint64_t bounds[] = { 1, 2, 3, 10, 16 };
    struct vmt_rng rng = { .state = vmt_seed() };

    CHECK_U64(vmt_rng_below(&rng, 0), ==, 0);
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        uint64_t seen = 0;

        for (unsigned draw = 0; draw < 1000; draw++) {
            const uint64_t value = vmt_rng_below(&rng, bounds[i]);

            CHECK_OR_RETURN(value < bounds[i]);
            seen |= (uint64_t)1 << value;
        }
        CHECK_U64(seen, ==, ((uint64_t)1 << bounds[i]) - 1);
    }
}

/* 2^64 is one and a third times the bound: a mere remainder would favour the lowest third twofold. */
static void
test_random_numbers_favour_no_value(void)
{
    const uint64_t bound = (uint64_t)3 << 62;
    struct vmt_rng rng = { .state = 1 };
    uint64_t low = 0;

    for (unsigned draw = 0; draw < 30000; draw++) {
        low += vmt_rng_below(&rng, bound) < (uint64_t)1 << 62;
    }
    CHECK_U64(low, >, 9500);
    CHECK_U64(low, <, 10500);
}

static void
test_a_seed_repeats_its_numbers(void)
{
    struct vmt_rng one = { .state = vmt_seed() };
    struct vmt_rng two = { .state = vmt_seed() };
    struct vmt_rng other = { .state = vmt_seed() + 1 };

    CHECK_U64(vmt_rng_next(&one), ==, vmt_rng_next(&two));
    CHECK_U64(vmt_rng_next(&one), !=, vmt_rng_next(&other));
}

static void
test_tag_blocks_are_aligned_and_zero(void)
{
    struct vmt_tags tags;

    vmt_tags_init(&tags);
    /* The second round may get the overwritten memory of the first. */
    for (unsigned round = 0; round < 2; round++) {
        unsigned char *block = tags.source.get(tags.source.arg, 4096);

        CHECK_OR_RETURN(block != NULL);
        CHECK_U64((uintptr_t)block % 64, ==, 0);
        for (size_t i = 0; i < 4096; i++) {
            CHECK_OR_RETURN(block[i] == 0);
            block[i] = 0xff;
        }
        CHECK_U64(tags.live_count, ==, 1);
        CHECK_U64(tags.live_bytes, ==, 4096);
        tags.source.put(tags.source.arg, block, 4096);
    }
    CHECK_U64(tags.fuse.calls, ==, 2);
    CHECK_U64(tags.puts, ==, 2);
    CHECK_U64(tags.peak_bytes, ==, 4096);
    vmt_tags_fini(&tags);
}

static void
test_tag_blocks_come_back_in_any_order(void)
{
    struct vmt_tags tags;
    void *blocks[3];

    vmt_tags_init(&tags);
    for (unsigned i = 0; i < 3; i++) {
        blocks[i] = tags.source.get(tags.source.arg, (size_t)512 << i);
    }
    CHECK_U64(tags.live_bytes, ==, 512 + 1024 + 2048);
    tags.source.put(tags.source.arg, blocks[1], 1024);
    tags.source.put(tags.source.arg, blocks[2], 2048);
    tags.source.put(tags.source.arg, blocks[0], 512);
    CHECK_U64(tags.peak_bytes, ==, 512 + 1024 + 2048);
    vmt_tags_fini(&tags);
}

static void
test_the_chosen_call_gets_no_tag_block(void)
{
    struct vmt_tags tags;
    void *first;

    vmt_tags_init(&tags);
    vmt_fuse_set(&tags.fuse, 2, true);
    first = tags.source.get(tags.source.arg, 512);
    CHECK(first != NULL);
    CHECK(tags.source.get(tags.source.arg, 512) == NULL);
    CHECK(tags.source.get(tags.source.arg, 512) == NULL);
    CHECK_U64(tags.live_count, ==, 1);
    CHECK_U64(tags.fuse.failed, ==, 2);
    tags.source.put(tags.source.arg, first, 512);
    vmt_tags_fini(&tags);
}

static void
count_call(void *arg)
{
    (*(unsigned *)arg)++;
}

static void
test_something_may_happen_during_get_and_import(void)
{
    static struct vmt_source source;
    const struct vmem_import_request request = {
        .size = 1, .size_anywhere = 1, .quantum = 1, .align = 1, .addr_max = VMEM_ADDR_MAX
    };
    struct vmt_tags tags;
    struct vmem_range span;
    unsigned calls = 0;

    vmt_tags_init(&tags);
    tags.during_get = count_call;
    tags.during_get_arg = &calls;
    tags.source.put(tags.source.arg, tags.source.get(tags.source.arg, 512), 512);
    CHECK_U64(calls, ==, 1);
    vmt_tags_fini(&tags);

    vmt_source_init(&source, 7, 1);
    source.during_import = count_call;
    source.during_import_arg = &calls;
    CHECK_U64(vmt_source_import(&source, &request, &span), ==, 0);
    CHECK_U64(calls, ==, 2);
    vmt_source_release(&source, span.start, span.size);
    vmt_source_fini(&source);
}

/* Requests against a range of 4096 units from 4096, with nothing out. */
static const struct {
    const char *why;
    struct vmem_import_request request;
    enum vmt_source_manner manner;
    vmem_size_t extra;
    int status;
    struct vmem_range want;
} answers[] = {
    { "the lowest place", { 64, 64, 64, 64, 0, 0, 0, VMEM_ADDR_MAX, 0 }, VMT_SOURCE_CONSTRAINED, 0,
        0, { 4096, 64 } },
    { "the first aligned place", { 64, 128, 64, 8192, 0, 0, 0, VMEM_ADDR_MAX, 0 },
        VMT_SOURCE_CONSTRAINED, 0, 12, { 0, 0 } },
    { "a phase", { 64, 640, 64, 512, 192, 0, 0, VMEM_ADDR_MAX, 0 }, VMT_SOURCE_CONSTRAINED, 0, 0,
        { 4096 + 192, 64 } },
    { "a phase just passed", { 64, 640, 64, 512, 192, 0, 4300, VMEM_ADDR_MAX, 0 },
        VMT_SOURCE_CONSTRAINED, 0, 0, { 4096 + 512 + 192, 64 } },
    { "over a boundary", { 128, 256, 64, 64, 0, 256, 4096 + 192, VMEM_ADDR_MAX, 0 },
        VMT_SOURCE_CONSTRAINED, 0, 0, { 4096 + 256, 128 } },
    { "the end of a window", { 64, 0, 64, 64, 0, 0, 5000, 5183, 0 }, VMT_SOURCE_CONSTRAINED, 0, 0,
        { 5056, 64 } },
    { "a window too small", { 64, 0, 64, 64, 0, 0, 5057, 5182, 0 }, VMT_SOURCE_CONSTRAINED, 0, 12,
        { 0, 0 } },
    { "all of it", { 4096, 4096, 64, 64, 0, 0, 0, VMEM_ADDR_MAX, 0 }, VMT_SOURCE_CONSTRAINED, 0, 0,
        { 4096, 4096 } },
    { "more than all", { 4160, 4160, 64, 64, 0, 0, 0, VMEM_ADDR_MAX, 0 }, VMT_SOURCE_CONSTRAINED, 0,
        12, { 0, 0 } },
    { "anywhere", { 64, 576, 64, 512, 192, 0, 4300, VMEM_ADDR_MAX, 0 }, VMT_SOURCE_ANYWHERE, 0, 0,
        { 4096, 576 } },
    { "anywhere will not do", { 64, 0, 64, 64, 0, 0, 5000, 5183, 0 }, VMT_SOURCE_ANYWHERE, 0, 12,
        { 0, 0 } },
    { "something extra", { 64, 64, 64, 64, 0, 0, 0, VMEM_ADDR_MAX, 0 }, VMT_SOURCE_CONSTRAINED, 192,
        0, { 4096, 256 } },
    { "no room for extra", { 4032, 4032, 64, 64, 0, 0, 0, VMEM_ADDR_MAX, 0 },
        VMT_SOURCE_CONSTRAINED, 128, 0, { 4096, 4032 } },
};

static void
test_a_source_answers_each_kind_of_request(void)
{
    static struct vmt_source source;

    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct vmem_range span = { 0, 0 };

        vmt_context(answers[i].why, i);
        vmt_source_init(&source, 4096, 4096);
        source.manner = answers[i].manner;
        source.extra = answers[i].extra;
        CHECK_U64(vmt_source_import(&source, &answers[i].request, &span), ==, answers[i].status);
        CHECK_U64(span.start, ==, answers[i].want.start);
        CHECK_U64(span.size, ==, answers[i].want.size);
        CHECK_U64(source.span_size, ==, answers[i].want.size);
        if (source.span_count != 0) {
            vmt_source_release(&source, span.start, span.size);
        }
        vmt_source_fini(&source);
    }
}

static void
test_a_source_reaches_the_last_address(void)
{
    static struct vmt_source source;
    const struct vmem_import_request request = {
        .size = 8, .size_anywhere = 8, .quantum = 8, .align = 8, .addr_max = VMEM_ADDR_MAX
    };
    struct vmem_range spans[3] = { { 0, 0 } };

    vmt_source_init(&source, VMEM_ADDR_MAX - 15, 16);
    CHECK_U64(vmt_source_import(&source, &request, &spans[0]), ==, 0);
    CHECK_U64(vmt_source_import(&source, &request, &spans[1]), ==, 0);
    CHECK_U64(spans[1].start, ==, VMEM_ADDR_MAX - 7);
    CHECK_U64(vmt_source_import(&source, &request, &spans[2]), ==, source.status);
    vmt_source_release(&source, spans[1].start, 8);
    vmt_source_release(&source, spans[0].start, 8);
    vmt_source_fini(&source);
}

static void
test_a_source_hands_out_what_came_back(void)
{
    static struct vmt_source source;
    const struct vmem_import_request request = {
        .size = 8, .size_anywhere = 8, .quantum = 8, .align = 8, .addr_max = VMEM_ADDR_MAX
    };
    struct vmem_range span;

    vmt_source_init(&source, 0, 32);
    for (vmem_addr_t at = 0; at < 32; at += 8) {
        CHECK_U64(vmt_source_import(&source, &request, &span), ==, 0);
        CHECK_U64(span.start, ==, at);
    }
    vmt_source_release(&source, 16, 8);
    CHECK_U64(vmt_source_import(&source, &request, &span), ==, 0);
    CHECK_U64(span.start, ==, 16);
    for (vmem_addr_t at = 0; at < 32; at += 8) {
        vmt_source_release(&source, at, 8);
    }
    CHECK_U64(source.imports, ==, 5);
    CHECK_U64(source.releases, ==, 5);
    vmt_source_fini(&source);
}

/* After a true span at 64, with 32 units asked for in quanta of 16. */
static const struct {
    enum vmt_source_lie lie;
    struct vmem_range want;
} lies[] = {
    { VMT_LIE_OVERLAP, { 64, 32 } },
    { VMT_LIE_START_UNALIGNED, { 129, 32 } },
    { VMT_LIE_SIZE_UNALIGNED, { 128, 33 } },
    { VMT_LIE_TOO_SMALL, { 128, 16 } },
    { VMT_LIE_EMPTY, { 128, 0 } },
    { VMT_LIE_WRAPS, { VMEM_ADDR_MAX - 15, 32 } },
    { VMT_LIE_UNCONSTRAINED, { 96, 32 } },
};

static void
test_a_source_lies_on_demand(void)
{
    static struct vmt_source source;
    const struct vmem_import_request request = {
        .size = 32, .size_anywhere = 80, .quantum = 16, .align = 64, .addr_max = VMEM_ADDR_MAX
    };

    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct vmem_range spans[3];

        vmt_context("lie", i);
        vmt_source_init(&source, 64, 4096);
        source.lie = lies[i].lie;
        source.lie_at = 2;
        for (unsigned call = 0; call < 3; call++) {
            CHECK_U64(vmt_source_import(&source, &request, &spans[call]), ==, 0);
        }
        CHECK_U64(spans[1].start, ==, lies[i].want.start);
        CHECK_U64(spans[1].size, ==, lies[i].want.size);
        CHECK_U64(spans[2].start, ==, 128);
        CHECK_U64(source.lies, ==, 1);
        CHECK_U64(source.imports, ==, 2);
        vmt_source_release(&source, spans[2].start, spans[2].size);
        vmt_source_release(&source, spans[0].start, spans[0].size);
        vmt_source_fini(&source);
    }
}

static void
test_a_lie_may_be_released(void)
{
    static struct vmt_source source;
    const struct vmem_import_request request = {
        .size = 32, .size_anywhere = 32, .quantum = 16, .align = 16, .addr_max = VMEM_ADDR_MAX
    };
    struct vmem_range span = { 0, 0 };

    vmt_source_init(&source, 64, 4096);
    source.lie = VMT_LIE_TOO_SMALL;
    CHECK_U64(vmt_source_import(&source, &request, &span), ==, 0);
    vmt_source_release(&source, span.start, span.size);
    CHECK_U64(source.lies_released, ==, 1);
    CHECK_U64(source.releases, ==, 0);
    vmt_source_fini(&source);
}

static void
test_the_chosen_import_is_refused(void)
{
    static struct vmt_source source;
    const struct vmem_import_request request = {
        .size = 8, .size_anywhere = 8, .quantum = 8, .align = 8, .addr_max = VMEM_ADDR_MAX
    };
    struct vmem_range span = { 0, 0 };

    vmt_source_init(&source, 0, 64);
    vmt_fuse_set(&source.fuse, 1, false);
    source.status = 77;
    CHECK_U64(vmt_source_import(&source, &request, &span), ==, 77);
    CHECK_U64(span.size, ==, 0);
    CHECK_U64(vmt_source_import(&source, &request, &span), ==, 0);
    CHECK_U64(source.request.size, ==, 8);
    vmt_source_release(&source, span.start, span.size);
    vmt_source_fini(&source);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_a_new_fuse_never_blows),
    VMT_TEST(test_a_fuse_blows_at_its_call_and_once),
    VMT_TEST(test_a_fuse_may_stay_blown),
    VMT_TEST(test_random_numbers_stay_below_their_bound_and_reach_it),
    VMT_TEST(test_random_numbers_favour_no_value),
    VMT_TEST(test_a_seed_repeats_its_numbers),
    VMT_TEST(test_tag_blocks_are_aligned_and_zero),
    VMT_TEST(test_tag_blocks_come_back_in_any_order),
    VMT_TEST(test_the_chosen_call_gets_no_tag_block),
    VMT_TEST(test_something_may_happen_during_get_and_import),
    VMT_TEST(test_a_source_answers_each_kind_of_request),
    VMT_TEST(test_a_source_reaches_the_last_address),
    VMT_TEST(test_a_source_hands_out_what_came_back),
    VMT_TEST(test_a_source_lies_on_demand),
    VMT_TEST(test_a_lie_may_be_released),
    VMT_TEST(test_the_chosen_import_is_refused),
};

VMT_SUITE(tests);
