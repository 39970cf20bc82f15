/*
 * test_check - vmem_check() itself: break each invariant on purpose, and see it named. [S15]
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * Each case makes an arena, writes one wrong value into its private parts, asks vmem_check(), puts the
 * value back and asks again.  The sentence must begin with the number of the invariant that was broken.
 *
 *      header  busy 0x10+0x10  hole 0x20+0x10  busy 0x30+0x20  hole 0x50+0xb0     header  hole
 *      (span 0x10-0xff)                                                           (span 0x1000-0x10ff)
 */
#include "vmt.h"
#include "vmt_fault.h"
#include "vmt_picture.h"

#include "engine/arena.h"

#include <errno.h>
#include <string.h>

/* The example's tags, in the order of the list. */
enum part {
    ROOT,
    HEADER,
    BUSY_LOW,
    HOLE_LOW,
    BUSY_HIGH,
    HOLE_HIGH,
    HEADER_FAR,
    HOLE_FAR,
    PART_COUNT
};

struct example {
    struct vmem_arena *arena;
    uint32_t index[PART_COUNT];
    struct vmi_tag *tag[PART_COUNT];
};

/* With both indexes complete: FIRSTFIT and BESTFIT want them once there are many holes. */
static void
grow_indexes(struct vmem_arena *arena)
{
    enum { MANY = 64 };
    vmem_addr_t addrs[MANY];
    vmem_addr_t addr = 0;

    for (unsigned i = 0; i < MANY; i++) {
        CHECK_U64(vmem_alloc(arena, 1, VMEM_FIRSTFIT, &addrs[i]), ==, 0);
    }
    for (unsigned i = 0; i < MANY; i += 2) {
        vmem_free(arena, addrs[i], 1);
    }
    CHECK_U64(vmem_alloc(arena, 2, VMEM_FIRSTFIT, &addr), ==, 0);
    vmem_free(arena, addr, 2);
    CHECK_U64(vmem_alloc(arena, 2, VMEM_BESTFIT, &addr), ==, 0);
    vmem_free(arena, addr, 2);
    for (unsigned i = 1; i < MANY; i += 2) {
        vmem_free(arena, addrs[i], 1);
    }
}

static bool
make(struct example *e)
{
    vmem_addr_t addr = 0;
    uint32_t index;

    *e = (struct example){ .arena = NULL };
    CHECK_U64(vmem_create("broken", 0x10, 0xf0, 1, 0, 0, &e->arena), ==, 0);
    CHECK_U64(vmem_add(e->arena, 0x1000, 0x100, 0), ==, 0);
    grow_indexes(e->arena);
    CHECK_U64(vmem_xalloc(e->arena, 0x10, 0, 0, 0, 0x10, 0x1f, 0, &addr), ==, 0);
    CHECK_U64(vmem_xalloc(e->arena, 0x20, 0, 0, 0, 0x30, 0x4f, 0, &addr), ==, 0);
    index = e->arena->root;
    for (unsigned i = 0; i < PART_COUNT; i++) {
        e->index[i] = index;
        e->tag[i] = vmi_tag(e->arena, index);
        index = vmi_tag_next(e->tag[i]);
    }
    CHECK_U64(index, ==, e->arena->root);
    CHECK_U64(e->arena->by_address.state, ==, VMI_INDEX_READY);
    CHECK_U64(e->arena->by_size.state, ==, VMI_INDEX_READY);
    CHECK_INTACT(e->arena);
    return !vmt_failed();
}

static void
unmake(const struct example *e)
{
    CHECK_INTACT(e->arena);
    vmem_free(e->arena, 0x10, 0x10);
    vmem_free(e->arena, 0x30, 0x20);
    CHECK_INTACT(e->arena);
    CHECK_U64(vmem_destroy(e->arena), ==, 0);
}

static void
judge(struct vmem_arena *arena, const char *invariant, const char *file, int line)
{
    struct vmem_violation violation = { .invariant = "(holds)" };
    const bool holds = vmem_check(arena, &violation);
    char number[8] = { 0 };

    for (unsigned i = 0;
         i < sizeof number - 1 && violation.invariant[i] != ':' && violation.invariant[i] != '\0';
         i++) {
        number[i] = violation.invariant[i];
    }
    (void)vmt_check(!holds, file, line, "the violation is found");
    (void)vmt_check_str(number, invariant, file, line, "the number of the invariant");
}

/* With `place` set to `value`, the invariant is reported; then it is put back. */
#define BREAK(e, place, value, invariant) \
    do { \
        __typeof__(place) kept = (place); \
        (place) = (__typeof__(place))(value); \
        judge((e).arena, (invariant), __FILE__, __LINE__); \
        (place) = kept; \
        CHECK_INTACT((e).arena); \
    } while (0)

