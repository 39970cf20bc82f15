/*
 * live.h - the live allocations of a recording, by address.       SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMEM_RECORD_LIVE_H
#define VMEM_RECORD_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vmr_live_entry {
    uint64_t addr;
    uint64_t id;
    uint64_t size_bytes; /* 0 = the slot is empty: sizes in a trace are at least 1 */
};

/* Zero-initialised = empty. */
struct vmr_live {
    struct vmr_live_entry *entries;
    size_t capacity; /* power of two, or 0 */
    size_t count;
};

/* Add an allocation whose address is not live.  Returns 0, or ENOMEM with nothing changed. */
int vmr_live_add(struct vmr_live *live, const struct vmr_live_entry *entry);

/* Remove the allocation at addr.  False, *entry untouched, if there is none. */
bool vmr_live_remove(struct vmr_live *live, uint64_t addr, struct vmr_live_entry *entry);

void vmr_live_fini(struct vmr_live *live);

#endif
