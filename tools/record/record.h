/*
 * record.h - the command `vmem record`.                           SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMEM_RECORD_RECORD_H
#define VMEM_RECORD_RECORD_H

/* The status when it is not the program's own, as env(1) has it. */
enum vmr_exit {
    VMR_EXIT_FAILED = 125, /* record itself failed: usage, no log, no trace written */
    VMR_EXIT_NOT_EXECUTABLE = 126,
    VMR_EXIT_NOT_FOUND = 127,
    VMR_EXIT_SIGNAL = 128 /* + the number of the signal that ended the program */
};

/*
 * Run `vmem record`.
 *
 *   argv[0]   not looked at ("record"); the options and the program follow
 *
 * Returns   the exit status for the process: the program's, or one of the above
 * Context   a process without other threads: it forks
 */
int vmem_cmd_record(int argc, char **argv);

#endif
