/*
 * test_scenario_parse - what a scenario may say, and what the parser says if it does not.
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 */
#include "text.h"
#include "vmt.h"

#include <errno.h>
#include <string.h>

static bool
parse(struct vmem_scenario *scenario, const char *text)
{
    return vmem_scenario_parse(scenario, text, strlen(text));
}

static const struct {
    const char *text;
    bool is_number;
    uint64_t value;
} numbers[] = {
    { "0", true, 0 },
    { "18446744073709551615", true, UINT64_MAX },
    { "MAX", true, UINT64_MAX },
    { "0xffffffffffffffff", true, UINT64_MAX },
    { "0x1e", true, 30 },
    { "0xE", true, 14 },
    { "0x10K", true, 16384 },
    { "1K", true, 1024 },
    { "3M", true, 3u << 20 },
    { "1G", true, UINT64_C(1) << 30 },
    { "2T", true, UINT64_C(2) << 40 },
    { "1P", true, UINT64_C(1) << 50 },
    { "15E", true, UINT64_C(15) << 60 },
    { "0E", true, 0 },
    { "16E", false, 0 },
    { "18446744073709551616", false, 0 },
    { "0x10000000000000000", false, 0 },
    { "99999999999999999999999999", false, 0 },
    { "", false, 0 },
    { "0x", false, 0 },
    { "0xK", false, 0 },
    { "K", false, 0 },
    { "1k", false, 0 },
    { "1KK", false, 0 },
    { "-1", false, 0 },
    { "+1", false, 0 },
    { "1.5", false, 0 },
    { "0X10", false, 0 },
    { "MAXX", false, 0 },
    { "12a", false, 0 },
};

static void
test_numbers_are_read_as_documented(void)
{
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct vmem_scenario scenario = { 0 };
        const struct vmem_word word = { numbers[i].text, strlen(numbers[i].text), 5 };
        uint64_t value = 0;

        vmt_context(numbers[i].text, i);
        CHECK(vmem_text_number(&scenario, &word, &value) == numbers[i].is_number);
        CHECK_U64(value, ==, numbers[i].value);
        CHECK(scenario.is_broken == !numbers[i].is_number);
    }
    vmt_context(NULL, 0);
}

static void
test_a_line_becomes_a_statement(void)
{
    struct vmem_scenario s;

    CHECK_OR_RETURN(parse(&s,
        "\xef\xbb\xbf# a comment\r\n"
        "arena a keep=2 quantum=4K\tbase=1M size=8K policy=next limit=9K # more\r\n"
        "\r\n"
        "xalloc a id-1 12 high max=0x10 align=8 policy=best = @16\n"
        "  free a id-1 = misuse\n"
        "expect a free=3 total=MAX\n"
        "state a 7 = busy\n"
        "random a ops=10 seed=3 policies=best,first constrained=7"));
    CHECK_OR_RETURN(s.count == 6);
    CHECK_U64(s.statements[0].line, ==, 2);
    CHECK_U64(s.statements[0].u.arena.options.quantum, ==, 4096);
    CHECK_U64(s.statements[0].u.arena.options.base, ==, 1u << 20);
    CHECK_U64(s.statements[0].u.arena.options.import_keep, ==, 2);
    CHECK_U64(s.statements[0].u.arena.options.flags, ==, VMEM_NEXTFIT);
    CHECK_U64(s.statements[1].verb, ==, VMEM_VERB_XALLOC);
    CHECK_U64(s.statements[1].line, ==, 4);
    CHECK_U64(s.statements[1].u.alloc.flags, ==, VMEM_HIGH | VMEM_BESTFIT);
    CHECK_U64(s.statements[1].u.alloc.addr_max, ==, 16);
    CHECK_U64(s.statements[1].result.kind, ==, VMEM_RESULT_PLACE);
    CHECK_U64(s.statements[1].result.addr, ==, 16);
    CHECK_U64(s.statements[2].column, ==, 3);
    CHECK_U64(s.statements[2].id.text, ==, s.statements[1].id.text);
    CHECK_U64(s.statements[2].result.kind, ==, VMEM_RESULT_MISUSE);
    CHECK(s.statements[3].u.expect.is_given[VMEM_FIGURE_FREE]);
    CHECK(!s.statements[3].u.expect.is_given[VMEM_FIGURE_SPANS]);
    CHECK_U64(s.statements[4].result.state, ==, VMEM_STATE_BUSY);
    CHECK_U64(s.statements[5].u.random.policy_count, ==, 2);
    CHECK_U64(s.statements[5].u.random.constrained, ==, 7);
    vmem_scenario_fini(&s);
}

