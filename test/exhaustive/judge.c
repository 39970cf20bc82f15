/*
 * judge - what a state must become.                                SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. In a world without a source every answer is known but for the choice of instant fit, and so is
 *    the state after it.
 *
 * 2. In a world with a source, a request that the arena itself can serve asks nobody [I4]; any other
 *    may bring exactly one span of roundup(size, import quantum) [I6], busy in the source as one
 *    allocation.  Spans that are wholly free and kept may go back first.  A refusal is wrong if the
 *    source, with those back, has room for such a span at whose start the request may lie [P6].
 */
#include "judge.h"

#include <errno.h>
#include <string.h>

static uint32_t
bit(unsigned position)
{
    return UINT32_C(1) << position;
}

static uint32_t
range_mask(unsigned position, unsigned quanta)
{
    return (bit(quanta) - 1) << position;
}

/* Are the same ranges owned, busy and free? */
static bool
is_same(const struct vmx_shape *a, const struct vmx_shape *b)
{
    return a->owned == b->owned && a->span_start == b->span_start && a->imported == b->imported &&
        a->busy == b->busy && a->start == b->start && a->handled == b->handled &&
        a->cursor == b->cursor;
}

static const char *
compare(const struct vmx_world *world, const struct vmx_key *want, const struct vmx_key *after)
{
    if (!is_same(&want->arena[0], &after->arena[0])) {
        return "the arena is not as it should be";
    }
    if (world->is_importing && !is_same(&want->arena[1], &after->arena[1])) {
        return "the source is not as it should be";
    }
    return NULL;
}

/* -------------------------------------------------------------------------------------------------
 * Changes of an expected state
 * ---------------------------------------------------------------------------------------------- */

static void
make_busy(struct vmx_shape *shape, unsigned position, unsigned quanta)
{
    shape->busy |= range_mask(position, quanta);
    shape->start |= bit(position);
}

static void
make_free(struct vmx_shape *shape, unsigned position)
{
    const unsigned quanta = vmx_quanta_at(shape, position);

    shape->busy &= ~range_mask(position, quanta);
    shape->start &= ~bit(position);
    shape->handled &= ~bit(position);
}

/* The quanta of the span that starts at a position. */
static unsigned
span_quanta(const struct vmx_shape *shape, unsigned start)
{
    unsigned end = start + 1;

    while ((shape->owned & bit(end)) != 0 && (shape->span_start & bit(end)) == 0) {
        end++;
    }
    return end - start;
}

static void
bring_span(struct vmx_key *key, unsigned start, unsigned quanta)
{
    key->arena[0].owned |= range_mask(start, quanta);
    key->arena[0].imported |= range_mask(start, quanta);
    key->arena[0].span_start |= bit(start);
    make_busy(&key->arena[1], start, quanta);
}

static void
return_span(struct vmx_key *key, unsigned start)
{
    const uint32_t mask = range_mask(start, span_quanta(&key->arena[0], start));

    key->arena[0].owned &= ~mask;
    key->arena[0].imported &= ~mask;
    key->arena[0].span_start &= ~bit(start);
    make_free(&key->arena[1], start);
}

static bool
is_empty_span(const struct vmx_shape *shape, unsigned start)
{
    return (shape->span_start & bit(start)) != 0 &&
        (shape->busy & range_mask(start, span_quanta(shape, start))) == 0;
}

static void
return_empty_spans(const struct vmx_world *world, struct vmx_key *key)
{
    for (unsigned p = 0; p < world->quanta; p++) {
        if (is_empty_span(&key->arena[0], p)) {
            return_span(key, p);
        }
    }
}

/* -------------------------------------------------------------------------------------------------
 * Allocations
 * ---------------------------------------------------------------------------------------------- */

/* Enter the allocation into the state that is expected.  False: it lies at no position. */
static bool
place(const struct vmx_world *world, struct vmx_shape *shape, const struct vmx_request *request,
    vmem_addr_t addr, uint32_t *where)
{
    const vmem_size_t position = (addr - world->base) / world->quantum;
    const vmem_addr_t cursor = addr + request->quanta * world->quantum;

    if (addr < world->base || (addr - world->base) % world->quantum != 0 ||
        position + request->quanta > world->quanta) {
        return false;
    }
    *where = bit((unsigned)position);
    make_busy(shape, (unsigned)position, request->quanta);
    shape->handled |= request->call == VMX_HANDLE ? *where : 0;
    if ((request->flags & VMEM_NEXTFIT) != 0) {
        shape->cursor =
            cursor < world->base ? VMX_NOWHERE : (uint8_t)((cursor - world->base) / world->quantum);
    }
    return true;
}

