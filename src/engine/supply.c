/*
 * supply - memory for metadata; the essay is in supply.h.          SPDX-License-Identifier: BSD-2-Clause
 */
#include "engine/supply.h"

#include "engine/index.h"

enum {
    BLOB_HEADER_BYTES = 64,
    ALIGN_BYTES = 64,
    BUILD_TRIES = 4,       /* how often nodes are obtained for holes that became more meanwhile */
    CHUNK_OBJECTS_MIN = 8, /* of a chunk from what is left of the caller's memory */
    DROP_BYTES = 16384,    /* of a window, that one operation gives back: a few pages */
    REHEARSE_BYTES = 4096, /* at the beginning of the window for tables, where no table lies */
    WINDOW_TABLE_MIN = 8192,
    NODES_KEPT = 32 /* while an index is in use */
};

struct vmi_blob {
    struct vmi_blob *next;
    size_t bytes;
    size_t used;
    bool is_ours;
};

_Static_assert(sizeof(struct vmi_blob) <= BLOB_HEADER_BYTES, "the header has a fixed place");

void
vmi_supply_add_blob(struct vmem_arena *arena, void *memory, size_t bytes, bool is_ours)
{
    struct vmi_blob *blob = memory;

    *blob = (struct vmi_blob){
        .next = arena->supply.blobs, .bytes = bytes, .used = BLOB_HEADER_BYTES, .is_ours = is_ours
    };
    arena->supply.blobs = blob;
    arena->supply.bytes += bytes;
}

/* Zeroed memory out of a blob, or NULL.  bytes: a multiple of 64. */
static void *
take_piece(struct vmi_supply *supply, size_t bytes)
{
    for (struct vmi_piece **link = &supply->pieces; *link != NULL; link = &(*link)->next) {
        if ((*link)->bytes == bytes) {
            struct vmi_piece *piece = *link;
            *link = piece->next;
            memset(piece, 0, bytes);
            return piece;
        }
    }
    for (struct vmi_blob *blob = supply->blobs; blob != NULL; blob = blob->next) {
        if (blob->bytes - blob->used >= bytes) {
            char *memory = (char *)blob + blob->used;
            blob->used += bytes;
            memset(memory, 0, bytes);
            return memory;
        }
    }
    return NULL;
}

static bool
is_in_blob(const struct vmi_supply *supply, const void *memory)
{
    const uintptr_t at = (uintptr_t)memory;

    for (const struct vmi_blob *blob = supply->blobs; blob != NULL; blob = blob->next) {
        if (at - (uintptr_t)blob < blob->bytes) { /* of an address below, it is larger */
            return true;
        }
    }
    return false;
}

/* Memory is no longer needed: keep it as a piece, or let it go when the lock is left. */
static void
retire(struct vmem_arena *arena, void *memory, size_t bytes)
{
    struct vmi_piece *piece = memory;
    struct vmi_piece **list =
        is_in_blob(&arena->supply, memory) ? &arena->supply.pieces : &arena->supply.garbage;

    piece->bytes = bytes;
    piece->next = *list;
    *list = piece;
}

/* Is it a large piece of the port's memory, that no call should put back as a whole? */
static bool
goes_in_parts(const struct vmi_supply *supply, const struct vmi_piece *piece)
{
#if VMI_PORT_PART_BYTES != 0
    return supply->is_port && piece->bytes > VMI_PORT_PART_BYTES;
#else
    (void)supply;
    (void)piece;
    return false;
#endif
}

/* Take a piece of garbage, or a part off it. */
static struct vmi_piece *
take_part(struct vmi_supply *supply)
{
    struct vmi_piece *piece = supply->garbage;
    struct vmi_piece *part = piece;

    if (goes_in_parts(supply, piece)) {
        piece->bytes -= VMI_PORT_PART_BYTES;
        part = (struct vmi_piece *)(void *)((char *)piece + piece->bytes);
        part->bytes = VMI_PORT_PART_BYTES;
    } else {
        supply->garbage = piece->next;
    }
    return part;
}

