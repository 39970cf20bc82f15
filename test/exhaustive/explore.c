/*
 * explore - the frontier: from the first state to the fix-point.   SPDX-License-Identifier: BSD-2-Clause
 */
#define _POSIX_C_SOURCE 200809L

#include "explorer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REPORTS_MAX = 3, PATH_MAX_STEPS = 256, CAREFUL_STATES = 1, PROGRESS_S = 10 };

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
on_misuse(void *arg, const struct vmem_fault *fault)
{
    struct vmx_explorer *explorer = arg;

    explorer->misuses++;
    explorer->misuse_code = fault->code;
}

/* -------------------------------------------------------------------------------------------------
 * Disagreements
 * ---------------------------------------------------------------------------------------------- */

void
vmx_disagree(struct vmx_explorer *explorer, const struct vmx_step *step, const char *text)
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

const char *
vmx_read_key(const struct vmx_explorer *explorer, struct vmx_key *key)
{
    const char *broken = NULL;

    (void)memset(key, 0, sizeof *key);
    for (unsigned i = 0; i < explorer->arena_count && broken == NULL; i++) {
        broken = vmx_shape_read(explorer->arena[i], explorer->world, &key->arena[i]);
        if (broken == NULL && explorer->options->has_faults) {
            vmx_supply_read(explorer->arena[i], &key->arena[i]);
        }
    }
    return broken;
}

/* Put the present state among those that wait. */
static void
wait_here(struct vmx_explorer *explorer, const struct vmx_step *step)
{
    const uint32_t number = (uint32_t)(explorer->keys.count - 1);
    struct vmx_waiting *waiting;

    if (number >= explorer->origin_capacity) {
        explorer->origin_capacity = 2 * (size_t)number + 1024;
        explorer->origin =
            grown(explorer->origin, explorer->origin_capacity * sizeof explorer->origin[0]);
    }
    explorer->origin[number] = (struct vmx_origin){ *step, explorer->number };
    if (explorer->waiting_count == explorer->waiting_capacity) {
        explorer->waiting_capacity = 2 * explorer->waiting_capacity + 1024;
        explorer->waiting =
            grown(explorer->waiting, explorer->waiting_capacity * sizeof explorer->waiting[0]);
    }
    waiting = &explorer->waiting[explorer->waiting_count++];
    waiting->number = number;
    vmx_image_keep(&explorer->image, &waiting->difference);
}

/* Keep the live state if it is new.  With faults, states that differ in the cursor alone are one. */
static bool
enter(struct vmx_explorer *explorer, const struct vmx_step *step, const struct vmx_key *after)
{
    struct vmx_key key = *after;

    for (unsigned i = 0; explorer->options->has_faults && i < VMX_ARENAS_MAX; i++) {
        key.arena[i].cursor = 0;
    }
    if (!vmx_keys_enter(&explorer->keys, &key)) {
        return false;
    }
    wait_here(explorer, step);
    return true;
}

bool
vmx_enter_state(
    struct vmx_explorer *explorer, const struct vmx_step *step, const struct vmx_key *after)
{
    return enter(explorer, step, after);
}

/* Figures, invariants, and the state of every quantum, against the key. */
const char *
vmx_judge_state(const struct vmx_explorer *explorer, const struct vmx_key *key)
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

void
vmx_settle(struct vmx_explorer *explorer, const struct vmx_step *step, const struct vmx_key *after,
    const char *text, unsigned misuses_expected)
{
    if (text == NULL && explorer->misuses != misuses_expected) {
        text =
            misuses_expected == 0 ? "the fatal hook was called" : "the fatal hook was not called";
    }
    explorer->misuses = 0;
    if (text != NULL) {
        vmx_disagree(explorer, step, text);
        vmx_image_restore(&explorer->image);
        return;
    }
    if (explorer->image.is_careful && !explorer->world->is_careful) {
        (void)vmx_image_note_hot(&explorer->image);
    }
    if (memcmp(after, &explorer->now, sizeof *after) != 0 && enter(explorer, step, after)) {
        text = vmx_judge_state(explorer, after);
        (void)vmx_image_note_hot(&explorer->image);
        if (text != NULL) {
            vmx_disagree(explorer, step, text);
        }
    }
    vmx_image_restore(&explorer->image);
}

