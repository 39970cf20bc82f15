/*
 * test_slab_window - objects that are reached by one addition.    SPDX-License-Identifier: BSD-2-Clause
 *
 *  - With a window, chunk c is its c-th part, and object i lies at window + i * object size, which is
 *    also where the directory says that it lies.
 *  - A chunk is detached in parts, from its upper end; the part of the window is the next to be used when
 *    the last of them, the header's, is gone, and not before.
 *  - The directory outgrows the slab by moving into the window.
 *  - When the window is full, the directory takes over: what lies in the window stays where it is, new
 *    chunks come from elsewhere, and only those are put back at the end.
 */
#include "unit.h"

enum { OBJECT_LOG2 = 9, SLOTS_LOG2 = VMI_CHUNK_LOG2 - OBJECT_LOG2 };

#if VMI_PORT_HAS_WINDOW

static const size_t window_bytes = (size_t)1 << VMI_WINDOW_LOG2;

/* A slab with a window and `chunks` chunks in it. */
static unsigned char *
set_up(struct vmi_slab *slab, unsigned chunks)
{
    unsigned char *window = vmi_port_window_get(VMI_SLAB_WINDOW_BYTES);

    CHECK(window != NULL);
    vmi_slab_init(slab, OBJECT_LOG2);
    vmi_slab_set_window(slab, window);
    for (unsigned i = 0; i < chunks; i++) {
        vmi_slab_add_chunk(slab, vmi_slab_window_part(slab), vmi_slab_chunk_bytes(slab));
    }
    return window;
}

static void
put_nothing(void *arg, void *memory, size_t bytes)
{
    (void)memory;
    (void)bytes;
    ++*(unsigned *)arg;
}

static void
tear_down(struct vmi_slab *slab, void *window)
{
    unsigned puts = 0;

    vmi_slab_release(slab, put_nothing, &puts);
    CHECK_U64(puts, ==, 0);
    CHECK(slab->window == NULL);
    vmi_port_window_put(window, VMI_SLAB_WINDOW_BYTES);
}

static void
test_a_slab_without_a_window_has_no_part_of_it(void)
{
    struct vmi_slab slab;

    vmi_slab_init(&slab, OBJECT_LOG2);
    CHECK(vmi_slab_window_part(&slab) == NULL);
    CHECK(!vmi_slab_is_in_window(&slab, &slab));
    CHECK(!vmi_slab_is_in_window(&slab, NULL));
    vmt_slab_end(&slab);
}

static void
test_each_object_lies_where_its_index_says(void)
{
    struct vmi_slab slab;
    unsigned char *window = set_up(&slab, 6);
    char *const window_word = slab.window;

    CHECK(vmi_slab_window_part(&slab) == window + ((size_t)6 << VMI_CHUNK_LOG2));
    while (slab.free_count > 0) {
        const uint32_t index = vmi_slab_take(&slab);
        unsigned char *object = vmi_slab_at(&slab, index, OBJECT_LOG2);
        CHECK(object == window + ((size_t)index << OBJECT_LOG2));
        slab.window = NULL;
        CHECK(vmi_slab_at(&slab, index, OBJECT_LOG2) == object);
        slab.window = window_word;
        CHECK(vmi_slab_is_valid(&slab, index, OBJECT_LOG2));
        CHECK(vmi_slab_is_in_window(&slab, object));
    }
    CHECK_HOLDS(vmi_slab_check(&slab));
    tear_down(&slab, window);
}

static void
test_the_window_ends_where_it_ends(void)
{
    struct vmi_slab slab;
    unsigned char *window = set_up(&slab, 1);

    CHECK(vmi_slab_is_in_window(&slab, window));
    CHECK(vmi_slab_is_in_window(&slab, window + (window_bytes - 1)));
    CHECK(!vmi_slab_is_in_window(&slab, window + window_bytes));
    CHECK(!vmi_slab_is_in_window(&slab, window - 1));
    tear_down(&slab, window);
}

