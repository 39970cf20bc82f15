/*
 * operations - bytes become calls on one arena.                   SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. What it is for
 *    Any sequence of public calls on one arena, right and wrong ones, while its source of tags fails at
 *    any point.  Imports have their own harness, trees.c.
 *
 * 2. What is judged
 *    Each call by the model (model/model.h): status, place, policy, which fault a wrong free is, the
 *    reason that explain gives and the largest size that it promises.  After each call all figures and
 *    counters; every few calls all segments as a walk shows them, and vmem_check().
 *
 * 3. What the model does not know
 *    Quarantine: what rests is busy in the model, for nothing can be placed there; `resting` lists it, in
 *    the order in which it leaves, and what users are shown (sizes, states, explain) is compared with a
 *    copy of the model in which it is free.
 *    Memory: a call may be refused for want of tags if the source of tags refused during that call, or
 *    there is none; the counters must say so.
 */
#include "fuzz.h"
#include "list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPS_MAX = 128,
    LIVE_MAX = 160,
    LOOK_EVERY = 6, /* calls between two looks at all segments */
    QUANTA_MAX = 200,
    TAG_MEMORY_BYTES = 12288,
    QUARANTINE_MAX = 7,
    SPENT_MAX = 8
};

struct live {
    vmem_addr_t addr;
    vmem_size_t size;     /* as requested */
    vmem_handle_t handle; /* 0 = none */
};

struct run {
    struct fuzz_input in;
    struct fuzz_place place;
    struct vmem_options options;
    struct vmem_arena *arena;
    struct vmem_model model;
    struct fuzz_tags tags;
    bool may_lack_tags; /* the call at hand may be refused for want of tags */
    uint64_t refused;   /* by the source of tags, before the call at hand */
    bool has_more_tags; /* more_tag_memory was given */
    bool has_reclaim;
    bool has_import;                   /* from a function that has nothing */
    unsigned reclaims;                 /* calls of reclaim in the call at hand */
    uint64_t fails[VMEM_REASON_COUNT]; /* as last seen */
    uint64_t allocs;
    uint64_t frees;
    vmem_size_t peak;
    struct live live[LIVE_MAX];
    unsigned live_count;
    vmem_handle_t spent[SPENT_MAX]; /* handles of allocations that were freed */
    unsigned spent_count;
    struct vmem_model_range resting[QUARANTINE_MAX]; /* oldest first */
    unsigned resting_count;
    vmem_size_t resting_size;
};

static _Alignas(64) unsigned char tag_memory[TAG_MEMORY_BYTES];
static _Alignas(64) unsigned char more_tag_memory[4096];
static struct vmem_storage storage;

/* -------------------------------------------------------------------------------------------------
 * Quarantine
 * ---------------------------------------------------------------------------------------------- */

/* The oldest ones leave until `left` remain. */
static void
wake(struct run *run, unsigned left)
{
    while (run->resting_count > left) {
        const struct vmem_model_range range = run->resting[0];

        run->resting_count--;
        run->resting_size -= range.last - range.start + 1;
        memmove(&run->resting[0], &run->resting[1], run->resting_count * sizeof run->resting[0]);
        vmem_model_free(&run->model, range.start);
    }
}

static bool
is_resting(const struct run *run, vmem_addr_t start)
{
    for (unsigned i = 0; i < run->resting_count; i++) {
        if (run->resting[i].start == start) {
            return true;
        }
    }
    return false;
}

static unsigned
quarantined(const struct run *run)
{
    struct vmem_stats stats;

    vmem_stats(run->arena, &stats);
    return (unsigned)stats.quarantined;
}

/* A call may have emptied the quarantine: follow. */
static void
follow_drain(struct run *run)
{
    if (run->resting_count != 0 && quarantined(run) == 0) {
        wake(run, 0);
    }
}

/* The model as users see it: what rests is free.  To be given to hide(). */
static struct vmem_model *
show(struct run *run, struct vmem_model *copy)
{
    if (run->resting_count == 0) {
        return &run->model;
    }
    *copy = (struct vmem_model){ 0 };
    vmem_model_copy(copy, &run->model);
    for (unsigned i = 0; i < run->resting_count; i++) {
        vmem_model_free(copy, run->resting[i].start);
    }
    return copy;
}

static void
hide(const struct run *run, struct vmem_model *shown)
{
    if (shown != &run->model) {
        vmem_model_fini(shown);
    }
}

/* -------------------------------------------------------------------------------------------------
 * Looking
 * ---------------------------------------------------------------------------------------------- */

/* A walk over all segments beside the lists of the model. */
struct walk {
    const struct run *run;
    size_t hole;
    size_t busy;
    size_t span;
};

static bool
compare_segment(void *arg, const struct vmem_segment *segment)
{
    struct walk *walk = arg;
    const struct vmem_model *model = &walk->run->model;
    const vmem_addr_t last = segment->start + (segment->size - 1);
    const struct vmem_model_list *list = &model->holes;
    size_t i;

    if (segment->type == VMEM_SPAN) {
        list = &model->statics;
        i = walk->span++;
    } else if (segment->type == VMEM_FREE && !is_resting(walk->run, segment->start)) {
        i = walk->hole++;
    } else {
        list = &model->busy;
        i = walk->busy++;
    }
    FUZZ_REQUIRE(!segment->imported, "nothing was imported");
    FUZZ_REQUIRE(i < list->count && list->at[i].start == segment->start && list->at[i].last == last,
        "a walk shows the segments that the model has");
    return true;
}

