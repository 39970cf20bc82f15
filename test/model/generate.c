/*
 * generate - random set-ups and operations.                        SPDX-License-Identifier: BSD-2-Clause
 */
#include "rig.h"

static const unsigned policies[] = { 0, VMEM_INSTANTFIT, VMEM_BESTFIT, VMEM_FIRSTFIT,
    VMEM_NEXTFIT };

static uint64_t
below(struct vmt_rng *rng, uint64_t bound)
{
    return vmt_rng_below(rng, bound);
}

/* True `percent` times of 100. */
static bool
chance(struct vmt_rng *rng, unsigned percent)
{
    return below(rng, 100) < percent;
}

static uint64_t
between(struct vmt_rng *rng, uint64_t low, uint64_t high)
{
    return low + below(rng, high - low + 1);
}

static unsigned
any_policy(struct vmt_rng *rng)
{
    return policies[below(rng, sizeof policies / sizeof policies[0])];
}

/* -------------------------------------------------------------------------------------------------
 * Set-ups
 * ---------------------------------------------------------------------------------------------- */

/* At address 0, somewhere, or ending at the highest address. */
static void
choose_base(struct vmt_rng *rng, struct rig_setup *setup, vmem_size_t quantum, vmem_size_t quanta)
{
    setup->extent = quanta * quantum;
    switch (below(rng, 3)) {
    case 0:
        setup->base = 0;
        break;
    case 1:
        setup->base = below(rng, UINT64_C(1) << 40) * quantum;
        break;
    default:
        setup->base = 0 - setup->extent;
        break;
    }
}

/* Cut the extent into spans, with gaps or without, and shuffle them. */
static void
choose_spans(struct vmt_rng *rng, struct rig_setup *setup, vmem_size_t quantum, vmem_size_t quanta)
{
    const unsigned wanted = (unsigned)between(rng, 1, 5);
    vmem_size_t at = 0;

    while (at < quanta && setup->span_count < RIG_SPANS_MAX) {
        vmem_size_t size = quanta - at;
        if (setup->span_count + 1 < wanted) {
            size = between(rng, 1, size);
        }
        setup->span[setup->span_count++] =
            (struct vmem_range){ setup->base + at * quantum, size * quantum };
        at += size + (chance(rng, 50) ? 1 : 0);
    }
    for (unsigned i = setup->span_count - 1; i > 0; i--) {
        const unsigned j = (unsigned)below(rng, i + 1);
        const struct vmem_range other = setup->span[j];
        setup->span[j] = setup->span[i];
        setup->span[i] = other;
    }
    setup->span_initial = (unsigned)between(rng, 1, setup->span_count);
}

/* The arenas below the one that owns the spans. */
static void
choose_levels(struct vmt_rng *rng, struct rig_setup *setup)
{
    const vmem_size_t quantum = setup->quantum[0];

    setup->levels = (unsigned)between(rng, 2, RIG_LEVELS_MAX);
    for (unsigned i = 0; i < setup->levels; i++) {
        const bool is_top = i + 1 == setup->levels;
        /* Spans that came and went within one call would move a source's cursor unseen. */
        const unsigned policy = any_policy(rng);
        setup->flags[i] =
            (i > 0 && policy == VMEM_NEXTFIT ? 0 : policy) | (chance(rng, 20) ? VMEM_INDEXED : 0);
        setup->quantum[i] = is_top || quantum == 1 ? quantum : quantum >> below(rng, 3);
        setup->import_quantum[i] = chance(rng, 30) ? 0 : setup->quantum[i] << below(rng, 3);
        setup->keep[i] = chance(rng, 50) ? 0 : (unsigned)below(rng, 3);
        setup->limit[i] = chance(rng, 80) ? 0 : setup->extent / between(rng, 1, 4);
    }
}

