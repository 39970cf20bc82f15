/*
 * bins.h - the holes of an arena, grouped by size.                 SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. What it is for
 *    Answers "give me a hole of at least this many quanta, low in the arena" in O(1).
 *
 * 2. How it works
 *    One bin a size class (sizeclass.h), two levels of bitmap over the bins, one bit scan each: the
 *    first non-empty bin in which every hole fits.  A bin is one cache line.  It keeps the addresses
 *    of up to four holes, its *front*, and the others in a doubly linked *overflow* list.  When a fifth
 *    comes, the highest of the five goes to the overflow.  Taking the lowest of the front costs no
 *    look at any tag but the chosen one, and packs the arena low, which lets the first refusal come
 *    later than that of any plain list (docs/DECISIONS/003-size-classes.md).
 *
 *      bin 7   [ 0x1c0 | 0x4700 | 0x9980 | 0xf100 ]  -> overflow: tag 81 <-> tag 17 <-> tag 902
 *
 *    If no larger bin has anything, the request's own bin is searched (an exactly fitting hole must not
 *    be refused).  `size_max` bounds what is in the bin, so that most searches end before they begin.
 *
 * 3. Invariants                                                        (checked by vmi_bins_check())
 *    B1  a bin's bit is set exactly if its count is not 0, and a word's bit if the word is not 0.
 *    B2  the front holds min(count, 4) holes, in its first places; the others are in the overflow.
 *    B3  every hole in a bin is of its class, and `start` in the front is the hole's start.
 *    B4  no hole of a bin has more than size_max units; where all have the same size, it is that size.
 *
 * 4. Costs
 *    insert, remove, find: O(1).  search_own: O(holes of the bin), at most `tries` when limited.
 *
 * 5. Locking and failure
 *    No locks: the caller holds the arena lock.  Nothing here can fail.
 *
 * 6. Where it comes from
 *    Segregated lists [BA01 4.4.3], two-level bitmaps [TLSF].  New: the front, and its displacement.
 */
#ifndef VMI_BINS_H
#define VMI_BINS_H

#include "structures/sizeclass.h"
#include "structures/tag.h"

enum { VMI_FRONT = 4, VMI_BIN_WORDS = (VMI_CLASS_COUNT + 63) / 64 };

struct vmi_bin {
    vmem_addr_t start[VMI_FRONT]; /* of the front's holes; VMEM_ADDR_MAX where there is none */
    uint32_t front[VMI_FRONT];    /* their tags; 0 where there is none */
    uint32_t overflow;            /* first of the others; 0 = none */
    uint32_t count;               /* holes in all */
    vmem_size_t size_max;         /* units: no hole in this bin is larger; without any: unused */
};

_Static_assert(sizeof(struct vmi_bin) == 64, "a bin is one cache line");

struct vmi_bins {
    struct vmi_bin *bin;  /* class_count of them */
    unsigned class_count; /* classes that the arena's spans can need */
    unsigned quantum_log2;
    uint64_t summary;            /* bit w: map[w] is not 0 */
    uint64_t map[VMI_BIN_WORDS]; /* bit c: bin c is not empty */
};

/* Prepare `class_count` empty bins in `memory`, class_count * sizeof(struct vmi_bin) bytes. */
void vmi_bins_init(
    struct vmi_bins *bins, unsigned quantum_log2, struct vmi_bin *memory, unsigned class_count);

/* Move to a larger array; the old one is returned. */
struct vmi_bin *vmi_bins_move(struct vmi_bins *bins, struct vmi_bin *memory, unsigned class_count);

/*
 * Search the bin of a class for a hole of `size` units.
 *
 *   tries    holes of the overflow to look at, at most; those of the front always are
 *   Returns  a tag; 0 if none was found.  *is_sure: then the bin has none
 */
uint32_t vmi_bins_search_own(struct vmi_bins *bins, const struct vmi_tags *tags, unsigned index,
    vmem_size_t size, unsigned tries, bool *is_sure);

/* The largest hole, or 0 units: O(holes of the highest non-empty bin). */
vmem_size_t vmi_bins_largest(const struct vmi_bins *bins, const struct vmi_tags *tags);

const char *vmi_bins_check(
    const struct vmi_bins *bins, const struct vmi_tags *tags, uint64_t *hole_count);

/* The class of a hole of `size` units. */
/*@ requires \valid_read(bins) && bins->quantum_log2 < 64;
    assigns \nothing;
    ensures \result < VMI_CLASS_COUNT;
    ensures class_floor(\result) <= size >> bins->quantum_log2;
    ensures \result + 1 < VMI_CLASS_COUNT ==> size >> bins->quantum_log2 < class_floor(\result + 1);
 */
static inline unsigned
vmi_bins_class(const struct vmi_bins *bins, vmem_size_t size)
{
    return vmi_class_of(size >> bins->quantum_log2);
}

