/*
 * image - the memory of the arenas; the essay is in image.h.       SPDX-License-Identifier: BSD-2-Clause
 */
#include "image.h"

#include "engine/arena.h"

#include <stdlib.h>

enum { GAP_MAX = 3 /* lines */ };

union vmx_block vmx_live;
union vmx_block vmx_saved;
static union vmx_block first;

struct vmx_numbered_line {
    struct vmx_line line;
    unsigned number;
};

_Static_assert(sizeof(struct vmx_part) % VMX_LINE_BYTES == 0, "a part is made of lines");

void
vmx_image_begin(struct vmx_image *image, unsigned arena_count, size_t tag_bytes, bool is_mapped)
{
    const size_t bytes = offsetof(struct vmx_part, tags) + tag_bytes;

    *image = (struct vmx_image){ .arena_count = arena_count,
        .is_mapped = is_mapped,
        .part_lines = (unsigned)(bytes / VMX_LINE_BYTES) };
    first = vmx_live;
}

/* Copy all lines that are in use. */
static void
copy_all(const struct vmx_image *image, union vmx_block *to, const union vmx_block *from)
{
    for (unsigned i = 0; i < image->arena_count; i++) {
        (void)memcpy(&to->part[i], &from->part[i], image->part_lines * sizeof(struct vmx_line));
    }
}

/* The line after this one, of those in use. */
static unsigned
next_line(const struct vmx_image *image, unsigned line)
{
    line++;
    return line % VMX_PART_LINES < image->part_lines
        ? line
        : line - line % VMX_PART_LINES + VMX_PART_LINES;
}

static unsigned
line_end(const struct vmx_image *image)
{
    return image->arena_count * VMX_PART_LINES;
}

static bool
is_as_first(unsigned number)
{
    return memcmp(&vmx_live.line[number], &first.line[number], VMX_LINE_BYTES) == 0;
}

/* Does the line matter, in that state of the block? */
static bool
matters(const struct vmx_image *image, const union vmx_block *block, unsigned number)
{
    const struct vmx_part *part = &block->part[number / VMX_PART_LINES];
    const unsigned first_tag = (unsigned)offsetof(struct vmx_part, tags) / VMX_LINE_BYTES;
    const unsigned at = number % VMX_PART_LINES;

    if (!image->is_mapped) {
        return image->is_hot[number];
    }
    return at < first_tag ||
        (part->used[(at - first_tag) / 64] >> ((at - first_tag) % 64) & 1) != 0;
}

void
vmx_image_keep(struct vmx_image *image, struct vmx_difference *difference)
{
    unsigned count = 0;

    (void)vmx_image_note_hot(image);
    for (unsigned i = 0; i < line_end(image); i = next_line(image, i)) {
        count += matters(image, &vmx_live, i) && !is_as_first(i) ? 1 : 0;
    }
    *difference =
        (struct vmx_difference){ .line = malloc((count + 1) * sizeof difference->line[0]) };
    if (difference->line == NULL) {
        abort();
    }
    for (unsigned i = 0; i < line_end(image); i = next_line(image, i)) {
        if (matters(image, &vmx_live, i) && !is_as_first(i)) {
            difference->line[difference->count].line = vmx_live.line[i];
            difference->line[difference->count++].number = i;
        }
    }
}

/* One run is quicker than two with little between them. */
static void
make_runs(struct vmx_image *image)
{
    struct vmx_run *last = NULL;

    image->run_count = 0;
    image->run_lines = 0;
    for (unsigned i = 0; i < line_end(image); i = next_line(image, i)) {
        if (!matters(image, &vmx_saved, i)) {
            continue;
        }
        if (last != NULL && i - (last->first + last->count) <= GAP_MAX) {
            last->count = (uint16_t)(i + 1 - last->first);
        } else {
            last = &image->run[image->run_count++];
            *last = (struct vmx_run){ (uint16_t)i, 1 };
        }
    }
    for (unsigned i = 0; i < image->run_count; i++) {
        image->run_lines += image->run[i].count;
    }
}

