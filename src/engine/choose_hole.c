/*
 * choose_hole - the policies; the essay is in choose_hole.h.       SPDX-License-Identifier: BSD-2-Clause
 */
#include "engine/choose_hole.h"

enum {
    FEW_HOLES = 24,    /* an arena with so many holes is scanned rather than indexed */
    LUCKY_BINS = 2,    /* bins whose front may have a lucky place, before a larger class is taken */
    MANY_BINS = 64,    /* and before an index is asked for */
    OWN_TRIES = 32,    /* holes of the request's own class to look at before the index is asked */
    DRAW_TRIES = 16,   /* random numbers drawn for an even one */
    BY_SIZE_TRIES = 64 /* misfits by size before the window is searched by address */
};

static bool
place_in(const struct vmi_request *request, vmem_addr_t start, vmem_size_t size, bool is_high,
    vmem_addr_t *at)
{
    const vmem_addr_t last = start + (size - 1);

    if (size < request->shape.size) {
        return false;
    }
    return is_high ? vmi_fit_highest(start, last, &request->shape, at)
                   : vmi_fit_lowest(start, last, &request->shape, at);
}

static enum vmi_verdict
chosen(
    struct vmi_choice *choice, uint32_t hole, vmem_addr_t start, vmem_size_t size, vmem_addr_t addr)
{
    choice->hole = hole;
    choice->range = (struct vmem_range){ .start = start, .size = size };
    choice->addr = addr;
    choice->has_way = false;
    return VMI_CHOSEN;
}

/* Place in a hole that was chosen because the request fits it. */
static enum vmi_verdict
place_in_hole(const struct vmem_arena *arena, const struct vmi_request *request, uint32_t hole,
    struct vmi_choice *choice)
{
    const struct vmi_tag *tag = vmi_tag(arena, hole);
    vmem_addr_t addr = 0;

    if (!place_in(request, tag->start, tag->size, request->is_high, &addr)) {
        return VMI_NO_PLACE;
    }
    return chosen(choice, hole, tag->start, tag->size, addr);
}

/* -------------------------------------------------------------------------------------------------
 * By a scan of all holes
 * ---------------------------------------------------------------------------------------------- */

/* The best so far. */
struct best {
    uint32_t hole; /* 0 = none */
    vmem_addr_t addr;
    vmem_addr_t start;
    vmem_size_t size;
    bool is_ahead; /* next fit: at or after the cursor */
};

/* Is the candidate better, by the policy's order? */
static bool
is_better(const struct vmi_request *request, const struct best *candidate, const struct best *best)
{
    if (best->hole == 0) {
        return true;
    }
    switch (request->policy) {
    case VMEM_BESTFIT:
        return candidate->size != best->size ? candidate->size < best->size
                                             : candidate->start < best->start;
    case VMEM_NEXTFIT:
        if (candidate->is_ahead != best->is_ahead) {
            return candidate->is_ahead;
        }
        return candidate->start < best->start;
    case VMEM_FIRSTFIT:
        return request->is_high ? candidate->start > best->start : candidate->start < best->start;
    default:
        return candidate->start < best->start;
    }
}

/* Is there a legal place at or after the cursor of next fit? */
static bool
is_ahead(
    const struct vmem_arena *arena, const struct vmi_request *request, const struct vmi_tag *tag)
{
    const vmem_addr_t last = vmi_tag_last(tag);
    const vmem_addr_t from = tag->start > arena->next_fit ? tag->start : arena->next_fit;
    vmem_addr_t ignored;

    return from <= last && vmi_fit_lowest(from, last, &request->shape, &ignored);
}

static void
consider(const struct vmem_arena *arena, const struct vmi_request *request, uint32_t hole,
    struct best *best)
{
    const struct vmi_tag *tag = vmi_tag(arena, hole);
    struct best candidate = { .hole = hole, .start = tag->start, .size = tag->size };

    if (!place_in(request, tag->start, tag->size, request->is_high, &candidate.addr)) {
        return;
    }
    if (request->policy == VMEM_NEXTFIT && is_ahead(arena, request, tag)) {
        candidate.is_ahead = true;
        if (!request->is_high) {
            const vmem_addr_t from = tag->start > arena->next_fit ? tag->start : arena->next_fit;
            (void)vmi_fit_lowest(from, vmi_tag_last(tag), &request->shape, &candidate.addr);
        }
    }
    if (is_better(request, &candidate, best)) {
        *best = candidate;
    }
}

