/*
 * image.h - the memory of the arenas, saved and restored.          SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. What it is for
 *    An arena and its tag memory lie in one static block, so that a state is saved and restored by a
 *    copy, and all pointers stay valid.
 *
 * 2. How it works
 *    The block is looked at by lines of 64 bytes.  Few of them are ever written; only those, the *hot*
 *    ones, are compared and copied, run by run.  vmx_image_note_hot() finds those that became hot; what
 *    was restored before without them was not restored exactly, and must be done once more.
 *    Where memory comes from supply.h, which knows what is handed out, no line is missed: those of the arena
 *    and of the memory that it has count, and no others.
 *    A waiting state keeps the lines in which it differs from the first one.
 *
 *      vmx_live     where the arenas live         vmx_saved    the state that is being expanded
 *
 * 3. Counters of an arena change with every call and decide nothing: vmx_image_reset_counters() puts
 *    them back, and then "nothing has changed" can be said to the last byte.
 */
#ifndef VMX_IMAGE_H
#define VMX_IMAGE_H

#include "explore.h"

enum {
    VMX_LINE_BYTES = 64,
    VMX_PART_LINES = (int)sizeof(struct vmx_part) / VMX_LINE_BYTES,
    VMX_LINES = VMX_ARENAS_MAX * VMX_PART_LINES
};

struct vmx_line {
    uint64_t word[VMX_LINE_BYTES / 8];
};

/* The same memory, as arenas and by lines. */
union vmx_block {
    struct vmx_part part[VMX_ARENAS_MAX];
    struct vmx_line line[VMX_LINES];
};

extern union vmx_block vmx_live;
extern union vmx_block vmx_saved;

/* Which lines are hot. */
struct vmx_image {
    unsigned arena_count;
    unsigned part_lines; /* of each part, in use */
    unsigned hot_count;
    unsigned run_count;
    unsigned run_lines; /* in all runs */
    bool is_mapped;     /* what is handed out decides which lines matter */
    bool is_careful;    /* compare and restore all lines */
    bool is_hot[VMX_LINES];
    struct vmx_run {
        uint16_t first;
        uint16_t count;
    } run[VMX_LINES / 2 + 1];
};

/* Lines that differ from those of the first state. */
struct vmx_difference {
    uint32_t count;
    struct vmx_numbered_line *line;
};

/* The present state of the block is the first one; so many parts are in use, and bytes of their tags. */
void vmx_image_begin(
    struct vmx_image *image, unsigned arena_count, size_t tag_bytes, bool is_mapped);

/* Keep the present state.  Ends the program for want of memory. */
void vmx_image_keep(struct vmx_image *image, struct vmx_difference *difference);

/* Make a kept state the saved and the live one, and forget it. */
void vmx_image_return_to(struct vmx_image *image, struct vmx_difference *difference);

/* Make the live state the saved one. */
void vmx_image_save(struct vmx_image *image);

/* Make the first state the live one. */
void vmx_image_return_to_first(void);

/* Go back to the saved state. */
void vmx_image_restore(const struct vmx_image *image);

/* Note which lines are written.  True: some that never were before. */
bool vmx_image_note_hot(struct vmx_image *image);

/* Is every hot byte as it was saved?  In careful use: every byte. */
bool vmx_image_is_unchanged(const struct vmx_image *image);

/* Is the same memory handed out as in the saved state? */
bool vmx_image_has_same_map(const struct vmx_image *image);

/* Copy the hot lines of the live state, run_lines of them; and: are they those? */
void vmx_image_copy(const struct vmx_image *image, struct vmx_line *lines);
bool vmx_image_is_like(const struct vmx_image *image, const struct vmx_line *lines);

/* Set the counters of the live arenas to those that were saved. */
void vmx_image_reset_counters(const struct vmx_image *image);

#endif
