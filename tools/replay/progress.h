/*
 * progress.h - a bar on the terminal while there is something to wait for.  SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMEM_TOOLS_REPLAY_PROGRESS_H
#define VMEM_TOOLS_REPLAY_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct replay_progress {
    bool is_wanted; /* the standard error is a terminal and nobody asked for quiet */
    bool is_drawn;
    const char *file;
    const char *policy;
    const char *phase;
    uint64_t done;  /* of the phase */
    uint64_t total; /* of the phase; 0 = unknown */
    uint64_t file_start_ns;
    uint64_t drawn_ns;
};

/* How many operations to do between two calls of replay_progress_step(). */
#define REPLAY_PROGRESS_OPS 65536

void replay_progress_init(struct replay_progress *progress, bool is_quiet);
void replay_progress_begin(struct replay_progress *progress, const char *file);
void replay_progress_phase(
    struct replay_progress *progress, const char *policy, const char *phase, uint64_t total);

/* So much of the phase is done.  Draws ten times a second at most, and nothing for short work. */
void replay_progress_step(struct replay_progress *progress, uint64_t done);

/* Take the bar away before anything else is printed. */
void replay_progress_clear(struct replay_progress *progress);

#endif
