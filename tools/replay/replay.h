/*
 * replay.h - vmem replay: a trace through the allocator.              SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMEM_TOOLS_REPLAY_H
#define VMEM_TOOLS_REPLAY_H

/*
 * Run `vmem replay`; argv[0] is "replay".
 *
 * Returns   the exit status: 0; 1 a check failed or a failure is unexplained; 2 bad usage, or an
 *           input that cannot be read to its end
 */
int vmem_cmd_replay(int argc, char **argv);

#endif
