/*
 * test_model_rules - validation, spans, figures and imports of the model.
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 */
#include "model.h"
#include "vmt.h"

#include <errno.h>

static const vmem_addr_t TOP = VMEM_ADDR_MAX;

/* Every boundary of [C1]-[C4], in an arena of quantum 4. */
static const struct {
    const char *why;
    vmem_size_t size, align, phase, nocross;
    vmem_addr_t addr_min, addr_max;
    unsigned flags;
    int want;
} requests[] = {
    { "anywhere", 1, 0, 0, 0, 0, VMEM_ADDR_MAX, 0, 0 },
    { "size 0", 0, 0, 0, 0, 0, VMEM_ADDR_MAX, 0, EINVAL },
    { "largest size that can be rounded", VMEM_SIZE_MAX - 3, 0, 0, 0, 0, VMEM_ADDR_MAX, 0, 0 },
    { "one more", VMEM_SIZE_MAX - 2, 0, 0, 0, 0, VMEM_ADDR_MAX, 0, ENOMEM },
    { "bad align comes before a bad size", VMEM_SIZE_MAX, 12, 0, 0, 0, VMEM_ADDR_MAX, 0, EINVAL },
    { "align below the quantum", 4, 2, 0, 0, 0, VMEM_ADDR_MAX, 0, EINVAL },
    { "align no power of two", 4, 12, 0, 0, 0, VMEM_ADDR_MAX, 0, EINVAL },
    { "phase just below align", 4, 16, 12, 0, 0, VMEM_ADDR_MAX, 0, 0 },
    { "phase equal to align", 4, 16, 16, 0, 0, VMEM_ADDR_MAX, 0, EINVAL },
    { "phase without align", 4, 0, 4, 0, 0, VMEM_ADDR_MAX, 0, EINVAL },
    { "phase not aligned", 4, 16, 2, 0, 0, VMEM_ADDR_MAX, 0, EINVAL },
    { "nocross as large as the size", 8, 0, 0, 8, 0, VMEM_ADDR_MAX, 0, 0 },
    { "nocross below the size", 8, 0, 0, 4, 0, VMEM_ADDR_MAX, 0, EINVAL },
    { "nocross below the rounded size", 5, 0, 0, 4, 0, VMEM_ADDR_MAX, 0, EINVAL },
    { "nocross no power of two", 4, 0, 0, 12, 0, VMEM_ADDR_MAX, 0, EINVAL },
    { "phase and size fill the block", 8, 32, 8, 16, 0, VMEM_ADDR_MAX, 0, 0 },
    { "phase and size pass it", 12, 32, 8, 16, 0, VMEM_ADDR_MAX, 0, EINVAL },
    { "phase in a later block", 8, 32, 24, 16, 0, VMEM_ADDR_MAX, 0, 0 },
    { "a window of one unit", 4, 0, 0, 0, 9, 9, 0, 0 },
    { "a window upside down", 4, 0, 0, 0, 9, 8, 0, EINVAL },
    { "two policies", 4, 0, 0, 0, 0, VMEM_ADDR_MAX, VMEM_BESTFIT | VMEM_FIRSTFIT, EINVAL },
    { "an unknown flag", 4, 0, 0, 0, 0, VMEM_ADDR_MAX, 0x80000000u, EINVAL },
    { "a flag of creation", 4, 0, 0, 0, 0, VMEM_ADDR_MAX, VMEM_NOLOCK, EINVAL },
    { "waiting", 4, 0, 0, 0, 0, VMEM_ADDR_MAX, VMEM_WAIT, ENOTSUP },
};

static void
test_a_request_is_valid_or_refused_for_one_reason(void)
{
    struct vmem_model model;

    CHECK_U64(vmem_model_init(&model, 4, 0, 0), ==, 0);
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct vmem_model_request r;

        vmt_context(requests[i].why, i);
        CHECK_U64(vmem_model_request(&model, requests[i].size, requests[i].align, requests[i].phase,
                      requests[i].nocross, requests[i].addr_min, requests[i].addr_max,
                      requests[i].flags, &r),
            ==, requests[i].want);
    }
    vmt_context(NULL, 0);
    vmem_model_fini(&model);
}

