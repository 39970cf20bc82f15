/*
 * tag - the supply of tags; the essay is in tag.h.                 SPDX-License-Identifier: BSD-2-Clause
 */
#include "structures/tag.h"

void
vmi_tags_init(struct vmi_tags *tags)
{
    vmi_slab_init(&tags->slab, VMI_TAG_LOG2);
    tags->spare_count = 0;
}

bool
vmi_tags_refill(struct vmi_tags *tags, uint32_t count)
{
    VMI_ASSERT(count <= VMI_SPARES_MAX / 2);
    /* No more than are wanted: by the next time, the slab has the next one at hand. */
    while (tags->spare_count < count && tags->slab.free_count > 0) {
        tags->spare[tags->spare_count++] = vmi_slab_take(&tags->slab);
    }
    if (tags->slab.free_count == 0) {
        /* A first touch takes long.  The chunk's own, when it is added, is enough for one operation. */
        vmi_slab_expect_chunk(&tags->slab);
    }
    return tags->spare_count >= count;
}

void
vmi_tags_spill(struct vmi_tags *tags, uint32_t keep)
{
    /* The oldest go: the youngest are the ones in the cache. */
    const uint32_t gone = tags->spare_count > keep ? tags->spare_count - keep : 0;

    /* The misses of all of them at once, not one after the other. */
    for (uint32_t i = 0; i < gone; i++) {
        __builtin_prefetch(vmi_tag_at(tags, tags->spare[i]), 1);
        __builtin_prefetch(
            vmi_slab_chunk(&tags->slab, tags->spare[i] >> (VMI_CHUNK_LOG2 - VMI_TAG_LOG2)), 1);
    }
    for (uint32_t i = 0; i < gone; i++) {
        vmi_slab_give(&tags->slab, tags->spare[i]);
    }
    for (uint32_t i = gone; i < tags->spare_count; i++) {
        tags->spare[i - gone] = tags->spare[i];
    }
    tags->spare_count -= gone;
}
