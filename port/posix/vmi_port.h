/*
 * vmi_port.h - the POSIX port: what the core needs from a Linux process.
 *                                                                  SPDX-License-Identifier: BSD-2-Clause
 *
 * The contract that every port meets is docs/PORTING.md.  Compile-time choices are macros and inline
 * functions here, the rest is port/posix/port.c.
 *
 * The lock is one word: 0 = free, else owner << 1 | contended.  The uncontended path is one atomic
 * each way; a contender spins briefly, then sleeps in the kernel.  The owner's number makes a thread
 * that enters twice detectable at no cost, because only the slow path looks at it.
 */
#ifndef VMI_PORT_H
#define VMI_PORT_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VMI_PORT_ABI 1
#define VMI_PORT_CACHE_LINE 64

struct vmi_port_lock {
    _Atomic uint32_t word;
};

/* This thread's number; 0 until it first enters a lock. */
extern _Thread_local uint32_t vmi_port_self __attribute__((tls_model("initial-exec")));

/* Give this thread a number, spin or sleep until the lock is free.  False: this thread has it. */
bool vmi_port_lock_enter_slow(struct vmi_port_lock *lock);

/* Wake one sleeper. */
void vmi_port_lock_wake(struct vmi_port_lock *lock);

static inline void
vmi_port_lock_init(struct vmi_port_lock *lock)
{
    atomic_init(&lock->word, 0);
}

/* Returns false, without waiting, if the calling thread holds the lock already. */
static inline bool
vmi_port_lock_enter(struct vmi_port_lock *lock)
{
    uint32_t free_word = 0;
    const uint32_t self = vmi_port_self;

    if (__builtin_expect(self != 0, 1) &&
        __builtin_expect(atomic_compare_exchange_strong_explicit(&lock->word, &free_word, self << 1,
                             memory_order_acquire, memory_order_relaxed),
            1)) {
        return true;
    }
    return vmi_port_lock_enter_slow(lock);
}

static inline void
vmi_port_lock_exit(struct vmi_port_lock *lock)
{
    if (__builtin_expect(
            (atomic_exchange_explicit(&lock->word, 0, memory_order_release) & 1) != 0, 0)) {
        vmi_port_lock_wake(lock);
    }
}

static inline bool
vmi_port_lock_held(const struct vmi_port_lock *lock)
{
    return atomic_load_explicit(&lock->word, memory_order_relaxed) >> 1 == vmi_port_self;
}

/* Zeroed memory for metadata, aligned to its size or to a page; NULL if there is none. */
void *vmi_port_pages_get(size_t bytes);
void vmi_port_pages_put(void *memory, size_t bytes);

/* Memory may be put back in parts, of so many bytes at a time: a large one takes long. */
#define VMI_PORT_PART_BYTES 16384

/*
 * A window: address space in which memory appears, zeroed, where it is touched, and from which parts
 * can be dropped again.  What lies in one window is reached by one addition.  NULL: none to be had.
 */
#define VMI_PORT_HAS_WINDOW 1
void *vmi_port_window_get(size_t bytes);
void vmi_port_window_put(void *window, size_t bytes);
void vmi_port_window_drop(void *part, size_t bytes);

/* Monotonic time, and a number that differs from run to run. */
uint64_t vmi_port_time_ns(void);
uint64_t vmi_port_entropy(void);

/* Print one line to the error stream and end the process. */
_Noreturn void vmi_port_fatal(const char *text);

#endif
