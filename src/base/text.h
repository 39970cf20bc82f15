/*
 * text.h - lines of text without stdio and without allocation.     SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMI_TEXT_H
#define VMI_TEXT_H

#include "base/base.h"

enum { VMI_LINE_BYTES = 256 };

/* A line being written.  What does not fit is cut off. */
struct vmi_line {
    size_t length;
    char text[VMI_LINE_BYTES]; /* always terminated */
};

void vmi_line_clear(struct vmi_line *line);
void vmi_line_put(struct vmi_line *line, const char *text);
void vmi_line_hex(struct vmi_line *line, uint64_t value);     /* 0x1f */
void vmi_line_decimal(struct vmi_line *line, uint64_t value); /* 31 */

/* Fill up with spaces to a column. */
void vmi_line_pad(struct vmi_line *line, size_t column);

#endif
