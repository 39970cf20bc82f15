/*
 * trees - arenas that import from each other, over a source that refuses and lies.
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. What it is for
 *    Import and release between two to four arenas, each of which imports from one before it; the first
 *    owns spans, or imports from a function whose every answer is said by bytes: a refusal, a span in the
 *    right place, one anywhere, one larger than asked for, and lies.
 *
 * 2. What is judged
 *    Conservation, every few calls: what is busy in an arena is what was allocated from it and not
 *    freed, and the spans of the arenas that it feeds, each as one range, and nothing else.  What the
 *    function gave and did not get back is what the first arena has imported.  vmem_check() of all.
 *    Answers: a walk over the arena and its sources before the call becomes models (model/model.h).  If
 *    the arena had a place, it must be granted, by the policy, and no span may move; if it had none, a
 *    grant must lie in an imported span and meet the constraints, and a refusal is wrong if an import
 *    would certainly have served it.  No more than `keep` empty spans stay, and none goes that is to stay.
 *
 * 3. What is left open
 *    A call during which memory for tags was refused may be refused, if only nothing is lost.  An arena
 *    that owns static spans beside its source may be offered a range that it has: that is BAD_IMPORT.
 *    An arena that feeds others has no next fit by default: imports would move its cursor unseen.
 */
#include "fuzz.h"
#include "list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    ARENAS_MAX = 4,
    OPS_MAX = 96,
    LIVE_MAX = 128,
    QUANTA_MAX = 192,
    JUDGE_EVERY = 3,
    CHECK_EVERY = 12,
    KEEP_MAX = 3,
    /* For the place and for enough to contain one: at first, and without each span that is kept. */
    ASKED_MAX = 2 * (1 + ARENAS_MAX * (KEEP_MAX + 1)),
    NOBODY = -1,
    FUNCTION = -2
};

struct live {
    vmem_addr_t addr;
    vmem_size_t size; /* as requested */
    vmem_handle_t handle;
    int node;
};

struct node {
    struct vmem_storage *storage;
    struct vmem_arena *arena; /* NULL = destroyed */
    int source;               /* number of a node, NOBODY or FUNCTION */
    bool has_release;         /* FUNCTION: it takes spans back */
    bool is_unlocked;
    vmem_size_t quantum;
    vmem_size_t import_quantum; /* not 0 */
    vmem_size_t limit;
    unsigned keep;
    unsigned policy;
    vmem_addr_t cursor;
    uint64_t releases; /* before the call at hand */
    uint64_t imports;
};

/* The source of the first arena: a range under a model of its own. */
struct function {
    struct vmem_model model;
    unsigned calls;  /* in the call at hand */
    unsigned lies;   /* in the call at hand */
    bool comes_back; /* the last lie, if it is released */
    struct vmem_range lie;
};

struct run {
    struct fuzz_input in;
    struct fuzz_place place;
    struct fuzz_tags tags;
    uint64_t refused; /* by the source of tags, before the call at hand */
    struct node node[ARENAS_MAX];
    int count;
    struct function function;
    struct live live[LIVE_MAX];
    unsigned live_count;
};

static struct vmem_storage storages[ARENAS_MAX];

/* -------------------------------------------------------------------------------------------------
 * What a walk shows, as a model
 * ---------------------------------------------------------------------------------------------- */

static bool
note_segment(void *arg, const struct vmem_segment *segment)
{
    struct vmem_model *model = arg;
    const struct vmem_model_range range = { segment->start, segment->start + (segment->size - 1) };
    struct vmem_model_list *list = segment->type == VMEM_ALLOC ? &model->busy
        : segment->type == VMEM_FREE                           ? &model->holes
        : segment->imported                                    ? &model->imports
                                                               : &model->statics;

    vmem_model_list_insert(list, list->count, range);
    if (segment->type == VMEM_SPAN) {
        model->total += segment->size;
        model->imported += segment->imported ? segment->size : 0;
    } else if (segment->type == VMEM_ALLOC) {
        model->inuse += segment->size;
    }
    return true;
}

