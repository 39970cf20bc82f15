/*
 * preload - the heap functions that stand before the program's own.
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 * 1. What it is for
 *    Loaded by LD_PRELOAD, this library sees each call of malloc and its relatives, hands it to the
 *    next definition in the search order (the C library's, or that of an allocator which the
 *    program brought along) and notes what came of it.  The heap stays the program's own.
 *
 * 2. How it works
 *    free:     record, then call.          allocation: call, then record if it succeeded.
 *    realloc:  record the free, call, record the new allocation; if the call failed, cancel the
 *              record of the free.
 *    log.h says why this order makes a trace in which nothing is freed before it is allocated and
 *    no address is reused before it is freed.
 *
 * 3. Calls within calls
 *    Some allocators implement one of these functions by another, through the same symbols that
 *    are intercepted here.  `depth` is not zero inside of a real call; what happens there is
 *    passed on but not recorded, because the outer call is.
 *
 * 4. Finding the real functions
 *    dlsym() may allocate.  As long as it runs, memory comes from a small static arena that is
 *    never reused; a pointer into it may be freed or reallocated like any other.
 */
#include "recorder.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOOK __attribute__((visibility("default")))
#define BOOTSTRAP_BYTES 65536
#define BOOTSTRAP_ALIGN 16

struct real {
    void *(*malloc)(size_t);
    void (*free)(void *);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    void *(*reallocarray)(void *, size_t, size_t);
    int (*posix_memalign)(void **, size_t, size_t);
    void *(*aligned_alloc)(size_t, size_t);
    void *(*memalign)(size_t, size_t);
    void *(*valloc)(size_t);
    void *(*pvalloc)(size_t);
};

static struct real real;
static _Atomic bool is_resolved;
static _Thread_local unsigned depth;    /* > 0: inside of a real call */
static _Thread_local bool is_resolving; /* inside of dlsym() */
static alignas(BOOTSTRAP_ALIGN) char bootstrap[BOOTSTRAP_BYTES];
static _Atomic size_t bootstrap_used;

/* A data pointer is a function pointer wherever there is a dlsym(). */
static void
lookup(void *function, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);

    if (found == NULL) {
        (void)dlerror(); /* the message is not for the program */
    }
    memcpy(function, &found, sizeof found);
}

/* Several threads may do this at once: all find the same. */
static void
resolve(void)
{
    struct real found;

    is_resolving = true;
    lookup(&found.malloc, "malloc");
    lookup(&found.free, "free");
    lookup(&found.calloc, "calloc");
    lookup(&found.realloc, "realloc");
    lookup(&found.reallocarray, "reallocarray");
    lookup(&found.posix_memalign, "posix_memalign");
    lookup(&found.aligned_alloc, "aligned_alloc");
    lookup(&found.memalign, "memalign");
    lookup(&found.valloc, "valloc");
    lookup(&found.pvalloc, "pvalloc");
    is_resolving = false;
    if (found.malloc == NULL || found.free == NULL || found.calloc == NULL ||
        found.realloc == NULL) {
        static const char text[] = "libvmem-record: no malloc to forward to\n";
        (void)!write(STDERR_FILENO, text, sizeof text - 1);
        _exit(127);
    }
    real = found;
    atomic_store_explicit(&is_resolved, true, memory_order_release);
}

/* False inside of dlsym(): then only the bootstrap arena can serve. */
static inline bool
ready(void)
{
    if (__builtin_expect(atomic_load_explicit(&is_resolved, memory_order_acquire), 1)) {
        return true;
    }
    if (is_resolving) {
        return false;
    }
    const int errno_before = errno;
    resolve();
    errno = errno_before;
    return true;
}

static bool
is_bootstrap(const void *ptr)
{
    return (uintptr_t)ptr - (uintptr_t)bootstrap < sizeof bootstrap;
}

/* Zeroed memory, never taken back. */
static void *
bootstrap_alloc(size_t size)
{
    const size_t step = (size + BOOTSTRAP_ALIGN - 1) & ~(size_t)(BOOTSTRAP_ALIGN - 1);

    if (size > sizeof bootstrap) {
        errno = ENOMEM;
        return NULL;
    }
    const size_t start = atomic_fetch_add(&bootstrap_used, step);
    if (start > sizeof bootstrap - step) {
        errno = ENOMEM;
        return NULL;
    }
    return bootstrap + start;
}

static void *
bootstrap_realloc(void *ptr, size_t size)
{
    const size_t room = (size_t)(bootstrap + sizeof bootstrap - (char *)ptr);
    void *moved = malloc(size);

    if (moved != NULL) {
        memcpy(moved, ptr, size < room ? size : room);
    }
    return moved;
}

