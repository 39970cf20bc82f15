/*
 * import - what an arena that imports may do.                     SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. The idea
 *    Where an imported span lies is up to the source, so the model does not predict it.  The caller
 *    sees which spans came and went, and the model judges them:
 *
 *    [I2] [I6]  a span has exactly roundup(size, import_quantum) units; for a request with
 *               constraints it may have more, but no more than size + align, rounded
 *    [I4]       only a wholly free span goes back; at most `import_keep` wholly free ones stay
 *    [I5]       a span is aligned, overlaps nothing, and respects the limit
 *               and each span is busy, as one allocation, in the source
 *
 * 2. When a refusal is wrong
 *    Two ways of importing are certain to serve a request: a span of roundup(size, import_quantum)
 *    units whose start obeys all the constraints, or, where there is no window, one of
 *    roundup(size + align, import_quantum) units anywhere.  A refusal is wrong if either could be
 *    had: if an arena up the chain has a hole for it, and every limit on the way allows it.
 *    (There are requests that neither way serves and a cleverer import would: these the model
 *    leaves open.)
 */
#include "list.h"

#include <errno.h>

int
vmem_model_set_source(struct vmem_model *model, struct vmem_model *source,
    vmem_size_t import_quantum, unsigned import_keep)
{
    if (import_quantum % model->quantum != 0) {
        return EINVAL;
    }
    model->source = source;
    model->import_quantum = import_quantum != 0 ? import_quantum : model->quantum;
    model->import_keep = import_keep;
    return 0;
}

/* True if one hole is the whole span. */
static bool
is_empty(const struct vmem_model *model, struct vmem_model_range span)
{
    const struct vmem_model_range *hole = vmem_model_hole(model, span.start, span.last);

    return hole != NULL && hole->start == span.start && hole->last == span.last;
}

/* Units by which the arena may grow. */
static vmem_size_t
headroom(const struct vmem_model *model)
{
    const vmem_size_t ceiling = model->limit != 0 ? model->limit : VMEM_SIZE_MAX;

    return model->total < ceiling ? ceiling - model->total : 0;
}

/* The same once the wholly free spans went back, which is tried before a request is refused. */
static vmem_size_t
headroom_at_most(const struct vmem_model *model)
{
    struct vmem_model without = { .limit = model->limit, .total = model->total };

    for (size_t i = 0; i < model->imports.count; i++) {
        const struct vmem_model_range span = model->imports.at[i];

        without.total -= is_empty(model, span) ? span.last - span.start + 1 : 0;
    }
    return headroom(&without);
}

/* True if the sources of an arena can certainly provide what it is asked for. */
static bool
chain_supplies(const struct vmem_model *model, struct vmem_model_request ask)
{
    for (;;) {
        const struct vmem_model *source = model->source;
        vmem_addr_t addr;
        bool is_dictated;

        if (source == NULL || !vmem_model_roundup(ask.size, model->import_quantum, &ask.size) ||
            ask.size > headroom_at_most(model) ||
            !vmem_model_roundup(ask.size, source->quantum, &ask.size) ||
            ask.size > headroom_at_most(model)) {
            return false;
        }
        ask.align = ask.align < source->quantum ? source->quantum : ask.align;
        ask.policy = VMEM_FIRSTFIT;
        if (ask.phase % source->quantum != 0 ||
            (ask.nocross != 0 &&
                (ask.size > ask.nocross || ask.phase % ask.nocross > ask.nocross - ask.size))) {
            return false; /* the source cannot be asked that */
        }
        if (vmem_model_choose(source, &ask, &addr, &is_dictated) == 0) {
            return true;
        }
        model = source;
    }
}

bool
vmem_model_import_helps(const struct vmem_model *model, const struct vmem_model_request *request)
{
    struct vmem_model_request anywhere = *request;

    if (model->source == NULL) {
        return false;
    }
    if (chain_supplies(model, *request)) {
        return true;
    }
    if (request->align == model->quantum || request->nocross != 0 || request->addr_min != 0 ||
        request->addr_max != VMEM_ADDR_MAX || request->size > VMEM_SIZE_MAX - request->align) {
        return false;
    }
    anywhere.size = request->size + request->align;
    anywhere.align = model->quantum;
    anywhere.phase = 0;
    return chain_supplies(model, anywhere);
}

