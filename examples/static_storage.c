/*
 * static_storage.c - an arena before there is any allocator.       SPDX-License-Identifier: BSD-2-Clause
 *
 * Early in a boot there is no malloc and there are no pages.  The arena and the memory for its tags are
 * static, and `tag_memory_only` promises that nothing else is ever asked for.  How much tag memory is
 * enough for so many allocations is known in advance: VMEM_TAG_MEMORY_BYTES.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <vmem/vmem.h>

#define SECTOR 512ull

enum {
    DISK_LOG2 = 20, /* 2^20 sectors */
    FILES_PROMISED = 200,
    FILES_MAX = 20000 /* more than the tags can be enough for */
};

static struct vmem_storage storage;
static _Alignas(64) unsigned char tag_memory[VMEM_TAG_MEMORY_BYTES(FILES_PROMISED, DISK_LOG2)];
static vmem_addr_t file[FILES_MAX];

static void
require(bool is_true, const char *what)
{
    if (!is_true) {
        fprintf(stderr, "static_storage: %s\n", what);
        exit(1);
    }
}

/* Sizes of 1 to 16 sectors, in no particular order. */
static vmem_size_t
size_of_file(unsigned i)
{
    return SECTOR * (1 + i * 7 % 16);
}

int
main(void)
{
    const struct vmem_options options = { .name = "disk",
        .base = 0,
        .size = SECTOR << DISK_LOG2,
        .quantum = SECTOR,
        .tag_memory = tag_memory,
        .tag_memory_bytes = sizeof tag_memory,
        .tag_memory_only = true };
    struct vmem_arena *disk = NULL;
    struct vmem_stats stats;
    unsigned count = 0;

    require(vmem_init_with(&storage, &options, &disk) == 0, "cannot begin the arena");
    require((void *)disk == (void *)&storage, "the arena is the storage");

    /* As many as were promised, and every second one freed: the worst that holes can do. */
    for (; count < FILES_PROMISED; count++) {
        require(vmem_alloc(disk, size_of_file(count), VMEM_NOWAIT, &file[count]) == 0,
            "less than was promised");
    }
    for (unsigned i = 0; i < count; i += 2) {
        vmem_free(disk, file[i], size_of_file(i));
    }
    for (unsigned i = 0; i < count; i += 2) {
        require(vmem_alloc(disk, size_of_file(i), VMEM_NOWAIT, &file[i]) == 0, "the holes remain");
    }
    printf("%u allocations are live, as promised\n", count);

    /* Go on until there are no tags.  There is space enough, and a free needs no tag. */
    while (vmem_alloc(disk, size_of_file(count), VMEM_NOWAIT, &file[count]) == 0) {
        count++;
        require(count < FILES_MAX, "the tags do not run out");
    }
    vmem_stats(disk, &stats);
    require(stats.fails[VMEM_REASON_TAGS] == 1, "the tags ran out, and nothing else");
    printf("then a request is refused: %s\n", vmem_reason_text(VMEM_REASON_TAGS));

    /* More can be given at any time; what is given stays the caller's. */
    {
        static _Alignas(64) unsigned char more[65536];
        require(vmem_add_tags(disk, more, sizeof more) == 0, "cannot add tags");
    }
    require(vmem_alloc(disk, size_of_file(count), VMEM_NOWAIT, &file[count]) == 0, "it goes on");
    count++;
    printf("with more tag memory it goes on\n");

    for (unsigned i = 0; i < count; i++) {
        vmem_free(disk, file[i], size_of_file(i));
    }
    require(vmem_size(disk, VMEM_MAXFREE) == SECTOR << DISK_LOG2, "the disk is one hole again");
    require(vmem_destroy(disk) == 0, "something is allocated");
    printf("all is free again\n");
    return 0;
}
