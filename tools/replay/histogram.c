/*
 * histogram - percentiles of any number of samples.           SPDX-License-Identifier: BSD-2-Clause
 *
 * Values below 64 have a bin each.  Above, each power of two is cut into 64 bins of equal width:
 * 1000 = 2^9 * 1.953 lies in the bin [1000, 1008).  A percentile is the middle of its bin, and
 * never more than the largest sample.
 */
#include "histogram.h"

#define SUB_COUNT (UINT64_C(1) << HISTOGRAM_SUB_LOG2)

static unsigned
bin_of(uint64_t value)
{
    if (value < SUB_COUNT) {
        return (unsigned)value;
    }
    const unsigned value_log2 = 63u - (unsigned)__builtin_clzll(value);
    const unsigned shift = value_log2 - HISTOGRAM_SUB_LOG2;
    return ((shift + 1) << HISTOGRAM_SUB_LOG2) + (unsigned)((value >> shift) & (SUB_COUNT - 1));
}

static uint64_t
middle_of(unsigned bin)
{
    if (bin < SUB_COUNT) {
        return bin;
    }
    const unsigned shift = (bin >> HISTOGRAM_SUB_LOG2) - 1;
    const uint64_t first = (SUB_COUNT + (bin & (SUB_COUNT - 1))) << shift;
    return first + ((UINT64_C(1) << shift) - 1) / 2;
}

void
replay_histogram_add(struct replay_histogram *histogram, uint64_t value)
{
    histogram->count++;
    histogram->bins[bin_of(value)]++;
    if (value > histogram->value_max) {
        histogram->value_max = value;
    }
}

uint64_t
replay_histogram_at(const struct replay_histogram *histogram, unsigned permyriad)
{
    /* ceil(count * permyriad / 10000), without overflow. */
    const uint64_t whole = histogram->count / 10000 * permyriad;
    const uint64_t rest = (histogram->count % 10000 * permyriad + 9999) / 10000;
    const uint64_t rank = whole + rest;
    uint64_t seen = 0;
    for (unsigned bin = 0; bin < HISTOGRAM_BINS && rank > 0; bin++) {
        seen += histogram->bins[bin];
        if (seen >= rank) {
            const uint64_t value = middle_of(bin);
            return value < histogram->value_max ? value : histogram->value_max;
        }
    }
    return 0;
}