static void
look_at_segments(struct run *run)
{
    struct walk walk = { .run = run };
    struct vmem_violation violation;

    vmem_walk(run->arena, VMEM_ALLOC | VMEM_FREE | VMEM_SPAN, compare_segment, &walk);
    FUZZ_REQUIRE(walk.hole == run->model.holes.count && walk.busy == run->model.busy.count &&
            walk.span == run->model.statics.count,
        "a walk shows all segments that the model has");
    FUZZ_REQUIRE(vmem_check(run->arena, &violation), violation.invariant);
}

/* Sizes and counters. */
static void
look_at_figures(struct run *run)
{
    struct vmem_model copy;
    struct vmem_model *shown = show(run, &copy);
    struct vmem_model_figures figures;
    struct vmem_stats stats;

    vmem_model_figures(shown, &figures);
    FUZZ_REQUIRE(vmem_size(run->arena, VMEM_ALLOC) == figures.inuse, "[S13] ALLOC is exact");
    FUZZ_REQUIRE(vmem_size(run->arena, VMEM_FREE) == figures.free, "[S13] FREE is exact");
    FUZZ_REQUIRE(vmem_size(run->arena, VMEM_ALLOC | VMEM_FREE) == figures.total,
        "[S13] ALLOC and FREE are the total");
    FUZZ_REQUIRE(vmem_size(run->arena, VMEM_MAXFREE) == figures.largest, "[S13] MAXFREE is exact");
    hide(run, shown);
    vmem_stats(run->arena, &stats);
    FUZZ_REQUIRE(stats.quantum == run->place.quantum && stats.limit == run->model.limit &&
            stats.total_size == run->model.total && stats.inuse_size == figures.inuse &&
            stats.inuse_peak == run->peak && stats.imported_size == 0,
        "the sizes of vmem_stats");
    FUZZ_REQUIRE(stats.allocs == run->allocs && stats.frees == run->frees &&
            stats.busy_segments == run->live_count && stats.holes == run->model.holes.count &&
            stats.spans == run->model.statics.count && stats.quarantined == run->resting_count,
        "the counts of vmem_stats");
}

/* One request more was refused for this reason, and no other. */
static void
expect_counted(struct run *run, const enum vmem_reason *reasons, unsigned count)
{
    struct vmem_stats stats;
    unsigned changed = 0;
    bool is_known = false;

    vmem_stats(run->arena, &stats);
    for (unsigned i = 0; i < VMEM_REASON_COUNT; i++) {
        changed += (unsigned)(stats.fails[i] - run->fails[i]);
        for (unsigned j = 0; j < count; j++) {
            is_known = is_known || (reasons[j] == i && stats.fails[i] == run->fails[i] + 1);
        }
        run->fails[i] = stats.fails[i];
    }
    FUZZ_REQUIRE(changed == 1 && is_known, "a refusal is counted once, under its reason");
}

/* -------------------------------------------------------------------------------------------------
 * Allocating
 * ---------------------------------------------------------------------------------------------- */

/* Was the refusal at hand for want of tags? */
static bool
lacked_tags(const struct run *run)
{
    struct vmem_stats stats;

    vmem_stats(run->arena, &stats);
    return stats.fails[VMEM_REASON_TAGS] != run->fails[VMEM_REASON_TAGS];
}

static void
judge_refusal(
    struct run *run, const struct vmem_model_request *request, int status, bool is_constrained)
{
    const enum vmem_reason tags[] = { VMEM_REASON_TAGS };
    const enum vmem_reason source[] = { VMEM_REASON_IMPORT, VMEM_REASON_LIMIT, VMEM_REASON_SPACE,
        VMEM_REASON_FRAGMENTS, VMEM_REASON_WINDOW };
    const enum vmem_reason space[] = { VMEM_REASON_SPACE };
    const enum vmem_reason holes[] = { VMEM_REASON_FRAGMENTS, VMEM_REASON_WINDOW };
    struct vmem_model_verdict verdict;

    if (status == ENOMEM && lacked_tags(run)) {
        FUZZ_REQUIRE(run->may_lack_tags || run->tags.refused != run->refused,
            "tags are lacking only if their source refuses");
        expect_counted(run, tags, 1);
        return;
    }
    vmem_model_judge(&run->model, request, status, 0, &verdict);
    FUZZ_REQUIRE(verdict.rule == NULL, verdict.rule);
    FUZZ_REQUIRE(run->resting_count == 0, "[Q3] the quarantine is drained before a refusal");
    if (run->has_import) {
        expect_counted(run, source, 5);
    } else if (run->model.total - run->model.inuse < request->size) {
        expect_counted(run, space, 1);
    } else {
        expect_counted(run, holes, is_constrained ? 2 : 1);
    }
}

static bool
has_constraint(const struct run *run, const struct vmem_model_request *request)
{
    return request->align > run->place.quantum || request->nocross != 0 || request->addr_min != 0 ||
        request->addr_max != VMEM_ADDR_MAX;
}

