/*
 * busy - from the address of an allocation to its tag; the essay is in busy.h.
 *                                                                  SPDX-License-Identifier: BSD-2-Clause
 */
#include "structures/busy.h"

enum {
    COUNT_SLOTS = 4, /* slots whose tags carry two bits each of the count of strays */
    COUNT_SHIFT = 30,
    CHECK_AHEAD = 4 /* buckets whose tags are on their way while one is checked */
};

/*@ requires \valid_read(table);
    assigns \nothing;
    ensures \result == (table->mask + 1) * VMI_BUCKET_SLOTS;
 */
static uint64_t
slots_of(const struct vmi_table *table)
{
    return ((uint64_t)table->mask + 1) * VMI_BUCKET_SLOTS;
}

/*@ requires is_pow2(buckets);
    requires 1 << VMI_BUSY_LOG2_MIN <= buckets <= 1 << VMI_BUSY_LOG2_MAX;
    assigns \nothing;
    ensures is_table_size(\result, buckets - 1) &&
        32 - VMI_BUSY_LOG2_MAX <= \result <= 32 - VMI_BUSY_LOG2_MIN;
 */
static uint32_t
shift_of(uint32_t buckets)
{
    return 32 - vmi_log2(buckets);
}

static struct vmi_table
table_of(void *memory, size_t bytes)
{
    const uint32_t buckets = (uint32_t)(bytes / sizeof(struct vmi_bucket));

    VMI_ASSERT(vmi_is_pow2(buckets) && buckets >= 1u << VMI_BUSY_LOG2_MIN);
    return (struct vmi_table){ .bucket = memory, .mask = buckets - 1, .shift = shift_of(buckets) };
}

/*@ requires \valid_read(table) && is_table(table);
    assigns \nothing;
    ensures \result == (table->mask + 1) * VMI_BUCKET_SLOTS / 16 * 13;
    ensures \result < (table->mask + 1) * VMI_BUCKET_SLOTS;
 */
static uint32_t
limit_of(const struct vmi_table *table)
{
    return (uint32_t)(slots_of(table) / 16 * 13);
}

void
vmi_busy_init(struct vmi_busy *busy, void *memory, size_t bytes)
{
    *busy = (struct vmi_busy){ 0 };
    busy->table = table_of(memory, bytes);
    busy->count_max = limit_of(&busy->table);
}

size_t
vmi_busy_wants(const struct vmi_busy *busy, bool may_shrink, bool *is_urgent)
{
    const uint64_t slots = slots_of(&busy->table);
    const size_t bytes = vmi_table_bytes(&busy->table);
    const unsigned log2 = vmi_log2((uint64_t)busy->table.mask + 1);

    *is_urgent = false;
    if (vmi_busy_is_moving(busy)) {
        return 0;
    }
    if (busy->count >= busy->count_max) {
        *is_urgent = busy->count >= slots - slots / 16;
        return log2 < VMI_BUSY_LOG2_MAX ? bytes * 2 : 0;
    }
    if (may_shrink && log2 > VMI_BUSY_LOG2_MIN && busy->count < slots / 8) {
        return bytes / 2;
    }
    return 0;
}

void
vmi_busy_resize(struct vmi_busy *busy, void *memory, size_t bytes)
{
    VMI_ASSERT(!vmi_busy_is_moving(busy));
    busy->old = busy->table;
    busy->table = table_of(memory, bytes);
    busy->count_max = limit_of(&busy->table);
    busy->border = 0;
}

static unsigned
strays_of(const struct vmi_bucket *bucket)
{
    unsigned count = 0;

    for (unsigned i = 0; i < COUNT_SLOTS; i++) {
        count |= (unsigned)(bucket->tag[i] >> COUNT_SHIFT) << 2 * i;
    }
    return count;
}

static void
set_strays(struct vmi_bucket *bucket, unsigned count)
{
    VMI_ASSERT(count <= VMI_STRAYS_MANY);
    for (unsigned i = 0; i < COUNT_SLOTS; i++) {
        bucket->tag[i] =
            (bucket->tag[i] & VMI_SLOT_TAG) | (uint32_t)(count >> 2 * i & 3) << COUNT_SHIFT;
    }
}