/* The span that is in the one shape and not in the other; false if there is not exactly one. */
static bool
new_span(const struct vmx_world *world, const struct vmx_shape *before,
    const struct vmx_shape *after, unsigned *start, unsigned *quanta)
{
    unsigned found = 0;

    for (unsigned p = 0; p < world->quanta; p++) {
        if ((after->span_start & bit(p)) != 0 &&
            ((before->span_start & bit(p)) == 0 ||
                span_quanta(before, p) != span_quanta(after, p))) {
            *start = p;
            *quanta = span_quanta(after, p);
            found++;
        }
    }
    return found == 1;
}

static unsigned
import_quanta(const struct vmx_world *world, const struct vmx_request *request)
{
    const unsigned step = 1u << world->import_log2;

    return (request->quanta + step - 1) / step * step;
}

/*
 * May a span of so many quanta be asked for here?  An allocation of the whole span at its start must
 * obey the constraints [I1]; where it is larger than the block not to be crossed, it starts as blocks do.
 */
static bool
is_askable(const struct vmx_world *world, const struct vmx_request *request, unsigned position,
    unsigned quanta)
{
    const vmem_addr_t addr = world->base + position * world->quantum;
    const vmem_addr_t last = addr + (quanta * world->quantum - 1);
    const vmem_size_t block = request->nocross;

    if (block == 0) {
        return true;
    }
    if (block < quanta * world->quantum) {
        return addr % (block > request->align ? block : request->align) == request->phase;
    }
    return addr / block == last / block;
}

/* Is there a place in the source for the rounded request, right at the start of a span? */
static bool
has_place_to_ask_for(const struct vmx_world *world, const struct vmx_shape *source,
    const struct vmx_request *request, unsigned quanta)
{
    struct vmx_view view;
    uint32_t places;

    if (quanta > world->quanta) {
        return false;
    }
    vmx_view_make(world, source, &view);
    places = view.fit[quanta] & request->legal;
    for (unsigned p = 0; p < world->quanta; p++) {
        if ((places & bit(p)) != 0 && is_askable(world, request, p, quanta)) {
            return true;
        }
    }
    return false;
}

static bool
is_windowed(const struct vmx_request *request)
{
    return request->addr_min != 0 || request->addr_max != VMEM_ADDR_MAX;
}

/* The quanta of a span that is enough wherever it lies. */
static unsigned
quanta_anywhere(const struct vmx_world *world, const struct vmx_request *request)
{
    const vmem_size_t step = world->quantum << world->import_log2;
    const vmem_size_t size = request->quanta * world->quantum + request->align - world->quantum;

    return (unsigned)((size + step - 1) / step * step / world->quantum);
}

/*
 * [I6] says exactly the rounded size.  Only where no such span has a right start may it be what is
 * enough anywhere, within the bound of [I2].
 */
static bool
is_right_size(const struct vmx_world *world, const struct vmx_key *before,
    const struct vmx_request *request, unsigned quanta, bool may_lack)
{
    const unsigned exact = import_quanta(world, request);
    const vmem_size_t step = world->quantum << world->import_log2;
    const vmem_size_t nocross = request->nocross != 0 ? request->quanta * world->quantum : 0;
    const vmem_size_t most = request->quanta * world->quantum + request->align + nocross;

    return quanta == exact ||
        (!is_windowed(request) && quanta * world->quantum <= (most + step - 1) / step * step &&
            (may_lack || !has_place_to_ask_for(world, &before->arena[1], request, exact)));
}

/* It was served by an import.  `want`: the state before, and then the one that should be. */
static const char *
judge_import(const struct vmx_world *world, struct vmx_key *want, const struct vmx_key *after,
    const struct vmx_request *request, const struct vmx_answer *answer, bool may_lack)
{
    struct vmx_expected expected;
    struct vmx_view view;
    unsigned start = 0;
    unsigned quanta = 0;
    uint32_t where;

    if (!new_span(world, &want->arena[0], &after->arena[0], &start, &quanta)) {
        return "no hole would do, and not exactly one span came";
    }
    if (!is_right_size(world, want, request, quanta, may_lack)) {
        return "[I6] a span of another size than asked for";
    }
    for (unsigned p = 0; p < world->quanta; p++) {
        if (is_empty_span(&want->arena[0], p) &&
            ((after->arena[0].span_start & bit(p)) == 0 || p == start)) {
            return_span(want, p);
        }
    }
    vmx_view_make(world, &want->arena[1], &view);
    if ((view.fit[quanta] & bit(start)) == 0) {
        return "the span that came was not free in the source";
    }
    bring_span(want, start, quanta);
    vmx_view_make(world, &want->arena[0], &view);
    vmx_expect(&view, request, &expected);
    if (expected.status != 0) {
        return "[I2] the span that came does not help, and was kept";
    }
    if (!place(world, &want->arena[0], request, answer->addr, &where) ||
        (where & expected.places) == 0) {
        return "in the span that came, the policy wants another place";
    }
    return compare(world, want, after);
}

