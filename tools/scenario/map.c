/* map - from three numbers to one; see map.h.                    SPDX-License-Identifier: BSD-2-Clause */
#include "map.h"

#include <stdio.h>
#include <stdlib.h>

void *
vmem_scenario_realloc(void *memory, size_t count, size_t bytes)
{
    void *grown = count <= SIZE_MAX / bytes ? realloc(memory, count * bytes) : NULL;

    if (grown == NULL) {
        (void)fflush(stdout);
        (void)fputs("vmem: out of memory\n", stderr);
        exit(2);
    }
    return grown;
}

static uint64_t
mix(uint64_t x)
{
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    return x ^ (x >> 32);
}

static size_t
home(const struct vmem_map *map, struct vmem_map_key key)
{
    const uint64_t hash = mix(mix(mix(key.a) + key.b) + key.c);

    return (size_t)hash & (map->capacity - 1);
}

/* The slot of the key, or the empty one where it would go.  There always is an empty one. */
static size_t
probe(const struct vmem_map *map, struct vmem_map_key key)
{
    size_t i = home(map, key);

    while (map->slots[i].is_used &&
        (map->slots[i].key.a != key.a || map->slots[i].key.b != key.b ||
            map->slots[i].key.c != key.c)) {
        i = (i + 1) & (map->capacity - 1);
    }
    return i;
}

bool
vmem_map_get(const struct vmem_map *map, struct vmem_map_key key, uint64_t *value)
{
    size_t i;

    if (map->count == 0) {
        return false;
    }
    i = probe(map, key);
    if (map->slots[i].is_used) {
        *value = map->slots[i].value;
    }
    return map->slots[i].is_used;
}

static void
grow(struct vmem_map *map)
{
    const struct vmem_map old = *map;

    map->capacity = old.capacity != 0 ? old.capacity * 2 : 64;
    map->slots = vmem_scenario_realloc(NULL, map->capacity, sizeof *map->slots);
    for (size_t i = 0; i < map->capacity; i++) {
        map->slots[i].is_used = false;
    }
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.slots[i].is_used) {
            map->slots[probe(map, old.slots[i].key)] = old.slots[i];
        }
    }
    free(old.slots);
}

void
vmem_map_set(struct vmem_map *map, struct vmem_map_key key, uint64_t value)
{
    size_t i;

    if ((map->count + 1) * 4 > map->capacity * 3) {
        grow(map);
    }
    i = probe(map, key);
    map->count += !map->slots[i].is_used;
    map->slots[i] = (struct vmem_map_slot){ key, value, true };
}

void
vmem_map_remove(struct vmem_map *map, struct vmem_map_key key)
{
    const size_t mask = map->capacity - 1;
    size_t empty;

    if (map->count == 0) {
        return;
    }
    empty = probe(map, key);
    if (!map->slots[empty].is_used) {
        return;
    }
    map->count--;
    map->slots[empty].is_used = false;
    for (size_t i = (empty + 1) & mask; map->slots[i].is_used; i = (i + 1) & mask) {
        /* Move it if its home is not between the empty slot and itself. */
        if (((i - home(map, map->slots[i].key)) & mask) >= ((i - empty) & mask)) {
            map->slots[empty] = map->slots[i];
            map->slots[i].is_used = false;
            empty = i;
        }
    }
}

void
vmem_map_fini(struct vmem_map *map)
{
    free(map->slots);
    *map = (struct vmem_map){ 0 };
}
