/*
 * line - one line becomes a statement.                            SPDX-License-Identifier: BSD-2-Clause
 *
 * A table says for each verb how it is written, how many plain words follow it, and which function
 * reads its keys.  Plain words come in a fixed order; keys in any, each at most once.
 */
#include "line.h"

#include <errno.h>
#include <string.h>

const char *const vmem_figure_names[VMEM_FIGURE_COUNT] = { "total", "inuse", "free", "largest",
    "spans", "freesegs", "imported" };

/* A line that is being read. */
struct line {
    struct vmem_scenario *scenario;
    const struct vmem_words *words;
    size_t next; /* index of the next word */
    size_t end;  /* index past the last word before the result */
    bool is_repeated;
    struct vmem_statement *out;
};

typedef bool read_fn(struct line *line);

static read_fn read_arena, read_range, read_alloc, read_xalloc, read_id, read_limit, read_expect,
    read_state, read_random, read_repeat, read_needs, read_nothing;

static const struct {
    const char *name;
    const char *form;
    bool has_arena;
    read_fn *read;
} verbs[VMEM_VERB_COUNT] = {
    [VMEM_VERB_ARENA] = { "arena",
        "arena NAME quantum=Q [base=A size=S] [qcache_max=N] [limit=N] [policy=P] "
        "[import_quantum=N] [source=PARENT] [keep=N]",
        true, read_arena },
    [VMEM_VERB_ADD] = { "add", "add NAME ADDR SIZE", true, read_range },
    [VMEM_VERB_ALLOC] = { "alloc", "alloc NAME ID SIZE", true, read_alloc },
    [VMEM_VERB_XALLOC] = { "xalloc",
        "xalloc NAME ID SIZE [align=N] [phase=N] [nocross=N] [min=A] [max=A] [policy=P] [high]",
        true, read_xalloc },
    [VMEM_VERB_FREE] = { "free", "free NAME ID", true, read_id },
    [VMEM_VERB_XFREE] = { "xfree", "xfree NAME ID", true, read_id },
    [VMEM_VERB_FREEAT] = { "freeat", "freeat NAME ADDR SIZE", true, read_range },
    [VMEM_VERB_DRAIN] = { "drain", "drain NAME", true, read_nothing },
    [VMEM_VERB_LIMIT] = { "limit", "limit NAME N", true, read_limit },
    [VMEM_VERB_EXPECT] = { "expect", "expect NAME KEY=VALUE ...", true, read_expect },
    [VMEM_VERB_STATE] = { "state", "state NAME ADDR = free|busy|outside", true, read_state },
    [VMEM_VERB_DESTROY] = { "destroy", "destroy NAME", true, read_nothing },
    [VMEM_VERB_RANDOM] = { "random",
        "random NAME seed=N ops=N [max_size=N] [constrained=PERCENT] [policies=P,P...]", true,
        read_random },
    [VMEM_VERB_REPEAT] = { "repeat", "repeat N", false, read_repeat },
    [VMEM_VERB_END] = { "end", "end", false, read_nothing },
    [VMEM_VERB_NEEDS] = { "needs", "needs FEATURE...", false, read_needs },
};

static const struct {
    const char *name;
    unsigned flag;
} policies[] = { { "instant", VMEM_INSTANTFIT }, { "best", VMEM_BESTFIT },
    { "first", VMEM_FIRSTFIT }, { "next", VMEM_NEXTFIT } };

