/* run.h - the command `vmem run`.                                 SPDX-License-Identifier: BSD-2-Clause */
#ifndef VMEM_SCENARIO_RUN_H
#define VMEM_SCENARIO_RUN_H

/*
 * Run scenario files and judge every line.  argv[0] is the word `run`.
 *
 * Returns   the exit status: 0 all passed, 1 something failed, 2 usage, or a file that cannot be read
 */
int vmem_cmd_run(int argc, char **argv);

#endif
