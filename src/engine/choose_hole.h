/*
 * choose_hole.h - where an allocation goes: the policies.          SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. What it is for
 *    Here a hole and a place in it are chosen, but for the common allocation: vmi_alloc_quickly()
 *    (engine/alloc.h) takes the lowest of the front of the first class that suffices by itself, the first
 *    line of VMEM_INSTANTFIT below, and comes here if there is none.  No segment is changed; at most
 *    counters are, bounds that proved slack, and the wish for an index.
 *
 * 2. How it works
 *      VMEM_INSTANTFIT  the lowest of a few holes of the first size class whose members all fit; if
 *                       there is none, the request's own class.  Alignment and nocross first try a few
 *                       holes that may be lucky, then the class in which every hole has a legal place.
 *                       A window asks the index by address.
 *      VMEM_BESTFIT     the index by size, from the request's size upward; in a window, after a number
 *                       of holes outside, the index by address.
 *      VMEM_FIRSTFIT    the index by address, from the window's low end (VMEM_HIGH: high end).
 *      VMEM_NEXTFIT     the index by address, from the cursor, then from the window's low end.
 *
 *    An arena with few holes, or without memory for an index, is scanned: one loop over all holes with
 *    each policy's order spelled out.  That loop is also the easiest to read definition of the policies.
 *
 * 3. Theorem (tested exhaustively)
 *    C1  VMI_NO_PLACE is only answered when no hole has a legal place: every other way ends in a walk
 *        over all holes that are large enough, in one order or another. [P6]
 *
 * 4. Costs
 *    O(1) by size class; O(log holes) a candidate with an index; O(holes) for a scan.
 *
 * 5. Where it comes from
 *    [BA01 4.4.3] instant fit; [KNUTH1 2.5] the others.  First fit is what the name says. [P3]
 */
#ifndef VMI_CHOOSE_HOLE_H
#define VMI_CHOOSE_HOLE_H

#include "engine/request.h"
#include "engine/segments.h"

enum vmi_verdict {
    VMI_CHOSEN,
    VMI_NO_PLACE,
    VMI_WANTS_INDEX /* choice->index should be built first; or ask again with `may_scan` */
};

struct vmi_choice {
    uint32_t hole;
    struct vmem_range range; /* of the hole: its tag may be far away */
    vmem_addr_t addr;
    bool has_way;
    struct vmi_way way; /* to the hole, in the index by address */
    struct vmi_index *index;
};

/* Choose.  `may_scan`: answer by a scan what would want an index. */
enum vmi_verdict vmi_choose_hole(struct vmem_arena *arena, const struct vmi_request *request,
    bool may_scan, struct vmi_choice *choice);

/*
 * The O(1) part, for a request without constraints: the lowest hole in the front of the first class
 * whose members all fit.  0 if there is none, as for the size 0 of what no hole is sure to have.
 */
static inline uint32_t
vmi_choose_by_class(const struct vmem_arena *arena, vmem_size_t size)
{
    const unsigned first = vmi_class_sufficient(size >> arena->quantum_log2);
    const unsigned found = vmi_bins_first(&arena->bins, first);

    if (found == VMI_CLASS_NONE) {
        return 0;
    }
    return arena->bins.bin[found].front[vmi_bin_lowest(&arena->bins.bin[found])];
}

#endif
