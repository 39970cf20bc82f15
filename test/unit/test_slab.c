/*
 * test_slab - small objects by 32-bit index: the life of chunks.  SPDX-License-Identifier: BSD-2-Clause
 *
 *  - Every index is handed out once at a time, is never 0, and names memory of its own inside of its
 *    chunk, behind the header: what is written there is still there when it is given back.
 *  - SL1 to SL3 hold after every step (vmi_slab_check()); slots are taken from usable chunks first, so
 *    that an empty one stays empty as long as it can.
 *  - An index is valid exactly if its chunk exists and its slot was handed out once.
 *  - A chunk can be detached only when it is empty and another one's worth of slots is free; its
 *    directory entry is used again.
 *  - The directory grows past its inline entries, with holes in it, and no index changes its object.
 */
#include "unit.h"

enum {
    OBJECT_LOG2 = 9, /* 512 bytes: large, so that a few objects make a chunk */
    SLOTS_LOG2 = VMI_CHUNK_LOG2 - OBJECT_LOG2, /* indices of a chunk */
    MANY = 8000                                /* objects: more than 8 chunks' worth */
};

#define LAST_SLOT ((1u << SLOTS_LOG2) - 1) /* in an index: the slot within its chunk */

/* Taken objects carry their index in the first and the last word. */
struct object {
    uint32_t first;
    unsigned char middle[(1 << OBJECT_LOG2) - 8];
    uint32_t last;
};

static struct object *
object_at(const struct vmi_slab *slab, uint32_t index)
{
    return vmi_slab_at(slab, index, OBJECT_LOG2);
}

static uint32_t
take_marked(struct vmi_slab *slab)
{
    const uint32_t index = vmi_slab_take(slab);
    struct object *object = object_at(slab, index);

    CHECK(index != 0);
    CHECK(vmi_slab_is_valid(slab, index, OBJECT_LOG2));
    object->first = index;
    object->last = ~index;
    return index;
}

static void
give_marked(struct vmi_slab *slab, uint32_t index)
{
    const struct object *object = object_at(slab, index);

    CHECK_U64(object->first, ==, index);
    CHECK_U64(object->last, ==, (uint32_t)~index);
    vmi_slab_give(slab, index);
}

static void
add_chunk(struct vmi_slab *slab, size_t bytes)
{
    vmi_slab_add_chunk(slab, vmt_zeroed(bytes), bytes);
}

static void
detach(struct vmi_slab *slab)
{
    size_t bytes = 0;

    CHECK_OR_RETURN(vmi_slab_begin_to_detach(slab));
    CHECK(slab->has_surplus && slab->leaving != NULL);
    CHECK_HOLDS(vmi_slab_check(slab));
    vmt_port_put(vmi_slab_detach_part(slab, 4096, &bytes), bytes);
}

/* The size that a slab with so many chunks wants the next one to have. */
static unsigned
chunk_log2(unsigned chunks)
{
    const unsigned log2 = VMI_CHUNK_FIRST_LOG2 + chunks;

    return log2 < VMI_CHUNK_LOG2 ? log2 : VMI_CHUNK_LOG2;
}

static void
test_a_new_slab_has_nothing(void)
{
    struct vmi_slab slab;
    size_t bytes = 77;

    vmi_slab_init(&slab, OBJECT_LOG2);
    CHECK_U64(slab.free_count, ==, 0);
    CHECK(!vmi_slab_is_valid(&slab, 0, OBJECT_LOG2));
    CHECK(!vmi_slab_is_valid(&slab, 1, OBJECT_LOG2));
    CHECK(!vmi_slab_is_valid(&slab, UINT32_MAX, OBJECT_LOG2));
    CHECK(!vmi_slab_begin_to_detach(&slab) && slab.leaving == NULL);
    CHECK(!vmi_slab_dir_is_full(&slab, &bytes) && bytes == 77);
    CHECK_HOLDS(vmi_slab_check(&slab));
    vmt_slab_end(&slab);
}

static void
test_chunks_double_up_to_the_largest(void)
{
    struct vmi_slab slab;

    vmi_slab_init(&slab, OBJECT_LOG2);
    for (unsigned i = 0; i < 8; i++) {
        const size_t bytes = vmi_slab_chunk_bytes(&slab);
        CHECK_U64(bytes, ==, (size_t)1 << chunk_log2(i));
        add_chunk(&slab, bytes);
    }
    vmt_slab_end(&slab);
}