/* Sum that stays at the top instead of wrapping. */
static vmem_size_t
add_up(vmem_size_t a, vmem_size_t b)
{
    return a > VMEM_SIZE_MAX - b ? VMEM_SIZE_MAX : a + b;
}

bool
vmem_model_import_sizes(const struct vmem_model *model, const struct vmem_model_request *request,
    vmem_size_t *size_min, vmem_size_t *size_max)
{
    const bool is_constrained = request->align > model->quantum || request->nocross != 0 ||
        request->addr_min != 0 || request->addr_max != VMEM_ADDR_MAX;
    vmem_size_t most = request->size;

    if (model->source == NULL ||
        !vmem_model_roundup(request->size, model->import_quantum, size_min)) {
        return false;
    }
    if (is_constrained) {
        most = add_up(most, request->align);
        most = request->nocross != 0 ? add_up(most, request->size) : most;
    }
    /* A source with a coarser quantum may hand out what it rounded. */
    if (!vmem_model_roundup(most, model->import_quantum, size_max) ||
        !vmem_model_roundup(*size_max, model->source->quantum, size_max)) {
        *size_max = VMEM_SIZE_MAX;
    }
    return true;
}

/* The range that a span takes in the source: the source rounds it to its own quantum. */
static bool
range_in_source(const struct vmem_model *model, struct vmem_model_range span,
    struct vmem_model_request *request)
{
    const struct vmem_model *source = model->source;
    vmem_size_t size;

    if (span.start % source->quantum != 0 ||
        !vmem_model_roundup(span.last - span.start + 1, source->quantum, &size) ||
        size - 1 > VMEM_ADDR_MAX - span.start) {
        return false;
    }
    *request = (struct vmem_model_request){
        .size = size, .align = source->quantum, .addr_max = VMEM_ADDR_MAX, .policy = VMEM_INSTANTFIT
    };
    return true;
}

const char *
vmem_model_span_came(struct vmem_model *model, struct vmem_model_range span)
{
    const vmem_size_t size = span.last - span.start + 1;
    struct vmem_model_request request;

    if (model->source == NULL) {
        return "a span came into an arena that does not import";
    }
    if (size == 0 || span.start % model->quantum != 0 || size % model->quantum != 0) {
        return "[I5] an imported span is not aligned to the quantum";
    }
    if (vmem_model_list_overlaps(&model->statics, span.start, span.last) ||
        vmem_model_list_overlaps(&model->imports, span.start, span.last)) {
        return "[I5] an imported span overlaps a span";
    }
    if (size > headroom(model)) {
        return "[S6] an import passes the limit";
    }
    if (!range_in_source(model, span, &request) ||
        vmem_model_hole(model->source, span.start, span.start + (request.size - 1)) == NULL) {
        return "[I6] an imported span was not free in the source";
    }
    vmem_model_commit(model->source, &request, span.start);
    model->source->cursor_fed = span.start + request.size;
    vmem_model_list_insert(
        &model->imports, vmem_model_list_seek(&model->imports, span.start), span);
    vmem_model_list_insert(&model->holes, vmem_model_list_seek(&model->holes, span.start), span);
    model->total += size;
    model->imported += size;
    model->largest_known = false;
    return NULL;
}

const char *
vmem_model_span_went(struct vmem_model *model, struct vmem_model_range span)
{
    const size_t i = vmem_model_list_seek(&model->imports, span.start);
    struct vmem_model_request request;

    if (i == model->imports.count || model->imports.at[i].start != span.start ||
        model->imports.at[i].last != span.last) {
        return "[I4] a span vanished that was not imported as such";
    }
    if (!is_empty(model, span)) {
        return "[I4] a span went back that was not wholly free";
    }
    vmem_model_list_remove(&model->imports, i);
    vmem_model_list_remove(&model->holes, vmem_model_list_seek(&model->holes, span.start));
    model->total -= span.last - span.start + 1;
    model->imported -= span.last - span.start + 1;
    model->largest_known = false;
    if (range_in_source(model, span, &request)) {
        vmem_model_free(model->source, span.start);
    }
    return NULL;
}

size_t
vmem_model_empty_imports(const struct vmem_model *model)
{
    size_t count = 0;

    for (size_t i = 0; i < model->imports.count; i++) {
        count += is_empty(model, model->imports.at[i]);
    }
    return count;
}
