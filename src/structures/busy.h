/*
 * busy.h - from the address of an allocation to its tag.           SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. What it is for
 *    A free by address must find its tag, and must notice when there is none: in O(1), at any size,
 *    and without ever stopping to rehash (the original moves a whole table under its lock: 0.3 s for
 *    a million tags).
 *
 * 2. How it works
 *    A table of buckets, one cache line each: the hashes and the tags of eight allocations.  The *top*
 *    bits of a hash name its home bucket; if that is full, the entry goes to the next bucket that is
 *    not, and the home counts it as strayed.  So a lookup compares eight hashes at once in one line,
 *    looks at the one tag that it wants, and goes on to the next bucket only if the home has strays.
 *    A removal empties a slot, which then has hash 0, as no entry has: there are no tombstones and
 *    nothing is moved.
 *
 *    Growing is done in steps.  When the table doubles, home h becomes 2h or 2h + 1.  While there are
 *    two tables, the homes of the old one are emptied in ascending order; an entry whose home lies
 *    below the border is in the new table, every other in the old one.  So the hash alone tells where to
 *    look, and no step has to look at a tag.
 *
 *      old  [ ... | ... | ... || abc | de- | fgh ]      homes left of the border || : see the new table
 *      new  [ ... | ... | ... | ... | ... | ... | - | - | - | - | - | - ]
 *
 *    Where the old table is memory that reads as zero when it was given back, its buckets below the border
 *    can go at once, so that the two tables together never take more than the new one will.  Only its
 *    first buckets must stay: the strays of its last homes wrap to there.
 *
 *    The count of strays has no word of its own: it is kept, two bits each, above the 30-bit tag indices
 *    of the bucket's first four slots.  At 255, which takes addresses chosen to collide, it no longer
 *    counts: it then means "any number", until the table is next resized.
 *
 * 3. Invariants                                                        (checked by vmi_busy_check())
 *    H1  every entry is in the table that its home says, and found from its home.
 *    H2  count is the number of entries of both tables.
 *    H3  a bucket's count of strays, below 255, is the number of entries whose home it is and that are
 *        elsewhere.
 *
 * 4. Costs
 *    insert, remove, find: O(1) expected, at most 13/16 full (15/16 without memory); a step: one bucket.
 *
 * 5. Locking and failure
 *    No locks: the caller holds the arena lock.  insert needs room: see vmi_busy_wants().  remove and
 *    find cannot fail.
 *
 * 6. Where it comes from
 *    Hashing into buckets: [KNUTH3 6.4].  Incremental doubling in hash order, and the measurements:
 *    docs/DECISIONS/004-busy-index.md.
 */
#ifndef VMI_BUSY_H
#define VMI_BUSY_H

#include "structures/tag.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum {
    VMI_BUCKET_SLOTS = 8,
    VMI_STRAYS_MANY = 255,                             /* this many, or more: no longer counted */
    VMI_BUSY_LOG2_MIN = 3,                             /* buckets */
    VMI_BUSY_LOG2_MAX = sizeof(size_t) >= 8 ? 28 : 25, /* the bytes of a table are a size_t */
    VMI_BUSY_STEP = 2 /* buckets of the old table to empty in one step */
};

#define VMI_SLOT_TAG 0x3fffffffu /* in tag: the index; above it, a part of the count of strays */

struct vmi_bucket {
    uint32_t hash[VMI_BUCKET_SLOTS]; /* 0 = the slot is empty */
    uint32_t tag[VMI_BUCKET_SLOTS];  /* without a meaning in an empty slot, but for the strays */
};

_Static_assert(sizeof(struct vmi_bucket) == 64, "a bucket is one cache line");

struct vmi_table {
    struct vmi_bucket *bucket;
    uint32_t mask;  /* buckets - 1 */
    uint32_t shift; /* home = hash >> shift */
    uint32_t wrap;  /* buckets from the first on that may hold strays of the last homes */
};

/*@ predicate is_table(struct vmi_table *t) =
      32 - VMI_BUSY_LOG2_MAX <= t->shift <= 32 - VMI_BUSY_LOG2_MIN && is_table_size(t->shift, t->mask);
 */

struct vmi_busy {
    struct vmi_table table; /* the only one, or the new one */
    struct vmi_table old;   /* bucket NULL = none */
    uint32_t border;        /* homes of the old table below it are empty */
    uint32_t count;         /* entries in all */
    uint32_t count_max;     /* entries from which on the table should grow */
};

/* Where an entry is. */
struct vmi_slot {
    struct vmi_bucket *bucket;
    struct vmi_bucket *home;
    unsigned place;
};

/* Start with a zeroed table of `bytes` bytes, a power of two, at least 512. */
void vmi_busy_init(struct vmi_busy *busy, void *memory, size_t bytes);

