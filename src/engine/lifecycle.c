/*
 * lifecycle - an arena begins, is configured, and ends.            SPDX-License-Identifier: BSD-2-Clause
 */
#include "engine/lifecycle.h"

#include "engine/free.h"
#include "engine/index.h"
#include "engine/misuse.h"
#include "engine/quarantine.h"
#include "engine/registry.h"
#include "engine/request.h"
#include "engine/spans.h"
#include "engine/supply.h"

enum {
    FIRST_TABLE_BYTES = (int)sizeof(struct vmi_bucket) << VMI_BUSY_LOG2_MIN,
    TAG_MEMORY_BYTES_MIN = 1024,
    RING_FOR_TIME = 1024 /* resting frees, when only a time was given */
};

static void *
port_get(void *arg, size_t bytes)
{
    (void)arg;
    return vmi_port_pages_get(bytes);
}

static void
port_put(void *arg, void *memory, size_t bytes)
{
    (void)arg;
    vmi_port_pages_put(memory, bytes);
}

static int
check_options(const struct vmem_options *options)
{
    const unsigned known = VMI_POLICY_MASK |
        (unsigned)(VMEM_NOLOCK | VMEM_INDEXED | VMEM_RANDOM | VMEM_NOWAIT | VMEM_WAIT);
    const unsigned policy = options->flags & VMI_POLICY_MASK;

    if (!vmi_is_pow2(options->quantum) || (options->flags & ~known) != 0 ||
        (policy & (policy - 1)) != 0) {
        return EINVAL;
    }
    if ((options->flags & VMEM_WAIT) != 0) {
        return (options->flags & (unsigned)(VMEM_NOWAIT | VMEM_NOLOCK)) != 0 ? EINVAL : ENOTSUP;
    }
    if (options->source_arena != NULL && options->import_fn != NULL) {
        return EINVAL;
    }
    if (options->tag_memory != NULL &&
        (((uintptr_t)options->tag_memory & (VMI_CHUNK_HEADER_BYTES - 1)) != 0 ||
            options->tag_memory_bytes < TAG_MEMORY_BYTES_MIN)) {
        return EINVAL;
    }
    if ((options->tags.get == NULL) != (options->tags.put == NULL)) {
        return EINVAL;
    }
    return 0;
}

static void
copy_name(struct vmem_arena *arena, const char *name)
{
    size_t length = 0;

    for (; name != NULL && name[length] != '\0' && length < VMEM_NAME_BYTES - 1; length++) {
        arena->name[length] = name[length];
    }
    arena->name[length] = '\0';
}

/* Everything that needs no memory. */
static void
set_up(struct vmem_arena *arena, const struct vmem_options *options)
{
    const unsigned policy = options->flags & VMI_POLICY_MASK;

    vmi_port_lock_init(&arena->lock);
    copy_name(arena, options->name);
    arena->is_unlocked = (options->flags & VMEM_NOLOCK) != 0;
    arena->quantum = options->quantum;
    arena->quantum_log2 = vmi_log2(options->quantum);
    arena->qcache_max = options->qcache_max;
    arena->policy = policy != 0 ? policy : VMEM_INSTANTFIT;
    arena->limit = options->limit;
    arena->reclaim_fn = options->reclaim_fn;
    arena->reclaim_arg = options->reclaim_arg;
    if ((options->flags & VMEM_RANDOM) != 0) {
        arena->random = options->random_seed != 0 ? options->random_seed : vmi_port_entropy();
        arena->random |= 1; /* never 0 */
    }
    arena->is_plain = arena->policy == VMEM_INSTANTFIT && arena->random == 0;
    arena->supply.source = options->tags;
    if (options->tag_memory_only) {
        arena->supply.source = (struct vmem_tag_source){ 0 };
    } else if (options->tags.get == NULL) {
        arena->supply.source = (struct vmem_tag_source){ .get = port_get, .put = port_put };
    }
    if (options->tag_memory != NULL) {
        vmi_supply_add_blob(arena, options->tag_memory, options->tag_memory_bytes, false);
    }
    vmi_tags_init(&arena->tags);
    vmi_slab_init(&arena->nodes, VMI_NODE_LOG2);
    arena->supply.is_port = arena->supply.source.get == port_get;
    if (arena->supply.is_port && options->tag_memory == NULL) {
        vmi_supply_set_windows(arena);
    }
    vmi_order_init(&arena->spans, &arena->nodes, false);
    vmi_order_init(&arena->by_address.order, &arena->nodes, false);
    vmi_order_init(&arena->by_size.order, &arena->nodes, true);
    vmi_bins_init(&arena->bins, arena->quantum_log2, NULL, 0);
}

