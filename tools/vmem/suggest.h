/*
 * suggest.h - what was probably meant.                                SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMEM_TOOLS_SUGGEST_H
#define VMEM_TOOLS_SUGGEST_H

#include <stddef.h>

/*
 * The name nearest to a misspelt word: fewest letters inserted, left out, replaced or swapped, at
 * most a third of the word's; or the only name that begins with it.
 *
 * Returns   one of names[0 .. count-1], or NULL if none is near
 */
const char *vmem_suggest(const char *word, const char *const *names, size_t count);

#endif
