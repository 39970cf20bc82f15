/*
 * text - lines of text without stdio and without allocation.       SPDX-License-Identifier: BSD-2-Clause
 */
#include "base/text.h"

void
vmi_line_clear(struct vmi_line *line)
{
    line->length = 0;
    line->text[0] = '\0';
}

static void
put_char(struct vmi_line *line, char c)
{
    if (line->length + 1 < sizeof line->text) {
        line->text[line->length++] = c;
        line->text[line->length] = '\0';
    }
}

void
vmi_line_put(struct vmi_line *line, const char *text)
{
    for (; *text != '\0'; text++) {
        put_char(line, *text);
    }
}

void
vmi_line_hex(struct vmi_line *line, uint64_t value)
{
    unsigned shift = 60;

    vmi_line_put(line, "0x");
    while (shift > 0 && value >> shift == 0) {
        shift -= 4;
    }
    for (;; shift -= 4) {
        put_char(line, "0123456789abcdef"[value >> shift & 15]);
        if (shift == 0) {
            return;
        }
    }
}

void
vmi_line_decimal(struct vmi_line *line, uint64_t value)
{
    static const uint64_t powers[] = { 10000000000000000000u, 1000000000000000000u,
        100000000000000000u, 10000000000000000u, 1000000000000000u, 100000000000000u,
        10000000000000u, 1000000000000u, 100000000000u, 10000000000u, 1000000000u, 100000000u,
        10000000u, 1000000u, 100000u, 10000u, 1000u, 100u, 10u, 1u };
    bool has_begun = false;

    /* By subtraction: a 64-bit division would be a library call on 32-bit targets. */
    for (unsigned i = 0; i < sizeof powers / sizeof powers[0]; i++) {
        char digit = '0';
        while (value >= powers[i]) {
            value -= powers[i];
            digit++;
        }
        has_begun = has_begun || digit != '0' || powers[i] == 1;
        if (has_begun) {
            put_char(line, digit);
        }
    }
}

void
vmi_line_pad(struct vmi_line *line, size_t column)
{
    while (line->length < column && line->length + 1 < sizeof line->text) {
        put_char(line, ' ');
    }
}
