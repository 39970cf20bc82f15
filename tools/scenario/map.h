/*
 * map.h - from three numbers to one.                              SPDX-License-Identifier: BSD-2-Clause
 *
 * Open addressing, linear probing, deletion by moving the followers back.  Ends the process if
 * memory runs out, as all of the runner does.
 */
#ifndef VMEM_SCENARIO_MAP_H
#define VMEM_SCENARIO_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vmem_map_key {
    uint64_t a, b, c;
};

struct vmem_map_slot {
    struct vmem_map_key key;
    uint64_t value;
    bool is_used;
};

struct vmem_map {
    struct vmem_map_slot *slots;
    size_t capacity; /* power of two, or 0 */
    size_t count;
};

/* The value of a key.  False if it is not there. */
bool vmem_map_get(const struct vmem_map *map, struct vmem_map_key key, uint64_t *value);

/* Set the value of a key, new or not. */
void vmem_map_set(struct vmem_map *map, struct vmem_map_key key, uint64_t value);

/* Remove a key, if it is there. */
void vmem_map_remove(struct vmem_map *map, struct vmem_map_key key);

void vmem_map_fini(struct vmem_map *map);

/* realloc() of `count` things of `bytes` bytes that ends the process if it cannot. */
void *vmem_scenario_realloc(void *memory, size_t count, size_t bytes);

#endif