static enum vmi_verdict
by_scan(
    const struct vmem_arena *arena, const struct vmi_request *request, struct vmi_choice *choice)
{
    const struct vmi_bins *bins = &arena->bins;
    struct best best = { 0 };
    unsigned class_index = vmi_bins_class(bins, request->shape.size);

    while ((class_index = vmi_bins_first(bins, class_index)) != VMI_CLASS_NONE) {
        const struct vmi_bin *bin = &bins->bin[class_index];
        for (uint32_t i = vmi_bin_head(bin); i != 0; i = vmi_bin_after(bin, &arena->tags, i)) {
            consider(arena, request, i, &best);
        }
        class_index++;
    }
    return best.hole == 0 ? VMI_NO_PLACE
                          : chosen(choice, best.hole, best.start, best.size, best.addr);
}

/* -------------------------------------------------------------------------------------------------
 * By the indexes
 * ---------------------------------------------------------------------------------------------- */

/* choice->way leads there. */
static enum vmi_verdict
chosen_on_way(struct vmi_choice *choice, const struct vmi_entry *entry, vmem_addr_t addr)
{
    (void)chosen(choice, entry->tag, entry->key, entry->other, addr);
    choice->has_way = true;
    return VMI_CHOSEN;
}

/* The lowest hole with a legal place at or above `from`. */
static enum vmi_verdict
lowest_from(const struct vmem_arena *arena, const struct vmi_request *request, vmem_addr_t from,
    struct vmi_choice *choice)
{
    const struct vmi_order *order = &arena->by_address.order;
    struct vmi_shape shape = request->shape;
    struct vmi_way *way = &choice->way;
    struct vmi_entry entry;
    vmem_addr_t at;
    bool is_there;

    shape.addr_min = from > shape.addr_min ? from : shape.addr_min;
    /* The hole that begins below and may reach in; then those that begin inside. */
    vmi_order_go(order, shape.addr_min, 0, way);
    is_there = vmi_order_here(way, &entry) && entry.other >= shape.size;
    is_there = is_there || vmi_order_next(order, way, shape.size, &entry);
    for (; is_there && entry.key <= shape.addr_max;
         is_there = vmi_order_next(order, way, shape.size, &entry)) {
        if (vmi_fit_lowest(entry.key, entry.key + (entry.other - 1), &shape, &at)) {
            return chosen_on_way(choice, &entry, at);
        }
    }
    return VMI_NO_PLACE;
}

/* The highest hole with a legal place. */
static enum vmi_verdict
highest(
    const struct vmem_arena *arena, const struct vmi_request *request, struct vmi_choice *choice)
{
    const struct vmi_order *order = &arena->by_address.order;
    const struct vmi_shape *shape = &request->shape;
    struct vmi_way *way = &choice->way;
    struct vmi_entry entry;
    vmem_addr_t at;
    bool is_there;

    vmi_order_go(order, shape->addr_max, 0, way);
    is_there = vmi_order_here(way, &entry) && entry.other >= shape->size;
    is_there = is_there || vmi_order_previous(order, way, shape->size, &entry);
    for (; is_there && entry.key + (entry.other - 1) >= shape->addr_min;
         is_there = vmi_order_previous(order, way, shape->size, &entry)) {
        if (vmi_fit_highest(entry.key, entry.key + (entry.other - 1), shape, &at)) {
            return chosen_on_way(choice, &entry, at);
        }
    }
    return VMI_NO_PLACE;
}

static enum vmi_verdict
next_fit(
    const struct vmem_arena *arena, const struct vmi_request *request, struct vmi_choice *choice)
{
    enum vmi_verdict verdict = lowest_from(arena, request, arena->next_fit, choice);

    if (verdict == VMI_NO_PLACE) {
        verdict = lowest_from(arena, request, 0, choice);
    }
    if (verdict == VMI_CHOSEN && request->is_high) {
        verdict = place_in_hole(arena, request, choice->hole, choice);
    }
    return verdict;
}

/* The smallest hole with a legal place among those that the window touches. */
static enum vmi_verdict
best_in_window(
    const struct vmem_arena *arena, const struct vmi_request *request, struct vmi_choice *choice)
{
    const struct vmi_order *order = &arena->by_address.order;
    struct best best = { 0 };
    struct vmi_way way;
    struct vmi_entry entry;

    vmi_order_go(order, request->shape.addr_min, 0, &way);
    if (vmi_order_here(&way, &entry)) {
        consider(arena, request, entry.tag, &best);
    }
    while (vmi_order_next(order, &way, request->shape.size, &entry) &&
        entry.key <= request->shape.addr_max) {
        consider(arena, request, entry.tag, &best);
    }
    return best.hole == 0 ? VMI_NO_PLACE
                          : chosen(choice, best.hole, best.start, best.size, best.addr);
}