/* For objects smaller than, as large as and larger than the header. */
static void
test_the_header_is_never_handed_out(void)
{
    for (unsigned object_log2 = 4; object_log2 <= 10; object_log2++) {
        const size_t bytes = 4096;
        unsigned char *memory = vmt_zeroed(bytes);
        const uint32_t header_slots =
            (uint32_t)((VMI_CHUNK_HEADER_BYTES + ((size_t)1 << object_log2) - 1) >> object_log2);
        const uint32_t slots = (uint32_t)(bytes >> object_log2) - header_slots;
        struct vmi_slab slab;
        vmt_context("object log2", object_log2);
        vmi_slab_init(&slab, object_log2);
        vmi_slab_add_chunk(&slab, memory, bytes);
        CHECK_U64(slab.free_count, ==, slots);
        for (uint32_t i = 0; i < slots; i++) {
            const uint32_t index = vmi_slab_take(&slab);
            const uintptr_t at = (uintptr_t)vmi_slab_at(&slab, index, object_log2);
            CHECK_U64(at, >=, (uintptr_t)memory + VMI_CHUNK_HEADER_BYTES);
            CHECK_U64(at + ((size_t)1 << object_log2), <=, (uintptr_t)memory + bytes);
            CHECK_U64(at, ==, (uintptr_t)memory + ((size_t)(header_slots + i) << object_log2));
        }
        CHECK_U64(slab.free_count, ==, 0);
        CHECK_HOLDS(vmi_slab_check(&slab));
        vmt_slab_end(&slab);
    }
}

static void
test_an_index_is_valid_once_it_was_handed_out(void)
{
    struct vmi_slab slab;
    uint32_t index[3];

    vmi_slab_init(&slab, OBJECT_LOG2);
    add_chunk(&slab, 4096); /* 8 slots, one of them the header's */
    add_chunk(&slab, 4096);
    for (uint32_t i = 0; i < 1024; i++) {
        CHECK(!vmi_slab_is_valid(&slab, i, OBJECT_LOG2));
    }
    for (unsigned i = 0; i < 3; i++) {
        index[i] = take_marked(&slab);
    }
    for (uint32_t i = 0; i < 8u << SLOTS_LOG2; i++) {
        const bool is_taken = i == index[0] || i == index[1] || i == index[2];
        CHECK(vmi_slab_is_valid(&slab, i, OBJECT_LOG2) == is_taken);
    }
    give_marked(&slab, index[1]);
    CHECK(vmi_slab_is_valid(&slab, index[1], OBJECT_LOG2)); /* it can still be looked at */
    /* Slots beyond a short chunk, and chunks that are not there. */
    CHECK(!vmi_slab_is_valid(&slab, (index[0] & ~LAST_SLOT) | 8, OBJECT_LOG2));
    CHECK(!vmi_slab_is_valid(&slab, (index[0] & ~LAST_SLOT) | LAST_SLOT, OBJECT_LOG2));
    CHECK(!vmi_slab_is_valid(&slab, 2u << SLOTS_LOG2 | 1, OBJECT_LOG2));
    CHECK(!vmi_slab_is_valid(&slab, UINT32_MAX, OBJECT_LOG2));
    vmt_slab_end(&slab);
}

static void
test_a_slot_given_back_is_the_next_one_taken(void)
{
    struct vmi_slab slab;
    uint32_t a;
    uint32_t b;

    vmi_slab_init(&slab, OBJECT_LOG2);
    add_chunk(&slab, 8192);
    (void)take_marked(&slab);
    a = take_marked(&slab);
    b = take_marked(&slab);
    give_marked(&slab, a);
    give_marked(&slab, b);
    CHECK_U64(vmi_slab_take(&slab), ==, b);
    CHECK_U64(vmi_slab_take(&slab), ==, a);
    CHECK_HOLDS(vmi_slab_check(&slab));
    vmt_slab_end(&slab);
}

