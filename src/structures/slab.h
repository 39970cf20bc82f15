/*
 * slab.h - small objects by 32-bit index.                          SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. What it is for
 *    Tags and index nodes are named by 32-bit indices, not pointers: half the size, and the metadata
 *    stays meaningful when it is moved.  A slab hands out indices and turns them into addresses.
 *
 * 2. How it works
 *    Memory comes in chunks of up to 2^VMI_CHUNK_LOG2 bytes.  Chunk c serves the indices that begin
 *    with c; the directory keeps, for each chunk, its address minus the bytes of the indices before
 *    it (plus 1, so that no entry is 0), and object i lies at dir[chunk of i] + i * object size - 1:
 *    one load from a small, hot table.
 *    Where the port has a window (address space that fills with memory where it is touched), chunk c lies
 *    at its c-th part, and object i at window + i * object size: no load at all, which is worth a sixth
 *    of a small arena's time.  The directory is kept nevertheless, for the day when the window is full.
 *    Behind the chunks the window has room for a directory, so that this one never grows by copying.
 *    The first 64 bytes of a chunk are its header, so its first slots are never handed out, and index
 *    0 is never valid.  Slots are taken from the chunk's free list, then from its untouched end.
 *    Entries of the directory whose chunks are gone are linked through the directory.  A chunk of a window
 *    goes in parts, from its upper end, and keeps its entry until the last part, the header's, is gone.
 *
 *      dir  [ c0 | c1 | -  | c3 ]        chunk c1: [header|slot|slot|slot| untouched ... ]
 *
 * 3. Invariants                                                        (checked by vmi_slab_check())
 *    SL1  free_count is the sum of the free slots of all chunks.
 *    SL2  a chunk with a free slot is in the list of usable chunks, or wholly free and in the list of
 *         empty ones; no other chunk is in a list.
 *    SL3  a chunk's used slots, free list and untouched slots make up all its slots.
 *    SL4  an entry of the directory is a chunk's, or in the list of free ones, or that of the chunk that is
 *         leaving.
 *
 * 4. Costs
 *    at, take, give, add, detach: O(1); a directory that is not in a window is copied when it doubles.
 *
 * 5. Locking and failure
 *    No locks: the caller holds the arena lock.  take fails when free_count is 0; memory is obtained
 *    by the caller beforehand and handed in.
 */
#ifndef VMI_SLAB_H
#define VMI_SLAB_H

#include "base/bits.h"

/* A port, or who compiles it, may say otherwise: where addresses are scarce. */
#ifndef VMI_PORT_WINDOW_LOG2
#define VMI_PORT_WINDOW_LOG2 (sizeof(void *) >= 8 ? 30 : 24)
#endif

enum {
    VMI_CHUNK_LOG2 = 16,                    /* log2 of the bytes of the largest chunk */
    VMI_CHUNK_FIRST_LOG2 = 12,              /* of the first chunk; each further one doubles */
    VMI_WINDOW_LOG2 = VMI_PORT_WINDOW_LOG2, /* log2 of the bytes of a window */
    VMI_SLAB_DIR_INLINE = 8, /* directory entries before a directory must be obtained */
    VMI_WINDOW_PARTS = 1 << (VMI_WINDOW_LOG2 - VMI_CHUNK_LOG2),
    VMI_CHUNK_HEADER_BYTES = 64
};

_Static_assert(
    VMI_WINDOW_LOG2 >= 20 && VMI_WINDOW_LOG2 <= 30, "room for a few chunks, and 32-bit indexes");

/* Address space for a slab: its chunks, then its directory. */
#define VMI_SLAB_WINDOW_BYTES \
    (((size_t)1 << VMI_WINDOW_LOG2) + VMI_WINDOW_PARTS * sizeof(uintptr_t))

struct vmi_chunk {
    uint32_t number;     /* which directory entry */
    uint32_t slot_first; /* first slot behind the header */
    uint32_t slot_count; /* slots in all, those under the header included */
    uint32_t used_count; /* handed out */
    uint32_t
        free_head;  /* index of the first free slot, linked through their first word; 0 = none */
    uint32_t fresh; /* first slot never handed out */
    struct vmi_chunk *prev; /* in the list that the chunk is in */
    struct vmi_chunk *next;
    size_t bytes;
    bool is_listed;
};

struct vmi_slab {
    uintptr_t *dir; /* biased chunk addresses + 1; even: no such chunk, 2 * (next free one + 1) */
    uint32_t dir_count; /* entries that were ever in use */
    uint32_t dir_free;  /* the first free one of these, + 1; 0 = none */
    uint32_t dir_capacity;
    uint32_t free_count; /* slots free in all chunks */
    uint32_t chunk_count;
    uint32_t object_log2; /* log2 of an object's bytes */
    char *window;         /* where object 0 would be; NULL = use the directory */
    void *window_memory;  /* NULL = the slab never had one */
    bool has_surplus;     /* an empty chunk, and another one's worth of slots: one can go, or is */
    struct vmi_chunk *usable;  /* chunks with free slots */
    struct vmi_chunk *empty;   /* chunks that became wholly free; used when nothing else is left */
    struct vmi_chunk *leaving; /* of its bytes the first `bytes` are still to be detached */
    uintptr_t dir_inline[VMI_SLAB_DIR_INLINE];
};

