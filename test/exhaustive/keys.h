/*
 * keys.h - the set of states seen.                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * Open addressing over an array of keys; the number of a key is its place in that array.
 */
#ifndef VMX_KEYS_H
#define VMX_KEYS_H

#include "explore.h"

struct vmx_keys {
    struct vmx_key *key;
    size_t count;
    size_t capacity;
    uint32_t *slot; /* number of a key + 1; 0 = empty */
    size_t slot_count;
};

/* Enter a key.  True: it is new, and its number is keys->count - 1.  Ends the program for want of memory. */
bool vmx_keys_enter(struct vmx_keys *keys, const struct vmx_key *key);
void vmx_keys_fini(struct vmx_keys *keys);

#endif
