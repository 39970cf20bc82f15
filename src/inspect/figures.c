/*
 * figures - sizes, counters, and the state of a unit.              SPDX-License-Identifier: BSD-2-Clause
 */
#include "inspect/inspect.h"

#include "engine/index.h"
#include "engine/quarantine.h"
#include "engine/spans.h"
#include "engine/supply.h"

enum {
    FEW_HOLES = 24 /* so many holes are looked through rather than indexed */
};

/* The largest free range when resting segments count as free: neighbours are added up. */
static vmem_size_t
largest_with_resting(const struct vmem_arena *arena)
{
    vmem_size_t largest = 0;
    vmem_size_t run = 0;

    for (uint32_t index = vmi_tag_next(vmi_tag(arena, arena->root)); index != arena->root;
         index = vmi_tag_next(vmi_tag(arena, index))) {
        const struct vmi_tag *tag = vmi_tag(arena, index);
        run = vmi_tag_is_free(tag) ? run + tag->size : 0;
        largest = run > largest ? run : largest;
    }
    return largest;
}

static vmem_size_t
largest_hole(const struct vmem_arena *arena)
{
    if (arena->quarantine.count != 0) {
        return largest_with_resting(arena);
    }
    if (arena->by_address.state == VMI_INDEX_READY) {
        return vmi_order_largest(&arena->by_address.order);
    }
    return vmi_bins_largest(&arena->bins, &arena->tags);
}

vmem_size_t
vmi_figure(struct vmem_arena *arena, unsigned typemask)
{
    vmem_size_t size = 0;

    if (!vmi_enter(arena)) {
        return 0;
    }
    if (typemask == VMEM_MAXFREE) {
        size = largest_hole(arena);
    } else if (typemask == VMEM_ALLOC) {
        size = arena->inuse;
    } else if (typemask == VMEM_FREE) {
        size = arena->total - arena->inuse;
    } else if (typemask == ((unsigned)VMEM_ALLOC | (unsigned)VMEM_FREE)) {
        size = arena->total;
    }
    vmi_leave(arena);
    return size;
}

void
vmi_stats_read(struct vmem_arena *arena, struct vmem_stats *stats)
{
    *stats = (struct vmem_stats){ 0 };
    if (!vmi_enter(arena)) {
        return;
    }
    stats->quantum = arena->quantum;
    stats->limit = arena->limit;
    stats->total_size = arena->total;
    stats->inuse_size = arena->inuse;
    stats->inuse_peak = arena->inuse_peak;
    stats->imported_size = arena->imported;
    stats->allocs = arena->allocs;
    stats->frees = arena->frees;
    for (unsigned i = 0; i < VMEM_REASON_COUNT; i++) {
        stats->fails[i] = arena->fails[i];
    }
    stats->imports = arena->imports;
    stats->imports_refused = arena->imports_refused;
    stats->imports_returned = arena->imports_returned;
    stats->releases = arena->releases;
    stats->reclaims = arena->reclaims;
    stats->searches = arena->searches;
    stats->scans = arena->scans;
    stats->drains = arena->drains;
    stats->spans = arena->spans.count;
    stats->busy_segments = arena->allocs - arena->frees;
    stats->holes = arena->hole_count;
    stats->quarantined = arena->quarantine.count;
    stats->metadata_bytes = sizeof *arena + arena->supply.bytes;
    stats->is_indexed = arena->by_address.state == VMI_INDEX_READY;
    vmi_leave(arena);
}

bool
vmi_contains(struct vmem_arena *arena, vmem_addr_t addr, vmem_size_t size)
{
    bool is_inside = false;
    vmem_addr_t at = addr;
    vmem_size_t left = size;

    if (size == 0 || !vmi_range_exists(addr, size) || !vmi_enter(arena)) {
        return false;
    }
    /* Imported spans may touch, and stay apart. */
    while (!is_inside) {
        const uint32_t header = vmi_span_of(arena, at);
        vmem_size_t covered;
        if (header == 0) {
            break;
        }
        covered = vmi_tag(arena, header)->size - (at - vmi_tag(arena, header)->start);
        is_inside = covered >= left;
        at += covered;
        left -= covered;
    }
    vmi_leave(arena);
    return is_inside;
}

static bool
is_in_a_hole(const struct vmem_arena *arena, vmem_addr_t addr)
{
    const struct vmi_bins *bins = &arena->bins;
    unsigned class_index = 0;
    struct vmi_entry entry;

    if (arena->by_address.state == VMI_INDEX_READY) {
        return vmi_order_seek_back(&arena->by_address.order, addr, 0, &entry) &&
            addr - entry.key < entry.other;
    }
    while ((class_index = vmi_bins_first(bins, class_index)) != VMI_CLASS_NONE) {
        const struct vmi_bin *bin = &bins->bin[class_index++];
        for (uint32_t i = vmi_bin_head(bin); i != 0; i = vmi_bin_after(bin, &arena->tags, i)) {
            const struct vmi_tag *tag = vmi_tag(arena, i);
            if (addr - tag->start < tag->size) { /* of an address below, it is larger */
                return true;
            }
        }
    }
    return false;
}

enum vmem_state
vmi_state(struct vmem_arena *arena, vmem_addr_t addr)
{
    enum vmem_state state = VMEM_STATE_OUTSIDE;
    struct vmi_slot slot;

    if (!vmi_enter(arena)) {
        return state;
    }
    if (vmi_span_of(arena, addr) != 0) {
        state = VMEM_STATE_BUSY;
        if (vmi_busy_find(&arena->busy, &arena->tags, addr, &slot) == 0) {
            if (arena->hole_count > FEW_HOLES && arena->by_address.state != VMI_INDEX_READY) {
                (void)vmi_index_build(arena, &arena->by_address);
            }
            if (is_in_a_hole(arena, addr) || vmi_quarantine_holds(arena, addr)) {
                state = VMEM_STATE_FREE;
            }
        }
    }
    vmi_leave(arena);
    return state;
}