/* -------------------------------------------------------------------------------------------------
 * Every call from a state
 * ---------------------------------------------------------------------------------------------- */

/* Is this the first state that differs from others in nothing but the cursor, or what a search ignores? */
static bool
enter_without(
    struct vmx_keys *keys, const struct vmx_key *now, bool cursor, bool cuts, bool at_hand)
{
    struct vmx_key key = *now;

    for (unsigned i = 0; i < VMX_ARENAS_MAX; i++) {
        key.arena[i].cursor = cursor ? 0 : key.arena[i].cursor;
        key.arena[i].start = cuts ? 0 : key.arena[i].start;
        key.arena[i].handled = cuts ? 0 : key.arena[i].handled;
        if (at_hand) {
            (void)memset(key.arena[i].at_hand, 0, sizeof key.arena[i].at_hand);
        }
    }
    return vmx_keys_enter(keys, &key);
}

static void
choose_extent(struct vmx_explorer *explorer, struct vmx_extent *extent)
{
    struct vmx_result *result = explorer->result;
    const bool cuts = !explorer->options->is_full;

    extent->wrong = enter_without(&explorer->uncursored, &explorer->now, true, false, true);
    extent->all = enter_without(&explorer->searched, &explorer->now, true, cuts, true);
    extent->all_next = enter_without(&explorer->searched_next, &explorer->now, false, cuts, true);
    extent->failing = explorer->options->has_faults &&
        enter_without(&explorer->failed, &explorer->now, true, cuts, false);
    for (unsigned i = 0; i < VMX_NEXT; i++) {
        result->by[i].searched += extent->all ? 1 : 0;
    }
    result->by[VMX_NEXT].searched += extent->all_next ? 1 : 0;
}

/* May calls from this state write where none did before? */
static bool
is_unfamiliar(struct vmx_explorer *explorer)
{
    const struct vmx_shape *a = &explorer->now.arena[0];
    const struct vmx_shape *b = &explorer->now.arena[1];
    const unsigned mode = (a->by_address + 3u * a->by_size) +
        9u * (b->by_address + 3u * b->by_size + 9u * (a->kept != 0 ? 1u : 0u));
    const bool is_new = !explorer->has_seen[mode];

    explorer->has_seen[mode] = true;
    return is_new || explorer->careful_states++ < CAREFUL_STATES;
}

/*
 * The first call may put tags at hand, the following ones need not.  Let it be none of those that are
 * judged: then a refusal changes no byte.  With kept spans it would do more.
 */
static void
warm_up(struct vmx_explorer *explorer)
{
    struct vmx_key after;
    vmem_addr_t addr;

    if (vmem_alloc(explorer->arena[0], (explorer->world->quanta + 1) * explorer->world->quantum, 0,
            &addr) == ENOMEM &&
        vmx_read_key(explorer, &after) == NULL &&
        memcmp(&after, &explorer->now, sizeof after) == 0) {
        vmx_image_reset_counters(&explorer->image);
        vmx_image_save(&explorer->image);
    } else {
        vmx_image_restore(&explorer->image);
    }
}

static void
expand(struct vmx_explorer *explorer, struct vmx_waiting *waiting)
{
    vmx_image_return_to(&explorer->image, &waiting->difference);
    explorer->number = waiting->number;
    explorer->visit++;
    explorer->sound_count = 0;
    (void)vmx_read_key(explorer, &explorer->now); /* the cursor too */
    choose_extent(explorer, &explorer->extent);
    explorer->image.is_careful =
        explorer->world->is_careful || (!explorer->world->is_small && is_unfamiliar(explorer));
    if (!explorer->options->has_faults) {
        warm_up(explorer);
    }
    vmx_make_all_calls(explorer);
    while (vmx_image_note_hot(&explorer->image) && !explorer->world->is_careful) {
        /* A call wrote where none had before: going back was not exact.  Once more, carefully. */
        explorer->image.is_careful = true;
        vmx_image_restore(&explorer->image);
        vmx_make_all_calls(explorer);
    }
}

/* -------------------------------------------------------------------------------------------------
 * Beginning and end
 * ---------------------------------------------------------------------------------------------- */

