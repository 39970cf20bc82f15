/*
 * test_clock - a clock that stands still and an entropy of 0: what the port may say. [T3]
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 * The linker sends the library's calls of vmi_port_time_ns() and vmi_port_entropy() here (-Wl,--wrap), so
 * that a test can say to the nanosecond when a time is over.
 */
#include "vmt.h"

#include "engine/arena.h"

enum { UNITS = 64, REST = 100 };

static uint64_t now;
static uint64_t entropy;

uint64_t __wrap_vmi_port_time_ns(void);
uint64_t __wrap_vmi_port_entropy(void);

uint64_t
__wrap_vmi_port_time_ns(void)
{
    return now;
}

uint64_t
__wrap_vmi_port_entropy(void)
{
    return entropy;
}

static struct vmem_arena *
create(struct vmem_options options)
{
    struct vmem_arena *arena = NULL;

    options.name = "clock";
    options.quantum = 1;
    options.size = UNITS;
    CHECK_U64(vmem_create_with(&options, &arena), ==, 0);
    return arena;
}

/* A range rests for so many nanoseconds, and not for one more; wherever the clock begins. */
static void
test_a_time_is_over_when_it_has_passed(void)
{
    const uint64_t begins[] = { 0, 1, 1000, UINT64_MAX - REST, UINT64_MAX };

    for (unsigned i = 0; i < sizeof begins / sizeof begins[0]; i++) {
        for (uint64_t passed = REST - 1; passed <= REST + 1; passed++) {
            struct vmem_arena *arena =
                create((struct vmem_options){ .quarantine_frees = 8, .quarantine_ns = REST });
            struct vmem_stats stats;
            vmem_addr_t addr = 0;
            vmt_context("nanoseconds", passed);
            CHECK_U64(vmem_alloc(arena, 1, VMEM_FIRSTFIT, &addr), ==, 0);
            CHECK_U64(vmem_alloc(arena, 1, VMEM_FIRSTFIT, &addr), ==, 0);
            now = begins[i];
            vmem_free(arena, 0, 1);
            now = begins[i] + passed;
            vmem_free(arena, 1, 1);
            vmem_stats(arena, &stats);
            CHECK_U64(stats.quarantined, ==, passed < REST ? 2 : 1);
            CHECK_U64(vmem_destroy(arena), ==, 0);
        }
    }
}

/* 0 is what a generator cannot leave, and what says that places are not random. */
static void
test_an_entropy_of_0_is_random_all_the_same(void)
{
    struct vmem_arena *arena;
    uint64_t seen = 0;
    unsigned rises = 0;
    vmem_addr_t before = 0;

    entropy = 0;
    arena = create((struct vmem_options){ .flags = VMEM_RANDOM });
    for (unsigned i = 0; i < UNITS; i++) {
        vmem_addr_t addr = UNITS;
        CHECK_U64(vmem_alloc(arena, 1, 0, &addr), ==, 0);
        CHECK_OR_RETURN(addr < UNITS && (seen >> addr & 1) == 0);
        seen |= (uint64_t)1 << addr;
        rises += addr > before;
        before = addr;
    }
    CHECK_U64(rises, <, UNITS * 3 / 4); /* about a half of them */
    for (vmem_addr_t addr = 0; addr < UNITS; addr++) {
        vmem_free(arena, addr, 1);
    }
    CHECK_U64(vmem_destroy(arena), ==, 0);
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_a_time_is_over_when_it_has_passed),
    VMT_TEST(test_an_entropy_of_0_is_random_all_the_same),
};

VMT_SUITE(tests);
