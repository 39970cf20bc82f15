/*
 * progress - a bar on the terminal.                           SPDX-License-Identifier: BSD-2-Clause
 *
 * Goes to the standard error, so that a report can be redirected, and only if that is a terminal.
 * Work of less than half a second draws nothing.
 */
#include "progress.h"

#include "ticks.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FIRST_DRAW_NS UINT64_C(500000000)
#define NEXT_DRAW_NS UINT64_C(100000000)
#define BAR_WIDTH 24

void
replay_progress_init(struct replay_progress *progress, bool is_quiet)
{
    *progress = (struct replay_progress){ .is_wanted = !is_quiet && isatty(STDERR_FILENO) };
}

void
replay_progress_begin(struct replay_progress *progress, const char *file)
{
    const char *slash = strrchr(file, '/');
    progress->file = slash == NULL ? file : slash + 1;
    progress->policy = "";
    progress->file_start_ns = replay_now_ns();
    progress->drawn_ns = 0;
}

void
replay_progress_phase(
    struct replay_progress *progress, const char *policy, const char *phase, uint64_t total)
{
    progress->policy = policy;
    progress->phase = phase;
    progress->done = 0;
    progress->total = total;
    replay_progress_step(progress, 0);
}

static void
draw(const struct replay_progress *progress)
{
    char bar[BAR_WIDTH + 1];
    const double share =
        progress->total == 0 ? 0 : (double)progress->done / (double)progress->total;
    const int filled = share >= 1 ? BAR_WIDTH : (int)(share * BAR_WIDTH);
    memset(bar, '.', BAR_WIDTH);
    memset(bar, '#', (size_t)filled);
    bar[BAR_WIDTH] = '\0';
    (void)fprintf(stderr, "\r\033[K%.28s %s %-10s [%s] %3d %%", progress->file, progress->policy,
        progress->phase, bar, (int)(share * 100));
    (void)fflush(stderr);
}

void
replay_progress_step(struct replay_progress *progress, uint64_t done)
{
    progress->done = done;
    if (!progress->is_wanted) {
        return;
    }
    const uint64_t now_ns = replay_now_ns();
    if (now_ns - progress->file_start_ns < FIRST_DRAW_NS ||
        now_ns - progress->drawn_ns < NEXT_DRAW_NS) {
        return;
    }
    progress->drawn_ns = now_ns;
    progress->is_drawn = true;
    draw(progress);
}

void
replay_progress_clear(struct replay_progress *progress)
{
    if (progress->is_drawn) {
        (void)fputs("\r\033[K", stderr);
        (void)fflush(stderr);
        progress->is_drawn = false;
    }
}