void
vmx_image_return_to(struct vmx_image *image, struct vmx_difference *difference)
{
    copy_all(image, &vmx_saved, &first);
    for (uint32_t i = 0; i < difference->count; i++) {
        vmx_saved.line[difference->line[i].number] = difference->line[i].line;
    }
    free(difference->line);
    copy_all(image, &vmx_live, &vmx_saved);
    make_runs(image);
}

void
vmx_image_save(struct vmx_image *image)
{
    copy_all(image, &vmx_saved, &vmx_live);
    make_runs(image);
}

void
vmx_image_return_to_first(void)
{
    vmx_live = first;
}

void
vmx_image_reset_counters(const struct vmx_image *image)
{
    const size_t from = offsetof(struct vmem_arena, fails);
    const size_t bytes = offsetof(struct vmem_arena, policy) - from; /* `fails` to `drains` */

    for (unsigned i = 0; i < image->arena_count; i++) {
        (void)memcpy(
            &vmx_live.part[i].storage.bytes[from], &vmx_saved.part[i].storage.bytes[from], bytes);
    }
}

void
vmx_image_restore(const struct vmx_image *image)
{
    if (image->is_careful) {
        copy_all(image, &vmx_live, &vmx_saved);
        return;
    }
    for (unsigned i = 0; i < image->run_count; i++) {
        const unsigned from = image->run[i].first;
        (void)memcpy(&vmx_live.line[from], &vmx_saved.line[from],
            image->run[i].count * sizeof(struct vmx_line));
    }
    vmx_image_reset_counters(image); /* they may lie in lines that are not hot */
}

bool
vmx_image_note_hot(struct vmx_image *image)
{
    const unsigned before = image->hot_count;

    if (image->is_mapped) {
        return false;
    }
    for (unsigned i = 0; i < line_end(image); i = next_line(image, i)) {
        if (!image->is_hot[i] && !is_as_first(i)) {
            image->is_hot[i] = true;
            image->hot_count++;
        }
    }
    if (image->hot_count != before) {
        make_runs(image);
    }
    return image->hot_count != before;
}

static bool
are_same(const struct vmx_line *a, const struct vmx_line *b, unsigned count)
{
    return memcmp(a, b, count * sizeof a[0]) == 0;
}

bool
vmx_image_is_unchanged(const struct vmx_image *image)
{
    if (image->is_careful) {
        bool is_same = true;
        for (unsigned i = 0; i < image->arena_count; i++) {
            is_same = is_same &&
                memcmp(&vmx_live.part[i], &vmx_saved.part[i],
                    image->part_lines * sizeof(struct vmx_line)) == 0;
        }
        return is_same;
    }
    for (unsigned i = 0; i < image->run_count; i++) {
        const struct vmx_run run = image->run[i];
        if (!are_same(&vmx_live.line[run.first], &vmx_saved.line[run.first], run.count)) {
            return false;
        }
    }
    return true;
}

bool
vmx_image_has_same_map(const struct vmx_image *image)
{
    bool is_same = true;

    for (unsigned i = 0; i < image->arena_count; i++) {
        is_same = is_same &&
            memcmp(vmx_live.part[i].used, vmx_saved.part[i].used, sizeof vmx_live.part[i].used) ==
                0;
    }
    return is_same;
}

void
vmx_image_copy(const struct vmx_image *image, struct vmx_line *lines)
{
    for (unsigned i = 0; i < image->run_count; i++) {
        const struct vmx_run run = image->run[i];
        (void)memcpy(lines, &vmx_live.line[run.first], run.count * sizeof lines[0]);
        lines += run.count;
    }
}

bool
vmx_image_is_like(const struct vmx_image *image, const struct vmx_line *lines)
{
    for (unsigned i = 0; i < image->run_count; i++) {
        const struct vmx_run run = image->run[i];
        if (!are_same(lines, &vmx_live.line[run.first], run.count)) {
            return false;
        }
        lines += run.count;
    }
    return true;
}
