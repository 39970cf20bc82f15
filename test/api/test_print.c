/*
 * test_print - what print, printall, summary, dump and whatis write; what explain says. [S14]
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 */
#include "vmt.h"
#include "vmt_fault.h"
#include "vmt_picture.h"
#include "vmt_source.h"

#include <errno.h>
#include <string.h>

#define MAX VMEM_ADDR_MAX

static struct vmt_text text;

static void
check_lines(const char *const *expected, size_t count)
{
    const char *at = text.text;

    for (size_t i = 0; i < count; i++) {
        char line[256];
        const char *end = strchr(at, '\n');
        const size_t length = end != NULL ? (size_t)(end - at) : strlen(at);
        memcpy(line, at, length < sizeof line ? length : sizeof line - 1);
        line[length < sizeof line ? length : sizeof line - 1] = '\0';
        if (expected[i] != NULL) { /* NULL: a line that differs from machine to machine */
            CHECK_STR(line, expected[i]);
        }
        at = end != NULL ? end + 1 : at + length;
    }
    CHECK_STR(at, "");
}

/* 0x1000-0x10ff of quantum 16: busy 48, free 16, busy 16, free; and one refusal. */
static struct vmem_arena *
create_example(vmem_addr_t addrs[2])
{
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 0;

    CHECK_U64(vmem_create("kva", 0x1000, 0x100, 16, 0, VMEM_BESTFIT, &arena), ==, 0);
    CHECK_U64(vmem_alloc(arena, 48, 0, &addrs[0]), ==, 0);
    CHECK_U64(vmem_xalloc(arena, 16, 0, 0, 0, 0x1040, 0x104f, 0, &addrs[1]), ==, 0);
    CHECK_U64(vmem_alloc(arena, 0x200, 0, &addr), ==, ENOMEM);
    memset(&text, 0, sizeof text);
    return arena;
}

