/*
 * test_scenario_run - what the runner passes, fails, skips and says.
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * Small scenarios on the real library.  That the judge finds a library's faults is tested in
 * test_model_places.c and test_model_rules.c: here the library is right.
 */
#include "execute.h"
#include "vmt.h"

#include <string.h>

#define OUTPUT_BYTES 8192

/* Run a text; what it prints goes to `output`. */
static struct vmem_tally
run(const char *text, const uint64_t *seed, bool is_verbose, char output[OUTPUT_BYTES])
{
    struct vmem_run_options options = { .is_verbose = is_verbose, .is_quiet = true, .seed = seed };
    struct vmem_tally tally = { 0 };
    struct vmem_scenario scenario;
    FILE *stream = tmpfile();

    output[0] = '\0';
    if (stream == NULL) {
        FAIL("no temporary file");
        return tally;
    }
    options.out = stream;
    options.err = stream;
    (void)vmem_scenario_parse(&scenario, text, strlen(text));
    vmem_execute(&scenario, "t.vms", &options, &tally);
    vmem_scenario_fini(&scenario);
    rewind(stream);
    output[fread(output, 1, OUTPUT_BYTES - 1, stream)] = '\0';
    (void)fclose(stream);
    return tally;
}

/* Scenarios, how they are counted, and a piece of what is printed. */
static const struct {
    const char *text;
    uint64_t passed, failed, skipped;
    const char *says;
} cases[] = {
    { "", 0, 0, 0, "" },
    { "arena a quantum=1 size=8\nalloc a x 8 = @0\nfree a x\n", 3, 0, 0, "" },
    { "arena a quantum=1 size=8\nalloc a x 8\n", 2, 0, 0, "" },
    { "arena a quantum=3 = EINVAL\narena a quantum=1\n", 2, 0, 0, "" },
    { "arena a quantum=1 size=8\n alloc a x 8 = @1\n", 1, 1, 0,
        "t.vms:2:2: alloc a x 8 = @1\n    expected @0x1, got @0x0" },
    { "arena a quantum=1 size=8\nalloc a x 9\nfree a x\n", 1, 2, 0, "expected ok, got ENOMEM" },
    { "arena a quantum=1 size=8\nalloc a x 9 = ?\nfree a x\nalloc a x 1 = ?\nfree a x\n", 5, 0, 0,
        "" },
    { "arena a quantum=1 size=8\nexpect a total=8 spans=2 largest=7\n", 1, 1, 0,
        "largest is 8, expected 7 (the model has 8); spans is 1, expected 2" },
    { "arena a quantum=1 size=8\nstate a 8 = free\n", 1, 1, 0, "expected free, got outside" },
    { "arena a quantum=1 size=8\nalloc a x 1\nalloc a x 1\nalloc a y 1\n", 2, 1, 0,
        "t.vms:3:9: ID 'x' of arena 'a' is live" },
    { "arena a quantum=1\narena a quantum=1\n", 1, 1, 0, "t.vms:2:7: arena 'a' exists already" },
    { "alloc b x 1\n", 0, 1, 0, "t.vms:1:7: there is no arena 'b'" },
    { "arena a quantum=1\nfree a x\n", 1, 1, 0, "t.vms:2:8: ID 'x' of arena 'a' is not live" },
    { "arena a quantum=1\ndrain a\nfrob\ndrain a\n", 2, 1, 0,
        "t.vms:3:1: unknown operation 'frob'" },
    { "arena a quantum=1\ndrain a\nfrob\n", 2, 1, 0, "judged before that: 2 passed, 0 failed" },
    { "needs qcache\nfrob\n", 0, 0, 1, "t.vms:1: skipped: it needs 'qcache'" },
    { "arena a quantum=1\nneeds qcache\n", 1, 1, 0, "t.vms:2:1: " },
    { "arena a quantum=1 size=8\nrepeat 8\nalloc a x* 1\nend\nexpect a free=0\nfree a x.3\n", 11, 0,
        0, "" },
    { "arena a quantum=1 size=5\nrepeat 2\nrepeat 3\nalloc a x* 1\nend\nrepeat 3\nfree a "
      "x*\nend\nend\nrepeat 0\nfree a nothing\nend\n",
        13, 0, 0, "" },
    { "arena a quantum=1 size=2\nrepeat 3\nalloc a x* 1\nend\n", 3, 1, 0, "(repeat 3)" },
    { "arena a quantum=1 size=64\nalloc a x 4\nfreeat a 0 5 = misuse\nfreeat a 0 4\nfreeat a 0 4 "
      "= misuse\ndestroy a\n",
        6, 0, 0, "" },
    { "arena a quantum=1 size=64\nalloc a x 4\ndestroy a = misuse\nfreeat a 0 4\nalloc a x 4\n", 5,
        0, 0, "" },
    { "arena p quantum=1 size=64\narena c quantum=1 source=p import_quantum=16\nalloc c x 4\n"
      "expect p inuse=16\nfreeat p 0 16\n",
        4, 1, 0, "is a span of arena 'c'" },
    { "arena p quantum=1 size=64\narena c quantum=1 source=p\ndestroy p\nalloc c x 1 = ENOMEM\n", 4,
        0, 0, "" },
    { "arena p quantum=1 size=64\narena c quantum=1 source=p keep=1\nalloc c x 4\nfree c "
      "x\nexpect c total=4\ndestroy p = misuse\n",
        6, 0, 0, "" },
};

