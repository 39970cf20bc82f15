/*
 * api - the public functions: check arguments, decode flags, call down.
 *                                                                  SPDX-License-Identifier: BSD-2-Clause
 *
 * The contracts are in <vmem/vmem.h>.
 */
#include "engine/alloc.h"
#include "engine/free.h"
#include "engine/lifecycle.h"
#include "engine/misuse.h"
#include "engine/registry.h"
#include "inspect/inspect.h"

/* -------------------------------------------------------------------------------------------------
 * Creating and destroying
 * ---------------------------------------------------------------------------------------------- */

static bool
may_create(const struct vmem_options *options)
{
    return vmi_registry_may_change(options->name != NULL ? options->name : "");
}

int
vmem_create_with(const struct vmem_options *options, struct vmem_arena **arena)
{
    void *storage;
    int status;

    if (!may_create(options)) {
        return EBUSY;
    }
    storage = vmi_port_pages_get(VMEM_STORAGE_BYTES);
    if (storage == NULL) {
        return ENOMEM;
    }
    status = vmi_arena_begin(storage, VMEM_STORAGE_BYTES, true, options, arena);
    if (status != 0) {
        vmi_port_pages_put(storage, VMEM_STORAGE_BYTES);
    }
    return status;
}

static struct vmem_options
options_of(const char *name, vmem_addr_t base, vmem_size_t size, vmem_size_t quantum,
    vmem_size_t qcache_max, unsigned flags)
{
    return (struct vmem_options){ .name = name,
        .base = base,
        .size = size,
        .quantum = quantum,
        .qcache_max = qcache_max,
        .flags = flags };
}

int
vmem_create(const char *name, vmem_addr_t base, vmem_size_t size, vmem_size_t quantum,
    vmem_size_t qcache_max, unsigned flags, struct vmem_arena **arena)
{
    const struct vmem_options options = options_of(name, base, size, quantum, qcache_max, flags);

    return vmem_create_with(&options, arena);
}

int
vmem_init_with(
    struct vmem_storage *storage, const struct vmem_options *options, struct vmem_arena **arena)
{
    if (!may_create(options)) {
        return EBUSY;
    }
    return vmi_arena_begin(storage, sizeof *storage, false, options, arena);
}

int
vmem_init(struct vmem_storage *storage, const char *name, vmem_addr_t base, vmem_size_t size,
    vmem_size_t quantum, vmem_size_t qcache_max, unsigned flags, struct vmem_arena **arena)
{
    const struct vmem_options options = options_of(name, base, size, quantum, qcache_max, flags);

    return vmem_init_with(storage, &options, arena);
}

int
vmem_destroy(struct vmem_arena *arena)
{
    return vmi_registry_may_change(arena->name) ? vmi_arena_end(arena) : EBUSY;
}

/* -------------------------------------------------------------------------------------------------
 * What an arena owns
 * ---------------------------------------------------------------------------------------------- */

int
vmem_add(struct vmem_arena *arena, vmem_addr_t start, vmem_size_t size, unsigned flags)
{
    if ((flags & ~(unsigned)VMEM_NOWAIT) != 0) {
        return EINVAL;
    }
    return vmi_arena_add(arena, start, size);
}

int
vmem_set_import(struct vmem_arena *arena, vmem_import_fn *import_fn, vmem_release_fn *release_fn,
    void *arg, vmem_size_t import_quantum)
{
    const struct vmi_source source = {
        .import_fn = import_fn, .release_fn = release_fn, .arg = arg, .quantum = import_quantum
    };

    return vmi_arena_set_source(arena, &source);
}

int
vmem_import_from(
    struct vmem_arena *arena, struct vmem_arena *source_arena, vmem_size_t import_quantum)
{
    const struct vmi_source source = { .arena = source_arena, .quantum = import_quantum };

    return vmi_arena_set_source(arena, &source);
}

void
vmem_set_import_keep(struct vmem_arena *arena, unsigned spans)
{
    if (vmi_enter(arena)) {
        arena->import_keep = spans;
        (void)vmi_trim_kept_spans(arena, spans);
        vmi_leave(arena);
    }
}

void
vmem_set_limit(struct vmem_arena *arena, vmem_size_t limit)
{
    if (vmi_enter(arena)) {
        arena->limit = limit;
        vmi_leave(arena);
    }
}

