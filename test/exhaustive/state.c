/*
 * state - from an arena's private structures to a key.             SPDX-License-Identifier: BSD-2-Clause
 */
#include "explore.h"

#include "engine/arena.h"
#include "engine/supply.h"

enum { NODES_ENOUGH = 2 /* to change an index */ };

/* A range as positions.  False: it is not made of the world's quanta. */
static bool
to_positions(const struct vmx_world *world, vmem_addr_t start, vmem_size_t size, unsigned *at,
    uint32_t *mask)
{
    const unsigned log2 = world->quantum_log2;
    const vmem_size_t offset = (start - world->base) >> log2;
    const vmem_size_t quanta = size >> log2;

    if (((start - world->base) | size) << (63 - log2) << 1 != 0 || quanta == 0 ||
        offset >= world->quanta || quanta > world->quanta - offset) {
        return false; /* below the base the offset is huge */
    }
    *at = (unsigned)offset;
    *mask = ((UINT32_C(1) << quanta) - 1) << offset;
    return true;
}

/* Enter one tag into the shape; the tags before it are there. */
static const char *
read_tag(const struct vmi_tag *tag, const struct vmx_world *world, struct vmx_shape *shape,
    bool *after_hole)
{
    const enum vmi_kind kind = vmi_tag_kind(tag);
    unsigned at;
    uint32_t mask;

    if (!to_positions(world, tag->start, tag->size, &at, &mask)) {
        return "a tag is outside the world";
    }
    if (kind == VMI_KIND_SPAN) {
        if ((shape->owned & mask) != 0) {
            return "spans overlap";
        }
        shape->owned |= mask;
        shape->span_start |= UINT32_C(1) << at;
        shape->imported |= vmi_tag_payload(tag) == VMI_SPAN_IMPORTED ? mask : 0;
        *after_hole = false;
        return NULL;
    }
    if ((shape->owned & mask) != mask || (shape->busy & mask) != 0) {
        return "a segment is outside its span, or overlaps another";
    }
    if (kind == VMI_KIND_HOLE) {
        const bool touches = *after_hole;
        *after_hole = true;
        return touches ? "two holes touch" : NULL;
    }
    *after_hole = false;
    shape->busy |= mask;
    shape->start |= UINT32_C(1) << at;
    shape->handled |= vmi_tag_payload(tag) != 0 ? UINT32_C(1) << at : 0;
    return kind == VMI_KIND_BUSY ? NULL : "a tag of no kind is in the list";
}

static const char *
read_hole(const struct vmem_arena *arena, const struct vmx_world *world, uint32_t index,
    struct vmx_shape *shape)
{
    const struct vmi_tag *tag = vmi_tag(arena, index);
    unsigned at;
    uint32_t mask;

    if (!to_positions(world, tag->start, tag->size, &at, &mask) ||
        shape->hole_count == VMX_HOLES_MAX || (shape->busy & mask) != 0) {
        return "a bin has what is no hole";
    }
    shape->hole[shape->hole_count++] = (uint8_t)at;
    return NULL;
}

/* The holes in the order of the bins: it decides what instant fit takes. */
static const char *
read_bins(const struct vmem_arena *arena, const struct vmx_world *world, struct vmx_shape *shape)
{
    const char *broken = NULL;

    /* The first word's classes are those of up to 31 quanta, and more. */
    for (uint64_t left = arena->bins.map[0]; left != 0; left &= left - 1) {
        const struct vmi_bin *bin = &arena->bins.bin[vmi_lowest_bit(left)];
        for (unsigned i = 0; i < VMI_FRONT && bin->front[i] != 0 && broken == NULL; i++) {
            broken = read_hole(arena, world, bin->front[i], shape);
        }
        for (uint32_t i = bin->overflow; i != 0 && broken == NULL; i = vmi_tag(arena, i)->extra) {
            broken = read_hole(arena, world, i, shape);
        }
    }
    if (broken == NULL && shape->hole_count != arena->hole_count) {
        return "the bins do not hold all holes";
    }
    return broken;
}

