/*
 * slab - small objects by 32-bit index; the essay is in slab.h.    SPDX-License-Identifier: BSD-2-Clause
 */
#include "structures/slab.h"

void
vmi_slab_init(struct vmi_slab *slab, unsigned object_log2)
{
    *slab = (struct vmi_slab){ 0 };
    slab->object_log2 = object_log2;
    slab->dir = slab->dir_inline;
    slab->dir_capacity = VMI_SLAB_DIR_INLINE;
}

static unsigned
slots_log2(const struct vmi_slab *slab)
{
    return VMI_CHUNK_LOG2 - slab->object_log2;
}

static void
list_chunk(struct vmi_slab *slab, struct vmi_chunk *chunk)
{
    VMI_ASSERT(!chunk->is_listed);
    chunk->prev = NULL;
    chunk->next = slab->usable;
    if (slab->usable != NULL) {
        slab->usable->prev = chunk;
    }
    slab->usable = chunk;
    chunk->is_listed = true;
}

static void
unlist_chunk(struct vmi_slab *slab, struct vmi_chunk *chunk)
{
    VMI_ASSERT(chunk->is_listed);
    if (chunk->prev != NULL) {
        chunk->prev->next = chunk->next;
    } else {
        slab->usable = chunk->next;
    }
    if (chunk->next != NULL) {
        chunk->next->prev = chunk->prev;
    }
    chunk->is_listed = false;
}

static void
note_surplus(struct vmi_slab *slab)
{
    slab->has_surplus = slab->leaving != NULL ||
        (slab->empty != NULL &&
            slab->free_count >= 2 * (slab->empty->slot_count - slab->empty->slot_first));
}

uint32_t
vmi_slab_take(struct vmi_slab *slab)
{
    struct vmi_chunk *chunk = slab->usable;
    uint32_t index;

    VMI_ASSERT(slab->free_count > 0);
    if (chunk == NULL) {
        chunk = slab->empty;
        slab->empty = chunk->next;
        list_chunk(slab, chunk);
    }
    if (chunk->free_head != 0) {
        index = chunk->free_head;
        chunk->free_head = *(const uint32_t *)vmi_slab_at(slab, index, slab->object_log2);
        if (chunk->free_head != 0) {
            /* The next one to be taken has to be read before it is known who follows. */
            vmi_prefetch(vmi_slab_at(slab, chunk->free_head, slab->object_log2), 1);
        }
    } else {
        index = (chunk->number << slots_log2(slab)) + chunk->fresh++;
    }
    chunk->used_count++;
    slab->free_count--;
    if (chunk->free_head == 0 && chunk->fresh == chunk->slot_count) {
        unlist_chunk(slab, chunk);
    }
    note_surplus(slab);
    return index;
}

void
vmi_slab_give(struct vmi_slab *slab, uint32_t index)
{
    struct vmi_chunk *chunk = vmi_slab_chunk(slab, index >> slots_log2(slab));

    VMI_ASSERT(vmi_slab_is_valid(slab, index, slab->object_log2));
    *(uint32_t *)vmi_slab_at(slab, index, slab->object_log2) = chunk->free_head;
    chunk->free_head = index;
    chunk->used_count--;
    slab->free_count++;
    if (chunk->used_count == 0) {
        if (chunk->is_listed) {
            unlist_chunk(slab, chunk);
        }
        chunk->next = slab->empty;
        slab->empty = chunk;
    } else if (!chunk->is_listed) {
        list_chunk(slab, chunk);
    }
    note_surplus(slab);
}

size_t
vmi_slab_chunk_bytes(const struct vmi_slab *slab)
{
    const unsigned log2 = VMI_CHUNK_FIRST_LOG2 + slab->chunk_count;

    return (size_t)1 << (log2 < VMI_CHUNK_LOG2 ? log2 : VMI_CHUNK_LOG2);
}

/* A free directory entry: the one that became free last, or dir_count. */
static uint32_t
free_entry(const struct vmi_slab *slab)
{
    return slab->dir_free != 0 ? slab->dir_free - 1 : slab->dir_count;
}

static uintptr_t *
dir_in_window(const struct vmi_slab *slab)
{
    return (uintptr_t *)((uintptr_t)slab->window_memory + ((uintptr_t)1 << VMI_WINDOW_LOG2));
}

