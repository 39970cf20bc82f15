/*
 * vmt_picture - the picture of an arena; see vmt_picture.h.        SPDX-License-Identifier: BSD-2-Clause
 */
#include "vmt_picture.h"

#include <string.h>

enum { REMOVED_BYTES_MAX = 1024 };

static const unsigned all_types = (unsigned)VMEM_SPAN | (unsigned)VMEM_ALLOC | (unsigned)VMEM_FREE;

void
vmt_text_sink(void *arg, const char *text, size_t length)
{
    struct vmt_text *out = arg;

    out->calls++;
    for (size_t i = 0; i < length; i++) {
        if (out->length + 1 < VMT_TEXT_BYTES) {
            out->text[out->length++] = text[i];
        }
    }
    out->text[out->length] = '\0';
}

static void
add_to_hash(uint64_t *hash, uint64_t value)
{
    *hash = (*hash ^ value) * 0x100000001b3u;
    *hash ^= *hash >> 29;
}

static bool
add_segment(void *arg, const struct vmem_segment *segment)
{
    struct vmt_picture *picture = arg;

    picture->segments++;
    add_to_hash(&picture->walk_hash, segment->start);
    add_to_hash(&picture->walk_hash, segment->size);
    add_to_hash(&picture->walk_hash, segment->type);
    add_to_hash(&picture->walk_hash, segment->imported);
    return true;
}

/* Remove the lines that contain `part`. */
static void
remove_lines(struct vmt_text *text, const char *part)
{
    char *at;

    while ((at = strstr(text->text, part)) != NULL) {
        char *end = strchr(at, '\n');
        while (at > text->text && at[-1] != '\n') {
            at--;
        }
        end = end != NULL ? end + 1 : text->text + text->length;
        memmove(at, end, (size_t)(text->text + text->length - end) + 1);
        text->length -= (size_t)(end - at);
    }
}

void
vmt_picture_take(struct vmt_picture *picture, struct vmem_arena *arena)
{
    memset(picture, 0, sizeof *picture);
    vmem_stats(arena, &picture->stats);
    vmem_walk(arena, all_types, add_segment, picture);
    vmem_dump(arena, vmt_text_sink, &picture->dump);
    remove_lines(&picture->dump, "  refused ");
    remove_lines(&picture->dump, "  metadata bytes ");
    picture->dump.text[VMT_TEXT_BYTES - REMOVED_BYTES_MAX] =
        '\0'; /* where a long one may be cut off */
}

#define SAME(field) \
    (void)vmt_check_u64((uint64_t)before->stats.field == (uint64_t)now.stats.field, \
        (uint64_t)before->stats.field, (uint64_t)now.stats.field, file, line, \
        "unchanged: " #field)

void
vmt_picture_judge(
    const struct vmt_picture *before, struct vmem_arena *arena, const char *file, int line)
{
    static struct vmt_picture now; /* large; pictures are for one thread */

    vmt_picture_take(&now, arena);
    SAME(quantum);
    SAME(limit);
    SAME(total_size);
    SAME(inuse_size);
    SAME(inuse_peak);
    SAME(imported_size);
    SAME(allocs);
    SAME(frees);
    SAME(spans);
    SAME(busy_segments);
    SAME(holes);
    SAME(quarantined);
    (void)vmt_check_u64(before->segments == now.segments, before->segments, now.segments, file,
        line, "unchanged: segments visited");
    (void)vmt_check(before->walk_hash == now.walk_hash, file, line, "unchanged: the walk");
    (void)vmt_check_str(before->dump.text, now.dump.text, file, line, "unchanged: the dump");
    vmt_intact_judge(arena, file, line);
}

void
vmt_intact_judge(struct vmem_arena *arena, const char *file, int line)
{
    struct vmem_violation violation = { .invariant = "vmem_check() named none" };

    vmt_count_check();
    if (!vmem_check(arena, &violation)) {
        vmt_fail_u64(violation.addr, violation.found, file, line, violation.invariant);
    }
}
