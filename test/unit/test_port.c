/*
 * test_port - the POSIX port, where the system refuses.           SPDX-License-Identifier: BSD-2-Clause
 *
 * The linker sends the system calls here (-Wl,--wrap).
 */
#include "vmi_port.h"
#include "vmt.h"

#include <sys/types.h>

int __wrap_madvise(void *memory, size_t bytes, int advice);
int __real_madvise(void *memory, size_t bytes, int advice);
ssize_t __wrap_getrandom(void *memory, size_t bytes, unsigned flags);
ssize_t __real_getrandom(void *memory, size_t bytes, unsigned flags);

static bool refuses;

int
__wrap_madvise(void *memory, size_t bytes, int advice)
{
    return refuses ? -1 : __real_madvise(memory, bytes, advice);
}

ssize_t
__wrap_getrandom(void *memory, size_t bytes, unsigned flags)
{
    return refuses ? -1 : __real_getrandom(memory, bytes, flags);
}

/* Whether the system takes the pages or not, they read as zero afterwards, and their neighbours do not. */
static void
test_a_dropped_part_reads_as_zero(void)
{
    enum { PART = 16384 };
    unsigned char *window = vmi_port_window_get((size_t)3 * PART);

    CHECK_OR_RETURN(window != NULL);
    for (unsigned round = 0; round < 2; round++) {
        refuses = round == 1;
        vmt_context("refuses", round);
        for (size_t i = 0; i < (size_t)3 * PART; i++) {
            window[i] = 0xa5;
        }
        vmi_port_window_drop(window + PART, PART);
        for (size_t i = 0; i < (size_t)3 * PART; i++) {
            if (window[i] != (i / PART == 1 ? 0 : 0xa5)) {
                FAIL("a byte is not what it should be");
                break;
            }
        }
        CHECK_U64(window[PART], ==, 0);
    }
    refuses = false;
    vmi_port_window_put(window, (size_t)3 * PART);
}

/* Without random numbers of the system, the time will have to do. */
static void
test_entropy_differs_from_call_to_call(void)
{
    for (unsigned round = 0; round < 2; round++) {
        const uint64_t before = vmi_port_time_ns();
        uint64_t first;
        refuses = round == 1;
        first = vmi_port_entropy();
        CHECK_U64(first, !=, vmi_port_entropy());
        if (refuses) {
            CHECK_U64(first, >=, before);
            CHECK_U64(first, <=, vmi_port_time_ns());
        }
    }
    refuses = false;
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_a_dropped_part_reads_as_zero),
    VMT_TEST(test_entropy_differs_from_call_to_call),
};

VMT_SUITE(tests);
