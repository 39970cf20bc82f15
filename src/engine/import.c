/*
 * import - obtaining spans from a source.                          SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. What it is for
 *    An arena that is exhausted asks its source for a span, adds it, and gives it back once it is
 *    wholly free (engine/free.c).  Who asks, and when, is engine/alloc.c.
 *
 * 2. How it works
 *    What is asked for is the request's size rounded to the import quantum, at a place where the request
 *    can lie at the span's start; so an aligned request needs no more than an unaligned one.  A source
 *    that cannot place is told a size that is enough anywhere: at most align more.
 *    If the source is an arena, the same is said as an allocation there, aligned to both quanta; when
 *    that is refused, once more with what is enough anywhere.
 *    The answer is checked before it is believed: aligned, large enough, overlapping nothing.
 *
 * 3. Locking: the source runs without the lock; what is being asked for counts against the limit.
 *
 * 4. Where it comes from
 *    [BA01 4.2, 4.4].  The faults it must not have: F3, F4, F5, F9, F11, F12, F13.
 */
#include "engine/import.h"

#include "engine/misuse.h"
#include "engine/spans.h"

static vmem_size_t
larger(vmem_size_t a, vmem_size_t b)
{
    return a > b ? a : b;
}

/*
 * What to ask for, so that the request can lie at the start of what comes; or, where the source's
 * quantum cannot express the phase, a `shift` behind the start.
 */
static bool
describe(const struct vmem_arena *arena, const struct vmi_request *request,
    struct vmem_import_request *want)
{
    const struct vmi_shape *shape = &request->shape;
    const vmem_size_t enough = request->is_windowed ? 0 : vmi_fit_sufficient(shape, arena->quantum);
    const vmem_size_t source_quantum =
        arena->source.arena != NULL ? arena->source.arena->quantum : arena->quantum;
    const vmem_size_t shift = shape->phase & (source_quantum - 1);
    const vmem_size_t needed = vmi_add_saturating(shape->size, shift);
    vmem_size_t size;

    if (!vmi_round_up_any(needed, arena->source.quantum, &size)) {
        return false;
    }
    *want = (struct vmem_import_request){
        .size = size,
        .quantum = arena->quantum,
        .align = larger(shape->align, source_quantum),
        .phase = shape->phase - shift,
        .nocross = shape->nocross,
        .addr_min = shape->addr_min - (shift < shape->addr_min ? shift : shape->addr_min),
        .addr_max = vmi_add_saturating(shape->addr_max, size - needed),
        .flags = VMEM_NOWAIT,
    };
    if (enough == 0 || !vmi_round_up_any(enough, arena->source.quantum, &want->size_anywhere)) {
        want->size_anywhere = 0;
    }
    if (want->nocross != 0 && want->nocross < size) {
        /* The span may cross, the request in it must not: start a phase into a block. */
        want->align = larger(want->align, want->nocross);
        want->nocross = 0;
    }
    return true;
}

/* Ask for what is enough wherever it lies. */
static bool
relax_place(struct vmi_import *import)
{
    struct vmem_import_request *want = &import->want;

    want->size = want->size_anywhere;
    want->align = want->quantum;
    want->phase = 0;
    want->nocross = 0;
    return want->size != 0;
}

/* The same as a request in an arena.  False: none there could help. */
static bool
translate(struct vmi_import *import)
{
    const struct vmem_import_request *want = &import->want;
    const struct vmem_arena *source = import->source.arena;
    const struct vmi_arguments arguments = {
        .size = want->size,
        .align = larger(want->align, source->quantum),
        .phase = want->phase,
        .nocross = want->nocross,
        .addr_min = want->addr_min,
        .addr_max = want->addr_max,
        .flags = VMEM_NOWAIT,
    };

    return vmi_request_make(source, &arguments, &import->in_source) == 0;
}

int
vmi_import_plan(
    const struct vmem_arena *arena, const struct vmi_request *request, struct vmi_import *import)
{
    import->source = arena->source;
    if (arena->source.arena == NULL && arena->source.import_fn == NULL) {
        return ENOENT;
    }
    if (!describe(arena, request, &import->want)) {
        return ENOMEM;
    }
    if (request->imports_anywhere && !relax_place(import)) {
        return ENOMEM;
    }
    if (arena->source.arena == NULL || translate(import)) {
        return 0;
    }
    /* A phase or a block that the source's quantum cannot express. */
    return relax_place(import) && translate(import) ? 0 : ENOMEM;
}

vmem_size_t
vmi_import_room(const struct vmem_arena *arena)
{
    const vmem_size_t ceiling = arena->limit != 0 ? arena->limit : VMEM_SIZE_MAX;
    const vmem_size_t taken = vmi_add_saturating(arena->total, arena->import_asked);

    return taken < ceiling ? ceiling - taken : 0;
}

int
vmi_import_begin(
    struct vmem_arena *arena, const struct vmi_request *request, struct vmi_import *import)
{
    const vmem_size_t room = vmi_import_room(arena);
    const int status = vmi_import_plan(arena, request, import);

    if (status != 0) {
        return status;
    }
    if (import->want.size > room) {
        return ENOSPC;
    }
    if (import->want.size_anywhere > room) {
        import->want.size_anywhere = 0; /* the limit leaves no room for it */
    }
    arena->import_asked += import->want.size;
    return 0;
}

void
vmi_import_end(struct vmem_arena *arena, const struct vmi_import *import)
{
    arena->import_asked -= import->want.size;
}

int
vmi_import_call(const struct vmi_import *import, struct vmem_range *span)
{
    *span = (struct vmem_range){ 0 };
    return import->source.import_fn(import->source.arg, &import->want, span);
}

void
vmi_import_return(const struct vmi_import *import, const struct vmem_range *span)
{
    const struct vmi_released released = {
        .range = *span,
        .arena = import->source.arena,
        .release_fn = import->source.release_fn,
        .arg = import->source.arg,
    };

    if (released.arena != NULL || released.release_fn != NULL) {
        vmi_give_back(&released);
    }
}

int
vmi_import_accept(
    struct vmem_arena *arena, const struct vmi_import *import, const struct vmem_range *span)
{
    int status;

    if (span->size < import->want.size) {
        return EINVAL;
    }
    status = vmi_span_verdict(arena, span->start, span->size);
    if (status == 0) {
        vmi_span_add(arena, span->start, span->size, true);
        arena->imports++;
    }
    return status;
}

void
vmi_import_report(const struct vmem_arena *arena, const struct vmem_range *span, int status)
{
    struct vmem_fault fault = {
        .code = VMEM_FAULT_BAD_IMPORT, .addr = span->start, .size = span->size
    };
    const char *why = "the source gave a span that is too small, or not aligned to the quantum";

    if (status == EEXIST) {
        why = "the source gave a span that overlaps one that the arena owns";
    } else if (status == ENOSPC) {
        why = "the source gave a span that reaches beyond the address space";
    }
    vmi_misuse(arena, &fault, why);
}