VMI_NOINLINE void
vmi_busy_insert_stray(struct vmi_table *table, uint32_t home, uint32_t hash, uint32_t index)
{
    struct vmi_bucket *home_bucket = &table->bucket[home];
    const uint32_t first = home;
    unsigned empty = 0;

    if (strays_of(home_bucket) != VMI_STRAYS_MANY) {
        set_strays(home_bucket, strays_of(home_bucket) + 1);
    }
    while (empty == 0) {
        home = (home + 1) & table->mask;
        empty = vmi_bucket_match(&table->bucket[home], 0);
    }
    vmi_bucket_put(&table->bucket[home], vmi_lowest_bit(empty), hash, index);
    if (home < first && home >= table->wrap) {
        table->wrap = home + 1;
    }
}

/* Is there anything more to look for, after `seen` strays, in the bucket `distance` beyond the home? */
static bool
has_more(const struct vmi_table *table, unsigned strays, unsigned seen, uint32_t distance)
{
    return distance <= table->mask && (strays == VMI_STRAYS_MANY || seen < strays);
}

/* Find an entry that is not in its home. */
static uint32_t
find_stray(const struct vmi_table *table, const struct vmi_tags *tags, uint32_t hash,
    vmem_addr_t start, struct vmi_slot *slot)
{
    const uint32_t home = vmi_table_home(table, hash);
    struct vmi_bucket *home_bucket = &table->bucket[home];
    const unsigned strays = strays_of(home_bucket);
    unsigned seen = 0;

    for (uint32_t distance = 1; has_more(table, strays, seen, distance); distance++) {
        struct vmi_bucket *bucket = &table->bucket[(home + distance) & table->mask];
        for (unsigned place = 0; place < VMI_BUCKET_SLOTS; place++) {
            const uint32_t index = bucket->tag[place] & VMI_SLOT_TAG;
            if (bucket->hash[place] == 0 || vmi_table_home(table, bucket->hash[place]) != home) {
                continue;
            }
            if (bucket->hash[place] == hash && vmi_tag_at(tags, index)->start == start) {
                *slot = (struct vmi_slot){ .bucket = bucket, .home = home_bucket, .place = place };
                return index;
            }
            seen++;
        }
    }
    return 0;
}

uint32_t
vmi_busy_find(const struct vmi_busy *busy, const struct vmi_tags *tags, vmem_addr_t start,
    struct vmi_slot *slot)
{
    const uint32_t hash = vmi_busy_hash(start);
    const uint32_t index = vmi_busy_find_home(busy, tags, start, slot);

    return index != 0 ? index : find_stray(vmi_busy_table(busy, hash), tags, hash, start, slot);
}

void
vmi_busy_remove(struct vmi_busy *busy, const struct vmi_slot *slot)
{
    vmi_busy_remove_home(busy, slot);
    if (slot->bucket != slot->home && strays_of(slot->home) != VMI_STRAYS_MANY) {
        set_strays(slot->home, strays_of(slot->home) - 1);
    }
}

/* Move the entries of one home that are in one bucket to the new table.  Returns how many. */
static unsigned
empty_bucket(struct vmi_busy *busy, struct vmi_bucket *bucket, uint32_t home)
{
    unsigned moved = 0;

    for (unsigned place = 0; place < VMI_BUCKET_SLOTS; place++) {
        const uint32_t index = bucket->tag[place] & VMI_SLOT_TAG;
        const uint32_t hash = bucket->hash[place];
        if (hash != 0 && vmi_table_home(&busy->old, hash) == home) {
            vmi_table_insert(&busy->table, hash, index);
            bucket->hash[place] = 0;
            moved++;
        }
    }
    return moved;
}

/* Move all entries of one home of the old table to the new one. */
static void
empty_home(struct vmi_busy *busy, uint32_t home)
{
    const struct vmi_table *old = &busy->old;
    const unsigned strays = strays_of(&old->bucket[home]);
    unsigned seen = 0;

    set_strays(&old->bucket[home], 0);
    (void)empty_bucket(busy, &old->bucket[home], home);
    for (uint32_t distance = 1; has_more(old, strays, seen, distance); distance++) {
        seen += empty_bucket(busy, &old->bucket[(home + distance) & old->mask], home);
    }
}