/* The model is kept from call to call for the sake of its memory. */
static void
snap(const struct node *node, struct vmem_model *model)
{
    const struct vmem_model old = *model;

    (void)vmem_model_init(model, node->quantum, node->limit, node->policy);
    model->statics = (struct vmem_model_list){ old.statics.at, 0, old.statics.capacity };
    model->imports = (struct vmem_model_list){ old.imports.at, 0, old.imports.capacity };
    model->holes = (struct vmem_model_list){ old.holes.at, 0, old.holes.capacity };
    model->busy = (struct vmem_model_list){ old.busy.at, 0, old.busy.capacity };
    model->cursor = node->cursor;
    model->cursor_fed = node->cursor;
    model->import_quantum = node->import_quantum;
    model->import_keep = node->keep;
    vmem_walk(node->arena, VMEM_ALLOC | VMEM_FREE | VMEM_SPAN, note_segment, model);
}

/* The arena and its sources, each a model that imports from the next. */
static void
snap_chain(const struct run *run, int number, struct vmem_model *models)
{
    unsigned count = 0;

    for (int i = number; i >= 0; i = run->node[i].source) {
        snap(&run->node[i], &models[count]);
        if (count > 0) {
            models[count - 1].source = &models[count];
        }
        count++;
    }
}

/* -------------------------------------------------------------------------------------------------
 * The function
 * ---------------------------------------------------------------------------------------------- */

static struct fuzz_request
ask(const struct vmem_import_request *want, vmem_size_t size, bool is_placed)
{
    struct fuzz_request r = { .size = size, .addr_max = VMEM_ADDR_MAX, .flags = VMEM_FIRSTFIT };

    if (is_placed) {
        r.align = want->align;
        r.phase = want->phase;
        r.nocross = want->nocross;
        r.addr_min = want->addr_min;
        r.addr_max = want->addr_max;
    }
    return r;
}

/* The lowest place of the range.  False: there is none. */
static bool
find_span(struct function *function, const struct fuzz_request *asked, struct vmem_range *span)
{
    struct vmem_model_request request;
    bool is_dictated;

    if (fuzz_judge_request(&function->model, asked, true, &request) != 0 ||
        vmem_model_choose(&function->model, &request, &span->start, &is_dictated) != 0) {
        return false;
    }
    span->size = request.size;
    vmem_model_commit(&function->model, &request, span->start);
    return true;
}

static bool
is_listed(const struct vmem_model_list *list, const struct vmem_range *range)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->at[i].start <= range->start + (range->size - 1) &&
            range->start <= list->at[i].last) {
            return true;
        }
    }
    return false;
}

/* Does the first arena own a unit of it?  Not if it is about to give that back. */
static bool
is_owned(const struct run *run, const struct vmem_range *range)
{
    static struct vmem_model now;

    snap(&run->node[0], &now);
    return range->size != 0 && range->start <= VMEM_ADDR_MAX - (range->size - 1) &&
        (is_listed(&now.statics, range) || is_listed(&now.imports, range));
}

/* What is wrong with a span. */
static void
lie(struct run *run, const struct vmem_import_request *want, struct vmem_range *span)
{
    struct function *function = &run->function;
    const struct vmem_model_list *out = &function->model.busy;

    *span = (struct vmem_range){ run->place.base & ~(want->quantum - 1), want->size };
    switch (fuzz_below(&run->in, want->quantum > 1 ? 6 : 4)) {
    case 4:
        span->start += 1;
        break;
    case 1:
        span->size = want->size - want->quantum; /* too small, or empty */
        break;
    case 2:
        span->start = VMEM_ADDR_MAX - (want->quantum - 1);
        span->size = want->size + want->quantum; /* beyond the last address */
        break;
    case 5:
        span->size += 1;
        break;
    default:
        span->start = out->count != 0 ? out->at[0].start : 0;
        if (!is_owned(run, span)) {
            span->size = 0; /* of what is on its way back no arena could tell */
        }
        break;
    }
    function->lies++;
    function->comes_back = !is_owned(run, span); /* what is in use must not */
    function->lie = *span;
}

