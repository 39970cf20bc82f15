/*
 * idmap.h - a map from live identifiers to slots.                     SPDX-License-Identifier: BSD-2-Clause
 *
 * Open addressing with linear probing; a removal shifts its followers back, so that there are no
 * tombstones and a trace of any length needs memory for what is live at once only.
 */
#ifndef VMEM_TOOLS_IDMAP_H
#define VMEM_TOOLS_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vmem_idmap_entry {
    uint64_t id;
    uint32_t slot;
    uint32_t line; /* where the id became live; 0 = the cell is empty */
};

/* Zero-initialised means empty. */
struct vmem_idmap {
    struct vmem_idmap_entry *cells;
    size_t cell_count; /* a power of two, or 0 */
    size_t used_count;
};

/* The entry of an id, or NULL.  Valid until the next change. */
const struct vmem_idmap_entry *vmem_idmap_find(const struct vmem_idmap *map, uint64_t id);

/* Add an id that is not there; line > 0.  Returns false if there is no memory. */
bool vmem_idmap_add(struct vmem_idmap *map, uint64_t id, uint32_t slot, uint32_t line);

/* Remove an id that is there. */
void vmem_idmap_remove(struct vmem_idmap *map, uint64_t id);

void vmem_idmap_dispose(struct vmem_idmap *map);

#endif
