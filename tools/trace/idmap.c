/*
 * idmap - a map from live identifiers to slots.               SPDX-License-Identifier: BSD-2-Clause
 *
 * Invariants
 *    M1  at most half of the cells are used, so that every probe ends at an empty cell.
 *    M2  no cell between an entry's home and the entry is empty.
 *
 * Identifiers are often small and consecutive, or addresses; a multiplication by an odd constant
 * near 2^64 / golden ratio spreads both over the upper bits, which choose the home.
 */
#include "idmap.h"

#include <assert.h>
#include <stdlib.h>

#define IDMAP_CELLS_MIN 64

static size_t
home_of(const struct vmem_idmap *map, uint64_t id)
{
    const uint64_t mixed = (id ^ id >> 32) * UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(mixed >> 32) & (map->cell_count - 1);
}

/* The cell of an id, or the empty one where it belongs. */
static size_t
probe(const struct vmem_idmap *map, uint64_t id)
{
    size_t at = home_of(map, id);
    while (map->cells[at].line != 0 && map->cells[at].id != id) {
        at = (at + 1) & (map->cell_count - 1);
    }
    return at;
}

const struct vmem_idmap_entry *
vmem_idmap_find(const struct vmem_idmap *map, uint64_t id)
{
    if (map->cell_count == 0) {
        return NULL;
    }
    const struct vmem_idmap_entry *entry = &map->cells[probe(map, id)];
    return entry->line == 0 ? NULL : entry;
}

static bool
grow(struct vmem_idmap *map)
{
    struct vmem_idmap larger = {
        .cell_count = map->cell_count == 0 ? IDMAP_CELLS_MIN : map->cell_count * 2,
        .used_count = map->used_count,
    };
    larger.cells = calloc(larger.cell_count, sizeof(*larger.cells));
    if (larger.cells == NULL) {
        return false;
    }
    for (size_t i = 0; i < map->cell_count; i++) {
        if (map->cells[i].line != 0) {
            larger.cells[probe(&larger, map->cells[i].id)] = map->cells[i];
        }
    }
    free(map->cells);
    *map = larger;
    return true;
}

bool
vmem_idmap_add(struct vmem_idmap *map, uint64_t id, uint32_t slot, uint32_t line)
{
    assert(line != 0);
    if ((map->used_count + 1) * 2 > map->cell_count && !grow(map)) {
        return false;
    }
    const size_t at = probe(map, id);
    assert(map->cells[at].line == 0);
    map->cells[at] = (struct vmem_idmap_entry){ .id = id, .slot = slot, .line = line };
    map->used_count++;
    return true;
}

void
vmem_idmap_remove(struct vmem_idmap *map, uint64_t id)
{
    const size_t mask = map->cell_count - 1;
    size_t hole = probe(map, id);
    assert(map->cells[hole].line != 0);
    /* Move back whatever would lose its way across the hole, until an empty cell ends the run. */
    for (size_t at = (hole + 1) & mask; map->cells[at].line != 0; at = (at + 1) & mask) {
        const size_t home = home_of(map, map->cells[at].id);
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            map->cells[hole] = map->cells[at];
            hole = at;
        }
    }
    map->cells[hole].line = 0;
    map->used_count--;
}

void
vmem_idmap_dispose(struct vmem_idmap *map)
{
    free(map->cells);
    *map = (struct vmem_idmap){ 0 };
}
