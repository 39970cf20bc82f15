/*
 * model - spans, allocations and figures of the reference arena.  SPDX-License-Identifier: BSD-2-Clause
 *
 * Invariants (after every call)
 *    M1  spans are disjoint, and no two static spans touch
 *    M2  holes and busy ranges are disjoint, and together they are the spans
 *    M3  holes of one span never touch
 *    M4  total, inuse and imported are the sums of the lists
 */
#include "list.h"

#include <errno.h>

int
vmem_model_init(struct vmem_model *model, vmem_size_t quantum, vmem_size_t limit, unsigned flags)
{
    const unsigned policies = VMEM_INSTANTFIT | VMEM_BESTFIT | VMEM_FIRSTFIT | VMEM_NEXTFIT;
    const unsigned policy = flags & policies;

    *model = (struct vmem_model){ 0 };
    if (quantum == 0 || (quantum & (quantum - 1)) != 0 || (policy & (policy - 1)) != 0) {
        return EINVAL;
    }
    model->quantum = quantum;
    model->limit = limit;
    model->policy = policy != 0 ? policy : VMEM_INSTANTFIT;
    model->largest_known = true;
    return 0;
}

void
vmem_model_fini(struct vmem_model *model)
{
    vmem_model_list_fini(&model->statics);
    vmem_model_list_fini(&model->imports);
    vmem_model_list_fini(&model->holes);
    vmem_model_list_fini(&model->busy);
}

void
vmem_model_copy(struct vmem_model *to, const struct vmem_model *from)
{
    const struct vmem_model old = *to;

    *to = *from;
    to->statics = old.statics;
    to->imports = old.imports;
    to->holes = old.holes;
    to->busy = old.busy;
    vmem_model_list_copy(&to->statics, &from->statics);
    vmem_model_list_copy(&to->imports, &from->imports);
    vmem_model_list_copy(&to->holes, &from->holes);
    vmem_model_list_copy(&to->busy, &from->busy);
}

bool
vmem_model_equal(const struct vmem_model *a, const struct vmem_model *b)
{
    return a->quantum == b->quantum && a->limit == b->limit && a->cursor == b->cursor &&
        vmem_model_list_equal(&a->statics, &b->statics) &&
        vmem_model_list_equal(&a->imports, &b->imports) &&
        vmem_model_list_equal(&a->holes, &b->holes) && vmem_model_list_equal(&a->busy, &b->busy);
}

/* A hole came: the largest may be larger now. */
static void
hole_came(struct vmem_model *model, vmem_addr_t addr)
{
    const struct vmem_model_range *hole = vmem_model_list_at(&model->holes, addr);
    const vmem_size_t size = hole->last - hole->start + 1;

    if (model->largest_known && size > model->largest) {
        model->largest = size;
    }
}

/* [start, last], disjoint from all spans, as a hole of the span `bounds`. */
static void
own(struct vmem_model *model, struct vmem_model_range range, struct vmem_model_range bounds)
{
    vmem_model_list_join(&model->holes, range, bounds);
    hole_came(model, range.start);
    model->total += range.last - range.start + 1;
}

int
vmem_model_judge_add(const struct vmem_model *model, vmem_addr_t start, vmem_size_t size)
{
    const vmem_size_t ceiling = model->limit != 0 ? model->limit : VMEM_SIZE_MAX;
    const bool is_too_long = size != 0 && size - 1 > VMEM_ADDR_MAX - start;
    const vmem_addr_t last = is_too_long ? VMEM_ADDR_MAX : start + (size - 1);

    if (size == 0 || start % model->quantum != 0 || size % model->quantum != 0) {
        return EINVAL;
    }
    if (vmem_model_list_overlaps(&model->statics, start, last) ||
        vmem_model_list_overlaps(&model->imports, start, last)) {
        return EEXIST;
    }
    if (is_too_long || model->total >= ceiling || size > ceiling - model->total) {
        return ENOSPC;
    }
    return 0;
}

