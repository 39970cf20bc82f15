/*
 * adapter_vmem.h - an arena of the library, for rows that need more than the common face.
 *                                                             SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BENCH_ADAPTER_VMEM_H
#define BENCH_ADAPTER_VMEM_H

#include <stdint.h>

#include "vmem/vmem.h"

#define BENCH_VMEM_BASE (UINT64_C(1) << 32) /* first unit of every arena */

/* An arena with one span, by vmem_create().  Ends the program if there is none. */
struct vmem_arena *bench_vmem_create(uint64_t span_quanta, unsigned flags);

/* End the program with the library's name of a status that must not have come. */
void bench_vmem_require(int status, const char *what);

#endif
