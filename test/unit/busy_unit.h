/*
 * busy_unit.h - a busy index with tags, fed with crafted addresses.
 *                                                                  SPDX-License-Identifier: BSD-2-Clause
 *
 * The hash multiplies by an odd number, so it can be undone: address_of(hash, salt) is an address with
 * this hash, another one for each salt.  So a test chooses homes, collisions and wraps at will.
 */
#ifndef VMT_BUSY_UNIT_H
#define VMT_BUSY_UNIT_H

#include "structures/busy.h"
#include "unit.h"

enum { VMT_MANY = 4000 };

struct vmt_busy {
    struct vmi_tags tags;
    struct vmi_busy busy;
    uint32_t count;
    uint32_t index[VMT_MANY]; /* what should be there: tags */
};

static inline vmem_addr_t
vmt_address_of(uint32_t hash, uint32_t salt)
{
    const uint64_t factor = 0x9e3779b97f4a7c15u;
    uint64_t inverse = factor; /* right in 3 bits; each round doubles them */

    for (unsigned i = 0; i < 5; i++) {
        inverse *= 2 - factor * inverse;
    }
    return inverse * ((uint64_t)hash << 32 | salt);
}

static inline void
vmt_busy_set_up(struct vmt_busy *f, unsigned buckets_log2)
{
    const size_t bytes = sizeof(struct vmi_bucket) << buckets_log2;

    vmi_tags_init(&f->tags);
    vmi_busy_init(&f->busy, vmt_zeroed(bytes), bytes);
    f->count = 0;
}

static inline void
vmt_busy_tear_down(struct vmt_busy *f)
{
    if (vmi_busy_is_moving(&f->busy)) {
        vmt_port_put(f->busy.old.bucket, vmi_table_bytes(&f->busy.old));
    }
    vmt_port_put(f->busy.table.bucket, vmi_table_bytes(&f->busy.table));
    vmt_slab_end(&f->tags.slab);
}

static inline uint32_t
vmt_busy_insert(struct vmt_busy *f, vmem_addr_t start)
{
    uint32_t index;

    while (!vmi_tags_reserve(&f->tags, 1)) {
        vmt_slab_feed(&f->tags.slab, 1);
    }
    index = vmi_tag_take(&f->tags);
    vmi_tag_at(&f->tags, index)->start = start;
    vmi_busy_insert(&f->busy, start, index);
    f->index[f->count++] = index;
    return index;
}

static inline vmem_addr_t
vmt_busy_start(const struct vmt_busy *f, uint32_t which)
{
    return vmi_tag_at(&f->tags, f->index[which])->start;
}

/* The tag that the index finds for an address. */
static inline uint32_t
vmt_busy_find(const struct vmt_busy *f, vmem_addr_t start)
{
    struct vmi_slot slot;

    return vmi_busy_find(&f->busy, &f->tags, start, &slot);
}

static inline void
vmt_busy_remove(struct vmt_busy *f, uint32_t which)
{
    struct vmi_slot slot;
    const uint32_t index = f->index[which];

    CHECK_OR_RETURN(vmi_busy_find(&f->busy, &f->tags, vmt_busy_start(f, which), &slot) == index);
    vmi_busy_remove(&f->busy, &slot);
    f->index[which] = f->index[--f->count];
    vmi_tag_give(&f->tags, index);
}

/* All that should be there is found, and nothing else. */
static inline void
vmt_busy_check(const struct vmt_busy *f)
{
    CHECK_HOLDS(vmi_busy_check(&f->busy, &f->tags));
    CHECK_U64(f->busy.count, ==, f->count);
    for (uint32_t i = 0; i < f->count; i++) {
        CHECK_U64(vmt_busy_find(f, vmt_busy_start(f, i)), ==, f->index[i]);
    }
}

/* Begin to move to a table of 2^buckets_log2 buckets. */
static inline void
vmt_busy_resize(struct vmt_busy *f, unsigned buckets_log2)
{
    const size_t bytes = sizeof(struct vmi_bucket) << buckets_log2;

    vmi_busy_resize(&f->busy, vmt_zeroed(bytes), bytes);
}

/* One step; true once the old table is gone. */
static inline bool
vmt_busy_step(struct vmt_busy *f, uint32_t buckets)
{
    const size_t old_bytes = vmi_table_bytes(&f->busy.old);
    void *old = f->busy.old.bucket;
    size_t bytes = 77;
    void *memory;

    if (!vmi_busy_step(&f->busy, buckets)) {
        CHECK(vmi_busy_is_moving(&f->busy));
        return false;
    }
    CHECK(vmi_busy_is_moving(&f->busy)); /* until it is ended */
    memory = vmi_busy_end(&f->busy, &bytes);
    CHECK(!vmi_busy_is_moving(&f->busy));
    CHECK(memory == old);
    CHECK_U64(bytes, ==, old_bytes);
    for (size_t i = 0; i < bytes / sizeof(struct vmi_bucket); i++) {
        for (unsigned place = 0; place < VMI_BUCKET_SLOTS; place++) {
            CHECK_U64(((const struct vmi_bucket *)memory)[i].hash[place], ==, 0); /* left empty */
        }
    }
    vmt_port_put(memory, bytes);
    return true;
}

#endif