void
vmi_leave_with_garbage(struct vmem_arena *arena)
{
    const struct vmem_tag_source source = arena->supply.source;
    struct vmi_piece *piece = take_part(&arena->supply);
    const size_t bytes = piece->bytes;

    arena->supply.bytes -= bytes;
    vmi_leave_quickly(arena);
    source.put(source.arg, piece, bytes);
}

static size_t
power_of_two(size_t bytes)
{
    return vmi_is_pow2(bytes) ? bytes : (size_t)1 << (vmi_log2(bytes) + 1);
}

/* Ask the source, for which the lock is left. */
VMI_ENTERED static void *
ask_source(struct vmem_arena *arena, size_t bytes)
{
    const struct vmem_tag_source source = arena->supply.source;
    void *memory;

    vmi_leave(arena);
    memory = source.get(source.arg, bytes);
    vmi_reenter(arena);
    return memory;
}

/* Obtain zeroed memory: a piece, or from the source.  *left: the lock was left meanwhile. */
VMI_ENTERED static void *
obtain(struct vmem_arena *arena, size_t *bytes, bool *left)
{
    void *memory = take_piece(&arena->supply, *bytes);

    *left = false;
    if (memory != NULL || arena->supply.source.get == NULL) {
        return memory;
    }
    *left = true;
    if (*bytes < VMI_SUPPLY_BLOB_BYTES / 2) {
        return vmi_supply_permanent(arena, *bytes);
    }
    *bytes = power_of_two(*bytes);
    memory = ask_source(arena, *bytes);
    arena->supply.bytes += memory != NULL ? *bytes : 0;
    return memory;
}

void *
vmi_supply_permanent(struct vmem_arena *arena, size_t bytes)
{
    const size_t size = (bytes + (ALIGN_BYTES - 1)) & ~(size_t)(ALIGN_BYTES - 1);
    size_t blob_bytes = power_of_two(size + BLOB_HEADER_BYTES);
    void *memory = take_piece(&arena->supply, size);

    if (memory != NULL || arena->supply.source.get == NULL) {
        return memory;
    }
    blob_bytes = blob_bytes < VMI_SUPPLY_BLOB_BYTES ? VMI_SUPPLY_BLOB_BYTES : blob_bytes;
    memory = ask_source(arena, blob_bytes);
    if (memory == NULL) {
        return NULL;
    }
    vmi_supply_add_blob(arena, memory, blob_bytes, true);
    return take_piece(&arena->supply, size);
}

/* Obtain `bytes`, or half of it, or a quarter ...: what is left of the caller's memory. */
VMI_ENTERED static void *
obtain_or_less(struct vmem_arena *arena, size_t *bytes, size_t smallest, bool *left)
{
    void *memory = obtain(arena, bytes, left);

    while (memory == NULL && !*left && *bytes > smallest) {
        *bytes /= 2;
        memory = take_piece(&arena->supply, *bytes);
    }
    return memory;
}

/* What one look at the needs found. */
enum outcome {
    IS_THERE,   /* nothing was missing */
    OBTAINED,   /* something was, and the lock may have been left: look again */
    NOT_TO_HAVE /* no memory */
};

VMI_ENTERED static enum outcome
supply_slab(struct vmem_arena *arena, struct vmi_slab *slab, uint32_t count)
{
    size_t bytes;
    bool left;
    void *memory;

    if (slab->free_count >= count) {
        return IS_THERE;
    }
    if (vmi_slab_dir_is_full(slab, &bytes)) {
        size_t wanted;
        memory = obtain(arena, &bytes, &left);
        if (memory == NULL) {
            return NOT_TO_HAVE;
        }
        if (!vmi_slab_dir_is_full(slab, &wanted) || wanted > bytes) {
            retire(arena, memory, bytes); /* somebody else was faster */
            return OBTAINED;
        }
        memory = vmi_slab_dir_replace(slab, memory, bytes, &bytes);
        if (memory != NULL) {
            retire(arena, memory, bytes);
        }
    }
    bytes = vmi_slab_chunk_bytes(slab);
    memory = vmi_slab_window_part(slab);
    if (memory != NULL) {
        const uint32_t entries = slab->dir_count;
        vmi_slab_add_chunk(slab, memory, bytes);
        arena->supply.bytes += bytes + (slab->dir_count - entries) * sizeof slab->dir[0];
        return OBTAINED;
    }
    memory = obtain_or_less(arena, &bytes, (size_t)CHUNK_OBJECTS_MIN << slab->object_log2, &left);
    if (memory == NULL) {
        return NOT_TO_HAVE;
    }
    if (vmi_slab_dir_is_full(slab, &(size_t){ 0 })) {
        retire(arena, memory, bytes);
        return OBTAINED;
    }
    vmi_slab_add_chunk(slab, memory, bytes);
    return OBTAINED;
}