bool
vmi_slab_dir_is_full(struct vmi_slab *slab, size_t *bytes)
{
    if (slab->dir_free != 0 || slab->dir_count < slab->dir_capacity) {
        return false;
    }
    if (slab->window != 0 && slab->dir == slab->dir_inline) {
        (void)vmi_slab_dir_replace(
            slab, dir_in_window(slab), VMI_WINDOW_PARTS * sizeof slab->dir[0], bytes);
        return false;
    }
    *bytes = (size_t)slab->dir_capacity * 2 * sizeof slab->dir[0];
    return true;
}

/* Was the directory obtained for itself? */
static bool
is_dir_foreign(const struct vmi_slab *slab, const uintptr_t *dir)
{
    return dir != slab->dir_inline && (slab->window_memory == NULL || dir != dir_in_window(slab));
}

void *
vmi_slab_dir_replace(struct vmi_slab *slab, void *memory, size_t bytes, size_t *old_bytes)
{
    uintptr_t *old = slab->dir;
    uintptr_t *dir = memory;

    for (uint32_t i = 0; i < slab->dir_count; i++) {
        dir[i] = old[i];
    }
    *old_bytes = (size_t)slab->dir_capacity * sizeof old[0];
    slab->dir = dir;
    slab->dir_capacity = (uint32_t)(bytes / sizeof dir[0]);
    return is_dir_foreign(slab, old) ? old : NULL;
}

void
vmi_slab_set_window(struct vmi_slab *slab, void *window)
{
    VMI_ASSERT(slab->chunk_count == 0);
    slab->window_memory = window;
    slab->window = window;
}

void *
vmi_slab_window_part(struct vmi_slab *slab)
{
    const size_t offset = (size_t)free_entry(slab) << VMI_CHUNK_LOG2;

    if (slab->window == NULL) {
        return NULL;
    }
    if (offset >= (size_t)1 << VMI_WINDOW_LOG2) {
        slab->window = NULL;
        return NULL;
    }
    return slab->window + offset;
}

bool
vmi_slab_is_in_window(const struct vmi_slab *slab, const void *memory)
{
    const uintptr_t start = (uintptr_t)slab->window_memory;

    return start != 0 && (uintptr_t)memory - start < (uintptr_t)1 << VMI_WINDOW_LOG2;
}

void
vmi_slab_add_chunk(struct vmi_slab *slab, void *memory, size_t bytes)
{
    const uint32_t number = free_entry(slab);
    struct vmi_chunk *chunk = memory;
    const size_t slots = bytes >> slab->object_log2;
    const size_t header = ((size_t)1 << slab->object_log2) - 1 + VMI_CHUNK_HEADER_BYTES;

    VMI_ASSERT(number < slab->dir_capacity && bytes <= (size_t)1 << VMI_CHUNK_LOG2);
    *chunk = (struct vmi_chunk){ 0 };
    chunk->number = number;
    chunk->slot_first = (uint32_t)(header >> slab->object_log2);
    chunk->slot_count = (uint32_t)slots;
    chunk->fresh = chunk->slot_first;
    chunk->bytes = bytes;
    if (slab->dir_free != 0) {
        slab->dir_free = (uint32_t)(slab->dir[number] >> 1);
    } else {
        slab->dir_count++;
    }
    slab->dir[number] = (uintptr_t)memory - ((uintptr_t)number << VMI_CHUNK_LOG2) + 1;
    slab->chunk_count++;
    slab->free_count += chunk->slot_count - chunk->slot_first;
    list_chunk(slab, chunk);
}

bool
vmi_slab_begin_to_detach(struct vmi_slab *slab)
{
    struct vmi_chunk *chunk = slab->empty;

    VMI_ASSERT(slab->leaving == NULL);
    if (!slab->has_surplus) {
        return false;
    }
    slab->empty = chunk->next;
    slab->free_count -= chunk->slot_count - chunk->slot_first;
    slab->chunk_count--;
    slab->dir[chunk->number] = 0;
    slab->leaving = chunk;
    return true;
}

