/*
 * adapter_floor - the harness without an allocator.           SPDX-License-Identifier: BSD-2-Clause
 */
#include "adapter.h"

static int nothing;

static void *
create_nothing(uint64_t span_quanta)
{
    (void)span_quanta;
    return &nothing;
}

static void
destroy_nothing(void *arena)
{
    (void)arena;
}

static bool
alloc_nothing(void *arena, uint64_t size, uint64_t *key)
{
    (void)arena;
    *key = size;
    return true;
}

static bool
alloc_nothing_aligned(void *arena, uint64_t size, uint64_t align, uint64_t *key)
{
    (void)arena;
    *key = size ^ align;
    return true;
}

static void
free_nothing(void *arena, uint64_t key, uint64_t size)
{
    (void)arena;
    (void)key;
    (void)size;
}

const struct bench_adapter bench_floor = {
    .name = "harness floor",
    .what = "calls that do nothing: what the harness itself costs",
    .is_thread_safe = true,
    .is_baseline = true,
    .create = create_nothing,
    .destroy = destroy_nothing,
    .alloc = alloc_nothing,
    .alloc_aligned = alloc_nothing_aligned,
    .free_ = free_nothing,
};
