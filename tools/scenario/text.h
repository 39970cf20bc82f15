/* text.h - words and numbers of a line.                           SPDX-License-Identifier: BSD-2-Clause */
#ifndef VMEM_SCENARIO_TEXT_H
#define VMEM_SCENARIO_TEXT_H

#include "scenario.h"

#define VMEM_WORDS_MAX 256 /* on a line */

struct vmem_word {
    const char *at;
    size_t length;
    unsigned column; /* 1-based */
};

struct vmem_words {
    struct vmem_word at[VMEM_WORDS_MAX];
    size_t count;
    unsigned end_column; /* one past the last word */
};

/* Note the first error of the text.  Returns false, for the caller to return. */
bool vmem_text_error(struct vmem_scenario *scenario, unsigned column, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Split a line without its end into words; a `#` ends it. */
bool vmem_text_split(
    struct vmem_scenario *scenario, const char *line, size_t length, struct vmem_words *words);

bool vmem_text_is(const struct vmem_word *word, const char *text);

/* A printable, shortened copy of a word for messages, valid until the fourth call after. */
const char *vmem_text_quote(const struct vmem_word *word);

/* A number: decimal or 0x hex, with an optional suffix K M G T P E, or MAX. */
bool vmem_text_number(
    struct vmem_scenario *scenario, const struct vmem_word *word, uint64_t *number);

/* The name of an arena or an ID; `is_repeated` tells whether `*` is allowed. */
bool vmem_text_name(struct vmem_scenario *scenario, const struct vmem_word *word, const char *what,
    bool is_repeated, struct vmem_scenario_name *name);

/* KEY=VALUE: the two parts.  False, without an error, if there is no `=`. */
bool vmem_text_pair(const struct vmem_word *word, struct vmem_word *key, struct vmem_word *value);

#endif
