/*
 * random_test - random operations on arenas, judged by the model.  SPDX-License-Identifier: BSD-2-Clause
 *
 * Each test makes rounds: a random set-up, some hundred or thousand operations, and at the end all is
 * freed and destroyed.  The seed of a failing run repeats it; the log of the failing round is shrunk and
 * printed as a scenario (rig.h).
 *
 * --ops N makes N operations in small arenas, and a fixed part of N in the others.  A hundred million
 * take some minutes in a release build.
 */
#include "rig.h"

#include <stdlib.h>

enum {
    OPS_DEFAULT = 2000000,
    TREE_PART = 4, /* of the operations */
    LARGE_PART = 8,
    SCARCE_PART = 16,
    SCARCE_LIVE = 40,    /* allocations for which a scarce rig has memory */
    SCARCE_LESS = 12288, /* bytes that it may lack */
    LOG_MAX = 20000
};

static const char *
run_round(struct vmt_rng *rng, const struct rig_setup *setup, size_t count, struct rig_op *log,
    size_t *logged, struct rig_reached *reached)
{
    const unsigned check_every = setup->is_large ? 4096 : 64;
    const size_t live_max = setup->tag_bytes != 0 && !setup->may_lack_tags ? SCARCE_LIVE : SIZE_MAX;
    unsigned alloc_percent = 75;
    struct rig rig;
    const char *broken = rig_init(&rig, setup, reached);

    *logged = 0;
    for (size_t i = 0; i < count && broken == NULL; i++) {
        struct rig_op *op = &log[(*logged)++];
        if (i % (count / 8 + 1) == 0) {
            /* Grow, shrink, or stay as it is for a while. */
            alloc_percent = (unsigned)(20 + vmt_rng_below(rng, 70));
            alloc_percent = setup->grow && i < count / 2 ? 95 : alloc_percent;
        }
        rig_generate_op(rng, &rig, rig.live_count >= live_max ? 0 : alloc_percent, (uint32_t)i, op);
        if (i % check_every == check_every - 1) {
            *op = (struct rig_op){ .kind = RIG_CHECK, .id = (uint32_t)i };
        }
        broken = rig_do(&rig, op);
    }
    if (broken == NULL) {
        return rig_fini(&rig);
    }
    rig_abandon(&rig);
    return broken;
}

/* Rounds of one kind until the operations are made.  Fails the test at the first disagreement. */
static void
run_rounds(enum rig_size size, uint64_t ops, size_t round_max, struct rig_reached *reached)
{
    struct vmt_rng rng = { .state = vmt_seed() };
    struct rig_op *log = malloc(LOG_MAX * sizeof log[0]);

    *reached = (struct rig_reached){ 0 };
    CHECK_OR_RETURN(log != NULL);
    rig_faults_install();
    while (reached->ops < ops && !vmt_failed()) {
        struct rig_setup setup;
        const size_t count = (size_t)(round_max / 4 + vmt_rng_below(&rng, round_max * 3 / 4));
        size_t logged;
        const char *broken;

        rig_generate_setup(&rng, size, &setup);
        if (size == RIG_SCARCE) {
            /* As much as is promised to be enough, or less. */
            setup.tag_bytes = VMEM_TAG_MEMORY_BYTES(SCARCE_LIVE, 10) & ~(size_t)63;
            setup.may_lack_tags = vmt_rng_below(&rng, 2) == 0;
            if (setup.may_lack_tags) {
                setup.tag_bytes -= (size_t)vmt_rng_below(&rng, SCARCE_LESS) & ~(size_t)63;
            }
        }
        broken = run_round(&rng, &setup, count, log, &logged, reached);
        if (broken != NULL) {
            rig_report(&setup, log, logged, broken);
            FAIL(broken);
        }
    }
    free(log);
    vmt_note_u64("operations", reached->ops);
    vmt_note_u64("  granted", reached->granted);
    vmt_note_u64("  refused", reached->refused);
    vmt_note_u64("  misuses", reached->misuses);
    vmt_note_u64("  searches", reached->searches);
    vmt_note_u64("  scans", reached->scans);
    vmt_note_u64("  arenas indexed", reached->indexed);
    vmt_note_u64("  most holes", reached->holes);
    vmt_note_u64("  most allocations", reached->live);
    CHECK_U64(reached->granted, >, 0);
    CHECK_U64(reached->refused, >, 0);
    CHECK_U64(reached->misuses, >, 0);
}

static void
test_small_arenas_agree_with_the_model(void)
{
    struct rig_reached reached;

    run_rounds(RIG_SMALL, vmt_ops(OPS_DEFAULT), 3000, &reached);
    CHECK_U64(reached.indexed, >, 0);
}

static void
test_large_arenas_agree_with_the_model(void)
{
    struct rig_reached reached;

    run_rounds(RIG_LARGE, vmt_ops(OPS_DEFAULT) / LARGE_PART, LOG_MAX, &reached);
    if (vmt_ops(OPS_DEFAULT) >= OPS_DEFAULT) {
        CHECK_U64(reached.searches, >, 0);
        CHECK_U64(reached.indexed, >, 0);
        CHECK_U64(reached.holes, >, 300);
        CHECK_U64(reached.live, >, 1500);
    }
}

static void
test_arenas_without_memory_for_an_index_agree_with_the_model(void)
{
    struct rig_reached reached;

    run_rounds(RIG_SCARCE, vmt_ops(OPS_DEFAULT) / SCARCE_PART, 1000, &reached);
    vmt_note_u64("  refused for want of tags", reached.lacked);
    if (vmt_ops(OPS_DEFAULT) >= OPS_DEFAULT) {
        CHECK_U64(reached.lacked, >, 0);
        CHECK_U64(reached.scans, >, 0);
    }
}

static void
test_chains_of_arenas_agree_with_the_model(void)
{
    struct rig_reached reached;

    run_rounds(RIG_TREE, vmt_ops(OPS_DEFAULT) / TREE_PART, 2000, &reached);
    vmt_note_u64("  imports", reached.imports);
    vmt_note_u64("  releases", reached.releases);
    CHECK_U64(reached.imports, >, 0);
    CHECK_U64(reached.releases, >, 0);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_small_arenas_agree_with_the_model),
    VMT_TEST(test_large_arenas_agree_with_the_model),
    VMT_TEST(test_arenas_without_memory_for_an_index_agree_with_the_model),
    VMT_TEST(test_chains_of_arenas_agree_with_the_model),
};

VMT_SUITE(tests);
