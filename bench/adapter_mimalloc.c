/*
 * adapter_mimalloc - mimalloc's malloc, loaded at run time.   SPDX-License-Identifier: BSD-2-Clause
 */
#include <stdlib.h>
#include <string.h>

#include "adapter.h"
#include "adapter_dl.h"

static struct bench_malloc_calls calls;

/* A block lies in a region that mimalloc owns; one of the C library does not. */
static bool
keeps_books(void *library)
{
    bool (*owns)(const void *) = NULL;
    void *symbol = bench_dl_symbol(library, "mi_is_in_heap_region");
    void *inside = calls.alloc(100);
    void *outside = malloc(100);

    memcpy(&owns, &symbol, sizeof symbol);
    const bool is_kept = owns != NULL && owns(inside) && !owns(outside);
    calls.free_(inside);
    free(outside);
    return is_kept;
}

static const char *
load(void)
{
    static const char *const names[3] = { "mi_malloc", "mi_free", "mi_memalign" };
    static bool is_tried;
    void *library;

    if (!is_tried) {
        is_tried = true;
        if (bench_dl_load(BENCH_MIMALLOC, names, &calls, &library) && !keeps_books(library)) {
            strcpy(calls.problem, "not used: its own books do not show the calls");
        }
    }
    return calls.problem[0] == '\0' ? NULL : calls.problem;
}

static void *
create_heap(uint64_t span_quanta)
{
    (void)span_quanta;
    return &calls;
}

static void
destroy_heap(void *arena)
{
    (void)arena;
}

static bool
alloc_bytes(void *arena, uint64_t size, uint64_t *key)
{
    (void)arena;
    *key = (uintptr_t)calls.alloc(size);
    return *key != 0;
}

static bool
alloc_bytes_aligned(void *arena, uint64_t size, uint64_t align, uint64_t *key)
{
    (void)arena;
    *key = (uintptr_t)calls.alloc_aligned(align, size);
    return *key != 0;
}

static void
free_bytes(void *arena, uint64_t key, uint64_t size)
{
    (void)arena;
    (void)size;
    calls.free_((void *)(uintptr_t)key);
}

const struct bench_adapter bench_mimalloc = {
    .name = "mimalloc malloc",
    .what = "malloc/free of mimalloc",
    .is_thread_safe = true,
    .is_baseline = true,
    .unavailable = load,
    .create = create_heap,
    .destroy = destroy_heap,
    .alloc = alloc_bytes,
    .alloc_aligned = alloc_bytes_aligned,
    .free_ = free_bytes,
};
