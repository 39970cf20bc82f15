/*
 * busy.h - from the address of an allocation to its tag.           SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. What it is for
 *    A free by address must find its tag, and must notice when there is none: in O(1), at any size,
 *    and without ever stopping to rehash (the original moves a whole table under its lock: 0.3 s for
 *    a million tags).
 *
 * 2. How it works
 *    Open addressing with linear probing.  A slot is one word: 32 bits of the hash and the tag's index,
 *    eight slots to a cache line, so a lookup misses the cache once, and the tag that it then looks at
 *    is the one that is wanted.  An entry's home is the *top* bits of its hash: when the table
 *    doubles, home h becomes 2h or 2h + 1, the order of entries stays, and neither moving nor closing
 *    the gap behind a removed entry needs to look at a tag.
 *
 *    Growing is done in steps.  While there are two tables, the old one is emptied from an empty slot
 *    on, cluster by cluster; every entry whose home lies in the part already emptied is in the new one,
 *    every other in the old one.  So the hash alone tells which table to look at, and a lookup still
 *    misses once.
 *
 *      old  [ - - - - - | c d - e f g - h ]          homes left of | : look in the new table
 *      new  [ a - - b - - - - - - - - - - - - - ]
 *
 * 3. Invariants                                                        (checked by vmi_busy_check())
 *    H1  every entry is in the table that its home says, and found from its home without a gap.
 *    H2  count is the number of entries of both tables.
 *    H3  each table has an empty slot.
 *
 * 4. Costs
 *    insert, remove, find: O(1) expected, at most 13/16 full; one step: O(cluster).
 *
 * 5. Locking and failure
 *    No locks: the caller holds the arena lock.  insert needs room: see vmi_busy_wants().  remove and
 *    find cannot fail.
 *
 * 6. Where it comes from
 *    Linear probing with deletion by moving back: [KNUTH3 6.4, Algorithm R].  Incremental doubling in
 *    hash order: docs/DECISIONS/004-busy-index.md.
 */
#ifndef VMI_BUSY_H
#define VMI_BUSY_H

#include "structures/tag.h"

enum {
    VMI_BUSY_LOG2_MIN = 6,
    VMI_BUSY_LOG2_MAX = 31,
    VMI_BUSY_STEP = 8 /* slots of the old table to empty in one step */
};

struct vmi_table {
    uint64_t *slot; /* hash << 32 | tag index; 0 = empty */
    uint32_t mask;  /* slots - 1 */
    uint32_t shift; /* home = hash >> shift */
};

struct vmi_busy {
    struct vmi_table table; /* the only one, or the new one */
    struct vmi_table old;   /* slot NULL = none */
    uint32_t old_begin;     /* the empty slot at which emptying began */
    uint32_t old_done;      /* slots emptied since */
    uint32_t count;         /* entries in all */
    uint32_t count_max;     /* entries from which on the table should grow */
    unsigned quantum_log2;
};

/* Start with a zeroed table of `bytes` bytes, a power of two, at least 512. */
void vmi_busy_init(struct vmi_busy *busy, unsigned quantum_log2, uint64_t *memory, size_t bytes);

/*
 * What the index would like: the bytes of a table to grow or shrink to, 0 = nothing.  *is_urgent:
 * there is no room for another entry without it.
 */
size_t vmi_busy_wants(const struct vmi_busy *busy, bool may_shrink, bool *is_urgent);

/* Begin to move to a zeroed table.  Requires: vmi_busy_wants() asked for it, no move under way. */
void vmi_busy_resize(struct vmi_busy *busy, uint64_t *memory, size_t bytes);

/* Empty some more of the old table.  Returns it, and its bytes, once it is empty; else NULL. */
uint64_t *vmi_busy_step(struct vmi_busy *busy, uint32_t slots, size_t *bytes);

const char *vmi_busy_check(const struct vmi_busy *busy, const struct vmi_tags *tags);

static inline uint32_t
vmi_busy_hash(const struct vmi_busy *busy, vmem_addr_t start)
{
    return (uint32_t)((start >> busy->quantum_log2) * 0x9e3779b97f4a7c15u >> 32);
}

static inline bool
vmi_busy_is_moving(const struct vmi_busy *busy)
{
    return busy->old.slot != NULL;
}

/* The table in which entries of this hash are. */
static inline const struct vmi_table *
vmi_busy_table(const struct vmi_busy *busy, uint32_t hash)
{
    if (VMI_UNLIKELY(vmi_busy_is_moving(busy))) {
        const uint32_t home = hash >> busy->old.shift;
        if (((home - busy->old_begin) & busy->old.mask) >= busy->old_done) {
            return &busy->old;
        }
    }
    return &busy->table;
}

static inline void
vmi_table_insert(const struct vmi_table *table, uint64_t entry)
{
    uint32_t at = (uint32_t)(entry >> 32) >> table->shift;

    while (table->slot[at] != 0) {
        at = (at + 1) & table->mask;
    }
    table->slot[at] = entry;
}

/* Take the entry at `at` out and close the gap: no tombstones, no look at a tag. */
static inline void
vmi_table_remove(const struct vmi_table *table, uint32_t at)
{
    uint32_t next = at;

    for (;;) {
        next = (next + 1) & table->mask;
        const uint64_t entry = table->slot[next];
        if (entry == 0) {
            break;
        }
        const uint32_t home = (uint32_t)(entry >> 32) >> table->shift;
        if (((next - home) & table->mask) >= ((next - at) & table->mask)) {
            table->slot[at] = entry;
            at = next;
        }
    }
    table->slot[at] = 0;
}

/* Requires: room, as vmi_busy_wants() says. */
static inline void
vmi_busy_insert(struct vmi_busy *busy, vmem_addr_t start, uint32_t index)
{
    const uint32_t hash = vmi_busy_hash(busy, start);

    vmi_table_insert(vmi_busy_table(busy, hash), (uint64_t)hash << 32 | index);
    busy->count++;
}

/* Find the entry of an allocation that starts at `start`: its tag, 0 if there is none. */
static inline uint32_t
vmi_busy_find(const struct vmi_busy *busy, const struct vmi_tags *tags, vmem_addr_t start,
    const struct vmi_table **table, uint32_t *at)
{
    const uint32_t hash = vmi_busy_hash(busy, start);
    const struct vmi_table *t = vmi_busy_table(busy, hash);
    uint32_t i = hash >> t->shift;

    for (uint64_t entry = t->slot[i]; entry != 0; entry = t->slot[i]) {
        if ((uint32_t)(entry >> 32) == hash && vmi_tag_at(tags, (uint32_t)entry)->start == start) {
            *table = t;
            *at = i;
            return (uint32_t)entry;
        }
        i = (i + 1) & t->mask;
    }
    return 0;
}

/* Remove what vmi_busy_find() found. */
static inline void
vmi_busy_remove(struct vmi_busy *busy, const struct vmi_table *table, uint32_t at)
{
    vmi_table_remove(table, at);
    busy->count--;
}

#endif