static void
test_the_part_of_a_detached_chunk_is_the_next(void)
{
    struct vmi_slab slab;
    unsigned char *window = set_up(&slab, 4); /* 7, 15, 31 and 63 objects */
    size_t bytes = 0;
    unsigned char *part;

    while (slab.free_count > 0) {
        (void)vmi_slab_take(&slab);
    }
    /* All of chunk 1, then so much of chunk 3 that as many slots again are free. */
    for (uint32_t slot = 1; slot <= 15; slot++) {
        CHECK(!slab.has_surplus);
        vmi_slab_give(&slab, 1u << SLOTS_LOG2 | slot);
    }
    for (uint32_t slot = 1; slot <= 15; slot++) {
        CHECK(!slab.has_surplus);
        vmi_slab_give(&slab, 3u << SLOTS_LOG2 | slot);
    }
    CHECK_OR_RETURN(slab.has_surplus);
    CHECK(vmi_slab_begin_to_detach(&slab));
    part = vmi_slab_detach_part(&slab, 4096, &bytes);
    CHECK(part == window + ((size_t)1 << VMI_CHUNK_LOG2) + 4096);
    CHECK_U64(bytes, ==, 4096);
    CHECK(vmi_slab_window_part(&slab) == window + ((size_t)4 << VMI_CHUNK_LOG2));
    CHECK(!vmi_slab_is_valid(&slab, 1u << SLOTS_LOG2 | 1, OBJECT_LOG2));
    CHECK(slab.has_surplus);
    CHECK_HOLDS(vmi_slab_check(&slab));
    vmi_port_window_drop(part, bytes);
    part = vmi_slab_detach_part(&slab, 4096, &bytes);
    CHECK(part == window + ((size_t)1 << VMI_CHUNK_LOG2));
    CHECK_U64(bytes, ==, 4096);
    CHECK(!slab.has_surplus);
    CHECK(vmi_slab_window_part(&slab) == part);
    CHECK_HOLDS(vmi_slab_check(&slab));
    vmi_port_window_drop(part, bytes);
    vmi_slab_add_chunk(&slab, part, 8192);
    CHECK(vmi_slab_window_part(&slab) == window + ((size_t)4 << VMI_CHUNK_LOG2));
    CHECK_HOLDS(vmi_slab_check(&slab));
    tear_down(&slab, window);
}

static void
test_the_directory_moves_into_the_window(void)
{
    struct vmi_slab slab;
    unsigned char *window = set_up(&slab, VMI_SLAB_DIR_INLINE);
    size_t bytes = 77;

    CHECK(slab.dir == slab.dir_inline);
    for (unsigned i = 0; i < 8; i++) {
        CHECK(!vmi_slab_dir_is_full(&slab, &bytes));
        vmi_slab_add_chunk(&slab, vmi_slab_window_part(&slab), vmi_slab_chunk_bytes(&slab));
    }
    CHECK((unsigned char *)slab.dir == window + window_bytes);
    CHECK_U64(slab.dir_capacity, ==, VMI_WINDOW_PARTS);
    CHECK(vmi_slab_chunk(&slab, 2) == (void *)(window + ((size_t)2 << VMI_CHUNK_LOG2)));
    CHECK_HOLDS(vmi_slab_check(&slab));
    tear_down(&slab, window);
}