/*
 * What the index would like: the bytes of a table to grow or shrink to, 0 = nothing.  *is_urgent:
 * there is no room for another entry without it.
 */
/*@ requires \valid_read(busy) && is_table(&busy->table) && \valid(is_urgent);
    requires \separated(is_urgent, busy);
    assigns *is_urgent;
    ensures moving: busy->old.bucket != \null ==> \result == 0 && !*is_urgent;
    ensures sizes: \let bytes = (busy->table.mask + 1) * sizeof(struct vmi_bucket);
        \result == 0 || \result == 2 * bytes || 2 * \result == bytes;
    ensures limits: \result != 0 ==> 1 << VMI_BUSY_LOG2_MIN <= \result / sizeof(struct vmi_bucket) <=
        1 << VMI_BUSY_LOG2_MAX;
    ensures grows: \result > (busy->table.mask + 1) * sizeof(struct vmi_bucket) ==>
        busy->count >= busy->count_max;
    ensures shrinks: 0 < \result < (busy->table.mask + 1) * sizeof(struct vmi_bucket) ==>
        may_shrink && busy->count < busy->table.mask + 1;
    ensures urgent: *is_urgent <==> busy->old.bucket == \null && busy->count >= busy->count_max &&
        busy->count * 16 >= (busy->table.mask + 1) * VMI_BUCKET_SLOTS * 15;
    ensures must: busy->old.bucket == \null && busy->count >= busy->count_max &&
        busy->table.mask + 1 < 1 << VMI_BUSY_LOG2_MAX ==>
        \result == 2 * (busy->table.mask + 1) * sizeof(struct vmi_bucket);
 */
size_t vmi_busy_wants(const struct vmi_busy *busy, bool may_shrink, bool *is_urgent);

/* Begin to move to a zeroed table.  Requires: vmi_busy_wants() asked for it, no move under way. */
void vmi_busy_resize(struct vmi_busy *busy, void *memory, size_t bytes);

/* Empty some more of the old table.  True if it is empty. */
bool vmi_busy_step(struct vmi_busy *busy, uint32_t buckets);

/*
 * The bytes of the old table that nobody will look at again, whatever is inserted: *bytes of them from
 * *first on.  Requires: a move is under way.
 */
/*@ requires \valid_read(busy) && is_table(&busy->old) && \valid(first) && \valid(bytes);
    requires \separated(first, bytes, busy);
    requires busy->old.wrap <= busy->old.mask + 1 && busy->border <= busy->old.mask + 1;
    assigns *first, *bytes;
    ensures what: *first == (busy->border > busy->old.mask ? 0 : busy->old.wrap * sizeof(struct vmi_bucket)) &&
        *bytes == (busy->border > busy->old.wrap ? busy->border * sizeof(struct vmi_bucket) - *first : 0);
    ensures inside: *first + *bytes <= (busy->old.mask + 1) * sizeof(struct vmi_bucket);
    ensures behind: *bytes != 0 ==> *first + *bytes == busy->border * sizeof(struct vmi_bucket);
    ensures stays: busy->border <= busy->old.mask ==> *first == busy->old.wrap * sizeof(struct vmi_bucket);
 */
void vmi_busy_idle(const struct vmi_busy *busy, size_t *first, size_t *bytes);

/* End the move.  Returns the old table, and its bytes.  Requires: it is empty. */
void *vmi_busy_end(struct vmi_busy *busy, size_t *bytes);

const char *vmi_busy_check(const struct vmi_busy *busy, const struct vmi_tags *tags);

/* Insert an entry whose home is full. */
void vmi_busy_insert_stray(struct vmi_table *table, uint32_t home, uint32_t hash, uint32_t index);

/*
 * Multiplicative hashing: never 0.  Low bits that all addresses have in common, because of a large
 * quantum, leave as many at the top as there can be addresses.
 */
/*@ assigns \nothing;
    ensures \result != 0;
 */
static inline uint32_t
vmi_busy_hash(vmem_addr_t start)
{
    return (uint32_t)(start * 0x9e3779b97f4a7c15u >> 32) | 1;
}

/*@ requires \valid_read(busy);
    assigns \nothing;
    ensures \result <==> busy->old.bucket != \null;
 */
static inline bool
vmi_busy_is_moving(const struct vmi_busy *busy)
{
    return busy->old.bucket != NULL;
}

/*@ requires \valid_read(table) && is_table(table);
    assigns \nothing;
    ensures \result == (table->mask + 1) * sizeof(struct vmi_bucket);
 */
static inline size_t
vmi_table_bytes(const struct vmi_table *table)
{
    return ((size_t)table->mask + 1) * sizeof(struct vmi_bucket);
}

/* The number of the bucket where entries of this hash belong. */
/*@ requires \valid_read(table) && is_table(table);
    assigns \nothing;
    ensures \result <= table->mask;
 */