static void
test_i1_links(void)
{
    struct example e;

    CHECK_OR_RETURN(make(&e));
    BREAK(e, e.tag[BUSY_LOW]->prev, e.index[BUSY_HIGH], "I1");
    BREAK(e, e.tag[BUSY_HIGH]->prev, e.index[HOLE_HIGH], "I1");
    BREAK(e, e.tag[BUSY_LOW]->next, e.tag[BUSY_LOW]->next & ~VMI_LINK_HOLE, "I1");
    BREAK(e, e.tag[BUSY_HIGH]->prev, e.tag[BUSY_HIGH]->prev & ~VMI_LINK_HOLE, "I1");
    BREAK(e, e.tag[HOLE_LOW]->next, e.tag[HOLE_LOW]->next | VMI_LINK_HOLE, "I1");
    BREAK(e, e.tag[HOLE_LOW]->next, 0, "I1");
    BREAK(e, e.tag[HOLE_LOW]->next, VMI_LINK_INDEX, "I1");
    BREAK(e, e.tag[HEADER]->prev, VMI_LINK_INDEX, "I1");
    unmake(&e);
}

static void
test_i2_bounds(void)
{
    struct example e;
    struct vmem_arena *coarse = NULL;
    struct vmi_tag *header;
    uint32_t index;

    CHECK_OR_RETURN(make(&e));
    BREAK(e, e.tag[HEADER_FAR]->size, 0, "I2");
    BREAK(e, e.tag[HEADER_FAR]->start, VMEM_ADDR_MAX, "I2");
    BREAK(e, e.tag[BUSY_HIGH]->size, 0, "I2");
    unmake(&e);
    CHECK_OR_RETURN(vmem_create("coarse", 0, 4096, 16, 0, 0, &coarse) == 0);
    index = vmi_tag_next(vmi_tag(coarse, coarse->root));
    header = vmi_tag(coarse, index);
    header->size += 8;
    judge(coarse, "I2", __FILE__, __LINE__);
    header->size -= 8;
    CHECK_U64(vmem_destroy(coarse), ==, 0);
}

static void
test_i3_segments_fill_their_span(void)
{
    struct example e;

    CHECK_OR_RETURN(make(&e));
    BREAK(e, e.tag[BUSY_HIGH]->size, 0x1f, "I3");
    BREAK(e, e.tag[BUSY_HIGH]->size, 0x21, "I3");
    BREAK(e, e.tag[BUSY_HIGH]->size, VMEM_SIZE_MAX - 0x30, "I3");
    unmake(&e);
}

/* Two holes that touch: an allocation becomes one without merging, in every book but its own. */
static void
test_i4_holes_never_touch(void)
{
    struct example e;
    vmem_handle_t handle = 0;
    vmem_addr_t addr = 0;
    uint32_t own;
    struct vmi_tag *tag;
    struct vmi_tag *after;

    CHECK_OR_RETURN(make(&e));
    CHECK_U64(
        vmem_alloc_handle(e.arena, 0xb0,
            &(struct vmem_constraint){ .addr_min = 0x50, .addr_max = 0xff }, 0, &addr, &handle),
        ==, 0);
    tag = vmi_tag(e.arena, (uint32_t)handle);
    after = vmi_tag(e.arena, vmi_tag_next(tag));
    CHECK_OR_RETURN(tag->start == 0x50);
    vmem_free(e.arena, 0x30, 0x20); /* below it is a hole now */
    own = tag->own;
    tag->own = vmi_tag_own(VMI_KIND_HOLE, 0);
    vmi_tag(e.arena, vmi_tag_prev(tag))->next |= VMI_LINK_HOLE;
    after->prev |= VMI_LINK_HOLE;
    judge(e.arena, "I4", __FILE__, __LINE__);
    tag->own = own;
    vmi_tag(e.arena, vmi_tag_prev(tag))->next &= VMI_LINK_INDEX;
    after->prev &= VMI_LINK_INDEX;
    CHECK_INTACT(e.arena);
    vmem_free_handle(e.arena, handle);
    vmem_free(e.arena, 0x10, 0x10);
    CHECK_U64(vmem_destroy(e.arena), ==, 0);
}

static void
test_i5_figures(void)
{
    struct example e;

    CHECK_OR_RETURN(make(&e));
    BREAK(e, e.arena->inuse, e.arena->inuse + 1, "I5");
    BREAK(e, e.arena->total, e.arena->total - 1, "I5");
    BREAK(e, e.arena->allocs, e.arena->allocs + 1, "I5");
    BREAK(e, e.arena->frees, e.arena->frees + 1, "I5");
    BREAK(e, e.arena->quarantine.size, 1, "I5");
    BREAK(e, e.arena->quarantine.count, 1, "I5");
    unmake(&e);
}

