/*
 * explorer.h - what the parts of the explorer share.               SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMX_EXPLORER_H
#define VMX_EXPLORER_H

#include "image.h"
#include "judge.h"
#include "keys.h"
#include "supply.h"

enum {
    VMX_MODES = 9 * 9 * 2, /* states of two indexes in two arenas, and whether spans are kept */
    VMX_SOUND_MAX = 32,
    VMX_WORST_PLACE = 0x5a /* what an out-pointer holds before a call */
};

/* How a state was reached. */
struct vmx_origin {
    struct vmx_step step;
    uint32_t from;
};

/* A state that waits to be expanded. */
struct vmx_waiting {
    uint32_t number;
    struct vmx_difference difference;
};

/* What the first call that made this allocation from the present state led to. */
struct vmx_memo {
    uint64_t visit; /* when: of which state */
    unsigned line_count;
    struct vmx_line *line;
};

/* Which calls are to be made from a state. */
struct vmx_extent {
    bool all;      /* all requests that do not look at the cursor */
    bool all_next; /* all of next fit */
    bool wrong;    /* wrong frees */
    bool failing;  /* each call once more, for each fallible callback */
};

struct vmx_explorer {
    const struct vmx_world *world;
    const struct vmx_options *options;
    struct vmx_request *request;
    size_t request_count;
    uint32_t *move; /* requests that are made from every state */
    size_t move_count;
    struct vmem_arena *arena[VMX_ARENAS_MAX];
    unsigned arena_count;
    struct vmx_image image;
    unsigned careful_states;       /* so far */
    bool has_seen[VMX_MODES];      /* combinations of indexes and kept spans */
    struct vmx_keys keys;          /* of all states */
    struct vmx_keys uncursored;    /* without the cursor */
    struct vmx_keys searched;      /* what a search looks at, without the cursor */
    struct vmx_keys searched_next; /* with it */
    struct vmx_keys failed;        /* what a failure depends on */
    struct vmx_extent extent;      /* of the state that is being expanded */
    struct vmx_origin *origin;     /* by number of key */
    size_t origin_capacity;
    struct vmx_waiting *waiting;
    size_t waiting_first; /* of the queue */
    size_t waiting_count; /* all that ever waited */
    size_t waiting_capacity;
    uint32_t number; /* of the state that is being expanded */
    uint64_t visit;  /* counts expansions */
    struct vmx_key now;
    struct vmx_memo memo[VMX_ARENAS_MAX][VMX_QUANTA_MAX][VMX_QUANTA_MAX + 1][4];
    struct vmx_result *result;
    struct vmx_key sound[VMX_SOUND_MAX]; /* where failures led from the present state */
    unsigned sound_count;
    unsigned misuses; /* reported to the fatal hook since the last look */
    enum vmem_fault_code misuse_code;
};

/* explore.c */

/* Report a disagreement: the call `step`, made from the state that is being expanded. */
void vmx_disagree(struct vmx_explorer *explorer, const struct vmx_step *step, const char *text);

/* Read the live arenas.  NULL, or what is wrong with them. */
const char *vmx_read_key(const struct vmx_explorer *explorer, struct vmx_key *key);

/* Figures, invariants, and the state of every quantum, against the key; may build an index. */
const char *vmx_judge_state(const struct vmx_explorer *explorer, const struct vmx_key *key);

/*
 * A call was made that led to `after`: keep that state if it is new, and go back to where the call was
 * made from.  `text`: what is wrong already, or NULL.
 */
void vmx_settle(struct vmx_explorer *explorer, const struct vmx_step *step,
    const struct vmx_key *after, const char *text, unsigned misuses_expected);

/* Keep the live state, which `step` led to, if it is new.  True if it was. */
bool vmx_enter_state(
    struct vmx_explorer *explorer, const struct vmx_step *step, const struct vmx_key *after);

/* faults.c: make a call again, with each of its fallible callbacks failing. */
void vmx_make_failing(struct vmx_explorer *explorer, const struct vmx_step *step);

/* calls.c: make the calls that are due from the present state. */
void vmx_make_all_calls(struct vmx_explorer *explorer);

/* Make the call of a request. */
int vmx_call(struct vmem_arena *arena, const struct vmx_request *request, vmem_addr_t *addr);

/* Free what is allocated at a position, with the size it was asked for but for `less` units. */
void vmx_free_at(
    struct vmx_explorer *explorer, unsigned arena, unsigned position, vmem_size_t less);

#endif
