/*
 * suggest - what was probably meant.                          SPDX-License-Identifier: BSD-2-Clause
 *
 * The restricted edit distance: insert, delete, replace and swap of neighbours cost one each.
 */
#include "suggest.h"

#include <string.h>

#define WORD_MAX 32

static size_t
least(size_t a, size_t b, size_t c)
{
    const size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

static size_t
distance(const char *a, const char *b)
{
    const size_t a_length = strlen(a);
    const size_t b_length = strlen(b);
    size_t rows[WORD_MAX + 1][WORD_MAX + 1];
    if (a_length > WORD_MAX || b_length > WORD_MAX) {
        return WORD_MAX;
    }
    for (size_t i = 0; i <= a_length; i++) {
        for (size_t k = 0; k <= b_length; k++) {
            if (i == 0 || k == 0) {
                rows[i][k] = i + k;
                continue;
            }
            const size_t replaced = rows[i - 1][k - 1] + (a[i - 1] != b[k - 1]);
            rows[i][k] = least(rows[i - 1][k] + 1, rows[i][k - 1] + 1, replaced);
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1] &&
                rows[i - 2][k - 2] + 1 < rows[i][k]) {
                rows[i][k] = rows[i - 2][k - 2] + 1;
            }
        }
    }
    return rows[a_length][b_length];
}

const char *
vmem_suggest(const char *word, const char *const *names, size_t count)
{
    const size_t length = strlen(word);
    const char *nearest = NULL;
    const char *completed = NULL;
    size_t completed_count = 0;
    size_t best = length < 6 ? 2 : length / 3 + 1; /* one more than is accepted */
    for (size_t i = 0; i < count; i++) {
        const size_t steps = distance(word, names[i]);
        if (steps < best) {
            best = steps;
            nearest = names[i];
        }
        if (length > 0 && strncmp(word, names[i], length) == 0) {
            completed = names[i];
            completed_count++;
        }
    }
    return completed_count == 1 ? completed : nearest;
}