static void
test_spans_merge_overlap_and_end_at_the_top(void)
{
    struct vmem_model_figures figures;
    struct vmem_model model;

    CHECK_U64(vmem_model_init(&model, 4, 0, 0), ==, 0);
    CHECK_U64(vmem_model_add(&model, 0, 16), ==, 0);
    CHECK_U64(vmem_model_add(&model, 24, 8), ==, 0);
    CHECK_U64(vmem_model_add(&model, 2, 8), ==, EINVAL);
    CHECK_U64(vmem_model_add(&model, 40, 0), ==, EINVAL);
    CHECK_U64(vmem_model_add(&model, 12, 8), ==, EEXIST);
    CHECK_U64(vmem_model_add(&model, 28, TOP - 3), ==, EEXIST); /* and ENOSPC: EEXIST is first */
    CHECK_U64(vmem_model_add(&model, TOP - 3, 8), ==, ENOSPC);
    vmem_model_figures(&model, &figures);
    CHECK_U64(figures.spans, ==, 2);
    CHECK_U64(vmem_model_add(&model, 16, 8), ==, 0);
    CHECK_U64(vmem_model_add(&model, TOP - 3, 4), ==, 0);
    vmem_model_figures(&model, &figures);
    CHECK_U64(figures.spans, ==, 2);
    CHECK_U64(figures.freesegs, ==, 2);
    CHECK_U64(figures.largest, ==, 32);
    CHECK_U64(figures.total, ==, 36);
    model.limit = 39;
    CHECK_U64(vmem_model_add(&model, 64, 4), ==, ENOSPC);
    model.limit = 10; /* below the total */
    CHECK_U64(vmem_model_add(&model, 64, 4), ==, ENOSPC);
    model.limit = 40;
    CHECK_U64(vmem_model_add(&model, 64, 4), ==, 0);
    CHECK_U64(vmem_model_state(&model, TOP), ==, VMEM_STATE_FREE);
    CHECK_U64(vmem_model_state(&model, 32), ==, VMEM_STATE_OUTSIDE);
    vmem_model_fini(&model);
}

static void
test_the_whole_space_but_one_unit_can_be_owned(void)
{
    struct vmem_model_figures figures;
    struct vmem_model model;

    CHECK_U64(vmem_model_init(&model, 1, 0, 0), ==, 0);
    CHECK_U64(vmem_model_add(&model, 1, VMEM_SIZE_MAX), ==, 0);
    CHECK_U64(vmem_model_add(&model, 0, 1), ==, ENOSPC);
    vmem_model_figures(&model, &figures);
    CHECK_U64(figures.total, ==, VMEM_SIZE_MAX);
    CHECK_U64(figures.largest, ==, VMEM_SIZE_MAX);
    vmem_model_fini(&model);
}

static void
test_a_free_is_judged_by_place_and_size(void)
{
    struct vmem_model_request r;
    struct vmem_model model;

    CHECK_U64(vmem_model_init(&model, 16, 0, VMEM_FIRSTFIT), ==, 0);
    CHECK_U64(vmem_model_add(&model, 0, 128), ==, 0);
    CHECK_U64(vmem_model_request(&model, 17, 0, 0, 0, 0, TOP, 0, &r), ==, 0);
    vmem_model_commit(&model, &r, 32);
    CHECK_U64(vmem_model_judge_free(&model, 32, 17), ==, VMEM_MODEL_FREE_OK);
    CHECK_U64(vmem_model_judge_free(&model, 32, 32), ==, VMEM_MODEL_FREE_OK);
    CHECK_U64(vmem_model_judge_free(&model, 32, 16), ==, VMEM_MODEL_FREE_WRONG_SIZE);
    CHECK_U64(vmem_model_judge_free(&model, 32, 33), ==, VMEM_MODEL_FREE_WRONG_SIZE);
    CHECK_U64(vmem_model_judge_free(&model, 32, 0), ==, VMEM_MODEL_FREE_WRONG_SIZE);
    CHECK_U64(vmem_model_judge_free(&model, 32, TOP), ==, VMEM_MODEL_FREE_WRONG_SIZE);
    CHECK_U64(vmem_model_judge_free(&model, 48, 16), ==, VMEM_MODEL_FREE_NOTHING);
    CHECK_U64(vmem_model_judge_free(&model, 31, 17), ==, VMEM_MODEL_FREE_NOTHING);
    CHECK_U64(vmem_model_judge_free(&model, 200, 16), ==, VMEM_MODEL_FREE_NOTHING);
    vmem_model_free(&model, 32);
    CHECK_U64(vmem_model_judge_free(&model, 32, 17), ==, VMEM_MODEL_FREE_NOTHING);
    CHECK_U64(model.holes.count, ==, 1);
    vmem_model_fini(&model);
}