static void
judge_alloc(struct run *run, const struct fuzz_request *asked, int status, const struct live *got)
{
    const bool has_lock = (run->options.flags & VMEM_NOLOCK) == 0;
    struct vmem_model_request request;
    struct vmem_model_verdict verdict;
    const int want = fuzz_judge_request(&run->model, asked, has_lock, &request);

    follow_drain(run);
    if (want != 0) {
        const enum vmem_reason reason =
            want == ENOMEM ? VMEM_REASON_ROUNDING : VMEM_REASON_ARGUMENTS;
        FUZZ_REQUIRE(status == want, "[C4] the status of a request that is not valid");
        expect_counted(run, &reason, 1);
        return;
    }
    if (status != 0) {
        judge_refusal(run, &request, status, has_constraint(run, &request));
        return;
    }
    if ((run->options.flags & VMEM_RANDOM) != 0 && request.policy == VMEM_INSTANTFIT) {
        request.high = false; /* any place will do */
    }
    vmem_model_judge(&run->model, &request, status, got->addr, &verdict);
    FUZZ_REQUIRE(verdict.rule == NULL, verdict.rule);
    vmem_model_commit(&run->model, &request, got->addr);
    run->allocs++;
    run->live[run->live_count++] = *got;
    if (run->model.inuse - run->resting_size > run->peak) {
        run->peak = run->model.inuse - run->resting_size;
    }
}

enum how { PLAIN, CONSTRAINED, WITH, HANDLE, HANDLE_ANYWHERE, HOWS };

static int
call_alloc(struct run *run, enum how how, const struct fuzz_request *r, vmem_addr_t *addr,
    vmem_handle_t *h)
{
    const struct vmem_constraint constraint = { r->align, r->phase, r->nocross, r->addr_min,
        r->addr_max };

    switch (how) {
    case PLAIN:
        return vmem_alloc(run->arena, r->size, r->flags, addr);
    case CONSTRAINED:
        return vmem_xalloc(run->arena, r->size, r->align, r->phase, r->nocross, r->addr_min,
            r->addr_max, r->flags, addr);
    case WITH:
        return vmem_xalloc_with(run->arena, r->size, &constraint, r->flags, addr);
    case HANDLE:
        return vmem_alloc_handle(run->arena, r->size, &constraint, r->flags, addr, h);
    case HANDLE_ANYWHERE:
    case HOWS:
        break;
    }
    return vmem_alloc_handle(run->arena, r->size, NULL, r->flags, addr, h);
}

static void
draw_request(struct run *run, enum how how, struct fuzz_request *request)
{
    if (how == PLAIN || how == HANDLE_ANYWHERE) {
        *request = (struct fuzz_request){ .size = fuzz_size(&run->in, &run->place),
            .flags = fuzz_flags(&run->in),
            .addr_max = VMEM_ADDR_MAX };
        return;
    }
    fuzz_request(&run->in, &run->place, request);
}

/* Make a request, and judge it. */
static void
request_one(struct run *run, enum how how, struct fuzz_request asked)
{
    const vmem_addr_t untouched = 0x5a5a5a5a5a5a5a5a;
    struct vmem_range range = { 0 };
    struct live got = { .addr = untouched, .size = asked.size };
    int status;

    if (run->live_count == LIVE_MAX) {
        return;
    }
    run->reclaims = 0;
    status = call_alloc(run, how, &asked, &got.addr, &got.handle);
    fuzz_expect_silence();
    if (how != CONSTRAINED && asked.addr_max == 0) {
        asked.addr_max = VMEM_ADDR_MAX;
    }
    FUZZ_REQUIRE(status == 0 || (got.addr == untouched && got.handle == 0),
        "out-pointers are written only on success");
    FUZZ_REQUIRE(run->reclaims <= 1 && (run->has_reclaim || run->reclaims == 0),
        "reclaim is called once at most");
    judge_alloc(run, &asked, status, &got);
    if (status == 0 && (how == HANDLE || how == HANDLE_ANYWHERE)) {
        FUZZ_REQUIRE(got.handle != 0 && vmem_handle_range(run->arena, got.handle, &range) == 0 &&
                range.start == got.addr && range.size - got.size < run->place.quantum,
            "a handle names its range");
    }
}

static void
do_alloc(struct run *run, enum how how)
{
    struct fuzz_request asked;

    draw_request(run, how, &asked);
    request_one(run, how, asked);
}

/* -------------------------------------------------------------------------------------------------
 * Freeing
 * ---------------------------------------------------------------------------------------------- */

static void
note_free(struct run *run, unsigned which)
{
    const struct live live = run->live[which];
    const struct vmem_model_range *range;

    run->live[which] = run->live[--run->live_count];
    run->frees++;
    if (live.handle != 0) {
        run->spent[run->spent_count++ % SPENT_MAX] = live.handle;
    }
    if (run->options.quarantine_frees == 0) {
        vmem_model_free(&run->model, live.addr);
        return;
    }
    wake(run, run->options.quarantine_frees - 1);
    range = vmem_model_list_at(&run->model.busy, live.addr);
    run->resting[run->resting_count++] = *range;
    run->resting_size += range->last - range->start + 1;
}

static void
free_one(struct run *run, unsigned which, unsigned manner)
{
    const struct live live = run->live[which];
    vmem_size_t size = live.size;

    if ((manner & 1) != 0) {
        (void)vmem_model_roundup(live.size, run->place.quantum, &size);
    }
    if (live.handle != 0) {
        vmem_free_handle(run->arena, live.handle);
    } else if ((manner & 2) != 0) {
        vmem_free(run->arena, live.addr, size);
    } else {
        vmem_xfree(run->arena, live.addr, size);
    }
    fuzz_expect_silence();
    note_free(run, which);
}

static void
do_free(struct run *run)
{
    const unsigned which = fuzz_byte(&run->in);
    const unsigned manner = fuzz_byte(&run->in);

    if (run->live_count != 0) {
        free_one(run, which % run->live_count, manner);
    }
}

