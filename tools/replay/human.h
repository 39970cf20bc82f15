/*
 * human.h - figures as people read them.                              SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMEM_TOOLS_REPLAY_HUMAN_H
#define VMEM_TOOLS_REPLAY_HUMAN_H

#include <stddef.h>
#include <stdint.h>

#define HUMAN_BYTES 24

/* Text of one figure: ASCII, so that its length is its width. */
struct human {
    char text[HUMAN_BYTES];
};

/* Units: 384, 9999, 33.2M; the suffixes of the command line, powers of 1024. */
struct human human_size(uint64_t size);

/* A count or a rate in powers of 1000: 812, 11.2 M. */
struct human human_count(double count);

/* A time: 89.1 ns, 4.25 us, 1.20 ms, 3.00 s. */
struct human human_ns(double ns);

/* 0.8712 as 87.1 %. */
struct human human_share(double share);

/* Like printf(). */
__attribute__((format(printf, 1, 2))) struct human human_text(const char *format, ...);

#endif
