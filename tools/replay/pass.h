/*
 * pass.h - ways to run a trace through an arena.                      SPDX-License-Identifier: BSD-2-Clause
 *
 * Each pass begins with a new, empty arena.  They are separate because looking disturbs: the timed
 * pass does nothing but the operations, the latency pass reads a clock around each, the survey
 * keeps books, and the observing pass walks the holes.
 *
 * Each works on one result, whose plan says what to do, and returns true; false and context->why if
 * it could not be run.
 */
#ifndef VMEM_TOOLS_REPLAY_PASS_H
#define VMEM_TOOLS_REPLAY_PASS_H

#include "progress.h"
#include "result.h"

/* What the passes share. */
struct replay_context {
    struct replay_progress progress;
    char why[REPLAY_TEXT_BYTES]; /* why a pass could not be run */
};

/*
 * Replay and keep books: occupancy, failures with their reasons, footprint, metadata.  At the end
 * everything is freed, and result->dirt says what was left, if anything.
 */
bool replay_survey(struct replay_result *result, struct replay_context *context);

/* Replay, sample the holes, and if wanted check everything again and again. */
bool replay_observe(struct replay_result *result, bool is_checked, struct replay_context *context);

/* Replay as fast as possible, several times. */
bool replay_measure_rate(struct replay_result *result, struct replay_context *context);

/* Replay with a clock around each operation. */
bool replay_measure_latency(struct replay_result *result, struct replay_context *context);

/*
 * Find a smallest span: nothing fails at plan.size, and something fails at one quantum less.
 * Doubles from the peak until the trace fits, then bisects.  result->is_unfit = it fits at no size.
 */
bool replay_find_fit(struct replay_result *result, const struct replay_demand *demand,
    struct replay_context *context);

#endif