/* The ring of a quarantine. */
VMI_ENTERED static int
set_up_quarantine(struct vmem_arena *arena, const struct vmem_options *options)
{
    struct vmi_quarantine *q = &arena->quarantine;

    q->capacity = options->quarantine_frees;
    q->rest_ns = options->quarantine_ns;
    if (q->capacity == 0 && q->rest_ns != 0) {
        q->capacity = RING_FOR_TIME;
    }
    if (q->capacity != 0) {
        q->ring = vmi_supply_permanent(arena, q->capacity * sizeof q->ring[0]);
    }
    vmi_note_state(arena);
    return q->capacity == 0 || q->ring != NULL ? 0 : ENOMEM;
}

/* The memory that an arena needs before anything else: a table, and the root tag. */
static int
set_up_memory(struct vmem_arena *arena, const struct vmem_options *options)
{
    const struct vmi_needs needs = { .tags = 1 };
    struct vmi_tag *root;
    void *table;
    int status;

    vmi_reenter(arena); /* cannot fail: nobody else knows the arena */
    table = vmi_supply_permanent(arena, FIRST_TABLE_BYTES);
    status = table != NULL ? 0 : ENOMEM;
    if (status == 0) {
        vmi_busy_init(&arena->busy, table, FIRST_TABLE_BYTES);
        status = set_up_quarantine(arena, options);
    }
    if (status == 0) {
        status = vmi_supply_needs(arena, &needs);
    }
    if (status == 0) {
        arena->root = vmi_tag_take(&arena->tags);
        root = vmi_tag(arena, arena->root);
        *root = (struct vmi_tag){
            .prev = arena->root, .next = arena->root, .own = vmi_tag_own(VMI_KIND_SPAN, 0)
        };
        if ((options->flags & VMEM_INDEXED) != 0) {
            vmi_index_want(arena, &arena->by_address);
            (void)vmi_index_advance(arena, &arena->by_address, 1);
        }
    }
    vmi_leave(arena);
    return status;
}

static struct vmi_source
source_of(const struct vmem_options *options)
{
    return (struct vmi_source){ .arena = options->source_arena,
        .import_fn = options->import_fn,
        .release_fn = options->release_fn,
        .arg = options->source_arg,
        .quantum = options->import_quantum };
}

static void
put_storage(struct vmem_arena *arena)
{
    if (arena->owns_storage) {
        vmi_port_pages_put(arena, arena->storage_bytes);
    }
}

int
vmi_arena_begin(void *storage, size_t storage_bytes, bool owns, const struct vmem_options *options,
    struct vmem_arena **out)
{
    struct vmem_arena *arena = storage;
    const struct vmi_source source = source_of(options);
    int status = check_options(options);

    if (status != 0) {
        return status;
    }
    *arena = (struct vmem_arena){ 0 };
    arena->owns_storage = owns;
    arena->storage_bytes = storage_bytes;
    set_up(arena, options);
    status = set_up_memory(arena, options);
    if (status == 0 &&
        (source.arena != NULL || source.import_fn != NULL || source.quantum != 0 ||
            source.release_fn != NULL)) {
        status = vmi_arena_set_source(arena, &source);
    }
    arena->import_keep = options->import_keep;
    if (status == 0 && options->size != 0) {
        status = vmi_arena_add(arena, options->base, options->size);
    }
    if (status != 0) {
        vmi_supply_end(arena);
        return status;
    }
    vmi_registry_add(arena);
    *out = arena;
    return 0;
}

