/*
 * shrink - a failing log, made short and printed.                  SPDX-License-Identifier: BSD-2-Clause
 *
 * Operations are left out in blocks of half the log, a quarter, ... one, as long as *some* rule still
 * breaks at the end.  A free whose allocation was left out does nothing.  What remains is printed as a
 * scenario for `vmem run`; calls that the scenario language has no word for are comments in it.
 */
#include "rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPLAYS_MAX = 4000, OPERATIONS_MAX = 20000000, PRINTED_MAX = 500 };

/* Repeat a log.  Returns what breaks, and where; NULL if nothing does. */
static const char *
replay(const struct rig_setup *setup, const struct rig_op *ops, size_t count, size_t *at)
{
    struct rig_reached reached = { 0 };
    struct rig rig;
    const char *broken = rig_init(&rig, setup, &reached);

    for (*at = 0; broken == NULL && *at < count; ++*at) {
        broken = rig_do(&rig, &ops[*at]);
    }
    if (broken == NULL) {
        return rig_fini(&rig);
    }
    rig_abandon(&rig);
    return broken;
}

/* Shrink in place.  Returns the new count. */
static size_t
shrink(const struct rig_setup *setup, struct rig_op *ops, size_t count, const char **text)
{
    struct rig_op *tried = malloc((count + 1) * sizeof ops[0]);
    uint64_t budget = OPERATIONS_MAX;
    unsigned replays = 0;

    for (size_t block = count / 2; tried != NULL && block > 0;) {
        bool has_shrunk = false;
        for (size_t at = 0; at < count && replays < REPLAYS_MAX && budget > count;) {
            const size_t out = block < count - at ? block : count - at;
            size_t end;
            const char *broken;
            (void)memcpy(tried, ops, at * sizeof ops[0]);
            (void)memcpy(tried + at, ops + at + out, (count - at - out) * sizeof ops[0]);
            broken = replay(setup, tried, count - out, &end);
            replays++;
            budget -= end < budget ? end : budget;
            if (broken == NULL) {
                at += block;
                continue;
            }
            *text = broken;
            count = end;
            (void)memcpy(ops, tried, count * sizeof ops[0]);
            has_shrunk = true;
        }
        block = has_shrunk && block == 1 ? 1 : block / 2;
    }
    free(tried);
    return count;
}

/* -------------------------------------------------------------------------------------------------
 * Printing
 * ---------------------------------------------------------------------------------------------- */

static const char *
policy_name(unsigned flags)
{
    return (flags & VMEM_BESTFIT) != 0   ? "best"
        : (flags & VMEM_FIRSTFIT) != 0   ? "first"
        : (flags & VMEM_NEXTFIT) != 0    ? "next"
        : (flags & VMEM_INSTANTFIT) != 0 ? "instant"
                                         : NULL;
}

static void
print_arenas(const struct rig_setup *setup)
{
    for (unsigned i = setup->levels; i-- > 0;) {
        const char *policy = policy_name(setup->flags[i]);
        (void)printf("arena L%u quantum=%" PRIu64, i, setup->quantum[i]);
        if (setup->limit[i] != 0) {
            (void)printf(" limit=%" PRIu64, setup->limit[i]);
        }
        if (policy != NULL) {
            (void)printf(" policy=%s", policy);
        }
        if (i + 1 < setup->levels) {
            (void)printf(" source=L%u import_quantum=%" PRIu64 " keep=%u", i + 1,
                setup->import_quantum[i], setup->keep[i]);
        }
        (void)printf("%s%s\n", (setup->flags[i] & VMEM_NOLOCK) != 0 ? "  # VMEM_NOLOCK" : "",
            (setup->flags[i] & VMEM_INDEXED) != 0 ? "  # VMEM_INDEXED" : "");
    }
    for (unsigned i = 0; i < setup->span_initial; i++) {
        (void)printf("add L%u 0x%" PRIx64 " 0x%" PRIx64 "\n", setup->levels - 1,
            setup->span[i].start, setup->span[i].size);
    }
    if (setup->tag_bytes != 0) {
        (void)printf("# with %zu bytes of tag memory and no more\n", setup->tag_bytes);
    }
}