VMI_ENTERED static enum outcome
supply_tags(struct vmem_arena *arena, uint32_t count)
{
    if (vmi_tags_reserve(&arena->tags, count)) {
        return IS_THERE;
    }
    return supply_slab(arena, &arena->tags.slab, count);
}

/* Memory for a table in the window for tables, if there is one and it is large enough; else NULL. */
static void *
table_part(struct vmem_arena *arena, size_t bytes)
{
    if (arena->supply.table_window == NULL || bytes < WINDOW_TABLE_MIN ||
        bytes > ((size_t)1 << VMI_WINDOW_LOG2) / 4) {
        return NULL;
    }
    arena->supply.bytes += bytes;
    return arena->supply.table_window + 3 * bytes;
}

static bool
is_table_part(const struct vmem_arena *arena, const struct vmi_bucket *bucket)
{
    const uintptr_t window = (uintptr_t)arena->supply.table_window;

    return window != 0 && (uintptr_t)bucket - window < (uintptr_t)1 << VMI_WINDOW_LOG2;
}

static void
resize_busy(struct vmem_arena *arena, void *memory, size_t bytes)
{
    vmi_busy_resize(&arena->busy, memory, bytes);
    vmi_note_state(arena);
    arena->supply.old_at = 0;
    arena->supply.old_head = 0;
    arena->supply.has_rehearsed = false;
    arena->supply.old_bytes = vmi_table_bytes(&arena->busy.old);
}

VMI_ENTERED static enum outcome
supply_busy(struct vmem_arena *arena)
{
    bool is_urgent;
    bool left;
    const size_t wanted = vmi_busy_wants(&arena->busy, false, &is_urgent);
    size_t bytes = wanted;
    void *memory;

    if (wanted == 0) {
        return is_urgent ? NOT_TO_HAVE : IS_THERE;
    }
    memory = table_part(arena, bytes);
    if (memory != NULL) {
        resize_busy(arena, memory, bytes);
        return OBTAINED;
    }
    memory = obtain(arena, &bytes, &left);
    if (vmi_busy_wants(&arena->busy, false, &is_urgent) != wanted) {
        if (memory != NULL) { /* others came to have a larger table, or to need none */
            retire(arena, memory, bytes);
        }
        return OBTAINED;
    }
    if (memory != NULL) {
        resize_busy(arena, memory, bytes);
        return OBTAINED;
    }
    if (is_urgent) {
        return NOT_TO_HAVE;
    }
    /* There is still room: ask again after some more allocations. */
    arena->busy.count_max = arena->busy.count + 1 + arena->busy.count / 32;
    return left ? OBTAINED : IS_THERE;
}

VMI_ENTERED static enum outcome
supply_bins(struct vmem_arena *arena, vmem_size_t span_max)
{
    const unsigned wanted = vmi_bins_class(&arena->bins, span_max) + 1;
    const unsigned rounded = wanted <= VMI_CLASS_EXACT ? VMI_CLASS_EXACT : wanted;
    size_t bytes = rounded * sizeof(struct vmi_bin);
    bool left;
    void *memory;

    if (wanted <= arena->bins.class_count) {
        return IS_THERE;
    }
    memory = obtain(arena, &bytes, &left);
    if (memory == NULL) {
        return NOT_TO_HAVE;
    }
    if (wanted <= arena->bins.class_count) {
        retire(arena, memory, bytes);
        return OBTAINED;
    }
    {
        const size_t old_bytes = arena->bins_bytes;
        const unsigned fit = (unsigned)(bytes / sizeof(struct vmi_bin));
        void *old =
            vmi_bins_move(&arena->bins, memory, fit < VMI_CLASS_COUNT ? fit : VMI_CLASS_COUNT);
        arena->bins_bytes = bytes;
        if (old != NULL) {
            retire(arena, old, old_bytes);
        }
    }
    return OBTAINED;
}

