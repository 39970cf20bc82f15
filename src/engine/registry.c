/*
 * registry - all arenas of the process.                            SPDX-License-Identifier: BSD-2-Clause
 *
 * A doubly linked list under its own lock.  Order of locks: the registry, then an arena.
 *
 * A visitor runs with the lock held.  It may walk again: the lock is left by whoever entered it.  It must
 * not create or destroy an arena; the calls that do so ask vmi_registry_may_change() first.
 */
#include "engine/registry.h"

#include "engine/misuse.h"

static struct vmi_port_lock registry_lock;
static struct vmem_arena *first_arena;
static struct vmem_arena *last_arena;
static uint32_t arenas_so_far;

bool
vmi_registry_may_change(const char *name)
{
    struct vmem_fault fault = { .code = VMEM_FAULT_REENTRY };

    if (vmi_port_lock_enter(&registry_lock)) {
        vmi_port_lock_exit(&registry_lock);
        return true;
    }
    vmi_misuse_named(
        name, &fault, "created or destroyed while the calling thread is visiting all arenas");
    return false;
}

/* To change the list.  The caller is in no walk: vmi_registry_may_change(). */
static void
enter(void)
{
    const bool has_entered = vmi_port_lock_enter(&registry_lock);

    VMI_ASSERT(has_entered);
    (void)has_entered;
}

void
vmi_registry_add(struct vmem_arena *arena)
{
    enter();
    /* Spread the generations of arenas, so that a handle of one is hardly ever one of another. */
    arenas_so_far++;
    arena->generation = (arenas_so_far * 0x9e3779b1u) & VMI_OWN_PAYLOAD;
    arena->registry_prev = last_arena;
    arena->registry_next = NULL;
    if (last_arena != NULL) {
        last_arena->registry_next = arena;
    } else {
        first_arena = arena;
    }
    last_arena = arena;
    vmi_port_lock_exit(&registry_lock);
}

void
vmi_registry_remove(struct vmem_arena *arena)
{
    enter();
    if (arena->registry_prev != NULL) {
        arena->registry_prev->registry_next = arena->registry_next;
    } else {
        first_arena = arena->registry_next;
    }
    if (arena->registry_next != NULL) {
        arena->registry_next->registry_prev = arena->registry_prev;
    } else {
        last_arena = arena->registry_prev;
    }
    for (struct vmem_arena *other = first_arena; other != NULL; other = other->registry_next) {
        if (other->source.arena == arena && vmi_enter(other)) {
            other->source.arena = NULL;
            vmi_leave(other);
        }
    }
    vmi_port_lock_exit(&registry_lock);
}

void
vmi_registry_walk(vmem_arena_visitor_fn *visitor, void *arg)
{
    const bool has_entered = vmi_port_lock_enter(&registry_lock);

    for (struct vmem_arena *arena = first_arena; arena != NULL; arena = arena->registry_next) {
        if (!visitor(arg, arena)) {
            break;
        }
    }
    if (has_entered) {
        vmi_port_lock_exit(&registry_lock);
    }
}
