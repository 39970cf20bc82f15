/*
 * constrained - any arguments of vmem_xalloc(), judged by trying every address.
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. What it is for
 *    The address arithmetic: align, phase, nocross, windows, policies, near both ends of 2^64 and in the
 *    middle, with any numbers of 64 bits.
 *
 * 2. How it works
 *    An arena of at most 96 quanta, in one span or two, is filled and holes are cut into it as the bytes
 *    say.  Then requests come; each is answered by the arena and, independently, by trying every quantum
 *    with the definitions of the contract in 128 bits: which starts are legal, which of them the policy
 *    takes, and which status an invalid request has.  The model (model/model.h) is asked as well: it
 *    must agree with that, for it is the judge of other tests.
 *
 * 3. What is judged
 *    Soundness, completeness, the exact place under best, first and next fit, the hole's highest place
 *    where that is asked for, the exact status of every refusal.
 */
#include "fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

enum { QUANTA_MAX = 96, REQUESTS_MAX = 48 };

struct run {
    struct fuzz_input in;
    struct fuzz_place place;
    struct vmem_arena *arena;
    struct vmem_model model;
    struct fuzz_tags tags;
    unsigned default_policy;
    bool has_lock;
    unsigned seam;               /* quanta below it are the first span; 0 = one span */
    bool has_gap;                /* the quantum below the seam is not owned */
    bool is_free[QUANTA_MAX];    /* by quantum, from the base; what is not owned is not free */
    unsigned length[QUANTA_MAX]; /* quanta of the allocation that starts there; 0 = none */
    vmem_addr_t cursor;
};

static struct vmem_storage storage;

/* -------------------------------------------------------------------------------------------------
 * The oracle
 * ---------------------------------------------------------------------------------------------- */

