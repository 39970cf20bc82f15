/*
 * test_model_places - the model's arithmetic, against trying every address.
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * Tiny ranges at 0, in the middle and at the top of the space; every align, phase, nocross, window
 * and size; what is expected comes from testing each address by the words of the specification.
 */
#include "model.h"
#include "vmt.h"

#include <errno.h>

/* True if the place obeys the constraints, said in the words of [C1]-[C3]. */
static bool
is_legal(const struct vmem_model_request *r, struct vmem_model_range range, vmem_addr_t at)
{
    vmem_addr_t last;

    if (r->size - 1 > VMEM_ADDR_MAX - at) {
        return false;
    }
    last = at + (r->size - 1);
    return at >= range.start && last <= range.last && at >= r->addr_min && last <= r->addr_max &&
        at % r->align == r->phase && (r->nocross == 0 || at / r->nocross == last / r->nocross);
}

static void
check_places(const struct vmem_model_request *r, struct vmem_model_range range)
{
    bool is_found = false;
    vmem_addr_t lowest = 0;
    vmem_addr_t highest = 0;
    vmem_addr_t at = range.start;
    vmem_addr_t have = 0;

    for (;; at++) {
        if (is_legal(r, range, at)) {
            lowest = is_found ? lowest : at;
            highest = at;
            is_found = true;
        }
        if (at == range.last) {
            break;
        }
    }
    CHECK(vmem_model_lowest(r, range, &have) == is_found);
    if (is_found) {
        CHECK_U64(have, ==, lowest);
    }
    CHECK(vmem_model_highest(r, range, &have) == is_found);
    if (is_found) {
        CHECK_U64(have, ==, highest);
    }
}

static void
check_all_of_range(const struct vmem_model *model, struct vmem_model_range range)
{
    struct vmem_model_request r;

    for (vmem_size_t size = 1; size <= 9; size++) {
        for (vmem_size_t align = 1; align <= 8; align *= 2) {
            for (vmem_size_t phase = 0; phase < align; phase++) {
                for (vmem_size_t nocross = 0; nocross <= 16;
                     nocross += nocross != 0 ? nocross : 4) {
                    if (vmem_model_request(
                            model, size, align, phase, nocross, 0, VMEM_ADDR_MAX, 0, &r) != 0) {
                        continue;
                    }
                    check_places(&r, range);
                    r.addr_min = range.start + (range.last - range.start) / 3;
                    check_places(&r, range);
                    r.addr_max = range.last - (range.last - range.start) / 4;
                    check_places(&r, range);
                    r.addr_min = 0;
                    check_places(&r, range);
                }
            }
        }
    }
}

static void
test_places_are_the_lowest_and_highest_legal_ones(void)
{
    static const vmem_addr_t starts[] = { 0, 1, 3, 1000, VMEM_ADDR_MAX / 2 - 7, VMEM_ADDR_MAX - 20,
        VMEM_ADDR_MAX - 3, VMEM_ADDR_MAX };
    struct vmem_model model;

    CHECK_U64(vmem_model_init(&model, 1, 0, 0), ==, 0);
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        for (vmem_size_t span = 0; span <= 20; span += 5) {
            if (span <= VMEM_ADDR_MAX - starts[i]) {
                check_all_of_range(
                    &model, (struct vmem_model_range){ starts[i], starts[i] + span });
            }
        }
    }
    vmem_model_fini(&model);
}

/* An arena of at most 16 units in which each unit can be looked at. */
static vmem_size_t
hole_size(const struct vmem_model *model, vmem_addr_t at, vmem_addr_t *start)
{
    const struct vmem_model_range *hole = vmem_model_hole(model, at, at);

    *start = hole->start;
    return hole->last - hole->start + 1;
}

/* The choice of a policy, found by trying every address of [first, last]. */
static bool
choose_by_trying(const struct vmem_model *model, const struct vmem_model_request *r,
    vmem_addr_t first, vmem_addr_t last, vmem_addr_t *place)
{
    vmem_addr_t chosen = 0; /* a place in the chosen hole */
    vmem_size_t best = 0;
    bool is_found = false;

    for (vmem_addr_t n = 0; n <= last - first; n++) {
        const vmem_addr_t at = first + n;
        vmem_addr_t start;
        vmem_size_t size;

        if (!vmem_model_is_legal(model, r, at)) {
            continue;
        }
        size = hole_size(model, at, &start);
        if (!is_found || (r->policy == VMEM_BESTFIT && size < best) ||
            (r->policy == VMEM_FIRSTFIT && r->high) ||
            (r->policy == VMEM_NEXTFIT && chosen < model->cursor && at >= model->cursor)) {
            chosen = at;
            best = size;
        }
        is_found = true;
    }
    if (is_found && r->high) {
        const struct vmem_model_range *hole = vmem_model_hole(model, chosen, chosen);

        for (vmem_addr_t at = chosen; at >= hole->start && at <= hole->last; at++) {
            chosen = vmem_model_is_legal(model, r, at) ? at : chosen;
        }
    }
    *place = chosen;
    return is_found;
}