static void
test_scenarios_are_counted_and_reported(void)
{
    static char output[OUTPUT_BYTES];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct vmem_tally tally = run(cases[i].text, NULL, false, output);

        vmt_context(cases[i].text, i);
        CHECK_U64(tally.passed, ==, cases[i].passed);
        CHECK_U64(tally.failed, ==, cases[i].failed);
        CHECK_U64(tally.skipped, ==, cases[i].skipped);
        if (strstr(output, cases[i].says) == NULL) {
            CHECK_STR(output, cases[i].says);
        }
        if (tally.failed == 0 && tally.skipped == 0) {
            CHECK_STR(output, "");
        }
    }
    vmt_context(NULL, 0);
}

static void
test_verbose_prints_each_line_and_what_it_did(void)
{
    static char output[OUTPUT_BYTES];

    (void)run(
        "arena a quantum=1 base=16 size=8\nalloc a x 8\nstate a 16 = busy\n", NULL, true, output);
    CHECK(strstr(output, "t.vms:2: alloc a x 8 -> @0x10\n") != NULL);
    CHECK(strstr(output, "t.vms:3: state a 16 = busy -> busy\n") != NULL);
}

static void
test_a_random_line_leaves_nothing_behind(void)
{
    static char output[OUTPUT_BYTES];

    for (uint64_t n = 0; n < 20; n++) {
        const uint64_t seed = vmt_seed() + n;
        const struct vmem_tally tally =
            run("arena p quantum=4 base=0x1000 size=4K policy=best\n"
                "add p 0xfffffffffffff000 4K\n"
                "random p seed=1 ops=400 max_size=600\n"
                "arena c quantum=16 source=p import_quantum=64 keep=1\n"
                "random c seed=1 ops=400 max_size=300 constrained=60 policies=best,next\n"
                "arena d quantum=32 source=c\n"
                "random d seed=1 ops=400 max_size=300\n"
                "expect d inuse=0\nexpect c inuse=0\n"
                "destroy d\ndestroy c\nexpect p inuse=0 freesegs=2\n",
                &seed, false, output);

        CHECK_U64(tally.failed, ==, 0);
        CHECK_STR(output, "");
    }
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_scenarios_are_counted_and_reported),
    VMT_TEST(test_verbose_prints_each_line_and_what_it_did),
    VMT_TEST(test_a_random_line_leaves_nothing_behind),
};
VMT_SUITE(tests);