void *
vmi_slab_detach_part(struct vmi_slab *slab, size_t part_bytes, size_t *bytes)
{
    struct vmi_chunk *chunk = slab->leaving;

    if (chunk->bytes > part_bytes && vmi_slab_is_in_window(slab, chunk)) {
        chunk->bytes -= part_bytes;
        *bytes = part_bytes;
        return (char *)chunk + chunk->bytes;
    }
    slab->leaving = NULL;
    slab->dir[chunk->number] = (uintptr_t)slab->dir_free << 1;
    slab->dir_free = chunk->number + 1;
    note_surplus(slab);
    *bytes = chunk->bytes;
    return chunk;
}

void
vmi_slab_release(
    struct vmi_slab *slab, void (*put)(void *arg, void *memory, size_t bytes), void *arg)
{
    for (uint32_t number = 0; number < slab->dir_count; number++) {
        struct vmi_chunk *chunk = vmi_slab_chunk(slab, number);
        if (chunk != NULL && !vmi_slab_is_in_window(slab, chunk)) {
            put(arg, chunk, chunk->bytes);
        }
    }
    if (slab->leaving != NULL && !vmi_slab_is_in_window(slab, slab->leaving)) {
        put(arg, slab->leaving, slab->leaving->bytes);
    }
    if (is_dir_foreign(slab, slab->dir)) {
        put(arg, slab->dir, (size_t)slab->dir_capacity * sizeof slab->dir[0]);
    }
    vmi_slab_init(slab, slab->object_log2);
}

uint32_t
vmi_slab_used(const struct vmi_slab *slab, uint32_t number)
{
    const struct vmi_chunk *chunk = vmi_slab_chunk(slab, number);

    return chunk != NULL ? chunk->used_count : 0;
}

/* SL2: each chunk that should be in a list is, and no other. */
static bool
are_lists_right(const struct vmi_slab *slab, uint32_t listed, uint32_t empty)
{
    uint32_t met = 0;

    for (const struct vmi_chunk *chunk = slab->usable; chunk != NULL && met <= listed; met++) {
        chunk = chunk->next;
    }
    if (met != listed) {
        return false;
    }
    met = 0;
    for (const struct vmi_chunk *chunk = slab->empty; chunk != NULL && met <= empty; met++) {
        chunk = chunk->next;
    }
    return met == empty;
}

/* SL4: the entries without a chunk are those in the list of free ones, and that of a leaving chunk. */
static bool
is_dir_right(const struct vmi_slab *slab, uint32_t vacant)
{
    uint32_t met = slab->leaving != NULL ? 1 : 0;

    for (uint32_t next = slab->dir_free; next != 0 && met <= vacant; met++) {
        if (next > slab->dir_count || vmi_slab_chunk(slab, next - 1) != NULL) {
            return false;
        }
        next = (uint32_t)(slab->dir[next - 1] >> 1);
    }
    return met == vacant;
}

const char *
vmi_slab_check(const struct vmi_slab *slab)
{
    uint32_t vacant = 0;
    uint64_t free_slots = 0;
    uint32_t listed_chunks = 0;
    uint32_t empty_chunks = 0;

    for (uint32_t number = 0; number < slab->dir_count; number++) {
        const struct vmi_chunk *chunk = vmi_slab_chunk(slab, number);
        uint32_t listed = 0;
        if (chunk == NULL) {
            vacant++;
            continue;
        }
        for (uint32_t i = chunk->free_head; i != 0 && listed <= chunk->slot_count; listed++) {
            i = *(const uint32_t *)vmi_slab_at(slab, i, slab->object_log2);
        }
        const uint32_t unused = listed + (chunk->slot_count - chunk->fresh);
        if (chunk->used_count + unused != chunk->slot_count - chunk->slot_first) {
            return "SL3: used, free and untouched slots make up a chunk";
        }
        if (chunk->is_listed ? unused == 0 : unused != 0 && chunk->used_count != 0) {
            return "SL2: a chunk with a free slot is listed as usable, or as empty";
        }
        listed_chunks += chunk->is_listed ? 1 : 0;
        empty_chunks += !chunk->is_listed && unused != 0 ? 1 : 0;
        free_slots += unused;
    }
    if (!are_lists_right(slab, listed_chunks, empty_chunks)) {
        return "SL2: a chunk with a free slot is listed as usable, or as empty";
    }
    if (!is_dir_right(slab, vacant)) {
        return "SL4: a directory entry is a chunk's, or listed as free";
    }
    return free_slots == slab->free_count ? NULL : "SL1: free_count is the sum over the chunks";
}
