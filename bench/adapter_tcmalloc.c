/*
 * adapter_tcmalloc - tcmalloc's malloc, loaded at run time.   SPDX-License-Identifier: BSD-2-Clause
 */
#include <string.h>

#include "adapter.h"
#include "adapter_dl.h"

static struct bench_malloc_calls calls;

/* The bytes in use, as tcmalloc counts them, follow a large block that comes and goes. */
static bool
keeps_books(void *library)
{
    int (*property)(const char *, size_t *) = NULL;
    void *symbol = bench_dl_symbol(library, "MallocExtension_GetNumericProperty");
    size_t before = 0;
    size_t after = 0;

    memcpy(&property, &symbol, sizeof symbol);
    if (property == NULL || property("generic.current_allocated_bytes", &before) == 0) {
        return false;
    }
    void *block = calls.alloc(64 << 20);
    const bool is_read = property("generic.current_allocated_bytes", &after) != 0;
    calls.free_(block);
    return is_read && after - before >= 64 << 20;
}

static const char *
load(void)
{
    static const char *const names[3] = { "tc_malloc", "tc_free", "tc_memalign" };
    static bool is_tried;
    void *library;

    if (!is_tried) {
        is_tried = true;
        if (bench_dl_load(BENCH_TCMALLOC, names, &calls, &library) && !keeps_books(library)) {
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

const struct bench_adapter bench_tcmalloc = {
    .name = "tcmalloc malloc",
    .what = "malloc/free of tcmalloc",
    .is_thread_safe = true,
    .is_baseline = true,
    .unavailable = load,
    .create = create_heap,
    .destroy = destroy_heap,
    .alloc = alloc_bytes,
    .alloc_aligned = alloc_bytes_aligned,
    .free_ = free_bytes,
};
