/*
 * histogram.h - percentiles of any number of samples, in fixed memory.  SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMEM_TOOLS_REPLAY_HISTOGRAM_H
#define VMEM_TOOLS_REPLAY_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_SUB_LOG2 6 /* 64 bins per power of two: a bin is at most 1/64 of its value wide */
#define HISTOGRAM_BINS ((64 - HISTOGRAM_SUB_LOG2 + 1) << HISTOGRAM_SUB_LOG2)

/* Zero-initialised means empty. */
struct replay_histogram {
    uint64_t count;
    uint64_t value_max; /* exact */
    uint64_t bins[HISTOGRAM_BINS];
};

void replay_histogram_add(struct replay_histogram *histogram, uint64_t value);

/*
 * The smallest value that at least permyriad/10000 of the samples do not exceed, up to a bin's
 * width; 0 if there are none.
 */
uint64_t replay_histogram_at(const struct replay_histogram *histogram, unsigned permyriad);

#endif
