/*
 * explore.h - every state of a small arena, and every call from it. SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. What it is for
 *    An arena of N quanta has few states.  This explorer visits all of them: it makes every call from
 *    every state, judges the answer, and goes on with each state that it has not seen, until there is
 *    no new one.  So it covers sequences of calls of any length.
 *
 * 2. How it works
 *    The arena and its tag memory lie in one static block, so a state is saved and restored by a copy
 *    (image.h).  Two states are the same if their keys are: what a caller can see, the cursor of next
 *    fit, the order of the holes in their bins, and which indexes exist.
 *
 *      state.c     from an arena's private structures to a key
 *      keys.c      the set of keys
 *      image.c     the block, compared and copied by lines
 *      requests.c  every request there is
 *      oracle.c    what a request must answer, by bit masks; shares nothing with src/ or model/
 *      judge.c     what a state must become
 *      calls.c     every call from a state
 *      faults.c    the same with each fallible callback failing
 *      supply.c    a tag source that fails when it is told to
 *      explore.c   the frontier
 *      report.c    a disagreement, as a scenario that repeats it, with as few calls as possible
 *      main.c      the arenas, and the command line
 *
 *    Three programs are made of it.  `explore` has the library as it is; an arena with few holes never
 *    uses an index there.  In `explore_indexed` the thresholds are such that every search does.  In
 *    `explore_faults` memory comes in the smallest pieces besides, so that small arenas ask for more again
 *    and again, and every fallible callback fails.  `explorer_sees_bugs` runs them on libraries with one
 *    fault each: they must report it.
 *
 * 3. What is made from which state
 *    From every state: the plain calls of every policy; every exact window, by first fit and by next fit
 *    (so every place, with every cursor, is taken from every state); every free; every add.
 *    All other requests, thousands, are made once for all states that look the same to a search: with the
 *    same spans, the same holes in the same order in the bins, the same indexes and, for next fit, the same
 *    cursor.  Such states differ in how the busy quanta are divided into allocations, and for the other
 *    policies in the cursor.  What is lost: a search that depended on how its neighbours were allocated
 *    would be judged in one case only; choose_hole.c does not look at allocations, and what is done with
 *    the place that it finds is judged from every state.  --full leaves nothing out; scripts/exhaustive
 *    does that at a smaller size, and requires the same states.
 *    Wrong frees, of every position with every size, are made once for all states that differ in the
 *    cursor alone.
 *
 * 4. What an answer is judged by
 *    The status, the place (policy-exact; of instant fit, which may choose, that it is legal), and the state
 *    after it: as the oracle says for an allocation, to the last byte but the counters for a refusal.  A
 *    new state is judged by vmem_check(), vmem_size(), vmem_state() and vmem_contains().
 *
 * 5. Failing callbacks
 *    A key then also says how much memory is at hand: tags, nodes, the busy index's table.  The cursor is not
 *    a part of it.  vmem_maintain(), which gives back what is at hand, is one of the calls, so that states
 *    are met with nothing at hand.  Each call that asked for memory or for a span is made again with the
 *    k-th of these callbacks failing, for all k, alone and with all that follow: from one of the states that
 *    have the same spans, holes, indexes and memory at hand.  A release cannot fail, by contract.  The
 *    requests are fewer: alignments and blocks of up to 2 quanta, windows of the size or one quantum more.
 *
 * 6. Sizes
 *    States grow by 3.3 a quantum, with a source or with handles by 5, where 10 quanta would be ten million
 *    states and more memory than a small machine has: those worlds have two quanta less.  With failing
 *    callbacks the memory at hand of both arenas makes the states of a world with a source more than twenty
 *    times as many: there it has four less.
 *
 * 7. Positions
 *    Everything here counts in quanta from the world's base: bit p of a mask is quantum p.
 */
#ifndef VMX_EXPLORE_H
#define VMX_EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <vmem/vmem.h>

enum {
    VMX_QUANTA_MAX = 14,
    VMX_ARENAS_MAX = 2, /* the one that is looked at, and its source */
    VMX_SPANS_MAX = 3,
    VMX_HOLES_MAX = 8,
    VMX_TAG_BYTES = 28672,
    VMX_SUPPLY_UNIT = 64,
    VMX_NOWHERE = 0xff /* a cursor that no allocation has set */
};

/* What there is of one arena, by quanta. */
struct vmx_shape {
    uint32_t owned;
    uint32_t span_start; /* first quantum of each span */
    uint32_t imported;   /* quanta of imported spans */
    uint32_t busy;
    uint32_t start;                       /* first quantum of each allocation */
    uint32_t handled;                     /* first quantum of each that is freed by handle */
    uint8_t cursor;                       /* of next fit */
    uint8_t by_address;                   /* state of the index */
    uint8_t by_size;                      /* state of the index */
    uint8_t kept;                         /* wholly free imported spans */
    uint8_t hole_count;                   /* entries of `hole` */
    uint8_t hole[VMX_HOLES_MAX];          /* starts, in the order of the bins */
    uint8_t at_hand[4];                   /* memory: where callbacks fail, else 0 */
    uint8_t zero[32 - 9 - VMX_HOLES_MAX]; /* no padding: keys are compared as bytes */
};

/* A state: the arena that is looked at, and its source if it has one. */
struct vmx_key {
    struct vmx_shape arena[VMX_ARENAS_MAX];
};

struct vmx_span {
    uint8_t start; /* quanta */
    uint8_t quanta;
    bool is_initial; /* else added by a call */
};

