/*
 * audit.h - the arena's state against the replayer's own books.       SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMEM_TOOLS_REPLAY_AUDIT_H
#define VMEM_TOOLS_REPLAY_AUDIT_H

#include "rig.h"

#define REPLAY_AUDIT_BYTES 192

/* What the replayer knows by itself.  Zero-initialised at the start. */
struct replay_books {
    uint64_t alloc_count;
    uint64_t free_count;
    uint64_t fail_count;
    uint64_t live_count;
    vmem_size_t live_size; /* units, rounded */
    bool is_misplaced;     /* an allocation broke its constraint or left the span */
    char misplaced[REPLAY_TEXT_BYTES];
};

/* Does a place obey the request and lie in the span?  Notes the first that does not. */
void replay_books_check_place(struct replay_books *books, const struct replay_plan *plan,
    const struct vmem_trace_op *op, vmem_addr_t addr, vmem_size_t size);

/*
 * Compare everything.
 *
 * Returns   true; false and text[0 .. REPLAY_AUDIT_BYTES-1], the first thing that does not hold
 * Cost      O(n log n), n = segments
 */
bool replay_audit(struct replay_rig *rig, const struct replay_books *books, char *text);

#endif
