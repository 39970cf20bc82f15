/*
 * test_tag - boundary tags and their supply.                      SPDX-License-Identifier: BSD-2-Clause
 *
 *  - A tag is 32 bytes; kind and payload share a word without touching each other; links carry an
 *    index and whether the neighbour is a hole.
 *  - The supply: a reserve of n tags lets n takes follow; tags are handed out once at a time; the
 *    youngest is taken first; a full stack of spares spills its *oldest* half into the chunks.
 *  - No tag is ever lost: spares, tags in use and free slots always add up.
 */
#include "structures/tag.h"
#include "unit.h"

static void
feed(struct vmi_tags *tags, uint32_t count)
{
    vmt_slab_feed(&tags->slab, count);
}

static void
test_kind_and_payload_share_a_word(void)
{
    static const enum vmi_kind kinds[] = { VMI_KIND_NONE, VMI_KIND_SPAN, VMI_KIND_HOLE,
        VMI_KIND_BUSY };
    static const uint32_t payloads[] = { 0, 1, 0x15555555, VMI_OWN_PAYLOAD };

    for (unsigned k = 0; k < 4; k++) {
        for (unsigned p = 0; p < 4; p++) {
            const struct vmi_tag tag = { .own = vmi_tag_own(kinds[k], payloads[p]) };
            CHECK_U64(vmi_tag_kind(&tag), ==, kinds[k]);
            CHECK_U64(vmi_tag_payload(&tag), ==, payloads[p]);
        }
    }
}

static void
test_a_link_is_an_index_and_a_bit(void)
{
    const struct vmi_tag tag = {
        .start = VMEM_ADDR_MAX - 9, .size = 10, .prev = 77 | VMI_LINK_HOLE, .next = 78
    };

    CHECK_U64(vmi_tag_prev(&tag), ==, 77);
    CHECK_U64(vmi_tag_next(&tag), ==, 78);
    CHECK_U64(vmi_tag_last(&tag), ==, VMEM_ADDR_MAX);
    CHECK_U64(VMI_LINK_HOLE ^ VMI_LINK_INDEX, ==, UINT32_MAX);
}

static void
test_linking_puts_a_tag_between_two_others(void)
{
    struct vmi_tags tags;
    uint32_t root;
    uint32_t a;
    uint32_t b;

    vmi_tags_init(&tags);
    feed(&tags, 3);
    CHECK_OR_RETURN(vmi_tags_reserve(&tags, 3));
    root = vmi_tag_take(&tags);
    a = vmi_tag_take(&tags);
    b = vmi_tag_take(&tags);
    vmi_tag_at(&tags, root)->prev = root;
    vmi_tag_at(&tags, root)->next = root;
    vmi_tag_link(&tags, b, root, root);
    vmi_tag_link(&tags, a, root, b);
    CHECK_U64(vmi_tag_at(&tags, root)->next, ==, a);
    CHECK_U64(vmi_tag_at(&tags, a)->next, ==, b);
    CHECK_U64(vmi_tag_at(&tags, b)->next, ==, root);
    CHECK_U64(vmi_tag_at(&tags, root)->prev, ==, b);
    CHECK_U64(vmi_tag_at(&tags, b)->prev, ==, a);
    CHECK_U64(vmi_tag_at(&tags, a)->prev, ==, root);
    vmt_slab_end(&tags.slab);
}

static void
test_an_index_can_be_a_tag_once_it_was_handed_out(void)
{
    struct vmi_tags tags;
    uint32_t index;

    vmi_tags_init(&tags);
    feed(&tags, 1);
    for (uint32_t i = 0; i < 4096; i++) {
        CHECK(!vmi_tag_can_be(&tags, i));
    }
    index = vmi_slab_take(&tags.slab);
    for (uint32_t i = 0; i < 4096; i++) {
        CHECK(vmi_tag_can_be(&tags, i) == (i == index));
    }
    CHECK(!vmi_tag_can_be(&tags, UINT32_MAX));
    vmt_slab_end(&tags.slab);
}

