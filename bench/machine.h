/*
 * machine.h - where the figures were taken.                   SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <stdbool.h>

enum { BENCH_MISS_SIZES = 4 };

struct bench_machine {
    char cpu[128];
    int cpu_count;
    char system[256];    /* kernel and its release */
    char huge_pages[64]; /* transparent huge pages: the setting in force */
    const char *compiler;
    const char *build_type;
    int check_level;
    double load;                      /* average over a minute, at the start */
    double miss_ns[BENCH_MISS_SIZES]; /* a load that depends on the one before, in so much memory */
    bool is_virtual;
};

/* The sizes of memory, in KiB, for which a dependent load is timed. */
extern const unsigned bench_miss_kib[BENCH_MISS_SIZES];

void bench_machine_read(struct bench_machine *machine);

/* Print the facts, and warnings about what would spoil the figures. */
void bench_machine_print(const struct bench_machine *machine);

#endif
