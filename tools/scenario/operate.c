/*
 * operate - one statement of a scenario, executed and judged.     SPDX-License-Identifier: BSD-2-Clause
 *
 * Two things must hold for a line to pass: the model finds nothing wrong with what the library did
 * (judge.c), and what it did is what the line expects.  A line that names what does not exist is
 * broken, and nothing is done.
 */
#include "operate.h"

#include "observe.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A line remembered with VMEM_LIVE_REFUSED that expected no success in particular. */
#define REFUSED_AS_ALLOWED (UINT64_C(1) << 62)

/* The statement at work. */
struct operation {
    struct vmem_world *world;
    const struct vmem_statement *statement;
    uint64_t index;
    const uint64_t *seed;
    struct vmem_report *report;
    struct vmem_pair *pair; /* the arena that the line names */
};

static void broken(struct operation *op, unsigned column, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void
broken(struct operation *op, unsigned column, const char *format, ...)
{
    va_list arguments;

    op->report->outcome = VMEM_OUTCOME_BROKEN;
    op->report->column = column;
    va_start(arguments, format);
    (void)vsnprintf(op->report->text, sizeof op->report->text, format, arguments);
    va_end(arguments);
}

static uint64_t
suffix_of(const struct operation *op, const struct vmem_scenario_name *name)
{
    return name->is_numbered ? op->index : name->suffix;
}

/* The name as it reads once its star is resolved; valid until the third call after. */
static const char *
text_of(const struct operation *op, const struct vmem_scenario_name *name)
{
    static char texts[3][64];
    static unsigned next;
    char *text = texts[next++ % 3];
    const uint64_t suffix = suffix_of(op, name);
    const char *stem = op->world->scenario->names[name->text];

    if (suffix == 0) {
        (void)snprintf(text, sizeof texts[0], "%.40s", stem);
    } else {
        (void)snprintf(text, sizeof texts[0], "%.40s.%" PRIu64, stem, suffix);
    }
    return text;
}

static struct vmem_pair *
find_pair(struct operation *op, const struct vmem_scenario_name *name)
{
    struct vmem_pair *pair = vmem_world_pair(op->world, name->text, suffix_of(op, name));

    if (pair == NULL) {
        broken(op, name->column, "there is no arena '%s': an arena line creates one",
            text_of(op, name));
    }
    return pair;
}

static struct vmem_map_key
id_key(const struct operation *op)
{
    const struct vmem_scenario_name *id = &op->statement->id;

    return (struct vmem_map_key){ op->pair->serial, id->text, suffix_of(op, id) };
}

/* Compare with what the line expects; the model's finding weighs more. */
static void
conclude(struct operation *op, const struct vmem_observed *observed)
{
    const struct vmem_result *want = &op->statement->result;
    struct vmem_report *report = op->report;
    struct vmem_observed as_wanted = { want->status, want->kind == VMEM_RESULT_MISUSE,
        want->kind == VMEM_RESULT_PLACE, want->addr };
    bool is_right = want->kind == VMEM_RESULT_ANY;

    (void)snprintf(report->got, sizeof report->got, "%s", vmem_observed_text(observed));
    if (op->world->finding[0] != '\0') {
        report->outcome = VMEM_OUTCOME_FAILED;
        (void)snprintf(report->text, sizeof report->text, "%s", op->world->finding);
        return;
    }
    if (want->kind == VMEM_RESULT_MISUSE) {
        is_right = observed->is_misuse;
    } else if (want->kind == VMEM_RESULT_STATUS) {
        is_right = !observed->is_misuse && observed->status == want->status;
    } else if (want->kind == VMEM_RESULT_PLACE) {
        is_right = observed->has_addr && observed->addr == want->addr;
    }
    if (!is_right) {
        report->outcome = VMEM_OUTCOME_FAILED;
        (void)snprintf(report->text, sizeof report->text,
            "expected %s, got %s, and the model finds that right", vmem_observed_text(&as_wanted),
            report->got);
    }
}

static void
do_arena(struct operation *op)
{
    const struct vmem_statement_arena *arena = &op->statement->u.arena;
    const struct vmem_scenario_name *name = &op->statement->arena;
    struct vmem_pair *source = NULL;
    struct vmem_observed observed;
    struct vmem_pair *pair;

    if (vmem_world_pair(op->world, name->text, suffix_of(op, name)) != NULL) {
        broken(op, name->column, "arena '%s' exists already: destroy it first, or use another name",
            text_of(op, name));
        return;
    }
    if (arena->has_source) {
        source = find_pair(op, &arena->source);
        if (source == NULL) {
            return;
        }
    }
    pair = vmem_scenario_realloc(NULL, 1, sizeof *pair);
    *pair =
        (struct vmem_pair){ .source = source, .name = name->text, .suffix = suffix_of(op, name) };
    observed = vmem_judge_create(op->world, pair, arena, text_of(op, name));
    if (observed.status != 0) {
        vmem_model_fini(&pair->model);
        free(pair);
    }
    conclude(op, &observed);
}

static void
do_add(struct operation *op)
{
    const struct vmem_observed observed = vmem_judge_add(
        op->world, op->pair, op->statement->u.range.addr, op->statement->u.range.size);

    conclude(op, &observed);
}

static void
do_alloc(struct operation *op)
{
    const struct vmem_statement *statement = op->statement;
    const struct vmem_map_key id = id_key(op);
    struct vmem_observed observed;
    uint64_t live;

    if (vmem_map_get(&op->world->id_map, id, &live) && (live & VMEM_LIVE_REFUSED) == 0) {
        broken(op, statement->id.column,
            "ID '%s' of arena '%s' is live: free it first, or use another ID",
            text_of(op, &statement->id), text_of(op, &statement->arena));
        return;
    }
    observed = vmem_judge_alloc(
        op->world, op->pair, &statement->u.alloc, statement->verb == VMEM_VERB_ALLOC);
    if (observed.status == 0) {
        vmem_world_live_add(op->world, op->pair, id, observed.addr, statement->u.alloc.size);
    } else {
        vmem_map_set(&op->world->id_map, id,
            VMEM_LIVE_REFUSED | statement->line |
                (statement->result.kind == VMEM_RESULT_ANY ? REFUSED_AS_ALLOWED : 0));
    }
    conclude(op, &observed);
}

/* The request that got this ID was refused. */
static void
free_nothing(struct operation *op, uint64_t live)
{
    (void)snprintf(op->report->got, sizeof op->report->got, "nothing to free");
    if ((live & REFUSED_AS_ALLOWED) == 0) {
        op->report->outcome = VMEM_OUTCOME_FAILED;
        (void)snprintf(op->report->text, sizeof op->report->text,
            "nothing to free: the request for '%s' in line %u was refused",
            text_of(op, &op->statement->id), (unsigned)(live & UINT32_MAX));
    }
}

static void
do_free(struct operation *op)
{
    const struct vmem_statement *statement = op->statement;
    struct vmem_observed observed;
    struct vmem_live live;
    uint64_t index;

    if (!vmem_map_get(&op->world->id_map, id_key(op), &index)) {
        broken(op, statement->id.column,
            "ID '%s' of arena '%s' is not live: alloc or xalloc gives it (freeat takes an address)",
            text_of(op, &statement->id), text_of(op, &statement->arena));
        return;
    }
    if ((index & VMEM_LIVE_REFUSED) != 0) {
        vmem_map_remove(&op->world->id_map, id_key(op));
        free_nothing(op, index);
        return;
    }
    live = op->world->lives[index];
    observed = vmem_judge_free(
        op->world, op->pair, live.addr, live.size, statement->verb == VMEM_VERB_FREE);
    conclude(op, &observed);
}

static void
do_freeat(struct operation *op)
{
    const vmem_addr_t addr = op->statement->u.range.addr;
    const struct vmem_pair *child = vmem_world_child_at(op->world, op->pair, addr);
    struct vmem_observed observed;

    if (child != NULL) {
        broken(op, op->statement->column,
            "0x%" PRIx64 " is a span of arena '%s': it is not ours to free", addr,
            vmem_name(child->real));
        return;
    }
    observed = vmem_judge_free(op->world, op->pair, addr, op->statement->u.range.size, true);
    conclude(op, &observed);
}

static void
do_drain(struct operation *op)
{
    const struct vmem_observed observed = vmem_judge_drain(op->world, op->pair);

    conclude(op, &observed);
}

static void
do_limit(struct operation *op)
{
    const struct vmem_observed observed =
        vmem_judge_limit(op->world, op->pair, op->statement->u.range.size);

    conclude(op, &observed);
}

static void
do_expect(struct operation *op)
{
    struct vmem_observed observed = { 0 };
    struct vmem_model_figures real;
    struct vmem_model_figures model;
    char text[VMEM_FINDING_BYTES];
    size_t used = 0;

    vmem_observe_figures(op->pair->real, &real);
    vmem_model_figures(&op->pair->model, &model);
    for (unsigned i = 0; i < VMEM_FIGURE_COUNT; i++) {
        const vmem_size_t have = vmem_figure_of(&real, (enum vmem_figure)i);
        const vmem_size_t want = op->statement->u.expect.value[i];

        if (op->statement->u.expect.is_given[i] && have != want && used < sizeof text - 160) {
            used += (size_t)snprintf(&text[used], sizeof text - used,
                "%s%s is %" PRIu64 ", expected %" PRIu64 " (the model has %" PRIu64 ")",
                used != 0 ? "; " : "", vmem_figure_names[i], have, want,
                vmem_figure_of(&model, (enum vmem_figure)i));
        }
    }
    if (used != 0) {
        vmem_world_find(op->world, "%s", text);
    }
    vmem_observe_compare(op->world, op->pair);
    conclude(op, &observed);
}

static void
do_state(struct operation *op)
{
    static const char *const names[] = {
        [VMEM_STATE_OUTSIDE] = "outside", [VMEM_STATE_FREE] = "free", [VMEM_STATE_BUSY] = "busy"
    };
    const vmem_addr_t addr = op->statement->u.range.addr;
    const enum vmem_state have = vmem_state(op->pair->real, addr);
    const enum vmem_state model = vmem_model_state(&op->pair->model, addr);
    const enum vmem_state want = op->statement->result.state;

    (void)snprintf(op->report->got, sizeof op->report->got, "%s", names[have]);
    if (have != want || have != model) {
        op->report->outcome = VMEM_OUTCOME_FAILED;
        (void)snprintf(op->report->text, sizeof op->report->text,
            "expected %s, got %s, and the model has %s", names[want], names[have], names[model]);
    }
}

/* Cut the children off an arena that feeds them nothing.  False if one cannot be. */
static bool
detach_children(struct operation *op)
{
    struct vmem_pair *child;

    while ((child = vmem_world_child(op->world, op->pair)) != NULL) {
        if (vmem_import_from(child->real, NULL, 0) != 0) {
            broken(op, op->statement->arena.column,
                "arena '%s' is the source of '%s': destroy that first",
                text_of(op, &op->statement->arena), vmem_name(child->real));
            return false;
        }
        child->source = NULL;
        child->model.source = NULL;
    }
    return true;
}

static void
do_destroy(struct operation *op)
{
    struct vmem_observed observed;

    if (op->pair->model.inuse == 0 && !detach_children(op)) {
        return;
    }
    observed = vmem_judge_destroy(op->world, op->pair);
    conclude(op, &observed);
}

static void
do_random(struct operation *op)
{
    const struct vmem_statement_random *random = &op->statement->u.random;
    const struct vmem_observed observed = { 0 };

    (void)vmem_judge_random(
        op->world, op->pair, random, op->seed != NULL ? *op->seed : random->seed);
    conclude(op, &observed);
}

void
vmem_operate(struct vmem_world *world, const struct vmem_statement *statement, uint64_t index,
    const uint64_t *seed, struct vmem_report *report)
{
    static void (*const functions[VMEM_VERB_COUNT])(struct operation *) = {
        [VMEM_VERB_ARENA] = do_arena,
        [VMEM_VERB_ADD] = do_add,
        [VMEM_VERB_ALLOC] = do_alloc,
        [VMEM_VERB_XALLOC] = do_alloc,
        [VMEM_VERB_FREE] = do_free,
        [VMEM_VERB_XFREE] = do_free,
        [VMEM_VERB_FREEAT] = do_freeat,
        [VMEM_VERB_DRAIN] = do_drain,
        [VMEM_VERB_LIMIT] = do_limit,
        [VMEM_VERB_EXPECT] = do_expect,
        [VMEM_VERB_STATE] = do_state,
        [VMEM_VERB_DESTROY] = do_destroy,
        [VMEM_VERB_RANDOM] = do_random,
    };
    struct operation op = { world, statement, index, seed, report, NULL };

    report->outcome = VMEM_OUTCOME_PASSED;
    report->column = statement->column;
    report->text[0] = '\0';
    report->got[0] = '\0';
    vmem_world_reset(world);
    if (statement->verb != VMEM_VERB_ARENA) {
        op.pair = find_pair(&op, &statement->arena);
        if (op.pair == NULL) {
            return;
        }
    }
    functions[statement->verb](&op);
}
