/*
 * human - figures as people read them.                        SPDX-License-Identifier: BSD-2-Clause
 */
#include "human.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define EXACT_SIZE_MAX 9999

struct human
human_text(const char *format, ...)
{
    struct human human;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(human.text, sizeof(human.text), format, args);
    va_end(args);
    return human;
}

/* Three significant digits. */
static int
decimals_of(double value)
{
    return value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
}

struct human
human_size(uint64_t size)
{
    static const char suffixes[] = "KMGTPE";
    if (size <= EXACT_SIZE_MAX) {
        return human_text("%" PRIu64, size);
    }
    double value = (double)size / 1024;
    size_t suffix = 0;
    while (value >= 1023.5 && suffix + 2 < sizeof(suffixes)) {
        value /= 1024;
        suffix++;
    }
    return human_text("%.*f%c", decimals_of(value), value, suffixes[suffix]);
}

struct human
human_count(double count)
{
    static const char *const suffixes[] = { "", " k", " M", " G", " T" };
    size_t suffix = 0;
    if (count < 10000) {
        return human_text("%.0f", count);
    }
    while (count >= 999.5 && suffix + 1 < sizeof(suffixes) / sizeof(suffixes[0])) {
        count /= 1000;
        suffix++;
    }
    return human_text("%.*f%s", decimals_of(count), count, suffixes[suffix]);
}

struct human
human_ns(double ns)
{
    static const char *const suffixes[] = { "ns", "us", "ms", "s" };
    size_t suffix = 0;
    while (ns >= 999.5 && suffix + 1 < sizeof(suffixes) / sizeof(suffixes[0])) {
        ns /= 1000;
        suffix++;
    }
    return human_text("%.*f %s", decimals_of(ns), ns, suffixes[suffix]);
}

struct human
human_share(double share)
{
    return human_text("%.1f %%", share * 100);
}
