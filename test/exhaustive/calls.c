/*
 * calls - every call from a state, and its judgement.              SPDX-License-Identifier: BSD-2-Clause
 *
 * Most calls are judged quickly.  A refusal leaves every byte but the counters as it was.  An allocation
 * that was made from this state before, at this place by another request, leaves the same bytes as
 * then; what is left to judge is the place.  Whatever is not so is judged in full, by the key.
 */
#include "explorer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { EXPLAIN_EVERY = 8 /* of the requests that are judged in full */ };

/* The reason that vmem_explain() gives must be one for the answer. */
static const char *
judge_explanation(
    struct vmx_explorer *explorer, unsigned arena, const struct vmx_request *request, int status)
{
    const struct vmem_constraint constraint = { request->align, request->phase, request->nocross,
        request->addr_min, request->addr_max };
    struct vmem_explanation explanation;

    if (explorer->world->is_importing || explorer->options->has_faults || request->addr_max == 0) {
        return NULL; /* what a source would say is not known; 0 means MAX in a constraint */
    }
    vmem_explain(explorer->arena[arena], request->size, &constraint, request->flags, &explanation);
    if (explanation.status != status || (explanation.reason == VMEM_REASON_NONE) != (status == 0) ||
        (explanation.holes_fitting != 0) != (status == 0)) {
        return "vmem_explain says otherwise";
    }
    if (status != EINVAL &&
        (explanation.largest_possible >= explanation.size_rounded) != (status == 0)) {
        return "vmem_explain: largest_possible is wrong";
    }
    return NULL;
}

int
vmx_call(struct vmem_arena *arena, const struct vmx_request *request, vmem_addr_t *addr)
{
    vmem_handle_t handle;

    switch ((enum vmx_call)request->call) {
    case VMX_ALLOC:
        return vmem_alloc(arena, request->size, request->flags, addr);
    case VMX_HANDLE:
        return vmem_alloc_handle(arena, request->size, NULL, request->flags, addr, &handle);
    case VMX_XALLOC:
        break;
    }
    return vmem_xalloc(arena, request->size, request->align, request->phase, request->nocross,
        request->addr_min, request->addr_max, request->flags, addr);
}

/* -------------------------------------------------------------------------------------------------
 * Requests
 * ---------------------------------------------------------------------------------------------- */

/* What is remembered of allocations like this one; NULL if it lies at no position. */
static struct vmx_memo *
memo_of(struct vmx_explorer *explorer, unsigned arena, const struct vmx_request *request,
    vmem_addr_t addr, unsigned *position)
{
    const struct vmx_world *world = explorer->world;
    const vmem_size_t offset = addr - world->base;
    const unsigned way =
        ((request->flags & VMEM_NEXTFIT) != 0 ? 1u : 0u) + (request->call == VMX_HANDLE ? 2u : 0u);

    *position = (unsigned)(offset >> world->quantum_log2);
    if ((offset & (world->quantum - 1)) != 0 || offset >> world->quantum_log2 >= world->quanta) {
        return NULL;
    }
    return &explorer->memo[arena][*position][request->quanta][way];
}

static void
remember(struct vmx_explorer *explorer, unsigned arena, const struct vmx_request *request,
    vmem_addr_t addr)
{
    unsigned position;
    struct vmx_memo *memo = memo_of(explorer, arena, request, addr, &position);
    const unsigned count = explorer->image.run_lines;

    if (memo == NULL || explorer->image.is_careful || !vmx_image_has_same_map(&explorer->image)) {
        return;
    }
    if (memo->line == NULL || memo->line_count < count) {
        free(memo->line);
        memo->line = malloc((count + 1) * sizeof memo->line[0]);
        if (memo->line == NULL) {
            abort();
        }
    }
    memo->visit = explorer->visit;
    memo->line_count = count;
    vmx_image_copy(&explorer->image, memo->line);
}

