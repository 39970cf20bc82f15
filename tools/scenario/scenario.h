/*
 * scenario.h - a parsed scenario file.                            SPDX-License-Identifier: BSD-2-Clause
 *
 * The text becomes an array of statements, one for each line that says something.  A repeat and its
 * end know each other's index, so that running needs no recursion.  If the text is broken, the
 * statements before the broken line are still there, so that one can run them and then say what
 * was done before the error.
 */
#ifndef VMEM_SCENARIO_SCENARIO_H
#define VMEM_SCENARIO_SCENARIO_H

#include "map.h"

#include <vmem/vmem.h>

#define VMEM_SCENARIO_DEPTH_MAX 256 /* of nested repeats */
#define VMEM_SCENARIO_ERROR_BYTES 400

enum vmem_verb {
    VMEM_VERB_ARENA,
    VMEM_VERB_ADD,
    VMEM_VERB_ALLOC,
    VMEM_VERB_XALLOC,
    VMEM_VERB_FREE,
    VMEM_VERB_XFREE,
    VMEM_VERB_FREEAT,
    VMEM_VERB_DRAIN,
    VMEM_VERB_LIMIT,
    VMEM_VERB_EXPECT,
    VMEM_VERB_STATE,
    VMEM_VERB_DESTROY,
    VMEM_VERB_RANDOM,
    VMEM_VERB_REPEAT,
    VMEM_VERB_END,
    VMEM_VERB_NEEDS,
    VMEM_VERB_COUNT
};

/* What a line expects. */
enum vmem_result_kind {
    VMEM_RESULT_STATUS, /* `ok` or a failure: the errno value */
    VMEM_RESULT_PLACE,  /* `@ADDR` */
    VMEM_RESULT_MISUSE,
    VMEM_RESULT_ANY,  /* `?` */
    VMEM_RESULT_STATE /* of `state` */
};

struct vmem_result {
    enum vmem_result_kind kind;
    int status;
    vmem_addr_t addr;
    enum vmem_state state;
};

/* The name of an arena or an ID. */
struct vmem_scenario_name {
    uint64_t text;    /* index of the text without its suffix */
    uint64_t suffix;  /* n of TEXT.n, 0 = none */
    bool is_numbered; /* written TEXT*: the suffix is the count of the innermost repeat */
    unsigned column;
};

enum vmem_figure {
    VMEM_FIGURE_TOTAL,
    VMEM_FIGURE_INUSE,
    VMEM_FIGURE_FREE,
    VMEM_FIGURE_LARGEST,
    VMEM_FIGURE_SPANS,
    VMEM_FIGURE_FREESEGS,
    VMEM_FIGURE_IMPORTED,
    VMEM_FIGURE_COUNT
};

/* Names of the figures, in that order. */
extern const char *const vmem_figure_names[VMEM_FIGURE_COUNT];

struct vmem_statement_arena {
    struct vmem_options options;
    bool has_source;
    struct vmem_scenario_name source;
};

struct vmem_statement_alloc {
    vmem_size_t size, align, phase, nocross;
    vmem_addr_t addr_min, addr_max;
    unsigned flags;
};

struct vmem_statement_random {
    uint64_t seed, ops;
    vmem_size_t size_max; /* 0 = 64 quanta */
    unsigned constrained; /* per cent */
    unsigned policies[4]; /* flags */
    unsigned policy_count;
};

struct vmem_statement {
    enum vmem_verb verb;
    unsigned line;
    unsigned column;
    const char *text; /* the line from its first word to its last, in the text that was parsed */
    size_t length;
    struct vmem_result result;
    struct vmem_scenario_name arena;
    struct vmem_scenario_name id;
    union {
        struct vmem_statement_arena arena;
        struct vmem_statement_alloc alloc;
        struct vmem_statement_random random;
        struct {
            vmem_addr_t addr;
            vmem_size_t size;
        } range; /* add, freeat; state, limit: addr, size alone */
        struct {
            vmem_size_t value[VMEM_FIGURE_COUNT];
            bool is_given[VMEM_FIGURE_COUNT];
        } expect;
        struct {
            uint64_t count;
            size_t partner; /* index of the end, or of the repeat */
        } repeat;
    } u;
};

struct vmem_scenario {
    struct vmem_statement *statements;
    size_t count;
    size_t capacity;
    char **names; /* interned; index 0 .. name_count - 1 */
    size_t name_count;
    size_t name_capacity;
    struct vmem_map name_map;
    char missing[64]; /* a feature that a `needs` line names and that is not built; "" = none */
    unsigned missing_line;
    bool has_begun; /* a line that is no `needs` was read */
    bool is_broken;
    unsigned error_line;
    unsigned error_column;
    char error[VMEM_SCENARIO_ERROR_BYTES];
};

/*
 * Parse a text.  The text must outlive the scenario, which points into it.
 *
 * Returns   false and scenario->error... if it is broken
 */
bool vmem_scenario_parse(struct vmem_scenario *scenario, const char *text, size_t length);
void vmem_scenario_fini(struct vmem_scenario *scenario);

#endif
