/*
 * lifecycle.h - an arena begins, is configured, and ends.          SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMI_LIFECYCLE_H
#define VMI_LIFECYCLE_H

#include "engine/arena.h"

/* Begin an arena in storage; `owns`: the storage is the port's pages and goes back in the end. */
VMI_OUTSIDE int vmi_arena_begin(void *storage, size_t storage_bytes, bool owns,
    const struct vmem_options *options, struct vmem_arena **out);

/* 0, or EBUSY: something is allocated, and that was reported. */
VMI_OUTSIDE int vmi_arena_end(struct vmem_arena *arena);

/* Add a static span: see vmem_add(). */
VMI_OUTSIDE int vmi_arena_add(struct vmem_arena *arena, vmem_addr_t start, vmem_size_t size);

/* Set where spans come from: 0, EBUSY or EINVAL.  `source` and the functions exclude each other. */
VMI_OUTSIDE int vmi_arena_set_source(struct vmem_arena *arena, const struct vmi_source *source);

#endif