static int
on_import(void *arg, const struct vmem_import_request *want, struct vmem_range *span)
{
    struct run *run = arg;
    const unsigned kind = fuzz_byte(&run->in);
    struct fuzz_request asked = ask(want, want->size, true);
    struct vmem_range found;

    FUZZ_REQUIRE(want->size != 0 && want->size % want->quantum == 0 &&
            want->size_anywhere % want->quantum == 0 && want->phase < want->align &&
            (want->size_anywhere == 0 || want->size_anywhere >= want->size) &&
            want->addr_min <= want->addr_max,
        "[I1] what a source is asked for makes sense");
    FUZZ_REQUIRE(++run->function.calls <= ASKED_MAX, "[I2] nothing is imported in a loop");
    if (kind < 32) {
        return kind < 16 ? ENOMEM : EIO;
    }
    if (kind >= 232) {
        lie(run, want, span);
        return 0;
    }
    if (kind >= 180 && want->size_anywhere != 0) {
        asked = ask(want, want->size_anywhere, false);
    } else if (kind >= 140 && want->size <= VMEM_SIZE_MAX - 3 * want->quantum) {
        /* More than asked for, and where it happens to be. */
        asked = ask(want, want->size + want->quantum * (kind % 4), false);
    }
    if (!find_span(&run->function, &asked, &found)) {
        return ENOMEM;
    }
    *span = found;
    return 0;
}

static void
on_release(void *arg, vmem_addr_t start, vmem_size_t size)
{
    struct run *run = arg;
    struct function *function = &run->function;

    if (function->comes_back && function->lie.start == start && function->lie.size == size) {
        function->comes_back = false;
        return;
    }
    FUZZ_REQUIRE(start % function->model.quantum == 0 && size % function->model.quantum == 0 &&
            vmem_model_judge_free(&function->model, start, size) == VMEM_MODEL_FREE_OK,
        "[I4] a span goes back as it came, once");
    vmem_model_free(&function->model, start);
}

/* -------------------------------------------------------------------------------------------------
 * Conservation
 * ---------------------------------------------------------------------------------------------- */

static int
compare_ranges(const void *a, const void *b)
{
    const struct vmem_model_range *x = a;
    const struct vmem_model_range *y = b;

    return x->start < y->start ? -1 : x->start > y->start;
}

/* A range that is busy in an arena of that quantum. */
static struct vmem_model_range
rounded_range(vmem_addr_t start, vmem_size_t size, vmem_size_t quantum)
{
    (void)vmem_model_roundup(size, quantum, &size);
    return (struct vmem_model_range){ start, start + (size - 1) };
}

/* What must be busy in an arena, given what all have. */
static void
expect_busy(const struct run *run, int number, const struct vmem_model *models,
    struct vmem_model_list *list)
{
    const vmem_size_t quantum = run->node[number].quantum;

    for (unsigned i = 0; i < run->live_count; i++) {
        if (run->live[i].node == number) {
            vmem_model_list_insert(
                list, list->count, rounded_range(run->live[i].addr, run->live[i].size, quantum));
        }
    }
    for (int child = 0; child < run->count; child++) {
        const struct vmem_model_list *imports = &models[child].imports;

        if (run->node[child].arena == NULL || run->node[child].source != number) {
            continue;
        }
        for (size_t i = 0; i < imports->count; i++) {
            const vmem_size_t size = imports->at[i].last - imports->at[i].start + 1;
            vmem_model_list_insert(
                list, list->count, rounded_range(imports->at[i].start, size, quantum));
        }
    }
    if (list->count != 0) {
        qsort(list->at, list->count, sizeof list->at[0], compare_ranges);
    }
}