/* That a window is full depends on the number of chunks alone, so the number is made up. */
static void
test_a_full_window_leaves_it_to_the_directory(void)
{
    struct vmi_slab slab;
    unsigned char *window = set_up(&slab, 2);
    const uint32_t parts = (uint32_t)1 << (VMI_WINDOW_LOG2 - VMI_CHUNK_LOG2);
    uint32_t inside = vmi_slab_take(&slab);
    unsigned char *object = vmi_slab_at(&slab, inside, OBJECT_LOG2);
    unsigned char *elsewhere = vmt_zeroed(8192);
    unsigned puts = 0;

    slab.chunk_count = slab.dir_count = parts - 1;
    CHECK(vmi_slab_window_part(&slab) == window + ((size_t)(parts - 1) << VMI_CHUNK_LOG2));
    slab.chunk_count = slab.dir_count = parts;
    CHECK(vmi_slab_window_part(&slab) == NULL);
    slab.chunk_count = slab.dir_count = 2;
    CHECK(vmi_slab_window_part(&slab) == NULL); /* for good */
    CHECK(vmi_slab_at(&slab, inside, OBJECT_LOG2) == object);
    CHECK(vmi_slab_is_in_window(&slab, object));
    vmi_slab_add_chunk(&slab, elsewhere, 8192);
    CHECK_U64(slab.usable->number, ==, 2);
    object = vmi_slab_at(&slab, vmi_slab_take(&slab), OBJECT_LOG2);
    CHECK(object > elsewhere && object < elsewhere + 8192);
    CHECK(!vmi_slab_is_in_window(&slab, object));
    CHECK_HOLDS(vmi_slab_check(&slab));
    vmi_slab_release(&slab, put_nothing, &puts);
    CHECK_U64(puts, ==, 1);
    vmt_port_put(elsewhere, 8192);
    vmi_port_window_put(window, VMI_SLAB_WINDOW_BYTES);
}

/* The directory in the window has room for the window's chunks; beyond, it is one that was obtained. */
static void
test_a_full_directory_of_the_window_is_replaced(void)
{
    const size_t twice = 2 * VMI_WINDOW_PARTS * sizeof(uintptr_t); /* as large as in the window */
    struct vmi_slab slab;
    unsigned char *window = set_up(&slab, VMI_SLAB_DIR_INLINE);
    void *first = vmi_slab_chunk(&slab, 0);
    uintptr_t *obtained[2];
    size_t bytes = 77;
    size_t old_bytes = 77;
    unsigned puts = 0;

    CHECK(!vmi_slab_dir_is_full(&slab, &bytes)); /* moves into the window */
    CHECK((unsigned char *)slab.dir == window + window_bytes);
    slab.dir_count = VMI_WINDOW_PARTS; /* made up */
    CHECK(vmi_slab_dir_is_full(&slab, &bytes));
    CHECK_U64(bytes, ==, twice);
    for (unsigned i = 0; i < 2; i++) {
        obtained[i] = vmt_zeroed(twice << i);
        CHECK_OR_RETURN(obtained[i] != NULL);
    }
    CHECK(vmi_slab_dir_replace(&slab, obtained[0], twice, &old_bytes) == NULL);
    CHECK_U64(old_bytes, ==, twice / 2);
    CHECK(slab.dir == obtained[0]);
    CHECK_U64(slab.dir_capacity, ==, 2 * VMI_WINDOW_PARTS);
    CHECK(vmi_slab_chunk(&slab, 0) == first);
    CHECK(!vmi_slab_dir_is_full(&slab, &bytes));
    CHECK(vmi_slab_dir_replace(&slab, obtained[1], 2 * twice, &old_bytes) == obtained[0]);
    CHECK_U64(old_bytes, ==, twice);
    slab.dir_count = VMI_SLAB_DIR_INLINE;
    CHECK_HOLDS(vmi_slab_check(&slab));
    vmi_slab_release(&slab, put_nothing, &puts);
    CHECK_U64(puts, ==, 1); /* the directory, and no chunk */
    vmt_port_put(obtained[0], twice);
    vmt_port_put(obtained[1], 2 * twice);
    vmi_port_window_put(window, VMI_SLAB_WINDOW_BYTES);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_a_slab_without_a_window_has_no_part_of_it),
    VMT_TEST(test_each_object_lies_where_its_index_says),
    VMT_TEST(test_the_window_ends_where_it_ends),
    VMT_TEST(test_the_part_of_a_detached_chunk_is_the_next),
    VMT_TEST(test_the_directory_moves_into_the_window),
    VMT_TEST(test_a_full_window_leaves_it_to_the_directory),
    VMT_TEST(test_a_full_directory_of_the_window_is_replaced),
};

#else

static void
test_a_port_without_windows_needs_none(void)
{
    vmt_skip("the port has no windows");
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_a_port_without_windows_needs_none),
};

#endif

VMT_SUITE(tests);