static inline uint32_t
vmi_table_home(const struct vmi_table *table, uint32_t hash)
{
    return hash >> table->shift;
}

/* Are entries of this hash in the old table? */
static inline bool
vmi_busy_is_old(const struct vmi_busy *busy, uint32_t hash)
{
    return VMI_UNLIKELY(vmi_busy_is_moving(busy)) &&
        vmi_table_home(&busy->old, hash) >= busy->border;
}

/* The table in which entries of this hash are. */
static inline const struct vmi_table *
vmi_busy_table(const struct vmi_busy *busy, uint32_t hash)
{
    return vmi_busy_is_old(busy, hash) ? &busy->old : &busy->table;
}

/* Bit i: the hash of slot i is this one. */
static inline unsigned
vmi_bucket_match(const struct vmi_bucket *bucket, uint32_t hash)
{
#if defined(__SSE2__)
    const __m128i wanted = _mm_set1_epi32((int)hash);
    const __m128i low = _mm_load_si128((const __m128i *)(const void *)bucket->hash);
    const __m128i high = _mm_load_si128((const __m128i *)(const void *)(bucket->hash + 4));
    const __m128i words =
        _mm_packs_epi32(_mm_cmpeq_epi32(low, wanted), _mm_cmpeq_epi32(high, wanted));
    return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(words, _mm_setzero_si128()));
#else
    unsigned bits = 0;

    for (unsigned i = 0; i < VMI_BUCKET_SLOTS; i++) {
        bits |= (unsigned)(bucket->hash[i] == hash) << i;
    }
    return bits;
#endif
}

static inline void
vmi_bucket_put(struct vmi_bucket *bucket, unsigned place, uint32_t hash, uint32_t index)
{
    bucket->hash[place] = hash;
    bucket->tag[place] = (bucket->tag[place] & ~VMI_SLOT_TAG) | index;
}

static inline void
vmi_table_insert(struct vmi_table *table, uint32_t hash, uint32_t index)
{
    const uint32_t home = vmi_table_home(table, hash);
    struct vmi_bucket *bucket = &table->bucket[home];
    const unsigned empty = vmi_bucket_match(bucket, 0);

    if (VMI_LIKELY(empty != 0)) {
        vmi_bucket_put(bucket, vmi_lowest_bit(empty), hash, index);
    } else {
        vmi_busy_insert_stray(table, home, hash, index);
    }
}

/* Requires: room, as vmi_busy_wants() says. */
static inline void
vmi_busy_insert(struct vmi_busy *busy, vmem_addr_t start, uint32_t index)
{
    const uint32_t hash = vmi_busy_hash(start);

    vmi_table_insert(vmi_busy_is_old(busy, hash) ? &busy->old : &busy->table, hash, index);
    busy->count++;
}

/* Have the place of an entry brought in, in time for its insertion. */
static inline void
vmi_busy_prefetch(const struct vmi_busy *busy, vmem_addr_t start)
{
    const uint32_t hash = vmi_busy_hash(start);
    const struct vmi_table *table = vmi_busy_table(busy, hash);

    vmi_prefetch(&table->bucket[vmi_table_home(table, hash)], sizeof(struct vmi_bucket));
}

/* Find the entry of an allocation that starts at `start` in its home: its tag and *slot; else 0. */
static inline uint32_t
vmi_busy_find_home(const struct vmi_busy *busy, const struct vmi_tags *tags, vmem_addr_t start,
    struct vmi_slot *slot)
{
    const uint32_t hash = vmi_busy_hash(start);
    const struct vmi_table *table = vmi_busy_table(busy, hash);
    struct vmi_bucket *bucket = &table->bucket[vmi_table_home(table, hash)];
    unsigned matches = vmi_bucket_match(bucket, hash);

    for (; VMI_LIKELY(matches != 0); matches &= matches - 1) {
        const unsigned place = vmi_lowest_bit(matches);
        const uint32_t index = bucket->tag[place] & VMI_SLOT_TAG;
        if (VMI_LIKELY(vmi_tag_at(tags, index)->start == start)) {
            *slot = (struct vmi_slot){ .bucket = bucket, .home = bucket, .place = place };
            return index;
        }
    }
    return 0;
}

/* Find it wherever it is; 0 if there is none. */
uint32_t vmi_busy_find(const struct vmi_busy *busy, const struct vmi_tags *tags, vmem_addr_t start,
    struct vmi_slot *slot);

/* Remove what vmi_busy_find_home() found. */
static inline void
vmi_busy_remove_home(struct vmi_busy *busy, const struct vmi_slot *slot)
{
    slot->bucket->hash[slot->place] = 0;
    busy->count--;
}

/* Remove what vmi_busy_find() found. */
void vmi_busy_remove(struct vmi_busy *busy, const struct vmi_slot *slot);

#endif