/* Where nobody takes them back, imported spans are like any others. */
static bool
gives_back(const struct node *node)
{
    return node->source >= 0 || (node->source == FUNCTION && node->has_release);
}

static size_t
count_empty(const struct node *node, const struct vmem_model *model)
{
    return gives_back(node) ? vmem_model_empty_imports(model) : 0;
}

static void
judge_node(struct run *run, int number, const struct vmem_model *models)
{
    struct node *node = &run->node[number];
    const struct vmem_model *model = &models[number];
    static struct vmem_model_list busy;
    struct vmem_stats stats;

    busy.count = 0;
    expect_busy(run, number, models, &busy);
    FUZZ_REQUIRE(vmem_model_list_equal(&busy, &model->busy),
        "what is busy is what was allocated and what is imported, and nothing else");
    vmem_stats(node->arena, &stats);
    FUZZ_REQUIRE(stats.total_size == model->total && stats.inuse_size == model->inuse &&
            (stats.imported_size == model->imported || !gives_back(node)) &&
            stats.holes == model->holes.count && stats.busy_segments == model->busy.count &&
            stats.spans == model->statics.count + model->imports.count,
        "the figures are the sums of the segments");
    FUZZ_REQUIRE(
        stats.imports >= node->imports && stats.releases >= node->releases, "counters grow");
    FUZZ_REQUIRE(count_empty(node, model) <= node->keep, "[I4] no more empty spans stay than keep");
    if (number == 0 && node->source == FUNCTION && node->has_release) {
        FUZZ_REQUIRE(vmem_model_list_equal(&model->imports, &run->function.model.busy),
            "what the function gave is what was imported");
    }
}

static void
judge_all(struct run *run, bool checks)
{
    static struct vmem_model models[ARENAS_MAX];
    struct vmem_violation violation;

    for (int i = 0; i < run->count; i++) {
        if (run->node[i].arena != NULL) {
            snap(&run->node[i], &models[i]);
        }
    }
    for (int i = 0; i < run->count; i++) {
        if (run->node[i].arena != NULL) {
            judge_node(run, i, models);
            FUZZ_REQUIRE(
                !checks || vmem_check(run->node[i].arena, &violation), violation.invariant);
        }
    }
}

/* Remember the counters of all before a call. */
static void
note_before(struct run *run)
{
    run->refused = run->tags.refused;
    run->function.calls = 0;
    run->function.lies = 0;
    run->function.comes_back = false;
    for (int i = 0; i < run->count; i++) {
        struct vmem_stats stats;

        if (run->node[i].arena != NULL) {
            vmem_stats(run->node[i].arena, &stats);
            run->node[i].releases = stats.releases;
            run->node[i].imports = stats.imports;
        }
    }
}

/* Spans that came to, or went from, an arena during the call at hand. */
static uint64_t
moved(const struct node *node)
{
    struct vmem_stats stats;

    vmem_stats(node->arena, &stats);
    return stats.releases - node->releases + stats.imports - node->imports;
}

/* -------------------------------------------------------------------------------------------------
 * Allocating and freeing
 * ---------------------------------------------------------------------------------------------- */

/* Was something told that the source is to blame for?  Forgets it. */
static bool
met_bad_span(struct run *run, const struct vmem_model *models)
{
    bool may_overlap = run->function.lies != 0;

    for (const struct vmem_model *model = models; model != NULL; model = model->source) {
        may_overlap = may_overlap || model->statics.count != 0;
    }
    if (fuzz_told.count == 0) {
        return false;
    }
    FUZZ_REQUIRE(may_overlap && fuzz_told.fault.code == VMEM_FAULT_BAD_IMPORT,
        "[I5] a span is reported only if something is wrong with it");
    fuzz_told.count = 0;
    return true;
}