/*@ predicate has_holes(struct vmi_bins *b, integer c) = has_bit(b->map[c / 64], c % 64);

    // B1 of the two levels: and no bit is set that stands for nothing.
    predicate is_map(struct vmi_bins *b) =
      (\forall integer w; 0 <= w < VMI_BIN_WORDS ==> (has_bit(b->summary, w) <==> b->map[w] != 0)) &&
      (\forall integer w; VMI_BIN_WORDS <= w < 64 ==> !has_bit(b->summary, w)) &&
      (\forall integer c; VMI_CLASS_COUNT <= c < VMI_BIN_WORDS * 64 ==> !has_holes(b, c));
 */

/* The first non-empty bin of class `from` or above; VMI_CLASS_NONE if there is none. */
/*@ requires \valid_read(bins) && is_map(bins);
    assigns \nothing;
    ensures \result == VMI_CLASS_NONE || (from <= \result < VMI_CLASS_COUNT && has_holes(bins, \result));
    ensures \forall integer c; from <= c < \result ==> !has_holes(bins, c);
 */
static inline unsigned
vmi_bins_first(const struct vmi_bins *bins, unsigned from)
{
    unsigned word = from / 64;
    uint64_t bits;

    if (VMI_UNLIKELY(from >= VMI_CLASS_COUNT)) {
        return VMI_CLASS_NONE;
    }
    bits = vmi_bits_from(bins->map[word], from % 64);
    if (bits == 0) {
        const uint64_t words = vmi_bits_above(bins->summary, word);
        if (words == 0) {
            return VMI_CLASS_NONE;
        }
        word = vmi_lowest_bit(words);
        bits = bins->map[word];
    }
    return word * 64 + vmi_lowest_bit(bits);
}

/* Note that a bin is no longer empty. */
/*@ requires \valid(bins) && is_map(bins) && class_index < VMI_CLASS_COUNT;
    assigns bins->map[class_index / 64], bins->summary;
    ensures is_map(bins);
    ensures \forall integer c; 0 <= c < VMI_CLASS_COUNT ==>
        (has_holes(bins, c) <==> c == class_index || \old(has_holes(bins, c)));
 */
static inline void
vmi_bins_mark(struct vmi_bins *bins, unsigned class_index)
{
    const unsigned word = class_index / 64;

    bins->map[word] = vmi_bit_set(bins->map[word], class_index % 64);
    bins->summary = vmi_bit_set(bins->summary, word);
}

/* Note that a bin has lost a hole, and whether it is empty now. */
/*@ requires \valid(bins) && is_map(bins) && class_index < VMI_CLASS_COUNT;
    assigns bins->map[class_index / 64], bins->summary;
    ensures is_map(bins);
    ensures \forall integer c; 0 <= c < VMI_CLASS_COUNT ==>
        (has_holes(bins, c) <==> !(is_empty && c == class_index) && \old(has_holes(bins, c)));
 */
static inline void
vmi_bins_unmark_if(struct vmi_bins *bins, unsigned class_index, bool is_empty)
{
    const unsigned word = class_index / 64;

    bins->map[word] = vmi_bit_clear_if(bins->map[word], class_index % 64, is_empty);
    if (VMI_UNLIKELY(bins->map[word] == 0)) {
        bins->summary = vmi_bit_clear_if(bins->summary, word, true);
    }
}

/* The place of the lowest hole in a bin's front.  Requires: the bin is not empty. */
/*@ requires \valid_read(bin);
    assigns \nothing;
    ensures \result < VMI_FRONT;
    ensures \forall integer i; 0 <= i < VMI_FRONT ==> bin->start[\result] <= bin->start[i];
 */
static inline unsigned
vmi_bin_lowest(const struct vmi_bin *bin)
{
    /* Which one is lowest is anybody's guess, so there is nothing here to guess wrong. */
    const unsigned a = vmi_is_below(bin->start[1], bin->start[0]);
    const unsigned b = 2 | vmi_is_below(bin->start[3], bin->start[2]);

    return vmi_select(vmi_is_below(bin->start[b], bin->start[a]), b, a);
}

/* The place of a tag in a bin's front, or VMI_FRONT. */
static inline unsigned
vmi_bin_place(const struct vmi_bin *bin, uint32_t index)
{
    unsigned matches = 1u << VMI_FRONT;

    for (unsigned i = 0; i < VMI_FRONT; i++) {
        matches |= (unsigned)(bin->front[i] == index) << i;
    }
    return vmi_lowest_bit(matches);
}

/* The first hole of a bin and the one after `index`, in no particular order; 0 = none. */
static inline uint32_t
vmi_bin_head(const struct vmi_bin *bin)
{
    return bin->front[0];
}