/* One arena and all that it remembers.  They never move. */
struct vmx_part {
    struct vmem_storage storage;
    /* Of a part that is a tag source: which units are handed out, and where a piece begins. */
    _Alignas(64) uint64_t used[VMX_TAG_BYTES / VMX_SUPPLY_UNIT / 64 + 1];
    uint64_t begins[VMX_TAG_BYTES / VMX_SUPPLY_UNIT / 64 + 1];
    _Alignas(64) unsigned char tags[VMX_TAG_BYTES];
};

/* An arena to explore. */
struct vmx_world {
    const char *name;
    vmem_addr_t base; /* units; position 0 */
    unsigned quantum_log2;
    vmem_size_t quantum; /* units */
    unsigned quanta;     /* positions */
    struct vmx_span span[VMX_SPANS_MAX];
    unsigned span_count;
    bool has_handles;     /* allocate by handle too */
    bool is_importing;    /* the spans are the source's */
    bool has_function;    /* an import function between arena and source */
    size_t tag_bytes;     /* of a part that are in use */
    unsigned import_log2; /* import quantum, log2 of quanta */
    unsigned import_keep;
    bool is_careful; /* every call may write anywhere: copy all memory, always */
    bool is_small;   /* callbacks fail: memory from supply.h, and no move for the cursor's sake */
    bool is_brief;   /* fewer shapes and windows: there are many states */
};

enum vmx_call { VMX_ALLOC, VMX_XALLOC, VMX_HANDLE };

/* What is counted apart: requests by policy, and all other calls. */
enum vmx_kind { VMX_INSTANT, VMX_BEST, VMX_FIRST, VMX_NEXT, VMX_OTHER, VMX_KINDS };

/* A call that allocates. */
struct vmx_request {
    vmem_size_t size; /* units, as all up to addr_max */
    vmem_size_t align;
    vmem_size_t phase;
    vmem_size_t nocross;
    vmem_addr_t addr_min;
    vmem_addr_t addr_max;
    unsigned flags;
    uint32_t legal; /* positions that obey the constraints */
    uint8_t quanta; /* the size, rounded */
    uint8_t call;   /* enum vmx_call */
    uint8_t policy; /* enum vmx_kind */
    bool is_contradictory;
    bool is_move;      /* made from every state: see section 3 */
    bool is_placement; /* made from the source too */
};

/* How a state was reached. */
enum vmx_what { VMX_BEGIN, VMX_REQUEST, VMX_FREE, VMX_ADD, VMX_BAD_FREE, VMX_MAINTAIN };

struct vmx_step {
    uint8_t what;
    uint8_t arena;
    uint16_t place; /* position, or number of the span */
    uint32_t request;
    uint16_t fails_at; /* the fallible callback that fails; 0 = none */
    bool fails_onward; /* and all later ones */
};

/* Holes and fits of a shape. */
struct vmx_view {
    const struct vmx_shape *shape;
    uint32_t fit[VMX_QUANTA_MAX + 1]; /* by size: positions where so many quanta are free */
    unsigned hole_count;
    struct {
        uint32_t mask;
        unsigned quanta;
    } hole[VMX_HOLES_MAX * 2]; /* by size, then by start */
};

/* What a request may answer. */
struct vmx_expected {
    int status;
    uint32_t places; /* if 0: any of these */
};

/* state.c: read an arena.  NULL, or what is wrong with its structures. */
const char *vmx_shape_read(
    const struct vmem_arena *arena, const struct vmx_world *world, struct vmx_shape *shape);

/* Enter how much memory is at hand for what comes next. */
void vmx_supply_read(const struct vmem_arena *arena, struct vmx_shape *shape);

/* Bytes that the arena thinks it has obtained. */
size_t vmx_metadata_bytes(const struct vmem_arena *arena);

/* Is there memory that an earlier call left to be put back? */
bool vmx_has_garbage(const struct vmem_arena *arena);

/* Refused requests since the arena was as in that part; *tags: of these, for want of tags. */
uint64_t vmx_new_failures(
    const struct vmem_arena *arena, const struct vmx_part *before, uint64_t *tags);

/* The requests that the arena has refused for want of memory for tags. */
uint64_t vmx_tag_failures(const struct vmem_arena *arena);

/* The handle of the allocation at a position; 0 if it has none. */
vmem_handle_t vmx_handle_at(
    const struct vmem_arena *arena, const struct vmx_world *world, unsigned position);

/* oracle.c */
void vmx_request_complete(const struct vmx_world *world, struct vmx_request *request);
void vmx_view_make(
    const struct vmx_world *world, const struct vmx_shape *shape, struct vmx_view *view);
void vmx_expect(
    const struct vmx_view *view, const struct vmx_request *request, struct vmx_expected *expected);

/* The size of the allocation at a position, in quanta; 0 if none starts there. */
unsigned vmx_quanta_at(const struct vmx_shape *shape, unsigned position);

/* requests.c: all requests of a world.  Ends the program if there is no memory. */
struct vmx_request *vmx_requests_make(const struct vmx_world *world, size_t *count);

struct vmx_options {
    bool is_full;        /* leave nothing out: see section 3 */
    bool has_faults;     /* let every fallible callback fail: see section 5 */
    bool shows_progress; /* on stderr */
};

/* What came out. */
struct vmx_result {
    uint64_t states;
    uint64_t faults; /* calls with a failing callback; not among the others */
    uint64_t disagreements;
    uint64_t open_refusals; /* refused, though an import that is not required would have served */
    struct {
        uint64_t searched; /* states from which all its requests were made */
        uint64_t calls;
    } by[VMX_KINDS];
};

/* explore.c: explore a world. */
void vmx_explore(
    const struct vmx_world *world, const struct vmx_options *options, struct vmx_result *result);

/* report.c: say what a call did against what it should have done. */
void vmx_report(const struct vmx_world *world, const struct vmx_request *requests,
    const struct vmx_step *path, size_t path_count, const char *text);

#endif
