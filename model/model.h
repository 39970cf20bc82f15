/*
 * model.h - a brute-force reference of an arena.                  SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. What it is for
 *    Says what an arena must answer, for every call, so that the real one can be judged: by
 *    `vmem run`, by the random tests and by the exhaustive explorer.  It shares nothing with src/
 *    but the public types and flags.
 *
 * 2. How it works
 *    An arena is four sorted lists of disjoint ranges with inclusive ends: static spans (touching
 *    ones are merged), imported spans (never merged), holes and busy ranges.  Every choice is made
 *    by looking at every hole.  Sums that could pass 2^64 are made in 128 bits.
 *
 * 3. Who chooses the place
 *    The real arena.  The caller asks vmem_model_judge() whether the answer was right, and then
 *    vmem_model_commit()s the place that the arena chose.  In an arena that imports, the caller
 *    looks at the real spans after each call and tells what came and went; see import.c.
 *
 * 4. Costs
 *    Linear in the holes for a choice, logarithmic search plus memmove for a change.
 *
 * 5. Locking and failure
 *    None: one thread.  A model that cannot get memory ends the process, as a test would.
 */
#ifndef VMEM_MODEL_H
#define VMEM_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <vmem/vmem.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A non-empty range with an inclusive end. */
struct vmem_model_range {
    vmem_addr_t start;
    vmem_addr_t last;
};

/* Ranges in ascending order, disjoint. */
struct vmem_model_list {
    struct vmem_model_range *at;
    size_t count;
    size_t capacity;
};

struct vmem_model {
    vmem_size_t quantum;            /* units, power of two */
    vmem_size_t limit;              /* units; 0 = none */
    unsigned policy;                /* default: one of the policy flags of vmem.h */
    struct vmem_model_list statics; /* static spans, merged */
    struct vmem_model_list imports; /* imported spans, each as it came */
    struct vmem_model_list holes;   /* maximal free ranges; each inside one span */
    struct vmem_model_list busy;    /* allocations, with their rounded sizes */
    vmem_size_t total;              /* units owned */
    vmem_size_t inuse;              /* units busy */
    vmem_size_t imported;           /* units owned that came from the source */
    vmem_addr_t cursor;             /* [P4] */
    vmem_addr_t cursor_fed;         /* [P4] the same if spans taken by other arenas move it too */
    vmem_size_t largest;            /* units of the largest hole, if known */
    bool largest_known;
    struct vmem_model *source;  /* NULL = does not import */
    vmem_size_t import_quantum; /* units */
    unsigned import_keep;       /* spans */
};

/* A valid request: size rounded, align not 0. */
struct vmem_model_request {
    vmem_size_t size;
    vmem_size_t align;
    vmem_size_t phase;
    vmem_size_t nocross; /* 0 = none */
    vmem_addr_t addr_min;
    vmem_addr_t addr_max; /* inclusive */
    unsigned policy;      /* one policy flag */
    bool high;
};

/* What `expect` can ask for. */
struct vmem_model_figures {
    vmem_size_t total;
    vmem_size_t inuse;
    vmem_size_t free;
    vmem_size_t largest;
    vmem_size_t spans;
    vmem_size_t freesegs;
    vmem_size_t imported;
};

/* What an arena should have done. */
struct vmem_model_verdict {
    const char *rule; /* the rule that was broken, NULL = the answer was right */
    int status;       /* the status that the model computes */
    bool has_addr;    /* the place is dictated ... */
    vmem_addr_t addr; /* ... and is this one (or, if not dictated, one of those that would do) */
};

/* What a free of (addr, size) is. */
enum vmem_model_free {
    VMEM_MODEL_FREE_OK,
    VMEM_MODEL_FREE_NOTHING,   /* nothing is allocated at that address */
    VMEM_MODEL_FREE_WRONG_SIZE /* something is, of another size */
};

/* -------------------------------------------------------------------------------------------------
 * Life and spans
 * ---------------------------------------------------------------------------------------------- */

/* An empty arena.  `flags` gives the default policy.  Returns 0; EINVAL as vmem_create() [S1]. */
int vmem_model_init(
    struct vmem_model *model, vmem_size_t quantum, vmem_size_t limit, unsigned flags);
void vmem_model_fini(struct vmem_model *model);

/* Make `to`, initialised or all zero, equal to `from`; both keep the same source. */
void vmem_model_copy(struct vmem_model *to, const struct vmem_model *from);

/* Same spans, holes, busy ranges and cursor. */
bool vmem_model_equal(const struct vmem_model *a, const struct vmem_model *b);