/* Many at once, so that few bytes make many holes: allocate small ones, or free every other one. */
static void
do_many(struct run *run)
{
    const unsigned kind = fuzz_byte(&run->in);
    const unsigned count = 1 + fuzz_below(&run->in, 64);
    const struct fuzz_request asked = { .size = (1 + kind / 4 % 3) * run->place.quantum,
        .addr_max = VMEM_ADDR_MAX,
        .flags = kind >= 128 ? fuzz_flags(&run->in) : 0 };

    for (unsigned i = 0; i < count; i++) {
        run->refused = run->tags.refused;
        if ((kind & 3) != 0) {
            request_one(run, kind % 4 == 1 ? HANDLE_ANYWHERE : PLAIN, asked);
        } else if (i < run->live_count) {
            free_one(run, i, kind); /* the last one takes its place, and stays */
        }
    }
}

static const struct live *
live_at(const struct run *run, vmem_addr_t addr)
{
    for (unsigned i = 0; i < run->live_count; i++) {
        if (run->live[i].addr == addr) {
            return &run->live[i];
        }
    }
    return NULL;
}

/* Free an address and a size that bytes say; it may happen to be right. */
static void
do_free_at(struct run *run)
{
    struct vmem_addr_size {
        vmem_addr_t addr;
        vmem_size_t size;
    } at = { fuzz_addr(&run->in, &run->place), fuzz_size(&run->in, &run->place) };
    const unsigned kind = fuzz_byte(&run->in);
    const struct live *live;
    enum vmem_model_free verdict;

    if (run->live_count != 0 && kind >= 64) { /* about something that is live */
        live = &run->live[kind % run->live_count];
        at.addr = live->addr + (kind >= 224 ? run->place.quantum : 0);
        at.size = kind < 160 ? live->size + run->place.quantum : at.size;
    }
    live = live_at(run, at.addr);
    verdict = vmem_model_judge_free(&run->model, at.addr, at.size);
    if (live != NULL && live->handle == 0 && verdict == VMEM_MODEL_FREE_OK) {
        const unsigned which = (unsigned)(live - run->live);
        vmem_free(run->arena, at.addr, at.size);
        fuzz_expect_silence();
        note_free(run, which);
        return;
    }
    vmem_free(run->arena, at.addr, at.size);
    FUZZ_REQUIRE(fuzz_told.fault.addr == at.addr && fuzz_told.fault.size == at.size,
        "a fault tells address and size as they were given");
    fuzz_expect_fault(live == NULL ? VMEM_FAULT_BAD_FREE
            : live->handle != 0    ? VMEM_FAULT_HANDLE_ONLY
                                   : VMEM_FAULT_WRONG_SIZE);
}

static bool
is_live_handle(const struct run *run, vmem_handle_t handle)
{
    for (unsigned i = 0; i < run->live_count; i++) {
        if (run->live[i].handle == handle && handle != 0) {
            return true;
        }
    }
    return false;
}

/* A handle that was spent, or never was one. */
static void
do_bad_handle(struct run *run)
{
    const unsigned kind = fuzz_byte(&run->in);
    struct vmem_range range = { 1, 1 };
    vmem_handle_t handle = fuzz_number(&run->in);

    if (kind >= 128 && run->spent_count != 0) {
        handle = run->spent[kind % (run->spent_count < SPENT_MAX ? run->spent_count : SPENT_MAX)];
    } else if (kind >= 64 && run->live_count != 0) {
        handle ^= run->live[kind % run->live_count].handle;
    }
    if (is_live_handle(run, handle)) {
        return;
    }
    FUZZ_REQUIRE(vmem_handle_range(run->arena, handle, &range) == EINVAL && range.start == 1,
        "a handle that is not live names nothing");
    vmem_free_handle(run->arena, handle);
    FUZZ_REQUIRE(fuzz_told.fault.addr == handle, "a fault shows the handle");
    fuzz_expect_fault(VMEM_FAULT_BAD_HANDLE);
}

/* -------------------------------------------------------------------------------------------------
 * What the arena owns, and how it is set
 * ---------------------------------------------------------------------------------------------- */

static void
do_add(struct run *run)
{
    const vmem_addr_t start = fuzz_addr(&run->in, &run->place);
    const vmem_size_t size = fuzz_size(&run->in, &run->place);
    const unsigned flags = fuzz_chance(&run->in, 16) ? fuzz_flags(&run->in) : 0;
    const int status = vmem_add(run->arena, start, size, flags);
    int want = vmem_model_judge_add(&run->model, start, size);

    fuzz_expect_silence();
    if ((flags & ~(unsigned)VMEM_NOWAIT) != 0) {
        want = EINVAL;
    }
    if (want == 0 && status == ENOMEM) {
        FUZZ_REQUIRE(run->may_lack_tags || run->tags.refused != run->refused,
            "[S4] no tags, though none were refused");
        return;
    }
    FUZZ_REQUIRE(status == want, "[S4] the status of vmem_add");
    if (status == 0) {
        (void)vmem_model_add(&run->model, start, size);
    }
}

static void
do_add_tags(struct run *run)
{
    const unsigned kind = fuzz_byte(&run->in);
    const size_t bytes = kind < 64 ? kind * 32 : sizeof more_tag_memory;
    const size_t offset = kind % 8 == 7 ? 1 : 0;
    const bool is_good = offset == 0 && bytes >= 1024;

    if (kind >= 64 && (kind & 1) != 0) {
        FUZZ_REQUIRE(vmem_add_tags(run->arena, NULL, bytes) == EINVAL, "no memory is no memory");
        return;
    }
    if (is_good && run->has_more_tags) {
        return; /* it is in use */
    }
    FUZZ_REQUIRE(
        vmem_add_tags(run->arena, more_tag_memory + offset, bytes) == (is_good ? 0 : EINVAL),
        "[T2] aligned to 64 and at least 1 KiB");
    run->has_more_tags = run->has_more_tags || is_good;
    fuzz_expect_silence();
}

