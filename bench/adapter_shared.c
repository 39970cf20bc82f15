/*
 * adapter_shared - the library as a shared object.            SPDX-License-Identifier: BSD-2-Clause
 *
 * The same calls through the dynamic linker's indirection and position-independent code.  The
 * shared library is looked for beside the program, where the build leaves it.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adapter.h"
#include "adapter_dl.h"
#include "adapter_vmem.h"

static struct {
    int (*create)(const char *, vmem_addr_t, vmem_size_t, vmem_size_t, vmem_size_t, unsigned,
        struct vmem_arena **);
    int (*destroy)(struct vmem_arena *);
    int (*alloc)(struct vmem_arena *, vmem_size_t, unsigned, vmem_addr_t *);
    void (*free_)(struct vmem_arena *, vmem_addr_t, vmem_size_t);
} calls;

static bool
find(void *library, const char *name, void *call)
{
    void *symbol = bench_dl_symbol(library, name);

    memcpy(call, &symbol, sizeof symbol);
    return symbol != NULL;
}

static const char *
load_beside(void)
{
    char path[4096];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 32);

    if (length <= 0) {
        return "not loaded: where the program lies is unknown";
    }
    path[length] = '\0';
    strcpy(strrchr(path, '/') + 1, "libopenvmem.so");
    void *library = bench_dl_open(path);
    if (library == NULL) {
        return "not built: no libopenvmem.so beside the program";
    }
    if (!find(library, "vmem_create", &calls.create) ||
        !find(library, "vmem_destroy", &calls.destroy) ||
        !find(library, "vmem_alloc", &calls.alloc) || !find(library, "vmem_free", &calls.free_)) {
        return "not loaded: libopenvmem.so lacks a call";
    }
    return NULL;
}

static const char *
load(void)
{
    static bool is_tried;
    static const char *problem;

    if (!is_tried) {
        is_tried = true;
        problem = load_beside();
    }
    return problem;
}

static void *
create_nolock(uint64_t span_quanta)
{
    struct vmem_arena *arena = NULL;

    bench_vmem_require(calls.create("bench", BENCH_VMEM_BASE, span_quanta * BENCH_QUANTUM,
                           BENCH_QUANTUM, 0, VMEM_NOLOCK, &arena),
        "vmem_create of the shared library");
    return arena;
}

static void
destroy_arena(void *arena)
{
    bench_vmem_require(calls.destroy(arena), "vmem_destroy of the shared library");
}

static bool
alloc_addr(void *arena, uint64_t size, uint64_t *key)
{
    return calls.alloc(arena, size, 0, key) == 0;
}

static void
free_addr(void *arena, uint64_t key, uint64_t size)
{
    calls.free_(arena, key, size);
}

const struct bench_adapter bench_vmem_shared = {
    .name = "vmem address, shared lib",
    .what = "as \"vmem address\", from libopenvmem.so",
    .unavailable = load,
    .create = create_nolock,
    .destroy = destroy_arena,
    .alloc = alloc_addr,
    .free_ = free_addr,
};