void
rig_generate_setup(struct vmt_rng *rng, enum rig_size size, struct rig_setup *setup)
{
    static const vmem_size_t quanta_of[] = { 1, 16, 4096 };
    static const vmem_size_t extents[][2] = {
        [RIG_SMALL] = { 8, 64 },
        [RIG_LARGE] = { 16384, 131072 },
        [RIG_SCARCE] = { 128, 1024 },
        [RIG_TREE] = { 16, 256 },
    };
    const vmem_size_t quantum = quanta_of[below(rng, 3)];
    const bool is_instant = size == RIG_LARGE && chance(rng, 50);
    const unsigned class_log2 = (unsigned)between(rng, 5, 12);
    const vmem_size_t quanta = is_instant ? between(rng, 1000, 6000) << class_log2
                                          : between(rng, extents[size][0], extents[size][1]);

    *setup = (struct rig_setup){ .levels = 1, .quantum = { quantum }, .is_instant = is_instant };
    choose_base(rng, setup, quantum, quanta);
    setup->flags[0] = any_policy(rng) | (chance(rng, 50) ? VMEM_NOLOCK : 0) |
        (chance(rng, 20) ? VMEM_INDEXED : 0);
    setup->is_large = size == RIG_LARGE;
    setup->is_unlooked = chance(rng, 50);
    setup->constrained = (unsigned)below(rng, 100);
    setup->size_min = 1;
    setup->size_max = between(rng, 1, quanta / 4);
    if (size == RIG_LARGE) {
        /* One class, or a few sizes: then thousands of holes come. */
        setup->size_min = chance(rng, 50) ? 1 : between(rng, 1, 40);
        setup->size_max = setup->size_min + below(rng, 8);
        setup->constrained = (unsigned)below(rng, 30);
        setup->grow = true;
        if (is_instant) { /* all holes in a class or two, most of them too small */
            setup->flags[0] &= (unsigned)VMEM_NOLOCK;
            setup->is_unlooked = true;
            setup->size_min = (vmem_size_t)1 << class_log2;
            setup->size_max = setup->size_min + (setup->size_min >> between(rng, 2, 5));
            setup->constrained = 0;
        }
    } else if (size == RIG_SCARCE) {
        setup->size_max = between(rng, 1, 4);
        setup->tag_bytes = 1; /* how much is told by the caller, who knows how many will be live */
    } else if (size == RIG_TREE) {
        setup->size_max = between(rng, 1, quanta / 8);
        choose_levels(rng, setup);
    }
    choose_spans(rng, setup, quantum, quanta);
    if (size == RIG_SCARCE) { /* the bound on tag memory speaks of one span */
        setup->span[0] = (struct vmem_range){ setup->base, setup->extent };
        setup->span_count = 1;
        setup->span_initial = 1;
    }
}

/* -------------------------------------------------------------------------------------------------
 * Operations
 * ---------------------------------------------------------------------------------------------- */

/* An address in or just outside the spans. */
static vmem_addr_t
any_addr(struct vmt_rng *rng, const struct rig *rig, unsigned level, bool is_aligned)
{
    const vmem_size_t quantum = rig->level[level].model.quantum;
    const vmem_addr_t addr =
        rig->setup->base - 2 * quantum + below(rng, rig->setup->extent + 4 * quantum);

    return is_aligned ? addr & ~(quantum - 1) : addr;
}

static vmem_size_t
any_size(struct vmt_rng *rng, const struct rig *rig, unsigned level)
{
    const struct vmem_model *model = &rig->level[level].model;
    const vmem_size_t quanta = between(rng, rig->setup->size_min, rig->setup->size_max);
    vmem_size_t size = quanta * model->quantum;

    if (model->holes.count > 0 && chance(rng, 10)) {
        const struct vmem_model_range hole = model->holes.at[below(rng, model->holes.count)];
        const vmem_size_t exact = hole.last - hole.start + 1;
        size = exact <= 4 * size || !rig->setup->is_large ? exact : size;
    } else if (chance(rng, 1)) {
        return VMEM_SIZE_MAX - below(rng, 2 * model->quantum); /* 0 and what cannot be rounded */
    } else if (chance(rng, 1)) {
        return below(rng, rig->setup->extent + 2 * model->quantum);
    }
    return chance(rng, 50) ? size : size - below(rng, model->quantum);
}

/* A window: an exact place, one round a random address, or anything. */
static void
choose_window(struct vmt_rng *rng, const struct rig *rig, struct rig_op *op)
{
    const vmem_size_t quantum = rig->level[op->level].model.quantum;
    const vmem_size_t size = (op->size + (quantum - 1)) & ~(quantum - 1);
    const bool is_aligned = chance(rng, 70);

    op->addr_min = any_addr(rng, rig, op->level, is_aligned);
    switch (below(rng, 4)) {
    case 0:
        op->addr_max = op->addr_min + (size - 1);
        break;
    case 1:
        op->addr_max = op->addr_min + (size + below(rng, 8 * quantum));
        break;
    case 2:
        op->addr_max = any_addr(rng, rig, op->level, is_aligned);
        break;
    default:
        op->addr_max = chance(rng, 50) ? VMEM_ADDR_MAX : op->addr_min;
        op->addr_min = op->addr_max == VMEM_ADDR_MAX ? op->addr_min : 0;
        break;
    }
    if (op->addr_min > op->addr_max && chance(rng, 90)) {
        const vmem_addr_t other = op->addr_min;
        op->addr_min = op->addr_max;
        op->addr_max = other;
    }
}

