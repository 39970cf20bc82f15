/*
 * keys - the set of states seen.                                   SPDX-License-Identifier: BSD-2-Clause
 */
#include "keys.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct vmx_key) % sizeof(uint64_t) == 0, "a key is hashed by words");

static uint64_t
hash_of(const struct vmx_key *key)
{
    uint64_t words[sizeof *key / sizeof(uint64_t)];
    uint64_t hash = 0x243f6a8885a308d3u;

    (void)memcpy(words, key, sizeof words);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
    }
    return hash;
}

static void *
grown(void *memory, size_t bytes)
{
    void *larger = realloc(memory, bytes);

    if (larger == NULL) {
        abort();
    }
    return larger;
}

/* The slot that has the key, or should. */
static size_t
seek(const struct vmx_keys *keys, const struct vmx_key *key)
{
    size_t at = (size_t)hash_of(key) & (keys->slot_count - 1);

    while (keys->slot[at] != 0 && memcmp(&keys->key[keys->slot[at] - 1], key, sizeof *key) != 0) {
        at = (at + 1) & (keys->slot_count - 1);
    }
    return at;
}

static void
double_slots(struct vmx_keys *keys)
{
    keys->slot_count = keys->slot_count != 0 ? 2 * keys->slot_count : 1024;
    keys->slot = grown(keys->slot, keys->slot_count * sizeof keys->slot[0]);
    (void)memset(keys->slot, 0, keys->slot_count * sizeof keys->slot[0]);
    for (size_t i = 0; i < keys->count; i++) {
        keys->slot[seek(keys, &keys->key[i])] = (uint32_t)i + 1;
    }
}

bool
vmx_keys_enter(struct vmx_keys *keys, const struct vmx_key *key)
{
    size_t at;

    if (2 * (keys->count + 1) > keys->slot_count) {
        double_slots(keys);
    }
    at = seek(keys, key);
    if (keys->slot[at] != 0) {
        return false;
    }
    if (keys->count == keys->capacity) {
        keys->capacity = keys->capacity != 0 ? 2 * keys->capacity : 1024;
        keys->key = grown(keys->key, keys->capacity * sizeof keys->key[0]);
    }
    keys->key[keys->count++] = *key;
    keys->slot[at] = (uint32_t)keys->count;
    return true;
}

void
vmx_keys_fini(struct vmx_keys *keys)
{
    free(keys->key);
    free(keys->slot);
    *keys = (struct vmx_keys){ 0 };
}