/* Whether this call is the program's and not part of another; every enter() has its leave(). */
static inline bool
enter(void)
{
    return depth++ == 0;
}

static inline void
leave(void)
{
    depth--;
}

static void *
note(bool is_outer, void *ptr, size_t size, size_t align)
{
    if (is_outer && ptr != NULL) {
        vmr_recorder_alloc(ptr, size, align);
    }
    leave();
    return ptr;
}

/* The alignment that the allocator makes of a number: the next power of two; 0 = none. */
static size_t
align_effective(size_t align)
{
    size_t power = 1;

    while (power < align && power <= SIZE_MAX / 2) {
        power *= 2;
    }
    return power > 1 ? power : 0;
}

HOOK void *
malloc(size_t size)
{
    if (!ready()) {
        return bootstrap_alloc(size);
    }
    const bool is_outer = enter();
    return note(is_outer, real.malloc(size), size, 0);
}

HOOK void *
calloc(size_t count, size_t each)
{
    if (!ready()) {
        return each != 0 && count > SIZE_MAX / each ? NULL : bootstrap_alloc(count * each);
    }
    const bool is_outer = enter();
    /* If the product overflows, the real call fails and it is not used. */
    return note(is_outer, real.calloc(count, each), count * each, 0);
}

HOOK void
free(void *ptr)
{
    if (ptr == NULL || is_bootstrap(ptr) || !ready()) {
        return;
    }
    if (enter()) {
        (void)vmr_recorder_free(ptr);
    }
    real.free(ptr);
    leave();
}

/* Call realloc, or reallocarray if count is not 1, with the free recorded before. */
static void *
reallocate(void *ptr, size_t count, size_t each)
{
    const bool is_outer = enter();
    struct vmr_record *freed = is_outer && ptr != NULL ? vmr_recorder_free(ptr) : NULL;
    const int errno_before = errno;

    errno = 0;
    void *moved = count == 1 ? real.realloc(ptr, each) : real.reallocarray(ptr, count, each);
    /* NULL without an error is how realloc(ptr, 0) says that it was a free. */
    if (moved == NULL && (errno != 0 || (count != 0 && each != 0))) {
        vmr_recorder_cancel(freed);
    }
    if (errno == 0) {
        errno = errno_before;
    }
    return note(is_outer, moved, count * each, 0);
}

HOOK void *
realloc(void *ptr, size_t size)
{
    if (!ready()) {
        return is_bootstrap(ptr) ? bootstrap_realloc(ptr, size) : bootstrap_alloc(size);
    }
    return is_bootstrap(ptr) ? bootstrap_realloc(ptr, size) : reallocate(ptr, 1, size);
}

HOOK void *
reallocarray(void *ptr, size_t count, size_t each)
{
    if (each != 0 && count > SIZE_MAX / each) {
        errno = ENOMEM;
        return NULL;
    }
    if (!ready() || is_bootstrap(ptr) || real.reallocarray == NULL) {
        return realloc(ptr, count * each);
    }
    return reallocate(ptr, count, each);
}

HOOK int
posix_memalign(void **out, size_t align, size_t size)
{
    if (!ready() || real.posix_memalign == NULL) {
        return ENOMEM;
    }
    const bool is_outer = enter();
    const int result = real.posix_memalign(out, align, size);
    (void)note(is_outer, result == 0 ? *out : NULL, size, align_effective(align));
    return result;
}

HOOK void *
aligned_alloc(size_t align, size_t size)
{
    if (!ready() || real.aligned_alloc == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    const bool is_outer = enter();
    return note(is_outer, real.aligned_alloc(align, size), size, align_effective(align));
}

HOOK void *
memalign(size_t align, size_t size)
{
    if (!ready() || real.memalign == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    const bool is_outer = enter();
    return note(is_outer, real.memalign(align, size), size, align_effective(align));
}

HOOK void *
valloc(size_t size)
{
    if (!ready() || real.valloc == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    const bool is_outer = enter();
    return note(is_outer, real.valloc(size), size, (size_t)getpagesize());
}

HOOK void *
pvalloc(size_t size)
{
    if (!ready() || real.pvalloc == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    const size_t page = (size_t)getpagesize();
    const bool is_outer = enter();
    return note(is_outer, real.pvalloc(size), (size + page - 1) & ~(page - 1), page);
}

/* A program that defines malloc itself comes first in the search order, and we are never called. */
__attribute__((constructor)) static void
preload_constructor(void)
{
    Dl_info theirs;
    Dl_info ours;
    void *chosen = dlsym(RTLD_DEFAULT, "malloc");

    if (chosen != NULL && dladdr(chosen, &theirs) != 0 && dladdr(&real, &ours) != 0 &&
        theirs.dli_fbase != ours.dli_fbase) {
        vmr_recorder_own_heap();
    }
}