static const struct {
    const char *name;
    struct vmem_result result;
} results[] = {
    { "ok", { VMEM_RESULT_STATUS, 0, 0, VMEM_STATE_OUTSIDE } },
    { "?", { VMEM_RESULT_ANY, 0, 0, VMEM_STATE_OUTSIDE } },
    { "misuse", { VMEM_RESULT_MISUSE, 0, 0, VMEM_STATE_OUTSIDE } },
    { "ENOMEM", { VMEM_RESULT_STATUS, ENOMEM, 0, VMEM_STATE_OUTSIDE } },
    { "EINVAL", { VMEM_RESULT_STATUS, EINVAL, 0, VMEM_STATE_OUTSIDE } },
    { "EEXIST", { VMEM_RESULT_STATUS, EEXIST, 0, VMEM_STATE_OUTSIDE } },
    { "ENOSPC", { VMEM_RESULT_STATUS, ENOSPC, 0, VMEM_STATE_OUTSIDE } },
    { "EBUSY", { VMEM_RESULT_STATUS, EBUSY, 0, VMEM_STATE_OUTSIDE } },
    { "ETIMEDOUT", { VMEM_RESULT_STATUS, ETIMEDOUT, 0, VMEM_STATE_OUTSIDE } },
    { "free", { VMEM_RESULT_STATE, 0, 0, VMEM_STATE_FREE } },
    { "busy", { VMEM_RESULT_STATE, 0, 0, VMEM_STATE_BUSY } },
    { "outside", { VMEM_RESULT_STATE, 0, 0, VMEM_STATE_OUTSIDE } },
};

static const char *
form(const struct line *line)
{
    return verbs[line->out->verb].form;
}

/* The next plain word; an error that names `what` if there is none. */
static const struct vmem_word *
plain(struct line *line, const char *what)
{
    if (line->next == line->end) {
        const unsigned column = line->next < line->words->count ? line->words->at[line->next].column
                                                                : line->words->end_column;
        (void)vmem_text_error(line->scenario, column, "%s is missing: %s", what, form(line));
        return NULL;
    }
    return &line->words->at[line->next++];
}

static bool
plain_number(struct line *line, const char *what, uint64_t *number)
{
    const struct vmem_word *word = plain(line, what);

    return word != NULL && vmem_text_number(line->scenario, word, number);
}

static bool
plain_name(struct line *line, const char *what, const char *kind, struct vmem_scenario_name *name)
{
    const struct vmem_word *word = plain(line, what);

    return word != NULL && vmem_text_name(line->scenario, word, kind, line->is_repeated, name);
}

static bool
read_policy(struct line *line, const struct vmem_word *word, unsigned *flag)
{
    for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++) {
        if (vmem_text_is(word, policies[i].name)) {
            *flag = policies[i].flag;
            return true;
        }
    }
    return vmem_text_error(line->scenario, word->column,
        "'%s' is not a policy: instant, best, first or next", vmem_text_quote(word));
}

/* A key, where its number goes, and whether it came already. */
struct key {
    const char *name;
    uint64_t *number;
    bool is_given;
};

/* The entry of a key that was not given before, or NULL and an error. */
static struct key *
find_key(struct line *line, const struct vmem_word *word, struct key *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (vmem_text_is(word, keys[i].name)) {
            if (keys[i].is_given) {
                (void)vmem_text_error(line->scenario, word->column, "%s is given twice: %s",
                    keys[i].name, form(line));
                return NULL;
            }
            keys[i].is_given = true;
            return &keys[i];
        }
    }
    (void)vmem_text_error(
        line->scenario, word->column, "unknown word '%s': %s", vmem_text_quote(word), form(line));
    return NULL;
}

/* The next KEY=VALUE; a word without '=' gives an empty value and is_pair false. */
static struct key *
next_key(struct line *line, struct key *keys, size_t count, struct vmem_word *value, bool *is_pair)
{
    const struct vmem_word *word = &line->words->at[line->next++];
    struct vmem_word name = *word;
    struct key *key;

    *is_pair = vmem_text_pair(word, &name, value);
    key = find_key(line, &name, keys, count);
    if (key != NULL && !*is_pair && strcmp(key->name, "high") != 0) {
        (void)vmem_text_error(line->scenario, word->column + (unsigned)word->length,
            "%s has no value: write %s=...", key->name, key->name);
        return NULL;
    }
    return key;
}