static void
test_i5_imported(void)
{
    struct vmem_arena *root = NULL;
    struct vmem_arena *child = NULL;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(vmem_create("root", 0, 4096, 16, 0, 0, &root) == 0);
    CHECK_OR_RETURN(vmem_create("child", 0, 0, 16, 0, 0, &child) == 0);
    CHECK_U64(vmem_import_from(child, root, 0), ==, 0);
    CHECK_U64(vmem_alloc(child, 16, 0, &addr), ==, 0);
    CHECK_INTACT(child);
    child->imported += 16;
    judge(child, "I5", __FILE__, __LINE__);
    child->imported -= 16;
    vmem_free(child, addr, 16);
    CHECK_U64(vmem_destroy(child), ==, 0);
    CHECK_U64(vmem_destroy(root), ==, 0);
}

static void
test_i6_the_bins_hold_the_holes(void)
{
    struct example e;

    CHECK_OR_RETURN(make(&e));
    BREAK(e, e.arena->hole_count, e.arena->hole_count - 1, "I6");
    unmake(&e);
}

static void
test_i7_the_busy_index_holds_the_allocations(void)
{
    struct example e;

    CHECK_OR_RETURN(make(&e));
    /* An allocation that has no handle says that it has one: it should not be in the index. */
    BREAK(e, e.tag[BUSY_LOW]->own, vmi_tag_own(VMI_KIND_BUSY, 99), "I7");
    unmake(&e);
}

static void
test_i7_an_allocation_that_is_missing(void)
{
    struct example e;
    vmem_handle_t handle = 0;
    vmem_addr_t addr = 0;
    struct vmi_tag *tag;

    CHECK_OR_RETURN(make(&e));
    CHECK_U64(vmem_alloc_handle(e.arena, 0x10, NULL, 0, &addr, &handle), ==, 0);
    tag = vmi_tag(e.arena, (uint32_t)handle);
    BREAK(e, tag->own, vmi_tag_own(VMI_KIND_BUSY, 0), "I7");
    vmem_free_handle(e.arena, handle);
    unmake(&e);
}

static void
test_i8_every_tag_is_in_the_list_or_spare(void)
{
    struct example e;

    CHECK_OR_RETURN(make(&e));
    CHECK_OR_RETURN(e.arena->tags.spare_count > 0);
    BREAK(e, e.arena->tags.spare_count, e.arena->tags.spare_count - 1, "I8");
    unmake(&e);
}

static void
test_i9_the_state_in_short(void)
{
    struct example e;
    struct vmem_arena *plain = NULL;

    CHECK_OR_RETURN(make(&e));
    BREAK(e, e.arena->is_indexed, false, "I9");
    BREAK(e, e.arena->allocs_plainly, false, "I9");
    BREAK(e, e.arena->frees_plainly, true, "I9");
    BREAK(e, e.arena->import_kept, 1, "I9");
    unmake(&e);
    CHECK_OR_RETURN(vmem_create("plain", 0, 4096, 16, 0, 0, &plain) == 0);
    CHECK(plain->allocs_plainly && plain->frees_plainly);
    CHECK_INTACT(plain);
    plain->frees_plainly = false;
    judge(plain, "I9", __FILE__, __LINE__);
    plain->frees_plainly = true;
    CHECK_U64(vmem_destroy(plain), ==, 0);
}

