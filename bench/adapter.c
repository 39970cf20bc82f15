/*
 * adapter - instances of subjects, and the timed loops.       SPDX-License-Identifier: BSD-2-Clause
 *
 * Slots are prefetched BENCH_LOOKAHEAD operations ahead, so that misses in the harness's own array
 * do not hide those of the subject; what remains is in the harness floor.  The stamped loop reads a
 * slot before the first stamp and writes it after the last.
 */
#include "adapter.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"

void
bench_instance_open(struct bench_instance *instance, const struct bench_adapter *adapter,
    uint32_t slot_count, uint64_t span_quanta)
{
    memset(instance, 0, sizeof *instance);
    instance->adapter = adapter;
    instance->slots = bench_get_zeroed(slot_count, sizeof *instance->slots);
    instance->slot_count = slot_count;
    instance->arena = adapter->create(span_quanta);
}

void
bench_instance_close(struct bench_instance *instance)
{
    bench_instance_drain(instance, NULL);
    instance->adapter->destroy(instance->arena);
    free(instance->slots);
    memset(instance, 0, sizeof *instance);
}

void
bench_instance_run(struct bench_instance *instance, const struct bench_op *ops, size_t count)
{
    const struct bench_adapter *adapter = instance->adapter;
    void *arena = instance->arena;
    struct bench_slot *slots = instance->slots;
    uint64_t refused = 0;

    for (size_t i = 0; i < count; i++) {
        struct bench_slot *slot = &slots[ops[i].slot];
        const uint64_t size = (uint64_t)ops[i].quanta * BENCH_QUANTUM;

        __builtin_prefetch(&slots[ops[i + BENCH_LOOKAHEAD].slot], 1);
        if (slot->size != 0) {
            adapter->free_(arena, slot->key, slot->size);
        }
        if (adapter->alloc(arena, size, &slot->key)) {
            slot->size = size;
        } else {
            slot->size = 0;
            refused++;
        }
    }
    instance->pairs += count;
    instance->refused += refused;
}

void
bench_instance_run_aligned(
    struct bench_instance *instance, const struct bench_op *ops, size_t count)
{
    const struct bench_adapter *adapter = instance->adapter;
    void *arena = instance->arena;
    struct bench_slot *slots = instance->slots;
    uint64_t refused = 0;

    for (size_t i = 0; i < count; i++) {
        struct bench_slot *slot = &slots[ops[i].slot];
        const uint64_t size = (uint64_t)ops[i].quanta * BENCH_QUANTUM;
        const uint64_t align = (uint64_t)BENCH_QUANTUM << ops[i].align_log2;

        __builtin_prefetch(&slots[ops[i + BENCH_LOOKAHEAD].slot], 1);
        if (slot->size != 0) {
            adapter->free_(arena, slot->key, slot->size);
        }
        const bool is_done = ops[i].align_log2 == 0
            ? adapter->alloc(arena, size, &slot->key)
            : adapter->alloc_aligned(arena, size, align, &slot->key);
        slot->size = is_done ? size : 0;
        refused += !is_done;
    }
    instance->pairs += count;
    instance->refused += refused;
}

static void
keep_smaller(uint32_t *ticks, uint32_t found)
{
    *ticks = found < *ticks ? found : *ticks;
}

void
bench_instance_stamp(struct bench_instance *instance, const struct bench_op *ops, size_t count,
    uint32_t *free_ticks, uint32_t *alloc_ticks)
{
    const struct bench_adapter *adapter = instance->adapter;
    const uint32_t cost = bench_clock_stamp_ticks();
    void *arena = instance->arena;

    for (size_t i = 0; i < count; i++) {
        struct bench_slot *slot = &instance->slots[ops[i].slot];
        const struct bench_slot old = *slot;
        const uint64_t size = (uint64_t)ops[i].quanta * BENCH_QUANTUM;
        uint64_t key = 0;

        __builtin_prefetch(&instance->slots[ops[i + BENCH_LOOKAHEAD].slot], 1);
        const uint64_t start = bench_clock_stamp();
        if (old.size != 0) {
            adapter->free_(arena, old.key, old.size);
        }
        const uint64_t middle = bench_clock_stamp();
        const bool is_done = adapter->alloc(arena, size, &key);
        const uint64_t end = bench_clock_stamp();

        slot->key = key;
        slot->size = is_done ? size : 0;
        instance->refused += !is_done;
        keep_smaller(&free_ticks[i], bench_clock_interval(start, middle, cost));
        keep_smaller(&alloc_ticks[i], bench_clock_interval(middle, end, cost));
    }
    instance->pairs += count;
}

void
bench_instance_drain(struct bench_instance *instance, uint32_t *ticks)
{
    const uint32_t cost = bench_clock_stamp_ticks();

    for (uint32_t i = 0; i < instance->slot_count; i++) {
        const struct bench_slot old = instance->slots[i];

        if (old.size == 0) {
            continue;
        }
        const uint64_t start = bench_clock_stamp();
        instance->adapter->free_(instance->arena, old.key, old.size);
        const uint64_t end = bench_clock_stamp();

        instance->slots[i].size = 0;
        if (ticks != NULL) {
            keep_smaller(&ticks[i], bench_clock_interval(start, end, cost));
        }
    }
}
