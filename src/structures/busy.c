/*
 * busy - from the address of an allocation to its tag; the essay is in busy.h.
 *                                                                  SPDX-License-Identifier: BSD-2-Clause
 */
#include "structures/busy.h"

static struct vmi_table
table_of(uint64_t *memory, size_t bytes)
{
    const uint32_t slots = (uint32_t)(bytes / sizeof memory[0]);

    VMI_ASSERT(vmi_is_pow2(slots) && slots >= 1u << VMI_BUSY_LOG2_MIN);
    return (struct vmi_table){ .slot = memory, .mask = slots - 1, .shift = 32 - vmi_log2(slots) };
}

static uint32_t
limit_of(const struct vmi_table *table)
{
    const uint64_t slots = (uint64_t)table->mask + 1;

    return (uint32_t)(slots * 13 / 16);
}

void
vmi_busy_init(struct vmi_busy *busy, unsigned quantum_log2, uint64_t *memory, size_t bytes)
{
    *busy = (struct vmi_busy){ 0 };
    busy->quantum_log2 = quantum_log2;
    busy->table = table_of(memory, bytes);
    busy->count_max = limit_of(&busy->table);
}

size_t
vmi_busy_wants(const struct vmi_busy *busy, bool may_shrink, bool *is_urgent)
{
    const uint64_t slots = (uint64_t)busy->table.mask + 1;
    const unsigned log2 = vmi_log2(slots);

    *is_urgent = false;
    if (vmi_busy_is_moving(busy)) {
        return 0;
    }
    if (busy->count >= busy->count_max) {
        *is_urgent = busy->count + 1 >= slots - slots / 32;
        return log2 < VMI_BUSY_LOG2_MAX ? (size_t)(slots * 2 * sizeof busy->table.slot[0]) : 0;
    }
    if (may_shrink && log2 > VMI_BUSY_LOG2_MIN && busy->count < slots / 8) {
        return (size_t)(slots / 2 * sizeof busy->table.slot[0]);
    }
    return 0;
}

void
vmi_busy_resize(struct vmi_busy *busy, uint64_t *memory, size_t bytes)
{
    VMI_ASSERT(!vmi_busy_is_moving(busy));
    busy->old = busy->table;
    busy->table = table_of(memory, bytes);
    busy->count_max = limit_of(&busy->table);
    busy->old_begin = 0;
    while (busy->old.slot[busy->old_begin] != 0) {
        busy->old_begin++;
    }
    busy->old_done = 0;
}

uint64_t *
vmi_busy_step(struct vmi_busy *busy, uint32_t slots, size_t *bytes)
{
    const uint64_t old_slots = (uint64_t)busy->old.mask + 1;
    uint64_t *memory = busy->old.slot;
    uint64_t done = busy->old_done;

    /* Whole clusters: what begins behind an empty slot has no entry whose home lies before it. */
    for (uint32_t moved = 0; done < old_slots; moved++, done++) {
        uint64_t *slot = &memory[(busy->old_begin + (uint32_t)done) & busy->old.mask];
        if (*slot == 0) {
            if (moved >= slots) {
                break;
            }
            continue;
        }
        vmi_table_insert(&busy->table, *slot);
        *slot = 0;
    }
    if (done < old_slots) {
        busy->old_done = (uint32_t)done;
        return NULL;
    }
    /* The last cluster may have wrapped beyond the slot where it all began. */
    for (uint32_t at = busy->old_begin; memory[at] != 0; at = (at + 1) & busy->old.mask) {
        vmi_table_insert(&busy->table, memory[at]);
        memory[at] = 0;
    }
    *bytes = (size_t)old_slots * sizeof memory[0];
    busy->old.slot = NULL;
    return memory;
}

/* H1 and H3 for one table. */
static const char *
check_table(const struct vmi_busy *busy, const struct vmi_tags *tags, const struct vmi_table *table,
    uint64_t *entries)
{
    uint64_t empty = 0;

    for (uint64_t at = 0; at <= table->mask; at++) {
        const uint64_t entry = table->slot[at];
        const struct vmi_table *found_table = NULL;
        uint32_t found_at = 0;
        if (entry == 0) {
            empty++;
            continue;
        }
        (*entries)++;
        if (!vmi_slab_is_valid(&tags->slab, (uint32_t)entry)) {
            return "H1: every entry names a tag";
        }
        const struct vmi_tag *tag = vmi_tag_at(tags, (uint32_t)entry);
        if (vmi_busy_find(busy, tags, tag->start, &found_table, &found_at) != (uint32_t)entry ||
            found_table != table || found_at != at) {
            return "H1: every entry is found from its home";
        }
    }
    return empty > 0 ? NULL : "H3: a table has an empty slot";
}

const char *
vmi_busy_check(const struct vmi_busy *busy, const struct vmi_tags *tags)
{
    uint64_t entries = 0;
    const char *broken = check_table(busy, tags, &busy->table, &entries);

    if (broken == NULL && vmi_busy_is_moving(busy)) {
        broken = check_table(busy, tags, &busy->old, &entries);
    }
    if (broken == NULL && entries != busy->count) {
        broken = "H2: count is the number of entries";
    }
    return broken;
}
