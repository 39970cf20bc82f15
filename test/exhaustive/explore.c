/*
 * explore - the frontier, and every call from every state.         SPDX-License-Identifier: BSD-2-Clause
 */
#include "judge.h"
#include "keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    REPORTS_MAX = 3,
    PATH_MAX_STEPS = 256,
    CAREFUL_STATES = 24,
    MODES = 9 * 9 * 2, /* states of two indexes in two arenas, and whether spans are kept */
    EXPLAIN_EVERY = 8, /* of the requests that are judged in full */
    WORST_PLACE = 0x5a /* what an out-pointer holds before a call */
};

/* One arena and all that it remembers.  They never move. */
struct part {
    struct vmem_storage storage;
    _Alignas(64) unsigned char tags[VMX_TAG_BYTES];
};

/* The same memory by lines: few are ever written, and only those are copied. */
union image {
    struct part part[VMX_ARENAS_MAX];
    struct line {
        uint64_t word[8];
    } line[VMX_ARENAS_MAX * sizeof(struct part) / 64];
};

static union image live;
static union image saved; /* the state that is being expanded */
static union image first; /* the first state */

/* How a state was reached. */
struct origin {
    struct vmx_step step;
    uint32_t from;
};

/* A state that waits: its hot lines, as many as were hot then; the others are as in `first`. */
struct waiting {
    uint32_t number;
    uint32_t lines;
    struct line *line;
};

struct explorer {
    const struct vmx_world *world;
    struct vmx_request *request;
    size_t request_count;
    struct vmem_arena *arena[VMX_ARENAS_MAX];
    unsigned arena_count;
    size_t line_count; /* of `live` in use */
    uint32_t hot_count;
    uint16_t hot[sizeof(union image) / 64]; /* lines that were ever written, as they were found */
    bool is_hot[sizeof(union image) / 64];
    bool is_careful;         /* go back by copying every line */
    unsigned careful_states; /* so far */
    bool has_seen[MODES];    /* combinations of indexes and kept spans */
    struct vmx_keys keys;
    struct vmx_keys without_cursor;
    struct origin *origin; /* by number of key */
    size_t origin_capacity;
    struct waiting *waiting;
    size_t waiting_first; /* of the queue */
    size_t waiting_count; /* all that ever waited */
    size_t waiting_capacity;
    uint32_t number; /* of the state that is being expanded */
    struct vmx_key now;
    struct vmx_result *result;
    unsigned faults; /* reported to the fatal hook since the last look */
    enum vmem_fault_code fault_code;
};

static void *
grown(void *memory, size_t bytes)
{
    void *larger = realloc(memory, bytes);

    if (larger == NULL) {
        abort();
    }
    return larger;
}

static void
on_fault(void *arg, const struct vmem_fault *fault)
{
    struct explorer *explorer = arg;

    explorer->faults++;
    explorer->fault_code = fault->code;
}

/* -------------------------------------------------------------------------------------------------
 * Disagreements
 * ---------------------------------------------------------------------------------------------- */

static void
disagree(struct explorer *explorer, const struct vmx_step *step, const char *text)
{
    struct vmx_step path[PATH_MAX_STEPS];
    size_t at = PATH_MAX_STEPS;

    if (explorer->result->disagreements++ >= REPORTS_MAX) {
        return;
    }
    path[--at] = *step;
    for (uint32_t i = explorer->number; i != 0 && at > 0; i = explorer->origin[i].from) {
        path[--at] = explorer->origin[i].step;
    }
    vmx_report(explorer->world, explorer->request, &path[at], PATH_MAX_STEPS - at, text);
}

/* -------------------------------------------------------------------------------------------------
 * States
 * ---------------------------------------------------------------------------------------------- */

static const char *
read_key(const struct explorer *explorer, struct vmx_key *key)
{
    const char *broken = NULL;

    (void)memset(key, 0, sizeof *key);
    for (unsigned i = 0; i < explorer->arena_count && broken == NULL; i++) {
        broken = vmx_shape_read(explorer->arena[i], explorer->world, &key->arena[i]);
    }
    return broken;
}

