/*
 * test_slab_check - the slab's checker sees each broken field.    SPDX-License-Identifier: BSD-2-Clause
 *
 *    SL1  free_count is the sum of the free slots of all chunks.
 *    SL2  a chunk with a free slot is in the list of usable chunks, or empty and in that list.
 *    SL3  a chunk's used slots, free list and untouched slots make up all its slots.
 *    SL4  an entry of the directory is a chunk's, or in the list of free ones.
 *
 * One slab with a full, a partly used, an empty and an untouched chunk.  One field is broken, the
 * checker must name the invariant; the field is mended, and the checker must be content again.
 */
#include "unit.h"

enum { OBJECT_LOG2 = 9, SLOTS = 7 /* of a chunk of 4096 bytes */ };

struct fixture {
    struct vmi_slab slab;
    struct vmi_chunk *full;
    struct vmi_chunk *partly; /* 3 used, 2 in the free list, 2 untouched */
    struct vmi_chunk *empty;  /* 7 in the free list */
    struct vmi_chunk *fresh;
};

static struct vmi_chunk *
add_chunk(struct vmi_slab *slab)
{
    void *memory = vmt_zeroed(4096);

    vmi_slab_add_chunk(slab, memory, 4096);
    return memory;
}

/* The chunk that was added last is the one that slots are taken from. */
static void
set_up(struct fixture *f)
{
    uint32_t index[SLOTS];
    uint32_t kept[5];

    vmi_slab_init(&f->slab, OBJECT_LOG2);
    f->full = add_chunk(&f->slab);
    for (unsigned i = 0; i < SLOTS; i++) {
        index[i] = vmi_slab_take(&f->slab);
    }
    f->empty = add_chunk(&f->slab);
    for (unsigned i = 0; i < SLOTS; i++) {
        index[i] = vmi_slab_take(&f->slab);
    }
    for (unsigned i = 0; i < SLOTS; i++) {
        vmi_slab_give(&f->slab, index[i]);
    }
    f->partly = add_chunk(&f->slab);
    for (unsigned i = 0; i < 5; i++) {
        kept[i] = vmi_slab_take(&f->slab);
    }
    vmi_slab_give(&f->slab, kept[0]);
    vmi_slab_give(&f->slab, kept[3]);
    f->fresh = add_chunk(&f->slab);
    CHECK_U64(f->full->used_count, ==, SLOTS);
    CHECK_U64(f->partly->used_count, ==, 3);
    CHECK_U64(f->empty->used_count, ==, 0);
    CHECK_U64(f->fresh->used_count, ==, 0);
    CHECK_U64(f->slab.free_count, ==, 4 + SLOTS + SLOTS);
    CHECK_HOLDS(vmi_slab_check(&f->slab));
}

/* Break one field, look, mend it. */
#define BREAK(f, field, value, id) \
    do { \
        const __typeof__(field) old_ = (field); \
        (field) = (value); \
        CHECK_BREAKS(vmi_slab_check(&(f).slab), (id)); \
        (field) = old_; \
        CHECK_HOLDS(vmi_slab_check(&(f).slab)); \
    } while (0)

static void
test_a_wrong_free_count_is_noticed(void)
{
    struct fixture f;

    set_up(&f);
    BREAK(f, f.slab.free_count, f.slab.free_count + 1, "SL1");
    BREAK(f, f.slab.free_count, f.slab.free_count - 1, "SL1");
    BREAK(f, f.slab.free_count, 0, "SL1");
    vmt_slab_end(&f.slab);
}

static void
test_a_wrong_number_in_a_chunk_is_noticed(void)
{
    struct fixture f;
    struct vmi_chunk *chunks[4];

    set_up(&f);
    chunks[0] = f.full;
    chunks[1] = f.partly;
    chunks[2] = f.empty;
    chunks[3] = f.fresh;
    for (unsigned i = 0; i < 4; i++) {
        vmt_context("chunk", i);
        BREAK(f, chunks[i]->used_count, chunks[i]->used_count + 1, "SL3");
        BREAK(f, chunks[i]->used_count, chunks[i]->used_count - 1, "SL3");
        BREAK(f, chunks[i]->fresh, chunks[i]->fresh + 1, "SL3");
        BREAK(f, chunks[i]->fresh, chunks[i]->fresh - 1, "SL3");
        BREAK(f, chunks[i]->slot_first, chunks[i]->slot_first + 1, "SL3");
    }
    /* With an untouched slot more the sum is still right, but not the number of free ones. */
    BREAK(f, f.partly->slot_count, f.partly->slot_count + 1, "SL1");
    vmt_slab_end(&f.slab);
}