int
vmem_model_add(struct vmem_model *model, vmem_addr_t start, vmem_size_t size)
{
    const int status = vmem_model_judge_add(model, start, size);
    const struct vmem_model_range everything = { 0, VMEM_ADDR_MAX };
    struct vmem_model_range range;

    if (status == 0) {
        range = (struct vmem_model_range){ start, start + (size - 1) };
        vmem_model_list_join(&model->statics, range, everything);
        own(model, range, *vmem_model_list_at(&model->statics, start));
    }
    return status;
}

void
vmem_model_commit(
    struct vmem_model *model, const struct vmem_model_request *request, vmem_addr_t addr)
{
    const struct vmem_model_range range = { addr, addr + (request->size - 1) };
    const size_t i = vmem_model_list_seek(&model->holes, addr);
    const struct vmem_model_range hole = model->holes.at[i];

    if (hole.last - hole.start == model->largest - 1) {
        model->largest_known = false;
    }
    vmem_model_list_remove(&model->holes, i);
    if (range.last < hole.last) {
        vmem_model_list_insert(
            &model->holes, i, (struct vmem_model_range){ range.last + 1, hole.last });
    }
    if (hole.start < addr) {
        vmem_model_list_insert(&model->holes, i, (struct vmem_model_range){ hole.start, addr - 1 });
    }
    vmem_model_list_insert(&model->busy, vmem_model_list_seek(&model->busy, addr), range);
    model->inuse += request->size;
    if (request->policy == VMEM_NEXTFIT) {
        /* One past MAX wraps to 0, from where everything is ahead: the same. */
        model->cursor = range.last + 1;
        model->cursor_fed = range.last + 1;
    }
}

enum vmem_model_free
vmem_model_judge_free(const struct vmem_model *model, vmem_addr_t addr, vmem_size_t size)
{
    const struct vmem_model_range *found = vmem_model_list_at(&model->busy, addr);
    vmem_size_t rounded = 0;

    if (found == NULL || found->start != addr) {
        return VMEM_MODEL_FREE_NOTHING;
    }
    if (size == 0 || !vmem_model_roundup(size, model->quantum, &rounded) ||
        rounded - 1 != found->last - found->start) {
        return VMEM_MODEL_FREE_WRONG_SIZE;
    }
    return VMEM_MODEL_FREE_OK;
}

void
vmem_model_free(struct vmem_model *model, vmem_addr_t addr)
{
    const size_t i = vmem_model_list_seek(&model->busy, addr);
    const struct vmem_model_range range = model->busy.at[i];
    const struct vmem_model_range *span = vmem_model_list_at(&model->imports, addr);

    if (span == NULL) {
        span = vmem_model_list_at(&model->statics, addr);
    }
    vmem_model_list_remove(&model->busy, i);
    vmem_model_list_join(&model->holes, range, *span);
    hole_came(model, addr);
    model->inuse -= range.last - range.start + 1;
}

static vmem_size_t
largest_hole(const struct vmem_model_list *holes)
{
    vmem_size_t largest = 0;

    for (size_t i = 0; i < holes->count; i++) {
        const vmem_size_t size = holes->at[i].last - holes->at[i].start + 1;

        largest = size > largest ? size : largest;
    }
    return largest;
}

void
vmem_model_figures(struct vmem_model *model, struct vmem_model_figures *figures)
{
    if (!model->largest_known) {
        model->largest = largest_hole(&model->holes);
        model->largest_known = true;
    }
    *figures = (struct vmem_model_figures){
        .total = model->total,
        .inuse = model->inuse,
        .free = model->total - model->inuse,
        .largest = model->largest,
        .spans = model->statics.count + model->imports.count,
        .freesegs = model->holes.count,
        .imported = model->imported,
    };
}

enum vmem_state
vmem_model_state(const struct vmem_model *model, vmem_addr_t addr)
{
    if (vmem_model_list_at(&model->busy, addr) != NULL) {
        return VMEM_STATE_BUSY;
    }
    return vmem_model_list_at(&model->holes, addr) != NULL ? VMEM_STATE_FREE : VMEM_STATE_OUTSIDE;
}