/* Go back to the state that is being expanded. */
static void
restore(const struct explorer *explorer)
{
    if (explorer->is_careful) {
        (void)memcpy(&live, &saved, explorer->line_count * sizeof live.line[0]);
        return;
    }
    for (uint32_t i = 0; i < explorer->hot_count; i++) {
        live.line[explorer->hot[i]] = saved.line[explorer->hot[i]];
    }
}

/* Is every byte that calls write as it was? */
static bool
is_unchanged(const struct explorer *explorer)
{
    bool is_same = true;

    for (uint32_t i = 0; i < explorer->hot_count; i++) {
        const uint16_t line = explorer->hot[i];
        is_same = is_same && memcmp(&live.line[line], &saved.line[line], sizeof(struct line)) == 0;
    }
    return is_same;
}

/* Note which lines are written.  True: some that never were before. */
static bool
note_hot(struct explorer *explorer)
{
    const uint32_t before = explorer->hot_count;

    for (size_t i = 0; i < explorer->line_count; i++) {
        if (!explorer->is_hot[i] &&
            memcmp(&live.line[i], &first.line[i], sizeof live.line[i]) != 0) {
            explorer->is_hot[i] = true;
            explorer->hot[explorer->hot_count++] = (uint16_t)i;
        }
    }
    return explorer->hot_count != before;
}

/* Put the present state among those that wait. */
static void
wait_here(struct explorer *explorer, const struct vmx_step *step)
{
    const uint32_t number = (uint32_t)(explorer->keys.count - 1);
    struct waiting *waiting;

    if (number >= explorer->origin_capacity) {
        explorer->origin_capacity = 2 * (size_t)number + 1024;
        explorer->origin =
            grown(explorer->origin, explorer->origin_capacity * sizeof explorer->origin[0]);
    }
    explorer->origin[number] = (struct origin){ *step, explorer->number };
    if (explorer->waiting_count == explorer->waiting_capacity) {
        explorer->waiting_capacity = 2 * explorer->waiting_capacity + 1024;
        explorer->waiting =
            grown(explorer->waiting, explorer->waiting_capacity * sizeof explorer->waiting[0]);
    }
    (void)note_hot(explorer);
    waiting = &explorer->waiting[explorer->waiting_count++];
    *waiting = (struct waiting){ .number = number,
        .lines = explorer->hot_count,
        .line = grown(NULL, (explorer->hot_count + 1) * sizeof waiting->line[0]) };
    for (uint32_t i = 0; i < explorer->hot_count; i++) {
        waiting->line[i] = live.line[explorer->hot[i]];
    }
}

/* Figures, invariants, and the state of every quantum, against the key. */
static const char *
judge_state(const struct explorer *explorer, const struct vmx_key *key)
{
    const vmem_size_t quantum = explorer->world->quantum;

    for (unsigned i = 0; i < explorer->arena_count; i++) {
        struct vmem_arena *arena = explorer->arena[i];
        const struct vmx_shape *shape = &key->arena[i];
        struct vmem_violation violation;
        struct vmx_view view;
        vmem_size_t busy = 0;
        vmem_size_t owned = 0;
        vmem_size_t largest = 0;

        if (!vmem_check(arena, &violation)) {
            return violation.invariant;
        }
        vmx_view_make(explorer->world, shape, &view);
        largest = view.hole_count != 0 ? view.hole[view.hole_count - 1].quanta : 0;
        for (unsigned p = 0; p < explorer->world->quanta; p++) {
            const bool is_busy = (shape->busy >> p & 1) != 0;
            const bool is_owned = (shape->owned >> p & 1) != 0;
            const enum vmem_state want = is_busy ? VMEM_STATE_BUSY
                : is_owned                       ? VMEM_STATE_FREE
                                                 : VMEM_STATE_OUTSIDE;
            busy += is_busy ? quantum : 0;
            owned += is_owned ? quantum : 0;
            if (vmem_state(arena, explorer->world->base + p * quantum) != want ||
                vmem_contains(arena, explorer->world->base + p * quantum, quantum) != is_owned) {
                return "vmem_state or vmem_contains is wrong about a quantum";
            }
        }
        if (vmem_size(arena, VMEM_ALLOC) != busy || vmem_size(arena, VMEM_FREE) != owned - busy ||
            vmem_size(arena, VMEM_ALLOC | VMEM_FREE) != owned ||
            vmem_size(arena, VMEM_MAXFREE) != largest * quantum) {
            return "vmem_size is wrong";
        }
    }
    return NULL;
}