/* The figures that the model keeps, against sums over its lists, through a random workload. */
static void
test_figures_are_the_sums_of_the_lists(void)
{
    struct vmt_rng rng = { vmt_seed() };
    struct vmem_model model;
    struct vmem_model copy = { 0 };

    CHECK_U64(vmem_model_init(&model, 1, 0, 0), ==, 0);
    CHECK_U64(vmem_model_add(&model, TOP - 299, 300), ==, 0);
    CHECK_U64(vmem_model_add(&model, 0, 100), ==, 0);
    for (uint64_t n = vmt_ops(20000); n > 0 && !vmt_failed(); n--) {
        struct vmem_model_figures figures;
        struct vmem_model_request r;
        vmem_addr_t at;
        bool is_dictated;
        vmem_size_t sum = 0;
        vmem_size_t largest = 0;

        CHECK_U64(vmem_model_request(&model, 1 + vmt_rng_below(&rng, 30), 0, 0, 0, 0, TOP,
                      1u << vmt_rng_below(&rng, 4), &r),
            ==, 0);
        if (vmt_rng_below(&rng, 2) == 0 && model.busy.count != 0) {
            vmem_model_free(&model, model.busy.at[vmt_rng_below(&rng, model.busy.count)].start);
        } else if (vmem_model_choose(&model, &r, &at, &is_dictated) == 0) {
            vmem_model_commit(&model, &r, at);
        }
        for (size_t i = 0; i < model.holes.count; i++) {
            const vmem_size_t size = model.holes.at[i].last - model.holes.at[i].start + 1;

            sum += size;
            largest = size > largest ? size : largest;
        }
        vmem_model_figures(&model, &figures);
        CHECK_U64(figures.free, ==, sum);
        CHECK_U64(figures.largest, ==, largest);
        CHECK_U64(figures.inuse + figures.free, ==, 400);
    }
    vmem_model_copy(&copy, &model);
    CHECK(vmem_model_equal(&copy, &model));
    copy.cursor++;
    CHECK(!vmem_model_equal(&copy, &model));
    vmem_model_fini(&copy);
    vmem_model_fini(&model);
}

/* A source of 1000 units and an arena of quantum 4 that imports multiples of 16 from it. */
struct family {
    struct vmem_model source, child;
};

static void
family_init(struct family *family)
{
    CHECK_U64(vmem_model_init(&family->source, 2, 0, VMEM_FIRSTFIT), ==, 0);
    CHECK_U64(vmem_model_add(&family->source, 0, 1000), ==, 0);
    CHECK_U64(vmem_model_init(&family->child, 4, 0, VMEM_BESTFIT), ==, 0);
    CHECK_U64(vmem_model_set_source(&family->child, &family->source, 6, 0), ==, EINVAL);
    CHECK_U64(vmem_model_set_source(&family->child, &family->source, 16, 0), ==, 0);
}

static void
family_fini(struct family *family)
{
    vmem_model_fini(&family->child);
    vmem_model_fini(&family->source);
}

static void
test_a_span_that_came_is_checked_and_taken(void)
{
    const struct vmem_model_range good = { 100, 115 };
    struct family f;

    family_init(&f);
    CHECK(vmem_model_span_came(&f.child, (struct vmem_model_range){ 102, 117 }) != NULL);
    CHECK(vmem_model_span_came(&f.child, (struct vmem_model_range){ 1000, 1015 }) != NULL);
    CHECK(vmem_model_span_came(&f.child, good) == NULL);
    CHECK_U64(f.source.inuse, ==, 16);
    CHECK_U64(f.child.imported, ==, 16);
    CHECK(vmem_model_span_came(&f.child, (struct vmem_model_range){ 112, 127 }) != NULL);
    f.child.limit = 31;
    CHECK(vmem_model_span_came(&f.child, (struct vmem_model_range){ 200, 215 }) != NULL);
    CHECK_U64(vmem_model_empty_imports(&f.child), ==, 1);
    CHECK(vmem_model_span_went(&f.child, (struct vmem_model_range){ 100, 111 }) != NULL);
    CHECK(vmem_model_span_went(&f.child, good) == NULL);
    CHECK_U64(f.source.inuse, ==, 0);
    CHECK_U64(f.child.total, ==, 0);
    family_fini(&f);
}

static void
test_a_busy_span_may_not_go(void)
{
    const struct vmem_model_range span = { 100, 115 };
    struct vmem_model_request r;
    struct family f;

    family_init(&f);
    CHECK(vmem_model_span_came(&f.child, span) == NULL);
    CHECK_U64(vmem_model_request(&f.child, 4, 0, 0, 0, 0, TOP, 0, &r), ==, 0);
    vmem_model_commit(&f.child, &r, 104);
    CHECK_U64(vmem_model_empty_imports(&f.child), ==, 0);
    CHECK(vmem_model_span_went(&f.child, span) != NULL);
    vmem_model_free(&f.child, 104);
    CHECK(vmem_model_span_went(&f.child, span) == NULL);
    family_fini(&f);
}

