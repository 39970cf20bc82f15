/*
 * number - numbers as people write them.                      SPDX-License-Identifier: BSD-2-Clause
 *
 * Digits are gathered with an overflow test before each step, and the suffix is a shift that must
 * not lose a bit.  Nothing wraps: what exceeds 2^64-1 is reported.
 */
#include "number.h"

#include <stdbool.h>
#include <string.h>

static int
digit_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return 99;
}

/* The shift that a suffix means, or 0 for none. */
static unsigned
suffix_log2(char c)
{
    static const char suffixes[] = "KMGTPE";
    const char *found = c == '\0' ? NULL : strchr(suffixes, c);
    return found == NULL ? 0 : 10 * (unsigned)(found - suffixes + 1);
}

/* Gather digits from *at on.  Returns false on overflow. */
static bool
gather(const char *text, size_t length, unsigned radix, size_t *at, uint64_t *value)
{
    uint64_t sum = 0;
    bool fits = true;
    for (; *at < length && digit_value(text[*at]) < (int)radix; (*at)++) {
        const uint64_t digit = (uint64_t)digit_value(text[*at]);
        if (sum > (UINT64_MAX - digit) / radix) {
            fits = false;
        } else {
            sum = sum * radix + digit;
        }
    }
    *value = sum;
    return fits;
}

/* Apply the suffix rest[0 .. length-1].  *offset_index is its place, and moves to what is wrong. */
static enum vmem_number_status
apply_suffix(const char *rest, size_t length, uint64_t *value, size_t *offset_index)
{
    const unsigned shift = suffix_log2(rest[0]);
    if (shift == 0) {
        return VMEM_NUMBER_SUFFIX;
    }
    if (length > 1) {
        (*offset_index)++;
        return VMEM_NUMBER_TRAILING;
    }
    if (*value > UINT64_MAX >> shift) {
        *offset_index = 0;
        return VMEM_NUMBER_OVERFLOW;
    }
    *value <<= shift;
    return VMEM_NUMBER_OK;
}

enum vmem_number_status
vmem_number_parse(const char *text, size_t length, enum vmem_number_kind kind, uint64_t *value,
    size_t *offset_index)
{
    *offset_index = 0;
    if (length == 0) {
        return VMEM_NUMBER_EMPTY;
    }
    if (text[0] == '-' || text[0] == '+') {
        return VMEM_NUMBER_SIGN;
    }
    if (kind == VMEM_NUMBER_SIZE && length == 3 && memcmp(text, "MAX", 3) == 0) {
        *value = UINT64_MAX;
        return VMEM_NUMBER_OK;
    }
    const bool is_hex = length >= 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const size_t first_digit = is_hex ? 2 : 0;
    size_t at = first_digit;
    uint64_t sum = 0;
    const bool fits = gather(text, length, is_hex ? 16 : 10, &at, &sum);
    if (at == first_digit) {
        *offset_index = at < length ? at : 0;
        return VMEM_NUMBER_NO_DIGITS;
    }
    if (at < length) {
        *offset_index = at;
        const enum vmem_number_status status = kind == VMEM_NUMBER_PLAIN
            ? VMEM_NUMBER_SUFFIX
            : apply_suffix(text + at, length - at, &sum, offset_index);
        if (status != VMEM_NUMBER_OK) {
            return status;
        }
    }
    if (!fits) {
        *offset_index = 0;
        return VMEM_NUMBER_OVERFLOW;
    }
    *value = sum;
    return VMEM_NUMBER_OK;
}

const char *
vmem_number_advice(enum vmem_number_status status, enum vmem_number_kind kind)
{
    switch (status) {
    case VMEM_NUMBER_OK:
        return "is a number";
    case VMEM_NUMBER_EMPTY:
        return "is empty: a number is needed";
    case VMEM_NUMBER_SIGN:
        return "has a sign: numbers are unsigned here";
    case VMEM_NUMBER_NO_DIGITS:
        return "is not a number: use decimal digits, or 0x and hex digits";
    case VMEM_NUMBER_SUFFIX:
        return kind == VMEM_NUMBER_SIZE
            ? "is not a number: only one of the suffixes K M G T P E may follow the digits"
            : "is not a number: only digits may stand here";
    case VMEM_NUMBER_TRAILING:
        return "is not a number: nothing may follow the suffix";
    case VMEM_NUMBER_OVERFLOW:
        return "is too large: the largest number is 2^64-1 = 18446744073709551615";
    }
    return "is not a number";
}
