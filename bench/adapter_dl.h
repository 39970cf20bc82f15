/*
 * adapter_dl.h - baselines that are loaded, not linked.       SPDX-License-Identifier: BSD-2-Clause
 *
 * Two allocators linked into one program would fight for the name malloc.  Each is therefore loaded
 * with its symbols kept to itself, and a subject is used only after it has proved that its calls
 * land in the library that they should: by the file that the address belongs to, and by the
 * allocator's own books.
 */
#ifndef BENCH_ADAPTER_DL_H
#define BENCH_ADAPTER_DL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_PROBLEM_BYTES 160

struct bench_malloc_calls {
    void *(*alloc)(size_t bytes);
    void (*free_)(void *memory);
    void *(*alloc_aligned)(size_t align, size_t bytes);
    char problem[BENCH_PROBLEM_BYTES]; /* why they cannot be used; "" if they can */
};

/*
 * Load `path` and find the three calls by name.  Returns false, and calls->problem says why, if it
 * cannot be done.  *library is the handle for further symbols.
 */
bool bench_dl_load(
    const char *path, const char *const names[3], struct bench_malloc_calls *calls, void **library);

/*
 * Open a library with its symbols kept to itself and bound to itself.  NULL if that fails, and
 * always in a build with sanitizers, which cannot have it.
 */
void *bench_dl_open(const char *path);

/* The address of a symbol, or NULL, as a pointer to be copied into a function pointer. */
void *bench_dl_symbol(void *library, const char *name);

/*
 * Libraries with much thread-local data, jemalloc above all, can be loaded only if room for it was
 * reserved when the program started.  Starts the program again with that room if it was not.
 */
void bench_dl_reserve(char **argv);

#endif
