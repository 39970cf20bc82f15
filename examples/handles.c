/*
 * handles.c - allocations that are named, not looked up.           SPDX-License-Identifier: BSD-2-Clause
 *
 * A manager of textures keeps a record for each texture anyway.  If the record has the allocation's
 * handle beside its address, freeing needs no lookup.  A handle that was spent is told from a live one,
 * so a record that is released twice is noticed, even if its place was given to another in the meantime.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <vmem/vmem.h>

#define MIB (1024 * 1024ull)

struct texture {
    vmem_addr_t addr;
    vmem_handle_t handle; /* 0 names no allocation */
};

static void
require(bool is_true, const char *what)
{
    if (!is_true) {
        fprintf(stderr, "handles: %s\n", what);
        exit(1);
    }
}

/* A fatal hook that returns: then the offending call has done nothing. */
static void
note_fault(void *arg, const struct vmem_fault *fault)
{
    unsigned *faults = arg;

    (*faults)++;
    printf("noticed: %s arena=%s\n",
        fault->code == VMEM_FAULT_BAD_HANDLE ? "a bad handle," : "freed by address,", fault->arena);
}

static struct texture
load(struct vmem_arena *memory, vmem_size_t size)
{
    const struct vmem_constraint aligned = { .align = MIB };
    struct texture texture = { 0, 0 };

    require(vmem_alloc_handle(memory, size, &aligned, 0, &texture.addr, &texture.handle) == 0,
        "no place for a texture");
    return texture;
}

int
main(void)
{
    struct vmem_arena *memory = NULL;
    struct texture wall;
    struct texture floor_tiles;
    struct texture copy;
    struct vmem_range range;
    unsigned faults = 0;

    vmem_set_fatal_hook(note_fault, &faults);
    require(vmem_create("textures", 0, 256 * MIB, 64 * 1024, 0, 0, &memory) == 0, "create");

    wall = load(memory, 3 * MIB + 1);
    floor_tiles = load(memory, 8 * MIB);
    require(vmem_handle_range(memory, wall.handle, &range) == 0, "the handle is live");
    printf("the wall has %" PRIu64 " KiB from %#" PRIx64 "\n", range.size / 1024, range.start);

    /* Two records of one texture, and both are released. */
    copy = wall;
    vmem_free_handle(memory, wall.handle);
    require(vmem_handle_range(memory, copy.handle, &range) == EINVAL, "the handle is spent");
    vmem_free_handle(memory, copy.handle);
    require(faults == 1, "the second release was not noticed");

    /* The place has a new owner: the old handle does not name it. */
    wall = load(memory, 3 * MIB + 1);
    require(wall.addr == copy.addr && wall.handle != copy.handle, "the same place, another handle");
    vmem_free_handle(memory, copy.handle);
    require(faults == 2, "the stale handle was not noticed");

    /* What has a handle is freed by it alone. */
    vmem_free(memory, floor_tiles.addr, 8 * MIB);
    require(faults == 3, "the free by address was not noticed");

    printf("still live: %" PRIu64 " KiB\n", vmem_size(memory, VMEM_ALLOC) / 1024);
    vmem_free_handle(memory, wall.handle);
    vmem_free_handle(memory, floor_tiles.handle);
    require(vmem_size(memory, VMEM_ALLOC) == 0, "everything is free");
    require(vmem_destroy(memory) == 0, "something is allocated");
    return 0;
}