static void
check_choice(const struct vmem_model *model, const struct vmem_model_request *r, vmem_addr_t first,
    vmem_addr_t last)
{
    struct vmem_model_verdict verdict;
    vmem_addr_t want = 0;
    vmem_addr_t have = 0;
    bool is_dictated;
    const bool is_found = choose_by_trying(model, r, first, last, &want);

    CHECK_U64(vmem_model_choose(model, r, &have, &is_dictated), ==, is_found ? 0 : ENOMEM);
    if (is_found && r->policy != VMEM_INSTANTFIT) {
        CHECK_U64(have, ==, want);
        CHECK(is_dictated);
    }
    vmem_model_judge(model, r, ENOMEM, 0, &verdict);
    CHECK((verdict.rule == NULL) == !is_found);
    for (vmem_addr_t n = 0; n <= last - first; n++) {
        const bool is_right = r->policy == VMEM_INSTANTFIT
            ? vmem_model_is_legal(model, r, first + n)
            : first + n == want;

        vmem_model_judge(model, r, 0, first + n, &verdict);
        if (r->policy == VMEM_INSTANTFIT && r->high && is_right) {
            continue; /* of a hole, only its highest place is right */
        }
        CHECK((verdict.rule == NULL) == (is_found && is_right));
    }
}

static void
check_all_choices(struct vmem_model *model, vmem_addr_t first, vmem_addr_t last)
{
    struct vmem_model_request r;

    for (unsigned policy = VMEM_INSTANTFIT; policy <= VMEM_NEXTFIT; policy <<= 1) {
        for (unsigned high = 0; high <= VMEM_HIGH; high += VMEM_HIGH) {
            for (vmem_size_t size = 1; size <= 4; size++) {
                for (vmem_size_t align = 1; align <= 4; align *= 2) {
                    CHECK_U64(vmem_model_request(model, size, align, align / 2, 0, first + 2,
                                  VMEM_ADDR_MAX, policy | high, &r),
                        ==, 0);
                    check_choice(model, &r, first, last);
                    r.addr_min = 0;
                    check_choice(model, &r, first, last);
                }
            }
        }
    }
}

/* Fill the arena with units, then free those that `map` names. */
static void
carve(struct vmem_model *model, vmem_addr_t first, unsigned units, unsigned map)
{
    struct vmem_model_request r;

    CHECK_U64(vmem_model_add(model, first, units), ==, 0);
    for (unsigned i = 0; i < units; i++) {
        CHECK_U64(
            vmem_model_request(model, 1, 0, 0, 0, first + i, first + i, VMEM_NEXTFIT, &r), ==, 0);
        vmem_model_commit(model, &r, first + i);
    }
    for (unsigned i = 0; i < units; i++) {
        if ((map >> i & 1u) != 0) {
            vmem_model_free(model, first + i);
        }
    }
}

static void
test_choices_are_those_of_the_policies(void)
{
    static const vmem_addr_t firsts[] = { 0, 1001, VMEM_ADDR_MAX - 8 };

    for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++) {
        for (unsigned map = 0; map < 512; map += 3) {
            struct vmem_model model;

            CHECK_U64(vmem_model_init(&model, 1, 0, 0), ==, 0);
            carve(&model, firsts[i], 9, map);
            for (vmem_addr_t cursor = 0; cursor < 10; cursor += 3) {
                model.cursor = firsts[i] + cursor;
                model.cursor_fed = model.cursor;
                check_all_choices(&model, firsts[i], firsts[i] + 8);
            }
            vmem_model_fini(&model);
            if (vmt_failed()) {
                return;
            }
        }
    }
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_places_are_the_lowest_and_highest_legal_ones),
    VMT_TEST(test_choices_are_those_of_the_policies),
};
VMT_SUITE(tests);