/*
 * A call was made: judge it, keep the state it led to if that is new, and go back to where it was
 * made from.  `text`: what is wrong already, or NULL.
 */
static void
settle(struct explorer *explorer, const struct vmx_step *step, const struct vmx_key *after,
    const char *text, unsigned faults_expected)
{
    explorer->result->calls++;
    if (text == NULL && explorer->faults != faults_expected) {
        text = faults_expected == 0 ? "the fatal hook was called" : "the fatal hook was not called";
    }
    explorer->faults = 0;
    if (text != NULL) {
        disagree(explorer, step, text);
        restore(explorer);
        return;
    }
    if (explorer->is_careful && !explorer->world->is_careful) {
        (void)note_hot(explorer);
    } else if (memcmp(after, &explorer->now, sizeof *after) == 0) {
        return; /* only counters may have changed */
    }
    if (vmx_keys_enter(&explorer->keys, after)) {
        wait_here(explorer, step);
        text = judge_state(explorer, after); /* may build an index: hence last */
        (void)note_hot(explorer);
        if (text != NULL) {
            disagree(explorer, step, text);
        }
    }
    restore(explorer);
}

/* -------------------------------------------------------------------------------------------------
 * Calls
 * ---------------------------------------------------------------------------------------------- */

/* The reason that vmem_explain() gives must be one for the answer. */
static const char *
judge_explanation(
    struct explorer *explorer, unsigned arena, const struct vmx_request *request, int status)
{
    const struct vmem_constraint constraint = { request->align, request->phase, request->nocross,
        request->addr_min, request->addr_max };
    struct vmem_explanation explanation;

