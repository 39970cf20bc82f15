/*
 * rig - a rig's life, and operations one by one.                   SPDX-License-Identifier: BSD-2-Clause
 */
#include "rig.h"

#include <errno.h>
#include <stdlib.h>

static struct {
    unsigned count;
    enum vmem_fault_code code;
} faults;

static void
on_fault(void *arg, const struct vmem_fault *fault)
{
    (void)arg;
    faults.count++;
    faults.code = fault->code;
}

void
rig_faults_install(void)
{
    vmem_set_fatal_hook(on_fault, NULL);
}

void
rig_faults_clear(void)
{
    faults.count = 0;
}

unsigned
rig_faults_seen(enum vmem_fault_code *code)
{
    *code = faults.code;
    return faults.count;
}

/* -------------------------------------------------------------------------------------------------
 * Life
 * ---------------------------------------------------------------------------------------------- */

static const char *
init_level(struct rig *rig, unsigned number)
{
    const struct rig_setup *setup = rig->setup;
    const bool is_top = number + 1 == setup->levels;
    struct rig_level *level = &rig->level[number];
    const struct vmem_options options = {
        .name = is_top ? "root" : "level",
        .quantum = setup->quantum[number],
        .flags = setup->flags[number],
        .limit = setup->limit[number],
        .source_arena = is_top ? NULL : rig->level[number + 1].arena,
        .import_quantum = is_top ? 0 : setup->import_quantum[number],
        .import_keep = is_top ? 0 : setup->keep[number],
        .tag_memory = setup->tag_bytes != 0 ? vmt_port_get(setup->tag_bytes) : NULL,
        .tag_memory_bytes = setup->tag_bytes,
        .tag_memory_only = setup->tag_bytes != 0,
    };
    const unsigned policy = setup->flags[number] &
        (unsigned)(VMEM_INSTANTFIT | VMEM_BESTFIT | VMEM_FIRSTFIT | VMEM_NEXTFIT);

    level->tag_memory = options.tag_memory;
    if (vmem_model_init(&level->model, setup->quantum[number], setup->limit[number], policy) != 0 ||
        vmem_create_with(&options, &level->arena) != 0) {
        level->arena = NULL;
        return "an arena is not created";
    }
    if (!is_top) {
        (void)vmem_model_set_source(&level->model, &rig->level[number + 1].model,
            options.import_quantum, options.import_keep);
    }
    return NULL;
}

const char *
rig_init(struct rig *rig, const struct rig_setup *setup, struct rig_reached *reached)
{
    const char *broken = NULL;

    *rig = (struct rig){ .setup = setup, .reached = reached };
    rig_faults_clear();
    for (unsigned i = setup->levels; i-- > 0 && broken == NULL;) {
        broken = init_level(rig, i);
    }
    for (unsigned i = 0; i < setup->span_initial && broken == NULL; i++) {
        const struct rig_op op = { .kind = RIG_ADD,
            .level = (uint8_t)(setup->levels - 1),
            .addr_min = setup->span[i].start,
            .size = setup->span[i].size };
        broken = rig_do(rig, &op);
    }
    return broken;
}

void
rig_abandon(struct rig *rig)
{
    for (unsigned i = 0; i < rig->setup->levels; i++) {
        struct rig_level *level = &rig->level[i];
        if (level->arena != NULL) {
            (void)vmem_destroy(level->arena); /* refused if something is live: then it leaks */
        }
        vmem_model_fini(&level->model);
        /* The memory for tags stays with an arena that could not be destroyed. */
    }
    free(rig->live);
    rig->live = NULL;
    rig_faults_clear();
}

/* Add what the arenas counted to what the run has reached. */
static void
note_reached(struct rig *rig)
{
    struct rig_reached *reached = rig->reached;

    for (unsigned i = 0; i < rig->setup->levels; i++) {
        struct vmem_stats stats;
        vmem_stats(rig->level[i].arena, &stats);
        reached->imports += stats.imports;
        reached->releases += stats.releases;
        reached->searches += stats.searches;
        reached->scans += stats.scans;
        reached->indexed += stats.is_indexed ? 1 : 0;
    }
}