static int
import_nothing(void *arg, const struct vmem_import_request *request, struct vmem_range *span)
{
    (void)arg;
    (void)span;
    FUZZ_REQUIRE(request->size != 0, "an import asks for something");
    return ENOMEM;
}

static void
release_nothing(void *arg, vmem_addr_t start, vmem_size_t size)
{
    (void)arg;
    (void)start;
    (void)size;
    fuzz_broken(__FILE__, __LINE__, "nothing was imported, nothing can be released");
}

static void
do_set_import(struct run *run)
{
    const unsigned kind = fuzz_byte(&run->in);
    const vmem_size_t quantum = fuzz_size(&run->in, &run->place);
    const bool has_import = (kind & 1) != 0;
    const bool has_release = (kind & 2) != 0;
    const bool is_bad = (quantum & (run->place.quantum - 1)) != 0 || (has_release && !has_import);
    int status;

    if ((kind & 12) == 12) {
        status = vmem_import_from(run->arena, run->arena, quantum);
        FUZZ_REQUIRE(status == EINVAL, "[I6] an arena is not its own source");
        return;
    }
    status = vmem_set_import(run->arena, has_import ? import_nothing : NULL,
        has_release ? release_nothing : NULL, NULL, quantum);
    fuzz_expect_silence();
    FUZZ_REQUIRE(status ==
            (is_bad                         ? EINVAL
                    : run->model.total != 0 ? EBUSY
                                            : 0),
        "[S5] the status of vmem_set_import");
    if (status == 0) {
        run->has_import = has_import;
    }
    vmem_set_import_keep(run->arena, kind);
    FUZZ_REQUIRE(vmem_source(run->arena) == NULL, "no arena is the source");
}

/* [S7] Frees something while an allocation is about to fail. */
static void
on_reclaim(void *arg, struct vmem_arena *arena, vmem_size_t size, unsigned flags)
{
    struct run *run = arg;
    unsigned count = fuzz_below(&run->in, 4);

    FUZZ_REQUIRE(arena == run->arena && size != 0 && flags == VMEM_NOWAIT, "what reclaim is told");
    follow_drain(run);
    FUZZ_REQUIRE(run->resting_count == 0, "[S7] reclaim comes after the drain");
    run->reclaims++;
    for (; count > 0 && run->live_count > 0; count--) {
        free_one(run, fuzz_byte(&run->in) % run->live_count, count);
    }
}

static void
do_settings(struct run *run)
{
    const unsigned kind = fuzz_byte(&run->in);

    if (kind < 96) {
        run->model.limit = kind < 32 ? 0 : fuzz_size(&run->in, &run->place);
        vmem_set_limit(run->arena, run->model.limit);
    } else if (kind < 160) {
        run->has_reclaim = !run->has_reclaim;
        vmem_set_reclaim(run->arena, run->has_reclaim ? on_reclaim : NULL, run);
    } else {
        run->tags.fuse = 1 + kind % 4;
        run->tags.stays_blown = kind >= 208;
    }
    if (kind >= 248) {
        run->tags.fuse = 0;
    }
    fuzz_expect_silence();
}

static void
do_rest(struct run *run)
{
    if (fuzz_chance(&run->in, 128)) {
        vmem_drain(run->arena);
        wake(run, 0);
    } else {
        vmem_maintain(run->arena);
    }
    fuzz_expect_silence();
}

/* -------------------------------------------------------------------------------------------------
 * Looking, as calls
 * ---------------------------------------------------------------------------------------------- */

/* The model's counts of explain. */
static void
count_holes(const struct vmem_model *model, const struct vmem_model_request *request,
    struct vmem_explanation *e)
{
    for (size_t i = 0; i < model->holes.count; i++) {
        const struct vmem_model_range hole = model->holes.at[i];
        const vmem_addr_t low = hole.start > request->addr_min ? hole.start : request->addr_min;
        const vmem_addr_t high = hole.last < request->addr_max ? hole.last : request->addr_max;
        vmem_addr_t unused;

        e->holes++;
        if (hole.last - hole.start < request->size - 1) {
            continue;
        }
        e->holes_large_enough++;
        e->holes_in_window += low <= high && high - low >= request->size - 1;
        e->holes_fitting += vmem_model_lowest(request, hole, &unused);
    }
}

static enum vmem_reason
reason_of(const struct vmem_explanation *e)
{
    return e->holes_fitting != 0         ? VMEM_REASON_NONE
        : e->free_size < e->size_rounded ? VMEM_REASON_SPACE
        : e->holes_large_enough == 0     ? VMEM_REASON_FRAGMENTS
        : e->holes_in_window == 0        ? VMEM_REASON_WINDOW
                                         : VMEM_REASON_ALIGNMENT;
}

/* True if a request that differs in its size has a place. */
static bool
has_place(const struct vmem_model *model, const struct fuzz_request *asked, vmem_size_t size)
{
    struct fuzz_request other = *asked;
    struct vmem_model_request request;
    vmem_addr_t addr;
    bool is_dictated;

    other.size = size;
    return fuzz_judge_request(model, &other, true, &request) == 0 &&
        vmem_model_choose(model, &request, &addr, &is_dictated) == 0;
}

