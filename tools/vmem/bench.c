/*
 * bench - vmem bench: hand over to the benchmarks.            SPDX-License-Identifier: BSD-2-Clause
 *
 * The benchmarks are a program of their own, vmem-bench, because they link with other allocators
 * for comparison.  It is looked for beside this executable and in the bench directory beside it,
 * where a build leaves it.
 */
#include "bench.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EXIT_USAGE 2
#define BENCH_NAME "vmem-bench"

int
vmem_cmd_bench(int argc, char **argv)
{
    static const char *const places[] = { "", "bench/" };
    char self[PATH_MAX];
    char path[PATH_MAX + sizeof("bench/" BENCH_NAME)];
    (void)argc;
    const ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (length < 0) {
        (void)fprintf(stderr, "vmem bench: cannot find this executable: %s\n", strerror(errno));
        return EXIT_USAGE;
    }
    self[length] = '\0';
    char *slash = strrchr(self, '/');
    if (slash != NULL) {
        slash[1] = '\0';
    }
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s%s" BENCH_NAME, self, places[i]);
        execv(path, argv);
        if (errno != ENOENT && errno != ENOTDIR) {
            (void)fprintf(stderr, "vmem bench: cannot start %s: %s\n", path, strerror(errno));
            return EXIT_USAGE;
        }
    }
    (void)fprintf(stderr,
        "vmem bench: " BENCH_NAME " is not beside this executable, in %s\n"
        "Build it in the source tree: make bench\n",
        self);
    return EXIT_USAGE;
}
