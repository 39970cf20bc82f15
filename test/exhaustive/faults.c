/*
 * faults - every fallible callback of a call, failing.             SPDX-License-Identifier: BSD-2-Clause
 *
 * A call that asks for memory or for a span is made again from the same state, with the first of those
 * callbacks failing, with the second, and so on until none is left to fail; once alone, and once with
 * all that follow.  Then
 *
 *   the answer is the same as if nothing had failed, or the refusal that the contract names, counted once
 *   and for the right reason;  what a caller can see has not changed;  the out-pointer is untouched
 *   all invariants hold, and as many bytes are out as the arena says
 *   the same call, with nothing failing, does what it should
 *
 * The state that a failure leaves behind, with other memory at hand, is explored like any other.
 */
#include "explorer.h"

#include <errno.h>
#include <string.h>

/* Make the call of a step. */
static void
make(struct vmx_explorer *explorer, const struct vmx_step *step, struct vmx_answer *answer)
{
    const struct vmx_world *world = explorer->world;
    const struct vmx_span *span = &world->span[step->place];

    *answer = (struct vmx_answer){ .addr = VMX_WORST_PLACE };
    switch ((enum vmx_what)step->what) {
    case VMX_REQUEST:
        answer->status = vmx_call(
            explorer->arena[step->arena], &explorer->request[step->request], &answer->addr);
        break;
    case VMX_FREE:
        vmx_free_at(explorer, step->arena, step->place, 0);
        break;
    case VMX_ADD:
        answer->status = vmem_add(explorer->arena[0], world->base + span->start * world->quantum,
            span->quanta * world->quantum, 0);
        break;
    case VMX_MAINTAIN:
        vmem_maintain(explorer->arena[step->arena]);
        break;
    case VMX_BEGIN:
    case VMX_BAD_FREE:
        break;
    }
}

static const char *
judge(struct vmx_explorer *explorer, const struct vmx_step *step, const struct vmx_key *before,
    const struct vmx_key *after, const struct vmx_answer *answer, bool may_lack)
{
    const struct vmx_world *world = explorer->world;
    struct vmx_view view;
    bool is_open = false;

    switch ((enum vmx_what)step->what) {
    case VMX_REQUEST:
        if (answer->status != 0 && answer->addr != VMX_WORST_PLACE) {
            return "refused, but the out-pointer was written";
        }
        vmx_view_make(world, &before->arena[step->arena], &view);
        return vmx_judge_request(world, before, &view, after, step->arena,
            &explorer->request[step->request], answer, may_lack, &is_open);
    case VMX_FREE:
        return vmx_judge_free(world, before, after, step->arena, step->place);
    case VMX_ADD:
        return vmx_judge_add(
            world, before, after, &world->span[step->place], answer->status, may_lack);
    case VMX_MAINTAIN:
        return vmx_judge_nothing(world, before, after);
    case VMX_BEGIN:
    case VMX_BAD_FREE:
        break;
    }
    return NULL;
}

/* Is the refusal counted, once, and for the right reason? */
static const char *
judge_reason(
    struct vmx_explorer *explorer, const struct vmx_step *step, const struct vmx_answer *answer)
{
    const struct vmem_arena *arena = explorer->arena[step->arena];
    const struct vmx_shape *shape = &explorer->now.arena[step->arena];
    struct vmx_expected expected;
    struct vmx_view view;
    uint64_t tags;
    const uint64_t all = vmx_new_failures(arena, &vmx_saved.part[step->arena], &tags);

    if (step->what != VMX_REQUEST) {
        return NULL;
    }
    if (all != (answer->status == ENOMEM ? 1 : 0)) {
        return "a refusal is not counted once";
    }
    vmx_view_make(explorer->world, shape, &view);
    vmx_expect(&view, &explorer->request[step->request], &expected);
    if (answer->status == ENOMEM && expected.status == 0 && tags != 1) {
        return "there is a place: what was lacking is memory for tags, and that is not the reason";
    }
    return NULL;
}