static void
judge_explanation(struct run *run, struct vmem_model *shown, const struct fuzz_request *asked,
    const struct vmem_model_request *request, const struct vmem_explanation *e)
{
    struct vmem_explanation want = { 0 };
    struct vmem_model_figures figures;

    vmem_model_figures(shown, &figures);
    want.size_rounded = request->size;
    want.free_size = figures.free;
    count_holes(shown, request, &want);
    FUZZ_REQUIRE(e->size_rounded == request->size && e->free_size == figures.free &&
            e->largest_hole == figures.largest,
        "explain: sizes");
    FUZZ_REQUIRE(e->holes == want.holes && e->holes_large_enough == want.holes_large_enough &&
            e->holes_in_window == want.holes_in_window && e->holes_fitting == want.holes_fitting,
        "explain: counts of holes");
    FUZZ_REQUIRE(e->largest_possible == 0 || has_place(shown, asked, e->largest_possible),
        "explain: the largest possible size is possible");
    FUZZ_REQUIRE(e->largest_possible > VMEM_SIZE_MAX - run->place.quantum ||
            !has_place(shown, asked, e->largest_possible + run->place.quantum),
        "explain: no larger size is possible");
    if (e->reason == VMEM_REASON_TAGS) {
        FUZZ_REQUIRE(run->may_lack_tags && e->status == ENOMEM, "explain: tags");
        return;
    }
    want.reason = reason_of(&want);
    FUZZ_REQUIRE(e->status == (want.reason == VMEM_REASON_NONE ? 0 : ENOMEM), "explain: status");
    FUZZ_REQUIRE(e->reason == want.reason ||
            (run->has_import && want.reason != VMEM_REASON_NONE &&
                (e->reason == VMEM_REASON_IMPORT || e->reason == VMEM_REASON_LIMIT)),
        "explain: reason");
}

static void
do_explain(struct run *run)
{
    struct fuzz_request asked;
    struct vmem_model_request request;
    struct vmem_explanation e;
    struct vmem_model copy;
    struct vmem_model *shown;
    struct vmem_constraint constraint;
    int want;

    fuzz_request(&run->in, &run->place, &asked);
    constraint = (struct vmem_constraint){ asked.align, asked.phase, asked.nocross, asked.addr_min,
        asked.addr_max };
    asked.addr_max = asked.addr_max != 0 ? asked.addr_max : VMEM_ADDR_MAX;
    want =
        fuzz_judge_request(&run->model, &asked, (run->options.flags & VMEM_NOLOCK) == 0, &request);
    vmem_explain(run->arena, asked.size, &constraint, asked.flags, &e);
    fuzz_expect_silence();
    FUZZ_REQUIRE(vmem_reason_text(e.reason)[0] != '\0', "a reason has a text");
    if (want != 0) {
        FUZZ_REQUIRE(e.status == want &&
                e.reason == (want == ENOMEM ? VMEM_REASON_ROUNDING : VMEM_REASON_ARGUMENTS),
            "explain: a request that is not valid");
        return;
    }
    shown = show(run, &copy);
    judge_explanation(run, shown, &asked, &request, &e);
    hide(run, shown);
}

/* True if the model has no unit outside its spans in the range. */
static bool
owns(const struct vmem_model *model, vmem_addr_t addr, vmem_size_t size)
{
    for (size_t i = 0; i < model->statics.count && size != 0; i++) {
        const struct vmem_model_range span = model->statics.at[i];

        if (addr >= span.start && addr <= span.last) {
            return span.last - addr >= size - 1;
        }
    }
    return false;
}

static void
do_look_up(struct run *run)
{
    const vmem_addr_t addr = fuzz_addr(&run->in, &run->place);
    const vmem_size_t size = fuzz_size(&run->in, &run->place);
    const unsigned mask = fuzz_byte(&run->in);
    const vmem_size_t untouched = 77;
    vmem_size_t rounded = untouched;
    vmem_size_t want = untouched;
    struct vmem_model copy;
    struct vmem_model *shown = show(run, &copy);
    int status;

    FUZZ_REQUIRE(
        vmem_state(run->arena, addr) == vmem_model_state(shown, addr), "the state of a unit");
    FUZZ_REQUIRE(vmem_contains(run->arena, addr, size) == owns(&run->model, addr, size),
        "what the arena owns");
    FUZZ_REQUIRE(
        (mask >= 1 && mask <= 4) || vmem_size(run->arena, mask) == 0, "[S13] 0 for other masks");
    status = vmem_roundup_size(run->arena, size, &rounded);
    if (size == 0) {
        FUZZ_REQUIRE(status == EINVAL && rounded == untouched, "[S12] size 0");
    } else if (!vmem_model_roundup(size, run->place.quantum, &want)) {
        FUZZ_REQUIRE(status == ENOMEM && rounded == untouched, "[S12] what cannot be rounded");
    } else {
        FUZZ_REQUIRE(status == 0 && rounded == want, "[S12] rounded to the quantum");
    }
    FUZZ_REQUIRE(vmem_quantum(run->arena) == run->place.quantum, "the quantum");
    hide(run, shown);
    fuzz_expect_silence();
}

struct text {
    uint64_t bytes;
    char last;
};

static void
on_text(void *arg, const char *text, size_t length)
{
    struct text *out = arg;

    for (size_t i = 0; i < length; i++) {
        FUZZ_REQUIRE((text[i] >= ' ' && text[i] <= '~') || text[i] == '\n', "text is printable");
        out->last = text[i];
    }
    out->bytes += length;
}

