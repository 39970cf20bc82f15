/*
 * adapter_jemalloc - jemalloc's malloc, loaded at run time.   SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "adapter.h"
#include "adapter_dl.h"

static struct bench_malloc_calls calls;

/* The bytes that this thread has allocated, as jemalloc counts them, grow with a call. */
static bool
keeps_books(void *library)
{
    int (*control)(const char *, void *, size_t *, void *, size_t) = NULL;
    void *symbol = bench_dl_symbol(library, "mallctl");
    uint64_t before = 0;
    uint64_t after = 0;
    size_t bytes = sizeof before;

    memcpy(&control, &symbol, sizeof symbol);
    if (control == NULL || control("thread.allocated", &before, &bytes, NULL, 0) != 0) {
        return false;
    }
    calls.free_(calls.alloc(1 << 20));
    return control("thread.allocated", &after, &bytes, NULL, 0) == 0 && after - before >= 1 << 20;
}

static const char *
load(void)
{
    static const char *const names[3] = { "malloc", "free", "memalign" };
    static bool is_tried;
    void *library;

    if (!is_tried) {
        is_tried = true;
        if (bench_dl_load(BENCH_JEMALLOC, names, &calls, &library) && !keeps_books(library)) {
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

const struct bench_adapter bench_jemalloc = {
    .name = "jemalloc malloc",
    .what = "malloc/free of jemalloc",
    .is_thread_safe = true,
    .is_baseline = true,
    .unavailable = load,
    .create = create_heap,
    .destroy = destroy_heap,
    .alloc = alloc_bytes,
    .alloc_aligned = alloc_bytes_aligned,
    .free_ = free_bytes,
};