static inline uint32_t
vmi_bin_after(const struct vmi_bin *bin, const struct vmi_tags *tags, uint32_t index)
{
    const unsigned place = vmi_bin_place(bin, index);

    if (place == VMI_FRONT) {
        return vmi_tag_at(tags, index)->extra;
    }
    /* B2: an empty place ends the front, and then there is no overflow. */
    return place + 1 < VMI_FRONT ? bin->front[place + 1] : bin->overflow;
}

static inline void
vmi_bin_overflow_push(const struct vmi_tags *tags, struct vmi_bin *bin, uint32_t index)
{
    struct vmi_tag *tag = vmi_tag_at(tags, index);

    tag->own = vmi_tag_own(VMI_KIND_HOLE, 0);
    tag->extra = bin->overflow;
    if (bin->overflow != 0) {
        vmi_tag_at(tags, bin->overflow)->own = vmi_tag_own(VMI_KIND_HOLE, index);
    }
    bin->overflow = index;
}

static inline uint32_t
vmi_bin_overflow_pop(const struct vmi_tags *tags, struct vmi_bin *bin)
{
    const uint32_t index = bin->overflow;

    bin->overflow = vmi_tag_at(tags, index)->extra;
    if (bin->overflow != 0) {
        vmi_tag_at(tags, bin->overflow)->own = vmi_tag_own(VMI_KIND_HOLE, 0);
    }
    return index;
}

/* Put a hole, the `start` of its tag known, into the bin of its class; size_max is not looked at. */
static inline void
vmi_bins_put(struct vmi_bins *bins, const struct vmi_tags *tags, unsigned class_index,
    uint32_t index, vmem_addr_t start)
{
    struct vmi_bin *bin = &bins->bin[class_index];

    VMI_ASSERT(class_index < bins->class_count);
    if (bin->count < VMI_FRONT) {
        bin->start[bin->count] = start;
        bin->front[bin->count] = index;
        vmi_bins_mark(bins, class_index);
    } else {
        const unsigned a = vmi_is_below(bin->start[0], bin->start[1]);
        const unsigned b = 2 | vmi_is_below(bin->start[2], bin->start[3]);
        const unsigned highest = vmi_select(vmi_is_below(bin->start[a], bin->start[b]), b, a);
        const uint32_t resident = bin->front[highest];
        const unsigned is_lower = vmi_is_below(start, bin->start[highest]);
        bin->start[highest] = is_lower != 0 ? start : bin->start[highest];
        bin->front[highest] = vmi_select(is_lower, index, resident);
        vmi_bin_overflow_push(tags, bin, vmi_select(is_lower, resident, index));
    }
    bin->count++;
}

/* Make a tag, whose start and size are set, a hole of its bin. */
static inline void
vmi_bins_insert(
    struct vmi_bins *bins, const struct vmi_tags *tags, uint32_t index, struct vmi_tag *tag)
{
    const unsigned class_index = vmi_bins_class(bins, tag->size);
    struct vmi_bin *bin = &bins->bin[class_index];
    const vmem_size_t most = bin->size_max & (0 - (vmem_size_t)(bin->count != 0));

    tag->own = vmi_tag_own(VMI_KIND_HOLE, 0);
    bin->size_max = tag->size > most ? tag->size : most;
    vmi_bins_put(bins, tags, class_index, index, tag->start);
}

/* Take the hole at a place of a bin's front out of the bin. */
static inline void
vmi_bins_remove_front(
    struct vmi_bins *bins, const struct vmi_tags *tags, unsigned class_index, unsigned place)
{
    struct vmi_bin *bin = &bins->bin[class_index];

    bin->count--;
    if (bin->overflow != 0) {
        const uint32_t next = vmi_bin_overflow_pop(tags, bin);
        bin->front[place] = next;
        bin->start[place] = vmi_tag_at(tags, next)->start;
        return;
    }
    bin->front[place] = bin->front[bin->count];
    bin->start[place] = bin->start[bin->count];
    bin->front[bin->count] = 0;
    bin->start[bin->count] = VMEM_ADDR_MAX;
    vmi_bins_unmark_if(bins, class_index, bin->count == 0);
}

/* Take a hole, whose size is still that of its class, out of its bin. */
static inline void
vmi_bins_remove(
    struct vmi_bins *bins, const struct vmi_tags *tags, uint32_t index, const struct vmi_tag *tag)
{
    const unsigned class_index = vmi_bins_class(bins, tag->size);
    struct vmi_bin *bin = &bins->bin[class_index];
    const unsigned place = vmi_bin_place(bin, index);

    if (place < VMI_FRONT) {
        vmi_bins_remove_front(bins, tags, class_index, place);
    } else {
        const uint32_t before = vmi_tag_payload(tag);
        const uint32_t after = tag->extra;
        bin->count--;
        if (before == 0) {
            bin->overflow = after;
        } else {
            vmi_tag_at(tags, before)->extra = after;
        }
        if (after != 0) {
            vmi_tag_at(tags, after)->own = vmi_tag_own(VMI_KIND_HOLE, before);
        }
    }
}

#endif
