/*
 * random - a workload from a seed, each step judged.              SPDX-License-Identifier: BSD-2-Clause
 *
 * The workload fills the arena until requests are refused, empties it again, and so on, so that it
 * is seen empty, full and in pieces.  Half of the sizes are uniform, half are mostly small.
 * Windows are put where something happens: around the edges of holes, allocations and spans.  One
 * request in 32 is made invalid on purpose, one step in 64 is a wrong free.  All that was allocated
 * is freed at the end.
 */
#include "judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIVE_MAX 4096 /* more would only make the model slow */

struct own {
    vmem_addr_t addr;
    vmem_size_t size; /* as requested */
};

struct workload {
    struct vmem_world *world;
    struct vmem_pair *pair;
    const struct vmem_statement_random *plan;
    uint64_t state; /* of the generator */
    vmem_size_t size_max;
    bool is_filling;
    struct own *own;
    size_t count;
    char last[240]; /* the step in words */
};

/* SplitMix64: a counter, well mixed. */
static uint64_t
draw(struct workload *load)
{
    uint64_t x = load->state += 0x9e3779b97f4a7c15u;

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* A number below `bound`, which is not 0. */
static uint64_t
below(struct workload *load, uint64_t bound)
{
    return draw(load) % bound;
}

static bool
chance(struct workload *load, uint64_t percent)
{
    return below(load, 100) < percent;
}

static vmem_size_t
draw_size(struct workload *load)
{
    vmem_size_t bound = load->size_max;

    if (chance(load, 50)) {
        unsigned bits = 0;

        while (bits < 63 && bound >> bits > 1) {
            bits++;
        }
        bound = (vmem_size_t)1 << below(load, bits + 1);
    }
    return below(load, bound) + 1;
}

/* Difference and sum that stop at the ends of the space. */
static vmem_addr_t
minus(vmem_addr_t addr, vmem_size_t size)
{
    return addr > size ? addr - size : 0;
}

static vmem_addr_t
plus(vmem_addr_t addr, vmem_size_t size)
{
    return size > VMEM_ADDR_MAX - addr ? VMEM_ADDR_MAX : addr + size;
}

/* The edge of something in the arena. */
static vmem_addr_t
draw_anchor(struct workload *load)
{
    const struct vmem_model *model = &load->pair->model;
    const struct vmem_model_list *lists[] = { &model->holes, &model->busy, &model->statics,
        &model->imports };
    const struct vmem_model_list *list = lists[below(load, 4)];
    struct vmem_model_range range;

    if (list->count == 0) {
        return draw(load);
    }
    range = list->at[below(load, list->count)];
    return chance(load, 50) ? range.start : range.last;
}

static void
draw_window(struct workload *load, struct vmem_statement_alloc *alloc)
{
    const vmem_addr_t anchor = draw_anchor(load);
    const vmem_size_t reach =
        load->size_max <= VMEM_SIZE_MAX / 4 ? load->size_max * 4 : VMEM_SIZE_MAX;

    switch (below(load, 4)) {
    case 0:
        alloc->addr_min = minus(anchor, below(load, reach));
        break;
    case 1:
        alloc->addr_max = plus(anchor, below(load, reach));
        break;
    case 2:
        alloc->addr_min = minus(anchor, below(load, reach));
        alloc->addr_max = plus(anchor, below(load, reach));
        break;
    default: /* one place */
        alloc->addr_min = anchor;
        alloc->addr_max = plus(anchor, alloc->size - 1);
        break;
    }
}

static void
draw_constraints(struct workload *load, struct vmem_statement_alloc *alloc)
{
    const vmem_size_t quantum = load->pair->model.quantum;

    if (chance(load, 60)) {
        const uint64_t shift = below(load, 8);

        alloc->align = quantum <= VMEM_SIZE_MAX >> shift ? quantum << shift : quantum;
        if ((alloc->align & (alloc->align - 1)) != 0) {
            alloc->align = quantum;
        }
        if (chance(load, 50)) {
            alloc->phase = below(load, alloc->align / quantum) * quantum;
        }
    }
    if (chance(load, 30)) {
        alloc->nocross = quantum;
        while (alloc->nocross < alloc->size && alloc->nocross <= VMEM_SIZE_MAX / 2) {
            alloc->nocross *= 2;
        }
        alloc->nocross <<= alloc->nocross < VMEM_SIZE_MAX >> 4 ? below(load, 3) : 0;
    }
    if (chance(load, 50)) {
        draw_window(load, alloc);
    }
}

/* Spoil one argument. */
static void
spoil(struct workload *load, struct vmem_statement_alloc *alloc)
{
    const vmem_size_t quantum = load->pair->model.quantum;

    switch (below(load, 6)) {
    case 0:
        alloc->size = 0;
        break;
    case 1:
        alloc->size = VMEM_SIZE_MAX - below(load, quantum);
        break;
    case 2:
        alloc->align = quantum * 3;
        break;
    case 3:
        alloc->phase = alloc->align != 0 ? alloc->align : quantum;
        break;
    case 4:
        alloc->nocross = alloc->size / 2 + 1;
        break;
    default:
        alloc->addr_min = draw(load);
        alloc->addr_max = below(load, plus(alloc->addr_min, 1));
        break;
    }
}

static void
describe(struct workload *load, const struct vmem_statement_alloc *alloc, bool is_plain)
{
    (void)snprintf(load->last, sizeof load->last,
        "%s %" PRIu64 " align=%" PRIu64 " phase=%" PRIu64 " nocross=%" PRIu64 " min=0x%" PRIx64
        " max=0x%" PRIx64 " flags=0x%x",
        is_plain ? "alloc" : "xalloc", alloc->size, alloc->align, alloc->phase, alloc->nocross,
        alloc->addr_min, alloc->addr_max, alloc->flags);
}

static void
step_alloc(struct workload *load)
{
    const struct vmem_statement_random *plan = load->plan;
    struct vmem_statement_alloc alloc = { .size = draw_size(load), .addr_max = VMEM_ADDR_MAX };
    const bool is_constrained = chance(load, plan->constrained);
    const bool is_plain = !is_constrained && chance(load, 50);
    struct vmem_observed observed;

    if (plan->policy_count != 0) {
        alloc.flags = plan->policies[below(load, plan->policy_count)];
    } else if (chance(load, 80)) {
        alloc.flags = 1u << below(load, 4);
    }
    if (chance(load, 25)) {
        alloc.flags |= VMEM_HIGH;
    }
    if (is_constrained) {
        draw_constraints(load, &alloc);
        if (below(load, 32) == 0) {
            spoil(load, &alloc);
        }
    }
    describe(load, &alloc, is_plain);
    observed = vmem_judge_alloc(load->world, load->pair, &alloc, is_plain);
    if (observed.status == 0) {
        load->own[load->count++] = (struct own){ observed.addr, alloc.size };
    } else if (chance(load, 40)) {
        load->is_filling = false;
    }
}

static void
step_free(struct workload *load, size_t i)
{
    const struct own own = load->own[i];
    vmem_size_t size = own.size;

    if (chance(load, 50)) {
        (void)vmem_model_roundup(size, load->pair->model.quantum, &size);
    }
    load->own[i] = load->own[--load->count];
    (void)snprintf(load->last, sizeof load->last, "free 0x%" PRIx64 " %" PRIu64, own.addr, size);
    (void)vmem_judge_free(load->world, load->pair, own.addr, size, chance(load, 50));
}

/* A free of what is not there, unless it happens to be right. */
static void
step_misuse(struct workload *load)
{
    const vmem_size_t quantum = load->pair->model.quantum;
    const vmem_addr_t addr = draw_anchor(load) + below(load, 3) - 1;
    const vmem_size_t size = below(load, 2) == 0 ? draw_size(load) : quantum;

    if (vmem_model_judge_free(&load->pair->model, addr, size) != VMEM_MODEL_FREE_OK) {
        (void)snprintf(load->last, sizeof load->last, "freeat 0x%" PRIx64 " %" PRIu64, addr, size);
        (void)vmem_judge_free(load->world, load->pair, addr, size, true);
    }
}

static void
step(struct workload *load)
{
    vmem_world_reset(load->world);
    if (below(load, 64) == 0) {
        step_misuse(load);
        return;
    }
    if (load->count == 0) {
        load->is_filling = true;
    } else if (load->count == LIVE_MAX || below(load, 500) == 0) {
        load->is_filling = !load->is_filling;
    }
    if (load->count == 0 || (load->count < LIVE_MAX && chance(load, load->is_filling ? 75 : 25))) {
        step_alloc(load);
    } else {
        step_free(load, (size_t)below(load, load->count));
    }
}

/* Say at which step it was. */
static void
locate(struct workload *load, uint64_t seed, uint64_t number)
{
    struct vmem_world *world = load->world;
    char finding[VMEM_FINDING_BYTES];

    memcpy(finding, world->finding, sizeof finding);
    world->finding[0] = '\0';
    vmem_world_find(world, "seed %" PRIu64 ", step %" PRIu64 " (%s): %.300s", seed, number,
        load->last, finding);
}

bool
vmem_judge_random(struct vmem_world *world, struct vmem_pair *pair,
    const struct vmem_statement_random *random, uint64_t seed)
{
    struct workload load = { .world = world, .pair = pair, .plan = random, .state = seed };
    const vmem_size_t quantum = pair->model.quantum;
    char finding[VMEM_FINDING_BYTES] = "";
    uint64_t number = 0;

    load.size_max = quantum <= VMEM_SIZE_MAX / 64 ? quantum * 64 : quantum;
    load.size_max = random->size_max != 0 ? random->size_max : load.size_max;
    load.own = vmem_scenario_realloc(NULL, LIVE_MAX, sizeof *load.own);
    while (number < random->ops && world->finding[0] == '\0') {
        number++;
        step(&load);
    }
    if (world->finding[0] != '\0') {
        locate(&load, seed, number);
        memcpy(finding, world->finding, sizeof finding);
    }
    while (load.count != 0 && !world->has_parted) {
        vmem_world_reset(world);
        step_free(&load, load.count - 1);
        if (world->finding[0] != '\0' && finding[0] == '\0') {
            locate(&load, seed, ++number);
            memcpy(finding, world->finding, sizeof finding);
        }
    }
    memcpy(world->finding, finding, sizeof finding);
    free(load.own);
    return finding[0] == '\0';
}