#if VMI_PORT_HAS_WINDOW
/* Memory appears wherever it is touched: zeros, a tag of no kind. */
static void
test_in_a_window_every_place_can_be_looked_at(void)
{
    const size_t bytes = (size_t)1 << VMI_WINDOW_LOG2;
    const uint32_t end = (uint32_t)1 << (VMI_WINDOW_LOG2 - VMI_TAG_LOG2);
    void *window = vmi_port_window_get(bytes);
    struct vmi_tags tags;

    CHECK_OR_RETURN(window != NULL);
    vmi_tags_init(&tags);
    vmi_slab_set_window(&tags.slab, window);
    vmi_slab_add_chunk(&tags.slab, vmi_slab_window_part(&tags.slab), 4096);
    CHECK(!vmi_tag_can_be(&tags, 0));
    CHECK(!vmi_tag_can_be(&tags, 1)); /* the header of the first chunk */
    CHECK(vmi_tag_can_be(&tags, 2));
    CHECK(vmi_tag_can_be(&tags, end - 1));
    CHECK(!vmi_tag_can_be(&tags, end));
    CHECK(!vmi_tag_can_be(&tags, UINT32_MAX));
    CHECK_U64(vmi_tag_kind(vmi_tag_at(&tags, 2)), ==, VMI_KIND_NONE);
    CHECK_U64(vmi_tag_kind(vmi_tag_at(&tags, end - 1)), ==, VMI_KIND_NONE);
    vmi_port_window_put(window, bytes);
}
#endif

static void
test_no_tag_is_reserved_where_there_is_no_memory(void)
{
    struct vmi_tags tags;

    vmi_tags_init(&tags);
    CHECK(vmi_tags_reserve(&tags, 0));
    CHECK(!vmi_tags_reserve(&tags, 1));
    feed(&tags, 1);
    while (tags.slab.free_count > 3) {
        (void)vmi_slab_take(&tags.slab);
    }
    CHECK(!vmi_tags_reserve(&tags, 4));
    CHECK_U64(tags.spare_count, ==, 3); /* what there was is at hand all the same */
    CHECK(vmi_tags_reserve(&tags, 3));
    vmt_slab_end(&tags.slab);
}

static void
test_the_youngest_spare_is_taken_first(void)
{
    struct vmi_tags tags;
    uint32_t a;
    uint32_t b;

    vmi_tags_init(&tags);
    feed(&tags, 64);
    CHECK_OR_RETURN(vmi_tags_reserve(&tags, 2));
    a = vmi_tag_take(&tags);
    b = vmi_tag_take(&tags);
    vmi_tag_at(&tags, a)->own = vmi_tag_own(VMI_KIND_BUSY, 5);
    vmi_tag_give(&tags, b);
    vmi_tag_give(&tags, a);
    CHECK_U64(vmi_tag_kind(vmi_tag_at(&tags, a)), ==, VMI_KIND_NONE);
    CHECK_U64(vmi_tag_take(&tags), ==, a);
    CHECK_U64(vmi_tag_take(&tags), ==, b);
    vmt_slab_end(&tags.slab);
}

static void
test_a_full_stack_spills_its_oldest_half(void)
{
    struct vmi_tags tags;
    uint32_t index[VMI_SPARES_MAX + 1];
    uint32_t free_count;

    vmi_tags_init(&tags);
    feed(&tags, 64);
    for (unsigned i = 0; i <= VMI_SPARES_MAX; i++) {
        CHECK_OR_RETURN(vmi_tags_reserve(&tags, 1));
        index[i] = vmi_tag_take(&tags);
    }
    vmi_tags_spill(&tags, 0);
    CHECK_U64(tags.spare_count, ==, 0);
    free_count = tags.slab.free_count;
    for (unsigned i = 0; i < VMI_SPARES_MAX; i++) {
        vmi_tag_give(&tags, index[i]);
        CHECK_U64(tags.spare_count, ==, i + 1);
    }
    CHECK_U64(tags.slab.free_count, ==, free_count);
    vmi_tag_give(&tags, index[VMI_SPARES_MAX]);
    CHECK_U64(tags.spare_count, ==, VMI_SPARES_MAX / 2 + 1);
    CHECK_U64(tags.slab.free_count, ==, free_count + VMI_SPARES_MAX / 2);
    for (unsigned i = VMI_SPARES_MAX; i >= VMI_SPARES_MAX / 2; i--) {
        CHECK_U64(vmi_tag_take(&tags), ==, index[i]);
    }
    CHECK_U64(tags.spare_count, ==, 0);
    CHECK_HOLDS(vmi_slab_check(&tags.slab));
    vmt_slab_end(&tags.slab);
}