static enum vmi_verdict
best_fit(struct vmem_arena *arena, const struct vmi_request *request, struct vmi_choice *choice)
{
    const struct vmi_order *order = &arena->by_size.order;
    unsigned tries = request->is_windowed ? BY_SIZE_TRIES : UINT32_MAX;
    struct vmi_way way;
    struct vmi_entry entry;
    vmem_addr_t at;

    if (arena->by_size.state != VMI_INDEX_READY) {
        choice->index = &arena->by_size;
        return VMI_WANTS_INDEX;
    }
    /* Size 0 does not exist: the place before the first hole of the size is well defined. */
    vmi_order_go(order, request->shape.size - 1, VMEM_ADDR_MAX, &way);
    for (; tries > 0; tries--) {
        if (!vmi_order_next(order, &way, 0, &entry)) {
            return VMI_NO_PLACE;
        }
        if (place_in(request, entry.other, entry.key, request->is_high, &at)) {
            return chosen(choice, entry.tag, entry.other, entry.key, at);
        }
    }
    if (arena->by_address.state != VMI_INDEX_READY) {
        choice->index = &arena->by_address;
        return VMI_WANTS_INDEX;
    }
    return best_in_window(arena, request, choice);
}

static enum vmi_verdict
by_address(struct vmem_arena *arena, const struct vmi_request *request, struct vmi_choice *choice)
{
    enum vmi_verdict verdict;

    if (arena->by_address.state != VMI_INDEX_READY) {
        choice->index = &arena->by_address;
        return VMI_WANTS_INDEX;
    }
    if (request->policy == VMEM_NEXTFIT) {
        return next_fit(arena, request, choice);
    }
    if (request->policy == VMEM_FIRSTFIT && request->is_high) {
        return highest(arena, request, choice);
    }
    verdict = lowest_from(arena, request, 0, choice);
    if (verdict == VMI_CHOSEN && request->is_high) {
        verdict = place_in_hole(arena, request, choice->hole, choice); /* instant fit, windowed */
    }
    return verdict;
}

/* -------------------------------------------------------------------------------------------------
 * Instant fit, by size class
 * ---------------------------------------------------------------------------------------------- */

/*
 * Look at the fronts of the classes that may hold the request, from its own upward, until a hole will
 * do.  *is_sure: every hole that is large enough was looked at.
 */
static enum vmi_verdict
try_luck(const struct vmem_arena *arena, const struct vmi_request *request, unsigned tries,
    struct vmi_choice *choice, bool *is_sure)
{
    const struct vmi_bins *bins = &arena->bins;
    unsigned class_index = vmi_bins_class(bins, request->shape.size);

    *is_sure = true;
    while ((class_index = vmi_bins_first(bins, class_index)) != VMI_CLASS_NONE) {
        const struct vmi_bin *bin = &bins->bin[class_index++];
        if (tries == 0) {
            *is_sure = false;
            break;
        }
        tries--;
        *is_sure = *is_sure && bin->overflow == 0;
        for (unsigned place = 0; place < VMI_FRONT && bin->front[place] != 0; place++) {
            if (place_in_hole(arena, request, bin->front[place], choice) == VMI_CHOSEN) {
                return VMI_CHOSEN;
            }
        }
    }
    return VMI_NO_PLACE;
}

static enum vmi_verdict
instant_shaped(
    struct vmem_arena *arena, const struct vmi_request *request, struct vmi_choice *choice)
{
    const vmem_size_t enough = vmi_fit_sufficient(&request->shape, arena->quantum);
    uint32_t hole;
    bool is_sure;

    if (try_luck(arena, request, LUCKY_BINS, choice, &is_sure) == VMI_CHOSEN) {
        return VMI_CHOSEN;
    }
    hole = vmi_choose_by_class(arena, enough);
    if (hole != 0) {
        return place_in_hole(arena, request, hole, choice);
    }
    arena->searches++;
    if (arena->by_address.state == VMI_INDEX_READY) {
        return by_address(arena, request, choice);
    }
    if (try_luck(arena, request, MANY_BINS, choice, &is_sure) == VMI_CHOSEN) {
        return VMI_CHOSEN;
    }
    return is_sure ? VMI_NO_PLACE : by_address(arena, request, choice);
}

