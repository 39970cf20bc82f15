/*
 * number.h - numbers as people write them: 4096, 0x1000, 4K, MAX.     SPDX-License-Identifier: BSD-2-Clause
 *
 * The one notation of traces, of scenarios and of the command line: decimal digits or 0x and hex
 * digits, then at most one of the suffixes K M G T P E, powers of 1024.  After 0x an E is a digit.
 * MAX is 2^64-1.  No sign, no fraction, no blanks.
 */
#ifndef VMEM_TOOLS_NUMBER_H
#define VMEM_TOOLS_NUMBER_H

#include <stddef.h>
#include <stdint.h>

enum vmem_number_status {
    VMEM_NUMBER_OK,
    VMEM_NUMBER_EMPTY,     /* nothing there */
    VMEM_NUMBER_SIGN,      /* begins with + or - */
    VMEM_NUMBER_NO_DIGITS, /* does not begin with a digit, or 0x stands alone */
    VMEM_NUMBER_SUFFIX,    /* a character after the digits is no suffix */
    VMEM_NUMBER_TRAILING,  /* something follows the suffix */
    VMEM_NUMBER_OVERFLOW   /* more than 2^64-1 */
};

/* Which notations vmem_number_parse() accepts. */
enum vmem_number_kind {
    VMEM_NUMBER_SIZE, /* all */
    VMEM_NUMBER_PLAIN /* no suffix and no MAX: identifiers, counts */
};

/*
 * Parse text[0 .. length-1], all of it.
 *
 * Returns   VMEM_NUMBER_OK and *value; else the reason, *value untouched and *offset_index = the
 *           offending character
 */
enum vmem_number_status vmem_number_parse(const char *text, size_t length,
    enum vmem_number_kind kind, uint64_t *value, size_t *offset_index);

/* What is wrong and what would be right, as the end of a sentence that began with the text. */
const char *vmem_number_advice(enum vmem_number_status status, enum vmem_number_kind kind);

#endif
