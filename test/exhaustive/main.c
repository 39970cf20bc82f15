/*
 * explore - every state of small arenas.                           SPDX-License-Identifier: BSD-2-Clause
 *
 *     explore [--quanta N] [--world NAME] [--full] [--progress] [--list]
 *
 * N is the size of the arenas, 8 unless given; those with a source or with handles have N - 2;
 * where callbacks fail, those with a source N - 4, and 2 at least.  For each
 * world a line for each policy, and one for all of it: the states, those from which all requests of the
 * policy were made, and the calls.  Last "N passed, N failed": a world passes if no call disagreed.
 */
#define _POSIX_C_SOURCE 200809L

#include "explore.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    QUANTA_DEFAULT = 8,
    QUANTA_MIN = 4,
    IMPORT_LESS = 2,
    FAULTY_LESS = 4,
    PLAIN_TAG_BYTES = 12288,
    SMALL_TAG_BYTES = 20480
};

/*
 * Which explorer is it?  See CMakeLists.txt.  Where every search goes by an index, tags take more memory;
 * where memory comes in small pieces, callbacks fail.
 */
#if defined(VMX_SMALL)
enum { IS_SMALL = true, IS_INDEXED = true, TAG_BYTES = 20480 };
#elif defined(VMX_INDEXED)
enum { IS_SMALL = false, IS_INDEXED = true, TAG_BYTES = VMX_TAG_BYTES };
#else
enum { IS_SMALL = false, IS_INDEXED = false, TAG_BYTES = 12288 };
#endif

/* The worlds, with as many quanta as asked for. */
static size_t
make_worlds(struct vmx_world *worlds, unsigned quanta)
{
    const uint8_t n = (uint8_t)quanta;
    const uint8_t m = (uint8_t)(quanta - IMPORT_LESS);
    const uint8_t k =
        !IS_SMALL ? m : (uint8_t)(quanta > FAULTY_LESS + 2 ? quanta - FAULTY_LESS : 2);
    const uint8_t low = (uint8_t)((quanta - 1) / 2);
    const uint8_t rest = (uint8_t)(quanta - 1 - low);
    const struct vmx_world all[] = {
        { .name = "zero",
            .base = 0,
            .quantum_log2 = 0,
            .quanta = n,
            .span = { { 0, n, true } },
            .span_count = 1 },
        { .name = "middle",
            .base = (UINT64_C(1) << 40) + 5 * 4096,
            .quantum_log2 = 12,
            .quanta = n,
            .span = { { 0, n, true } },
            .span_count = 1 },
        { .name = "top",
            .base = VMEM_ADDR_MAX - (n - 1u),
            .quantum_log2 = 0,
            .quanta = n,
            .span = { { 0, n, true } },
            .span_count = 1 },
        { .name = "spans",
            .base = 3 * 16,
            .quantum_log2 = 4,
            .quanta = n,
            .span = { { 0, low, true }, { (uint8_t)(low + 1), rest, false }, { low, 1, false } },
            .span_count = 3 },
        { .name = "handles",
            .base = 7,
            .quantum_log2 = 0,
            .quanta = m,
            .span = { { 0, m, true } },
            .span_count = 1,
            .has_handles = true,
            .is_brief = true },
        { .name = "import-1",
            .base = 0,
            .quantum_log2 = 0,
            .quanta = k,
            .span = { { 0, k, true } },
            .span_count = 1,
            .is_importing = true,
            .is_brief = true },
        { .name = "import-2",
            .base = 6,
            .quantum_log2 = 0,
            .quanta = k,
            .span = { { 0, k, true } },
            .span_count = 1,
            .is_importing = true,
            .is_brief = true,
            .import_log2 = 1 },
        { .name = "import-keep",
            .base = VMEM_ADDR_MAX - (k * 16u - 1),
            .quantum_log2 = 4,
            .quanta = k,
            .span = { { 0, k, true } },
            .span_count = 1,
            .is_importing = true,
            .is_brief = true,
            .import_log2 = 1,
            .import_keep = 1 },
        { .name = "import-fn",
            .base = 2,
            .quantum_log2 = 0,
            .quanta = k,
            .span = { { 0, k, true } },
            .span_count = 1,
            .is_importing = true,
            .has_function = true,
            .is_brief = true },
    };
    const size_t count = sizeof all / sizeof all[0] - (IS_SMALL ? 0 : 1);

    (void)memcpy(worlds, all, count * sizeof all[0]);
    for (size_t i = 0; i < count; i++) {
        worlds[i].quantum = (vmem_size_t)1 << worlds[i].quantum_log2;
        worlds[i].is_small = IS_SMALL;
        worlds[i].is_careful = !IS_SMALL && IS_INDEXED && worlds[i].is_importing;
        worlds[i].is_brief = worlds[i].is_brief || IS_SMALL;
        worlds[i].tag_bytes = TAG_BYTES;
    }
    return count;
}