static bool
is_power(uint64_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

/* The status of a request that is not valid, else 0; *size is rounded. [C1]-[C4] */
static int
oracle_status(const struct run *run, const struct fuzz_request *r, wide *size)
{
    const vmem_size_t quantum = run->place.quantum;
    const wide rounded = ((wide)r->size + (quantum - 1)) / quantum * quantum;
    const vmem_size_t align = r->align != 0 ? r->align : quantum;
    const unsigned policy = r->flags & 15;
    const unsigned wait = r->flags & (unsigned)(VMEM_WAIT | VMEM_NOWAIT);

    *size = rounded;
    if (r->flags > 0x7f || (policy & (policy - 1)) != 0 ||
        wait == (unsigned)(VMEM_WAIT | VMEM_NOWAIT) || (wait == VMEM_WAIT && !run->has_lock)) {
        return EINVAL;
    }
    if (r->size == 0 || !is_power(align) || align % quantum != 0 || r->phase >= align ||
        r->phase % quantum != 0 || r->addr_min > r->addr_max) {
        return EINVAL;
    }
    if (r->nocross != 0 && (!is_power(r->nocross) || r->nocross < r->size)) {
        return EINVAL;
    }
    if (rounded >> 64 != 0) {
        return ENOMEM;
    }
    /* Starts in a block of nocross are phase, phase + align, ...: the lowest is phase % nocross. */
    if (r->nocross != 0 && r->phase % r->nocross + rounded > r->nocross) {
        return EINVAL;
    }
    return wait == VMEM_WAIT ? ENOTSUP : 0;
}

static vmem_addr_t
addr_of(const struct run *run, unsigned quantum)
{
    return run->place.base + quantum * run->place.quantum;
}

static bool
is_owned(const struct run *run, unsigned i)
{
    return i < run->place.quanta && !(run->has_gap && i + 1 == run->seam);
}

/* The first quantum of the hole that quantum i lies in, and one past its last. */
static unsigned
hole_first(const struct run *run, unsigned i)
{
    while (i > 0 && run->is_free[i - 1]) {
        i--;
    }
    return i;
}

static unsigned
hole_end(const struct run *run, unsigned i)
{
    while (i < run->place.quanta && run->is_free[i]) {
        i++;
    }
    return i;
}

/* True if the request may start at quantum i. */
static bool
is_legal(const struct run *run, const struct fuzz_request *r, wide size, unsigned i)
{
    const wide first = addr_of(run, i);
    const wide last = first + size - 1;
    const vmem_size_t align = r->align != 0 ? r->align : run->place.quantum;

    return run->is_free[i] && size <= (wide)(hole_end(run, i) - i) * run->place.quantum &&
        first % align == r->phase && (r->nocross == 0 || first / r->nocross == last / r->nocross) &&
        first >= r->addr_min && last <= r->addr_max;
}

/* The quantum that best fit takes, of the legal ones; the count if there is none. */
static unsigned
best(const struct run *run, const bool *legal)
{
    unsigned found = run->place.quanta;
    unsigned found_size = 0;

    for (unsigned i = 0; i < run->place.quanta; i++) {
        const unsigned size = legal[i] ? hole_end(run, i) - hole_first(run, i) : 0;

        if (legal[i] && (found == run->place.quanta || size < found_size)) {
            found = i;
            found_size = size;
        }
    }
    return found;
}

/* The lowest legal quantum whose address is at least `addr`; the count if there is none. */
static unsigned
lowest(const struct run *run, const bool *legal, vmem_addr_t addr)
{
    unsigned i = 0;

    while (i < run->place.quanta && (!legal[i] || addr_of(run, i) < addr)) {
        i++;
    }
    return i;
}

/* The highest legal quantum below `end`, which is above one. */
static unsigned
highest(const bool *legal, unsigned end)
{
    while (!legal[end - 1]) {
        end--;
    }
    return end - 1;
}

/* The quantum that the policy takes; instant fit may take any, and gets the lowest. */
static unsigned
oracle_choice(const struct run *run, unsigned policy, bool is_high, const bool *legal)
{
    const unsigned none = run->place.quanta;
    unsigned at;

    if (policy == VMEM_BESTFIT) {
        at = best(run, legal);
    } else if (policy == VMEM_NEXTFIT) {
        at = lowest(run, legal, run->cursor);
        at = at == none ? lowest(run, legal, 0) : at;
    } else {
        at = lowest(run, legal, 0);
    }
    if (at != none && is_high) {
        at = highest(legal, policy == VMEM_FIRSTFIT ? none : hole_end(run, at));
    }
    return at;
}

/* -------------------------------------------------------------------------------------------------
 * Judging
 * ---------------------------------------------------------------------------------------------- */

/* The model must say the same of the request, before it is answered. */
static void
judge_model(const struct run *run, const struct fuzz_request *asked, int want, unsigned policy,
    unsigned choice)
{
    struct vmem_model_request request;
    vmem_addr_t addr = 0;
    bool is_dictated;
    int status = fuzz_judge_request(&run->model, asked, run->has_lock, &request);

    FUZZ_REQUIRE(status == want, "the model and the oracle agree on what is valid");
    if (status != 0) {
        return;
    }
    status = vmem_model_choose(&run->model, &request, &addr, &is_dictated);
    FUZZ_REQUIRE(
        (status == 0) == (choice < run->place.quanta), "the model and the oracle agree on ENOMEM");
    FUZZ_REQUIRE(status != 0 || policy == VMEM_INSTANTFIT || addr == addr_of(run, choice),
        "the model and the oracle agree on the place");
}

static void
take(struct run *run, const struct fuzz_request *asked, unsigned at, unsigned quanta)
{
    struct vmem_model_request request;

    run->length[at] = quanta;
    for (unsigned i = at; i < at + quanta; i++) {
        run->is_free[i] = false;
    }
    (void)fuzz_judge_request(&run->model, asked, run->has_lock, &request);
    vmem_model_commit(&run->model, &request, addr_of(run, at));
}

static void
give(struct run *run, unsigned at)
{
    vmem_xfree(run->arena, addr_of(run, at), run->length[at] * run->place.quantum);
    fuzz_expect_silence();
    vmem_model_free(&run->model, addr_of(run, at));
    for (unsigned i = at; i < at + run->length[at]; i++) {
        run->is_free[i] = true;
    }
    run->length[at] = 0;
}

/* Granted: the place must be legal, and the policy's. */
static unsigned
judge_place(const struct run *run, unsigned policy, bool is_high, const bool *legal,
    unsigned choice, vmem_addr_t addr)
{
    const vmem_size_t offset = addr - run->place.base;
    const unsigned at = (unsigned)(offset / run->place.quantum);

    FUZZ_REQUIRE(addr >= run->place.base && offset % run->place.quantum == 0 &&
            offset / run->place.quantum < run->place.quanta && legal[at],
        "the place is legal");
    if (policy != VMEM_INSTANTFIT) {
        FUZZ_REQUIRE(at == choice, "[P2] [P3] [P4] [P5] the place is the policy's");
    } else if (is_high) {
        FUZZ_REQUIRE(at == highest(legal, hole_end(run, at)), "[P5] the highest place of the hole");
    }
    return at;
}

static void
one_request(struct run *run, const struct fuzz_request *asked)
{
    const vmem_addr_t untouched = 0x5a5a5a5a5a5a5a5a;
    const bool is_high = (asked->flags & VMEM_HIGH) != 0;
    unsigned policy = asked->flags & 15;
    bool legal[QUANTA_MAX] = { false };
    vmem_addr_t addr = untouched;
    unsigned choice = run->place.quanta;
    wide size;
    const int want = oracle_status(run, asked, &size);
    int status;

    policy = policy != 0 ? policy : run->default_policy;
    for (unsigned i = 0; i < run->place.quanta && want == 0; i++) {
        legal[i] = is_legal(run, asked, size, i);
    }
    if (want == 0) {
        choice = oracle_choice(run, policy, is_high, legal);
    }
    judge_model(run, asked, want, policy, choice);
    status = vmem_xalloc(run->arena, asked->size, asked->align, asked->phase, asked->nocross,
        asked->addr_min, asked->addr_max, asked->flags, &addr);
    fuzz_expect_silence();
    FUZZ_REQUIRE(status == 0 || addr == untouched, "out-pointers are written only on success");
    if (want != 0) {
        FUZZ_REQUIRE(status == want, "[C4] the status of a request that is not valid");
        return;
    }
    FUZZ_REQUIRE(choice < run->place.quanta || status == ENOMEM, "[C4] no place is ENOMEM");
    FUZZ_REQUIRE(choice == run->place.quanta || status == 0, "[P6] a place exists");
    if (status == 0) {
        const unsigned at = judge_place(run, policy, is_high, legal, choice, addr);
        take(run, asked, at, (unsigned)(size / run->place.quantum));
        run->cursor = policy == VMEM_NEXTFIT ? addr + (vmem_size_t)size : run->cursor;
    }
}

/* -------------------------------------------------------------------------------------------------
 * A run
 * ---------------------------------------------------------------------------------------------- */

static void
add(struct run *run, unsigned from, unsigned end)
{
    const vmem_size_t size = (end - from) * run->place.quantum;

    FUZZ_REQUIRE(vmem_add(run->arena, addr_of(run, from), size, 0) == 0, "[S4] a span is added");
    (void)vmem_model_add(&run->model, addr_of(run, from), size);
    for (unsigned i = from; i < end; i++) {
        run->is_free[i] = true;
    }
}

static void
begin(struct run *run)
{
    static const unsigned policies[] = { VMEM_INSTANTFIT, VMEM_BESTFIT, VMEM_FIRSTFIT,
        VMEM_NEXTFIT };
    const unsigned kind = fuzz_byte(&run->in);
    struct vmem_options options = { .name = "fuzz" };

    fuzz_listen();
    fuzz_tags_init(&run->tags);
    run->place = fuzz_place(&run->in, QUANTA_MAX);
    run->default_policy = policies[kind % 4];
    run->has_lock = (kind & 4) == 0;
    run->seam = (kind & 8) != 0 ? run->place.quanta / 2 : 0;
    run->has_gap = run->seam > 1 && (kind & 16) != 0;
    options.quantum = run->place.quantum;
    options.tags = run->tags.source;
    options.flags = run->default_policy | (run->has_lock ? 0 : VMEM_NOLOCK) |
        ((kind & 96) == 96 ? VMEM_INDEXED : 0);
    FUZZ_REQUIRE(vmem_init_with(&storage, &options, &run->arena) == 0, "[S2] an arena begins");
    (void)vmem_model_init(&run->model, options.quantum, 0, run->default_policy);
    if (run->seam > 1) {
        add(run, run->seam, run->place.quanta);
        add(run, 0, run->seam - (run->has_gap ? 1 : 0));
    } else {
        add(run, 0, run->place.quanta);
    }
}

/* Take every quantum that a bit is set for; neighbours are one allocation. */
static void
cut_holes(struct run *run)
{
    struct fuzz_request exact = { .flags = VMEM_FIRSTFIT };
    unsigned bits = 0;
    unsigned from = 0;

    for (unsigned i = 0; i <= run->place.quanta; i++) {
        const bool is_owned_here = i < run->place.quanta && is_owned(run, i);

        bits = i % 8 == 0 ? fuzz_byte(&run->in) : bits >> 1;
        if (is_owned_here && (bits & 1) != 0) {
            continue;
        }
        if (i > from) {
            exact.size = (i - from) * run->place.quantum;
            exact.addr_min = addr_of(run, from);
            exact.addr_max = exact.addr_min + (exact.size - 1);
            one_request(run, &exact);
        }
        from = i + 1;
    }
}

static void
end(struct run *run)
{
    struct vmem_violation violation;

    for (unsigned i = 0; i < run->place.quanta; i++) {
        FUZZ_REQUIRE(vmem_state(run->arena, addr_of(run, i)) ==
                (run->is_free[i]           ? VMEM_STATE_FREE
                        : is_owned(run, i) ? VMEM_STATE_BUSY
                                           : VMEM_STATE_OUTSIDE),
            "the state of a unit");
    }
    FUZZ_REQUIRE(vmem_check(run->arena, &violation), violation.invariant);
    for (unsigned i = 0; i < run->place.quanta; i++) {
        if (run->length[i] != 0) {
            give(run, i);
        }
    }
    FUZZ_REQUIRE(vmem_check(run->arena, &violation), violation.invariant);
    FUZZ_REQUIRE(vmem_destroy(run->arena) == 0, "[S3] an empty arena is destroyed");
    vmem_model_fini(&run->model);
    fuzz_tags_fini(&run->tags);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run run = { .in = { data, size } };

    begin(&run);
    cut_holes(&run);
    for (unsigned i = 0; i < REQUESTS_MAX && run.in.left != 0; i++) {
        struct fuzz_request request;
        const unsigned then = fuzz_byte(&run.in);

        fuzz_request(&run.in, &run.place, &request);
        one_request(&run, &request);
        if (then >= 128 && run.length[then % run.place.quanta] != 0) {
            give(&run, then % run.place.quanta);
        }
    }
    end(&run);
    return 0;
}
