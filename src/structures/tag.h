/*
 * tag.h - boundary tags.                                           SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. What it is for
 *    A tag describes one segment or heads one span.  It lies outside the resource, takes 32 bytes, two
 *    to a cache line, and is named by an index.
 *
 * 2. How it works
 *    All tags of an arena form one circular list in address order; each span's header comes before its
 *    segments, and a root tag closes the circle.  A link to a neighbour also says whether that
 *    neighbour is a hole (its top bit), so that a free knows from its own tag whether it must merge,
 *    and otherwise only *stores* to its neighbours: a store does not wait for memory.
 *
 *      root <-> [span header] <-> [busy] <-> [hole] <-> [busy] <-> [span header] <-> [hole] <-> root
 *
 *    The word `own` has the tag's kind in its top two bits; the rest, and `extra`, depend on it:
 *
 *      kind   own, low 30 bits                     extra
 *      hole   previous hole of its bin's overflow  next hole there
 *      busy   generation of its handle; 0 = none   VMI_BUSY_RESTING while in quarantine
 *      span   VMI_SPAN_IMPORTED or 0               -
 *      none   -                                    -
 *
 * 3. Costs: everything here is O(1).  4. No locks: the caller holds the arena lock.
 *
 * 5. Where it comes from
 *    [KNUTH1 2.5], [BA01 4.3]: boundary tags outside the resource.  Differs: indices and the
 *    neighbour bit.
 */
#ifndef VMI_TAG_H
#define VMI_TAG_H

#include "structures/slab.h"

enum vmi_kind {
    VMI_KIND_NONE, /* not in use */
    VMI_KIND_SPAN,
    VMI_KIND_HOLE,
    VMI_KIND_BUSY
};

#define VMI_TAG_LOG2 5
#define VMI_LINK_HOLE 0x80000000u  /* in prev, next: that neighbour is a hole */
#define VMI_LINK_INDEX 0x7fffffffu /* in prev, next: its index */
#define VMI_OWN_PAYLOAD 0x3fffffffu
#define VMI_OWN_SHIFT 30
#define VMI_SPAN_IMPORTED 1u
#define VMI_BUSY_RESTING 1u

struct vmi_tag {
    vmem_addr_t start; /* first unit */
    vmem_size_t size;  /* units, > 0; of the root 0 */
    uint32_t prev;     /* neighbour below, with VMI_LINK_HOLE */
    uint32_t next;     /* neighbour above, with VMI_LINK_HOLE */
    uint32_t own;      /* kind and payload */
    uint32_t extra;
};

_Static_assert(sizeof(struct vmi_tag) == 1u << VMI_TAG_LOG2, "two tags make a cache line");

enum {
    VMI_SPARES_MAX = 32 /* tags kept at hand, most recently used first */
};

struct vmi_tags {
    struct vmi_slab slab;
    uint32_t spare_count;
    uint32_t spare[VMI_SPARES_MAX];
};

static inline struct vmi_tag *
vmi_tag_at(const struct vmi_tags *tags, uint32_t index)
{
    return vmi_slab_at(&tags->slab, index, VMI_TAG_LOG2);
}

/* True if there could be a tag of this index: it can be looked at. */
static inline bool
vmi_tag_can_be(const struct vmi_tags *tags, uint32_t index)
{
#if VMI_PORT_HAS_WINDOW
    /* In a window every place can be looked at; what was never a tag's is of no kind. */
    if (VMI_LIKELY(tags->slab.window != NULL)) {
        return index - 2 < (1u << (VMI_WINDOW_LOG2 - VMI_TAG_LOG2)) - 2;
    }
#endif
    return vmi_slab_is_valid(&tags->slab, index, VMI_TAG_LOG2);
}

/*@ requires \valid_read(tag);
    assigns \nothing;
    ensures \result == tag->own / 0x40000000;
 */