/* The import function of a world that has one: it asks the source, as the library would. */
static int
import(void *arg, const struct vmem_import_request *request, struct vmem_range *span)
{
    int status;

    if (vmx_fuse_blows()) {
        return ENOMEM;
    }
    span->size = request->size;
    status = vmem_xalloc(arg, request->size, request->align, request->phase, request->nocross,
        request->addr_min, request->addr_max, request->flags, &span->start);
    if (status != 0 && request->size_anywhere != 0) {
        span->size = request->size_anywhere;
        status = vmem_alloc(arg, request->size_anywhere, request->flags, &span->start);
    }
    return status;
}

static void
release(void *arg, vmem_addr_t start, vmem_size_t size)
{
    vmem_free(arg, start, size);
}

static int
create(struct vmx_explorer *explorer, unsigned number)
{
    const struct vmx_world *world = explorer->world;
    struct vmx_part *part = &vmx_live.part[number];
    const bool is_source = number + 1 == explorer->arena_count;
    const bool is_fed = !is_source && world->has_function;
    const bool is_small = world->is_small;
    const struct vmem_options options = {
        .name = number == 0 ? "a" : "source",
        .quantum = world->quantum,
        .flags = VMEM_NOLOCK,
        .source_arena = is_source || is_fed ? NULL : explorer->arena[1],
        .import_fn = is_fed ? import : NULL,
        .release_fn = is_fed ? release : NULL,
        .source_arg = is_fed ? explorer->arena[1] : NULL,
        .import_quantum = is_source ? 0 : world->quantum << world->import_log2,
        .import_keep = is_source ? 0 : world->import_keep,
        .tag_memory = is_small ? NULL : part->tags,
        .tag_memory_bytes = is_small ? 0 : world->tag_bytes,
        .tag_memory_only = !is_small,
        .tags = is_small ? vmx_supply_of(part) : (struct vmem_tag_source){ 0 },
    };
    int status = vmem_init_with(&part->storage, &options, &explorer->arena[number]);

    for (unsigned i = 0; status == 0 && is_source && i < world->span_count; i++) {
        if (world->span[i].is_initial) {
            status = vmem_add(explorer->arena[number],
                world->base + world->span[i].start * world->quantum,
                world->span[i].quanta * world->quantum, 0);
            if (status != 0) {
                (void)vmem_destroy(explorer->arena[number]);
            }
        }
    }
    return status;
}

/* Create the arenas, the source first.  If one fails, there is none. */
static int
create_all(struct vmx_explorer *explorer)
{
    int status = 0;

    for (unsigned i = explorer->arena_count; status == 0 && i-- > 0;) {
        status = create(explorer, i);
        if (status != 0 && i + 1 < explorer->arena_count) {
            (void)vmem_destroy(explorer->arena[i + 1]);
        }
    }
    return status;
}

/* Creation with each fallible callback failing. */
static void
create_failing(struct vmx_explorer *explorer)
{
    for (unsigned mode = 0; mode < 2; mode++) {
        for (unsigned at = 1;; at++) {
            const struct vmx_step step = {
                .what = VMX_BEGIN, .fails_at = (uint16_t)at, .fails_onward = mode != 0
            };
            int status;
            vmx_fuse_set(at, mode != 0);
            status = create_all(explorer);
            for (unsigned i = 0; status == 0 && i < explorer->arena_count; i++) {
                (void)vmem_destroy(explorer->arena[i]);
            }
            if (vmx_fuse.failed == 0) {
                break;
            }
            explorer->result->faults++;
            if (status != 0 && status != ENOMEM) {
                vmx_disagree(explorer, &step, "creation: another status than the contract's");
            }
            for (unsigned i = 0; i < explorer->arena_count; i++) {
                if (vmx_fuse.is_misused || vmx_supply_bytes(&vmx_live.part[i]) != 0) {
                    vmx_disagree(explorer, &step, "creation: memory has leaked");
                }
            }
        }
    }
}