static bool
read_arena(struct line *line)
{
    struct vmem_options *options = &line->out->u.arena.options;
    uint64_t keep = 0;
    struct key keys[] = { { "quantum", &options->quantum, false },
        { "base", &options->base, false }, { "size", &options->size, false },
        { "qcache_max", &options->qcache_max, false }, { "limit", &options->limit, false },
        { "import_quantum", &options->import_quantum, false }, { "keep", &keep, false },
        { "policy", NULL, false }, { "source", NULL, false } };
    const size_t count = sizeof keys / sizeof keys[0];
    struct vmem_word value = { 0 };
    bool is_pair;

    while (line->next < line->end) {
        struct key *key = next_key(line, keys, count, &value, &is_pair);

        if (key == NULL) {
            return false;
        }
        if (key == &keys[count - 1]) {
            line->out->u.arena.has_source = true;
            if (!vmem_text_name(line->scenario, &value, "an arena's name", line->is_repeated,
                    &line->out->u.arena.source)) {
                return false;
            }
        } else if (key->number != NULL ? !vmem_text_number(line->scenario, &value, key->number)
                                       : !read_policy(line, &value, &options->flags)) {
            return false;
        }
    }
    if (!keys[0].is_given) {
        return vmem_text_error(
            line->scenario, line->words->at[0].column, "quantum= is missing: %s", form(line));
    }
    options->import_keep = keep < UINT32_MAX ? (unsigned)keep : UINT32_MAX;
    return true;
}

static bool
read_range(struct line *line)
{
    return plain_number(line, "ADDR", &line->out->u.range.addr) &&
        plain_number(line, "SIZE", &line->out->u.range.size);
}

static bool
read_alloc(struct line *line)
{
    line->out->u.alloc.addr_max = VMEM_ADDR_MAX;
    return plain_name(line, "ID", "an ID", &line->out->id) &&
        plain_number(line, "SIZE", &line->out->u.alloc.size);
}

static bool
read_xalloc(struct line *line)
{
    struct vmem_statement_alloc *alloc = &line->out->u.alloc;
    struct key keys[] = { { "align", &alloc->align, false }, { "phase", &alloc->phase, false },
        { "nocross", &alloc->nocross, false }, { "min", &alloc->addr_min, false },
        { "max", &alloc->addr_max, false }, { "policy", NULL, false }, { "high", NULL, false } };
    const size_t count = sizeof keys / sizeof keys[0];
    struct vmem_word value = { 0 };
    bool is_pair;
    unsigned flag = 0;

    if (!read_alloc(line)) {
        return false;
    }
    while (line->next < line->end) {
        struct key *key = next_key(line, keys, count, &value, &is_pair);

        if (key == NULL) {
            return false;
        }
        if (key == &keys[count - 1]) {
            if (is_pair) {
                return vmem_text_error(
                    line->scenario, value.column, "high takes no value: write it alone");
            }
            alloc->flags |= VMEM_HIGH;
        } else if (key->number != NULL) {
            if (!vmem_text_number(line->scenario, &value, key->number)) {
                return false;
            }
        } else if (!read_policy(line, &value, &flag)) {
            return false;
        } else {
            alloc->flags |= flag;
        }
    }
    return true;
}

static bool
read_id(struct line *line)
{
    return plain_name(line, "ID", "an ID", &line->out->id);
}

static bool
read_limit(struct line *line)
{
    return plain_number(line, "N", &line->out->u.range.size);
}

static bool
read_expect(struct line *line)
{
    struct key keys[VMEM_FIGURE_COUNT];
    struct vmem_word value = { 0 };
    bool is_pair;

    for (size_t i = 0; i < VMEM_FIGURE_COUNT; i++) {
        keys[i] = (struct key){ vmem_figure_names[i], &line->out->u.expect.value[i], false };
    }
    if (line->next == line->end) {
        (void)plain(line, "KEY=VALUE");
        return false;
    }
    while (line->next < line->end) {
        struct key *key = next_key(line, keys, VMEM_FIGURE_COUNT, &value, &is_pair);

        if (key == NULL || !vmem_text_number(line->scenario, &value, key->number)) {
            return false;
        }
        line->out->u.expect.is_given[key - keys] = true;
    }
    return true;
}