VMI_ENTERED static enum outcome
supply_once(struct vmem_arena *arena, const struct vmi_needs *needs)
{
    enum outcome outcome = supply_tags(arena, needs->tags);

    if (outcome == IS_THERE && needs->busy_entry) {
        outcome = supply_busy(arena);
    }
    if (outcome == IS_THERE && needs->span != 0) {
        /* The whole may become one hole; what there is may have changed while the lock was left. */
        outcome = supply_bins(arena, vmi_add_saturating(arena->total, needs->span));
    }
    if (outcome == IS_THERE && (needs->nodes != 0 || needs->span != 0)) {
        const uint32_t for_span = needs->span != 0 ? vmi_order_need(&arena->spans) : 0;
        outcome =
            supply_slab(arena, &arena->nodes, needs->nodes + for_span + vmi_index_need(arena));
    }
    return outcome;
}

VMI_NOINLINE int
vmi_supply_needs(struct vmem_arena *arena, const struct vmi_needs *needs)
{
    enum outcome outcome;

    VMI_ASSERT(arena->is_unlocked ? arena->is_entered : vmi_port_lock_held(&arena->lock));
    VMI_ASSERT(needs->tags <= VMI_TAGS_RESERVE);
    vmi_supply_tidy(arena);
    do {
        outcome = supply_once(arena, needs);
    } while (outcome == OBTAINED);
    return outcome == IS_THERE ? 0 : ENOMEM;
}

bool
vmi_supply_has_nodes(const struct vmem_arena *arena)
{
    return arena->nodes.free_count >= NODES_KEPT && arena->cursors == NULL;
}

VMI_NOINLINE void
vmi_supply_nodes_softly(struct vmem_arena *arena)
{
    if (arena->is_indexed) {
        (void)supply_slab(arena, &arena->nodes, NODES_KEPT);
    }
}

void
vmi_supply_nodes_at_hand(struct vmem_arena *arena)
{
    if (arena->is_indexed && arena->nodes.free_count < NODES_KEPT &&
        vmi_slab_window_part(&arena->nodes) != NULL) {
        (void)supply_slab(arena, &arena->nodes, NODES_KEPT);
    }
}

void
vmi_supply_set_windows(struct vmem_arena *arena)
{
#if VMI_PORT_HAS_WINDOW
    struct vmi_slab *slabs[] = { &arena->tags.slab, &arena->nodes };

    for (unsigned i = 0; i < sizeof slabs / sizeof slabs[0]; i++) {
        vmi_slab_set_window(slabs[i], vmi_port_window_get(VMI_SLAB_WINDOW_BYTES));
    }
    arena->supply.table_window = vmi_port_window_get((size_t)1 << VMI_WINDOW_LOG2);
#else
    (void)arena;
#endif
}

static void
put_window(void *window, size_t bytes)
{
#if VMI_PORT_HAS_WINDOW
    if (window != NULL) {
        vmi_port_window_put(window, bytes);
    }
#else
    (void)window;
    (void)bytes;
#endif
}

static void
drop_part(void *memory, size_t bytes)
{
#if VMI_PORT_HAS_WINDOW
    vmi_port_window_drop(memory, bytes);
#else
    (void)memory;
    (void)bytes;
#endif
}

/*
 * The first call after a pause takes the port several times as long as the next one: nothing of it is in
 * the processor's caches, and what the system has put off is done first.  So the first is for a part that
 * was never touched, in an operation of its own.  False: there was one lately.
 */
static bool
rehearse_drop(struct vmem_arena *arena)
{
    if (arena->supply.has_rehearsed || arena->supply.table_window == NULL) {
        return false;
    }
    arena->supply.has_rehearsed = true;
    drop_part(arena->supply.table_window, REHEARSE_BYTES);
    return true;
}