static void
do_print(struct run *run)
{
    const unsigned kind = fuzz_below(&run->in, 5);
    struct text text = { 0, '\n' };

    switch (kind) {
    case 0:
        vmem_print(run->arena, on_text, &text);
        break;
    case 1:
        vmem_printall(on_text, &text);
        break;
    case 2:
        vmem_summary(run->arena, on_text, &text);
        break;
    case 3:
        vmem_dump(run->arena, on_text, &text);
        break;
    default:
        vmem_whatis(fuzz_addr(&run->in, &run->place), on_text, &text);
        break;
    }
    FUZZ_REQUIRE(text.bytes != 0 && text.last == '\n', "a print-out is of whole lines");
    fuzz_expect_silence();
}

/* -------------------------------------------------------------------------------------------------
 * Walks that change what they walk over
 * ---------------------------------------------------------------------------------------------- */

struct active {
    struct run *run;
    vmem_addr_t next; /* nothing below it may come */
    bool has_ended;   /* 2^64-1 was visited */
    unsigned changes; /* left to make */
};

static bool
visit(void *arg, const struct vmem_segment *segment)
{
    struct active *walk = arg;
    struct run *run = walk->run;

    FUZZ_REQUIRE(segment->size != 0 && segment->size - 1 <= VMEM_ADDR_MAX - segment->start,
        "a segment is a range");
    FUZZ_REQUIRE(!walk->has_ended && segment->start >= walk->next, "no unit is visited twice");
    walk->next = segment->start + segment->size;
    walk->has_ended = walk->next == 0;
    if (walk->changes == 0) {
        return true;
    }
    walk->changes--;
    if (fuzz_chance(&run->in, 100)) {
        do_free(run);
    } else {
        do_alloc(run, (enum how)fuzz_below(&run->in, HOWS));
    }
    return !fuzz_chance(&run->in, 16);
}

static void
do_walk(struct run *run)
{
    struct active walk = { .run = run, .changes = fuzz_below(&run->in, 8) };

    vmem_walk(run->arena, fuzz_below(&run->in, 4), visit, &walk);
    fuzz_expect_silence();
}

/* The registry's lock is held here: nothing may be created or destroyed. */
static bool
visit_arena(void *arg, struct vmem_arena *arena)
{
    struct run *run = arg;
    struct vmem_arena *other = NULL;

    FUZZ_REQUIRE(arena == run->arena, "this is the only arena");
    FUZZ_REQUIRE(vmem_create_with(&run->options, &other) == EBUSY && other == NULL,
        "no arena is created during a visit");
    fuzz_expect_fault(VMEM_FAULT_REENTRY);
    FUZZ_REQUIRE(vmem_destroy(arena) == EBUSY, "no arena is destroyed during a visit");
    fuzz_expect_fault(VMEM_FAULT_REENTRY);
    return true;
}

static void
do_destroy(struct run *run)
{
    const struct vmem_model_list *busy = &run->model.busy;
    unsigned found = 0;

    if (run->live_count == 0) {
        vmem_walk_arenas(visit_arena, run);
        return;
    }
    FUZZ_REQUIRE(vmem_destroy(run->arena) == EBUSY, "[S3] what is in use is not destroyed");
    for (size_t i = 0; i < busy->count && found < VMEM_FAULT_RANGES; i++) {
        if (!is_resting(run, busy->at[i].start)) {
            FUZZ_REQUIRE(fuzz_told.fault.live[found++].start == busy->at[i].start,
                "[S3] the first live ranges are told");
        }
    }
    FUZZ_REQUIRE(fuzz_told.fault.count == run->live_count &&
            fuzz_told.fault.size == run->model.inuse - run->resting_size,
        "[S3] count and units are told");
    fuzz_expect_fault(VMEM_FAULT_DESTROY_BUSY);
}

/* -------------------------------------------------------------------------------------------------
 * A run
 * ---------------------------------------------------------------------------------------------- */

static void
draw_options(struct run *run)
{
    static const unsigned policies[] = { 0, VMEM_INSTANTFIT, VMEM_BESTFIT, VMEM_FIRSTFIT,
        VMEM_NEXTFIT, 0, 0, 0 };
    struct fuzz_input *in = &run->in;
    const unsigned flags = fuzz_byte(in);
    const unsigned extras = fuzz_byte(in);

    run->place = fuzz_place(in, QUANTA_MAX);
    run->options = (struct vmem_options){ .name = "fuzz",
        .base = run->place.base,
        .size = run->place.quanta * run->place.quantum,
        .quantum = run->place.quantum,
        .flags = policies[flags % 8],
        .tags = run->tags.source };
    run->options.flags |= (flags & 0x08) != 0 ? VMEM_NOLOCK : 0;
    run->options.flags |= (flags & 0x30) == 0x30 ? VMEM_INDEXED : 0;
    run->options.flags |= (flags & 0xc0) == 0xc0 ? VMEM_RANDOM : 0;
    run->options.random_seed = 1 + flags;
    if ((extras & 3) == 3) {
        run->options.quarantine_frees = 1 + (extras >> 2) % QUARANTINE_MAX;
        run->options.quarantine_ns = (extras & 0x40) != 0 ? UINT64_MAX : 0;
    }
    if ((extras & 3) == 2) { /* few tags */
        run->options.tag_memory = tag_memory;
        run->options.tag_memory_bytes = 1024 + (size_t)(extras >> 3) * 256;
        run->options.tag_memory_only = (extras & 4) != 0;
    }
    if ((extras & 0x87) == 0x81) {
        run->options.size = 0;
    }
    run->may_lack_tags = run->options.tag_memory_only;
    if ((extras & 0x87) == 0x80) { /* the first requests for memory fail */
        run->tags.fuse = 1 + (extras >> 3) % 4;
    }
    if (extras == 0x79) { /* any options */
        run->options.quantum = fuzz_number(in);
        run->options.base = fuzz_number(in);
        run->options.size = fuzz_number(in);
        run->options.flags = fuzz_flags(in) | fuzz_byte(in) * 64u;
        run->options.limit = fuzz_number(in);
        run->place.quantum = run->options.quantum;
        run->place.base = run->options.base;
    }
}