/* It was refused, and the arena has no hole for it. */
static const char *
judge_refusal(const struct vmx_world *world, struct vmx_key *want, const struct vmx_key *after,
    const struct vmx_request *request, bool may_lack, bool *is_open)
{
    const unsigned quanta = import_quanta(world, request);
    struct vmx_view view;

    for (unsigned p = 0; p < world->quanta; p++) {
        if (is_empty_span(&want->arena[0], p) && (after->arena[0].span_start & bit(p)) == 0) {
            return_span(want, p);
        }
    }
    if (compare(world, want, after) != NULL) {
        return "refused, but something changed";
    }
    if (may_lack) {
        return NULL;
    }
    return_empty_spans(world, want);
    if (has_place_to_ask_for(world, &want->arena[1], request, quanta)) {
        return "[P6] refused, but the source has room for the span asked for";
    }
    vmx_view_make(world, &want->arena[1], &view);
    if (!is_windowed(request) && request->nocross == 0 &&
        quanta_anywhere(world, request) <= world->quanta &&
        view.fit[quanta_anywhere(world, request)] != 0) {
        return "[P6] refused, but the source has room for a span that is enough anywhere";
    }
    for (unsigned p = 0; quanta <= world->quanta && p < world->quanta; p++) {
        const uint32_t inside = range_mask(p, quanta - request->quanta + 1);
        *is_open = *is_open || ((view.fit[quanta] & bit(p)) != 0 && (request->legal & inside) != 0);
    }
    return NULL;
}

const char *
vmx_judge_request(const struct vmx_world *world, const struct vmx_key *before,
    const struct vmx_view *view, const struct vmx_key *after, unsigned arena,
    const struct vmx_request *request, const struct vmx_answer *answer, bool may_lack,
    bool *is_open)
{
    struct vmx_key want = *before;
    struct vmx_expected expected;
    uint32_t where;

    vmx_expect(view, request, &expected);
    if (arena == 0 && world->is_importing && expected.status == ENOMEM) {
        if (answer->status == 0) {
            return judge_import(world, &want, after, request, answer, may_lack);
        }
        return answer->status == ENOMEM
            ? judge_refusal(world, &want, after, request, may_lack, is_open)
            : "another status than ENOMEM";
    }
    if (may_lack && answer->status == ENOMEM && expected.status == 0) {
        return compare(world, &want, after);
    }
    if (answer->status != expected.status) {
        return expected.status == 0 ? "[P6] refused, but there is a legal place"
            : answer->status == 0   ? "granted, but there is no legal place"
                                    : "another status than the contract's";
    }
    if (answer->status == 0) {
        if (!place(world, &want.arena[arena], request, answer->addr, &where) ||
            (where & request->legal & view->fit[request->quanta]) == 0) {
            return "the place is not free, or breaks a constraint";
        }
        if ((where & expected.places) == 0) {
            return "the policy wants another place";
        }
    }
    return compare(world, &want, after);
}

/* -------------------------------------------------------------------------------------------------
 * Frees and adds
 * ---------------------------------------------------------------------------------------------- */

const char *
vmx_judge_free(const struct vmx_world *world, const struct vmx_key *before,
    const struct vmx_key *after, unsigned arena, unsigned position)
{
    struct vmx_key want = *before;
    unsigned empty = 0;
    unsigned start = position;

    make_free(&want.arena[arena], position);
    if (arena == 0 && world->is_importing) {
        while ((want.arena[0].span_start & bit(start)) == 0) {
            start--;
        }
        for (unsigned p = 0; p < world->quanta; p++) {
            empty += is_empty_span(&want.arena[0], p) ? 1 : 0;
        }
        if (is_empty_span(&want.arena[0], start) && empty > world->import_keep) {
            return_span(&want, start);
        }
    }
    return compare(world, &want, after);
}

const char *
vmx_judge_add(const struct vmx_world *world, const struct vmx_key *before,
    const struct vmx_key *after, const struct vmx_span *span, int status, bool may_lack)
{
    struct vmx_key want = *before;
    struct vmx_shape *shape = &want.arena[0];
    const uint32_t mask = range_mask(span->start, span->quanta);
    const int expected = (shape->owned & mask) != 0 ? EEXIST : 0;

    if (status != expected && !(may_lack && status == ENOMEM && expected == 0)) {
        return "vmem_add: another status than the contract's";
    }
    if (status == 0) {
        shape->owned |= mask;
        shape->span_start |= bit(span->start);
        if ((shape->owned & bit(span->start + span->quanta)) != 0) {
            shape->span_start &= ~bit(span->start + span->quanta);
        }
        if (span->start > 0 && (shape->owned & bit(span->start - 1)) != 0) {
            shape->span_start &= ~bit(span->start);
        }
    }
    return compare(world, &want, after);
}

const char *
vmx_judge_nothing(
    const struct vmx_world *world, const struct vmx_key *before, const struct vmx_key *after)
{
    return compare(world, before, after);
}