/* Drop a part of the old table that nobody will look at again.  False: there is none for now. */
static bool
drop_old_part(struct vmem_arena *arena)
{
    struct vmi_supply *supply = &arena->supply;
    const size_t whole = vmi_table_bytes(&arena->busy.old);
    const size_t part = whole < DROP_BYTES ? whole : DROP_BYTES;
    const size_t head = arena->busy.old.wrap * sizeof(struct vmi_bucket);
    size_t first;
    size_t idle;

    vmi_busy_idle(&arena->busy, &first, &idle);
    if (supply->old_at < first) {
        supply->old_at = (first + part - 1) / part * part; /* what is left out is the head's */
    }
    if (supply->old_at + part <= first + idle) {
        if (rehearse_drop(arena)) {
            return true;
        }
        drop_part((char *)arena->busy.old.bucket + supply->old_at, part);
        supply->old_at += part;
        supply->old_bytes -= part;
        supply->bytes -= part;
        return true;
    }
    if (idle == whole && supply->old_head < head) {
        drop_part((char *)arena->busy.old.bucket + supply->old_head, part);
        supply->old_head += part;
        return true;
    }
    return false;
}

/*
 * Begin to move to a smaller table, where that needs nobody to be asked: in the window for tables.
 * True if that was begun.
 */
static bool
shrink_busy(struct vmem_arena *arena)
{
    bool is_urgent;
    const size_t wanted = vmi_busy_wants(&arena->busy, true, &is_urgent);
    void *memory;

    if (wanted == 0 || wanted >= vmi_table_bytes(&arena->busy.table)) {
        return false;
    }
    memory = table_part(arena, wanted);
    if (memory == NULL) {
        return false;
    }
    resize_busy(arena, memory, wanted);
    (void)rehearse_drop(arena); /* now: the next operation touches the new table first */
    return true;
}

/* Empty some buckets of the old table.  True if some memory was dropped. */
static bool
step_busy(struct vmem_arena *arena, uint32_t buckets)
{
    bool is_empty;
    bool has_dropped;
    size_t bytes;
    void *memory;

    if (!vmi_busy_is_moving(&arena->busy)) {
        return false;
    }
    is_empty = vmi_busy_step(&arena->busy, buckets);
    if (is_table_part(arena, arena->busy.old.bucket)) {
        has_dropped = drop_old_part(arena);
        if (is_empty && !has_dropped) {
            (void)vmi_busy_end(&arena->busy, &bytes);
            vmi_note_state(arena);
            arena->supply.bytes -= arena->supply.old_bytes;
            (void)shrink_busy(arena);
        }
        return has_dropped;
    }
    if (is_empty) {
        memory = vmi_busy_end(&arena->busy, &bytes);
        vmi_note_state(arena);
        retire(arena, memory, bytes);
    }
    return false;
}

/* Give a part of an empty chunk back; the operation that emptied it only begins.  False: no surplus. */
static bool
tidy_slab(struct vmem_arena *arena, struct vmi_slab *slab)
{
    size_t bytes;
    void *memory;

    if (slab->leaving == NULL) {
        if (!vmi_slab_begin_to_detach(slab)) {
            return false;
        }
        arena->supply.has_rehearsed = false;
        return true;
    }
    if (vmi_slab_is_in_window(slab, slab->leaving) && rehearse_drop(arena)) {
        return true;
    }
    memory = vmi_slab_detach_part(slab, DROP_BYTES, &bytes);
    if (vmi_slab_is_in_window(slab, memory)) {
        /* At once: its part of the window may be used again as soon as the lock is left. */
        drop_part(memory, bytes);
        arena->supply.bytes -= bytes;
    } else {
        retire(arena, memory, bytes);
    }
    return true;
}

VMI_NOINLINE void
vmi_supply_tidy(struct vmem_arena *arena)
{
    /* One thing that calls the port in one operation. */
    if (shrink_busy(arena)) {
        return;
    }
    if (!step_busy(arena, VMI_BUSY_STEP) && !tidy_slab(arena, &arena->tags.slab)) {
        (void)tidy_slab(arena, &arena->nodes);
    }
}