static void
make_requests(struct vmx_explorer *explorer)
{
    explorer->request = vmx_requests_make(explorer->world, &explorer->request_count);
    explorer->move = grown(NULL, explorer->request_count * sizeof explorer->move[0]);
    for (uint32_t i = 0; i < explorer->request_count; i++) {
        if (explorer->request[i].is_move) {
            explorer->move[explorer->move_count++] = i;
        }
    }
}

static void
begin(struct vmx_explorer *explorer)
{
    const struct vmx_step step = { .what = VMX_BEGIN };
    const char *text;

    (void)memset(&vmx_live, 0, sizeof vmx_live);
    explorer->arena_count = explorer->world->is_importing ? 2 : 1;
    if (explorer->options->has_faults) {
        create_failing(explorer);
        (void)memset(&vmx_live, 0, sizeof vmx_live);
    }
    vmx_fuse_set(0, false);
    if (create_all(explorer) != 0) {
        abort();
    }
    vmx_image_begin(&explorer->image, explorer->arena_count, explorer->world->tag_bytes,
        explorer->world->is_small);
    text = vmx_read_key(explorer, &explorer->now);
    (void)vmx_keys_enter(&explorer->keys, &explorer->now);
    wait_here(explorer, &step);
    if (text != NULL) {
        vmx_disagree(explorer, &step, text);
    }
}

static void
forget(struct vmx_explorer *explorer)
{
    struct vmx_memo *memo = &explorer->memo[0][0][0][0];

    for (size_t i = 0; i < sizeof explorer->memo / sizeof *memo; i++) {
        free(memo[i].line);
    }
}

/* Everything is free again: the arenas can be destroyed. */
static void
end(struct vmx_explorer *explorer)
{
    const struct vmx_step step = { .what = VMX_BEGIN };

    explorer->number = 0;
    for (unsigned i = 0; i < explorer->arena_count; i++) {
        if (vmem_destroy(explorer->arena[i]) != 0) {
            vmx_disagree(explorer, &step, "an arena with nothing allocated is not destroyed");
        }
    }
    for (unsigned i = 0; explorer->world->is_small && i < explorer->arena_count; i++) {
        if (vmx_fuse.is_misused || vmx_supply_bytes(&vmx_live.part[i]) != 0) {
            vmx_disagree(explorer, &step, "an arena keeps memory when it is destroyed");
        }
    }
    vmem_set_fatal_hook(NULL, NULL);
    vmx_keys_fini(&explorer->keys);
    vmx_keys_fini(&explorer->uncursored);
    vmx_keys_fini(&explorer->searched);
    vmx_keys_fini(&explorer->searched_next);
    vmx_keys_fini(&explorer->failed);
    forget(explorer);
    free(explorer->origin);
    free(explorer->waiting);
    free(explorer->request);
    free(explorer->move);
}

/* Say how far it is, now and then. */
static void
show_progress(const struct vmx_explorer *explorer, time_t *shown)
{
    const time_t now = time(NULL);
    uint64_t calls = 0;

    if (!explorer->options->shows_progress || now - *shown < PROGRESS_S) {
        return;
    }
    for (unsigned i = 0; i < VMX_KINDS; i++) {
        calls += explorer->result->by[i].calls;
    }
    (void)fprintf(stderr, "%s: %zu states, %zu to go, %" PRIu64 " calls\n", explorer->world->name,
        explorer->keys.count, explorer->waiting_count - explorer->waiting_first,
        calls + explorer->result->faults);
    *shown = now;
}

void
vmx_explore(
    const struct vmx_world *world, const struct vmx_options *options, struct vmx_result *result)
{
    struct vmx_explorer *explorer = calloc(1, sizeof *explorer);
    time_t shown = time(NULL);

    if (explorer == NULL) {
        abort();
    }
    *result = (struct vmx_result){ 0 };
    explorer->world = world;
    explorer->options = options;
    explorer->result = result;
    make_requests(explorer);
    vmem_set_fatal_hook(on_misuse, explorer);
    begin(explorer);
    while (explorer->waiting_first < explorer->waiting_count) {
        struct vmx_waiting waiting = explorer->waiting[explorer->waiting_first++];
        expand(explorer, &waiting);
        show_progress(explorer, &shown);
    }
    vmx_image_return_to_first();
    result->states = explorer->keys.count;
    end(explorer);
    free(explorer);
}
