/*
 * test_check - vmem_check() itself: break each invariant on purpose, and see it named. [S15]
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * Each case makes an arena, writes one wrong value into its private parts, asks vmem_check(), puts the
 * value back and asks again.  The sentence must be the one that is told, or, where only a number is told,
 * begin with that number.
 *
 *      header  busy 0x10+0x10  hole 0x20+0x10  busy 0x30+0x20  hole 0x50+0xb0     header  hole
 *      (span 0x10-0xff)                                                           (span 0x1000-0x10ff)
 */
#include "vmt.h"
#include "vmt_fault.h"
#include "vmt_picture.h"

#include "engine/index.h"
#include "engine/supply.h"

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

    (void)vmt_check(!holds, file, line, "the violation is found");
    if (strchr(invariant, ':') != NULL) {
        (void)vmt_check_str(violation.invariant, invariant, file, line, "the sentence");
        return;
    }
    for (unsigned i = 0;
         i < sizeof number - 1 && violation.invariant[i] != ':' && violation.invariant[i] != '\0';
         i++) {
        number[i] = violation.invariant[i];
    }
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

/* The same, and the report says where, and the offending value. */
#define BREAK_AT(e, place, value, sentence, where, offending) \
    do { \
        struct vmem_violation violation = { .addr = 0 }; \
        __typeof__(place) kept = (place); \
        (place) = (__typeof__(place))(value); \
        CHECK(!vmem_check((e).arena, &violation)); \
        CHECK_STR(violation.invariant, (sentence)); \
        CHECK_U64(violation.addr, ==, (where)); \
        CHECK_U64(violation.found, ==, (offending)); \
        (place) = kept; \
        CHECK_INTACT((e).arena); \
    } while (0)

static void
test_a_violation_says_where(void)
{
    static const char gap[] = "I3: segments fill their span without gap or overlap";
    const struct vmem_constraint at_0x50 = { .addr_min = 0x50, .addr_max = 0x5f };
    struct example e;
    vmem_handle_t handle = 0;
    vmem_addr_t addr = 0;

    CHECK_OR_RETURN(make(&e));
    BREAK_AT(e, e.tag[BUSY_LOW]->next, e.tag[BUSY_LOW]->next & ~VMI_LINK_HOLE,
        "I1: a link says truly whether its end is a hole", 0x10, 0x10);
    BREAK_AT(e, e.tag[BUSY_HIGH]->size, 0x1f, gap, 0x50, 0x4f);
    CHECK_U64(vmem_alloc_handle(e.arena, 0x10, &at_0x50, 0, &addr, &handle), ==, 0);
    BREAK_AT(e, vmi_tag(e.arena, (uint32_t)handle)->start, 0x51, gap, 0x51, 0x50);
    vmem_free_handle(e.arena, handle);
    BREAK_AT(e, e.arena->inuse, 0x31, "I5: inuse is the sum of the allocations", 0x31, 0x30);
    unmake(&e);
}

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
    BREAK(e, e.tag[HEADER]->prev, VMI_LINK_INDEX, "I1: the list links both ways");
    BREAK(e, e.tag[ROOT]->prev, VMI_LINK_INDEX, "I1: every link leads to a tag");
    unmake(&e);
}

