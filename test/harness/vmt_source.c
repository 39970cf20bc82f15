/*
 * vmt_source - an import source that counts, fails and lies.      SPDX-License-Identifier: BSD-2-Clause
 *
 * The spans that are out are an array sorted by address; the gaps between them are what is left.
 * A request is met at the lowest place of the first gap that has one.  O(spans), which is what a
 * test needs: nothing here shares an idea with the library that it tests.
 */
#include "vmt_source.h"

enum { STATUS_ENOMEM = 12 }; /* freestanding: no errno.h; vmt_host.c asserts it */

/* -------------------------------------------------------------------------------------------------
 * Places
 * ---------------------------------------------------------------------------------------------- */

/* Smallest a >= *addr with a % align == phase.  False if it lies beyond the last address. */
static bool
align_up(vmem_addr_t *addr, vmem_size_t align, vmem_size_t phase)
{
    const vmem_size_t rest = *addr % align;
    const vmem_size_t gap = rest <= phase ? phase - rest : align - rest + phase;

    if (gap > VMEM_ADDR_MAX - *addr) {
        return false;
    }
    *addr += gap;
    return true;
}

/* Lowest start of r->size units in [first, last] under r's constraints. */
static bool
lowest_place(
    vmem_addr_t first, vmem_addr_t last, const struct vmem_import_request *r, vmem_addr_t *at)
{
    *at = first > r->addr_min ? first : r->addr_min;
    last = last < r->addr_max ? last : r->addr_max;
    /* A place that begins as soon after a boundary as its phase allows never crosses, or none does. */
    for (unsigned attempt = 0; attempt < 2; attempt++) {
        vmem_addr_t place_last;

        if (!align_up(at, r->align, r->phase) || *at > last || last - *at < r->size - 1) {
            return false;
        }
        place_last = *at + (r->size - 1);
        if (r->nocross == 0 || *at / r->nocross == place_last / r->nocross) {
            return true;
        }
        *at = place_last - place_last % r->nocross; /* the boundary that it crossed */
    }
    return false;
}

/* First and last unit of gap number i, 0 .. span_count.  False if it is empty. */
static bool
gap_at_locked(const struct vmt_source *source, size_t i, vmem_addr_t *first, vmem_addr_t *last)
{
    *first = source->start;
    *last = source->last;
    if (i > 0) {
        const struct vmem_range *left = &source->spans[i - 1];
        const vmem_addr_t left_last = left->start + (left->size - 1);

        if (left_last >= source->last) {
            return false;
        }
        *first = left_last + 1;
    }
    if (i < source->span_count) {
        const vmem_addr_t right = source->spans[i].start;

        if (right <= *first) {
            return false;
        }
        *last = right - 1;
    }
    return true;
}

/* Find a place for the request.  Returns the gap's number and *span, or false. */
static bool
find_locked(const struct vmt_source *source, const struct vmem_import_request *request,
    size_t *index, struct vmem_range *span)
{
    for (size_t i = 0; i <= source->span_count; i++) {
        vmem_addr_t first;
        vmem_addr_t last;
        vmem_addr_t at;

        if (gap_at_locked(source, i, &first, &last) && lowest_place(first, last, request, &at)) {
            const vmem_size_t room_after = last - at - (request->size - 1);
            const vmem_size_t extra = source->extra <= room_after ? source->extra : 0;

            *index = i;
            *span = (struct vmem_range){ .start = at, .size = request->size + extra };
            return true;
        }
    }
    return false;
}

/* The request without its constraints, for `size` units. */
static struct vmem_import_request
unconstrained(const struct vmem_import_request *request, vmem_size_t size)
{
    return (struct vmem_import_request){
        .size = size,
        .quantum = request->quantum,
        .align = request->quantum,
        .addr_max = VMEM_ADDR_MAX,
    };
}

/* -------------------------------------------------------------------------------------------------
 * Answers
 * ---------------------------------------------------------------------------------------------- */

/* What the library promises about a request.  False if nothing can be answered to it. */
static bool
check_request(const struct vmem_import_request *r)
{
    CHECK_U64(r->size, >, 0);
    CHECK_U64(r->quantum, >, 0);
    if (r->size == 0 || r->quantum == 0 || r->align == 0) {
        FAIL("a request for nothing");
        return false;
    }
    CHECK_U64(r->quantum & (r->quantum - 1), ==, 0);
    CHECK_U64(r->size % r->quantum, ==, 0);
    CHECK(r->size_anywhere == 0 || r->size_anywhere >= r->size);
    CHECK_U64(r->size_anywhere % r->quantum, ==, 0);
    CHECK_U64(r->align, >=, r->quantum);
    CHECK_U64(r->align & (r->align - 1), ==, 0);
    CHECK_U64(r->phase, <, r->align);
    CHECK_U64(r->nocross & (r->nocross - 1), ==, 0);
    CHECK_U64(r->addr_min, <=, r->addr_max);
    return true;
}

