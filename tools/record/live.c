/*
 * live - the live allocations of a recording, by address.         SPDX-License-Identifier: BSD-2-Clause
 *
 * Open addressing with linear probing; at most half full; removal shifts back, so that no
 * tombstones pile up in a long recording.
 */
#include "live.h"

#include <errno.h>
#include <stdlib.h>

#define CAPACITY_FIRST 1024

static size_t
home(const struct vmr_live *live, uint64_t addr)
{
    return (size_t)((addr * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & (live->capacity - 1);
}

/* The slot that holds addr, or the empty one where it belongs. */
static size_t
find(const struct vmr_live *live, uint64_t addr)
{
    size_t at = home(live, addr);

    while (live->entries[at].size_bytes != 0 && live->entries[at].addr != addr) {
        at = (at + 1) & (live->capacity - 1);
    }
    return at;
}

static int
grow(struct vmr_live *live)
{
    struct vmr_live larger = { .capacity =
                                   live->capacity != 0 ? live->capacity * 2 : CAPACITY_FIRST };

    larger.entries = calloc(larger.capacity, sizeof *larger.entries);
    if (larger.entries == NULL) {
        return ENOMEM;
    }
    for (size_t i = 0; i < live->capacity; i++) {
        if (live->entries[i].size_bytes != 0) {
            larger.entries[find(&larger, live->entries[i].addr)] = live->entries[i];
        }
    }
    larger.count = live->count;
    free(live->entries);
    *live = larger;
    return 0;
}

int
vmr_live_add(struct vmr_live *live, const struct vmr_live_entry *entry)
{
    if (live->count >= live->capacity / 2 && grow(live) != 0) {
        return ENOMEM;
    }
    live->entries[find(live, entry->addr)] = *entry;
    live->count++;
    return 0;
}

bool
vmr_live_remove(struct vmr_live *live, uint64_t addr, struct vmr_live_entry *entry)
{
    if (live->count == 0) {
        return false;
    }
    const size_t mask = live->capacity - 1;
    size_t gap = find(live, addr);
    if (live->entries[gap].size_bytes == 0) {
        return false;
    }
    *entry = live->entries[gap];
    for (size_t at = (gap + 1) & mask; live->entries[at].size_bytes != 0; at = (at + 1) & mask) {
        /* Move an entry into the gap unless its home lies after the gap. */
        const size_t start = home(live, live->entries[at].addr);
        if (((at - start) & mask) >= ((at - gap) & mask)) {
            live->entries[gap] = live->entries[at];
            gap = at;
        }
    }
    live->entries[gap].size_bytes = 0;
    live->count--;
    return true;
}

void
vmr_live_fini(struct vmr_live *live)
{
    free(live->entries);
    *live = (struct vmr_live){ 0 };
}