const char *
vmx_shape_read(
    const struct vmem_arena *arena, const struct vmx_world *world, struct vmx_shape *shape)
{
    const uint32_t root = arena->root;
    const char *broken = NULL;
    bool after_hole = false;
    unsigned tags = 0;

    *shape = (struct vmx_shape){ 0 };
    for (uint32_t i = vmi_tag_next(vmi_tag(arena, root)); i != root && broken == NULL;
         i = vmi_tag_next(vmi_tag(arena, i))) {
        broken = tags++ > 3 * VMX_QUANTA_MAX
            ? "the list of tags does not close"
            : read_tag(vmi_tag(arena, i), world, shape, &after_hole);
    }
    if (broken == NULL) {
        broken = read_bins(arena, world, shape);
    }
    /* The cursor is 0 at first, and wraps to 0 behind the highest address of all. */
    shape->cursor = arena->next_fit < world->base
        ? VMX_NOWHERE
        : (uint8_t)((arena->next_fit - world->base) >> world->quantum_log2);
    shape->by_address = (uint8_t)arena->by_address.state;
    shape->by_size = (uint8_t)arena->by_size.state;
    shape->kept = (uint8_t)arena->import_kept;
    return broken;
}

vmem_handle_t
vmx_handle_at(const struct vmem_arena *arena, const struct vmx_world *world, unsigned position)
{
    const vmem_addr_t addr = world->base + position * world->quantum;

    for (uint32_t i = vmi_tag_next(vmi_tag(arena, arena->root)); i != arena->root;
         i = vmi_tag_next(vmi_tag(arena, i))) {
        const struct vmi_tag *tag = vmi_tag(arena, i);
        if (vmi_tag_kind(tag) == VMI_KIND_BUSY && tag->start == addr) {
            return (vmem_handle_t)vmi_tag_payload(tag) << 32 | i;
        }
    }
    return 0;
}

uint64_t
vmx_tag_failures(const struct vmem_arena *arena)
{
    return arena->fails[VMEM_REASON_TAGS];
}

bool
vmx_has_garbage(const struct vmem_arena *arena)
{
    return arena->supply.garbage != NULL;
}

static uint8_t
at_most(uint64_t number, uint64_t most)
{
    return (uint8_t)(number < most ? number : most);
}

static unsigned
is_full(const struct vmi_slab *slab)
{
    struct vmi_slab copy = *slab;
    size_t bytes;

    return vmi_slab_dir_is_full(&copy, &bytes) ? 1 : 0;
}

void
vmx_supply_read(const struct vmem_arena *arena, struct vmx_shape *shape)
{
    const struct vmi_busy *busy = &arena->busy;
    const struct vmi_slab *tags = &arena->tags.slab;
    const uint64_t tags_at_hand = (uint64_t)arena->tags.spare_count + tags->free_count;

    shape->at_hand[0] = at_most(tags_at_hand,
        arena->source.arena != NULL || arena->source.import_fn != NULL ? VMI_TAGS_RESERVE
                                                                       : VMI_TAGS_PER_SPLIT);
    shape->at_hand[1] = arena->nodes.free_count >= NODES_ENOUGH ? 1 : 0;
    shape->at_hand[2] = (uint8_t)(vmi_log2((uint64_t)busy->table.mask + 1) << 1 |
        (vmi_busy_is_moving(busy) ? 1 : 0));
    shape->at_hand[3] = (uint8_t)is_full(tags);
}

size_t
vmx_metadata_bytes(const struct vmem_arena *arena)
{
    return arena->supply.bytes;
}

uint64_t
vmx_new_failures(const struct vmem_arena *arena, const struct vmx_part *before, uint64_t *tags)
{
    const struct vmem_arena *old = (const void *)before->storage.bytes;
    uint64_t all = 0;

    for (unsigned i = 0; i < VMEM_REASON_COUNT; i++) {
        all += arena->fails[i] - old->fails[i];
    }
    *tags = arena->fails[VMEM_REASON_TAGS] - old->fails[VMEM_REASON_TAGS];
    return all;
}