static inline enum vmi_kind
vmi_tag_kind(const struct vmi_tag *tag)
{
    return (enum vmi_kind)(tag->own >> VMI_OWN_SHIFT);
}

/* Free, in a hole or in quarantine. */
static inline bool
vmi_tag_is_free(const struct vmi_tag *tag)
{
    const enum vmi_kind kind = vmi_tag_kind(tag);

    return kind == VMI_KIND_HOLE || (kind == VMI_KIND_BUSY && tag->extra == VMI_BUSY_RESTING);
}

/*@ requires VMI_KIND_NONE <= kind <= VMI_KIND_BUSY && payload <= VMI_OWN_PAYLOAD;
    assigns \nothing;
    ensures \result == kind * 0x40000000 + payload;
 */
static inline uint32_t
vmi_tag_own(enum vmi_kind kind, uint32_t payload)
{
    return (uint32_t)kind << VMI_OWN_SHIFT | payload;
}

/*@ requires \valid_read(tag);
    assigns \nothing;
    ensures \result == tag->own % 0x40000000;
 */
static inline uint32_t
vmi_tag_payload(const struct vmi_tag *tag)
{
    return tag->own & VMI_OWN_PAYLOAD;
}

/*@ requires \valid_read(tag) && tag->size > 0 && tag->start + (tag->size - 1) <= VMEM_ADDR_MAX;
    assigns \nothing;
    ensures \result == tag->start + (tag->size - 1);
 */
static inline vmem_addr_t
vmi_tag_last(const struct vmi_tag *tag)
{
    return tag->start + (tag->size - 1);
}

/*@ requires \valid_read(tag);
    assigns \nothing;
    ensures \result == tag->next % 0x80000000;
 */
static inline uint32_t
vmi_tag_next(const struct vmi_tag *tag)
{
    return tag->next & VMI_LINK_INDEX;
}

/*@ requires \valid_read(tag);
    assigns \nothing;
    ensures \result == tag->prev % 0x80000000;
 */
static inline uint32_t
vmi_tag_prev(const struct vmi_tag *tag)
{
    return tag->prev & VMI_LINK_INDEX;
}

void vmi_tags_init(struct vmi_tags *tags);

/* Have `count` tags at hand.  False: a chunk is needed. */
bool vmi_tags_refill(struct vmi_tags *tags, uint32_t count);

/* Put all but `keep` spares back into the chunks. */
void vmi_tags_spill(struct vmi_tags *tags, uint32_t keep);

/* True if `count` tags are at hand.  Requires: count <= VMI_SPARES_MAX / 2. */
static inline bool
vmi_tags_reserve(struct vmi_tags *tags, uint32_t count)
{
    return VMI_LIKELY(tags->spare_count >= count) || vmi_tags_refill(tags, count);
}

/* Take a tag that was reserved.  Cannot fail. */
static inline uint32_t
vmi_tag_take(struct vmi_tags *tags)
{
    VMI_ASSERT(tags->spare_count > 0);
    return tags->spare[--tags->spare_count];
}

static inline void
vmi_tag_give(struct vmi_tags *tags, uint32_t index)
{
    vmi_tag_at(tags, index)->own = vmi_tag_own(VMI_KIND_NONE, 0);
    if (VMI_UNLIKELY(tags->spare_count == VMI_SPARES_MAX)) {
        vmi_tags_spill(tags, VMI_SPARES_MAX / 2);
    }
    tags->spare[tags->spare_count++] = index;
}

/* Put `index` between two neighbours, none of the three being a hole as far as the links say. */
static inline void
vmi_tag_link(struct vmi_tags *tags, uint32_t index, uint32_t before, uint32_t after)
{
    struct vmi_tag *tag = vmi_tag_at(tags, index);

    tag->prev = before;
    tag->next = after;
    vmi_tag_at(tags, before & VMI_LINK_INDEX)->next = index;
    vmi_tag_at(tags, after & VMI_LINK_INDEX)->prev = index;
}

#endif
