/*
 * requests - every call that allocates in a world.                 SPDX-License-Identifier: BSD-2-Clause
 *
 * Sizes of 1 .. N quanta; alignments of 1, 2, 4 and 8 quanta with every phase; blocks of 1 to 8 quanta
 * that must not be crossed, where they are no smaller than the size; every window, those shorter than
 * the size without alignment or block only; each policy, from below and from the top.  Where the
 * quantum has more than one unit, sizes and windows are not multiples of it every other time.
 */
#include "explore.h"

#include <stdlib.h>

/* By enum vmx_kind. */
static const unsigned policies[] = { VMEM_INSTANTFIT, VMEM_BESTFIT, VMEM_FIRSTFIT, VMEM_NEXTFIT };

enum { POLICIES = sizeof policies / sizeof policies[0] };

/* The table, as it grows. */
struct table {
    const struct vmx_world *world;
    struct vmx_request *at;
    size_t count;
    size_t capacity;
};

static void
put(struct table *table, const struct vmx_request *request)
{
    if (table->count == table->capacity) {
        table->capacity = table->capacity != 0 ? 2 * table->capacity : 1024;
        table->at = realloc(table->at, table->capacity * sizeof table->at[0]);
        if (table->at == NULL) {
            abort();
        }
    }
    table->at[table->count] = *request;
    vmx_request_complete(table->world, &table->at[table->count]);
    table->count++;
}

/* One size and window, under every policy. */
static void
put_policies(struct table *table, struct vmx_request request, bool is_exact)
{
    const bool is_simple = request.align == table->world->quantum && request.nocross == 0;

    for (unsigned i = 0; i < 2 * POLICIES; i++) {
        request.policy = (uint8_t)(i / 2);
        request.flags = policies[i / 2] | (i % 2 != 0 ? VMEM_HIGH : 0);
        request.is_placement = is_exact && is_simple && request.policy == VMX_FIRST;
        request.is_move =
            is_exact && is_simple && (request.policy == VMX_FIRST || request.policy == VMX_NEXT);
        put(table, &request);
    }
}

/* Is a window of so many quanta to be tried? */
static bool
is_wanted(const struct vmx_world *world, const struct vmx_request *request, unsigned window,
    unsigned quanta)
{
    const bool is_shaped = request->align > world->quantum || request->nocross != 0;

    if (world->is_brief) {
        return window == quanta || window == quanta + 1;
    }
    return window >= quanta || !is_shaped;
}

/* All windows, for one size and shape. */
static void
put_windows(struct table *table, struct vmx_request request, unsigned quanta)
{
    const struct vmx_world *world = table->world;

    for (unsigned first = 0; first < world->quanta; first++) {
        for (unsigned last = first; last < world->quanta; last++) {
            const bool is_skewed = world->quantum > 1 && (first + last + quanta) % 2 != 0;
            if (!is_wanted(world, &request, last - first + 1, quanta)) {
                continue;
            }
            request.addr_min = world->base + first * world->quantum;
            request.addr_max = world->base + last * world->quantum + (world->quantum - 1);
            if (is_skewed && last > first) {
                request.addr_min++;
                request.addr_max--;
            }
            put_policies(table, request, last - first + 1 == quanta && !is_skewed);
        }
    }
    request.addr_min = 0;
    request.addr_max = VMEM_ADDR_MAX;
    put_policies(table, request, false);
}

/* All shapes, for one size. */
static void
put_shapes(struct table *table, struct vmx_request request, unsigned quanta)
{
    const vmem_size_t quantum = table->world->quantum;
    const unsigned log2_max = table->world->is_brief ? 1 : 3;

    for (unsigned log2 = 0; log2 <= log2_max; log2++) {
        for (unsigned phase = 0; phase < 1u << log2; phase++) {
            request.align = quantum << log2;
            request.phase = phase * quantum;
            request.nocross = 0;
            put_windows(table, request, quanta);
            for (unsigned block = 0; block <= log2_max + 1 && block <= 3; block++) {
                request.nocross = quantum << block;
                if (1u << block >= quanta) {
                    put_windows(table, request, quanta);
                }
            }
        }
    }
}

/* The plain calls. */
static void
put_plain(struct table *table, struct vmx_request request)
{
    request.align = table->world->quantum;
    request.addr_max = VMEM_ADDR_MAX;
    for (unsigned i = 0; i < 2 * POLICIES; i++) {
        request.is_move = i % 2 == 0 || !table->world->is_small;
        request.policy = (uint8_t)(i / 2);
        request.flags = policies[i / 2] | (i % 2 != 0 ? VMEM_HIGH : 0);
        request.is_placement = i == 0;
        request.call = VMX_ALLOC;
        put(table, &request);
        if (table->world->has_handles) {
            request.is_placement = false;
            request.call = VMX_HANDLE;
            put(table, &request);
        }
    }
}

struct vmx_request *
vmx_requests_make(const struct vmx_world *world, size_t *count)
{
    struct table table = { .world = world };

    for (unsigned quanta = 1; quanta <= world->quanta; quanta++) {
        struct vmx_request request = { .size = quanta * world->quantum, .call = VMX_ALLOC };
        put_plain(&table, request);
        if (world->quantum > 1) {
            request.size -= world->quantum - 1; /* rounded up to the same */
        }
        request.call = VMX_XALLOC;
        put_shapes(&table, request, quanta);
    }
    *count = table.count;
    return table.at;
}