static void
print_alloc(const struct rig_op *op)
{
    const char *policy = policy_name(op->flags);

    /* `alloc` of the language takes nothing but a size. */
    (void)printf("%s L%u n%" PRIu32 " 0x%" PRIx64,
        op->kind == RIG_ALLOC && op->flags == 0 ? "alloc" : "xalloc", op->level, op->id, op->size);
    if (op->align != 0) {
        (void)printf(" align=0x%" PRIx64, op->align);
    }
    if (op->phase != 0) {
        (void)printf(" phase=0x%" PRIx64, op->phase);
    }
    if (op->nocross != 0) {
        (void)printf(" nocross=0x%" PRIx64, op->nocross);
    }
    if (op->addr_min != 0) {
        (void)printf(" min=0x%" PRIx64, op->addr_min);
    }
    if (op->addr_max != VMEM_ADDR_MAX) {
        (void)printf(" max=0x%" PRIx64, op->addr_max);
    }
    if (policy != NULL) {
        (void)printf(" policy=%s", policy);
    }
    (void)printf("%s = ?%s\n", (op->flags & VMEM_HIGH) != 0 ? " high" : "",
        op->kind == RIG_HANDLE ? "  # vmem_alloc_handle" : "");
}

static void
print_op(const struct rig_op *op)
{
    switch ((enum rig_kind)op->kind) {
    case RIG_ALLOC:
    case RIG_XALLOC:
    case RIG_WITH:
    case RIG_HANDLE:
        print_alloc(op);
        break;
    case RIG_FREE:
        (void)printf("free L%u n%" PRIu32 "\n", op->level, op->ref);
        break;
    case RIG_FREE_AT:
        (void)printf(
            "freeat L%u 0x%" PRIx64 " 0x%" PRIx64 " = misuse\n", op->level, op->addr_min, op->size);
        break;
    case RIG_ADD:
        (void)printf(
            "add L%u 0x%" PRIx64 " 0x%" PRIx64 " = ?\n", op->level, op->addr_min, op->size);
        break;
    case RIG_LIMIT:
        (void)printf("limit L%u %" PRIu64 "\n", op->level, op->size);
        break;
    case RIG_EXPLAIN:
        (void)printf("# vmem_explain: ");
        print_alloc(op);
        break;
    case RIG_STATE:
        (void)printf("# vmem_state L%u 0x%" PRIx64 "\n", op->level, op->addr_min);
        break;
    case RIG_MAINTAIN:
        (void)printf("# vmem_maintain L%u\n", op->level);
        break;
    case RIG_CHECK:
        (void)printf("# vmem_check\n");
        break;
    }
}

static bool
on_segment(void *arg, const struct vmem_segment *segment)
{
    (void)arg;
    (void)printf(" %s0x%" PRIx64 "+0x%" PRIx64,
        segment->type == VMEM_SPAN       ? "| "
            : segment->type == VMEM_FREE ? "free "
                                         : "",
        segment->start, segment->size);
    return true;
}

/* Print what the arenas hold before the last operation, if that is short. */
static void
print_before_last(const struct rig_setup *setup, const struct rig_op *ops, size_t count)
{
    struct rig_reached reached = { 0 };
    struct rig rig;
    const char *broken = rig_init(&rig, setup, &reached);

    for (size_t i = 0; i + 1 < count && broken == NULL; i++) {
        broken = rig_do(&rig, &ops[i]);
    }
    for (unsigned i = setup->levels; i-- > 0 && broken == NULL && rig.live_count < PRINTED_MAX;) {
        (void)printf("# L%u:", i);
        vmem_walk(rig.level[i].arena, VMEM_SPAN | VMEM_ALLOC | VMEM_FREE, on_segment, NULL);
        (void)printf("\n");
    }
    rig_abandon(&rig);
}

void
rig_report(const struct rig_setup *setup, struct rig_op *ops, size_t count, const char *text)
{
    size_t at;
    const char *again = replay(setup, ops, count, &at);

    (void)printf("# after %zu operations: %s\n", count, text);
    if (again == NULL) {
        (void)printf("# it does not repeat\n");
    } else {
        text = again;
        count = shrink(setup, ops, count, &text);
        (void)printf("# shrunk to %zu operations: %s\n", count, text);
    }
    (void)printf("# ---- scenario\n");
    print_arenas(setup);
    if (count > PRINTED_MAX) {
        (void)printf("# the last %d operations; the seed repeats them all\n", PRINTED_MAX);
    }
    for (size_t i = count > PRINTED_MAX ? count - PRINTED_MAX : 0; i < count; i++) {
        print_op(&ops[i]);
    }
    (void)printf("# ---- end: %s\n# before the last operation:\n", text);
    print_before_last(setup, ops, count);
    (void)fflush(stdout);
}