static void
test_repeats_know_their_ends_and_empty_ones_vanish(void)
{
    struct vmem_scenario s;

    CHECK_OR_RETURN(parse(
        &s, "repeat 2\n repeat MAX\n repeat 3\n end\n end\n alloc a x* 1\n free a x.1\nend\n"));
    CHECK_OR_RETURN(s.count == 4);
    CHECK_U64(s.statements[0].u.repeat.count, ==, 2);
    CHECK_U64(s.statements[0].u.repeat.partner, ==, 3);
    CHECK_U64(s.statements[3].u.repeat.partner, ==, 0);
    CHECK(s.statements[1].id.is_numbered);
    CHECK_U64(s.statements[2].id.suffix, ==, 1);
    CHECK_U64(s.statements[1].id.text, ==, s.statements[2].id.text);
    vmem_scenario_fini(&s);
}

static void
test_a_feature_that_is_not_built_is_named(void)
{
    struct vmem_scenario s;

    CHECK(parse(&s, "# x\nneeds import random\n"));
    CHECK_STR(s.missing, "");
    vmem_scenario_fini(&s);
    CHECK(parse(&s, "# x\nneeds import telepathy\n\n# y\n needs qcache\ndrain a\n"));
    CHECK_STR(s.missing, "telepathy");
    CHECK_U64(s.missing_line, ==, 2);
    vmem_scenario_fini(&s);
}

/* Broken texts, where, and a piece of the message. */
static const struct {
    const char *text;
    unsigned line, column;
    const char *says;
    size_t before; /* statements that are left to run */
} errors[] = {
    { "frob a\n", 1, 1, "unknown operation 'frob': arena, add", 0 },
    { "drain a\n\n  drain\n", 3, 8, "NAME is missing", 1 },
    { "drain a b\n", 1, 9, "'b' is one word too many", 0 },
    { "arena a size=4\n", 1, 1, "quantum= is missing", 0 },
    { "arena a quantum=\n", 1, 17, "a number is missing", 0 },
    { "arena a quantum\n", 1, 16, "quantum has no value", 0 },
    { "arena a quantum=1 quantum=2\n", 1, 19, "quantum is given twice", 0 },
    { "arena a quantum=1 quantun=2\n", 1, 19, "unknown word 'quantun': arena NAME", 0 },
    { "arena a quantum=1 policy=worst\n", 1, 26, "instant, best, first or next", 0 },
    { "arena a$ quantum=1\n", 1, 8, "letters, digits", 0 },
    { "alloc a x\n", 1, 10, "SIZE is missing", 0 },
    { "alloc a x = ok\n", 1, 11, "SIZE is missing", 0 },
    { "alloc a x* 1\n", 1, 10, "outside of any", 0 },
    { "alloc a x.0 1\n", 1, 10, "is not an ID", 0 },
    { "alloc a x 1 =\n", 1, 14, "the result is missing", 0 },
    { "alloc a x 1 = fine\n", 1, 15, "unknown result 'fine': ok, @ADDR", 0 },
    { "alloc a x 1 = busy\n", 1, 15, "results of state, not of alloc", 0 },
    { "alloc a x 1 = @\n", 1, 16, "a number is missing", 0 },
    { "alloc a x 1 = ok ok\n", 1, 18, "after the result", 0 },
    { "xalloc a x 1 high=1\n", 1, 19, "high takes no value", 0 },
    { "xalloc a x 1 align=3x\n", 1, 20, "'3x' is not a number", 0 },
    { "free a x = @4\n", 1, 12, "@ADDR is a result of alloc and xalloc", 0 },
    { "state a 4\n", 1, 10, "the state is missing", 0 },
    { "state a 4 = ok\n", 1, 13, "the state is missing", 0 },
    { "expect a\n", 1, 9, "KEY=VALUE is missing", 0 },
    { "expect a fred=1\n", 1, 10, "unknown word 'fred'", 0 },
    { "random a seed=1\n", 1, 1, "ops= is missing", 0 },
    { "random a seed=1 ops=1 constrained=101\n", 1, 35, "0 to 100", 0 },
    { "random a seed=1 ops=1 policies=best,,next\n", 1, 37, "'' is not a policy", 0 },
    { "drain a\nend\n", 2, 1, "without a repeat", 1 },
    { "drain a\nrepeat 2\n drain b\n", 2, 1, "this repeat has no end", 1 },
    { "drain a\nrepeat 2\n drain b\n frob\nend\n", 4, 2, "unknown operation", 1 },
    { "repeat 2 = ok\n", 1, 12, "repeat has no result", 0 },
    { "repeat\n", 1, 7, "N is missing", 0 },
    { "repeat 2\nneeds import\nend\n", 2, 1, "top of the file", 0 },
    { "repeat 2\nend\nneeds import\n", 3, 1, "top of the file", 0 },
    { "drain a\n # x\n  needs telepathy\n", 3, 3, "top of the file", 1 },
    { "drain a\x01\n", 1, 8, "byte 0x01", 0 },
    { "drain \xc3\xa4\n", 1, 7, "byte 0xc3", 0 },
};

