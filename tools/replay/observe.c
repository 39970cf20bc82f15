/*
 * observe - the pass that looks inside.                       SPDX-License-Identifier: BSD-2-Clause
 *
 * Samples    At up to 64 moments, evenly spread over the operations, the holes are walked:
 *            fragmentation is 1 - largest / free, which says how much of what is free the largest
 *            request cannot have, and 1 - sqrt(sum of squares) / sum, in which all holes count.
 * Checks     Every 1000 operations and at the end vmem_check() is run, and the arena's counters,
 *            its sizes and the list of what is busy are compared with the replayer's own books, so
 *            that two allocations that overlap cannot pass unseen.
 */
#include "audit.h"
#include "pass.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define CHECK_EVERY_OPS 1000

/* What a walk over the holes gathers. */
struct hole_sum {
    uint64_t holes;
    vmem_size_t size;
    vmem_size_t largest;
    double squares;
};

static bool
add_hole(void *arg, const struct vmem_segment *segment)
{
    struct hole_sum *sum = arg;
    sum->holes++;
    sum->size += segment->size;
    sum->largest = segment->size > sum->largest ? segment->size : sum->largest;
    sum->squares += (double)segment->size * (double)segment->size;
    return true;
}

static void
take_sample(struct replay_observation *observation, struct replay_rig *rig, size_t op_index)
{
    struct hole_sum sum = { 0 };
    vmem_walk(rig->arena, VMEM_FREE, add_hole, &sum);
    struct replay_sample *sample = &observation->samples[observation->sample_count++];
    *sample = (struct replay_sample){
        .op_index = op_index,
        .inuse_size = vmem_size(rig->arena, VMEM_ALLOC),
        .free_size = sum.size,
        .largest_hole = sum.largest,
        .holes = sum.holes,
    };
    if (sum.size > 0) {
        sample->by_largest = 1 - (double)sum.largest / (double)sum.size;
        sample->by_squares = 1 - sqrt(sum.squares) / (double)sum.size;
    }
}

/* Serve one operation and keep the books.  A failure is only counted here. */
static void
serve(struct replay_rig *rig, struct replay_books *books, const struct vmem_trace_op *op)
{
    struct replay_slot *slot = &rig->slots[op->slot];
    vmem_size_t rounded = 0;
    if (op->kind == VMEM_TRACE_ALLOC) {
        if (replay_rig_alloc(rig, op) != 0) {
            books->fail_count++;
            return;
        }
        (void)replay_round(slot->size, rig->plan->quantum, &rounded);
        books->alloc_count++;
        books->live_count++;
        books->live_size += rounded;
        replay_books_check_place(books, rig->plan, op, slot->addr, rounded);
    } else {
        (void)replay_round(slot->size, rig->plan->quantum, &rounded);
        if (replay_rig_free(rig, op)) {
            books->free_count++;
            books->live_count--;
            books->live_size -= rounded;
        }
    }
}

static void
check(struct replay_observation *observation, struct replay_rig *rig,
    const struct replay_books *books, size_t op_index)
{
    char text[REPLAY_AUDIT_BYTES];
    observation->check_count++;
    if (books->is_misplaced) {
        observation->is_violated = true;
        (void)snprintf(
            observation->violation, sizeof(observation->violation), "%s", books->misplaced);
    } else if (!replay_audit(rig, books, text)) {
        observation->is_violated = true;
        (void)snprintf(observation->violation, sizeof(observation->violation),
            "after operation %zu: %s", op_index, text);
    }
}

/* The number of operations after which sample `index` of `count` is taken: the last at the end. */
static size_t
sample_point(size_t op_count, size_t index, size_t count)
{
    const size_t whole = op_count / count * (index + 1);
    return whole + op_count % count * (index + 1) / count;
}

static void
run(struct replay_observation *observation, struct replay_rig *rig, bool is_checked,
    struct replay_progress *progress)
{
    const struct vmem_trace *trace = rig->plan->trace;
    const size_t op_count = trace->op_count;
    const size_t sample_count = op_count < REPLAY_SAMPLES_MAX ? op_count : REPLAY_SAMPLES_MAX;
    struct replay_books books = { 0 };
    for (size_t i = 0; i < op_count && !observation->is_violated; i++) {
        serve(rig, &books, &trace->ops[i]);
        const size_t done = i + 1;
        if (done == sample_point(op_count, observation->sample_count, sample_count)) {
            take_sample(observation, rig, done);
        }
        if (is_checked && (done % CHECK_EVERY_OPS == 0 || done == op_count)) {
            check(observation, rig, &books, done);
        }
        if (i % CHECK_EVERY_OPS == 0) {
            replay_progress_step(progress, i);
        }
    }
    if (is_checked && !observation->is_violated) {
        replay_rig_empty(rig);
        books.free_count += books.live_count;
        books.live_count = 0;
        books.live_size = 0;
        check(observation, rig, &books, op_count);
    }
}

bool
replay_observe(struct replay_result *result, bool is_checked, struct replay_context *context)
{
    struct replay_rig rig;
    const struct replay_plan *plan = &result->plan;
    result->observation = (struct replay_observation){ 0 };
    if (!replay_rig_open(&rig, plan, context->why)) {
        return false;
    }
    replay_progress_phase(&context->progress, plan->policy->name, is_checked ? "check" : "observe",
        plan->trace->op_count);
    run(&result->observation, &rig, is_checked, &context->progress);
    replay_rig_empty(&rig);
    replay_rig_close(&rig);
    return true;
}