/* What creation must return, but for want of memory. */
static int
judge_options(struct run *run)
{
    const unsigned policies = VMEM_INSTANTFIT | VMEM_BESTFIT | VMEM_FIRSTFIT | VMEM_NEXTFIT;
    const unsigned known =
        policies | (unsigned)(VMEM_NOLOCK | VMEM_INDEXED | VMEM_RANDOM | VMEM_NOWAIT | VMEM_WAIT);
    const struct vmem_options *o = &run->options;
    int status = vmem_model_init(&run->model, o->quantum, o->limit, o->flags & policies);

    if (status != 0 || (o->flags & ~known) != 0) {
        return EINVAL;
    }
    if ((o->flags & VMEM_WAIT) != 0) {
        return (o->flags & (unsigned)(VMEM_NOWAIT | VMEM_NOLOCK)) != 0 ? EINVAL : ENOTSUP;
    }
    if (o->size != 0) {
        status = vmem_model_add(&run->model, o->base, o->size);
    }
    return status;
}

/* In one of the four ways; two of them know few options. */
static int
create(struct run *run)
{
    const struct vmem_options *o = &run->options;
    const unsigned kind = fuzz_byte(&run->in);

    if (kind >= 24) {
        return kind >= 240 ? vmem_create_with(o, &run->arena)
                           : vmem_init_with(&storage, o, &run->arena);
    }
    run->options = (struct vmem_options){ .name = o->name,
        .base = o->base,
        .size = o->size,
        .quantum = o->quantum,
        .flags = o->flags & ~(unsigned)VMEM_RANDOM };
    run->may_lack_tags = false;
    if (kind >= 20) {
        return vmem_create(o->name, o->base, o->size, o->quantum, kind, o->flags, &run->arena);
    }
    return vmem_init(&storage, o->name, o->base, o->size, o->quantum, kind, o->flags, &run->arena);
}

/* Returns false if there is no arena. */
static bool
begin(struct run *run)
{
    struct vmem_arena *const untouched = (struct vmem_arena *)(void *)&storage.bytes[64];
    int status;
    int want;

    fuzz_listen();
    fuzz_tags_init(&run->tags);
    draw_options(run);
    run->arena = untouched;
    status = create(run);
    want = judge_options(run);
    fuzz_expect_silence();
    if (status == ENOMEM) {
        FUZZ_REQUIRE(
            run->may_lack_tags || run->tags.refused != 0 || want == ENOMEM, "[S1] no memory");
    } else {
        FUZZ_REQUIRE(status == want, "[S1] the status of creating");
    }
    FUZZ_REQUIRE((status == 0) == (run->arena != untouched), "out-pointers are written on success");
    FUZZ_REQUIRE(status != 0 || strcmp(vmem_name(run->arena), "fuzz") == 0, "the name is kept");
    return status == 0;
}

static void
step(struct run *run)
{
    const unsigned kind = fuzz_byte(&run->in);

    run->refused = run->tags.refused;
    switch (kind % 16) {
    case 0:
    case 1:
    case 2:
    case 3:
        do_alloc(run, (enum how)(kind / 16 % HOWS));
        break;
    case 4:
    case 5:
    case 6:
        do_free(run);
        break;
    case 7:
        do_free_at(run);
        break;
    case 8:
        do_bad_handle(run);
        break;
    case 9:
        do_add(run);
        break;
    case 10:
        (kind >= 128 ? do_add_tags : do_set_import)(run);
        break;
    case 11:
        do_settings(run);
        break;
    case 12:
        do_explain(run);
        break;
    case 13:
        do_look_up(run);
        break;
    case 14:
        (kind >= 128 ? do_walk : kind >= 64 ? do_print : do_destroy)(run);
        break;
    default:
        (kind >= 160 ? do_many : do_rest)(run);
        break;
    }
}

/* Free all, and destroy. */
static void
end(struct run *run)
{
    while (run->live_count > 0) {
        free_one(run, run->live_count / 2, run->live_count);
    }
    look_at_figures(run);
    look_at_segments(run);
    FUZZ_REQUIRE(
        vmem_destroy(run->arena) == 0, "[S3] an arena with nothing allocated is destroyed");
    fuzz_expect_silence();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run run = { .in = { data, size } };

    if (begin(&run)) {
        look_at_figures(&run);
        for (unsigned i = 0; i < OPS_MAX && run.in.left != 0; i++) {
            step(&run);
            look_at_figures(&run);
            if (i % LOOK_EVERY == LOOK_EVERY - 1) {
                look_at_segments(&run);
            }
        }
        end(&run);
    }
    vmem_model_fini(&run.model);
    fuzz_tags_fini(&run.tags);
    return 0;
}