void
vmem_set_reclaim(struct vmem_arena *arena, vmem_reclaim_fn *reclaim_fn, void *arg)
{
    if (vmi_enter(arena)) {
        arena->reclaim_fn = reclaim_fn;
        arena->reclaim_arg = arg;
        vmi_leave(arena);
    }
}

int
vmem_add_tags(struct vmem_arena *arena, void *memory, size_t bytes)
{
    if (memory == NULL || ((uintptr_t)memory & (VMI_CHUNK_HEADER_BYTES - 1)) != 0 || bytes < 1024) {
        return EINVAL;
    }
    if (!vmi_enter(arena)) {
        return EBUSY;
    }
    vmi_supply_add_blob(arena, memory, bytes, false);
    vmi_leave(arena);
    return 0;
}

/* -------------------------------------------------------------------------------------------------
 * Allocating and freeing
 * ---------------------------------------------------------------------------------------------- */

/* The way of a request that is not the plain and common one. */
static int
allocate(struct vmem_arena *arena, const struct vmi_arguments *arguments, vmem_addr_t *addr,
    vmem_handle_t *handle)
{
    struct vmi_request request;
    struct vmi_result result;
    int status = vmi_request_make(arena, arguments, &request);

    if (status != 0) {
        vmi_count_failure(arena, status == ENOMEM ? VMEM_REASON_ROUNDING : VMEM_REASON_ARGUMENTS);
        return status;
    }
    request.wants_handle = handle != NULL;
    status = vmi_alloc(arena, &request, &result);
    if (status == 0) {
        *addr = result.addr;
        if (handle != NULL) {
            *handle = result.handle;
        }
    }
    return status;
}

VMI_NOINLINE static int
allocate_with(struct vmem_arena *arena, vmem_size_t size, const struct vmem_constraint *constraint,
    unsigned flags, vmem_addr_t *addr, vmem_handle_t *handle)
{
    const struct vmi_arguments arguments = vmi_arguments_of(size, constraint, flags);

    return allocate(arena, &arguments, addr, handle);
}

/* Is there nothing in the flags that the short way would have to know? */
static bool
are_plain(unsigned flags)
{
    return (flags & ~(unsigned)(VMEM_INSTANTFIT | VMEM_NOWAIT)) == 0;
}

int
vmem_alloc(struct vmem_arena *arena, vmem_size_t size, unsigned flags, vmem_addr_t *addr)
{
    const vmem_size_t rounded = (size + (arena->quantum - 1)) & ~(arena->quantum - 1);

    /* 0 stays 0, and what cannot be rounded becomes 0: both go the long way, to be refused. */
    if (VMI_LIKELY(rounded != 0 && are_plain(flags))) {
        const int status = vmi_alloc_quickly(arena, rounded, addr, NULL);
        if (VMI_LIKELY(status != VMI_LONG_WAY)) {
            return status;
        }
    }
    return allocate_with(arena, size, NULL, flags, addr, NULL);
}

void
vmem_free(struct vmem_arena *arena, vmem_addr_t addr, vmem_size_t size)
{
    vmi_free(arena, addr, size);
}

int
vmem_xalloc(struct vmem_arena *arena, vmem_size_t size, vmem_size_t align, vmem_size_t phase,
    vmem_size_t nocross, vmem_addr_t addr_min, vmem_addr_t addr_max, unsigned flags,
    vmem_addr_t *addr)
{
    const struct vmi_arguments arguments = { .size = size,
        .align = align,
        .phase = phase,
        .nocross = nocross,
        .addr_min = addr_min,
        .addr_max = addr_max,
        .flags = flags };

    return allocate(arena, &arguments, addr, NULL);
}

int
vmem_xalloc_with(struct vmem_arena *arena, vmem_size_t size,
    const struct vmem_constraint *constraint, unsigned flags, vmem_addr_t *addr)
{
    return allocate_with(arena, size, constraint, flags, addr, NULL);
}

void
vmem_xfree(struct vmem_arena *arena, vmem_addr_t addr, vmem_size_t size)
{
    vmi_free(arena, addr, size);
}

int
vmem_alloc_handle(struct vmem_arena *arena, vmem_size_t size,
    const struct vmem_constraint *constraint, unsigned flags, vmem_addr_t *addr,
    vmem_handle_t *handle)
{
    const vmem_size_t rounded = (size + (arena->quantum - 1)) & ~(arena->quantum - 1);

    if (VMI_LIKELY(rounded != 0 && constraint == NULL && are_plain(flags))) {
        const int status = vmi_alloc_quickly(arena, rounded, addr, handle);
        if (VMI_LIKELY(status != VMI_LONG_WAY)) {
            return status;
        }
    }
    return allocate_with(arena, size, constraint, flags, addr, handle);
}

