/*
 * audit - the arena's state against the replayer's own books. SPDX-License-Identifier: BSD-2-Clause
 *
 * The books know the place and size of everything that is live.  Sorted, that list must be the list
 * of busy segments that the arena walks, one by one; then nothing overlaps and nothing is lost,
 * whatever the arena believes of itself.
 */
#include "audit.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

__attribute__((format(printf, 2, 3))) static bool
complain(char *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, REPLAY_AUDIT_BYTES, format, args);
    va_end(args);
    return false;
}

void
replay_books_check_place(struct replay_books *books, const struct replay_plan *plan,
    const struct vmem_trace_op *op, vmem_addr_t addr, vmem_size_t size)
{
    static const struct vmem_constraint anywhere = { .addr_max = VMEM_ADDR_MAX };
    const struct vmem_constraint *constraint =
        op->constraint == VMEM_TRACE_ANYWHERE ? &anywhere : &plan->constraints[op->constraint];
    const vmem_size_t align = constraint->align == 0 ? plan->quantum : constraint->align;
    const vmem_addr_t last = addr + (size - 1);
    const vmem_addr_t span_last = plan->base + (plan->size - 1);
    const bool is_right = last >= addr && addr >= plan->base && last <= span_last &&
        (addr & (align - 1)) == constraint->phase && addr >= constraint->addr_min &&
        last <= constraint->addr_max &&
        (constraint->nocross == 0 || (addr ^ last) < constraint->nocross);
    if (!is_right && !books->is_misplaced) {
        books->is_misplaced = true;
        (void)snprintf(books->misplaced, sizeof(books->misplaced),
            "line %" PRIu32 ": id %" PRIu64 " got 0x%" PRIx64 "..0x%" PRIx64
            ", outside the span or against its constraint",
            op->line, op->id, addr, last);
    }
}

static bool
audit_counters(struct replay_rig *rig, const struct replay_books *books, char *text)
{
    struct vmem_stats stats;
    uint64_t fails = 0;
    vmem_stats(rig->arena, &stats);
    for (int reason = 0; reason < VMEM_REASON_COUNT; reason++) {
        fails += stats.fails[reason];
    }
    const struct {
        const char *name;
        uint64_t found;
        uint64_t expected;
    } rows[] = {
        { "allocs", stats.allocs, books->alloc_count },
        { "frees", stats.frees, books->free_count },
        { "fails", fails, books->fail_count },
        { "busy_segments", stats.busy_segments, books->live_count },
        { "inuse_size", stats.inuse_size, books->live_size },
        { "vmem_size(VMEM_ALLOC)", vmem_size(rig->arena, VMEM_ALLOC), books->live_size },
        { "vmem_size(VMEM_FREE)", vmem_size(rig->arena, VMEM_FREE),
            stats.total_size - books->live_size },
        { "total_size", stats.total_size,
            rig->parent == NULL ? rig->plan->size : vmem_size(rig->parent, VMEM_ALLOC) },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].found != rows[i].expected) {
            return complain(text, "%s is %" PRIu64 ", but the books say %" PRIu64, rows[i].name,
                rows[i].found, rows[i].expected);
        }
    }
    return true;
}

static int
compare_ranges(const void *a, const void *b)
{
    const struct vmem_range *x = a;
    const struct vmem_range *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

/* What a walk over all segments is compared with. */
struct walk_state {
    const struct vmem_range *ranges;
    size_t count;
    size_t seen_count; /* busy segments that agreed */
    bool is_wrong;
    struct vmem_segment wrong;
    uint64_t holes;
    vmem_size_t largest_hole;
};

static bool
compare_segment(void *arg, const struct vmem_segment *segment)
{
    struct walk_state *state = arg;
    if (segment->type == VMEM_FREE) {
        state->holes++;
        if (segment->size > state->largest_hole) {
            state->largest_hole = segment->size;
        }
        return true;
    }
    if (state->seen_count == state->count ||
        segment->start != state->ranges[state->seen_count].start ||
        segment->size != state->ranges[state->seen_count].size) {
        state->is_wrong = true;
        state->wrong = *segment;
        return false;
    }
    state->seen_count++;
    return true;
}

static bool
compare_walk(struct replay_rig *rig, const struct vmem_range *ranges, size_t count, char *text)
{
    struct walk_state state = { .ranges = ranges, .count = count };
    struct vmem_stats stats;
    vmem_walk(rig->arena, VMEM_ALLOC | VMEM_FREE, compare_segment, &state);
    if (state.is_wrong) {
        return complain(text,
            "the arena has a busy segment at 0x%" PRIx64 " of %" PRIu64
            " units that the books have not",
            state.wrong.start, state.wrong.size);
    }
    if (state.seen_count != count) {
        return complain(
            text, "the arena lost the busy segment at 0x%" PRIx64, ranges[state.seen_count].start);
    }
    vmem_stats(rig->arena, &stats);
    if (state.holes != stats.holes) {
        return complain(
            text, "holes is %" PRIu64 ", but the walk finds %" PRIu64, stats.holes, state.holes);
    }
    const vmem_size_t largest = vmem_size(rig->arena, VMEM_MAXFREE);
    if (largest != state.largest_hole) {
        return complain(text, "vmem_size(VMEM_MAXFREE) is %" PRIu64 ", but the walk finds %" PRIu64,
            largest, state.largest_hole);
    }
    return true;
}

static bool
audit_segments(struct replay_rig *rig, char *text)
{
    const uint32_t slot_count = rig->plan->trace->slot_count;
    struct vmem_range *ranges = malloc((slot_count + (size_t)1) * sizeof(*ranges));
    if (ranges == NULL) {
        return complain(text, "no memory to compare %" PRIu32 " slots", slot_count);
    }
    size_t count = 0;
    for (uint32_t i = 0; i < slot_count; i++) {
        vmem_size_t rounded = 0;
        if (rig->slots[i].size != 0 &&
            replay_round(rig->slots[i].size, rig->plan->quantum, &rounded)) {
            ranges[count++] = (struct vmem_range){ .start = rig->slots[i].addr, .size = rounded };
        }
    }
    qsort(ranges, count, sizeof(*ranges), compare_ranges);
    const bool agrees = compare_walk(rig, ranges, count, text);
    free(ranges);
    return agrees;
}

static bool
audit_invariants(struct vmem_arena *arena, char *text)
{
    struct vmem_violation violation = { 0 };
    if (vmem_check(arena, &violation)) {
        return true;
    }
    return complain(text, "arena %s: %s does not hold at 0x%" PRIx64 ", found %" PRIu64,
        vmem_name(arena), violation.invariant, violation.addr, violation.found);
}

bool
replay_audit(struct replay_rig *rig, const struct replay_books *books, char *text)
{
    return audit_invariants(rig->arena, text) &&
        (rig->parent == NULL || audit_invariants(rig->parent, text)) &&
        audit_counters(rig, books, text) && audit_segments(rig, text);
}
