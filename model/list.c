/*
 * list - sorted lists of disjoint ranges.                         SPDX-License-Identifier: BSD-2-Clause
 *
 * Binary search and memmove.  Ranges touch only where the caller wants them apart: a list of holes
 * never joins across the edge of a span, a list of busy ranges never joins at all.
 */
#include "list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
reserve(struct vmem_model_list *list, size_t count)
{
    size_t capacity = list->capacity != 0 ? list->capacity : 16;
    struct vmem_model_range *at;

    if (count <= list->capacity) {
        return;
    }
    while (capacity < count) {
        capacity *= 2;
    }
    at = realloc(list->at, capacity * sizeof *at);
    if (at == NULL) {
        (void)fputs("vmem model: out of memory\n", stderr);
        abort();
    }
    list->at = at;
    list->capacity = capacity;
}

size_t
vmem_model_list_seek(const struct vmem_model_list *list, vmem_addr_t addr)
{
    size_t lower = 0;
    size_t upper = list->count;

    while (lower < upper) {
        const size_t middle = lower + (upper - lower) / 2;

        if (list->at[middle].last < addr) {
            lower = middle + 1;
        } else {
            upper = middle;
        }
    }
    return lower;
}

const struct vmem_model_range *
vmem_model_list_at(const struct vmem_model_list *list, vmem_addr_t addr)
{
    const size_t i = vmem_model_list_seek(list, addr);

    return i < list->count && list->at[i].start <= addr ? &list->at[i] : NULL;
}

bool
vmem_model_list_overlaps(const struct vmem_model_list *list, vmem_addr_t start, vmem_addr_t last)
{
    const size_t i = vmem_model_list_seek(list, start);

    return i < list->count && list->at[i].start <= last;
}

void
vmem_model_list_insert(struct vmem_model_list *list, size_t index, struct vmem_model_range range)
{
    reserve(list, list->count + 1);
    memmove(&list->at[index + 1], &list->at[index], (list->count - index) * sizeof *list->at);
    list->at[index] = range;
    list->count++;
}

void
vmem_model_list_remove(struct vmem_model_list *list, size_t index)
{
    list->count--;
    memmove(&list->at[index], &list->at[index + 1], (list->count - index) * sizeof *list->at);
}

void
vmem_model_list_join(
    struct vmem_model_list *list, struct vmem_model_range range, struct vmem_model_range bounds)
{
    size_t i = vmem_model_list_seek(list, range.start);

    /* No range touches across the wrap: MAX has no successor, 0 no predecessor. */
    if (i < list->count && range.last != VMEM_ADDR_MAX && list->at[i].start == range.last + 1 &&
        list->at[i].last <= bounds.last) {
        range.last = list->at[i].last;
        vmem_model_list_remove(list, i);
    }
    if (i > 0 && range.start != 0 && list->at[i - 1].last == range.start - 1 &&
        list->at[i - 1].start >= bounds.start) {
        list->at[i - 1].last = range.last;
        return;
    }
    vmem_model_list_insert(list, i, range);
}

void
vmem_model_list_copy(struct vmem_model_list *to, const struct vmem_model_list *from)
{
    reserve(to, from->count);
    if (from->count != 0) {
        memcpy(to->at, from->at, from->count * sizeof *to->at);
    }
    to->count = from->count;
}

bool
vmem_model_list_equal(const struct vmem_model_list *a, const struct vmem_model_list *b)
{
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        if (a->at[i].start != b->at[i].start || a->at[i].last != b->at[i].last) {
            return false;
        }
    }
    return a->count == b->count;
}

void
vmem_model_list_fini(struct vmem_model_list *list)
{
    free(list->at);
    *list = (struct vmem_model_list){ 0 };
}