/* Is it as expected, and are all bytes known?  Then that is all; the counters are reset. */
static bool
is_as_known(struct vmx_explorer *explorer, unsigned arena, const struct vmx_request *request,
    const struct vmx_expected *expected, const struct vmx_answer *answer)
{
    const struct vmx_memo *memo;
    unsigned position;

    if (explorer->misuses != 0 || answer->status != expected->status) {
        return false;
    }
    if (answer->status != 0) {
        return answer->addr == VMX_WORST_PLACE && vmx_image_is_unchanged(&explorer->image);
    }
    if (explorer->image.is_careful) {
        return false;
    }
    memo = memo_of(explorer, arena, request, answer->addr, &position);
    return memo != NULL && (expected->places >> position & 1) != 0 &&
        memo->visit == explorer->visit && memo->line_count == explorer->image.run_lines &&
        vmx_image_is_like(&explorer->image, memo->line);
}

/* Has a request failed for want of memory for tags, and none was made to? */
static bool
has_lacked_tags(const struct vmx_explorer *explorer)
{
    uint64_t failures = 0;

    for (unsigned i = 0; !explorer->options->has_faults && i < explorer->arena_count; i++) {
        failures += vmx_tag_failures(explorer->arena[i]);
    }
    return failures != 0 || vmx_fuse.is_full;
}

/* Judge an answer in full, and go back. */
static const char *
judge_request(struct vmx_explorer *explorer, const struct vmx_view *view,
    const struct vmx_step *step, const struct vmx_answer *answer, const char *text)
{
    const struct vmx_request *request = &explorer->request[step->request];
    struct vmx_key after = explorer->now;
    bool is_open = false;

    if (text == NULL && (answer->status == 0 || !vmx_image_is_unchanged(&explorer->image))) {
        text = vmx_read_key(explorer, &after);
    }
    if (text == NULL) {
        text = vmx_judge_request(explorer->world, &explorer->now, view, &after, step->arena,
            request, answer, false, &is_open);
    }
    if (text == NULL && answer->status != 0 && answer->addr != VMX_WORST_PLACE) {
        text = "refused, but the out-pointer was written";
    }
    explorer->result->open_refusals += is_open ? 1 : 0;
    if (text == NULL && answer->status == 0) {
        remember(explorer, step->arena, request, answer->addr);
    }
    vmx_settle(explorer, step, &after, text, 0);
    return text;
}

static void
try_request(
    struct vmx_explorer *explorer, const struct vmx_view *view, unsigned arena, uint32_t number)
{
    const struct vmx_request *request = &explorer->request[number];
    const struct vmx_step step = {
        .what = VMX_REQUEST, .arena = (uint8_t)arena, .request = number
    };
    struct vmx_answer answer = { .addr = VMX_WORST_PLACE };
    struct vmx_expected expected;
    const char *text = NULL;
    unsigned asked;

    vmx_fuse_set(0, false);
    answer.status = vmx_call(explorer->arena[arena], request, &answer.addr);
    asked = vmx_fuse.calls;
    explorer->result->by[request->policy].calls++;
    if (has_lacked_tags(explorer)) {
        text = "not judged: the tag memory of the explorer is too small";
    }
    vmx_image_reset_counters(&explorer->image);
    vmx_expect(view, request, &expected);
    if (arena == 0 && explorer->world->is_importing && expected.status == ENOMEM) {
        expected.status = -1; /* a source may have helped: not known */
    }
    if (text != NULL || !is_as_known(explorer, arena, request, &expected, &answer)) {
        text = judge_request(explorer, view, &step, &answer, text);
    } else if (answer.status == 0) {
        vmx_image_restore(&explorer->image);
    }
    if (asked != 0) {
        vmx_make_failing(explorer, &step);
        return;
    }
    if (text == NULL && !request->is_move && number % EXPLAIN_EVERY == 0) {
        text = judge_explanation(explorer, arena, request, answer.status);
        if (text != NULL) {
            vmx_disagree(explorer, &step, text);
        }
    }
}

