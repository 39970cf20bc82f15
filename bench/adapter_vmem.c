/*
 * adapter_vmem - the library, linked statically as shipped.   SPDX-License-Identifier: BSD-2-Clause
 */
#include "adapter_vmem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapter.h"

void
bench_vmem_require(int status, const char *what)
{
    if (status != 0) {
        fprintf(stderr, "vmem-bench: %s: %s\n", what, strerror(status));
        exit(1);
    }
}

struct vmem_arena *
bench_vmem_create(uint64_t span_quanta, unsigned flags)
{
    struct vmem_arena *arena = NULL;

    bench_vmem_require(vmem_create("bench", BENCH_VMEM_BASE, span_quanta * BENCH_QUANTUM,
                           BENCH_QUANTUM, 0, flags, &arena),
        "vmem_create");
    return arena;
}

static void *
create_locked(uint64_t span_quanta)
{
    return bench_vmem_create(span_quanta, 0);
}

static void *
create_nolock(uint64_t span_quanta)
{
    return bench_vmem_create(span_quanta, VMEM_NOLOCK);
}

static void *
create_indexed(uint64_t span_quanta)
{
    return bench_vmem_create(span_quanta, VMEM_NOLOCK | VMEM_INDEXED);
}

static void *
create_best(uint64_t span_quanta)
{
    return bench_vmem_create(span_quanta, VMEM_NOLOCK | VMEM_BESTFIT);
}

static void *
create_first(uint64_t span_quanta)
{
    return bench_vmem_create(span_quanta, VMEM_NOLOCK | VMEM_FIRSTFIT);
}

static void *
create_next(uint64_t span_quanta)
{
    return bench_vmem_create(span_quanta, VMEM_NOLOCK | VMEM_NEXTFIT);
}

static void
destroy_arena(void *arena)
{
    bench_vmem_require(vmem_destroy(arena), "vmem_destroy");
}

static bool
alloc_addr(void *arena, uint64_t size, uint64_t *key)
{
    return vmem_alloc(arena, size, 0, key) == 0;
}

static bool
alloc_addr_aligned(void *arena, uint64_t size, uint64_t align, uint64_t *key)
{
    return vmem_xalloc(arena, size, align, 0, 0, 0, VMEM_ADDR_MAX, 0, key) == 0;
}

static void
free_addr(void *arena, uint64_t key, uint64_t size)
{
    vmem_free(arena, key, size);
}

static bool
alloc_handle(void *arena, uint64_t size, uint64_t *key)
{
    vmem_addr_t addr;

    return vmem_alloc_handle(arena, size, NULL, 0, &addr, key) == 0;
}

static bool
alloc_handle_aligned(void *arena, uint64_t size, uint64_t align, uint64_t *key)
{
    const struct vmem_constraint constraint = { .align = align };
    vmem_addr_t addr;

    return vmem_alloc_handle(arena, size, &constraint, 0, &addr, key) == 0;
}

static void
free_handle(void *arena, uint64_t key, uint64_t size)
{
    (void)size;
    vmem_free_handle(arena, key);
}

static size_t
metadata_bytes(void *arena)
{
    struct vmem_stats stats;

    vmem_stats(arena, &stats);
    return stats.metadata_bytes;
}

#define BY_ADDRESS \
    .destroy = destroy_arena, .alloc = alloc_addr, .alloc_aligned = alloc_addr_aligned, \
    .free_ = free_addr, .metadata_bytes = metadata_bytes
#define BY_HANDLE \
    .destroy = destroy_arena, .alloc = alloc_handle, .alloc_aligned = alloc_handle_aligned, \
    .free_ = free_handle, .metadata_bytes = metadata_bytes

const struct bench_adapter bench_vmem_locked = {
    .name = "vmem address, locked",
    .what = "vmem_alloc/vmem_free, default lock",
    .is_thread_safe = true,
    .create = create_locked,
    BY_ADDRESS,
};

const struct bench_adapter bench_vmem_addr = {
    .name = "vmem address",
    .what = "vmem_alloc/vmem_free, VMEM_NOLOCK",
    .create = create_nolock,
    BY_ADDRESS,
};

const struct bench_adapter bench_vmem_handle = {
    .name = "vmem handle",
    .what = "vmem_alloc_handle/vmem_free_handle, VMEM_NOLOCK",
    .create = create_nolock,
    BY_HANDLE,
};

const struct bench_adapter bench_vmem_handle_locked = {
    .name = "vmem handle, locked",
    .what = "vmem_alloc_handle/vmem_free_handle, default lock",
    .is_thread_safe = true,
    .create = create_locked,
    BY_HANDLE,
};

const struct bench_adapter bench_vmem_indexed = {
    .name = "vmem address, indexed",
    .what = "vmem_alloc/vmem_free, VMEM_NOLOCK and VMEM_INDEXED: address index active",
    .create = create_indexed,
    BY_ADDRESS,
};

const struct bench_adapter bench_vmem_best = {
    .name = "vmem best fit",
    .what = "arena with VMEM_BESTFIT, VMEM_NOLOCK",
    .create = create_best,
    BY_ADDRESS,
};

const struct bench_adapter bench_vmem_first = {
    .name = "vmem lowest fit",
    .what = "arena with VMEM_FIRSTFIT, VMEM_NOLOCK",
    .create = create_first,
    BY_ADDRESS,
};

const struct bench_adapter bench_vmem_next = {
    .name = "vmem next fit",
    .what = "arena with VMEM_NEXTFIT, VMEM_NOLOCK",
    .create = create_next,
    BY_ADDRESS,
};