void
vmem_free_handle(struct vmem_arena *arena, vmem_handle_t handle)
{
    vmi_free_handle(arena, handle);
}

int
vmem_handle_range(struct vmem_arena *arena, vmem_handle_t handle, struct vmem_range *range)
{
    uint32_t index;

    if (!vmi_enter(arena)) {
        return EBUSY;
    }
    index = vmi_handle_tag(arena, handle);
    if (index != 0) {
        *range = (struct vmem_range){ vmi_tag(arena, index)->start, vmi_tag(arena, index)->size };
    }
    vmi_leave(arena);
    return index != 0 ? 0 : EINVAL;
}

void
vmem_drain(struct vmem_arena *arena)
{
    if (vmi_enter(arena)) {
        (void)vmi_drain(arena);
        vmi_leave(arena);
    }
}

void
vmem_maintain(struct vmem_arena *arena)
{
    if (vmi_enter(arena)) {
        vmi_supply_maintain(arena);
        vmi_leave(arena);
    }
}

/* -------------------------------------------------------------------------------------------------
 * Looking at an arena
 * ---------------------------------------------------------------------------------------------- */

int
vmem_roundup_size(const struct vmem_arena *arena, vmem_size_t size, vmem_size_t *rounded)
{
    if (size == 0) {
        return EINVAL;
    }
    return vmi_round_up(size, arena->quantum, rounded) ? 0 : ENOMEM;
}

vmem_size_t
vmem_size(struct vmem_arena *arena, unsigned typemask)
{
    return vmi_figure(arena, typemask);
}

const char *
vmem_name(const struct vmem_arena *arena)
{
    return arena->name;
}

vmem_size_t
vmem_quantum(const struct vmem_arena *arena)
{
    return arena->quantum;
}

struct vmem_arena *
vmem_source(struct vmem_arena *arena)
{
    struct vmem_arena *source = NULL;

    if (vmi_enter(arena)) {
        source = arena->source.arena;
        vmi_leave(arena);
    }
    return source;
}

bool
vmem_contains(struct vmem_arena *arena, vmem_addr_t addr, vmem_size_t size)
{
    return vmi_contains(arena, addr, size);
}

enum vmem_state
vmem_state(struct vmem_arena *arena, vmem_addr_t addr)
{
    return vmi_state(arena, addr);
}

void
vmem_walk(struct vmem_arena *arena, unsigned typemask, vmem_visitor_fn *visitor, void *arg)
{
    vmi_walk(arena, typemask, visitor, arg);
}

void
vmem_walk_arenas(vmem_arena_visitor_fn *visitor, void *arg)
{
    vmi_registry_walk(visitor, arg);
}

const char *
vmem_reason_text(enum vmem_reason reason)
{
    return vmi_reason_text(reason);
}

void
vmem_explain(struct vmem_arena *arena, vmem_size_t size, const struct vmem_constraint *constraint,
    unsigned flags, struct vmem_explanation *explanation)
{
    vmi_explain(arena, size, constraint, flags, explanation);
}

void
vmem_stats(struct vmem_arena *arena, struct vmem_stats *stats)
{
    vmi_stats_read(arena, stats);
}

void
vmem_print(struct vmem_arena *arena, vmem_sink_fn *sink, void *arg)
{
    vmi_print(arena, sink, arg);
}

void
vmem_printall(vmem_sink_fn *sink, void *arg)
{
    vmi_printall(sink, arg);
}

void
vmem_summary(struct vmem_arena *arena, vmem_sink_fn *sink, void *arg)
{
    vmi_summary(arena, sink, arg);
}

void
vmem_dump(struct vmem_arena *arena, vmem_sink_fn *sink, void *arg)
{
    vmi_dump(arena, sink, arg);
}

void
vmem_whatis(vmem_addr_t addr, vmem_sink_fn *sink, void *arg)
{
    vmi_whatis(addr, sink, arg);
}

bool
vmem_check(struct vmem_arena *arena, struct vmem_violation *violation)
{
    return vmi_check(arena, violation);
}

void
vmem_set_fatal_hook(vmem_fatal_fn *hook, void *arg)
{
    vmi_misuse_set_hook(hook, arg);
}
