/*
 * request - from a caller's arguments to a request that can be answered.
 *                                                                  SPDX-License-Identifier: BSD-2-Clause
 *
 * A bad argument is EINVAL in every build, whatever the arena holds; a valid request that no address
 * can meet is not refused here: it is ENOMEM, like any other that finds no place. [C4]
 */
#include "engine/request.h"

struct vmi_arguments
vmi_arguments_of(vmem_size_t size, const struct vmem_constraint *constraint, unsigned flags)
{
    struct vmi_arguments arguments = { .size = size, .addr_max = VMEM_ADDR_MAX, .flags = flags };

    if (constraint != NULL) {
        arguments.align = constraint->align;
        arguments.phase = constraint->phase;
        arguments.nocross = constraint->nocross;
        arguments.addr_min = constraint->addr_min;
        arguments.addr_max = constraint->addr_max != 0 ? constraint->addr_max : VMEM_ADDR_MAX;
    }
    return arguments;
}

int
vmi_request_check_flags(const struct vmem_arena *arena, unsigned flags)
{
    const unsigned policy = flags & VMI_POLICY_MASK;

    if ((flags & ~VMI_ALLOC_FLAGS) != 0 || (policy != 0 && !vmi_is_pow2(policy))) {
        return EINVAL;
    }
    if ((flags & VMEM_WAIT) != 0) {
        return (flags & VMEM_NOWAIT) != 0 || arena->is_unlocked ? EINVAL : ENOTSUP;
    }
    return 0;
}

/* [C1], [C2], [C3] with the size as it was asked for. */
/*@ requires \valid_read(a) && is_pow2(quantum);
    assigns \nothing;
    ensures \result <==> is_consistent(a, align, quantum);
 */
static bool
is_consistent(const struct vmi_arguments *a, vmem_size_t align, vmem_size_t quantum)
{
    if (a->size == 0 || a->addr_min > a->addr_max) {
        return false;
    }
    if (!vmi_is_pow2(align) || align < quantum) {
        return false;
    }
    if (a->phase >= align || (a->phase & (quantum - 1)) != 0) {
        return false;
    }
    return a->nocross == 0 || (vmi_is_pow2(a->nocross) && a->nocross >= a->size);
}

/*
 * The size in whole quanta.
 *
 * Returns   0; EINVAL arguments that contradict each other; ENOMEM the size cannot be rounded
 */
/*@ requires \valid_read(a) && \valid(size) && \separated(size, a) && is_pow2(quantum);
    assigns *size;
    ensures \result == 0 || \result == EINVAL || \result == ENOMEM;
    ensures whole: \result == 0 ==> *size >= a->size > 0 && *size % quantum == 0;
    ensures least: \result == 0 ==>
        \forall vmem_size_t s; a->size <= s < *size ==> s % quantum != 0;
    ensures shape: \result == 0 ==> is_pow2(align) && align >= quantum && a->phase < align &&
        a->addr_min <= a->addr_max &&
        (a->nocross == 0 || (is_pow2(a->nocross) && a->phase % a->nocross + *size <= a->nocross));
    ensures right: \result == 0 ==> is_consistent(a, align, quantum);
    ensures wrong: \result == EINVAL ==>
        !is_consistent(a, align, quantum) || fits_no_block(a, quantum);
    ensures none: \result == ENOMEM ==> has_no_whole_size(a->size, quantum);
 */
static int
round_size(const struct vmi_arguments *a, vmem_size_t align, vmem_size_t quantum, vmem_size_t *size)
{
    if (!is_consistent(a, align, quantum)) {
        return EINVAL;
    }
    if (!vmi_round_up(a->size, quantum, size)) {
        return ENOMEM;
    }
    //@ assert is_pow2(a->nocross) ==> a->nocross - 1 == (vmem_size_t)(a->nocross - 1);
    if (a->nocross != 0 &&
        (*size > a->nocross || (a->phase & (a->nocross - 1)) > a->nocross - *size)) {
        return EINVAL; /* no address has this phase and stays inside a block */
    }
    return 0;
}

/* All of a request whose arguments are right. */
/*@ requires \valid_read(arena) && \valid_read(a) && \valid(request);
    requires \separated(request, arena) && \separated(request, a);
    assigns *request;
    ensures request->shape.size == size && request->shape.align == align &&
        request->shape.phase == a->phase && request->shape.nocross == a->nocross &&
        request->shape.addr_min == a->addr_min && request->shape.addr_max == a->addr_max;
    ensures is_of(arena, a, request);
 */
static void
fill(const struct vmem_arena *arena, const struct vmi_arguments *a, vmem_size_t size,
    vmem_size_t align, struct vmi_request *request)
{
    const unsigned policy = a->flags & VMI_POLICY_MASK;

    *request = (struct vmi_request){
        .shape = { .size = size,
            .align = align,
            .phase = a->phase,
            .nocross = a->nocross,
            .addr_min = a->addr_min,
            .addr_max = a->addr_max },
        .policy = policy != 0 ? policy : arena->policy,
        .is_high = (a->flags & VMEM_HIGH) != 0,
        .is_shaped = align > arena->quantum || a->nocross != 0,
        .is_windowed = a->addr_min != 0 || a->addr_max != VMEM_ADDR_MAX,
    };
}

int
vmi_request_make(const struct vmem_arena *arena, const struct vmi_arguments *arguments,
    struct vmi_request *request)
{
    const vmem_size_t align = arguments->align != 0 ? arguments->align : arena->quantum;
    const int status = vmi_request_check_flags(arena, arguments->flags);
    vmem_size_t size;
    int problem;

    /* What is wrong in every version is told before what this one does not know. */
    if (status == EINVAL) {
        return EINVAL;
    }
    problem = round_size(arguments, align, arena->quantum, &size);
    if (problem != 0) {
        return problem;
    }
    //@ assert right: is_consistent(arguments, asked_align(arena, arguments), arena->quantum);
    fill(arena, arguments, size, align, request);
    //@ assert still: is_consistent(arguments, asked_align(arena, arguments), arena->quantum);
    return status;
}
