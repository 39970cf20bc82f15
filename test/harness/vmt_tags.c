/*
 * vmt_tags - a tag source that counts, checks and fails.          SPDX-License-Identifier: BSD-2-Clause
 *
 * A block lies between a header and a guard, 64 bytes each, in one piece of platform memory:
 *
 *     [ header | guard bytes ][ ---- the library's block ---- ][ guard bytes ]
 *
 * A block is looked for in the list of blocks, and never through the pointer given to put, which
 * may be anything.
 */
#include "vmt_tags.h"

enum {
    SIDE_BYTES = 64,
    BLOCK_BYTES_MIN = 512,
    GUARD = 0xa5,
    FREED = 0xdb,
};

struct vmt_tag_block {
    struct vmt_tag_block *next;
    size_t bytes; /* of the library's block */
};

_Static_assert(sizeof(struct vmt_tag_block) < SIDE_BYTES, "some guard bytes must be left");

static unsigned char *
block_memory(struct vmt_tag_block *block)
{
    return (unsigned char *)block + SIDE_BYTES;
}

static void
fill(unsigned char *memory, size_t bytes, unsigned char value)
{
    for (size_t i = 0; i < bytes; i++) {
        memory[i] = value;
    }
}

static bool
is_filled(const unsigned char *memory, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (memory[i] != GUARD) {
            return false;
        }
    }
    return true;
}

static void
check_guards(struct vmt_tag_block *block)
{
    const unsigned char *before = (const unsigned char *)block + sizeof *block;
    const unsigned char *after = block_memory(block) + block->bytes;

    CHECK(is_filled(before, SIDE_BYTES - sizeof *block));
    CHECK(is_filled(after, SIDE_BYTES));
}

static void *
tags_get(void *arg, size_t bytes)
{
    struct vmt_tags *tags = arg;
    struct vmt_tag_block *block = NULL;

    if (tags->during_get != NULL) {
        tags->during_get(tags->during_get_arg);
    }
    CHECK_U64(bytes, >=, BLOCK_BYTES_MIN);
    CHECK_U64(bytes & (bytes - 1), ==, 0);

    vmt_spin_enter(&tags->spin);
    if (!vmt_fuse_blows(&tags->fuse)) {
        block = vmt_port_get(bytes + (size_t)2 * SIDE_BYTES);
    }
    if (block != NULL) {
        fill((unsigned char *)block, SIDE_BYTES, GUARD);
        fill(block_memory(block), bytes, 0);
        fill(block_memory(block) + bytes, SIDE_BYTES, GUARD);
        *block = (struct vmt_tag_block){ .next = tags->blocks, .bytes = bytes };
        tags->blocks = block;
        tags->live_count++;
        tags->live_bytes += bytes;
        if (tags->peak_bytes < tags->live_bytes) {
            tags->peak_bytes = tags->live_bytes;
        }
    }
    vmt_spin_exit(&tags->spin);
    return block != NULL ? block_memory(block) : NULL;
}

/* Take the block that begins at `memory` from the list.  NULL if there is none. */
static struct vmt_tag_block *
take_block_locked(struct vmt_tags *tags, const void *memory)
{
    for (struct vmt_tag_block **link = &tags->blocks; *link != NULL; link = &(*link)->next) {
        struct vmt_tag_block *block = *link;

        if (block_memory(block) == memory) {
            *link = block->next;
            tags->live_count--;
            tags->live_bytes -= block->bytes;
            return block;
        }
    }
    return NULL;
}

static void
give_to_platform(struct vmt_tag_block *block)
{
    const size_t bytes = block->bytes + (size_t)2 * SIDE_BYTES;

    check_guards(block);
    fill((unsigned char *)block, bytes, FREED);
    vmt_port_put(block, bytes);
}

static void
tags_put(void *arg, void *memory, size_t bytes)
{
    struct vmt_tags *tags = arg;
    struct vmt_tag_block *block;

    vmt_spin_enter(&tags->spin);
    tags->puts++;
    block = take_block_locked(tags, memory);
    vmt_spin_exit(&tags->spin);

    vmt_count_check();
    if (block == NULL) {
        FAIL("tags.put of memory that is not out");
        return;
    }
    CHECK_U64(bytes, ==, block->bytes);
    give_to_platform(block);
}

void
vmt_tags_init(struct vmt_tags *tags)
{
    *tags = (struct vmt_tags){ .puts = 0 };
    tags->source = (struct vmem_tag_source){ .get = tags_get, .put = tags_put, .arg = tags };
}

void
vmt_tags_fini(struct vmt_tags *tags)
{
    CHECK_U64(tags->live_count, ==, 0);
    while (tags->blocks != NULL) {
        give_to_platform(take_block_locked(tags, block_memory(tags->blocks)));
    }
    CHECK_U64(tags->live_bytes, ==, 0);
}
