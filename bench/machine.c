/*
 * machine - see machine.h.                                    SPDX-License-Identifier: BSD-2-Clause
 */
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "clock.h"
#include "workload.h"

#define LINE 64u /* bytes of a cache line */

#ifndef BENCH_BUILD_TYPE
#define BENCH_BUILD_TYPE "unknown"
#endif
#ifndef BENCH_CHECK_LEVEL
#define BENCH_CHECK_LEVEL 0
#endif

static void
read_cpu(struct bench_machine *machine)
{
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[1024];

    snprintf(machine->cpu, sizeof machine->cpu, "unknown processor");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        const char *colon = strchr(line, ':');

        if (strncmp(line, "model name", 10) == 0 && colon != NULL) {
            line[strcspn(line, "\n")] = '\0';
            snprintf(machine->cpu, sizeof machine->cpu, "%.127s", colon + 2);
        }
        machine->is_virtual |= strncmp(line, "flags", 5) == 0 && strstr(line, " hypervisor");
    }
    if (file != NULL) {
        fclose(file);
    }
    machine->cpu_count = (int)sysconf(_SC_NPROCESSORS_ONLN);
}

/* The file says "always [madvise] never". */
static void
read_huge_pages(struct bench_machine *machine)
{
    FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "r");
    char line[128] = "";

    snprintf(machine->huge_pages, sizeof machine->huge_pages, "unknown");
    if (file == NULL) {
        return;
    }
    if (fgets(line, sizeof line, file) != NULL && strchr(line, '[') != NULL) {
        char *start = strchr(line, '[') + 1;

        start[strcspn(start, "]")] = '\0';
        snprintf(machine->huge_pages, sizeof machine->huge_pages, "%.63s", start);
    }
    fclose(file);
}

const unsigned bench_miss_kib[BENCH_MISS_SIZES] = { 32, 1024, 4096, 49152 };

/*
 * Follow a chain that visits every cache line of `kib` KiB once, in random order: what an allocator
 * whose metadata takes so much pays at least for each look that depends on the one before.
 */
static double
time_dependent_loads(unsigned kib)
{
    const uint32_t count = kib * (1024 / LINE);
    const uint32_t stride = LINE / sizeof(uint32_t);
    const uint32_t loads = 1000000;
    struct bench_prng prng = { kib };
    uint32_t *order = bench_get(count, sizeof *order);
    uint32_t *chain = bench_get(count, LINE);
    uint32_t at = 0;

    for (uint32_t i = 0; i < count; i++) {
        const uint32_t other = bench_prng_below(&prng, i + 1);
        order[i] = order[other];
        order[other] = i;
    }
    for (uint32_t i = 0; i < count; i++) {
        chain[order[i] * stride] = order[(i + 1) % count] * stride;
    }
    for (uint32_t i = 0; i < count; i++) {
        at = chain[at];
    }
    const uint64_t start = bench_clock_cpu_ns();
    for (uint32_t i = 0; i < loads; i++) {
        at = chain[at];
    }
    const uint64_t end = bench_clock_cpu_ns();
    __asm__ volatile("" : : "r"(at)); /* it is wanted */
    free(order);
    free(chain);
    return (double)(end - start) / loads;
}

void
bench_machine_read(struct bench_machine *machine)
{
    struct utsname name;

    memset(machine, 0, sizeof *machine);
    read_cpu(machine);
    read_huge_pages(machine);
    if (uname(&name) == 0) {
        snprintf(machine->system, sizeof machine->system, "%.60s %.100s %.60s", name.sysname,
            name.release, name.machine);
    }
    if (getloadavg(&machine->load, 1) != 1) {
        machine->load = -1;
    }
    for (unsigned i = 0; i < BENCH_MISS_SIZES; i++) {
        machine->miss_ns[i] = time_dependent_loads(bench_miss_kib[i]);
    }
#if defined(__clang__)
    machine->compiler = "clang " __clang_version__;
#else
    machine->compiler = "gcc " __VERSION__;
#endif
    machine->build_type = BENCH_BUILD_TYPE;
    machine->check_level = BENCH_CHECK_LEVEL;
}

void
bench_machine_print(const struct bench_machine *machine)
{
    printf("vmem-bench\n");
    printf("  machine   %s, %d processors%s, load average %.2f\n", machine->cpu, machine->cpu_count,
        machine->is_virtual ? ", virtual" : "", machine->load);
    printf("  system    %s, transparent huge pages: %s\n", machine->system, machine->huge_pages);
    printf("  build     %s, %s, checks at level %d\n", machine->compiler, machine->build_type,
        machine->check_level);
    printf("  clocks    stamp %.1f ns (subtracted) in steps of %.1f ns, CPU clock %.0f ns\n",
        bench_clock_ticks_to_ns(bench_clock_stamp_ticks()), bench_clock_granularity_ns(),
        bench_clock_cpu_cost_ns());
    printf("  memory    a dependent load takes");
    for (unsigned i = 0; i < BENCH_MISS_SIZES; i++) {
        printf("%s %.3g ns in %u KiB", i == 0 ? "" : ",", machine->miss_ns[i], bench_miss_kib[i]);
    }
    printf(
        "\n  figures   median of interleaved repeats [lowest..highest], harness not subtracted\n");
    if (strcmp(machine->build_type, "Release") != 0) {
        printf("  WARNING   build type is %s, not Release: figures mean little\n",
            machine->build_type);
    }
    if (machine->check_level != 0) {
        printf("  WARNING   assertions are compiled in\n");
    }
    if (machine->load > 0.3 * machine->cpu_count) {
        printf("  WARNING   the machine is busy (load average %.2f): read ratios, not figures\n",
            machine->load);
    }
    fflush(stdout);
}