static void
test_spilling_keeps_what_it_is_told_to(void)
{
    struct vmi_tags tags;
    uint32_t youngest;

    vmi_tags_init(&tags);
    feed(&tags, 64);
    CHECK_OR_RETURN(vmi_tags_reserve(&tags, 16));
    CHECK_U64(tags.spare_count, ==, 16);
    youngest = tags.spare[15];
    vmi_tags_spill(&tags, 20); /* more than there are: none goes */
    CHECK_U64(tags.spare_count, ==, 16);
    vmi_tags_spill(&tags, 5);
    CHECK_U64(tags.spare_count, ==, 5);
    CHECK_U64(vmi_tag_take(&tags), ==, youngest);
    vmt_slab_end(&tags.slab);
}

static void
test_random_takes_and_gives_lose_no_tag(void)
{
    enum { MANY = 3000 };
    struct vmt_rng rng = { .state = vmt_seed() };
    uint32_t *index = vmt_zeroed(MANY * sizeof index[0]);
    uint32_t count = 0;
    uint32_t total;
    struct vmi_tags tags;

    vmi_tags_init(&tags);
    feed(&tags, MANY + VMI_SPARES_MAX);
    total = tags.slab.free_count;
    for (uint64_t op = 0; op < vmt_ops(30000) && !vmt_failed(); op++) {
        const uint32_t burst = (uint32_t)vmt_rng_below(&rng, VMI_SPARES_MAX / 2 + 1);
        vmt_context("operation", op);
        if (vmt_rng_below(&rng, 2) == 0 && count + burst <= MANY) {
            CHECK_OR_RETURN(vmi_tags_reserve(&tags, burst));
            for (uint32_t i = 0; i < burst; i++) {
                index[count] = vmi_tag_take(&tags);
                CHECK(vmi_tag_can_be(&tags, index[count]));
                vmi_tag_at(&tags, index[count])->start = ~(uint64_t)index[count];
                vmi_tag_at(&tags, index[count])->own = vmi_tag_own(VMI_KIND_BUSY, 0);
                count++;
            }
        } else {
            for (uint32_t i = 0; i < burst && count > 0; i++) {
                const uint64_t which = vmt_rng_below(&rng, count);
                CHECK_U64(vmi_tag_at(&tags, index[which])->start, ==, ~(uint64_t)index[which]);
                CHECK_U64(vmi_tag_kind(vmi_tag_at(&tags, index[which])), ==, VMI_KIND_BUSY);
                vmi_tag_give(&tags, index[which]);
                index[which] = index[--count];
            }
        }
        CHECK_U64(count + tags.spare_count + tags.slab.free_count, ==, total);
        if (op % 256 == 0) {
            CHECK_HOLDS(vmi_slab_check(&tags.slab));
        }
    }
    vmt_slab_end(&tags.slab);
    vmt_port_put(index, MANY * sizeof index[0]);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_kind_and_payload_share_a_word),
    VMT_TEST(test_a_link_is_an_index_and_a_bit),
    VMT_TEST(test_linking_puts_a_tag_between_two_others),
    VMT_TEST(test_an_index_can_be_a_tag_once_it_was_handed_out),
#if VMI_PORT_HAS_WINDOW
    VMT_TEST(test_in_a_window_every_place_can_be_looked_at),
#endif
    VMT_TEST(test_no_tag_is_reserved_where_there_is_no_memory),
    VMT_TEST(test_the_youngest_spare_is_taken_first),
    VMT_TEST(test_a_full_stack_spills_its_oldest_half),
    VMT_TEST(test_spilling_keeps_what_it_is_told_to),
    VMT_TEST(test_random_takes_and_gives_lose_no_tag),
};

VMT_SUITE(tests);