static void
test_an_empty_chunk_is_used_last(void)
{
    struct vmi_slab slab;
    uint32_t index[15];
    uint32_t in_first = 0;

    vmi_slab_init(&slab, OBJECT_LOG2);
    add_chunk(&slab, 4096); /* 7 objects */
    add_chunk(&slab, 4096);
    for (unsigned i = 0; i < 14; i++) {
        index[i] = take_marked(&slab);
        in_first += index[i] >> SLOTS_LOG2 == 0 ? 1 : 0;
    }
    CHECK_U64(in_first, ==, 7);
    CHECK_U64(vmi_slab_used(&slab, 0), ==, 7);
    CHECK_U64(vmi_slab_used(&slab, 1), ==, 7);
    /* Chunk 1 becomes empty, then one slot of chunk 0 free: that one comes first. */
    for (unsigned i = 0; i < 14; i++) {
        if (index[i] >> SLOTS_LOG2 == 1) {
            give_marked(&slab, index[i]);
        } else {
            index[14] = index[i];
        }
    }
    CHECK_U64(vmi_slab_used(&slab, 1), ==, 0);
    CHECK(!slab.has_surplus);
    give_marked(&slab, index[14]);
    CHECK_HOLDS(vmi_slab_check(&slab));
    CHECK_U64(vmi_slab_take(&slab), ==, index[14]);
    CHECK_U64(vmi_slab_take(&slab) >> SLOTS_LOG2, ==, 1);
    CHECK_U64(vmi_slab_used(&slab, 1), ==, 1);
    CHECK_HOLDS(vmi_slab_check(&slab));
    CHECK_U64(vmi_slab_used(&slab, 7), ==, 0); /* there is no chunk 7 */
    vmt_slab_end(&slab);
}

static void
test_a_chunk_goes_when_two_are_free(void)
{
    struct vmi_slab slab;
    uint32_t index[21];

    vmi_slab_init(&slab, OBJECT_LOG2);
    for (unsigned i = 0; i < 3; i++) {
        add_chunk(&slab, 4096);
    }
    for (unsigned i = 0; i < 21; i++) {
        index[i] = take_marked(&slab);
    }
    CHECK_U64(slab.free_count, ==, 0);
    for (unsigned i = 0; i < 21; i++) {
        if (index[i] >> SLOTS_LOG2 == 1) {
            give_marked(&slab, index[i]);
        }
    }
    CHECK(!slab.has_surplus); /* one empty chunk, and no slots beside it */
    CHECK(!vmi_slab_begin_to_detach(&slab));
    for (unsigned i = 0, given = 0; i < 21; i++) {
        if (index[i] >> SLOTS_LOG2 != 1 && given < 7) {
            CHECK(!slab.has_surplus);
            give_marked(&slab, index[i]);
            given++;
        }
    }
    CHECK(slab.has_surplus);
    CHECK_U64(slab.free_count, ==, 14);
    detach(&slab);
    CHECK_U64(slab.free_count, ==, 7);
    CHECK_U64(slab.chunk_count, ==, 2);
    CHECK(!slab.has_surplus);
    CHECK(!vmi_slab_begin_to_detach(&slab));
    CHECK_HOLDS(vmi_slab_check(&slab));
    vmt_slab_end(&slab);
}

static void
put_and_count(void *arg, void *memory, size_t bytes)
{
    ++*(unsigned *)arg;
    vmt_port_put(memory, bytes);
}

static void
test_a_chunk_that_is_leaving_is_put_at_the_end(void)
{
    struct vmi_slab slab;
    unsigned puts = 0;

    vmi_slab_init(&slab, OBJECT_LOG2);
    add_chunk(&slab, 4096);
    vmi_slab_give(&slab, vmi_slab_take(&slab));
    add_chunk(&slab, 4096);
    (void)vmi_slab_take(&slab);
    slab.has_surplus = true; /* one slot early */
    CHECK(vmi_slab_begin_to_detach(&slab));
    CHECK_U64(slab.chunk_count, ==, 1);
    vmi_slab_release(&slab, put_and_count, &puts);
    CHECK_U64(puts, ==, 2);
}

static void
test_a_detached_chunk_leaves_an_entry_for_the_next(void)
{
    struct vmi_slab slab;
    uint32_t index[21];
    uint32_t hole = 0;

    vmi_slab_init(&slab, OBJECT_LOG2);
    for (unsigned i = 0; i < 3; i++) {
        add_chunk(&slab, 4096);
    }
    for (unsigned i = 0; i < 21; i++) {
        index[i] = take_marked(&slab);
    }
    for (unsigned i = 0; i < 21; i++) {
        if (index[i] >> SLOTS_LOG2 != 2) { /* first 0, then 1, or the other way round */
            give_marked(&slab, index[i]);
        }
    }
    detach(&slab);
    hole = vmi_slab_chunk(&slab, 0) == NULL ? 0 : 1;
    CHECK(vmi_slab_chunk(&slab, hole) == NULL);
    CHECK_U64(slab.dir_count, ==, 3); /* with a hole */
    CHECK(!vmi_slab_is_valid(&slab, hole << SLOTS_LOG2 | 1, OBJECT_LOG2));
    add_chunk(&slab, 4096);
    CHECK(vmi_slab_chunk(&slab, hole) != NULL);
    CHECK_U64(slab.dir_count, ==, 3);
    CHECK_HOLDS(vmi_slab_check(&slab));
    for (unsigned i = 0; i < 21; i++) {
        if (index[i] >> SLOTS_LOG2 == 2) {
            give_marked(&slab, index[i]);
        }
    }
    /* All are empty now; the entries of those that go are listed, the last one first. */
    while (slab.has_surplus) {
        detach(&slab);
        CHECK_HOLDS(vmi_slab_check(&slab));
        CHECK(vmi_slab_chunk(&slab, slab.dir_free - 1) == NULL);
    }
    CHECK_U64(slab.dir_count, ==, 3);
    vmt_slab_end(&slab);
}

