/*
 * test_audit - the replayer's checks can fail.                SPDX-License-Identifier: BSD-2-Clause
 *
 * `vmem replay --check` is worth something only if it notices.  A sound arena is set up, then the
 * replayer's books are falsified in every way in which an arena could betray them.
 */
#include "audit.h"
#include "failures.h"
#include "vmt.h"

#include <errno.h>
#include <string.h>

#define QUANTUM 16

static struct vmem_trace_op ops[] = {
    { .id = 1, .size = 100, .slot = 0, .line = 2, .kind = VMEM_TRACE_ALLOC },
    { .id = 2, .size = 16, .slot = 1, .line = 3, .kind = VMEM_TRACE_ALLOC },
    { .id = 3, .size = 33, .slot = 2, .line = 4, .kind = VMEM_TRACE_ALLOC },
};

static const struct vmem_trace trace = {
    .name = "made up",
    .ops = ops,
    .op_count = 3,
    .alloc_count = 3,
    .live_count = 3,
    .slot_count = 3,
};

static struct replay_plan plan = {
    .trace = &trace,
    .policy = &replay_policies[0],
    .flags = VMEM_FIRSTFIT,
    .quantum = QUANTUM,
    .base = 4096,
    .size = 1024,
};

static struct replay_rig rig;
static struct replay_books books;
static char text[REPLAY_AUDIT_BYTES];

static bool
set_up(void)
{
    char why[REPLAY_TEXT_BYTES];
    books = (struct replay_books){ 0 };
    if (!replay_rig_open(&rig, &plan, why)) {
        return false;
    }
    for (size_t i = 0; i < trace.op_count; i++) {
        if (replay_rig_alloc(&rig, &ops[i]) != 0) {
            return false;
        }
        books.alloc_count++;
        books.live_count++;
        books.live_size += (ops[i].size + QUANTUM - 1) / QUANTUM * QUANTUM;
    }
    return true;
}

static void
tear_down(void)
{
    replay_rig_empty(&rig);
    CHECK(replay_rig_close(&rig));
}

static bool
audit(void)
{
    text[0] = '\0';
    return replay_audit(&rig, &books, text);
}

static void
test_a_sound_arena_passes(void)
{
    CHECK_OR_RETURN(set_up());
    CHECK(audit());
    CHECK_STR(text, "");
    tear_down();
}

/* Falsify one counter of the books by `delta`; the audit must name `word`. */
static void
check_counter(uint64_t *counter, uint64_t delta, const char *word)
{
    *counter += delta;
    CHECK(!audit());
    CHECK(strstr(text, word) != NULL);
    *counter -= delta;
    CHECK(audit());
}

static void
test_every_counter_is_compared(void)
{
    CHECK_OR_RETURN(set_up());
    check_counter(&books.alloc_count, 1, "allocs");
    check_counter(&books.free_count, 1, "frees");
    check_counter(&books.fail_count, 1, "fails");
    check_counter(&books.live_count, 1, "busy_segments");
    check_counter(&books.live_size, QUANTUM, "inuse_size");
    plan.size += QUANTUM;
    CHECK(!audit());
    CHECK(strstr(text, "total_size") != NULL);
    plan.size -= QUANTUM;
    CHECK(audit());
    tear_down();
}

static void
test_a_lost_a_moved_and_a_foreign_segment_are_found(void)
{
    CHECK_OR_RETURN(set_up());
    /* The books know of one more than the arena: two that overlap look like that. */
    const struct replay_slot first = rig.slots[0];
    rig.slots[0].addr += QUANTUM;
    CHECK(!audit());
    CHECK(strstr(text, "that the books have not") != NULL);
    rig.slots[0] = first;
    /* A size that differs by a quantum. */
    rig.slots[0].size += QUANTUM;
    CHECK(!audit());
    rig.slots[0] = first;
    /* The arena has one that the books have not. */
    const struct replay_slot last = rig.slots[2];
    rig.slots[2].size = 0;
    CHECK(!audit());
    CHECK(strstr(text, "that the books have not") != NULL);
    rig.slots[2] = last;
    /* The books have one that the arena has not. */
    vmem_free(rig.arena, last.addr, last.size);
    books.free_count++;
    books.live_count--;
    books.live_size -= 48;
    CHECK(!audit());
    CHECK(strstr(text, "lost the busy segment") != NULL);
    rig.slots[2].size = 0;
    CHECK(audit());
    tear_down();
}