/* Granted, though the arena had no place: a span has come. */
static void
judge_import(
    const struct run *run, int number, const struct vmem_model_request *request, vmem_addr_t addr)
{
    const struct node *node = &run->node[number];
    struct vmem_model_range range = { addr, addr + (request->size - 1) };
    static struct vmem_model now;
    vmem_addr_t lowest = ~addr;

    FUZZ_REQUIRE(node->source != NOBODY && moved(node) != 0, "[P6] a place from nowhere");
    FUZZ_REQUIRE(request->size - 1 <= VMEM_ADDR_MAX - addr &&
            vmem_model_lowest(request, range, &lowest) && lowest == addr,
        "the place breaks a constraint");
    snap(node, &now);
    FUZZ_REQUIRE(vmem_model_list_at(&now.imports, addr) != NULL ||
            vmem_model_list_at(&now.statics, addr) != NULL,
        "the place is in a span");
}

static void
judge_alloc(struct run *run, int number, const struct vmem_model *models,
    const struct vmem_model_request *request, int status, vmem_addr_t addr)
{
    const bool met = met_bad_span(run, models);
    struct vmem_model_verdict verdict;
    bool is_dictated;
    vmem_addr_t unused;
    const bool had_place = vmem_model_choose(models, request, &unused, &is_dictated) == 0;

    if (status == ENOMEM && run->tags.refused != run->refused) {
        return;
    }
    if (had_place) {
        vmem_model_judge(models, request, status, addr, &verdict);
        FUZZ_REQUIRE(verdict.rule == NULL, verdict.rule);
        FUZZ_REQUIRE(moved(&run->node[number]) == 0, "[I2] spans move only for want of a place");
    } else if (status == 0) {
        judge_import(run, number, request, addr);
    } else {
        FUZZ_REQUIRE(status == ENOMEM, "[C4] a valid request that finds no place is ENOMEM");
        FUZZ_REQUIRE(met || !vmem_model_import_helps(models, request),
            "[P6] refused, but an import would serve it");
    }
}

static int
call_alloc(struct node *node, const struct fuzz_request *r, bool wants_handle, vmem_addr_t *addr,
    vmem_handle_t *handle)
{
    const struct vmem_constraint constraint = { r->align, r->phase, r->nocross, r->addr_min,
        r->addr_max };

    if (wants_handle && r->addr_max != 0) {
        return vmem_alloc_handle(node->arena, r->size, &constraint, r->flags, addr, handle);
    }
    if (r->align == 0 && r->phase == 0 && r->nocross == 0 && r->addr_min == 0 &&
        r->addr_max == VMEM_ADDR_MAX) {
        return vmem_alloc(node->arena, r->size, r->flags, addr);
    }
    return vmem_xalloc(node->arena, r->size, r->align, r->phase, r->nocross, r->addr_min,
        r->addr_max, r->flags, addr);
}

static void
do_alloc(struct run *run, int number, bool wants_handle)
{
    struct node *node = &run->node[number];
    static struct vmem_model models[ARENAS_MAX];
    struct vmem_model_request request;
    struct fuzz_request asked;
    struct live got = { .node = number };
    int want;
    int status;

    fuzz_request(&run->in, &run->place, &asked);
    if (run->live_count == LIVE_MAX) {
        return;
    }
    snap_chain(run, number, models);
    want = fuzz_judge_request(models, &asked, !node->is_unlocked, &request);
    got.size = asked.size;
    status = call_alloc(node, &asked, wants_handle, &got.addr, &got.handle);
    if (want != 0) {
        FUZZ_REQUIRE(status == want, "[C4] the status of a request that is not valid");
    } else {
        judge_alloc(run, number, models, &request, status, got.addr);
    }
    fuzz_expect_silence();
    if (status == 0) {
        run->live[run->live_count++] = got;
        node->cursor = request.policy == VMEM_NEXTFIT ? got.addr + request.size : node->cursor;
    }
}

