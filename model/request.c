/*
 * request - which requests are valid, and where one may lie.      SPDX-License-Identifier: BSD-2-Clause
 *
 * Addresses are worked on in 128 bits (wide.h), so that "one past the end" of the space is a number
 * like any other and nothing can wrap: a place is looked for from the low (high) end of a range,
 * stepped to the next (previous) address of the right phase, and pushed over the block boundary that
 * it crosses, until it is legal or out of the range.
 */
#include "model.h"
#include "wide.h"

#include <errno.h>

#define POLICIES (VMEM_INSTANTFIT | VMEM_BESTFIT | VMEM_FIRSTFIT | VMEM_NEXTFIT)

static bool
is_pow2(vmem_size_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

bool
vmem_model_roundup(vmem_size_t size, vmem_size_t step, vmem_size_t *rounded)
{
    const vmem_size_t over = size % step;

    if (over != 0 && step - over > VMEM_SIZE_MAX - size) {
        return false;
    }
    *rounded = over != 0 ? size + (step - over) : size;
    return true;
}

/* Returns 0, EINVAL or ENOTSUP, and the policy to follow. */
static int
check_flags(const struct vmem_model *model, unsigned flags, unsigned *policy)
{
    const unsigned known = POLICIES | VMEM_HIGH | VMEM_NOWAIT | VMEM_WAIT;
    const unsigned chosen = flags & POLICIES;

    if ((flags & ~known) != 0 || (chosen & (chosen - 1)) != 0 ||
        (flags & (VMEM_NOWAIT | VMEM_WAIT)) == (VMEM_NOWAIT | VMEM_WAIT)) {
        return EINVAL;
    }
    *policy = chosen != 0 ? chosen : model->policy;
    return (flags & VMEM_WAIT) != 0 ? ENOTSUP : 0;
}

int
/* NOLINTNEXTLINE(readability-function-size): the parameters of vmem_xalloc() */
vmem_model_request(const struct vmem_model *model, vmem_size_t size, vmem_size_t align,
    vmem_size_t phase, vmem_size_t nocross, vmem_addr_t addr_min, vmem_addr_t addr_max,
    unsigned flags, struct vmem_model_request *request)
{
    const vmem_size_t step = align != 0 ? align : model->quantum;
    unsigned policy = 0;
    const int status = check_flags(model, flags, &policy);
    vmem_size_t rounded = 0;

    if (status == EINVAL || size == 0 || !is_pow2(step) || step % model->quantum != 0 ||
        phase >= step || phase % model->quantum != 0 || addr_min > addr_max) {
        return EINVAL;
    }
    if (nocross != 0 && (!is_pow2(nocross) || nocross < size)) {
        return EINVAL;
    }
    if (!vmem_model_roundup(size, model->quantum, &rounded)) {
        return ENOMEM;
    }
    /* The least offset in a block that the phase allows is phase % nocross. */
    if (nocross != 0 && (rounded > nocross || phase % nocross > nocross - rounded)) {
        return EINVAL;
    }
    *request = (struct vmem_model_request){ rounded, step, phase, nocross, addr_min, addr_max,
        policy, (flags & VMEM_HIGH) != 0 };
    return status;
}

/* The last unit of the request at `at`, maybe beyond the space. */
static struct vmem_wide
last_of(const struct vmem_model_request *request, struct vmem_wide at)
{
    return vmem_wide_plus(at, request->size - 1);
}

static bool
crosses(const struct vmem_model_request *request, struct vmem_wide at)
{
    const vmem_size_t block = request->nocross;

    return block != 0 &&
        !vmem_wide_is_equal(
            vmem_wide_floor(at, block), vmem_wide_floor(last_of(request, at), block));
}

/* The range, clipped to the window.  False if nothing is left. */
static bool
clip(const struct vmem_model_request *request, struct vmem_model_range *range)
{
    if (range->start < request->addr_min) {
        range->start = request->addr_min;
    }
    if (range->last > request->addr_max) {
        range->last = request->addr_max;
    }
    return range->start <= range->last && range->last - range->start >= request->size - 1;
}

/* How far it is from `at` up to the phase.  (Aligned blocks end where the space does.) */
static vmem_size_t
up_to_phase(const struct vmem_model_request *request, struct vmem_wide at)
{
    return (request->phase - at.low) & (request->align - 1);
}

bool
vmem_model_lowest(
    const struct vmem_model_request *request, struct vmem_model_range range, vmem_addr_t *addr)
{
    struct vmem_wide at;
    struct vmem_wide end;

    if (!clip(request, &range)) {
        return false;
    }
    end = vmem_wide_plus(vmem_wide(range.last), 1);
    at = vmem_wide(range.start);
    at = vmem_wide_plus(at, up_to_phase(request, at));
    while (vmem_wide_is_below(last_of(request, at), end) && crosses(request, at)) {
        /* To the boundary that is crossed, and on to the phase. */
        at = vmem_wide_floor(last_of(request, at), request->nocross);
        at = vmem_wide_plus(at, up_to_phase(request, at));
    }
    if (!vmem_wide_is_below(last_of(request, at), end)) {
        return false;
    }
    *addr = at.low;
    return true;
}

bool
vmem_model_highest(
    const struct vmem_model_request *request, struct vmem_model_range range, vmem_addr_t *addr)
{
    struct vmem_wide at; /* one more than the place, so that "below 0" is a number too */
    struct vmem_wide end;
    vmem_size_t back;

    if (!clip(request, &range)) {
        return false;
    }
    at = vmem_wide_plus(vmem_wide(range.last - (request->size - 1)), 1);
    for (;;) {
        back = (at.low - 1 - request->phase) & (request->align - 1);
        if (vmem_wide_is_below(
                at, vmem_wide_plus(vmem_wide_plus(vmem_wide(range.start), 1), back))) {
            return false;
        }
        at = vmem_wide_minus(at, back);
        if (!crosses(request, vmem_wide_minus(at, 1))) {
            break;
        }
        /* End where the block ends that the place begins in. */
        end = vmem_wide_floor(vmem_wide_minus(at, 1), request->nocross);
        end = vmem_wide_plus(end, request->nocross);
        if (vmem_wide_is_below(end, vmem_wide(request->size))) {
            return false;
        }
        at = vmem_wide_plus(vmem_wide_minus(end, request->size), 1);
    }
    *addr = at.low - 1;
    return true;
}