static const struct {
    struct vmem_constraint constraint;
    vmem_addr_t addr;
    vmem_size_t size;
    bool is_right;
} places[] = {
    { { .addr_max = VMEM_ADDR_MAX }, 4096, 16, true },
    { { .addr_max = VMEM_ADDR_MAX }, 4080, 16, false }, /* before the span */
    { { .addr_max = VMEM_ADDR_MAX }, 5104, 16, true },  /* its last quantum */
    { { .addr_max = VMEM_ADDR_MAX }, 5104, 32, false }, /* beyond it */
    { { .addr_max = VMEM_ADDR_MAX }, 4100, 16, false }, /* not on the quantum */
    { { .align = 64, .phase = 16, .addr_max = VMEM_ADDR_MAX }, 4112, 16, true },
    { { .align = 64, .phase = 16, .addr_max = VMEM_ADDR_MAX }, 4128, 16, false },
    { { .nocross = 64, .addr_max = VMEM_ADDR_MAX }, 4128, 32, true },
    { { .nocross = 64, .addr_max = VMEM_ADDR_MAX }, 4144, 32, false },
    { { .addr_min = 4112, .addr_max = VMEM_ADDR_MAX }, 4112, 16, true },
    { { .addr_min = 4113, .addr_max = VMEM_ADDR_MAX }, 4112, 16, false },
    { { .addr_max = 4127 }, 4112, 16, true },
    { { .addr_max = 4126 }, 4112, 16, false },
};

static void
test_a_place_against_its_constraint_is_found(void)
{
    struct vmem_trace_op op = { .id = 9, .line = 7, .constraint = 1 };
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct vmem_constraint constraints[2] = { { 0 }, places[i].constraint };
        struct replay_books own = { 0 };
        plan.constraints = constraints;
        vmt_context("case", i);
        replay_books_check_place(&own, &plan, &op, places[i].addr, places[i].size);
        CHECK_U64(own.is_misplaced, ==, !places[i].is_right);
        plan.constraints = NULL;
    }
}

static void
test_a_failure_without_a_reason_is_unexplained(void)
{
    static struct replay_failures failures;
    struct vmem_stats stats;
    CHECK_OR_RETURN(set_up());
    /* Served in truth, so that vmem_explain() finds a place and no reason. */
    failures = (struct replay_failures){ 0 };
    replay_failures_note(&failures, &rig, &ops[1], ENOMEM);
    CHECK_U64(failures.unexplained_count, ==, 1);
    /* A real one is explained, but not with another status. */
    struct vmem_trace_op huge = { .id = 8, .size = 4096, .line = 9 };
    vmem_addr_t addr;
    failures = (struct replay_failures){ 0 };
    CHECK_U64(vmem_alloc(rig.arena, huge.size, plan.flags, &addr), ==, ENOMEM);
    replay_failures_note(&failures, &rig, &huge, ENOMEM);
    CHECK_U64(failures.unexplained_count, ==, 0);
    CHECK_U64(failures.by_reason[VMEM_REASON_SPACE], ==, 1);
    replay_failures_note(&failures, &rig, &huge, EINVAL);
    CHECK_U64(failures.unexplained_count, ==, 1);
    /* The arena counted one failure, not two. */
    failures.unexplained_count = 0;
    vmem_stats(rig.arena, &stats);
    replay_failures_settle(&failures, &stats);
    CHECK_U64(failures.unexplained_count, ==, 1);
    tear_down();
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_a_sound_arena_passes),
    VMT_TEST(test_every_counter_is_compared),
    VMT_TEST(test_a_lost_a_moved_and_a_foreign_segment_are_found),
    VMT_TEST(test_a_place_against_its_constraint_is_found),
    VMT_TEST(test_a_failure_without_a_reason_is_unexplained),
};
VMT_SUITE(tests);