/* One free lets one span of each level go at most, and only one too many. */
static void
judge_releases(struct run *run, int number)
{
    for (int i = number; i >= 0; i = run->node[i].source) {
        struct node *node = &run->node[i];
        static struct vmem_model now;
        struct vmem_stats stats;

        vmem_stats(node->arena, &stats);
        snap(node, &now);
        FUZZ_REQUIRE(stats.releases - node->releases <= 1, "[I4] one free, one span");
        FUZZ_REQUIRE(stats.releases == node->releases || count_empty(node, &now) == node->keep,
            "[I4] a span went back that should be kept");
    }
}

static void
do_free(struct run *run, unsigned which)
{
    const struct live live = run->live[which];
    struct node *node = &run->node[live.node];

    run->live[which] = run->live[--run->live_count];
    if (live.handle != 0) {
        vmem_free_handle(node->arena, live.handle);
    } else {
        vmem_free(node->arena, live.addr, live.size);
    }
    fuzz_expect_silence();
    judge_releases(run, live.node);
}

/* -------------------------------------------------------------------------------------------------
 * Other calls
 * ---------------------------------------------------------------------------------------------- */

static void
do_add(struct run *run, int number)
{
    struct node *node = &run->node[number];
    const vmem_addr_t start = fuzz_addr(&run->in, &run->place) & ~(node->quantum - 1);
    const vmem_size_t size = (1 + fuzz_below(&run->in, 16)) * node->quantum;
    const struct vmem_model_range *region = run->function.model.statics.at;
    static struct vmem_model model;
    int status;

    if (region != NULL && start <= region->last && region->start <= start + (size - 1)) {
        return; /* the function would give what the arena has */
    }
    snap(node, &model);
    status = vmem_add(node->arena, start, size, 0);
    fuzz_expect_silence();
    FUZZ_REQUIRE(status == vmem_model_judge_add(&model, start, size) ||
            (status == ENOMEM && run->tags.refused != run->refused),
        "[S4] the status of vmem_add");
}

/* Another source. */
static void
do_import_from(struct run *run, int number)
{
    struct node *node = &run->node[number];
    const int source = (int)fuzz_below(&run->in, (unsigned)run->count + 1) - 1; /* -1 = NOBODY */
    const vmem_size_t quantum = fuzz_byte(&run->in) % 4 * run->place.quantum;
    struct node *from = source >= 0 ? &run->node[source] : NULL;
    bool is_fed = false;
    bool is_bad;
    int status;

    if (node->source == FUNCTION || (from != NULL && from->arena == NULL)) {
        return;
    }
    for (int i = source; i >= 0; i = run->node[i].source) {
        is_fed = is_fed || i == number;
    }
    is_bad = is_fed || quantum % node->quantum != 0 ||
        (from != NULL && from->is_unlocked && !node->is_unlocked);
    if (from != NULL && (from->policy == VMEM_NEXTFIT || source >= number)) {
        is_bad = true; /* not wrong, but not judged; and a cycle in any case if it is itself */
        if (!is_fed) {
            return;
        }
    }
    status = vmem_import_from(node->arena, from != NULL ? from->arena : NULL, quantum);
    fuzz_expect_silence();
    FUZZ_REQUIRE(status ==
            (is_bad                                  ? EINVAL
                    : vmem_size(node->arena, 3) != 0 ? EBUSY
                                                     : 0),
        "[I6] the status of vmem_import_from");
    if (status == 0) {
        node->source = source;
        node->import_quantum = quantum != 0 ? quantum : node->quantum;
    }
}

static void
do_explain(struct run *run, int number)
{
    struct node *node = &run->node[number];
    static struct vmem_model model;
    struct vmem_model_request request;
    struct vmem_explanation e;
    struct fuzz_request r;
    struct vmem_constraint constraint;
    vmem_addr_t unused;
    bool is_dictated;
    int want;

    fuzz_request(&run->in, &run->place, &r);
    r.addr_max = r.addr_max != 0 ? r.addr_max : VMEM_ADDR_MAX;
    constraint = (struct vmem_constraint){ r.align, r.phase, r.nocross, r.addr_min, r.addr_max };
    snap(node, &model);
    want = fuzz_judge_request(&model, &r, !node->is_unlocked, &request);
    vmem_explain(node->arena, r.size, &constraint, r.flags, &e);
    fuzz_expect_silence();
    want = want != 0 ? want : vmem_model_choose(&model, &request, &unused, &is_dictated);
    FUZZ_REQUIRE(e.status == want, "explain: status");
    FUZZ_REQUIRE(e.holes == model.holes.count || e.size_rounded == 0, "explain: holes");
}