static void
test_holes_of_two_imported_spans_stay_apart(void)
{
    struct vmem_model_request r;
    struct family f;

    family_init(&f);
    CHECK(vmem_model_span_came(&f.child, (struct vmem_model_range){ 0, 15 }) == NULL);
    CHECK(vmem_model_span_came(&f.child, (struct vmem_model_range){ 16, 31 }) == NULL);
    CHECK_U64(f.child.holes.count, ==, 2);
    CHECK_U64(vmem_model_request(&f.child, 16, 0, 0, 0, 0, TOP, 0, &r), ==, 0);
    CHECK(!vmem_model_is_legal(&f.child, &r, 8));
    vmem_model_commit(&f.child, &r, 16);
    vmem_model_free(&f.child, 16);
    CHECK_U64(f.child.holes.count, ==, 2);
    family_fini(&f);
}

/* Which refusals of an arena that imports are wrong. */
static const struct {
    const char *why;
    vmem_size_t size, align;
    vmem_addr_t addr_min, addr_max;
    vmem_size_t limit;
    bool helps;
} imports[] = {
    { "the source has it", 16, 0, 0, VMEM_ADDR_MAX, 0, true },
    { "rounded, all of it fits", 981, 0, 0, VMEM_ADDR_MAX, 0, true },
    { "rounded, it does not fit", 993, 0, 0, VMEM_ADDR_MAX, 0, false },
    { "the limit allows it", 10, 0, 0, VMEM_ADDR_MAX, 16, true },
    { "the limit forbids it", 17, 0, 0, VMEM_ADDR_MAX, 16, false },
    { "aligned", 4, 512, 0, VMEM_ADDR_MAX, 0, true },
    { "no such multiple", 4, 1024, 1, VMEM_ADDR_MAX, 0, false },
    { "in a window of the source", 4, 0, 900, 915, 0, true },
    { "in a window that it has not", 4, 0, 1000, VMEM_ADDR_MAX, 0, false },
};

static void
test_a_refusal_is_wrong_if_an_import_helps(void)
{
    struct family f;

    family_init(&f);
    for (size_t i = 0; i < sizeof imports / sizeof imports[0]; i++) {
        struct vmem_model_verdict verdict;
        struct vmem_model_request r;

        vmt_context(imports[i].why, i);
        f.child.limit = imports[i].limit;
        CHECK_U64(vmem_model_request(&f.child, imports[i].size, imports[i].align, 0, 0,
                      imports[i].addr_min, imports[i].addr_max, 0, &r),
            ==, 0);
        CHECK(vmem_model_import_helps(&f.child, &r) == imports[i].helps);
        vmem_model_judge(&f.child, &r, ENOMEM, 0, &verdict);
        CHECK((verdict.rule != NULL) == imports[i].helps);
    }
    vmt_context(NULL, 0);
    family_fini(&f);
}

static void
test_imports_have_exact_sizes_or_a_bound(void)
{
    struct vmem_model_request r;
    vmem_size_t least = 0;
    vmem_size_t most = 0;
    struct family f;

    family_init(&f);
    CHECK_U64(vmem_model_request(&f.child, 17, 0, 0, 0, 0, TOP, 0, &r), ==, 0);
    CHECK(vmem_model_import_sizes(&f.child, &r, &least, &most));
    CHECK_U64(least, ==, 32);
    CHECK_U64(most, ==, 32);
    CHECK_U64(vmem_model_request(&f.child, 17, 64, 0, 0, 0, TOP, 0, &r), ==, 0);
    CHECK(vmem_model_import_sizes(&f.child, &r, &least, &most));
    CHECK_U64(least, ==, 32);
    CHECK_U64(most, ==, 96); /* 20 + 64, rounded to 16 */
    CHECK(!vmem_model_import_sizes(&f.source, &r, &least, &most));
    family_fini(&f);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_a_request_is_valid_or_refused_for_one_reason),
    VMT_TEST(test_spans_merge_overlap_and_end_at_the_top),
    VMT_TEST(test_the_whole_space_but_one_unit_can_be_owned),
    VMT_TEST(test_a_free_is_judged_by_place_and_size),
    VMT_TEST(test_figures_are_the_sums_of_the_lists),
    VMT_TEST(test_a_span_that_came_is_checked_and_taken),
    VMT_TEST(test_a_busy_span_may_not_go),
    VMT_TEST(test_holes_of_two_imported_spans_stay_apart),
    VMT_TEST(test_a_refusal_is_wrong_if_an_import_helps),
    VMT_TEST(test_imports_have_exact_sizes_or_a_bound),
};
VMT_SUITE(tests);
