/*
 * choose - the place that a policy dictates, and judging one.     SPDX-License-Identifier: BSD-2-Clause
 *
 * Each policy looks at every hole in address order and asks for the lowest legal place in it.
 *
 *    first    the first hole that has one; with `high` the last hole, and its highest place
 *    best     the smallest hole that has one, by its whole size; ties: the lowest
 *    next     the first hole with one at or after the cursor, else the first with any
 *    instant  any hole that has one
 *
 * With `high` the last three take the highest legal place of the hole so chosen.
 */
#include "list.h"

#include <errno.h>

/* The holes that were looked at, and the one chosen. */
struct choice {
    size_t count;       /* holes with a legal place */
    size_t index;       /* of the chosen hole */
    vmem_addr_t lowest; /* legal place in it */
};

static vmem_size_t
span_of(struct vmem_model_range range)
{
    return range.last - range.start; /* one less than the size, so that 2^64 units fit */
}

/* The first (or with `from_top` the last) hole that has a legal place at or after `addr_min`. */
static bool
find(const struct vmem_model *model, const struct vmem_model_request *request, vmem_addr_t addr_min,
    bool from_top, struct choice *choice)
{
    const size_t count = model->holes.count;

    for (size_t n = 0; n < count; n++) {
        const size_t i = from_top ? count - 1 - n : n;
        struct vmem_model_range hole = model->holes.at[i];

        if (span_of(hole) < request->size - 1 || hole.last < addr_min) {
            continue;
        }
        hole.start = hole.start < addr_min ? addr_min : hole.start;
        if (vmem_model_lowest(request, hole, &choice->lowest)) {
            choice->index = i;
            return true;
        }
    }
    return false;
}

static bool
find_best(
    const struct vmem_model *model, const struct vmem_model_request *request, struct choice *choice)
{
    vmem_size_t span = VMEM_SIZE_MAX;
    bool found = false;

    for (size_t i = 0; i < model->holes.count; i++) {
        const struct vmem_model_range hole = model->holes.at[i];
        vmem_addr_t addr;

        if (span_of(hole) < request->size - 1 || (found && span_of(hole) >= span) ||
            !vmem_model_lowest(request, hole, &addr)) {
            continue;
        }
        *choice = (struct choice){ 1, i, addr };
        span = span_of(hole);
        found = true;
    }
    return found;
}

/* Where next fit goes from a given cursor. */
static bool
find_next(const struct vmem_model *model, const struct vmem_model_request *request,
    vmem_addr_t cursor, struct choice *choice)
{
    return find(model, request, cursor, false, choice) || find(model, request, 0, false, choice);
}

/* The address in the chosen hole; there is a legal place in it. */
static vmem_addr_t
place(const struct vmem_model *model, const struct vmem_model_request *request,
    const struct choice *choice)
{
    vmem_addr_t addr = choice->lowest;

    if (request->high) {
        (void)vmem_model_highest(request, model->holes.at[choice->index], &addr);
    }
    return addr;
}

static bool
find_by_policy(
    const struct vmem_model *model, const struct vmem_model_request *request, struct choice *choice)
{
    switch (request->policy) {
    case VMEM_BESTFIT:
        return find_best(model, request, choice);
    case VMEM_NEXTFIT:
        return find_next(model, request, model->cursor, choice);
    case VMEM_FIRSTFIT:
        return find(model, request, 0, request->high, choice);
    default:
        return find(model, request, 0, false, choice);
    }
}

/* True if a second hole has a legal place too, or the hole a second place. */
static bool
has_alternative(const struct vmem_model *model, const struct vmem_model_request *request,
    const struct choice *choice)
{
    struct choice top = { 0 };
    vmem_addr_t highest = choice->lowest;

    (void)find(model, request, 0, true, &top);
    (void)vmem_model_highest(request, model->holes.at[choice->index], &highest);
    return top.index != choice->index || highest != choice->lowest;
}

int
vmem_model_choose(const struct vmem_model *model, const struct vmem_model_request *request,
    vmem_addr_t *addr, bool *is_dictated)
{
    struct choice choice = { 0 };

    if (!find_by_policy(model, request, &choice)) {
        return ENOMEM;
    }
    *addr = place(model, request, &choice);
    *is_dictated = request->policy != VMEM_INSTANTFIT || !has_alternative(model, request, &choice);
    return 0;
}

const struct vmem_model_range *
vmem_model_hole(const struct vmem_model *model, vmem_addr_t start, vmem_addr_t last)
{
    const struct vmem_model_range *hole = vmem_model_list_at(&model->holes, start);

    return hole != NULL && start <= last && last <= hole->last ? hole : NULL;
}

bool
vmem_model_is_legal(
    const struct vmem_model *model, const struct vmem_model_request *request, vmem_addr_t addr)
{
    struct vmem_model_range range = { addr, 0 };
    vmem_addr_t lowest;

    if (request->size - 1 > VMEM_ADDR_MAX - addr) {
        return false;
    }
    range.last = addr + (request->size - 1);
    return vmem_model_hole(model, range.start, range.last) != NULL &&
        vmem_model_lowest(request, range, &lowest);
}

/* The rule that a success at `addr` breaks, or NULL. */
static const char *
rule_of_place(const struct vmem_model *model, const struct vmem_model_request *request,
    vmem_addr_t addr, vmem_addr_t want)
{
    struct vmem_model_range range = { addr, addr };
    struct choice fed = { 0 };
    vmem_addr_t other = addr;

    if (request->size - 1 > VMEM_ADDR_MAX - addr) {
        return "the range reaches beyond 2^64-1";
    }
    range.last = addr + (request->size - 1);
    if (vmem_model_hole(model, range.start, range.last) == NULL) {
        return "the range is not free in one span";
    }
    if (!vmem_model_lowest(request, range, &other)) {
        return "the place breaks a constraint";
    }
    switch (request->policy) {
    case VMEM_BESTFIT:
        return addr == want ? NULL : "[P2] best fit takes the smallest hole that can serve";
    case VMEM_FIRSTFIT:
        return addr == want ? NULL
            : request->high ? "[P5] first fit from the top takes the highest possible address"
                            : "[P3] first fit takes the lowest possible address";
    case VMEM_NEXTFIT:
        if (addr == want ||
            (find_next(model, request, model->cursor_fed, &fed) &&
                addr == place(model, request, &fed))) {
            return NULL;
        }
        return "[P4] next fit takes the first place at or after its cursor, else the lowest";
    default:
        if (request->high &&
            vmem_model_highest(request, *vmem_model_hole(model, addr, range.last), &other) &&
            addr != other) {
            return "[P5] from the top: the highest legal place of the chosen hole";
        }
        return NULL;
    }
}

void
vmem_model_judge(const struct vmem_model *model, const struct vmem_model_request *request,
    int status, vmem_addr_t addr, struct vmem_model_verdict *verdict)
{
    *verdict = (struct vmem_model_verdict){ 0 };
    verdict->status = vmem_model_choose(model, request, &verdict->addr, &verdict->has_addr);
    if (status == 0) {
        if (verdict->status != 0) {
            verdict->rule = "no hole has a legal place";
        } else {
            verdict->rule = rule_of_place(model, request, addr, verdict->addr);
        }
    } else if (verdict->status == 0) {
        verdict->rule = "[P6] refused, but a hole has a legal place";
    } else if (status != ENOMEM) {
        verdict->rule = "[C4] a valid request that finds no place is ENOMEM";
    } else if (vmem_model_import_helps(model, request)) {
        verdict->rule = "[P6] refused, but an import would serve it";
        verdict->status = 0;
    }
}
