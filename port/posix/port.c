/*
 * port.c - the POSIX port: locks, pages, time and the end of the process.
 *                                                                  SPDX-License-Identifier: BSD-2-Clause
 */
#define _GNU_SOURCE
#include "vmi_port.h"

#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CONTENDED 1u

enum {
    SPINS_MAX = 100, /* about 1 us: longer than any O(1) operation holds the lock */
};

_Thread_local uint32_t vmi_port_self;

/* Numbers wrap after 2^31 threads; 0 is skipped. */
static _Atomic uint32_t last_self;

static void
relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

static void
number_this_thread(void)
{
    do {
        vmi_port_self = (atomic_fetch_add(&last_self, 1) + 1) & 0x7fffffffu;
    } while (vmi_port_self == 0);
}

static bool
try_enter(struct vmi_port_lock *lock, uint32_t mark)
{
    uint32_t free_word = 0;

    return atomic_compare_exchange_strong_explicit(&lock->word, &free_word,
        vmi_port_self << 1 | mark, memory_order_acquire, memory_order_relaxed);
}

bool
vmi_port_lock_enter_slow(struct vmi_port_lock *lock)
{
    if (vmi_port_self == 0) {
        number_this_thread();
    }
    for (int spin = 0; spin < SPINS_MAX; spin++) {
        const uint32_t seen = atomic_load_explicit(&lock->word, memory_order_relaxed);
        if (seen == 0 && try_enter(lock, 0)) {
            return true;
        }
        if (seen >> 1 == vmi_port_self) {
            return false;
        }
        relax();
    }
    /* Others may sleep too: whoever gets the lock here leaves it marked, and wakes one more. */
    while (!try_enter(lock, CONTENDED)) {
        uint32_t seen = atomic_load_explicit(&lock->word, memory_order_relaxed);
        if (seen == 0) {
            continue;
        }
        if ((seen & CONTENDED) == 0 &&
            !atomic_compare_exchange_strong_explicit(
                &lock->word, &seen, seen | CONTENDED, memory_order_relaxed, memory_order_relaxed)) {
            continue;
        }
        (void)syscall(SYS_futex, &lock->word, FUTEX_WAIT_PRIVATE, seen | CONTENDED, NULL, NULL, 0);
    }
    return true;
}

void
vmi_port_lock_wake(struct vmi_port_lock *lock)
{
    (void)syscall(SYS_futex, &lock->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void *
vmi_port_pages_get(size_t bytes)
{
    void *memory = mmap(
        NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return memory == MAP_FAILED ? NULL : memory;
}

void
vmi_port_pages_put(void *memory, size_t bytes)
{
    (void)munmap(memory, bytes);
}

void *
vmi_port_window_get(size_t bytes)
{
    void *window = vmi_port_pages_get(bytes);

    if (window != NULL) {
        /* A huge page would be zeroed at its first touch, in the middle of an allocation. */
        (void)madvise(window, bytes, MADV_NOHUGEPAGE);
    }
    return window;
}

void
vmi_port_window_put(void *window, size_t bytes)
{
    vmi_port_pages_put(window, bytes);
}

void
vmi_port_window_drop(void *part, size_t bytes)
{
    if (madvise(part, bytes, MADV_DONTNEED) != 0) {
        memset(part, 0, bytes); /* not a multiple of this machine's pages */
    }
}

uint64_t
vmi_port_time_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t
vmi_port_entropy(void)
{
    uint64_t value = 0;

    if (getrandom(&value, sizeof value, GRND_NONBLOCK) != (ssize_t)sizeof value) {
        value = vmi_port_time_ns();
    }
    return value;
}

_Noreturn void
vmi_port_fatal(const char *text)
{
    ssize_t written = write(STDERR_FILENO, text, strlen(text));

    written += write(STDERR_FILENO, "\n", 1);
    (void)written;
    abort();
}
