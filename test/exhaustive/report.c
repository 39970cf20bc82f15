/*
 * report - a disagreement, as a scenario that repeats it.          SPDX-License-Identifier: BSD-2-Clause
 */
#include "explore.h"

#include <inttypes.h>

static const char *
policy_name(unsigned flags)
{
    return (flags & VMEM_BESTFIT) != 0 ? "best"
        : (flags & VMEM_FIRSTFIT) != 0 ? "first"
        : (flags & VMEM_NEXTFIT) != 0  ? "next"
                                       : "instant";
}

static const char *
arena_name(unsigned arena)
{
    return arena == 0 ? "a" : "source";
}

static void
print_arenas(const struct vmx_world *world)
{
    const char *owner = world->is_importing ? "source" : "a";

    (void)printf("arena %s quantum=%" PRIu64 "\n", owner, world->quantum);
    for (unsigned i = 0; i < world->span_count; i++) {
        if (world->span[i].is_initial) {
            (void)printf("add %s 0x%" PRIx64 " 0x%" PRIx64 "\n", owner,
                world->base + world->span[i].start * world->quantum,
                world->span[i].quanta * world->quantum);
        }
    }
    if (world->is_importing) {
        (void)printf("arena a quantum=%" PRIu64 " source=source import_quantum=%" PRIu64
                     " keep=%u\n",
            world->quantum, world->quantum << world->import_log2, world->import_keep);
    }
}

static void
print_request(unsigned arena, const struct vmx_request *request, size_t number)
{
    (void)printf("xalloc %s n%zu 0x%" PRIx64 " align=0x%" PRIx64 " phase=0x%" PRIx64,
        arena_name(arena), number, request->size, request->align, request->phase);
    if (request->nocross != 0) {
        (void)printf(" nocross=0x%" PRIx64, request->nocross);
    }
    if (request->addr_min != 0 || request->addr_max != VMEM_ADDR_MAX) {
        (void)printf(" min=0x%" PRIx64 " max=0x%" PRIx64, request->addr_min, request->addr_max);
    }
    (void)printf(" policy=%s%s = ?%s\n", policy_name(request->flags),
        (request->flags & VMEM_HIGH) != 0 ? " high" : "",
        request->call == VMX_HANDLE      ? "  # vmem_alloc_handle"
            : request->call == VMX_ALLOC ? "  # vmem_alloc"
                                         : "");
}

void
vmx_report(const struct vmx_world *world, const struct vmx_request *requests,
    const struct vmx_step *path, size_t path_count, const char *text)
{
    (void)printf("# %s: DISAGREEMENT: %s\n# It is the last line's answer; to repeat it:\n",
        world->name, text);
    print_arenas(world);
    for (size_t i = 0; i < path_count; i++) {
        const struct vmx_step *step = &path[i];
        const vmem_addr_t addr = world->base + step->place * world->quantum;
        const char *arena = arena_name(step->arena);
        switch ((enum vmx_what)step->what) {
        case VMX_REQUEST:
            print_request(step->arena, &requests[step->request], i);
            break;
        case VMX_FREE:
            (void)printf("freeat %s 0x%" PRIx64 " 0x%" PRIx64 "\n", arena, addr,
                step->request * world->quantum);
            break;
        case VMX_BAD_FREE:
            (void)printf("freeat %s 0x%" PRIx64 " 0x%" PRIx64 " = misuse\n", arena, addr,
                step->request * world->quantum);
            break;
        case VMX_ADD:
            (void)printf("add %s 0x%" PRIx64 " 0x%" PRIx64 "\n", arena,
                world->base + world->span[step->place].start * world->quantum,
                world->span[step->place].quanta * world->quantum);
            break;
        case VMX_MAINTAIN:
            (void)printf("maintain %s\n", arena);
            break;
        case VMX_BEGIN:
            break;
        }
        if (step->fails_at != 0) {
            (void)printf("# ... with the fallible callback number %u failing%s\n", step->fails_at,
                step->fails_onward ? ", and all later ones" : "");
        }
    }
    (void)printf("# end\n");
}