static void
test_a_broken_free_list_is_noticed(void)
{
    struct fixture f;
    uint32_t *first;
    uint32_t *second;

    set_up(&f);
    BREAK(f, f.partly->free_head, 0, "SL3");
    BREAK(f, f.empty->free_head, 0, "SL3");
    first = vmi_slab_at(&f.slab, f.partly->free_head, OBJECT_LOG2);
    second = vmi_slab_at(&f.slab, *first, OBJECT_LOG2);
    BREAK(f, *first, 0, "SL3");                    /* cut short */
    BREAK(f, f.partly->free_head, *first, "SL3");  /* one left out */
    BREAK(f, *second, f.partly->free_head, "SL3"); /* a circle */
    BREAK(f, *second, f.empty->free_head, "SL3");  /* into another chunk */
    vmt_slab_end(&f.slab);
}

static void
test_a_chunk_that_cannot_be_found_is_noticed(void)
{
    struct fixture f;

    set_up(&f);
    BREAK(f, f.partly->is_listed, false, "SL2");
    BREAK(f, f.full->is_listed, true, "SL2");
    vmt_slab_end(&f.slab);
}

/* The lists themselves, not what a chunk says about them. */
static void
test_a_broken_list_of_chunks_is_noticed(void)
{
    struct fixture f;

    set_up(&f);
    CHECK(f.slab.usable == f.fresh && f.fresh->next == f.partly && f.slab.empty == f.empty);
    BREAK(f, f.slab.usable, f.partly, "SL2"); /* the first one is lost */
    BREAK(f, f.fresh->next, NULL, "SL2");     /* the others are */
    BREAK(f, f.slab.usable, NULL, "SL2");
    BREAK(f, f.slab.empty, NULL, "SL2");
    BREAK(f, f.empty->next, f.full, "SL2");   /* one that is not empty */
    BREAK(f, f.partly->next, f.fresh, "SL2"); /* a circle */
    BREAK(f, f.empty->next, f.empty, "SL2");  /* a circle of empty ones */
    BREAK(f, f.slab.dir_count, 3, "SL2");     /* a listed chunk that nobody can name */
    vmt_slab_end(&f.slab);
}

static void
test_a_broken_list_of_free_entries_is_noticed(void)
{
    struct fixture f;
    size_t bytes;

    set_up(&f);
    (void)vmi_slab_take(&f.slab); /* from the fresh one: now there are two chunks' worth of slots */
    CHECK_OR_RETURN(f.slab.has_surplus);
    CHECK(vmi_slab_begin_to_detach(&f.slab));
    CHECK_HOLDS(vmi_slab_check(&f.slab));
    BREAK(f, f.slab.leaving, NULL, "SL4");
    vmt_port_put(vmi_slab_detach_part(&f.slab, 4096, &bytes), 4096);
    CHECK_U64(f.slab.dir_free, ==, 2); /* the entry of the one that was empty, + 1 */
    BREAK(f, f.slab.dir_free, 0, "SL4");
    BREAK(f, f.slab.dir_free, 1, "SL4");
    BREAK(f, f.slab.dir_free, 100, "SL4");
    BREAK(f, f.slab.dir_free, f.slab.dir_count + 1, "SL4");
    BREAK(f, f.slab.dir[1], 2 * 2, "SL4"); /* a circle */
    BREAK(f, f.slab.dir[1], 2 * 1, "SL4"); /* goes on to a chunk */
    vmt_slab_end(&f.slab);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_a_wrong_free_count_is_noticed),
    VMT_TEST(test_a_wrong_number_in_a_chunk_is_noticed),
    VMT_TEST(test_a_broken_free_list_is_noticed),
    VMT_TEST(test_a_chunk_that_cannot_be_found_is_noticed),
    VMT_TEST(test_a_broken_list_of_chunks_is_noticed),
    VMT_TEST(test_a_broken_list_of_free_entries_is_noticed),
};

VMT_SUITE(tests);