static void
choose_constraints(struct vmt_rng *rng, const struct rig *rig, struct rig_op *op)
{
    const vmem_size_t quantum = rig->level[op->level].model.quantum;

    if (chance(rng, 50)) {
        op->align = quantum << below(rng, 7);
        op->phase = chance(rng, 50) ? below(rng, op->align / quantum) * quantum : 0;
    }
    if (chance(rng, 25)) {
        op->nocross = quantum;
        while (op->nocross < op->size && op->nocross << 1 != 0) {
            op->nocross <<= 1;
        }
        op->nocross <<= below(rng, 3);
    }
    if (chance(rng, 50)) {
        choose_window(rng, rig, op);
    }
    if (chance(rng, 2)) { /* not valid, mostly */
        op->align += below(rng, 3);
        op->phase += below(rng, 3);
        op->nocross >>= below(rng, 3);
    }
}

static void
generate_alloc(struct vmt_rng *rng, const struct rig *rig, struct rig_op *op)
{
    const unsigned kind = (unsigned)below(rng, 8);

    op->kind = RIG_ALLOC;
    op->size = any_size(rng, rig, op->level);
    op->addr_max = VMEM_ADDR_MAX;
    op->flags =
        any_policy(rng) | (chance(rng, 25) ? VMEM_HIGH : 0) | (chance(rng, 10) ? VMEM_NOWAIT : 0);
    if (rig->setup->is_instant) {
        op->flags &= (unsigned)(VMEM_INSTANTFIT | VMEM_HIGH | VMEM_NOWAIT);
    }
    if (chance(rng, rig->setup->constrained)) {
        op->kind = RIG_XALLOC;
        choose_constraints(rng, rig, op);
    }
    if (kind == 0) {
        op->kind = RIG_HANDLE;
    } else if (kind <= 2) {
        op->kind = RIG_WITH;
    }
}

/* What is neither an allocation nor a right free. */
static void
generate_other(struct vmt_rng *rng, const struct rig *rig, struct rig_op *op)
{
    const struct rig_setup *setup = rig->setup;
    const struct vmem_range *span = &setup->span[below(rng, setup->span_count)];
    const uint64_t kind = below(rng, 100);

    if (kind < 35) {
        generate_alloc(rng, rig, op);
        op->kind = RIG_EXPLAIN;
    } else if (kind < 60 && !setup->is_unlooked) {
        op->kind = RIG_STATE;
        op->addr_min = any_addr(rng, rig, op->level, false);
    } else if (kind < 70) {
        op->kind = RIG_ADD;
        op->level = (uint8_t)(setup->levels - 1);
        op->addr_min =
            chance(rng, 80) ? span->start : any_addr(rng, rig, op->level, chance(rng, 80));
        op->size = chance(rng, 80) ? span->size : any_size(rng, rig, op->level);
        if (setup->levels > 1 || setup->tag_bytes != 0) {
            op->addr_min = span->start; /* nothing that is not planned */
            op->size = span->size;
        }
    } else if (kind < 72) {
        op->kind = RIG_LIMIT;
        op->size = chance(rng, 70) ? 0 : below(rng, setup->extent);
    } else if (kind < 74) {
        op->kind = RIG_MAINTAIN;
    } else {
        op->kind = RIG_FREE_AT;
        op->addr_min = any_addr(rng, rig, op->level, chance(rng, 80));
        op->size = any_size(rng, rig, op->level);
        if (rig->live_count > 0 && chance(rng, 50)) {
            const struct rig_live *live = &rig->live[below(rng, rig->live_count)];
            op->level = live->level;
            op->addr_min = live->addr;
        }
    }
}

void
rig_generate_op(struct vmt_rng *rng, const struct rig *rig, unsigned alloc_percent, uint32_t id,
    struct rig_op *op)
{
    const uint64_t kind = below(rng, 110);

    *op = (struct rig_op){ .id = id };
    if (rig->setup->levels > 1 && chance(rng, 30)) {
        op->level = (uint8_t)below(rng, rig->setup->levels);
    }
    if (kind < alloc_percent) {
        generate_alloc(rng, rig, op);
    } else if (kind >= 100) {
        generate_other(rng, rig, op);
    } else if (rig->live_count > 0) {
        const size_t at = (size_t)below(rng, rig->live_count);
        op->kind = RIG_FREE;
        op->level = rig->live[at].level;
        op->ref = rig->live[at].id;
        op->hint = (uint32_t)at;
        op->is_rounded = chance(rng, 50);
    } else {
        op->kind = RIG_CHECK;
    }
}
