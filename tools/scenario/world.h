/*
 * world.h - the arenas and allocations of a running scenario.     SPDX-License-Identifier: BSD-2-Clause
 *
 * Every arena is there twice: the real one and its model.  Every ID of an arena names a live
 * allocation or remembers that its request was refused.  The fatal hook of the library notes what
 * it is told and returns.
 */
#ifndef VMEM_SCENARIO_WORLD_H
#define VMEM_SCENARIO_WORLD_H

#include "model.h"
#include "scenario.h"

#define VMEM_FINDING_BYTES 600

/* One arena. */
struct vmem_pair {
    struct vmem_arena *real;
    struct vmem_model model;
    struct vmem_pair *source; /* NULL = none */
    struct vmem_pair *next;   /* newest first */
    uint64_t serial;          /* never used twice */
    uint64_t name, suffix;    /* as in struct vmem_scenario_name */
    uint64_t work;            /* operations since the last deep check, weighted */
};

/* A live allocation. */
struct vmem_live {
    vmem_addr_t addr;
    vmem_size_t size; /* as requested */
    struct vmem_map_key id;
    uint64_t next_free; /* index of the next unused entry */
};

/* What the library told the fatal hook since the last reset. */
struct vmem_told {
    unsigned count;
    enum vmem_fault_code code; /* the first */
    char text[200];
};

struct vmem_world {
    const struct vmem_scenario *scenario;
    struct vmem_pair *pairs;
    struct vmem_map pair_map;  /* (name, suffix, 0) -> struct vmem_pair * */
    struct vmem_map id_map;    /* (serial, text, suffix) -> index of a live, or refused */
    struct vmem_map place_map; /* (serial, addr, 0) -> index of a live */
    struct vmem_live *lives;
    uint64_t live_count, live_capacity, live_free;
    uint64_t serial;
    struct vmem_told told;
    /* What is wrong with the operation that is being judged; "" = nothing. */
    char finding[VMEM_FINDING_BYTES];
    bool has_parted; /* the model cannot follow the arena any more */
};

#define VMEM_LIVE_NONE UINT64_MAX
#define VMEM_LIVE_REFUSED (UINT64_C(1) << 63) /* in id_map: the request of this line was refused */

void vmem_world_init(struct vmem_world *world, const struct vmem_scenario *scenario);

/* Frees and destroys all that is left.  False if the library complains. */
bool vmem_world_fini(struct vmem_world *world);

/* Forget what the library told and what was found. */
void vmem_world_reset(struct vmem_world *world);

/* Note what is wrong; only the first finding counts. */
void vmem_world_find(struct vmem_world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

struct vmem_pair *vmem_world_pair(const struct vmem_world *world, uint64_t name, uint64_t suffix);
void vmem_world_add(struct vmem_world *world, struct vmem_pair *pair);

/* Forget a pair, whose real arena is gone, and everything that belongs to it. */
void vmem_world_remove(struct vmem_world *world, struct vmem_pair *pair);

/* An arena that imports from this one, or NULL; the one that owns the span at `addr`, or NULL. */
struct vmem_pair *vmem_world_child(const struct vmem_world *world, const struct vmem_pair *pair);
struct vmem_pair *vmem_world_child_at(
    const struct vmem_world *world, const struct vmem_pair *pair, vmem_addr_t addr);

/* Live allocations.  An ID is the key (serial of the arena, text, suffix). */
void vmem_world_live_add(struct vmem_world *world, const struct vmem_pair *pair,
    struct vmem_map_key id, vmem_addr_t addr, vmem_size_t size);
void vmem_world_live_remove(
    struct vmem_world *world, const struct vmem_pair *pair, vmem_addr_t addr);

#endif
