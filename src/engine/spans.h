/*
 * spans.h - what an arena owns: adding spans, merging them, taking them away.
 *                                                                  SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. What it is for
 *    A span is a header tag followed by its segments.  Spans are also kept in address order, so that an
 *    overlap is found in O(log spans) however many there are.
 *
 * 2. How it works
 *    A span that can go back to its source stays apart from its neighbours, whatever touches what.  All
 *    others merge with what they touch, and an allocation may then cross the seam:
 *
 *      [S1][hole]      + touching span  =>  [S1][ ----- hole ----- ]
 *
 *    The new range is put in as if it were an allocation, and then freed: merging holes is done in one
 *    place only (segments.h).
 *
 * 3. Invariants                                                          (checked by vmem_check())
 *    S1  a span's segments fill it, without gap or overlap (checked as I3).
 *    S2  spans are in ascending order and do not overlap.
 *    S3  total is the sum of the spans' sizes, imported of those that were imported (checked as I5).
 */
#ifndef VMI_SPANS_H
#define VMI_SPANS_H

#include "engine/segments.h"

/* Does the arena own a unit of the range?  What lies beyond VMEM_ADDR_MAX is not looked at. */
bool vmi_span_overlaps(const struct vmem_arena *arena, vmem_addr_t start, vmem_size_t size);

/*
 * Could the span be added?  0; EINVAL unaligned or empty; EEXIST overlap; ENOSPC beyond VMEM_ADDR_MAX,
 * or the total beyond that or the limit.  When both hold, EEXIST.
 */
int vmi_span_verdict(const struct vmem_arena *arena, vmem_addr_t start, vmem_size_t size);

/*
 * Add a span.  Requires: the verdict is 0; VMI_TAGS_PER_SPAN tags, bins for its size, and a node for
 * the order of spans are there.  Cannot fail.
 */
void vmi_span_add(struct vmem_arena *arena, vmem_addr_t start, vmem_size_t size, bool is_imported);

/* Is the hole a whole span that can go back? */
bool vmi_span_is_releasable(const struct vmem_arena *arena, const struct vmi_tag *hole);

/* Take a wholly free span away, its hole's tag given. */
void vmi_span_remove(struct vmem_arena *arena, uint32_t hole_index);

/* The header of the span that holds a unit; 0 if none does. */
uint32_t vmi_span_of(const struct vmem_arena *arena, vmem_addr_t addr);

#endif
