/*
 * oracle - what a call must answer, by bit masks.                  SPDX-License-Identifier: BSD-2-Clause
 *
 * Written from the contracts in <vmem/vmem.h> alone.  A request is a set of legal positions, worked
 * out one by one; a state is a set of positions where so many quanta are free; the policy picks from
 * what both have in common.
 */
#include "explore.h"

#include <errno.h>

static uint32_t
bit(unsigned position)
{
    return UINT32_C(1) << position;
}

/* The lowest position of a set that is not empty. */
static uint32_t
lowest(uint32_t set)
{
    return set & (~set + 1);
}

static uint32_t
highest(uint32_t set)
{
    while ((set & (set - 1)) != 0) {
        set &= set - 1;
    }
    return set;
}

/* -------------------------------------------------------------------------------------------------
 * Requests
 * ---------------------------------------------------------------------------------------------- */

/* May the request lie here, as far as its constraints go?  [C1]-[C3] word by word. */
static bool
is_legal(const struct vmx_request *request, vmem_addr_t addr, vmem_size_t size)
{
    const vmem_addr_t last = addr + (size - 1);

    if (last < addr || addr % request->align != request->phase) {
        return false;
    }
    if (request->nocross != 0 && addr / request->nocross != last / request->nocross) {
        return false;
    }
    return addr >= request->addr_min && last <= request->addr_max;
}

/* No address at all has the phase and stays within a block?  Try all offsets in a block. */
static bool
is_contradictory(const struct vmx_request *request, vmem_size_t quantum, vmem_size_t size)
{
    const vmem_size_t period =
        request->align > request->nocross ? request->align : request->nocross;

    if (request->nocross == 0) {
        return false;
    }
    for (vmem_size_t at = 0; at < period; at += quantum) {
        if (at % request->align == request->phase &&
            at / request->nocross == (at + (size - 1)) / request->nocross) {
            return false;
        }
    }
    return true;
}

void
vmx_request_complete(const struct vmx_world *world, struct vmx_request *request)
{
    const vmem_size_t quanta = (request->size - 1) / world->quantum + 1;
    const vmem_size_t size = quanta * world->quantum;

    request->quanta = (uint8_t)quanta;
    request->is_contradictory = is_contradictory(request, world->quantum, size);
    request->legal = 0;
    for (unsigned p = 0; p < world->quanta; p++) {
        if (is_legal(request, world->base + p * world->quantum, size)) {
            request->legal |= bit(p);
        }
    }
}

/* -------------------------------------------------------------------------------------------------
 * States
 * ---------------------------------------------------------------------------------------------- */

unsigned
vmx_quanta_at(const struct vmx_shape *shape, unsigned position)
{
    unsigned end = position + 1;

    if ((shape->start & bit(position)) == 0) {
        return 0;
    }
    while ((shape->busy & bit(end)) != 0 && (shape->start & bit(end)) == 0) {
        end++;
    }
    return end - position;
}

/* Keep the holes in the order of best fit. */
static void
view_add_hole(struct vmx_view *view, uint32_t mask, unsigned quanta)
{
    unsigned i = view->hole_count++;

    for (; i > 0 && view->hole[i - 1].quanta > quanta; i--) {
        view->hole[i] = view->hole[i - 1];
    }
    view->hole[i].mask = mask;
    view->hole[i].quanta = quanta;
}

void
vmx_view_make(const struct vmx_world *world, const struct vmx_shape *shape, struct vmx_view *view)
{
    const uint32_t open = shape->owned & ~shape->busy;
    unsigned begin = 0;

    *view = (struct vmx_view){ .shape = shape };
    view->fit[1] = open;
    for (unsigned s = 1; s < world->quanta; s++) {
        /* One more quantum must be free and not the first of another span. */
        view->fit[s + 1] = view->fit[s] & ((open & ~shape->span_start) >> s);
    }
    for (unsigned p = 0; p < world->quanta; p = begin) {
        uint32_t mask = 0;
        for (begin = p; (open & bit(begin)) != 0; begin++) {
            if (begin > p && (shape->span_start & bit(begin)) != 0) {
                break;
            }
            mask |= bit(begin);
        }
        if (mask != 0) {
            view_add_hole(view, mask, begin - p);
        } else {
            begin = p + 1;
        }
    }
}

static uint32_t
hole_with(const struct vmx_view *view, uint32_t place)
{
    unsigned i = 0;

    while ((view->hole[i].mask & place) == 0) {
        i++;
    }
    return view->hole[i].mask;
}

/* -------------------------------------------------------------------------------------------------
 * Policies [P1]-[P5]
 * ---------------------------------------------------------------------------------------------- */

static uint32_t
next_fit(const struct vmx_view *view, uint32_t places)
{
    const unsigned cursor = view->shape->cursor;
    const uint32_t ahead = cursor == VMX_NOWHERE ? places : places & ~(bit(cursor) - 1);

    return lowest(ahead != 0 ? ahead : places);
}

static uint32_t
best_fit_hole(const struct vmx_view *view, uint32_t places)
{
    unsigned i = 0;

    while ((view->hole[i].mask & places) == 0) {
        i++;
    }
    return view->hole[i].mask;
}

/* The highest place of each hole. */
static uint32_t
tops(const struct vmx_view *view, uint32_t places)
{
    uint32_t set = 0;

    for (unsigned i = 0; i < view->hole_count; i++) {
        set |= highest(places & view->hole[i].mask);
    }
    return set;
}

void
vmx_expect(
    const struct vmx_view *view, const struct vmx_request *request, struct vmx_expected *expected)
{
    const uint32_t places = request->legal & view->fit[request->quanta];
    const bool is_high = (request->flags & VMEM_HIGH) != 0;
    uint32_t set;

    *expected = (struct vmx_expected){ .status = request->is_contradictory ? EINVAL : ENOMEM };
    if (request->is_contradictory || places == 0) {
        return;
    }
    expected->status = 0;
    if ((request->flags & VMEM_FIRSTFIT) != 0) {
        expected->places = is_high ? highest(places) : lowest(places);
    } else if ((request->flags & VMEM_NEXTFIT) != 0) {
        set = next_fit(view, places);
        expected->places = is_high ? highest(places & hole_with(view, set)) : set;
    } else if ((request->flags & VMEM_BESTFIT) != 0) {
        set = places & best_fit_hole(view, places);
        expected->places = is_high ? highest(set) : lowest(set);
    } else {
        expected->places = is_high ? tops(view, places) : places;
    }
}