const char *
rig_fini(struct rig *rig)
{
    const char *broken = NULL;

    note_reached(rig);
    while (rig->live_count > 0 && broken == NULL) {
        const size_t last = rig->live_count - 1;
        const struct rig_op op = { .kind = RIG_FREE,
            .level = rig->live[last].level,
            .ref = rig->live[last].id,
            .hint = (uint32_t)last };
        broken = rig_do(rig, &op);
    }
    for (unsigned i = 0; i < rig->setup->levels && broken == NULL; i++) {
        struct rig_level *level = &rig->level[i];
        if (level->model.inuse != 0 && i == 0) {
            broken = "something is still busy after everything was freed";
        } else if (vmem_destroy(level->arena) != 0) {
            broken = "[S3] an arena with nothing allocated is not destroyed";
        } else {
            level->arena = NULL;
            if (level->tag_memory != NULL) {
                vmt_port_put(level->tag_memory, rig->setup->tag_bytes);
            }
        }
    }
    rig_abandon(rig);
    return broken;
}

/* -------------------------------------------------------------------------------------------------
 * Operations
 * ---------------------------------------------------------------------------------------------- */

static void
add_live(struct rig *rig, const struct rig_op *op, vmem_addr_t addr, vmem_handle_t handle)
{
    if (rig->live_count == rig->live_capacity) {
        rig->live_capacity = 2 * rig->live_capacity + 64;
        rig->live = realloc(rig->live, rig->live_capacity * sizeof rig->live[0]);
        if (rig->live == NULL) {
            abort();
        }
    }
    rig->live[rig->live_count++] = (struct rig_live){ .addr = addr,
        .size = op->size,
        .handle = op->kind == RIG_HANDLE ? handle : 0,
        .id = op->id,
        .level = op->level };
    if (rig->live_count > rig->reached->live) {
        rig->reached->live = rig->live_count;
    }
}

static int
call_alloc(
    struct vmem_arena *arena, const struct rig_op *op, vmem_addr_t *addr, vmem_handle_t *handle)
{
    const struct vmem_constraint constraint = { op->align, op->phase, op->nocross, op->addr_min,
        op->addr_max };

    if (op->kind == RIG_ALLOC) {
        return vmem_alloc(arena, op->size, op->flags, addr);
    }
    if (op->kind == RIG_WITH) {
        return vmem_xalloc_with(arena, op->size, &constraint, op->flags, addr);
    }
    if (op->kind == RIG_HANDLE) {
        return vmem_alloc_handle(arena, op->size, &constraint, op->flags, addr, handle);
    }
    return vmem_xalloc(arena, op->size, op->align, op->phase, op->nocross, op->addr_min,
        op->addr_max, op->flags, addr);
}

static const char *
do_alloc(struct rig *rig, const struct rig_op *op)
{
    const vmem_addr_t untouched = ~op->addr_min;
    vmem_addr_t addr = untouched;
    vmem_handle_t handle = 0;
    const int status = call_alloc(rig->level[op->level].arena, op, &addr, &handle);
    const char *broken;

    if (status != 0 && addr != untouched) {
        return "a refused allocation wrote its out-pointer";
    }
    broken = rig_judge_alloc(rig, op, status, addr);
    if (broken != NULL || status != 0) {
        rig->reached->refused += status != 0 ? 1 : 0;
        return broken;
    }
    rig->reached->granted++;
    add_live(rig, op, addr, handle);
    if (op->kind == RIG_HANDLE) {
        struct vmem_range range = { 0 };
        if (handle == 0 || vmem_handle_range(rig->level[op->level].arena, handle, &range) != 0 ||
            range.start != addr || range.size < op->size) {
            return "the handle names another range";
        }
    }
    return NULL;
}

/* The allocation of operation `ref`; live_count if it is not live. */
static size_t
find_live(const struct rig *rig, const struct rig_op *op)
{
    size_t i = op->hint;

    if (i >= rig->live_count || rig->live[i].id != op->ref) {
        for (i = 0; i < rig->live_count && rig->live[i].id != op->ref; i++) {
        }
    }
    return i;
}

static const char *
do_free(struct rig *rig, const struct rig_op *op)
{
    const size_t at = find_live(rig, op);
    struct rig_level *level;
    struct rig_live live;
    vmem_size_t size;

    if (at == rig->live_count) {
        return NULL; /* its allocation was left out */
    }
    live = rig->live[at];
    level = &rig->level[live.level];
    rig->live[at] = rig->live[--rig->live_count];
    size = live.size;
    if (op->is_rounded) {
        (void)vmem_model_roundup(live.size, level->model.quantum, &size);
    }
    if (live.handle != 0) {
        vmem_free_handle(level->arena, live.handle);
    } else if ((op->id & 1) != 0) {
        vmem_free(level->arena, live.addr, size);
    } else {
        vmem_xfree(level->arena, live.addr, size);
    }
    vmem_model_free(&level->model, live.addr);
    return rig_judge_spans(rig, true);
}