/* [S15] Only a violation is written down. */
static void
test_what_holds_leaves_the_violation_alone(void)
{
    struct vmem_violation violation = { .invariant = "before", .addr = 7, .found = 8 };
    struct example e;

    CHECK_OR_RETURN(make(&e));
    CHECK(vmem_check(e.arena, &violation));
    CHECK_STR(violation.invariant, "before");
    CHECK_U64(violation.addr, ==, 7);
    CHECK_U64(violation.found, ==, 8);
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
    CHECK_OR_RETURN(vmem_create("at 0", 0, 64, 1, 0, 0, &coarse) == 0);
    index = vmi_tag_next(vmi_tag(coarse, coarse->root));
    header = vmi_tag(coarse, index);
    header->size = 0; /* no range wraps that begins at 0 */
    judge(coarse, "I2", __FILE__, __LINE__);
    header->size = 64;
    CHECK_U64(vmem_destroy(coarse), ==, 0);
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

/* A span that is larger, or smaller, than what its segments fill, and the order of spans says so too. */
static void
resize_span(struct example *e, enum part header, vmem_size_t size)
{
    e->tag[header]->size = size;
    vmi_order_update(
        &e->arena->spans, e->tag[header]->start, e->tag[header]->start, size, e->index[header]);
}

static void
test_i3_spans_are_filled_to_the_end(void)
{
    struct example e;

    CHECK_OR_RETURN(make(&e));
    resize_span(&e, HEADER, 0xf1); /* found at the next header */
    judge(e.arena, "I3: a span's segments fill it", __FILE__, __LINE__);
    resize_span(&e, HEADER, 0xf0);
    CHECK_INTACT(e.arena);
    resize_span(&e, HEADER_FAR, 0x101); /* found at the end of the list */
    judge(e.arena, "I3: a span's segments fill it", __FILE__, __LINE__);
    resize_span(&e, HEADER_FAR, 0x100);
    CHECK_INTACT(e.arena);
    resize_span(&e, HEADER, 0x40); /* up to 0x4f, and one hole too many */
    judge(e.arena, "I3: segments fill their span without gap or overlap", __FILE__, __LINE__);
    resize_span(&e, HEADER, 0xf0);
    unmake(&e);
}

static void
test_i3_what_fills_a_span(void)
{
    struct example e;

    CHECK_OR_RETURN(make(&e));
    BREAK(e, e.tag[BUSY_LOW]->own, vmi_tag_own(VMI_KIND_NONE, 0),
        "I3: only holes and busy segments fill a span");
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
    BREAK(e, e.arena->hole_count, e.arena->hole_count - 1, "I6: the bins hold exactly the holes");
    unmake(&e);
}

/* A hole that is in the bins, and counted, but in no list. */
static void
test_i5_a_hole_too_many(void)
{
    struct example e;
    uint32_t index;
    struct vmi_tag *tag;

    CHECK_OR_RETURN(make(&e));
    CHECK_OR_RETURN(e.arena->tags.spare_count > 0);
    index = e.arena->tags.spare[0];
    tag = vmi_tag(e.arena, index);
    tag->start = 0x8000;
    tag->size = 0x10;
    vmi_bins_insert(&e.arena->bins, &e.arena->tags, index, tag);
    e.arena->hole_count++;
    judge(e.arena, "I5: hole_count is the number of holes", __FILE__, __LINE__);
    e.arena->hole_count--;
    vmi_bins_remove(&e.arena->bins, &e.arena->tags, index, tag);
    tag->own = vmi_tag_own(VMI_KIND_NONE, 0);
    unmake(&e);
}

/* Each structure's own check is asked; and what it says is not lost to the next one's. */
static void
test_every_structure_is_checked(void)
{
    struct example e;
    struct vmi_bin *bin;

    CHECK_OR_RETURN(make(&e));
    bin = &e.arena->bins.bin[vmi_bins_class(&e.arena->bins, 0x10)];
    CHECK_OR_RETURN(bin->count != 0);
    BREAK(e, e.arena->tags.slab.free_count, e.arena->tags.slab.free_count + 1,
        "SL1: free_count is the sum over the chunks");
    BREAK(e, e.arena->nodes.free_count, e.arena->nodes.free_count + 1,
        "SL1: free_count is the sum over the chunks");
    BREAK(e, bin->start[0], bin->start[0] + 1, "B3");
    BREAK(e, e.arena->busy.count, e.arena->busy.count + 1, "H2: count is the number of entries");
    BREAK(e, e.arena->spans.count, e.arena->spans.count + 1, "O3: count counts the entries");
    BREAK(e, e.arena->by_address.order.count, e.arena->by_address.order.count + 1,
        "O3: count counts the entries");
    BREAK(e, e.arena->by_size.order.count, e.arena->by_size.order.count + 1,
        "O3: count counts the entries");
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
    BREAK(e, e.tag[HEADER_FAR]->start, 0x20, "S2: spans ascend and do not overlap");
    unmake(&e);
}

/* The order of spans lacks one, names another tag, knows another start or size, or has one too many. */
static void
test_s2_the_order_of_spans(void)
{
    static const char *const missing = "S2: every span is in the order of spans";
    struct example e;
    struct vmi_order *spans;

    CHECK_OR_RETURN(make(&e));
    spans = &e.arena->spans;
    vmi_order_remove(spans, 0x10, 0xf0);
    judge(e.arena, missing, __FILE__, __LINE__);
    vmi_order_insert(spans, 0x10, 0xf0, e.index[HEADER]);
    CHECK_INTACT(e.arena);
    vmi_order_update(spans, 0x1000, 0x1000, 0x100, e.index[HEADER]);
    judge(e.arena, missing, __FILE__, __LINE__);
    vmi_order_update(spans, 0x1000, 0xfff, 0x100, e.index[HEADER_FAR]);
    judge(e.arena, missing, __FILE__, __LINE__);
    vmi_order_update(spans, 0xfff, 0x1000, 0x101, e.index[HEADER_FAR]);
    judge(e.arena, missing, __FILE__, __LINE__);
    vmi_order_update(spans, 0x1000, 0x1000, 0x100, e.index[HEADER_FAR]);
    CHECK_INTACT(e.arena);
    vmi_order_insert(spans, 0x5000, 0x10, e.index[HEADER_FAR]);
    judge(e.arena, "S2: the order of spans holds nothing else", __FILE__, __LINE__);
    vmi_order_remove(spans, 0x5000, 0x10);
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

/* A hole that the index lacks, or knows by another tag, start or size. */
static void
test_x1_every_part_of_an_entry_counts(void)
{
    static const char *const by_address =
        "X1: the index by address holds the holes below its cursor";
    static const char *const by_size = "X1: the index by size holds the holes below its cursor";
    struct example e;
    struct vmi_order *order;

    CHECK_OR_RETURN(make(&e));
    order = &e.arena->by_address.order;
    vmi_order_remove(order, 0x1000, 0x100); /* there is none after it */
    judge(e.arena, by_address, __FILE__, __LINE__);
    vmi_order_insert(order, 0x1000, 0x100, e.index[HOLE_FAR]);
    CHECK_INTACT(e.arena);
    vmi_order_update(order, 0x1000, 0x1000, 0x100, e.index[HOLE_LOW]);
    judge(e.arena, by_address, __FILE__, __LINE__);
    vmi_order_update(order, 0x1000, 0x1001, 0x100, e.index[HOLE_FAR]);
    judge(e.arena, by_address, __FILE__, __LINE__);
    vmi_order_update(order, 0x1001, 0x1000, 0xff, e.index[HOLE_FAR]);
    judge(e.arena, by_address, __FILE__, __LINE__);
    vmi_order_update(order, 0x1000, 0x1000, 0x100, e.index[HOLE_FAR]);
    CHECK_INTACT(e.arena);
    order = &e.arena->by_size.order;
    vmi_order_remove(order, 0x10, 0x20);
    vmi_order_insert(order, 0x10, 0x21, e.index[HOLE_LOW]);
    judge(e.arena, by_size, __FILE__, __LINE__);
    vmi_order_remove(order, 0x10, 0x21);
    vmi_order_insert(order, 0x10, 0x20, e.index[HOLE_LOW]);
    unmake(&e);
}

/* An index that is off, or was loaded, has no cursor, whatever tag that stood on before. */
static void
test_x1_a_cursor_of_the_past_means_nothing(void)
{
    struct example e;

    CHECK_OR_RETURN(make(&e));
    for (unsigned i = 0; i < 2; i++) {
        struct vmi_index *index = i == 0 ? &e.arena->by_address : &e.arena->by_size;
        const uint32_t kept = index->cursor.tag;
        index->cursor.tag = e.index[BUSY_LOW];
        CHECK_INTACT(e.arena);
        CHECK(vmi_enter(e.arena));
        vmi_index_drop(e.arena, index);
        vmi_leave(e.arena);
        CHECK_INTACT(e.arena);
        CHECK(vmi_enter(e.arena));
        CHECK(vmi_index_build(e.arena, index));
        vmi_leave(e.arena);
        CHECK_U64(index->cursor.tag, ==, kept);
        CHECK_INTACT(e.arena);
    }
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
    VMT_TEST(test_a_violation_says_where),
    VMT_TEST(test_i1_links),
    VMT_TEST(test_what_holds_leaves_the_violation_alone),
    VMT_TEST(test_i2_bounds),
    VMT_TEST(test_i3_segments_fill_their_span),
    VMT_TEST(test_i3_spans_are_filled_to_the_end),
    VMT_TEST(test_i3_what_fills_a_span),
    VMT_TEST(test_i4_holes_never_touch),
    VMT_TEST(test_i5_figures),
    VMT_TEST(test_i5_imported),
    VMT_TEST(test_i6_the_bins_hold_the_holes),
    VMT_TEST(test_i5_a_hole_too_many),
    VMT_TEST(test_every_structure_is_checked),
    VMT_TEST(test_i7_the_busy_index_holds_the_allocations),
    VMT_TEST(test_i7_an_allocation_that_is_missing),
    VMT_TEST(test_i8_every_tag_is_in_the_list_or_spare),
    VMT_TEST(test_i9_the_state_in_short),
    VMT_TEST(test_i9_kept_spans),
    VMT_TEST(test_s2_spans),
    VMT_TEST(test_s2_the_order_of_spans),
    VMT_TEST(test_x1_the_indexes_hold_the_holes),
    VMT_TEST(test_x1_every_part_of_an_entry_counts),
    VMT_TEST(test_x1_a_cursor_of_the_past_means_nothing),
    VMT_TEST(test_x1_the_indexes_hold_nothing_else),
    VMT_TEST(test_intact_arenas_of_every_kind_pass),
};

VMT_SUITE(tests);
