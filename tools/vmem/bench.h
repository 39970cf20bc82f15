/*
 * bench.h - vmem bench: hand over to the benchmarks.                  SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMEM_TOOLS_BENCH_H
#define VMEM_TOOLS_BENCH_H

/* Replace this process by vmem-bench.  Returns the exit status 2 if it cannot be started. */
int vmem_cmd_bench(int argc, char **argv);

#endif