    if (explorer->world->is_importing || (request->addr_max == 0)) {
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

static int
call(struct vmem_arena *arena, const struct vmx_request *request, vmem_addr_t *addr)
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

static void
try_request(struct explorer *explorer, const struct vmx_view *view, unsigned arena, uint32_t number)
{
    const struct vmx_request *request = &explorer->request[number];
    const struct vmx_step step = { VMX_REQUEST, (uint8_t)arena, 0, number };
    struct vmx_answer answer = { .addr = WORST_PLACE };
    bool is_open = false;
    struct vmx_key after;
    const char *text;

    answer.status = call(explorer->arena[arena], request, &answer.addr);
    text = read_key(explorer, &after);
    if (text == NULL) {
        text = vmx_judge_request(
            explorer->world, &explorer->now, view, &after, arena, request, &answer, &is_open);
    }
    if (text != NULL && vmx_has_lacked_tags(explorer->arena, explorer->arena_count)) {
        text = "not judged: the tag memory of the explorer is too small";
    }
    if (text == NULL && answer.status != 0 && answer.addr != WORST_PLACE) {
        text = "refused, but the out-pointer was written";
    }
    explorer->result->open_refusals += is_open ? 1 : 0;
    settle(explorer, &step, &after, text, 0);
    if (text == NULL && !request->is_move && number % EXPLAIN_EVERY == 0) {
        text = judge_explanation(explorer, arena, request, answer.status);
        if (text != NULL) {
            disagree(explorer, &step, text);
        }
    }
}

/* Free what is allocated at a position, with a size that is rounded, or not. */
static void
try_free(struct explorer *explorer, unsigned arena, unsigned position, vmem_size_t less)
{
    const struct vmx_world *world = explorer->world;
    const struct vmx_shape *shape = &explorer->now.arena[arena];
    const unsigned quanta = vmx_quanta_at(shape, position);
    const struct vmx_step step = { VMX_FREE, (uint8_t)arena, (uint16_t)position, quanta };
    struct vmx_key after;
    const char *text;

    if ((shape->handled >> position & 1) != 0) {
        vmem_free_handle(
            explorer->arena[arena], vmx_handle_at(explorer->arena[arena], world, position));
    } else {
        vmem_free(explorer->arena[arena], world->base + position * world->quantum,
            quanta * world->quantum - less);
    }
    text = read_key(explorer, &after);
    if (text == NULL) {
        text = vmx_judge_free(world, &explorer->now, &after, arena, position);
    }
    settle(explorer, &step, &after, text, 0);
}

/* Free what is not allocated like that: nothing may change, to the last byte. */
static void
try_bad_free(struct explorer *explorer, unsigned arena, unsigned position, unsigned quanta)
{
    const struct vmx_world *world = explorer->world;
    const struct vmx_shape *shape = &explorer->now.arena[arena];
    const bool is_start = position < world->quanta && (shape->start >> position & 1) != 0;
    const bool is_handled = position < world->quanta && (shape->handled >> position & 1) != 0;
    const enum vmem_fault_code code = is_handled ? VMEM_FAULT_HANDLE_ONLY
        : is_start                               ? VMEM_FAULT_WRONG_SIZE
                                                 : VMEM_FAULT_BAD_FREE;
    const struct vmx_step step = { VMX_BAD_FREE, (uint8_t)arena, (uint16_t)position, quanta };
    struct vmx_key after;
    const char *text;

    if (is_start && !is_handled && vmx_quanta_at(shape, position) == quanta) {
        return; /* a right one */
    }
    restore(explorer); /* the counters too */
    vmem_free(
        explorer->arena[arena], world->base + position * world->quantum, quanta * world->quantum);
    text = read_key(explorer, &after);
    if (text == NULL && !is_unchanged(explorer)) {
        text = "a wrong free changed the arena";
    }
    if (text == NULL && explorer->faults == 1 && explorer->fault_code != code) {
        text = "a wrong free was reported as another kind of misuse";
    }
    settle(explorer, &step, &after, text, 1);
}

static void
try_add(struct explorer *explorer, unsigned number)
{
    const struct vmx_world *world = explorer->world;
    const struct vmx_span *span = &world->span[number];
    const struct vmx_step step = { VMX_ADD, 0, (uint16_t)number, 0 };
    struct vmx_key after;
    const char *text;
    const int status = vmem_add(explorer->arena[0], world->base + span->start * world->quantum,
        span->quanta * world->quantum, 0);

    text = read_key(explorer, &after);
    if (text == NULL) {
        text = vmx_judge_add(world, &explorer->now, &after, span, status);
    }
    settle(explorer, &step, &after, text, 0);
}

/* -------------------------------------------------------------------------------------------------
 * Every call from a state
 * ---------------------------------------------------------------------------------------------- */

static bool
enter_without_cursor(struct explorer *explorer)
{
    struct vmx_key key = explorer->now;

    key.arena[0].cursor = 0;
    key.arena[1].cursor = 0;
    return vmx_keys_enter(&explorer->without_cursor, &key);
}

/* All requests, or those that must be made from every state; from the source, placements. */
static void
try_requests(struct explorer *explorer, unsigned arena, bool all)
{
    struct vmx_view view;

    vmx_view_make(explorer->world, &explorer->now.arena[arena], &view);
    for (uint32_t i = 0; i < explorer->request_count; i++) {
        const struct vmx_request *request = &explorer->request[i];
        if (arena == 0 ? all || request->is_move : request->is_placement) {
            try_request(explorer, &view, arena, i);
        }
    }
}

static void
try_frees(struct explorer *explorer, unsigned arena, bool all)
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
    for (unsigned p = 0; all && p <= world->quanta; p++) {
        for (unsigned quanta = 0; quanta <= world->quanta + 1; quanta++) {
            try_bad_free(explorer, arena, p, quanta);
        }
    }
}

static void
make_all_calls(struct explorer *explorer, bool is_first)
{
    for (unsigned arena = 0; arena < explorer->arena_count; arena++) {
        try_requests(explorer, arena, is_first);
        try_frees(explorer, arena, is_first);
    }
    for (unsigned i = 0; !explorer->world->is_importing && i < explorer->world->span_count; i++) {
        try_add(explorer, i);
    }
}

/* May calls from this state write where none did before? */
static bool
is_unfamiliar(struct explorer *explorer)
{
    const struct vmx_shape *a = &explorer->now.arena[0];
    const struct vmx_shape *b = &explorer->now.arena[1];
    const unsigned mode = (a->by_address + 3u * a->by_size) +
        9u * (b->by_address + 3u * b->by_size + 9u * (a->kept != 0 ? 1u : 0u));
    const bool is_new = !explorer->has_seen[mode];

    explorer->has_seen[mode] = true;
    return is_new || explorer->careful_states++ < CAREFUL_STATES;
}

static void
expand(struct explorer *explorer, struct waiting *waiting)
{
    bool is_first;

    saved = first;
    for (uint32_t i = 0; i < waiting->lines; i++) {
        saved.line[explorer->hot[i]] = waiting->line[i];
    }
    free(waiting->line);
    explorer->number = waiting->number;
    explorer->now = explorer->keys.key[waiting->number];
    is_first = enter_without_cursor(explorer);
    explorer->is_careful = explorer->world->is_careful || is_unfamiliar(explorer);
    live = saved;
    make_all_calls(explorer, is_first);
    while (note_hot(explorer) && !explorer->world->is_careful) {
        /* A call wrote where none had before: going back was not exact.  Once more, carefully. */
        explorer->is_careful = true;
        live = saved;
        make_all_calls(explorer, is_first);
    }
}

/* -------------------------------------------------------------------------------------------------
 * Beginning and end
 * ---------------------------------------------------------------------------------------------- */

static int
create(struct explorer *explorer, unsigned number)
{
    const struct vmx_world *world = explorer->world;
    const bool is_source = number + 1 == explorer->arena_count;
    const struct vmem_options options = {
        .name = number == 0 ? "a" : "source",
        .quantum = world->quantum,
        .flags = VMEM_NOLOCK,
        .source_arena = is_source ? NULL : explorer->arena[1],
        .import_quantum = is_source ? 0 : world->quantum << world->import_log2,
        .import_keep = is_source ? 0 : world->import_keep,
        .tag_memory = live.part[number].tags,
        .tag_memory_bytes = sizeof live.part[number].tags,
        .tag_memory_only = true,
    };
    int status = vmem_init_with(&live.part[number].storage, &options, &explorer->arena[number]);

    for (unsigned i = 0; status == 0 && is_source && i < world->span_count; i++) {
        if (world->span[i].is_initial) {
            status = vmem_add(explorer->arena[number],
                world->base + world->span[i].start * world->quantum,
                world->span[i].quanta * world->quantum, 0);
        }
    }
    return status;
}

static void
begin(struct explorer *explorer)
{
    const struct vmx_step step = { .what = VMX_BEGIN };
    const char *text;

    (void)memset(&live, 0, sizeof live);
    explorer->arena_count = explorer->world->is_importing ? 2 : 1;
    explorer->line_count = explorer->arena_count * sizeof live.part[0] / sizeof live.line[0];
    for (unsigned i = explorer->arena_count; i-- > 0;) {
        if (create(explorer, i) != 0) {
            abort();
        }
    }
    first = live;
    text = read_key(explorer, &explorer->now);
    (void)vmx_keys_enter(&explorer->keys, &explorer->now);
    wait_here(explorer, &step);
    if (text != NULL) {
        disagree(explorer, &step, text);
    }
}

/* Everything is free again: the arenas can be destroyed. */
static void
end(struct explorer *explorer)
{
    const struct vmx_step step = { .what = VMX_BEGIN };

    explorer->number = 0;
    for (unsigned i = 0; i < explorer->arena_count; i++) {
        if (vmem_destroy(explorer->arena[i]) != 0) {
            disagree(explorer, &step, "an arena with nothing allocated is not destroyed");
        }
    }
    vmem_set_fatal_hook(NULL, NULL);
    vmx_keys_fini(&explorer->keys);
    vmx_keys_fini(&explorer->without_cursor);
    free(explorer->origin);
    free(explorer->waiting);
    free(explorer->request);
}

void
vmx_explore(const struct vmx_world *world, struct vmx_result *result)
{
    struct explorer explorer = { .world = world, .result = result };

    *result = (struct vmx_result){ 0 };
    explorer.request = vmx_requests_make(world, &explorer.request_count);
    vmem_set_fatal_hook(on_fault, &explorer);
    begin(&explorer);
    while (explorer.waiting_first < explorer.waiting_count) {
        struct waiting waiting = explorer.waiting[explorer.waiting_first++];
        expand(&explorer, &waiting);
    }
    live = first;
    result->states = explorer.keys.count;
    end(&explorer);
}
