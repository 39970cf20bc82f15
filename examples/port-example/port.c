/*
 * port.c - memory for metadata out of a static pool.               SPDX-License-Identifier: BSD-2-Clause
 *
 * The library asks for powers of two only, so what comes back is kept in one list for each of them.
 */
#include "vmi_port.h"

enum { POOL_BYTES = 256 * 1024, LOG2_COUNT = 24 };

struct block {
    struct block *next;
};

static _Alignas(64) unsigned char pool[POOL_BYTES];
static size_t pool_used;
static struct block *returned[LOG2_COUNT];

static unsigned
log2_of(size_t bytes)
{
    unsigned log2 = 0;

    while (((size_t)1 << log2) < bytes) {
        log2++;
    }
    return log2;
}

void *
vmi_port_pages_get(size_t bytes)
{
    const unsigned log2 = log2_of(bytes);
    const bool were_on = kernel_interrupts_off();
    void *memory = NULL;

    if (log2 < LOG2_COUNT && returned[log2] != NULL) {
        memory = returned[log2];
        returned[log2] = returned[log2]->next;
    } else if (bytes <= POOL_BYTES - pool_used) {
        memory = &pool[pool_used];
        pool_used += (size_t)1 << log2;
    }
    kernel_interrupts_restore(were_on);
    return memory != NULL ? memset(memory, 0, bytes) : NULL;
}

void
vmi_port_pages_put(void *memory, size_t bytes)
{
    const unsigned log2 = log2_of(bytes);
    const bool were_on = kernel_interrupts_off();
    struct block *block = memory;

    block->next = returned[log2];
    returned[log2] = block;
    kernel_interrupts_restore(were_on);
}
