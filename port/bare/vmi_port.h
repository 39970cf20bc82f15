/*
 * vmi_port.h - the bare port: a machine without an operating system.
 *                                                                  SPDX-License-Identifier: BSD-2-Clause
 *
 * One CPU, or arenas that are created with VMEM_NOLOCK and serialised by the kernel.  The kernel
 * provides the functions that are declared here without a body; docs/PORTING.md has a whole example.
 */
#ifndef VMI_PORT_H
#define VMI_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VMI_PORT_ABI 1
#define VMI_PORT_CACHE_LINE 64

/* The statuses that the library returns, for a kernel without an errno.h of its own. */
#ifndef EINVAL
#define ENOENT 2
#define ENOMEM 12
#define EBUSY 16
#define EEXIST 17
#define EINVAL 22
#define ENOSPC 28
#define ENOTSUP 95
#define ETIMEDOUT 110
#endif

void *memcpy(void *to, const void *from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *left, const void *right, size_t bytes);

struct vmi_port_lock {
    bool is_held;
};

static inline void
vmi_port_lock_init(struct vmi_port_lock *lock)
{
    lock->is_held = false;
}

/* With one CPU and interrupts off a held lock can only mean that the holder came back. */
static inline bool
vmi_port_lock_enter(struct vmi_port_lock *lock)
{
    const bool was_free = !lock->is_held;

    lock->is_held = true;
    return was_free;
}

static inline void
vmi_port_lock_exit(struct vmi_port_lock *lock)
{
    lock->is_held = false;
}

static inline bool
vmi_port_lock_held(const struct vmi_port_lock *lock)
{
    return lock->is_held;
}

/* Provided by the kernel. */
void *vmi_port_pages_get(size_t bytes); /* zeroed, aligned to 64; NULL if there is none */
void vmi_port_pages_put(void *memory, size_t bytes);
#define VMI_PORT_PART_BYTES 0 /* what came from pages_get goes back as a whole */
#define VMI_PORT_HAS_WINDOW 0 /* chunks of metadata may lie anywhere */
uint64_t vmi_port_time_ns(void);
uint64_t vmi_port_entropy(void);
_Noreturn void vmi_port_fatal(const char *text);

#endif