static enum vmi_verdict
instant(struct vmem_arena *arena, const struct vmi_request *request, struct vmi_choice *choice)
{
    const vmem_size_t size = request->shape.size;
    const unsigned own = vmi_bins_class(&arena->bins, size);
    uint32_t hole = vmi_choose_by_class(arena, size);
    bool is_sure;

    if (hole == 0) {
        hole = vmi_bins_search_own(&arena->bins, &arena->tags, own, size, OWN_TRIES, &is_sure);
        if (hole == 0 && !is_sure) {
            /* An adversary's bin.  Ask the index; if it is not there yet, begin to build it for the
               next time, and search on. */
            struct vmi_entry entry;
            arena->searches++;
            if (arena->by_address.state == VMI_INDEX_READY) {
                hole = vmi_order_seek(&arena->by_address.order, 0, 0, size, &entry) ? entry.tag : 0;
            } else {
                vmi_index_want(arena, &arena->by_address);
                hole = vmi_bins_search_own(
                    &arena->bins, &arena->tags, own, size, UINT32_MAX, &is_sure);
            }
        }
    }
    return hole == 0 ? VMI_NO_PLACE : place_in_hole(arena, request, hole, choice);
}

/* xorshift64*: fast, and good enough to make places hard to guess; not for keys. */
static uint64_t
draw(struct vmem_arena *arena)
{
    arena->random ^= arena->random >> 12;
    arena->random ^= arena->random << 25;
    arena->random ^= arena->random >> 27;
    return arena->random * 0x2545f4914f6cdd1du;
}

/* A number below `count`, without a division.  Requires: count > 0. */
static uint64_t
draw_below(struct vmem_arena *arena, uint64_t count)
{
    const uint64_t mask = count > 1 ? UINT64_MAX >> (63 - vmi_log2(count - 1)) : 0;
    uint64_t number = draw(arena) & mask;

    for (unsigned tries = 0; number >= count && tries < DRAW_TRIES; tries++) {
        number = draw(arena) & mask;
    }
    return number < count ? number : number - count; /* the mask is below 2 * count */
}

/* Hardened: any class that suffices, any hole of its front, any aligned place in it. */
static enum vmi_verdict
at_random(struct vmem_arena *arena, const struct vmi_request *request, struct vmi_choice *choice)
{
    const vmem_size_t enough = vmi_fit_sufficient(&request->shape, arena->quantum);
    const unsigned first = vmi_class_sufficient(enough >> arena->quantum_log2);
    const struct vmi_bin *bin;
    const struct vmi_tag *tag;
    vmem_addr_t low = 0;
    vmem_addr_t high = 0;
    unsigned found;
    bool has_low;
    bool has_high;

    if (vmi_bins_first(&arena->bins, first) == VMI_CLASS_NONE) {
        return VMI_NO_PLACE;
    }
    found = vmi_bins_first(
        &arena->bins, first + (unsigned)draw_below(arena, arena->bins.class_count - first));
    if (found == VMI_CLASS_NONE) {
        found = vmi_bins_first(&arena->bins, first);
    }
    bin = &arena->bins.bin[found];
    choice->hole = bin->front[draw_below(arena, bin->count < VMI_FRONT ? bin->count : VMI_FRONT)];
    tag = vmi_tag(arena, choice->hole);
    has_low = place_in(request, tag->start, tag->size, false, &low);
    has_high = place_in(request, tag->start, tag->size, true, &high);
    VMI_NEVER(
        !has_low || !has_high, "FT3: a hole of `enough` units has a place", return VMI_NO_PLACE);
    {
        const unsigned align_log2 = vmi_log2(request->shape.align);
        const vmem_size_t steps = (high - low) >> align_log2;
        const vmem_size_t nocross = request->shape.nocross;
        const vmem_addr_t at =
            low + (draw_below(arena, vmi_add_saturating(steps, 1)) << align_log2);
        const bool crosses_block =
            nocross != 0 && (at ^ (at + (request->shape.size - 1))) >= nocross;
        return chosen(choice, choice->hole, tag->start, tag->size, crosses_block ? low : at);
    }
}

enum vmi_verdict
vmi_choose_hole(struct vmem_arena *arena, const struct vmi_request *request, bool may_scan,
    struct vmi_choice *choice)
{
    if (may_scan) {
        return by_scan(arena, request, choice);
    }
    if (request->policy == VMEM_INSTANTFIT && !request->is_windowed) {
        if (arena->random != 0 && at_random(arena, request, choice) == VMI_CHOSEN) {
            return VMI_CHOSEN;
        }
        return request->is_shaped ? instant_shaped(arena, request, choice)
                                  : instant(arena, request, choice);
    }
    if (arena->hole_count <= FEW_HOLES) {
        return by_scan(arena, request, choice);
    }
    arena->searches++;
    if (request->policy == VMEM_BESTFIT) {
        return best_fit(arena, request, choice);
    }
    return by_address(arena, request, choice);
}
