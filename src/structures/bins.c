/*
 * bins - the holes of an arena, grouped by size; the essay is in bins.h.
 *                                                                  SPDX-License-Identifier: BSD-2-Clause
 */
#include "structures/bins.h"

static void
clear_bins(struct vmi_bin *bin, unsigned quantum_log2, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        bin[i] = (struct vmi_bin){ 0 };
        bin[i].size_max = (vmem_size_t)(i < VMI_CLASS_EXACT ? i : 0) << quantum_log2;
        for (unsigned place = 0; place < VMI_FRONT; place++) {
            bin[i].start[place] = VMEM_ADDR_MAX;
        }
    }
}

void
vmi_bins_init(
    struct vmi_bins *bins, unsigned quantum_log2, struct vmi_bin *memory, unsigned class_count)
{
    *bins = (struct vmi_bins){ 0 };
    bins->bin = memory;
    bins->class_count = class_count;
    bins->quantum_log2 = quantum_log2;
    clear_bins(memory, quantum_log2, 0, class_count);
}

struct vmi_bin *
vmi_bins_move(struct vmi_bins *bins, struct vmi_bin *memory, unsigned class_count)
{
    struct vmi_bin *old = bins->bin;

    VMI_ASSERT(class_count >= bins->class_count);
    for (unsigned i = 0; i < bins->class_count; i++) {
        memory[i] = old[i];
    }
    clear_bins(memory, bins->quantum_log2, bins->class_count, class_count);
    bins->bin = memory;
    bins->class_count = class_count;
    return old;
}

uint32_t
vmi_bins_search_own(struct vmi_bins *bins, const struct vmi_tags *tags, unsigned index,
    vmem_size_t size, unsigned tries, bool *is_sure)
{
    struct vmi_bin *bin;
    uint32_t best = 0;
    vmem_addr_t best_start = VMEM_ADDR_MAX;
    vmem_size_t largest = 0;
    uint32_t tag_index;

    *is_sure = true;
    if (index >= bins->class_count || bins->bin[index].count == 0 ||
        bins->bin[index].size_max < size) {
        return 0;
    }
    bin = &bins->bin[index];
    for (unsigned place = 0; place < VMI_FRONT && bin->front[place] != 0; place++) {
        const struct vmi_tag *tag = vmi_tag_at(tags, bin->front[place]);
        largest = tag->size > largest ? tag->size : largest;
        if (tag->size >= size && (best == 0 || tag->start < best_start)) {
            best = bin->front[place];
            best_start = tag->start;
        }
    }
    if (best != 0) {
        return best;
    }
    for (tag_index = bin->overflow; tag_index != 0 && tries > 0; tries--) {
        const struct vmi_tag *tag = vmi_tag_at(tags, tag_index);
        if (tag->size >= size) {
            return tag_index;
        }
        largest = tag->size > largest ? tag->size : largest;
        tag_index = tag->extra;
    }
    *is_sure = tag_index == 0;
    if (*is_sure) {
        bin->size_max = largest; /* the bound was slack: the next search ends at once */
    }
    return 0;
}

vmem_size_t
vmi_bins_largest(const struct vmi_bins *bins, const struct vmi_tags *tags)
{
    vmem_size_t largest = 0;
    const struct vmi_bin *bin;
    unsigned word;

    if (bins->summary == 0) {
        return 0;
    }
    word = vmi_log2(bins->summary);
    bin = &bins->bin[word * 64 + vmi_log2(bins->map[word])];
    for (uint32_t i = vmi_bin_head(bin); i != 0 && largest < bin->size_max;
         i = vmi_bin_after(bin, tags, i)) {
        const vmem_size_t size = vmi_tag_at(tags, i)->size;
        largest = size > largest ? size : largest;
    }
    return largest;
}

/* B3 and B4 for one hole. */
static const char *
check_member(
    const struct vmi_bins *bins, const struct vmi_tags *tags, unsigned index, uint32_t tag_index)
{
    const struct vmi_tag *tag;

    if (!vmi_tag_can_be(tags, tag_index)) {
        return "B3: every tag in a bin exists";
    }
    tag = vmi_tag_at(tags, tag_index);
    if (vmi_tag_kind(tag) != VMI_KIND_HOLE || vmi_bins_class(bins, tag->size) != index) {
        return "B3: every tag in a bin is a hole of its class";
    }
    return tag->size <= bins->bin[index].size_max ? NULL : "B4: size_max bounds a bin's holes";
}

static const char *
check_bin(const struct vmi_bins *bins, const struct vmi_tags *tags, unsigned index)
{
    const struct vmi_bin *bin = &bins->bin[index];
    const char *broken;
    uint32_t met = 0;
    uint32_t before = 0;

    if (index < VMI_CLASS_EXACT && bin->size_max != (vmem_size_t)index << bins->quantum_log2) {
        return "B4: size_max is the size of the holes that are of one size";
    }
    for (unsigned place = 0; place < VMI_FRONT; place++) {
        if ((bin->front[place] != 0) != (place < bin->count)) {
            return "B2: the front holds min(count, 4) holes in its first places";
        }
        if (bin->front[place] == 0) {
            continue;
        }
        broken = check_member(bins, tags, index, bin->front[place]);
        if (broken != NULL) {
            return broken;
        }
        if (vmi_tag_at(tags, bin->front[place])->start != bin->start[place]) {
            return "B3: the front knows the start of its holes";
        }
        met++;
    }
    for (uint32_t i = bin->overflow; i != 0; met++) {
        if (met >= bin->count) {
            return "B2: count is the number of a bin's holes";
        }
        broken = check_member(bins, tags, index, i);
        if (broken != NULL) {
            return broken;
        }
        if (vmi_tag_payload(vmi_tag_at(tags, i)) != before) {
            return "B2: the overflow list links both ways";
        }
        before = i;
        i = vmi_tag_at(tags, i)->extra;
    }
    return met == bin->count ? NULL : "B2: count is the number of a bin's holes";
}

const char *
vmi_bins_check(const struct vmi_bins *bins, const struct vmi_tags *tags, uint64_t *hole_count)
{
    *hole_count = 0;
    for (unsigned index = 0; index < VMI_CLASS_COUNT; index++) {
        const bool bit = (bins->map[index / 64] >> (index % 64) & 1) != 0;
        const uint32_t count = index < bins->class_count ? bins->bin[index].count : 0;
        const char *broken = count == 0 ? NULL : check_bin(bins, tags, index);
        if (bit != (count != 0)) {
            return "B1: a bin's bit is set exactly if it has holes";
        }
        if (broken != NULL) {
            return broken;
        }
        *hole_count += count;
    }
    for (unsigned word = 0; word < VMI_BIN_WORDS; word++) {
        if (((bins->summary >> word & 1) != 0) != (bins->map[word] != 0)) {
            return "B1: a word's bit is set exactly if the word is not 0";
        }
    }
    return NULL;
}
