/*
 * text - words and numbers of a line.                             SPDX-License-Identifier: BSD-2-Clause
 *
 * Works on bytes with lengths: a text may contain zeros and anything else.  Only printable ASCII
 * may stand outside of comments.
 */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
vmem_text_error(struct vmem_scenario *scenario, unsigned column, const char *format, ...)
{
    va_list arguments;

    scenario->is_broken = true;
    scenario->error_column = column;
    va_start(arguments, format);
    (void)vsnprintf(scenario->error, sizeof scenario->error, format, arguments);
    va_end(arguments);
    return false;
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

bool
vmem_text_split(
    struct vmem_scenario *scenario, const char *line, size_t length, struct vmem_words *words)
{
    size_t i = 0;

    words->count = 0;
    words->end_column = 1;
    while (i < length && line[i] != '#') {
        struct vmem_word word = { &line[i], 0, (unsigned)i + 1 };

        for (; i < length && !is_blank(line[i]) && line[i] != '#'; i++) {
            if (line[i] < 0x21 || line[i] > 0x7e) {
                return vmem_text_error(scenario, (unsigned)i + 1,
                    "byte 0x%02x: only printable ASCII may stand outside of comments",
                    (unsigned)(unsigned char)line[i]);
            }
            word.length++;
        }
        if (word.length == 0) {
            i++;
            continue;
        }
        if (words->count == VMEM_WORDS_MAX) {
            return vmem_text_error(
                scenario, word.column, "more than %d words: no line needs so many", VMEM_WORDS_MAX);
        }
        words->at[words->count++] = word;
        words->end_column = (unsigned)i + 1;
    }
    return true;
}

bool
vmem_text_is(const struct vmem_word *word, const char *text)
{
    return strlen(text) == word->length && memcmp(word->at, text, word->length) == 0;
}

const char *
vmem_text_quote(const struct vmem_word *word)
{
    static char texts[4][44];
    static unsigned next;
    char *text = texts[next++ % 4];
    const size_t length = word->length < 40 ? word->length : 40;

    memcpy(text, word->at, length);
    memcpy(&text[length], word->length > 40 ? "..." : "", word->length > 40 ? 4 : 1);
    return text;
}

static int
digit(char c, unsigned base)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (base == 16 && c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (base == 16 && c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

/* Power of two of a suffix, or -1. */
static int
suffix_log2(char c)
{
    const char *suffixes = "KMGTPE";
    const char *found = c != '\0' ? strchr(suffixes, c) : NULL;

    return found != NULL ? (int)(found - suffixes + 1) * 10 : -1;
}

static bool
too_large(struct vmem_scenario *scenario, const struct vmem_word *word)
{
    return vmem_text_error(scenario, word->column,
        "number '%s' is larger than 2^64-1; MAX is the largest", vmem_text_quote(word));
}

bool
vmem_text_number(struct vmem_scenario *scenario, const struct vmem_word *word, uint64_t *number)
{
    const bool is_hex = word->length >= 2 && word->at[0] == '0' && word->at[1] == 'x';
    const unsigned base = is_hex ? 16 : 10;
    const size_t first = is_hex ? 2 : 0;
    size_t i = first;
    uint64_t value = 0;
    int shift;

    if (word->length == 0) {
        return vmem_text_error(scenario, word->column, "a number is missing here");
    }
    if (vmem_text_is(word, "MAX")) {
        *number = UINT64_MAX;
        return true;
    }
    for (; i < word->length && digit(word->at[i], base) >= 0; i++) {
        const uint64_t d = (uint64_t)digit(word->at[i], base);

        if (value > (UINT64_MAX - d) / base) {
            return too_large(scenario, word);
        }
        value = value * base + d;
    }
    shift = i < word->length ? suffix_log2(word->at[i]) : 0;
    if (i == first || shift < 0 || i + (shift > 0) != word->length) {
        return vmem_text_error(scenario, word->column,
            "'%s' is not a number: decimal or 0x hex, with an optional suffix K M G T P E, or MAX",
            vmem_text_quote(word));
    }
    if (shift > 0 && value > UINT64_MAX >> shift) {
        return too_large(scenario, word);
    }
    *number = value << shift;
    return true;
}

static bool
is_name_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
        c == '-';
}

/* Index of a text, new or known. */
static uint64_t
intern(struct vmem_scenario *scenario, const char *at, size_t length)
{
    struct vmem_map_key key = { 14695981039346656037u, 0, length };
    uint64_t index;
    char *copy;

    for (size_t i = 0; i < length; i++) {
        key.a = (key.a ^ (unsigned char)at[i]) * 1099511628211u;
    }
    for (; vmem_map_get(&scenario->name_map, key, &index); key.b++) {
        if (memcmp(scenario->names[index], at, length) == 0) {
            return index;
        }
    }
    if (scenario->name_count == scenario->name_capacity) {
        scenario->name_capacity = scenario->name_capacity * 2 + 16;
        scenario->names = vmem_scenario_realloc(
            scenario->names, scenario->name_capacity, sizeof *scenario->names);
    }
    copy = vmem_scenario_realloc(NULL, length + 1, 1);
    memcpy(copy, at, length);
    copy[length] = '\0';
    scenario->names[scenario->name_count] = copy;
    vmem_map_set(&scenario->name_map, key, scenario->name_count);
    return scenario->name_count++;
}

/* The n of ".n" at `at`; false if it is no such thing. */
static bool
suffix_number(const char *at, size_t length, uint64_t *number)
{
    uint64_t value = 0;

    if (length < 2 || length > 20 || at[1] == '0') {
        return false;
    }
    for (size_t i = 1; i < length; i++) {
        if (at[i] < '0' || at[i] > '9' || value > (UINT64_MAX - 9) / 10) {
            return false;
        }
        value = value * 10 + (uint64_t)(at[i] - '0');
    }
    *number = value;
    return true;
}

bool
vmem_text_name(struct vmem_scenario *scenario, const struct vmem_word *word, const char *what,
    bool is_repeated, struct vmem_scenario_name *name)
{
    size_t length = 0;

    *name = (struct vmem_scenario_name){ .column = word->column };
    while (length < word->length && is_name_byte(word->at[length])) {
        length++;
    }
    if (length + 1 == word->length && word->at[length] == '*') {
        if (!is_repeated) {
            return vmem_text_error(scenario, word->column + (unsigned)length,
                "'%s': '*' stands for the count of a repeat, and this is outside of any",
                vmem_text_quote(word));
        }
        name->is_numbered = true;
    } else if (length == 0 ||
        (length != word->length &&
            (word->at[length] != '.' ||
                !suffix_number(&word->at[length], word->length - length, &name->suffix)))) {
        return vmem_text_error(scenario, word->column + (unsigned)length,
            "'%s' is not %s: letters, digits, '_' and '-' (and '*' at the end, inside a repeat)",
            vmem_text_quote(word), what);
    }
    name->text = intern(scenario, word->at, length);
    return true;
}

bool
vmem_text_pair(const struct vmem_word *word, struct vmem_word *key, struct vmem_word *value)
{
    const char *equals = memchr(word->at, '=', word->length);
    size_t length;

    if (equals == NULL) {
        return false;
    }
    length = (size_t)(equals - word->at);
    *key = (struct vmem_word){ word->at, length, word->column };
    *value = (struct vmem_word){ equals + 1, word->length - length - 1,
        word->column + (unsigned)length + 1 };
    return true;
}