static bool
is_lie_due_locked(const struct vmt_source *source)
{
    return source->lie != VMT_LIE_NONE &&
        (source->lie_at == 0 || source->lie_at == source->fuse.calls);
}

/* Turn a true answer into a lie. */
static struct vmem_range
lie_locked(
    struct vmt_source *source, const struct vmem_import_request *request, struct vmem_range truth)
{
    const struct vmem_import_request anywhere = unconstrained(request, request->size);
    struct vmem_range lie = truth;
    size_t index;

    switch (source->lie) {
    case VMT_LIE_OVERLAP:
        lie = source->span_count != 0 ? source->spans[0] : truth;
        break;
    case VMT_LIE_START_UNALIGNED:
        lie.start++;
        break;
    case VMT_LIE_SIZE_UNALIGNED:
        lie.size++;
        break;
    case VMT_LIE_TOO_SMALL:
        lie.size = request->size - request->quantum;
        break;
    case VMT_LIE_EMPTY:
        lie.size = 0;
        break;
    case VMT_LIE_WRAPS:
        lie.start = VMEM_ADDR_MAX - (request->quantum - 1);
        lie.size = 2 * request->quantum;
        break;
    case VMT_LIE_UNCONSTRAINED:
        (void)find_locked(source, &anywhere, &index, &lie);
        break;
    case VMT_LIE_NONE:
        break;
    }
    source->lies++;
    source->liar = lie;
    source->has_lied = true;
    return lie;
}

static void
insert_locked(struct vmt_source *source, size_t index, struct vmem_range span)
{
    for (size_t i = source->span_count; i > index; i--) {
        source->spans[i] = source->spans[i - 1];
    }
    source->spans[index] = span;
    source->span_count++;
    source->span_size += span.size;
    source->imports++;
}

static int
answer_locked(
    struct vmt_source *source, const struct vmem_import_request *request, struct vmem_range *span)
{
    struct vmem_import_request wanted = *request;
    struct vmem_range found;
    size_t index = 0;

    source->request = *request;
    if (vmt_fuse_blows(&source->fuse) || source->span_count == VMT_SOURCE_SPANS_MAX) {
        return source->status;
    }
    if (source->manner == VMT_SOURCE_ANYWHERE) {
        if (request->size_anywhere == 0) {
            return source->status;
        }
        wanted = unconstrained(request, request->size_anywhere);
    }
    if (!find_locked(source, &wanted, &index, &found)) {
        return source->status;
    }
    if (is_lie_due_locked(source)) {
        *span = lie_locked(source, request, found);
        return 0;
    }
    insert_locked(source, index, found);
    *span = found;
    return 0;
}

int
vmt_source_import(void *arg, const struct vmem_import_request *request, struct vmem_range *span)
{
    struct vmt_source *source = arg;
    int status;

    if (source->during_import != NULL) {
        source->during_import(source->during_import_arg);
    }
    if (!check_request(request)) {
        return source->status;
    }
    vmt_spin_enter(&source->spin);
    status = answer_locked(source, request, span);
    vmt_spin_exit(&source->spin);
    return status;
}

/* Take the span from the list.  False if it is not there. */
static bool
remove_locked(struct vmt_source *source, vmem_addr_t start, vmem_size_t size)
{
    for (size_t i = 0; i < source->span_count; i++) {
        if (source->spans[i].start == start && source->spans[i].size == size) {
            source->span_count--;
            source->span_size -= size;
            source->releases++;
            for (; i < source->span_count; i++) {
                source->spans[i] = source->spans[i + 1];
            }
            return true;
        }
    }
    return false;
}

void
vmt_source_release(void *arg, vmem_addr_t start, vmem_size_t size)
{
    struct vmt_source *source = arg;
    bool is_known;

    vmt_spin_enter(&source->spin);
    is_known = remove_locked(source, start, size);
    if (!is_known && source->has_lied && source->liar.start == start && source->liar.size == size) {
        source->lies_released++;
        is_known = true;
    }
    vmt_spin_exit(&source->spin);

    vmt_count_check();
    if (!is_known) {
        vmt_fail_u64(start, size, __FILE__, __LINE__, "release of a span that is not out");
    }
}

void
vmt_source_init(struct vmt_source *source, vmem_addr_t start, vmem_size_t size)
{
    *source = (struct vmt_source){
        .start = start,
        .last = start + (size - 1),
        .status = STATUS_ENOMEM,
    };
    CHECK_U64(size, >, 0);
    CHECK_U64(source->last, >=, start);
}

void
vmt_source_fini(struct vmt_source *source)
{
    CHECK_U64(source->span_count, ==, 0);
    CHECK_U64(source->span_size, ==, 0);
}
