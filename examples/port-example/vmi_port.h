/*
 * vmi_port.h - an example port: a kernel with one CPU that turns interrupts off.
 *                                                                  SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMI_PORT_H
#define VMI_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel.h"

#define VMI_PORT_ABI 1
#define VMI_PORT_CACHE_LINE 64

/* This kernel has no errno.h: the statuses that the library returns. */
#define ENOENT 2
#define ENOMEM 12
#define EBUSY 16
#define EEXIST 17
#define EINVAL 22
#define ENOSPC 28
#define ENOTSUP 95

void *memcpy(void *to, const void *from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *left, const void *right, size_t bytes);

struct vmi_port_lock {
    bool is_held;
    bool were_on; /* interrupts, before the lock was entered */
};

static inline void
vmi_port_lock_init(struct vmi_port_lock *lock)
{
    lock->is_held = false;
}

/* One CPU, and interrupts off while it is held: a held lock means that its holder came back. */
static inline bool
vmi_port_lock_enter(struct vmi_port_lock *lock)
{
    const bool were_on = kernel_interrupts_off();

    if (lock->is_held) {
        kernel_interrupts_restore(were_on);
        return false;
    }
    lock->is_held = true;
    lock->were_on = were_on;
    return true;
}

static inline void
vmi_port_lock_exit(struct vmi_port_lock *lock)
{
    lock->is_held = false;
    kernel_interrupts_restore(lock->were_on);
}

static inline bool
vmi_port_lock_held(const struct vmi_port_lock *lock)
{
    return lock->is_held;
}

#define vmi_port_fatal kernel_panic
#define vmi_port_time_ns kernel_uptime_ns
#define vmi_port_entropy kernel_uptime_ns /* nothing better: VMEM_RANDOM wants a seed here */

void *vmi_port_pages_get(size_t bytes);
void vmi_port_pages_put(void *memory, size_t bytes);
#define VMI_PORT_PART_BYTES 0 /* what came from pages_get goes back as a whole */
#define VMI_PORT_HAS_WINDOW 0 /* no virtual memory to reserve */

#endif