_Static_assert(sizeof(struct vmi_chunk) <= VMI_CHUNK_HEADER_BYTES, "the header has a fixed place");

void vmi_slab_init(struct vmi_slab *slab, unsigned object_log2);

/* The object with this index.  object_log2 is passed as a constant so that the shifts are. */
static inline void *
vmi_slab_at(const struct vmi_slab *slab, uint32_t index, unsigned object_log2)
{
#if VMI_PORT_HAS_WINDOW
    if (VMI_LIKELY(slab->window != NULL)) {
        return slab->window + ((size_t)index << object_log2);
    }
#endif
    const uintptr_t biased = slab->dir[index >> (VMI_CHUNK_LOG2 - object_log2)];

    return (void *)(biased + ((uintptr_t)index << object_log2) - 1);
}

/* The chunk behind a directory entry; NULL = no such chunk. */
static inline struct vmi_chunk *
vmi_slab_chunk(const struct vmi_slab *slab, uint32_t number)
{
    const uintptr_t biased = slab->dir[number];

    return (biased & 1) == 0
        ? NULL
        : (struct vmi_chunk *)(biased + ((uintptr_t)number << VMI_CHUNK_LOG2) - 1);
}

/* True if the index could have been handed out: the chunk and the slot exist. */
static inline bool
vmi_slab_is_valid(const struct vmi_slab *slab, uint32_t index, unsigned object_log2)
{
    const unsigned slots_log2 = VMI_CHUNK_LOG2 - object_log2;
    const uint32_t number = index >> slots_log2;
    const uint32_t slot = index & ((1u << slots_log2) - 1);
    const struct vmi_chunk *chunk = number < slab->dir_count ? vmi_slab_chunk(slab, number) : NULL;

    return chunk != NULL && slot - chunk->slot_first < chunk->fresh - chunk->slot_first;
}

/* Take a slot.  Requires: free_count > 0.  Its bytes are what they were, or zero if never used. */
uint32_t vmi_slab_take(struct vmi_slab *slab);

/* Give a slot back.  Overwrites its first word. */
void vmi_slab_give(struct vmi_slab *slab, uint32_t index);

/* The last slot was taken: touch the directory where the next chunk's entry will be. */
static inline void
vmi_slab_expect_chunk(struct vmi_slab *slab)
{
    if (slab->dir_free == 0 && slab->dir_count < slab->dir_capacity) {
        slab->dir[slab->dir_count] = 0;
    }
}

/*
 * Where in the window the next chunk belongs; NULL: there is no window, or it is full and from now on
 * not used.
 */
void *vmi_slab_window_part(struct vmi_slab *slab);

/* True if memory is a part of the slab's window. */
bool vmi_slab_is_in_window(const struct vmi_slab *slab, const void *memory);

/* Give the slab a window of VMI_SLAB_WINDOW_BYTES.  Requires: it has no chunk yet. */
void vmi_slab_set_window(struct vmi_slab *slab, void *window);

/* The bytes that the next chunk should have. */
size_t vmi_slab_chunk_bytes(const struct vmi_slab *slab);

/*
 * True if the directory must grow before a chunk can be added; then to *bytes.  It moves into the window,
 * if there is one, here and at once.
 */
bool vmi_slab_dir_is_full(struct vmi_slab *slab, size_t *bytes);

/*
 * Replace the directory by zeroed memory of `bytes` bytes.  Returns the old one; NULL if it is part of
 * the slab or of its window.
 */
void *vmi_slab_dir_replace(struct vmi_slab *slab, void *memory, size_t bytes, size_t *old_bytes);

/*
 * Add a chunk of zeroed memory.  Requires: a directory entry is free; in use of a window, the memory is
 * vmi_slab_window_part().
 */
void vmi_slab_add_chunk(struct vmi_slab *slab, void *memory, size_t bytes);

/* Make an empty chunk one that is leaving.  Requires: none is yet.  False: there is no surplus. */
bool vmi_slab_begin_to_detach(struct vmi_slab *slab);

/*
 * Detach the leaving chunk; its memory's content is arbitrary.  In a window: at most `part_bytes` of it, a
 * multiple of what the port drops; the rest is for later calls.  Requires: slab->leaving.
 */
void *vmi_slab_detach_part(struct vmi_slab *slab, size_t part_bytes, size_t *bytes);

/* Call for every chunk, then forget them all: the end of the arena. */
void vmi_slab_release(
    struct vmi_slab *slab, void (*put)(void *arg, void *memory, size_t bytes), void *arg);

/* Slots of a chunk, named by its directory entry, that are handed out. */
uint32_t vmi_slab_used(const struct vmi_slab *slab, uint32_t number);

/* NULL, or the sentence of the invariant that does not hold. */
const char *vmi_slab_check(const struct vmi_slab *slab);

#endif
