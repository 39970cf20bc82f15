/*
 * mmap_import.c - memory from the system, on demand.               SPDX-License-Identifier: BSD-2-Clause
 *
 * An arena over the process's own memory that begins empty.  When it has no place it calls
 * `map_memory`, and when everything in a mapping is free again it calls `unmap_memory`, with exactly
 * what it got.  Both run without the arena's lock.
 */
#define _DEFAULT_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <vmem/vmem.h>

#define KIB 1024ull
#define MIB (1024 * KIB)

/* What the functions count. */
struct mappings {
    unsigned made;
    unsigned removed;
    vmem_size_t bytes;
};

static void
require(bool is_true, const char *what)
{
    if (!is_true) {
        fprintf(stderr, "mmap_import: %s\n", what);
        exit(1);
    }
}

/*
 * mmap() cannot be told where, so a request that is particular about its place gets what is enough
 * anywhere; if no size is (a window), there is nothing that this source can do.
 */
static int
map_memory(void *arg, const struct vmem_import_request *request, struct vmem_range *span)
{
    struct mappings *mappings = arg;
    const bool is_plain = request->align <= 4 * KIB && request->nocross == 0;
    const vmem_size_t bytes =
        is_plain && request->size_anywhere != 0 ? request->size : request->size_anywhere;
    void *memory;

    if (bytes == 0 || bytes > SIZE_MAX) {
        return ENOMEM;
    }
    memory = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return errno;
    }
    *span = (struct vmem_range){ .start = (uintptr_t)memory, .size = bytes };
    mappings->made++;
    mappings->bytes += bytes;
    return 0;
}

static void
unmap_memory(void *arg, vmem_addr_t start, vmem_size_t size)
{
    struct mappings *mappings = arg;

    require(munmap((void *)(uintptr_t)start, (size_t)size) == 0, "munmap");
    mappings->removed++;
    mappings->bytes -= size;
}

static void
print(const char *when, const struct mappings *mappings)
{
    printf("%s: %u mapped, %u unmapped, %llu KiB are mapped\n", when, mappings->made,
        mappings->removed, (unsigned long long)(mappings->bytes / KIB));
}

int
main(void)
{
    struct mappings mappings = { 0 };
    const struct vmem_options options = { .name = "heap",
        .quantum = 64,
        .import_fn = map_memory,
        .release_fn = unmap_memory,
        .source_arg = &mappings,
        .import_quantum = 256 * KIB, /* a multiple of the page size */
        .import_keep = 1 };
    struct vmem_arena *heap = NULL;
    vmem_addr_t text[100];
    vmem_addr_t table = 0;
    vmem_addr_t none = 0;

    require(vmem_create_with(&options, &heap) == 0, "create");
    for (unsigned i = 0; i < 100; i++) {
        require(vmem_alloc(heap, 1000, VMEM_NOWAIT, &text[i]) == 0, "1000 bytes");
        snprintf((char *)(uintptr_t)text[i], 1000, "text %u", i);
    }
    print("100 small allocations", &mappings);

    require(
        vmem_xalloc(heap, 300 * KIB, 64 * KIB, 0, 0, 0, VMEM_ADDR_MAX, 0, &table) == 0, "table");
    memset((void *)(uintptr_t)table, 0xa5, 300 * KIB);
    require(table % (64 * KIB) == 0, "the table is aligned");
    print("and an aligned table", &mappings);

    require(vmem_xalloc(heap, 64, 0, 0, 0, 0, MIB - 1, 0, &none) == ENOMEM, "nothing lies there");
    require(strcmp((char *)(uintptr_t)text[99], "text 99") == 0, "the texts are untouched");

    vmem_free(heap, table, 300 * KIB);
    for (unsigned i = 0; i < 100; i++) {
        vmem_free(heap, text[i], 1000);
    }
    print("all is free, and one mapping is kept", &mappings);

    require(vmem_destroy(heap) == 0, "something is allocated");
    print("the arena is gone", &mappings);
    require(mappings.bytes == 0, "a mapping was forgotten");
    return 0;
}
