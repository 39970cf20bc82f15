/*
 * adapter_glibc - the C library's malloc.                     SPDX-License-Identifier: BSD-2-Clause
 *
 * Like all malloc baselines: one heap for the process, so that `create` has nothing to do; a
 * quantum is 16 bytes; blocks are never written to.
 */
#include <malloc.h>
#include <stdlib.h>

#include "adapter.h"

static int heap;

static void *
create_heap(uint64_t span_quanta)
{
    (void)span_quanta;
    return &heap;
}

static void
destroy_heap(void *arena)
{
    (void)arena;
    malloc_trim(0);
}

static bool
alloc_bytes(void *arena, uint64_t size, uint64_t *key)
{
    (void)arena;
    *key = (uintptr_t)malloc(size);
    return *key != 0;
}

static bool
alloc_bytes_aligned(void *arena, uint64_t size, uint64_t align, uint64_t *key)
{
    (void)arena;
    *key = (uintptr_t)memalign(align, size);
    return *key != 0;
}

static void
free_bytes(void *arena, uint64_t key, uint64_t size)
{
    (void)arena;
    (void)size;
    free((void *)(uintptr_t)key);
}

const struct bench_adapter bench_glibc = {
    .name = "glibc malloc",
    .what = "malloc/free of the C library",
    .is_thread_safe = true,
    .is_baseline = true,
    .create = create_heap,
    .destroy = destroy_heap,
    .alloc = alloc_bytes,
    .alloc_aligned = alloc_bytes_aligned,
    .free_ = free_bytes,
};