static void
finish_busy(struct vmem_arena *arena)
{
    while (vmi_busy_is_moving(&arena->busy)) {
        (void)step_busy(arena, UINT32_MAX);
    }
}

void
vmi_supply_maintain(struct vmem_arena *arena)
{
    bool is_urgent;
    bool left;
    size_t wanted;

    finish_busy(arena);
    for (wanted = vmi_busy_wants(&arena->busy, true, &is_urgent); wanted != 0;
         wanted = vmi_busy_wants(&arena->busy, true, &is_urgent)) {
        size_t bytes = wanted;
        void *memory = table_part(arena, bytes);
        if (memory == NULL) {
            memory = obtain(arena, &bytes, &left);
            if (memory == NULL) {
                break;
            }
            if (vmi_busy_wants(&arena->busy, true, &is_urgent) != wanted) {
                retire(arena, memory, bytes);
                continue;
            }
        }
        resize_busy(arena, memory, bytes);
        finish_busy(arena);
    }
    vmi_tags_spill(&arena->tags, VMI_TAGS_RESERVE);
    while (tidy_slab(arena, &arena->tags.slab) || tidy_slab(arena, &arena->nodes)) {
    }
    vmi_supply_nodes_softly(arena);
}

static void
put_unless_in_blob(void *arg, void *memory, size_t bytes)
{
    const struct vmi_supply *supply = arg;

    if (!is_in_blob(supply, memory)) {
        supply->source.put(supply->source.arg, memory, bytes);
    }
}

void
vmi_supply_end(struct vmem_arena *arena)
{
    struct vmi_supply *supply = &arena->supply;
    struct vmi_blob *blob;

    void *tag_window = arena->tags.slab.window_memory;
    void *node_window = arena->nodes.window_memory;

    vmi_slab_release(&arena->tags.slab, put_unless_in_blob, supply);
    vmi_slab_release(&arena->nodes, put_unless_in_blob, supply);
    put_window(tag_window, VMI_SLAB_WINDOW_BYTES);
    put_window(node_window, VMI_SLAB_WINDOW_BYTES);
    VMI_NEVER(vmi_busy_is_moving(&arena->busy) && !is_table_part(arena, arena->busy.old.bucket),
        "such a table is left by growing, and to free all that it held empties it first",
        put_unless_in_blob(supply, arena->busy.old.bucket, vmi_table_bytes(&arena->busy.old)));
    if (arena->busy.table.bucket != NULL && !is_table_part(arena, arena->busy.table.bucket)) {
        put_unless_in_blob(supply, arena->busy.table.bucket, vmi_table_bytes(&arena->busy.table));
    }
    put_window(supply->table_window, (size_t)1 << VMI_WINDOW_LOG2);
    if (arena->bins.bin != NULL) {
        put_unless_in_blob(supply, arena->bins.bin, arena->bins_bytes);
    }
    while (supply->garbage != NULL) {
        struct vmi_piece *piece = supply->garbage;
        supply->garbage = piece->next;
        supply->source.put(supply->source.arg, piece, piece->bytes);
    }
    blob = supply->blobs;
    supply->blobs = NULL;
    while (blob != NULL) {
        struct vmi_blob *next = blob->next;
        if (blob->is_ours) {
            supply->source.put(supply->source.arg, blob, blob->bytes);
        }
        blob = next;
    }
}

bool
vmi_index_build(struct vmem_arena *arena, struct vmi_index *index)
{
    int status = 0;

    for (unsigned tries = 0; tries < BUILD_TRIES && status == 0; tries++) {
        struct vmi_needs needs = { 0 };
        if (index->state == VMI_INDEX_READY) {
            return true;
        }
        vmi_index_drop(arena, index);
        needs.nodes = (uint32_t)vmi_index_load_ample(arena) + NODES_KEPT;
        status = vmi_supply_needs(arena, &needs);
        /* The lock may have been left: there are more holes, or a wish, or no memory but enough. */
        if (index->state != VMI_INDEX_READY &&
            arena->nodes.free_count >= vmi_index_load_least(arena)) {
            vmi_index_drop(arena, index);
            vmi_index_load(arena, index);
            return true;
        }
    }
    return index->state == VMI_INDEX_READY;
}
