/* world - the arenas and allocations of a scenario; see world.h.  SPDX-License-Identifier: BSD-2-Clause */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The fatal hook while a scenario runs. */
static void
hear(void *arg, const struct vmem_fault *fault)
{
    struct vmem_told *told = arg;

    if (told->count++ == 0) {
        told->code = fault->code;
        (void)snprintf(told->text, sizeof told->text, "%s",
            fault->text != NULL ? fault->text : "(the fault has no text)");
    }
}

void
vmem_world_init(struct vmem_world *world, const struct vmem_scenario *scenario)
{
    memset(world, 0, sizeof *world);
    world->scenario = scenario;
    world->live_free = VMEM_LIVE_NONE;
    vmem_set_fatal_hook(hear, &world->told);
}

void
vmem_world_reset(struct vmem_world *world)
{
    world->told.count = 0;
    world->finding[0] = '\0';
}

void
vmem_world_find(struct vmem_world *world, const char *format, ...)
{
    va_list arguments;

    if (world->finding[0] != '\0') {
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(world->finding, sizeof world->finding, format, arguments);
    va_end(arguments);
}

/* A pair as the value of a map. */
union pair_value {
    uint64_t number;
    struct vmem_pair *pair;
};

struct vmem_pair *
vmem_world_pair(const struct vmem_world *world, uint64_t name, uint64_t suffix)
{
    const struct vmem_map_key key = { name, suffix, 0 };
    union pair_value value = { 0 };

    return vmem_map_get(&world->pair_map, key, &value.number) ? value.pair : NULL;
}

void
vmem_world_add(struct vmem_world *world, struct vmem_pair *pair)
{
    const struct vmem_map_key key = { pair->name, pair->suffix, 0 };
    union pair_value value = { 0 };

    pair->next = world->pairs;
    pair->serial = world->serial++;
    world->pairs = pair;
    value.pair = pair;
    vmem_map_set(&world->pair_map, key, value.number);
}

void
vmem_world_remove(struct vmem_world *world, struct vmem_pair *pair)
{
    struct vmem_pair **link = &world->pairs;

    while (*link != pair) {
        link = &(*link)->next;
    }
    *link = pair->next;
    for (size_t i = 0; i < pair->model.busy.count; i++) {
        vmem_world_live_remove(world, pair, pair->model.busy.at[i].start);
    }
    vmem_map_remove(&world->pair_map, (struct vmem_map_key){ pair->name, pair->suffix, 0 });
    vmem_model_fini(&pair->model);
    free(pair);
}

struct vmem_pair *
vmem_world_child(const struct vmem_world *world, const struct vmem_pair *pair)
{
    struct vmem_pair *child = world->pairs;

    while (child != NULL && child->source != pair) {
        child = child->next;
    }
    return child;
}

struct vmem_pair *
vmem_world_child_at(const struct vmem_world *world, const struct vmem_pair *pair, vmem_addr_t addr)
{
    for (struct vmem_pair *child = world->pairs; child != NULL; child = child->next) {
        for (size_t i = 0; child->source == pair && i < child->model.imports.count; i++) {
            if (child->model.imports.at[i].start == addr) {
                return child;
            }
        }
    }
    return NULL;
}

void
vmem_world_live_add(struct vmem_world *world, const struct vmem_pair *pair, struct vmem_map_key id,
    vmem_addr_t addr, vmem_size_t size)
{
    uint64_t index = world->live_free;

    if (index != VMEM_LIVE_NONE) {
        world->live_free = world->lives[index].next_free;
    } else {
        if (world->live_count == world->live_capacity) {
            world->live_capacity = world->live_capacity * 2 + 64;
            world->lives = vmem_scenario_realloc(
                world->lives, (size_t)world->live_capacity, sizeof *world->lives);
        }
        index = world->live_count++;
    }
    world->lives[index] = (struct vmem_live){ addr, size, id, VMEM_LIVE_NONE };
    vmem_map_set(&world->id_map, id, index);
    vmem_map_set(&world->place_map, (struct vmem_map_key){ pair->serial, addr, 0 }, index);
}

void
vmem_world_live_remove(struct vmem_world *world, const struct vmem_pair *pair, vmem_addr_t addr)
{
    const struct vmem_map_key place = { pair->serial, addr, 0 };
    uint64_t index;

    if (vmem_map_get(&world->place_map, place, &index)) {
        vmem_map_remove(&world->place_map, place);
        vmem_map_remove(&world->id_map, world->lives[index].id);
        world->lives[index].next_free = world->live_free;
        world->live_free = index;
    }
}

/* The busy ranges of a real arena, as a walk shows them. */
static bool
note_busy(void *arg, const struct vmem_segment *segment)
{
    struct vmem_model_list *list = arg;

    if (list->count == list->capacity) {
        list->capacity = list->capacity * 2 + 64;
        list->at = vmem_scenario_realloc(list->at, list->capacity, sizeof *list->at);
    }
    list->at[list->count++] =
        (struct vmem_model_range){ segment->start, segment->start + (segment->size - 1) };
    return true;
}

/*
 * Free what an arena still holds, by its own account, and destroy it.  The newest arena comes
 * first: nothing of it feeds another one any more.
 */
static bool
drop(struct vmem_world *world, struct vmem_pair *pair)
{
    struct vmem_model_list busy = { 0 };

    vmem_walk(pair->real, VMEM_ALLOC, note_busy, &busy);
    for (size_t i = 0; i < busy.count; i++) {
        vmem_free(pair->real, busy.at[i].start, busy.at[i].last - busy.at[i].start + 1);
    }
    free(busy.at);
    return vmem_destroy(pair->real) == 0 && world->told.count == 0;
}

bool
vmem_world_fini(struct vmem_world *world)
{
    bool is_good = true;

    vmem_world_reset(world);
    while (world->pairs != NULL) {
        struct vmem_pair *pair = world->pairs;

        is_good = drop(world, pair) && is_good;
        vmem_world_remove(world, pair);
    }
    is_good = is_good || world->has_parted; /* that was reported before */
    if (!is_good) {
        vmem_world_find(world, "what was live at the end could not be dropped%s%s",
            world->told.count != 0 ? ": " : "", world->told.count != 0 ? world->told.text : "");
    }
    free(world->lives);
    vmem_map_fini(&world->pair_map);
    vmem_map_fini(&world->id_map);
    vmem_map_fini(&world->place_map);
    vmem_set_fatal_hook(NULL, NULL);
    return is_good;
}