/* From the arena: all requests, or those that must be made from every state. */
static void
try_requests(struct vmx_explorer *explorer)
{
    const struct vmx_extent *extent = &explorer->extent;
    struct vmx_view view;

    vmx_view_make(explorer->world, &explorer->now.arena[0], &view);
    for (size_t i = 0; i < explorer->move_count; i++) {
        try_request(explorer, &view, 0, explorer->move[i]);
    }
    if (!extent->all && !extent->all_next) {
        return;
    }
    for (uint32_t i = 0; i < explorer->request_count; i++) {
        const struct vmx_request *request = &explorer->request[i];
        if (!request->is_move && (request->policy == VMX_NEXT ? extent->all_next : extent->all)) {
            try_request(explorer, &view, 0, i);
        }
    }
}

/* From the source: placements. */
static void
try_placements(struct vmx_explorer *explorer)
{
    struct vmx_view view;

    vmx_view_make(explorer->world, &explorer->now.arena[1], &view);
    for (size_t i = 0; i < explorer->move_count; i++) {
        if (explorer->request[explorer->move[i]].is_placement) {
            try_request(explorer, &view, 1, explorer->move[i]);
        }
    }
}

/* -------------------------------------------------------------------------------------------------
 * Frees and adds
 * ---------------------------------------------------------------------------------------------- */

void
vmx_free_at(struct vmx_explorer *explorer, unsigned arena, unsigned position, vmem_size_t less)
{
    const struct vmx_world *world = explorer->world;
    const struct vmx_shape *shape = &explorer->now.arena[arena];

    if ((shape->handled >> position & 1) != 0) {
        vmem_free_handle(
            explorer->arena[arena], vmx_handle_at(explorer->arena[arena], world, position));
    } else {
        vmem_free(explorer->arena[arena], world->base + position * world->quantum,
            vmx_quanta_at(shape, position) * world->quantum - less);
    }
}

/* Free what is allocated at a position, with a size that is rounded, or not. */
static void
try_free(struct vmx_explorer *explorer, unsigned arena, unsigned position, vmem_size_t less)
{
    const struct vmx_world *world = explorer->world;
    const struct vmx_step step = { .what = VMX_FREE,
        .arena = (uint8_t)arena,
        .place = (uint16_t)position,
        .request = vmx_quanta_at(&explorer->now.arena[arena], position) };
    struct vmx_key after;
    const char *text;
    unsigned asked;

    vmx_fuse_set(0, false);
    vmx_free_at(explorer, arena, position, less);
    asked = vmx_fuse.calls;
    explorer->result->by[VMX_OTHER].calls++;
    text = vmx_read_key(explorer, &after);
    if (text == NULL) {
        text = vmx_judge_free(world, &explorer->now, &after, arena, position);
    }
    vmx_settle(explorer, &step, &after, text, 0);
    if (asked != 0) {
        vmx_make_failing(explorer, &step);
    }
}

/* Free what is not allocated like that: nothing may change, to the last byte. */
static void
try_bad_free(struct vmx_explorer *explorer, unsigned arena, unsigned position, unsigned quanta)
{
    const struct vmx_world *world = explorer->world;
    const struct vmx_shape *shape = &explorer->now.arena[arena];
    const bool is_start = position < world->quanta && (shape->start >> position & 1) != 0;
    const bool is_handled = position < world->quanta && (shape->handled >> position & 1) != 0;
    const enum vmem_fault_code code = is_handled ? VMEM_FAULT_HANDLE_ONLY
        : is_start                               ? VMEM_FAULT_WRONG_SIZE
                                                 : VMEM_FAULT_BAD_FREE;
    const struct vmx_step step = { .what = VMX_BAD_FREE,
        .arena = (uint8_t)arena,
        .place = (uint16_t)position,
        .request = quanta };
    const bool has_garbage = vmx_has_garbage(explorer->arena[arena]);
    struct vmx_key after;
    const char *text;

    if (is_start && !is_handled && vmx_quanta_at(shape, position) == quanta) {
        return; /* a right one */
    }
    vmem_free(
        explorer->arena[arena], world->base + position * world->quantum, quanta * world->quantum);
    explorer->result->by[VMX_OTHER].calls++;
    text = vmx_read_key(explorer, &after);
    /* The memory that an earlier call left to be put back goes back with any call; else no byte changes. */
    if (text == NULL && !vmx_image_is_unchanged(&explorer->image) &&
        (!has_garbage || vmx_judge_nothing(world, &explorer->now, &after) != NULL)) {
        text = "a wrong free changed the arena";
    }
    if (text == NULL && explorer->misuses == 1 && explorer->misuse_code != code) {
        text = "a wrong free was reported as another kind of misuse";
    }
    vmx_settle(explorer, &step, &after, text, 1);
}