static bool
read_state(struct line *line)
{
    return plain_number(line, "ADDR", &line->out->u.range.addr);
}

/* P,P... */
static bool
read_policies(struct line *line, struct vmem_word value, struct vmem_statement_random *random)
{
    bool is_last = false;

    while (!is_last) {
        struct vmem_word word = value;
        const char *comma = memchr(value.at, ',', value.length);
        unsigned flag = 0;

        is_last = comma == NULL;
        word.length = is_last ? value.length : (size_t)(comma - value.at);
        if (!read_policy(line, &word, &flag)) {
            return false;
        }
        if (random->policy_count == 4) {
            return vmem_text_error(
                line->scenario, word.column, "more than four policies: there are four");
        }
        random->policies[random->policy_count++] = flag;
        value.at += is_last ? 0 : word.length + 1;
        value.column += (unsigned)word.length + 1;
        value.length -= is_last ? 0 : word.length + 1;
    }
    return true;
}

static bool
read_random(struct line *line)
{
    struct vmem_statement_random *random = &line->out->u.random;
    uint64_t percent = 30;
    struct key keys[] = { { "seed", &random->seed, false }, { "ops", &random->ops, false },
        { "max_size", &random->size_max, false }, { "constrained", &percent, false },
        { "policies", NULL, false } };
    struct vmem_word value = { 0 };
    bool is_pair;

    random->policy_count = 0;
    while (line->next < line->end) {
        struct key *key = next_key(line, keys, sizeof keys / sizeof keys[0], &value, &is_pair);

        if (key == NULL ||
            (key->number != NULL ? !vmem_text_number(line->scenario, &value, key->number)
                                 : !read_policies(line, value, random))) {
            return false;
        }
        if (percent > 100) {
            return vmem_text_error(
                line->scenario, value.column, "constrained is a percentage: 0 to 100");
        }
    }
    if (!keys[0].is_given || !keys[1].is_given) {
        return vmem_text_error(line->scenario, line->words->at[0].column, "%s is missing: %s",
            keys[0].is_given ? "ops=" : "seed=", form(line));
    }
    random->constrained = (unsigned)percent;
    return true;
}

static bool
read_repeat(struct line *line)
{
    return plain_number(line, "N", &line->out->u.repeat.count);
}

/* Notes the first feature that is not built. */
static bool
read_needs(struct line *line)
{
    static const char *const built[] = { "import", "random" };
    struct vmem_scenario *scenario = line->scenario;

    if (scenario->has_begun) {
        return vmem_text_error(scenario, line->words->at[0].column,
            "needs stands at the top of the file, before all other operations");
    }
    if (plain(line, "FEATURE") == NULL) {
        return false;
    }
    for (line->next--; line->next < line->end; line->next++) {
        const struct vmem_word *word = &line->words->at[line->next];
        bool is_built = false;

        for (size_t i = 0; i < sizeof built / sizeof built[0]; i++) {
            is_built = is_built || vmem_text_is(word, built[i]);
        }
        if (!is_built && scenario->missing[0] == '\0') {
            const char *quoted = vmem_text_quote(word);

            memcpy(scenario->missing, quoted, strlen(quoted) + 1);
            scenario->missing_line = line->out->line;
        }
    }
    return true;
}

static bool
read_nothing(struct line *line)
{
    (void)line;
    return true;
}