bool
vmi_busy_step(struct vmi_busy *busy, uint32_t buckets)
{
    for (; buckets > 0 && busy->border <= busy->old.mask; buckets--) {
        empty_home(busy, busy->border);
        busy->border++;
    }
    return busy->border > busy->old.mask;
}

void
vmi_busy_idle(const struct vmi_busy *busy, size_t *first, size_t *bytes)
{
    const uint32_t wrap = busy->old.wrap;
    const bool is_empty = busy->border > busy->old.mask;

    *first = is_empty ? 0 : wrap * sizeof(struct vmi_bucket);
    *bytes = busy->border > wrap ? busy->border * sizeof(struct vmi_bucket) - *first : 0;
}

void *
vmi_busy_end(struct vmi_busy *busy, size_t *bytes)
{
    void *memory = busy->old.bucket;

    VMI_ASSERT(busy->border > busy->old.mask);
    *bytes = vmi_table_bytes(&busy->old);
    busy->old.bucket = NULL;
    return memory;
}

/* The entries of a home that are elsewhere, counted. */
static unsigned
count_strays(const struct vmi_table *table, uint32_t home)
{
    unsigned found = 0;

    for (uint32_t i = 1; has_more(table, strays_of(&table->bucket[home]), found, i); i++) {
        const struct vmi_bucket *bucket = &table->bucket[(home + i) & table->mask];
        for (unsigned place = 0; place < VMI_BUCKET_SLOTS; place++) {
            const uint32_t hash = bucket->hash[place];
            found += hash != 0 && vmi_table_home(table, hash) == home ? 1 : 0;
        }
    }
    return found;
}

/* Have the tags of a bucket brought in: they lie anywhere, and a check looks at all of them. */
static void
prefetch_tags(const struct vmi_tags *tags, const struct vmi_bucket *bucket)
{
    for (unsigned place = 0; place < VMI_BUCKET_SLOTS; place++) {
        const uint32_t index = bucket->tag[place] & VMI_SLOT_TAG;
        if (vmi_tag_can_be(tags, index)) {
            vmi_prefetch(vmi_tag_at(tags, index), sizeof(struct vmi_tag));
        }
    }
}

/* H1 and H3 for one table. */
static const char *
check_table(const struct vmi_busy *busy, const struct vmi_tags *tags, const struct vmi_table *table,
    uint64_t *entries)
{
    for (uint32_t at = 0; at <= table->mask; at++) {
        const struct vmi_bucket *bucket = &table->bucket[at];
        prefetch_tags(tags, &table->bucket[(at + CHECK_AHEAD) & table->mask]);
        for (unsigned place = 0; place < VMI_BUCKET_SLOTS; place++) {
            const uint32_t index = bucket->tag[place] & VMI_SLOT_TAG;
            struct vmi_slot slot = { .bucket = NULL };
            if (bucket->hash[place] == 0) {
                continue;
            }
            (*entries)++;
            if (!vmi_tag_can_be(tags, index)) {
                return "H1: every entry names a tag";
            }
            if (vmi_busy_find(busy, tags, vmi_tag_at(tags, index)->start, &slot) != index ||
                slot.bucket != bucket || slot.place != place) {
                return "H1: every entry is found from its home";
            }
        }
        if (strays_of(bucket) != VMI_STRAYS_MANY && count_strays(table, at) != strays_of(bucket)) {
            return "H3: a bucket counts its strays";
        }
    }
    return NULL;
}

const char *
vmi_busy_check(const struct vmi_busy *busy, const struct vmi_tags *tags)
{
    uint64_t entries = 0;
    const char *broken = check_table(busy, tags, &busy->table, &entries);

    if (broken == NULL && vmi_busy_is_moving(busy)) {
        broken = check_table(busy, tags, &busy->old, &entries);
    }
    if (broken == NULL && entries != busy->count) {
        broken = "H2: count is the number of entries";
    }
    return broken;
}