/* What adding a static span must return [S4]; vmem_model_add() also adds it if that is 0. */
int vmem_model_judge_add(const struct vmem_model *model, vmem_addr_t start, vmem_size_t size);
int vmem_model_add(struct vmem_model *model, vmem_addr_t start, vmem_size_t size);

/* -------------------------------------------------------------------------------------------------
 * Allocating and freeing
 * ---------------------------------------------------------------------------------------------- */

/*
 * Check and normalise a request, arguments as for vmem_xalloc(). [C1]-[C4]
 *
 * Returns   0 and *request; EINVAL; ENOMEM if the size cannot be rounded
 */
int vmem_model_request(const struct vmem_model *model, vmem_size_t size, vmem_size_t align,
    vmem_size_t phase, vmem_size_t nocross, vmem_addr_t addr_min, vmem_addr_t addr_max,
    unsigned flags, struct vmem_model_request *request);

/* The lowest and the highest legal place inside a range; false if there is none. */
bool vmem_model_lowest(
    const struct vmem_model_request *request, struct vmem_model_range range, vmem_addr_t *addr);
bool vmem_model_highest(
    const struct vmem_model_request *request, struct vmem_model_range range, vmem_addr_t *addr);

/* True if the place obeys the constraints and lies wholly in one hole. */
bool vmem_model_is_legal(
    const struct vmem_model *model, const struct vmem_model_request *request, vmem_addr_t addr);

/* The hole that contains [start, last] whole, or NULL. */
const struct vmem_model_range *vmem_model_hole(
    const struct vmem_model *model, vmem_addr_t start, vmem_addr_t last);

/*
 * What the policy chooses among the holes at hand. [P1]-[P6]  Under VMEM_INSTANTFIT some legal
 * place, and *is_dictated is false unless it is the only one.
 *
 * Returns   0 and *addr; ENOMEM no hole has a legal place
 */
int vmem_model_choose(const struct vmem_model *model, const struct vmem_model_request *request,
    vmem_addr_t *addr, bool *is_dictated);

/* Judge what the arena answered to a request that vmem_model_request() found valid. */
void vmem_model_judge(const struct vmem_model *model, const struct vmem_model_request *request,
    int status, vmem_addr_t addr, struct vmem_model_verdict *verdict);

/* Allocate at `addr`, which lies in a hole: see vmem_model_hole(). */
void vmem_model_commit(
    struct vmem_model *model, const struct vmem_model_request *request, vmem_addr_t addr);

/* Judge a free; the size may be the requested or the rounded one. */
enum vmem_model_free vmem_model_judge_free(
    const struct vmem_model *model, vmem_addr_t addr, vmem_size_t size);

/* Free the allocation that starts at `addr`; there is one. */
void vmem_model_free(struct vmem_model *model, vmem_addr_t addr);

/* -------------------------------------------------------------------------------------------------
 * Looking
 * ---------------------------------------------------------------------------------------------- */

void vmem_model_figures(struct vmem_model *model, struct vmem_model_figures *figures);
enum vmem_state vmem_model_state(const struct vmem_model *model, vmem_addr_t addr);

/* Round up to a multiple of `step`, any number > 0.  False if that passes 2^64-1. */
bool vmem_model_roundup(vmem_size_t size, vmem_size_t step, vmem_size_t *rounded);

/* -------------------------------------------------------------------------------------------------
 * Importing: the caller tells what it saw, the model says whether that was right
 * ---------------------------------------------------------------------------------------------- */

/* Let the arena import from `source`.  Returns 0; EINVAL import_quantum no multiple. */
int vmem_model_set_source(struct vmem_model *model, struct vmem_model *source,
    vmem_size_t import_quantum, unsigned import_keep);

/*
 * True if importing would certainly serve a request for which the arena has no place, given the
 * limits and the holes of all arenas up the chain: then a refusal is wrong. [P6]
 */
bool vmem_model_import_helps(
    const struct vmem_model *model, const struct vmem_model_request *request);

/* The sizes that a span imported for a request may have. [I2] [I6]  False if none may. */
bool vmem_model_import_sizes(const struct vmem_model *model,
    const struct vmem_model_request *request, vmem_size_t *size_min, vmem_size_t *size_max);

/*
 * A span came from the source: checks and takes it, in the source too.
 *
 * Returns   NULL, or the rule that it breaks; then nothing was changed
 */
const char *vmem_model_span_came(struct vmem_model *model, struct vmem_model_range span);

/* A span went back to the source: checks that it was wholly free, and frees it in the source. */
const char *vmem_model_span_went(struct vmem_model *model, struct vmem_model_range span);

/* Imported spans that are wholly free. */
size_t vmem_model_empty_imports(const struct vmem_model *model);

#ifdef __cplusplus
}
#endif
#endif
