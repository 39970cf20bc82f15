/*
 * machine.h - where the figures were taken.                   SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <stdbool.h>

struct bench_machine {
    char cpu[128];
    int cpu_count;
    char system[256];    /* kernel and its release */
    char huge_pages[64]; /* transparent huge pages: the setting in force */
    const char *compiler;
    const char *build_type;
    int check_level;
    double load; /* average over a minute, at the start */
    bool is_virtual;
};

void bench_machine_read(struct bench_machine *machine);

/* Print the facts, and warnings about what would spoil the figures. */
void bench_machine_print(const struct bench_machine *machine);

#endif