int
vmi_arena_add(struct vmem_arena *arena, vmem_addr_t start, vmem_size_t size)
{
    const struct vmi_needs needs = { .tags = VMI_TAGS_PER_SPAN, .span = size };
    int status;

    if (!vmi_enter(arena)) {
        return EBUSY;
    }
    status = vmi_span_verdict(arena, start, size);
    if (status == 0) {
        status = vmi_supply_needs(arena, &needs);
    }
    if (status == 0) {
        status = vmi_span_verdict(arena, start, size); /* the lock may have been left */
    }
    if (status == 0) {
        vmi_span_add(arena, start, size, false);
    }
    vmi_leave(arena);
    return status;
}

int
vmi_arena_set_source(struct vmem_arena *arena, const struct vmi_source *source)
{
    const vmem_size_t quantum = source->quantum != 0 ? source->quantum : arena->quantum;
    int status = 0;

    if ((quantum & (arena->quantum - 1)) != 0 ||
        (source->release_fn != NULL && source->import_fn == NULL)) {
        return EINVAL;
    }
    for (const struct vmem_arena *up = source->arena; up != NULL; up = up->source.arena) {
        if (up == arena) {
            return EINVAL;
        }
    }
    if (source->arena != NULL && source->arena->is_unlocked && !arena->is_unlocked) {
        return EINVAL;
    }
    if (!vmi_enter(arena)) {
        return EBUSY;
    }
    if (arena->total != 0 || arena->import_asked != 0) {
        status = EBUSY;
    } else {
        arena->source.arena = source->arena;
        arena->source.import_fn = source->import_fn;
        arena->source.release_fn = source->release_fn;
        arena->source.arg = source->arg;
        arena->source.quantum = quantum;
        arena->gives_back = source->arena != NULL || source->release_fn != NULL;
        vmi_note_state(arena);
    }
    vmi_leave(arena);
    return status;
}

/* Fill in what is live. */
static void
describe_live(const struct vmem_arena *arena, struct vmem_fault *fault)
{
    unsigned found = 0;

    fault->size = arena->inuse;
    fault->count = arena->allocs - arena->frees;
    for (uint32_t index = vmi_tag_next(vmi_tag(arena, arena->root));
         index != arena->root && found < VMEM_FAULT_RANGES;
         index = vmi_tag_next(vmi_tag(arena, index))) {
        const struct vmi_tag *tag = vmi_tag(arena, index);
        if (vmi_tag_kind(tag) == VMI_KIND_BUSY && tag->extra != VMI_BUSY_RESTING) {
            fault->live[found++] = (struct vmem_range){ .start = tag->start, .size = tag->size };
        }
    }
    fault->addr = fault->live[0].start;
}

/* Give every imported span back.  Everything is free. */
static void
return_spans(struct vmem_arena *arena)
{
    vmi_reenter(arena);
    (void)vmi_drain(arena);
    (void)vmi_trim_kept_spans(arena, 0);
    vmi_leave(arena);
}

int
vmi_arena_end(struct vmem_arena *arena)
{
    struct vmem_fault fault = { .code = VMEM_FAULT_DESTROY_BUSY };
    bool is_busy;

    if (!vmi_enter(arena)) {
        return EBUSY;
    }
    is_busy = arena->allocs != arena->frees;
    if (is_busy) {
        describe_live(arena, &fault);
    }
    vmi_leave(arena);
    if (is_busy) {
        vmi_misuse(arena, &fault, "destroyed with live allocations");
        return EBUSY;
    }
    return_spans(arena);
    vmi_registry_remove(arena);
    vmi_supply_end(arena);
    put_storage(arena);
    return 0;
}