static void
test_the_directory_grows_and_keeps_every_object(void)
{
    struct vmi_slab slab;
    uint32_t *index = vmt_zeroed(MANY * sizeof index[0]);
    unsigned growths = 0;

    vmi_slab_init(&slab, OBJECT_LOG2);
    for (unsigned i = 0; i < MANY; i++) {
        size_t bytes;
        if (slab.free_count == 0 && vmi_slab_dir_is_full(&slab, &bytes)) {
            CHECK_U64(slab.chunk_count, ==, slab.dir_capacity);
            CHECK_U64(bytes, ==, (size_t)2 * slab.dir_capacity * sizeof slab.dir[0]);
            growths++;
        }
        vmt_slab_feed(&slab, 1);
        index[i] = take_marked(&slab);
    }
    CHECK_U64(growths, >, 0);
    CHECK(slab.dir != slab.dir_inline);
    CHECK_U64(slab.chunk_count, >, VMI_SLAB_DIR_INLINE);
    CHECK_HOLDS(vmi_slab_check(&slab));
    for (unsigned i = 0; i < MANY; i++) {
        give_marked(&slab, index[i]);
    }
    CHECK_HOLDS(vmi_slab_check(&slab));
    while (slab.has_surplus) {
        detach(&slab);
    }
    /* What stays is less than the slots of two of the largest chunks. */
    CHECK_U64(slab.free_count, >, 0);
    CHECK_U64(slab.free_count, <, 2u << SLOTS_LOG2);
    CHECK_HOLDS(vmi_slab_check(&slab));
    vmt_slab_end(&slab);
    CHECK_U64(slab.chunk_count, ==, 0);
    CHECK_U64(slab.free_count, ==, 0);
    CHECK(slab.dir == slab.dir_inline);
    vmt_port_put(index, MANY * sizeof index[0]);
}

/* A directory is replaced twice: from inline to memory, and from memory to memory. */
static void
test_a_replaced_directory_comes_back_unless_it_was_inline(void)
{
    struct vmi_slab slab;
    uintptr_t *dir = vmt_zeroed(16 * sizeof dir[0]);
    uintptr_t *larger = vmt_zeroed(32 * sizeof dir[0]);
    uint32_t index;
    size_t bytes = 0;

    vmi_slab_init(&slab, OBJECT_LOG2);
    vmt_slab_feed(&slab, 1);
    index = take_marked(&slab);
    CHECK(vmi_slab_dir_replace(&slab, dir, 16 * sizeof dir[0], &bytes) == NULL);
    CHECK_U64(bytes, ==, VMI_SLAB_DIR_INLINE * sizeof dir[0]);
    CHECK_U64(slab.dir_capacity, ==, 16);
    CHECK(vmi_slab_dir_replace(&slab, larger, 32 * sizeof dir[0], &bytes) == dir);
    CHECK_U64(bytes, ==, 16 * sizeof dir[0]);
    CHECK_U64(slab.dir_capacity, ==, 32);
    vmt_port_put(dir, 16 * sizeof dir[0]);
    give_marked(&slab, index);
    vmt_slab_end(&slab);
}

/* What is out at the end of the arena comes back, each piece once. */
struct tally {
    size_t chunks, bytes;
};

static void
count_put(void *arg, void *memory, size_t bytes)
{
    struct tally *tally = arg;

    tally->chunks++;
    tally->bytes += bytes;
    vmt_port_put(memory, bytes);
}