/* A span that is kept: one too few, one too many, and the short way that is closed by it. */
static void
test_i9_kept_spans(void)
{
    struct example e = { .arena = NULL };
    struct vmem_arena *root = NULL;
    vmem_addr_t addrs[2];

    CHECK_OR_RETURN(vmem_create("root", 0, 4096, 16, 0, 0, &root) == 0);
    CHECK_OR_RETURN(vmem_create("child", 0, 0, 16, 0, 0, &e.arena) == 0);
    CHECK_U64(vmem_import_from(e.arena, root, 0), ==, 0);
    vmem_set_import_keep(e.arena, 4);
    for (unsigned i = 0; i < 2; i++) {
        CHECK_U64(vmem_alloc(e.arena, 16, 0, &addrs[i]), ==, 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        vmem_free(e.arena, addrs[i], 16);
        CHECK_U64(e.arena->import_kept, ==, i + 1);
        CHECK_INTACT(e.arena);
        BREAK(e, e.arena->import_kept, i, "I9");
        BREAK(e, e.arena->import_kept, i + 2, "I9");
        BREAK(e, e.arena->allocs_plainly, true, "I9");
        BREAK(e, e.arena->frees_plainly, true, "I9");
    }
    CHECK_U64(vmem_destroy(e.arena), ==, 0);
    CHECK_U64(vmem_destroy(root), ==, 0);
}

static void
test_s2_spans(void)
{
    struct example e;

    CHECK_OR_RETURN(make(&e));
    /* A header that differs from its entry in the order of spans, and one that is out of order. */
    BREAK(e, e.tag[HEADER_FAR]->size, 0x101, "S2");
    BREAK(e, e.tag[HEADER_FAR]->start, 0x1001, "S2");
    BREAK(e, e.tag[HEADER_FAR]->start, 0x20, "S2");
    unmake(&e);
}

/* A hole that the index knows by another size: found as missing from it. */
static void
test_x1_the_indexes_hold_the_holes(void)
{
    struct example e;
    struct vmi_entry entry = { 0, 0, 0 };

    CHECK_OR_RETURN(make(&e));
    CHECK_U64(e.arena->by_address.order.count, ==, 3);
    CHECK(vmi_order_seek(&e.arena->by_address.order, 0x20, 0, 0, &entry));
    CHECK_U64(entry.tag, ==, e.index[HOLE_LOW]);
    vmi_order_update(&e.arena->by_address.order, 0x20, 0x20, 0x10, e.index[HOLE_HIGH]);
    judge(e.arena, "X1", __FILE__, __LINE__);
    vmi_order_update(&e.arena->by_address.order, 0x20, 0x20, 0x10, e.index[HOLE_LOW]);
    CHECK_INTACT(e.arena);
    vmi_order_remove(&e.arena->by_size.order, 0x10, 0x20);
    judge(e.arena, "X1", __FILE__, __LINE__);
    vmi_order_insert(&e.arena->by_size.order, 0x10, 0x20, e.index[HOLE_LOW]);
    unmake(&e);
}

static void
test_x1_the_indexes_hold_nothing_else(void)
{
    struct example e;

    CHECK_OR_RETURN(make(&e));
    vmi_order_insert(&e.arena->by_address.order, 0x30, 0x20, e.index[BUSY_HIGH]);
    judge(e.arena, "X1", __FILE__, __LINE__);
    vmi_order_remove(&e.arena->by_address.order, 0x30, 0x20);
    CHECK_INTACT(e.arena);
    vmi_order_insert(&e.arena->by_size.order, 0x20, 0x30, e.index[BUSY_HIGH]);
    judge(e.arena, "X1", __FILE__, __LINE__);
    vmi_order_remove(&e.arena->by_size.order, 0x20, 0x30);
    unmake(&e);
}

static bool
free_visited(void *arg, const struct vmem_segment *segment)
{
    vmem_free(arg, segment->start, segment->size);
    CHECK_INTACT(arg);
    return true;
}

static void
test_intact_arenas_of_every_kind_pass(void)
{
    static const unsigned flags[] = { 0, VMEM_NOLOCK, VMEM_INDEXED, VMEM_RANDOM,
        VMEM_BESTFIT | VMEM_INDEXED, VMEM_FIRSTFIT, VMEM_NEXTFIT };

    for (size_t f = 0; f < sizeof flags / sizeof flags[0]; f++) {
        struct vmem_arena *arena = NULL;
        vmem_addr_t addr = 0;

        vmt_context("flags", flags[f]);
        CHECK_OR_RETURN(vmem_create("intact", 0, 4096, 1, 0, flags[f], &arena) == 0);
        CHECK_INTACT(arena);
        for (unsigned i = 0; i < 300; i++) {
            CHECK_U64(vmem_alloc(arena, 1 + i % 8, 0, &addr), ==, 0);
            CHECK_INTACT(arena);
        }
        vmem_walk(arena, VMEM_ALLOC, free_visited, arena);
        CHECK_U64(vmem_size(arena, VMEM_MAXFREE), ==, 4096);
        CHECK_U64(vmem_destroy(arena), ==, 0);
    }
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_i1_links),
    VMT_TEST(test_i2_bounds),
    VMT_TEST(test_i3_segments_fill_their_span),
    VMT_TEST(test_i4_holes_never_touch),
    VMT_TEST(test_i5_figures),
    VMT_TEST(test_i5_imported),
    VMT_TEST(test_i6_the_bins_hold_the_holes),
    VMT_TEST(test_i7_the_busy_index_holds_the_allocations),
    VMT_TEST(test_i7_an_allocation_that_is_missing),
    VMT_TEST(test_i8_every_tag_is_in_the_list_or_spare),
    VMT_TEST(test_i9_the_state_in_short),
    VMT_TEST(test_i9_kept_spans),
    VMT_TEST(test_s2_spans),
    VMT_TEST(test_x1_the_indexes_hold_the_holes),
    VMT_TEST(test_x1_the_indexes_hold_nothing_else),
    VMT_TEST(test_intact_arenas_of_every_kind_pass),
};

VMT_SUITE(tests);
