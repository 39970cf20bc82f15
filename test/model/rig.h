/*
 * rig.h - an arena under the eyes of the model.                    SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. What it is for
 *    A *rig* is an arena, or a chain of arenas of which each imports from the next, with a model
 *    (model/model.h) beside each.  An *operation* is data: it is carried out on the arena, judged by the
 *    model, and entered into it.  Operations are generated, logged, repeated and left out, so that a
 *    failure can be shrunk to a few lines and printed as a scenario.
 *
 *      rig.c        a rig's life, and operations one by one
 *      judge.c      what is checked after each
 *      generate.c   random set-ups and operations
 *      shrink.c     a failing log, made short and printed
 *
 * 2. What is judged
 *    Status, soundness, completeness and policy of each allocation; the fault that each wrong free
 *    reports; figures; states of addresses; explanations; for a chain, each span that came or went.
 */
#ifndef VMT_RIG_H
#define VMT_RIG_H

#include "model.h"
#include "vmt.h"

enum { RIG_LEVELS_MAX = 4, RIG_SPANS_MAX = 8 };

/* What a rig is made from.  Level 0 is the arena at the bottom; the last one owns the spans. */
struct rig_setup {
    unsigned levels;
    vmem_size_t quantum[RIG_LEVELS_MAX];
    vmem_size_t import_quantum[RIG_LEVELS_MAX];
    unsigned keep[RIG_LEVELS_MAX];
    vmem_size_t limit[RIG_LEVELS_MAX]; /* 0 = none */
    unsigned flags[RIG_LEVELS_MAX];    /* of creation */
    vmem_addr_t base;                  /* where the spans are, for windows */
    vmem_size_t extent;
    struct vmem_range span[RIG_SPANS_MAX];
    unsigned span_count;
    unsigned span_initial; /* of these, present from the start */
    size_t tag_bytes;      /* memory for tags, and no more; 0 = from the port */
    bool is_instant;       /* nothing but instant fit: an index is built step by step, if at all */
    bool may_lack_tags;    /* tag_bytes may be too few: ENOMEM for want of tags is right */
    bool is_large;         /* many holes: look less often */
    bool is_unlooked;      /* never ask for states: that would build an index */
    vmem_size_t size_min;  /* quanta, of most requests */
    vmem_size_t size_max;
    unsigned constrained; /* requests of 100 that have constraints */
    bool grow;            /* fill first: thousands of allocations */
};

enum rig_kind {
    RIG_ALLOC,   /* vmem_alloc() */
    RIG_XALLOC,  /* vmem_xalloc() */
    RIG_WITH,    /* vmem_xalloc_with() */
    RIG_HANDLE,  /* vmem_alloc_handle() */
    RIG_FREE,    /* of operation `ref` */
    RIG_FREE_AT, /* of addr_min, size: wrong, or not carried out */
    RIG_ADD,     /* addr_min, size */
    RIG_LIMIT,   /* size */
    RIG_EXPLAIN, /* as RIG_WITH */
    RIG_STATE,   /* of addr_min */
    RIG_MAINTAIN,
    RIG_CHECK
};

struct rig_op {
    uint8_t kind; /* enum rig_kind */
    uint8_t level;
    bool is_rounded; /* RIG_FREE: with the rounded size */
    unsigned flags;
    uint32_t id;   /* its number in the log, for good */
    uint32_t ref;  /* RIG_FREE: id of the allocation */
    uint32_t hint; /* RIG_FREE: where it was among the live ones */
    vmem_size_t size;
    vmem_size_t align;
    vmem_size_t phase;
    vmem_size_t nocross;
    vmem_addr_t addr_min;
    vmem_addr_t addr_max;
};

struct rig_live {
    vmem_addr_t addr;
    vmem_size_t size; /* as requested */
    vmem_handle_t handle;
    uint32_t id;
    uint8_t level;
};

struct rig_level {
    struct vmem_arena *arena;
    struct vmem_model model;
    uint64_t span_changes; /* imports and releases when the spans were last looked at */
    void *tag_memory;
    uint64_t lacked; /* refusals for want of tags so far */
};

/* What a run has reached: a random test that misses the point should fail. */
struct rig_reached {
    uint64_t ops;
    uint64_t granted;
    uint64_t refused;
    uint64_t misuses;
    uint64_t adds;
    uint64_t imports;
    uint64_t releases;
    uint64_t searches;
    uint64_t scans;
    uint64_t lacked;  /* refusals for want of tags */
    uint64_t indexed; /* rigs that had an index at their end */
    uint64_t holes;   /* most at once */
    uint64_t live;    /* most at once */
};

struct rig {
    const struct rig_setup *setup;
    struct rig_level level[RIG_LEVELS_MAX];
    struct rig_live *live;
    size_t live_count;
    size_t live_capacity;
    uint64_t count; /* operations carried out */
    struct rig_reached *reached;
};

/* Returns NULL, or what is wrong with creating it. */
const char *rig_init(struct rig *rig, const struct rig_setup *setup, struct rig_reached *reached);

/* Free all that is live, judging it, and destroy the arenas.  Returns as rig_do(). */
const char *rig_fini(struct rig *rig);

/* Give up: destroy what can be destroyed. */
void rig_abandon(struct rig *rig);

/* Carry out one operation.  Returns NULL, or the rule that the arena broke. */
const char *rig_do(struct rig *rig, const struct rig_op *op);

/* judge.c */
const char *rig_judge_alloc(struct rig *rig, const struct rig_op *op, int status, vmem_addr_t addr);
const char *rig_judge_spans(struct rig *rig, bool after_free);
const char *rig_judge_figures(struct rig *rig, unsigned level);
const char *rig_judge_explain(struct rig *rig, const struct rig_op *op);

/* The fatal hook that rigs use, and what it saw since rig_faults_clear(). */
void rig_faults_install(void);
void rig_faults_clear(void);
unsigned rig_faults_seen(enum vmem_fault_code *code);

/* generate.c */
enum rig_size { RIG_SMALL, RIG_LARGE, RIG_SCARCE, RIG_TREE };
void rig_generate_setup(struct vmt_rng *rng, enum rig_size size, struct rig_setup *setup);
void rig_generate_op(struct vmt_rng *rng, const struct rig *rig, unsigned alloc_percent,
    uint32_t id, struct rig_op *op);

/* shrink.c: leave out what is not needed for the failure, and print the rest as a scenario. */
void rig_report(const struct rig_setup *setup, struct rig_op *ops, size_t count, const char *text);

#endif