/* Is all memory accounted for? */
static const char *
judge_supply(const struct vmx_explorer *explorer)
{

    if (vmx_fuse.is_full) {
        return "not judged: the tag memory of the explorer is too small";
    }
    if (vmx_fuse.is_misused) {
        return "memory was put back that was not handed out like that";
    }
    for (unsigned i = 0; i < explorer->arena_count; i++) {
        if (vmx_metadata_bytes(explorer->arena[i]) != vmx_supply_bytes(&vmx_live.part[i])) {
            return "memory for tags has leaked";
        }
    }
    return NULL;
}

/* Does every invariant hold?  A state that was looked at from here already is not looked at again. */
static const char *
judge_invariants(struct vmx_explorer *explorer, const struct vmx_key *after)
{
    struct vmem_violation violation;

    for (unsigned i = 0; i < explorer->sound_count; i++) {
        if (memcmp(&explorer->sound[i], after, sizeof *after) == 0) {
            return NULL;
        }
    }
    for (unsigned i = 0; i < explorer->arena_count; i++) {
        if (!vmem_check(explorer->arena[i], &violation)) {
            return violation.invariant;
        }
    }
    if (explorer->sound_count < VMX_SOUND_MAX) {
        explorer->sound[explorer->sound_count++] = *after;
    }
    return NULL;
}

/* The same call again, and nothing fails. */
static const char *
make_again(struct vmx_explorer *explorer, const struct vmx_step *step, const struct vmx_key *before)
{
    struct vmx_answer answer;
    struct vmx_key after;
    const char *text;

    vmx_fuse_set(0, false);
    make(explorer, step, &answer);
    text = vmx_read_key(explorer, &after);
    if (text == NULL) {
        text = judge(explorer, step, before, &after, &answer, false);
    }
    return text;
}

/* Judge a call with failures in full, and keep the state that it led to. */
static const char *
judge_failing(
    struct vmx_explorer *explorer, const struct vmx_step *step, const struct vmx_answer *answer)
{
    struct vmx_key after;
    const char *text = vmx_read_key(explorer, &after);

    if (text == NULL) {
        text = judge(explorer, step, &explorer->now, &after, answer, true);
    }
    if (text == NULL) {
        text = judge_supply(explorer);
    }
    if (text == NULL) {
        text = judge_invariants(explorer, &after);
    }
    if (text == NULL && explorer->misuses != 0) {
        text = "the fatal hook was called";
    }
    explorer->misuses = 0;
    if (text == NULL && memcmp(&after, &explorer->now, sizeof after) != 0) {
        (void)vmx_enter_state(explorer, step, &after);
    }
    if (text == NULL && step->what == VMX_REQUEST && answer->status != 0) {
        text = make_again(explorer, step, &after);
    }
    return text;
}

/*
 * Was it refused, and is every byte as it was?  Then the call without failures was judged already, from
 * here.
 */
static bool
is_plain_refusal(const struct vmx_explorer *explorer, const struct vmx_answer *answer)
{
    return answer->status == ENOMEM && answer->addr == VMX_WORST_PLACE && explorer->misuses == 0 &&
        !vmx_fuse.is_full && !vmx_fuse.is_misused && vmx_image_is_unchanged(&explorer->image);
}

/* Make the call with failures.  False: nothing failed, there is no further callback. */
static bool
make_failing(struct vmx_explorer *explorer, struct vmx_step step)
{
    struct vmx_answer answer;
    const char *text;

    vmx_fuse_set(step.fails_at, step.fails_onward);
    make(explorer, &step, &answer);
    if (vmx_fuse.failed == 0) {
        vmx_image_restore(&explorer->image);
        return false;
    }
    explorer->result->faults++;
    text = judge_reason(explorer, &step, &answer);
    vmx_image_reset_counters(&explorer->image);
    if (text == NULL && is_plain_refusal(explorer, &answer)) {
        return true;
    }
    if (text == NULL) {
        text = judge_failing(explorer, &step, &answer);
    }
    if (text != NULL) {
        vmx_disagree(explorer, &step, text);
    }
    vmx_image_restore(&explorer->image);
    return true;
}

void
vmx_make_failing(struct vmx_explorer *explorer, const struct vmx_step *step)
{
    struct vmx_step failing = *step;

    if (!explorer->extent.failing) {
        return;
    }
    for (unsigned onward = 0; onward < 2; onward++) {
        failing.fails_onward = onward != 0;
        failing.fails_at = 1;
        while (make_failing(explorer, failing)) {
            failing.fails_at++;
        }
    }
}