enum { WORLDS_MAX = 16 };

static double
now_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static const char *const kinds[VMX_KINDS] = {
    [VMX_INSTANT] = "instant fit",
    [VMX_BEST] = "best fit",
    [VMX_FIRST] = "first fit",
    [VMX_NEXT] = "next fit",
    [VMX_OTHER] = "frees, adds",
};

/* Explore one world and print its lines.  True: no disagreement. */
static bool
run(const struct vmx_world *world, const struct vmx_options *options)
{
    const double begin = now_s();
    struct vmx_result result;
    uint64_t calls = 0;

    vmx_explore(world, options, &result);
    for (unsigned i = 0; i < VMX_KINDS; i++) {
        calls += result.by[i].calls;
        (void)printf("  %-12s %2u quanta  %-11s %9" PRIu64 " states", world->name, world->quanta,
            kinds[i], result.states);
        if (i != VMX_OTHER) {
            (void)printf(" %9" PRIu64 " searched", result.by[i].searched);
        } else {
            (void)printf("                   ");
        }
        (void)printf(" %12" PRIu64 " calls\n", result.by[i].calls);
    }
    (void)printf("%-14s %2u quanta  %-11s %9" PRIu64 " states                    %12" PRIu64
                 " calls %" PRIu64 " disagreements",
        world->name, world->quanta, "all", result.states, calls, result.disagreements);
    if (options->has_faults) {
        (void)printf(", %" PRIu64 " calls with a failing callback", result.faults);
    }
    if (result.open_refusals != 0) {
        (void)printf(", %" PRIu64 " open refusals", result.open_refusals);
    }
    (void)printf("  (%.1f s)\n", now_s() - begin);
    (void)fflush(stdout);
    return result.disagreements == 0;
}

static void
usage(const char *program)
{
    (void)fprintf(
        stderr, "usage: %s [--quanta N] [--world NAME] [--full] [--progress] [--list]\n", program);
    exit(2);
}

int
main(int argc, char **argv)
{
    struct vmx_world worlds[WORLDS_MAX];
    struct vmx_options options = { .has_faults = IS_SMALL };
    const char *only = NULL;
    unsigned long quanta = QUANTA_DEFAULT;
    unsigned passed = 0;
    unsigned failed = 0;
    bool list = false;
    size_t count;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--list") == 0) {
            list = true;
        } else if (strcmp(argv[i], "--full") == 0) {
            options.is_full = true;
        } else if (strcmp(argv[i], "--progress") == 0) {
            options.shows_progress = true;
        } else if (i + 1 < argc && strcmp(argv[i], "--world") == 0) {
            only = argv[++i];
        } else if (i + 1 < argc && strcmp(argv[i], "--quanta") == 0) {
            quanta = strtoul(argv[++i], NULL, 10);
        } else {
            usage(argv[0]);
        }
    }
    if (quanta < QUANTA_MIN || quanta > VMX_QUANTA_MAX) {
        usage(argv[0]);
    }
    count = make_worlds(worlds, (unsigned)quanta);
    for (size_t i = 0; i < count; i++) {
        if (list) {
            (void)printf("%s\n", worlds[i].name);
        } else if (only == NULL || strcmp(only, worlds[i].name) == 0) {
            const bool is_good = run(&worlds[i], &options);
            passed += is_good ? 1 : 0;
            failed += is_good ? 0 : 1;
        }
    }
    if (!list) {
        (void)printf("%u passed, %u failed\n", passed, failed);
    }
    return !list && (failed != 0 || passed == 0);
}