static void
try_frees(struct vmx_explorer *explorer, unsigned arena, bool wrong)
{
    const struct vmx_world *world = explorer->world;
    const struct vmx_shape *shape = &explorer->now.arena[arena];
    const uint32_t lent = arena == 1 ? explorer->now.arena[0].span_start : 0;

    for (unsigned p = 0; p < world->quanta; p++) {
        if (((shape->start & ~lent) >> p & 1) != 0) {
            try_free(explorer, arena, p, 0);
            if (world->quantum > 1) {
                try_free(explorer, arena, p, world->quantum - 1);
            }
        }
    }
    for (unsigned p = 0; wrong && p <= world->quanta; p++) {
        for (unsigned quanta = 0; quanta <= world->quanta + 1; quanta++) {
            try_bad_free(explorer, arena, p, quanta);
        }
    }
}

static void
try_add(struct vmx_explorer *explorer, unsigned number)
{
    const struct vmx_world *world = explorer->world;
    const struct vmx_span *span = &world->span[number];
    const struct vmx_step step = { .what = VMX_ADD, .place = (uint16_t)number };
    struct vmx_key after;
    const char *text;
    unsigned asked;
    int status;

    vmx_fuse_set(0, false);
    status = vmem_add(explorer->arena[0], world->base + span->start * world->quantum,
        span->quanta * world->quantum, 0);
    asked = vmx_fuse.calls;
    explorer->result->by[VMX_OTHER].calls++;
    text = vmx_read_key(explorer, &after);
    if (text == NULL) {
        text = vmx_judge_add(world, &explorer->now, &after, span, status, false);
    }
    vmx_settle(explorer, &step, &after, text, 0);
    if (asked != 0) {
        vmx_make_failing(explorer, &step);
    }
}

/* Do all pending work: it gives back what tags are at hand, so that every state is met without. */
static void
try_maintain(struct vmx_explorer *explorer, unsigned arena)
{
    const struct vmx_step step = { .what = VMX_MAINTAIN, .arena = (uint8_t)arena };
    struct vmx_key after;
    const char *text;
    unsigned asked;

    vmx_fuse_set(0, false);
    vmem_maintain(explorer->arena[arena]);
    asked = vmx_fuse.calls;
    explorer->result->by[VMX_OTHER].calls++;
    text = vmx_read_key(explorer, &after);
    if (text == NULL) {
        text = vmx_judge_nothing(explorer->world, &explorer->now, &after);
    }
    vmx_settle(explorer, &step, &after, text, 0);
    if (asked != 0) {
        vmx_make_failing(explorer, &step);
    }
}

void
vmx_make_all_calls(struct vmx_explorer *explorer)
{
    try_requests(explorer);
    try_frees(explorer, 0, explorer->extent.wrong);
    if (explorer->world->is_importing) {
        try_placements(explorer);
        try_frees(explorer, 1, explorer->extent.wrong);
    }
    for (unsigned i = 0; !explorer->world->is_importing && i < explorer->world->span_count; i++) {
        try_add(explorer, i);
    }
    for (unsigned i = 0; explorer->options->has_faults && i < explorer->arena_count; i++) {
        try_maintain(explorer, i);
    }
}