static void
test_release_gives_back_every_chunk_and_the_directory(void)
{
    struct vmi_slab slab;
    struct tally tally = { 0, 0 };
    size_t bytes = 0;

    vmi_slab_init(&slab, OBJECT_LOG2);
    for (unsigned i = 0; i < 9; i++) {
        const uint32_t before = slab.free_count;
        vmt_slab_feed(&slab, before + 1);
    }
    for (unsigned i = 0; i < 9; i++) {
        bytes += (size_t)1 << (chunk_log2(i));
    }
    vmi_slab_release(&slab, count_put, &tally);
    CHECK_U64(tally.chunks, ==, 10);
    CHECK_U64(tally.bytes, ==, bytes + 16 * sizeof(uintptr_t));
}

static void
test_random_takes_and_gives_keep_the_invariants(void)
{
    struct vmt_rng rng = { .state = vmt_seed() };
    const uint64_t ops = vmt_ops(30000);
    uint32_t *index = vmt_zeroed(MANY * sizeof index[0]);
    uint32_t count = 0;
    struct vmi_slab slab;

    vmi_slab_init(&slab, OBJECT_LOG2);
    for (uint64_t op = 0; op < ops && !vmt_failed(); op++) {
        const bool is_growing = op / 5000 % 2 == 0;
        vmt_context("operation", op);
        if (count < MANY && vmt_rng_below(&rng, 10) < (is_growing ? 7 : 3)) {
            vmt_slab_feed(&slab, 1);
            index[count++] = take_marked(&slab);
        } else if (count > 0) {
            const uint64_t which = vmt_rng_below(&rng, count);
            give_marked(&slab, index[which]);
            index[which] = index[--count];
        }
        CHECK(!slab.has_surplus || slab.empty != NULL);
        if (slab.has_surplus && vmt_rng_below(&rng, 4) == 0) {
            detach(&slab);
        }
        if (op % 64 == 0) {
            uint64_t used = 0;
            CHECK_HOLDS(vmi_slab_check(&slab));
            for (uint32_t number = 0; number < slab.dir_count; number++) {
                used += vmi_slab_used(&slab, number);
            }
            CHECK_U64(used, ==, count);
        }
    }
    while (count > 0) {
        give_marked(&slab, index[--count]);
    }
    CHECK_HOLDS(vmi_slab_check(&slab));
    vmt_slab_end(&slab);
    vmt_port_put(index, MANY * sizeof index[0]);
}

/* A chunk of one slot is full, then empty, and never in the list of the usable ones between. */
static void
test_a_chunk_of_one_slot(void)
{
    struct vmi_slab slab;
    uint32_t index;

    vmi_slab_init(&slab, OBJECT_LOG2);
    add_chunk(&slab, (size_t)2 << OBJECT_LOG2);
    CHECK_U64(slab.free_count, ==, 1);
    CHECK(slab.usable != NULL && slab.empty == NULL);
    index = take_marked(&slab);
    CHECK(slab.usable == NULL && slab.empty == NULL);
    CHECK_HOLDS(vmi_slab_check(&slab));
    give_marked(&slab, index);
    CHECK(slab.usable == NULL && slab.empty != NULL);
    CHECK_U64(slab.free_count, ==, 1);
    CHECK_HOLDS(vmi_slab_check(&slab));
    CHECK_U64(take_marked(&slab), ==, index);
    CHECK(slab.usable == NULL && slab.empty == NULL);
    give_marked(&slab, index);
    CHECK_HOLDS(vmi_slab_check(&slab));
    vmt_slab_end(&slab);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_a_new_slab_has_nothing),
    VMT_TEST(test_chunks_double_up_to_the_largest),
    VMT_TEST(test_the_header_is_never_handed_out),
    VMT_TEST(test_an_index_is_valid_once_it_was_handed_out),
    VMT_TEST(test_a_slot_given_back_is_the_next_one_taken),
    VMT_TEST(test_an_empty_chunk_is_used_last),
    VMT_TEST(test_a_chunk_goes_when_two_are_free),
    VMT_TEST(test_a_chunk_that_is_leaving_is_put_at_the_end),
    VMT_TEST(test_a_detached_chunk_leaves_an_entry_for_the_next),
    VMT_TEST(test_the_directory_grows_and_keeps_every_object),
    VMT_TEST(test_a_replaced_directory_comes_back_unless_it_was_inline),
    VMT_TEST(test_release_gives_back_every_chunk_and_the_directory),
    VMT_TEST(test_random_takes_and_gives_keep_the_invariants),
    VMT_TEST(test_a_chunk_of_one_slot),
};

VMT_SUITE(tests);
