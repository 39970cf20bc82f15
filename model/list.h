/* list.h - sorted lists of disjoint ranges, for the model only.   SPDX-License-Identifier: BSD-2-Clause */
#ifndef VMEM_MODEL_LIST_H
#define VMEM_MODEL_LIST_H

#include "model.h"

/* Index of the first range whose last unit is at or after `addr`; count if there is none. */
size_t vmem_model_list_seek(const struct vmem_model_list *list, vmem_addr_t addr);

/* The range that contains `addr`, or NULL. */
const struct vmem_model_range *vmem_model_list_at(
    const struct vmem_model_list *list, vmem_addr_t addr);

/* True if any range has a unit in common with [start, last]. */
bool vmem_model_list_overlaps(
    const struct vmem_model_list *list, vmem_addr_t start, vmem_addr_t last);

void vmem_model_list_insert(
    struct vmem_model_list *list, size_t index, struct vmem_model_range range);
void vmem_model_list_remove(struct vmem_model_list *list, size_t index);

/*
 * Add [start, last], disjoint from all; it becomes one with ranges that it touches and that lie
 * inside `bounds`.
 */
void vmem_model_list_join(
    struct vmem_model_list *list, struct vmem_model_range range, struct vmem_model_range bounds);

void vmem_model_list_copy(struct vmem_model_list *to, const struct vmem_model_list *from);
bool vmem_model_list_equal(const struct vmem_model_list *a, const struct vmem_model_list *b);
void vmem_model_list_fini(struct vmem_model_list *list);

#endif