/* `= RESULT` at the end of the line, or ok. */
static bool
read_result(struct line *line)
{
    const struct vmem_words *words = line->words;
    struct vmem_result *result = &line->out->result;
    const struct vmem_word *word;
    struct vmem_word place;
    size_t equals = 0;

    *result = results[0].result;
    line->end = words->count;
    while (equals < words->count && !vmem_text_is(&words->at[equals], "=")) {
        equals++;
    }
    if (equals == words->count) {
        return true;
    }
    line->end = equals;
    if (equals + 1 == words->count) {
        return vmem_text_error(line->scenario, words->end_column,
            "the result is missing after '=': ok, @ADDR, ?, misuse or the name of an error");
    }
    if (equals + 2 < words->count) {
        return vmem_text_error(line->scenario, words->at[equals + 2].column,
            "'%s' after the result: a line ends with ' = RESULT'",
            vmem_text_quote(&words->at[equals + 2]));
    }
    word = &words->at[equals + 1];
    if (word->at[0] == '@') {
        place = (struct vmem_word){ word->at + 1, word->length - 1, word->column + 1 };
        result->kind = VMEM_RESULT_PLACE;
        return vmem_text_number(line->scenario, &place, &result->addr);
    }
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
        if (vmem_text_is(word, results[i].name)) {
            *result = results[i].result;
            return true;
        }
    }
    return vmem_text_error(line->scenario, word->column,
        "unknown result '%s': ok, @ADDR, ?, misuse, ENOMEM, EINVAL, EEXIST, ENOSPC, EBUSY or "
        "ETIMEDOUT (free, busy or outside of a state)",
        vmem_text_quote(word));
}

/* True if this verb can have that result at all. */
static bool
check_result(struct line *line)
{
    const enum vmem_verb verb = line->out->verb;
    const struct vmem_result *result = &line->out->result;
    const bool is_given = line->end < line->words->count;
    const unsigned column = line->words->at[line->words->count - 1].column;

    if (verb == VMEM_VERB_STATE) {
        return result->kind == VMEM_RESULT_STATE ||
            vmem_text_error(line->scenario, is_given ? column : line->words->end_column,
                "the state is missing: %s", form(line));
    }
    if (result->kind == VMEM_RESULT_STATE) {
        return vmem_text_error(line->scenario, column,
            "free, busy and outside are results of state, not of %s", verbs[verb].name);
    }
    if (result->kind == VMEM_RESULT_PLACE && verb != VMEM_VERB_ALLOC && verb != VMEM_VERB_XALLOC) {
        return vmem_text_error(line->scenario, column,
            "@ADDR is a result of alloc and xalloc, not of %s", verbs[verb].name);
    }
    if (is_given &&
        (verb == VMEM_VERB_REPEAT || verb == VMEM_VERB_END || verb == VMEM_VERB_NEEDS)) {
        return vmem_text_error(
            line->scenario, column, "%s has no result: %s", verbs[verb].name, form(line));
    }
    return true;
}

static bool
read_verb(struct line *line)
{
    const struct vmem_word *word = &line->words->at[0];

    for (size_t i = 0; i < VMEM_VERB_COUNT; i++) {
        if (vmem_text_is(word, verbs[i].name)) {
            line->out->verb = (enum vmem_verb)i;
            return true;
        }
    }
    return vmem_text_error(line->scenario, word->column,
        "unknown operation '%s': arena, add, alloc, xalloc, free, xfree, freeat, drain, limit, "
        "expect, state, destroy, repeat, end, random or needs",
        vmem_text_quote(word));
}

bool
vmem_line_parse(struct vmem_scenario *scenario, struct vmem_words *words, bool is_repeated,
    struct vmem_statement *statement)
{
    const struct vmem_word *last = &words->at[words->count - 1];
    struct line line = { scenario, words, 1, 0, is_repeated, statement };

    statement->column = words->at[0].column;
    statement->text = words->at[0].at;
    statement->length = (size_t)(last->at + last->length - words->at[0].at);
    if (!read_verb(&line) || !read_result(&line)) {
        return false;
    }
    if (verbs[statement->verb].has_arena &&
        !plain_name(&line, "NAME", "an arena's name", &statement->arena)) {
        return false;
    }
    if (!verbs[statement->verb].read(&line) || !check_result(&line)) {
        return false;
    }
    if (line.next < line.end) {
        return vmem_text_error(scenario, words->at[line.next].column,
            "'%s' is one word too many: %s", vmem_text_quote(&words->at[line.next]), form(&line));
    }
    return true;
}
