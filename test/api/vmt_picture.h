/*
 * vmt_picture.h - an arena's picture, to see that nothing changed. SPDX-License-Identifier: BSD-2-Clause
 *
 *     struct vmt_picture before;
 *     vmt_picture_take(&before, arena);
 *     CHECK_U64(vmem_add(arena, 0, 0, 0), ==, EINVAL);
 *     CHECK_UNCHANGED(&before, arena);
 *
 * A picture is what the public functions tell: the walk over spans and segments, the figures and the
 * text of vmem_dump().  Left out is what a refused call may change: the counts of refusals, searches
 * and imports, and the bytes of metadata.
 */
#ifndef VMT_PICTURE_H
#define VMT_PICTURE_H

#include "vmem/vmem.h"
#include "vmt.h"

#define VMT_TEXT_BYTES 8192

/* What a sink received; what does not fit is cut off, but counted. */
struct vmt_text {
    size_t length;
    size_t calls;
    char text[VMT_TEXT_BYTES];
};

struct vmt_picture {
    struct vmem_stats stats;
    uint64_t segments;    /* visited, spans included */
    uint64_t walk_hash;   /* of all that was visited */
    struct vmt_text dump; /* without what a refusal may change */
};

/* The sink; arg is a struct vmt_text, zeroed before its first use. */
vmem_sink_fn vmt_text_sink;

void vmt_picture_take(struct vmt_picture *picture, struct vmem_arena *arena);
void vmt_picture_judge(
    const struct vmt_picture *before, struct vmem_arena *arena, const char *file, int line);
void vmt_intact_judge(struct vmem_arena *arena, const char *file, int line);

/* Check that all invariants hold. */
#define CHECK_INTACT(arena) vmt_intact_judge((arena), __FILE__, __LINE__)

/* Check that the arena looks as it did, and that all invariants hold. */
#define CHECK_UNCHANGED(before, arena) vmt_picture_judge((before), (arena), __FILE__, __LINE__)

#endif