static void
do_settings(struct run *run, int number)
{
    struct node *node = &run->node[number];
    const unsigned kind = fuzz_byte(&run->in);

    if (kind < 64) {
        node->keep = kind % (KEEP_MAX + 1);
        vmem_set_import_keep(node->arena, node->keep);
    } else if (kind < 128) {
        node->limit = kind < 96 ? 0 : fuzz_size(&run->in, &run->place);
        vmem_set_limit(node->arena, node->limit);
    } else if (kind < 192) {
        run->tags.fuse = 1 + kind % 4;
        run->tags.stays_blown = kind >= 160;
    } else if (kind < 208) {
        run->tags.fuse = 0;
    } else {
        (kind < 232 ? vmem_maintain : vmem_drain)(node->arena);
    }
    fuzz_expect_silence();
}

/* Destroy one: what it has imported goes back, what it feeds has no source from then on. */
static void
do_destroy(struct run *run, int number)
{
    struct node *node = &run->node[number];
    const bool is_busy = vmem_size(node->arena, VMEM_ALLOC) != 0;
    const int status = vmem_destroy(node->arena);

    FUZZ_REQUIRE(status == (is_busy ? EBUSY : 0), "[S3] the status of vmem_destroy");
    if (is_busy) {
        fuzz_expect_fault(VMEM_FAULT_DESTROY_BUSY);
        return;
    }
    fuzz_expect_silence();
    node->arena = NULL;
    for (int i = 0; i < run->count; i++) {
        if (run->node[i].source == number) {
            run->node[i].source = NOBODY;
        }
    }
}

/* -------------------------------------------------------------------------------------------------
 * A run
 * ---------------------------------------------------------------------------------------------- */

static void
draw_node(struct run *run, int number)
{
    static const unsigned policies[] = { VMEM_INSTANTFIT, VMEM_BESTFIT, VMEM_FIRSTFIT,
        VMEM_INSTANTFIT };
    struct node *node = &run->node[number];
    const unsigned shape = fuzz_byte(&run->in);
    const unsigned size = fuzz_byte(&run->in);

    node->storage = &storages[number];
    node->policy = policies[shape % 4];
    node->source = number == 0 ? ((shape & 4) != 0 ? FUNCTION : NOBODY)
                               : (int)fuzz_below(&run->in, (unsigned)number);
    node->has_release = (shape & 0x18) != 0x18;
    node->is_unlocked = (shape & 0xe0) == 0xe0 &&
        (number == 0 || node->source < 0 || run->node[node->source].is_unlocked);
    /* Quanta finer and coarser than those of the source. */
    node->quantum = run->place.quantum << size % 3 >> (run->place.quantum > 4 ? size / 3 % 3 : 0);
    node->import_quantum = (1 + size / 16 % 5) * node->quantum;
    node->keep = fuzz_below(&run->in, KEEP_MAX + 1);
    node->limit = (size & 0x0f) == 0x0f ? 16 * node->quantum : 0;
    if (number > 0 && run->node[node->source].is_unlocked) {
        node->is_unlocked = true;
    }
}