static bool
has_handle(const struct rig *rig, const struct rig_op *op)
{
    for (size_t i = 0; i < rig->live_count; i++) {
        if (rig->live[i].addr == op->addr_min && rig->live[i].level == op->level) {
            return rig->live[i].handle != 0;
        }
    }
    return false;
}

/* Free what is not allocated like that. */
static const char *
do_free_at(struct rig *rig, const struct rig_op *op)
{
    const struct rig_level *level = &rig->level[op->level];
    const enum vmem_model_free kind = vmem_model_judge_free(&level->model, op->addr_min, op->size);
    const bool by_handle = kind != VMEM_MODEL_FREE_NOTHING && has_handle(rig, op);
    const enum vmem_fault_code want = by_handle ? VMEM_FAULT_HANDLE_ONLY
        : kind == VMEM_MODEL_FREE_NOTHING       ? VMEM_FAULT_BAD_FREE
                                                : VMEM_FAULT_WRONG_SIZE;
    enum vmem_fault_code code;
    unsigned count;

    if (kind == VMEM_MODEL_FREE_OK && !by_handle) {
        return NULL;
    }
    vmem_free(level->arena, op->addr_min, op->size);
    count = rig_faults_seen(&code);
    rig_faults_clear();
    rig->reached->misuses++;
    if (count != 1) {
        return "a wrong free was not reported";
    }
    if (by_handle && rig->setup->is_large && code == VMEM_FAULT_BAD_FREE) {
        return NULL; /* the report looks for the allocation among a bounded number of segments */
    }
    return code == want ? NULL : "a wrong free was reported as another kind of misuse";
}

static const char *
do_add(struct rig *rig, const struct rig_op *op)
{
    struct rig_level *level = &rig->level[op->level];
    const int want = vmem_model_judge_add(&level->model, op->addr_min, op->size);
    const int status = vmem_add(level->arena, op->addr_min, op->size, VMEM_NOWAIT);

    if (status == ENOMEM && rig->setup->may_lack_tags) {
        return NULL;
    }
    if (status == 0 && want == 0) {
        (void)vmem_model_add(&level->model, op->addr_min, op->size);
        rig->reached->adds++;
    }
    return status == want ? NULL : "[S4] vmem_add: another status";
}

static const char *
do_check(struct rig *rig)
{
    struct vmem_violation violation;

    for (unsigned i = 0; i < rig->setup->levels; i++) {
        if (!vmem_check(rig->level[i].arena, &violation)) {
            return violation.invariant;
        }
    }
    return NULL;
}

static const char *
do_one(struct rig *rig, const struct rig_op *op)
{
    struct rig_level *level = &rig->level[op->level];

    switch ((enum rig_kind)op->kind) {
    case RIG_ALLOC:
    case RIG_XALLOC:
    case RIG_WITH:
    case RIG_HANDLE:
        return do_alloc(rig, op);
    case RIG_FREE:
        return do_free(rig, op);
    case RIG_FREE_AT:
        return do_free_at(rig, op);
    case RIG_ADD:
        return do_add(rig, op);
    case RIG_LIMIT:
        vmem_set_limit(level->arena, op->size);
        level->model.limit = op->size;
        return NULL;
    case RIG_EXPLAIN:
        return rig_judge_explain(rig, op);
    case RIG_STATE:
        return vmem_state(level->arena, op->addr_min) ==
                vmem_model_state(&level->model, op->addr_min)
            ? NULL
            : "[S14] vmem_state says otherwise";
    case RIG_MAINTAIN:
        vmem_maintain(level->arena);
        return NULL;
    case RIG_CHECK:
        break;
    }
    return do_check(rig);
}

const char *
rig_do(struct rig *rig, const struct rig_op *op)
{
    const char *broken = do_one(rig, op);
    enum vmem_fault_code code;

    rig->count++;
    rig->reached->ops++;
    if (broken == NULL && rig_faults_seen(&code) != 0) {
        broken = "the fatal hook was called for what is right";
    }
    for (unsigned i = 0; i < rig->setup->levels && broken == NULL; i++) {
        broken = rig_judge_figures(rig, i);
    }
    return broken;
}