static void
test_errors_name_the_place_and_what_would_be_right(void)
{
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        struct vmem_scenario s;

        vmt_context(errors[i].text, i);
        CHECK(!parse(&s, errors[i].text));
        CHECK(s.is_broken);
        CHECK_U64(s.error_line, ==, errors[i].line);
        CHECK_U64(s.error_column, ==, errors[i].column);
        if (strstr(s.error, errors[i].says) == NULL) {
            CHECK_STR(s.error, errors[i].says);
        }
        CHECK_U64(s.count, ==, errors[i].before);
        vmem_scenario_fini(&s);
    }
    vmt_context(NULL, 0);
}

static void
test_depth_has_a_bound(void)
{
    static char text[(VMEM_SCENARIO_DEPTH_MAX + 1) * 9 * 2];
    struct vmem_scenario s;

    for (unsigned depth = VMEM_SCENARIO_DEPTH_MAX; depth <= VMEM_SCENARIO_DEPTH_MAX + 1; depth++) {
        text[0] = '\0';
        for (unsigned i = 0; i < depth; i++) {
            memcpy(&text[9 * i], "repeat 1\n", 10);
        }
        strcat(text, "drain a\n");
        for (unsigned i = 0; i < depth; i++) {
            strcat(text, "end\n");
        }
        CHECK(parse(&s, text) == (depth == VMEM_SCENARIO_DEPTH_MAX));
        CHECK(s.is_broken == (depth != VMEM_SCENARIO_DEPTH_MAX));
        vmem_scenario_fini(&s);
    }
}

/* Texts of random bytes, and good texts with bytes changed, end in a statement or an error. */
static void
test_garbage_is_an_error_and_nothing_else(void)
{
    static const char seedling[] = "needs import\narena a quantum=1 base=0x10 size=1K policy=best\n"
                                   "repeat 3\n alloc a x* 10 = @4\n free a x*\nend\n"
                                   "xalloc a y 3 align=4 phase=2 nocross=8 min=1 max=2 high = ?\n"
                                   "expect a total=1 largest=3\nstate a 4 = busy\n"
                                   "random a seed=1 ops=5 policies=best,next\n";
    struct vmt_rng rng = { vmt_seed() };
    char text[sizeof seedling];
    uint64_t broken = 0;
    uint64_t good = 0;

    for (uint64_t n = vmt_ops(20000); n > 0; n--) {
        const size_t length = (size_t)vmt_rng_below(&rng, sizeof text);
        struct vmem_scenario s;

        memcpy(text, seedling, sizeof text);
        for (uint64_t edits = vmt_rng_below(&rng, 5); edits > 0; edits--) {
            text[vmt_rng_below(&rng, sizeof text)] = vmt_rng_below(&rng, 2) == 0
                ? (char)vmt_rng_next(&rng)
                : seedling[vmt_rng_below(&rng, sizeof seedling)];
        }
        if (vmem_scenario_parse(&s, text, length)) {
            good++;
            CHECK(!s.is_broken);
        } else {
            broken++;
            CHECK(s.is_broken && s.error[0] != '\0' && s.error_line != 0 && s.error_column != 0);
        }
        vmem_scenario_fini(&s);
    }
    CHECK_U64(broken, >, 0);
    CHECK_U64(good, >, 0);
}

static void
test_the_map_keeps_what_was_set(void)
{
    struct vmt_rng rng = { vmt_seed() };
    struct vmem_map map = { 0 };
    uint64_t mirror[512] = { 0 }; /* 0 = not there */

    for (uint64_t n = 1; n < 50000 && !vmt_failed(); n++) {
        const uint64_t i = vmt_rng_below(&rng, 512);
        const struct vmem_map_key key = { i & 7, i >> 3, i * 3 };
        uint64_t value = 0;

        CHECK(vmem_map_get(&map, key, &value) == (mirror[i] != 0));
        CHECK_U64(value, ==, mirror[i]);
        if (vmt_rng_below(&rng, 2) == 0) {
            vmem_map_set(&map, key, n);
            mirror[i] = n;
        } else {
            vmem_map_remove(&map, key);
            mirror[i] = 0;
        }
    }
    vmem_map_fini(&map);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_numbers_are_read_as_documented),
    VMT_TEST(test_a_line_becomes_a_statement),
    VMT_TEST(test_repeats_know_their_ends_and_empty_ones_vanish),
    VMT_TEST(test_a_feature_that_is_not_built_is_named),
    VMT_TEST(test_errors_name_the_place_and_what_would_be_right),
    VMT_TEST(test_depth_has_a_bound),
    VMT_TEST(test_garbage_is_an_error_and_nothing_else),
    VMT_TEST(test_the_map_keeps_what_was_set),
};
VMT_SUITE(tests);