/* Create one.  Returns false if there was no memory. */
static bool
begin_node(struct run *run, int number)
{
    struct node *node = &run->node[number];
    struct vmem_options options = { .name = "node",
        .quantum = node->quantum,
        .flags = node->policy | (node->is_unlocked ? VMEM_NOLOCK : 0),
        .limit = node->limit,
        .import_quantum = node->source != NOBODY ? node->import_quantum : 0,
        .import_keep = node->keep,
        .tags = run->tags.source };

    if (node->source == FUNCTION) {
        options.import_fn = on_import;
        options.release_fn = node->has_release ? on_release : NULL;
        options.source_arg = run;
    } else if (node->source >= 0) {
        options.source_arena = run->node[node->source].arena;
    }
    FUZZ_REQUIRE(
        vmem_init_with(node->storage, &options, &node->arena) == 0, "[S2] an arena begins");
    return true;
}

/* The first arena owns the place; or a function has its upper half. */
static void
begin_source(struct run *run)
{
    struct node *root = &run->node[0];
    const vmem_size_t coarse = root->quantum * 4;
    const vmem_size_t size = run->place.quanta * run->place.quantum / coarse * coarse;
    const vmem_addr_t start = (run->place.base + (coarse - 1)) & ~(coarse - 1);

    if (root->source == FUNCTION) {
        (void)vmem_model_init(&run->function.model, root->quantum, 0, VMEM_FIRSTFIT);
        FUZZ_REQUIRE(
            vmem_model_add(&run->function.model, start, size) == 0, "the function has a range");
        return;
    }
    FUZZ_REQUIRE(vmem_add(root->arena, start, size, 0) ==
            (root->limit != 0 && size > root->limit ? ENOSPC : 0),
        "[S4] a first span");
}

static void
begin(struct run *run)
{
    fuzz_listen();
    fuzz_tags_init(&run->tags);
    run->place = fuzz_place(&run->in, QUANTA_MAX - 16);
    run->place.quanta += 16;
    if (run->place.base != 0) { /* with more quanta, it ends elsewhere */
        run->place.base -= 16 * run->place.quantum;
    }
    run->count = 2 + (int)fuzz_below(&run->in, ARENAS_MAX - 1);
    for (int i = 0; i < run->count; i++) {
        draw_node(run, i);
        (void)begin_node(run, i);
    }
    begin_source(run);
}

static void
step(struct run *run)
{
    const unsigned kind = fuzz_byte(&run->in);
    const int number = (int)(kind / 16 % (unsigned)run->count);

    note_before(run);
    if (kind % 16 >= 6 && kind % 16 < 10) {
        if (run->live_count != 0) {
            do_free(run, fuzz_byte(&run->in) % run->live_count);
        }
        return;
    }
    if (run->node[number].arena == NULL) {
        return;
    }
    switch (kind % 16) {
    case 10:
        do_add(run, number);
        break;
    case 11:
    case 12:
        do_settings(run, number);
        break;
    case 13:
        do_import_from(run, number);
        break;
    case 14:
        do_explain(run, number);
        break;
    case 15:
        do_destroy(run, number);
        break;
    default:
        do_alloc(run, number, kind % 16 == 0);
        break;
    }
}

/* Free all, and destroy from the leaves up: then nothing may be out. */
static void
end(struct run *run)
{
    note_before(run);
    while (run->live_count > 0) {
        do_free(run, run->live_count - 1);
        note_before(run);
    }
    judge_all(run, true);
    for (int i = run->count; i-- > 0;) {
        if (run->node[i].arena != NULL) {
            do_destroy(run, i);
            FUZZ_REQUIRE(run->node[i].arena == NULL, "[S3] nothing is left");
        }
    }
    FUZZ_REQUIRE(run->function.model.busy.count == 0 || !run->node[0].has_release,
        "[F11] every span goes back");
    vmem_model_fini(&run->function.model);
    fuzz_tags_fini(&run->tags);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run run = { .in = { data, size } };

    begin(&run);
    judge_all(&run, true);
    for (unsigned i = 0; i < OPS_MAX && run.in.left != 0; i++) {
        step(&run);
        if (i % JUDGE_EVERY == 0) {
            judge_all(&run, i % CHECK_EVERY == 0);
        }
    }
    end(&run);
    return 0;
}
