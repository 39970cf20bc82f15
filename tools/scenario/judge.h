/*
 * judge.h - one call on a real arena, judged by its model.        SPDX-License-Identifier: BSD-2-Clause
 *
 * Each function makes one call, learns what it did, judges that, lets the model follow, and
 * compares the figures of the arena and of its sources.  What is wrong goes to world->finding.
 * Shared by the lines of a scenario and by its random workloads.
 */
#ifndef VMEM_SCENARIO_JUDGE_H
#define VMEM_SCENARIO_JUDGE_H

#include "world.h"

/* What a call did. */
struct vmem_observed {
    int status;
    bool is_misuse;
    bool has_addr;
    vmem_addr_t addr;
};

/* A request: is_plain goes through vmem_alloc(), the others through vmem_xalloc(). */
struct vmem_observed vmem_judge_alloc(struct vmem_world *world, struct vmem_pair *pair,
    const struct vmem_statement_alloc *alloc, bool is_plain);

/* A free, right or wrong; `is_plain` calls vmem_free(), else vmem_xfree(). */
struct vmem_observed vmem_judge_free(struct vmem_world *world, struct vmem_pair *pair,
    vmem_addr_t addr, vmem_size_t size, bool is_plain);

struct vmem_observed vmem_judge_add(
    struct vmem_world *world, struct vmem_pair *pair, vmem_addr_t start, vmem_size_t size);
struct vmem_observed vmem_judge_drain(struct vmem_world *world, struct vmem_pair *pair);
struct vmem_observed vmem_judge_limit(
    struct vmem_world *world, struct vmem_pair *pair, vmem_size_t limit);

/* Create an arena.  On success `pair` is in the world. */
struct vmem_observed vmem_judge_create(struct vmem_world *world, struct vmem_pair *pair,
    const struct vmem_statement_arena *arena, const char *name);

/* Destroy one that feeds no other.  On success `pair` is gone. */
struct vmem_observed vmem_judge_destroy(struct vmem_world *world, struct vmem_pair *pair);

/* What the call did, in words; valid until the next call. */
const char *vmem_observed_text(const struct vmem_observed *observed);

/* "ENOMEM" for a status; valid until the next call. */
const char *vmem_status_text(int status);

/* The random line; returns false if it found a disagreement (world->finding). */
bool vmem_judge_random(struct vmem_world *world, struct vmem_pair *pair,
    const struct vmem_statement_random *random, uint64_t seed);

#endif