static void
destroy_example(struct vmem_arena *arena, const vmem_addr_t addrs[2])
{
    vmem_free(arena, addrs[0], 48);
    vmem_free(arena, addrs[1], 16);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

#define PRINTED \
    "arena kva: best fit", "  quantum           16 (0x10)", "  total             256 (0x100)", \
        "  in use            64 (0x40)", "  peak              64 (0x40)", \
        "  free              192 (0xc0)", "  largest free      176 (0xb0)", \
        "  imported          0 (0x0)", "  limit             0 (0x0)", \
        "  spans             1 (0x1)", "  busy segments     2 (0x2)", \
        "  holes             2 (0x2)", "  allocs            2 (0x2)", \
        "  frees             0 (0x0)", NULL, \
        "  refused 1 times: fewer units are free than asked for"

static void
test_print_writes_these_lines(void)
{
    static const char *const expected[] = { PRINTED };
    vmem_addr_t addrs[2];
    struct vmem_arena *arena = create_example(addrs);

    vmem_print(arena, vmt_text_sink, &text);
    check_lines(expected, sizeof expected / sizeof expected[0]);
    destroy_example(arena, addrs);
}

static void
test_dump_writes_every_segment(void)
{
    static const char *const expected[] = { PRINTED,
        "  span 0x1000-0x10ff                          256",
        "    0x1000-0x102f                             48 busy",
        "    0x1030-0x103f                             16 free",
        "    0x1040-0x104f                             16 busy",
        "    0x1050-0x10ff                             176 free" };
    vmem_addr_t addrs[2];
    struct vmem_arena *arena = create_example(addrs);

    vmem_dump(arena, vmt_text_sink, &text);
    check_lines(expected, sizeof expected / sizeof expected[0]);
    destroy_example(arena, addrs);
}

static void
test_summary_counts_holes_by_size(void)
{
    static const char *const expected[] = { "arena kva: best fit",
        "  holes of at least       count         units",
        "  0x10                    1             16",
        "  0xb0                    1             176" };
    vmem_addr_t addrs[2];
    struct vmem_arena *arena = create_example(addrs);

    vmem_summary(arena, vmt_text_sink, &text);
    check_lines(expected, sizeof expected / sizeof expected[0]);
    destroy_example(arena, addrs);
}

static void
test_whatis_finds_the_segment_of_a_unit(void)
{
    static const char *const busy[] = { "0x1005 is in arena kva:",
        "    0x1000-0x102f                             48 busy" };
    static const char *const hole[] = { "0x10ff is in arena kva:",
        "    0x1050-0x10ff                             176 free" };
    static const char *const outside[] = { "0x1100 is in no arena" };
    vmem_addr_t addrs[2];
    struct vmem_arena *arena = create_example(addrs);

    vmem_whatis(0x1005, vmt_text_sink, &text);
    check_lines(busy, 2);
    memset(&text, 0, sizeof text);
    vmem_whatis(0x10ff, vmt_text_sink, &text);
    check_lines(hole, 2);
    memset(&text, 0, sizeof text);
    vmem_whatis(0x1100, vmt_text_sink, &text);
    check_lines(outside, 1);
    destroy_example(arena, addrs);
}

static void
test_printall_and_whatis_tell_of_all_arenas(void)
{
    struct vmem_arena *other = NULL;
    vmem_addr_t addrs[2];
    struct vmem_arena *arena = create_example(addrs);

    CHECK_OR_RETURN(vmem_create("other", 0x1000, 16, 16, 0, VMEM_NEXTFIT, &other) == 0);
    vmem_printall(vmt_text_sink, &text);
    CHECK(strstr(text.text, "arena kva: best fit\n") != NULL);
    CHECK(strstr(text.text, "arena other: next fit\n") != NULL);
    memset(&text, 0, sizeof text);
    vmem_whatis(0x1000, vmt_text_sink, &text);
    CHECK(strstr(text.text, "0x1000 is in arena kva:\n") != NULL);
    CHECK(strstr(text.text, "0x1000 is in arena other:\n") != NULL);
    CHECK_U64(vmem_destroy(other), ==, 0);
    destroy_example(arena, addrs);
}

static void
test_titles_name_policy_and_source(void)
{
    static struct vmt_source source;
    struct vmem_arena *root = NULL;
    struct vmem_arena *child = NULL;
    vmem_addr_t addr = 0;

    memset(&text, 0, sizeof text);
    vmt_source_init(&source, 0x10000, 0x10000);
    CHECK_OR_RETURN(vmem_create("root", 0, 0, 1, 0, VMEM_FIRSTFIT, &root) == 0);
    CHECK_OR_RETURN(vmem_create("child", 0, 0, 1, 0, 0, &child) == 0);
    CHECK_U64(vmem_set_import(root, vmt_source_import, vmt_source_release, &source, 16), ==, 0);
    CHECK_U64(vmem_import_from(child, root, 0), ==, 0);
    CHECK_U64(vmem_alloc(child, 3, 0, &addr), ==, 0);
    vmem_dump(root, vmt_text_sink, &text);
    vmem_dump(child, vmt_text_sink, &text);
    CHECK(strstr(text.text, "arena root: first fit, imports from a function\n") != NULL);
    CHECK(strstr(text.text, "arena child: instant fit, imports from root\n") != NULL);
    CHECK(strstr(text.text, "  span 0x10000-0x1000f                        16 imported\n") != NULL);
    vmem_free(child, addr, 3);
    CHECK_U64(vmem_destroy(child), ==, 0);
    CHECK_U64(vmem_destroy(root), ==, 0);
    vmt_source_fini(&source);
}

/* A sink may use the arena that is printed. */
struct busy_sink {
    struct vmem_arena *arena;
    unsigned calls;
};

static void
allocate_in_sink(void *arg, const char *line, size_t length)
{
    struct busy_sink *sink = arg;
    vmem_addr_t addr = 0;

    CHECK(length > 0 && line[0] != '\0');
    sink->calls++;
    CHECK_U64(vmem_alloc(sink->arena, 16, 0, &addr), ==, 0);
    vmem_free(sink->arena, addr, 16);
}

static void
test_a_sink_may_call_the_arena(void)
{
    vmem_addr_t addrs[2];
    struct vmem_arena *arena = create_example(addrs);
    struct busy_sink sink = { .arena = arena };

    vmem_dump(arena, allocate_in_sink, &sink);
    vmem_summary(arena, allocate_in_sink, &sink);
    vmem_whatis(0x1000, allocate_in_sink, &sink);
    vmem_printall(allocate_in_sink, &sink);
    CHECK_U64(sink.calls, >, 20);
    CHECK_INTACT(arena);
    destroy_example(arena, addrs);
}

static void
test_a_name_of_full_length_is_printed_whole(void)
{
    struct vmem_arena *arena = NULL;

    memset(&text, 0, sizeof text);
    CHECK_OR_RETURN(
        vmem_create("0123456789012345678901234567890", 0, VMEM_SIZE_MAX, 1, 0, 0, &arena) == 0);
    vmem_dump(arena, vmt_text_sink, &text);
    CHECK(strstr(text.text, "arena 0123456789012345678901234567890: instant fit\n") != NULL);
    CHECK(strstr(text.text,
              "  span 0x0-0xfffffffffffffffe                 18446744073709551615\n") != NULL);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

/* -------------------------------------------------------------------------------------------------
 * explain
 * ---------------------------------------------------------------------------------------------- */

struct question {
    const char *what;
    vmem_size_t size;
    struct vmem_constraint constraint;
    unsigned flags;
    enum vmem_reason reason;
    int status;
    vmem_size_t largest_possible;
    uint64_t large_enough, in_window, fitting;
};

/* In the example: holes 0x1030-0x103f (16) and 0x1050-0x10ff (176). */
static const struct question questions[] = {
    { "it fits", 20, { 0 }, 0, VMEM_REASON_NONE, 0, 176, 1, 1, 1 },
    { "both fit", 16, { 0 }, 0, VMEM_REASON_NONE, 0, 176, 2, 2, 2 },
    { "size 0", 0, { 0 }, 0, VMEM_REASON_ARGUMENTS, EINVAL, 0, 0, 0, 0 },
    { "bad flags", 16, { 0 }, 0x10000, VMEM_REASON_ARGUMENTS, EINVAL, 0, 0, 0, 0 },
    { "waiting", 16, { 0 }, VMEM_WAIT, VMEM_REASON_ARGUMENTS, ENOTSUP, 0, 0, 0, 0 },
    { "rounding", MAX, { 0 }, 0, VMEM_REASON_ROUNDING, ENOMEM, 0, 0, 0, 0 },
    { "space", 193, { 0 }, 0, VMEM_REASON_SPACE, ENOMEM, 176, 0, 0, 0 },
    { "fragments", 192, { 0 }, 0, VMEM_REASON_FRAGMENTS, ENOMEM, 176, 0, 0, 0 },
    { "window", 32, { .addr_min = 0x1030, .addr_max = 0x105f }, 0, VMEM_REASON_WINDOW, ENOMEM, 16,
        1, 0, 0 },
    { "alignment", 32, { .align = 256 }, 0, VMEM_REASON_ALIGNMENT, ENOMEM, 0, 1, 1, 0 },
    { "phase", 32, { .align = 256, .phase = 16 }, 0, VMEM_REASON_ALIGNMENT, ENOMEM, 0, 1, 1, 0 },
    { "crossing", 128, { .nocross = 128 }, 0, VMEM_REASON_NONE, 0, 128, 1, 1, 1 },
    { "crossing, in a window", 64, { .nocross = 64, .addr_min = 0x1050, .addr_max = 0x10bf }, 0,
        VMEM_REASON_NONE, 0, 64, 1, 1, 1 },
    { "crossing everywhere", 64, { .nocross = 64, .addr_min = 0x1050, .addr_max = 0x10af }, 0,
        VMEM_REASON_ALIGNMENT, ENOMEM, 48, 1, 1, 0 },
};

static void
test_explain_tells_each_reason(void)
{
    static struct vmt_picture before;
    vmem_addr_t addrs[2];
    struct vmem_arena *arena = create_example(addrs);

    vmt_picture_take(&before, arena);
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        const struct question *q = &questions[i];
        struct vmem_explanation e;

        vmt_context(q->what, i);
        vmem_explain(arena, q->size, &q->constraint, q->flags, &e);
        CHECK_STR(vmem_reason_text(e.reason), vmem_reason_text(q->reason));
        CHECK_U64(e.status, ==, q->status);
        CHECK_U64(e.largest_possible, ==, q->largest_possible);
        CHECK_U64(e.holes_large_enough, ==, q->large_enough);
        CHECK_U64(e.holes_in_window, ==, q->in_window);
        CHECK_U64(e.holes_fitting, ==, q->fitting);
        if (e.size_rounded != 0) {
            CHECK_U64(e.size_rounded, ==, (q->size + 15) & ~(vmem_size_t)15);
            CHECK_U64(e.free_size, ==, 192);
            CHECK_U64(e.largest_hole, ==, 176);
            CHECK_U64(e.holes, ==, 2);
        }
        CHECK_UNCHANGED(&before, arena);
    }
    destroy_example(arena, addrs);
}

/* What explain says is what the request then does, and the largest size is the largest. */
static void
test_explain_agrees_with_what_the_request_does(void)
{
    vmem_addr_t addrs[2];
    struct vmem_arena *arena = create_example(addrs);

    for (vmem_size_t align = 16; align <= 512; align *= 2) {
        for (vmem_addr_t low = 0x1000; low < 0x1100; low += 24) {
            const struct vmem_constraint c = {
                .align = align, .addr_min = low, .addr_max = 0x10e0
            };
            struct vmem_explanation e;
            vmem_addr_t addr = 0;
            if (low > c.addr_max) {
                continue;
            }
            vmem_explain(arena, 16, &c, 0, &e);
            CHECK_U64(e.largest_possible % 16, ==, 0);
            CHECK((e.status == 0) == (e.largest_possible != 0));
            CHECK_U64(vmem_xalloc_with(arena, e.largest_possible + 16, &c, 0, &addr), ==, ENOMEM);
            if (e.largest_possible != 0) {
                CHECK_U64(vmem_xalloc_with(arena, e.largest_possible, &c, 0, &addr), ==, 0);
                vmem_free(arena, addr, e.largest_possible);
            }
        }
    }
    destroy_example(arena, addrs);
}

static void
test_explain_knows_the_limit_and_the_source(void)
{
    static struct vmt_source source;
    struct vmem_arena *arena = NULL;
    struct vmem_explanation e;

    vmt_source_init(&source, 0x10000, 0x10000);
    CHECK_OR_RETURN(vmem_create("explain", 0, 0, 16, 0, 0, &arena) == 0);
    CHECK_U64(vmem_set_import(arena, vmt_source_import, vmt_source_release, &source, 0), ==, 0);
    vmem_explain(arena, 16, NULL, 0, &e);
    CHECK_U64(e.reason, ==, VMEM_REASON_IMPORT); /* without a source's help */
    CHECK_U64(e.status, ==, ENOMEM);
    vmem_set_limit(arena, 15);
    vmem_explain(arena, 16, NULL, 0, &e);
    CHECK_U64(e.reason, ==, VMEM_REASON_LIMIT);
    vmem_set_limit(arena, 16);
    vmem_explain(arena, 16, NULL, 0, &e);
    CHECK_U64(e.reason, ==, VMEM_REASON_IMPORT);
    CHECK_U64(source.fuse.calls, ==, 0); /* it was not asked */
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

/* The reason by which a request that is refused is counted; NONE: it is not counted once. */
static enum vmem_reason
counted_reason(struct vmem_arena *arena, vmem_size_t size, const struct vmem_constraint *constraint)
{
    struct vmem_stats before, after;
    enum vmem_reason reason = VMEM_REASON_NONE;
    unsigned count = 0;
    vmem_addr_t addr;

    vmem_stats(arena, &before);
    CHECK_U64(vmem_xalloc_with(arena, size, constraint, 0, &addr), ==, ENOMEM);
    vmem_stats(arena, &after);
    for (unsigned i = 0; i < VMEM_REASON_COUNT; i++) {
        if (after.fails[i] != before.fails[i]) {
            reason = (enum vmem_reason)i;
            count++;
        }
    }
    return count == 1 ? reason : VMEM_REASON_NONE;
}

/* What is asked of a source is more than the request; the limit is held against that. */
static void
test_explain_rounds_as_an_import_does(void)
{
    static struct vmt_source source;
    const struct vmem_constraint phased = { .align = 64, .phase = 16 };
    const struct vmem_constraint windowed = { .align = 64, .addr_min = 1, .addr_max = 60 };
    struct vmem_arena *arena = NULL;
    struct vmem_explanation e;

    vmt_source_init(&source, 0x10000, 0x10000);
    vmt_fuse_set(&source.fuse, 1, true);
    CHECK_OR_RETURN(vmem_create("explain", 0, 0, 16, 0, 0, &arena) == 0);
    CHECK_U64(vmem_set_import(arena, vmt_source_import, vmt_source_release, &source, 64), ==, 0);
    for (vmem_size_t limit = 16; limit <= 160; limit += 16) {
        vmt_context("limit", limit);
        vmem_set_limit(arena, limit);
        for (vmem_size_t size = 16; size <= 128; size += 16) {
            vmem_explain(arena, size, NULL, 0, &e);
            CHECK_U64(e.reason, ==, counted_reason(arena, size, NULL));
            CHECK_U64(e.reason, ==,
                (size + 63) / 64 * 64 <= limit ? VMEM_REASON_IMPORT : VMEM_REASON_LIMIT);
            vmem_explain(arena, size, &phased, 0, &e);
            CHECK_U64(e.reason, ==, counted_reason(arena, size, &phased));
            vmem_explain(arena, size, &windowed, 0, &e);
            CHECK_U64(e.reason, ==, counted_reason(arena, size, &windowed));
        }
    }
    /* What no import quantum can round to is not asked for at all. */
    vmem_set_limit(arena, 0);
    vmem_explain(arena, MAX - 31, NULL, 0, &e);
    CHECK_U64(e.reason, ==, VMEM_REASON_SPACE);
    CHECK_U64(counted_reason(arena, MAX - 31, NULL), ==, VMEM_REASON_SPACE);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static bool
free_it(void *arg, const struct vmem_segment *segment)
{
    vmem_free(arg, segment->start, segment->size);
    return true;
}

/* Where nobody can be asked for tags, explain knows that there are none. */
static void
test_explain_knows_that_no_tag_is_left(void)
{
    static _Alignas(64) unsigned char memory[(VMEM_TAG_MEMORY_BYTES(50, 20) + 63) & ~63u];
    const struct vmem_options options = { .size = 1 << 20,
        .quantum = 1,
        .tag_memory = memory,
        .tag_memory_bytes = sizeof memory,
        .tag_memory_only = true };
    struct vmem_arena *arena = NULL;
    struct vmem_explanation e;
    vmem_addr_t addr;
    int status = 0;

    CHECK_OR_RETURN(vmem_create_with(&options, &arena) == 0);
    while (status == 0) {
        vmem_explain(arena, 1, NULL, 0, &e);
        status = vmem_xalloc(arena, 1, 2, 0, 0, 0, MAX, 0, &addr);
        CHECK_U64(e.status, ==, status);
    }
    CHECK_U64(status, ==, ENOMEM);
    CHECK_U64(e.reason, ==, VMEM_REASON_TAGS);
    CHECK_U64(counted_reason(arena, 1, NULL), ==, VMEM_REASON_TAGS);
    CHECK(e.holes_fitting != 0);
    vmem_walk(arena, VMEM_ALLOC, free_it, arena);
    vmem_explain(arena, 1, NULL, 0, &e);
    CHECK_U64(e.reason, ==, VMEM_REASON_NONE);
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static void
test_every_reason_has_a_text_of_its_own(void)
{
    for (unsigned i = 0; i < VMEM_REASON_COUNT; i++) {
        const char *one = vmem_reason_text((enum vmem_reason)i);
        CHECK(one != NULL && one[0] != '\0');
        for (unsigned j = 0; j < i; j++) {
            CHECK(strcmp(one, vmem_reason_text((enum vmem_reason)j)) != 0);
        }
    }
    CHECK(vmem_reason_text(VMEM_REASON_COUNT) != NULL);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_print_writes_these_lines),
    VMT_TEST(test_dump_writes_every_segment),
    VMT_TEST(test_summary_counts_holes_by_size),
    VMT_TEST(test_whatis_finds_the_segment_of_a_unit),
    VMT_TEST(test_printall_and_whatis_tell_of_all_arenas),
    VMT_TEST(test_titles_name_policy_and_source),
    VMT_TEST(test_a_sink_may_call_the_arena),
    VMT_TEST(test_a_name_of_full_length_is_printed_whole),
    VMT_TEST(test_explain_tells_each_reason),
    VMT_TEST(test_explain_agrees_with_what_the_request_does),
    VMT_TEST(test_explain_knows_the_limit_and_the_source),
    VMT_TEST(test_explain_rounds_as_an_import_does),
    VMT_TEST(test_explain_knows_that_no_tag_is_left),
    VMT_TEST(test_every_reason_has_a_text_of_its_own),
};

VMT_SUITE(tests);
