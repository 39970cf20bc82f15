/*
 * launch.h - start a program with the recording library in it.    SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMEM_RECORD_LAUNCH_H
#define VMEM_RECORD_LAUNCH_H

#include <stdbool.h>

struct vmr_launch {
    const char *library;   /* path of libvmem-record.so; NULL = run without recording */
    const char *directory; /* absolute: where raw logs go */
    char **argv;           /* the program and its arguments, NULL at the end */
    bool does_follow;
    bool has_time;
};

/* Why a program can probably not be recorded. */
enum vmr_obstacle {
    VMR_OBSTACLE_NONE,
    VMR_OBSTACLE_STATIC,     /* statically linked: nothing to intercept */
    VMR_OBSTACLE_PRIVILEGED, /* set-uid, set-gid or capabilities: LD_PRELOAD is ignored */
    VMR_OBSTACLE_FOREIGN     /* for another kind of machine (or 32-bit) than the library */
};

/* Look at the program file that `name` means to execvp(), through `#!` lines. */
enum vmr_obstacle vmr_launch_inspect(const char *name);

/*
 * Find libvmem-record.so: $VMEM_RECORD_LIBRARY, beside this executable, or in
 * ../lib/openvmem/ from it.
 *
 * Returns   0 and *path, to be freed; ENOENT if it is in none of the places, ENOMEM
 */
int vmr_launch_find_library(char **path);

/*
 * Run the program to its end.  SIGINT and SIGQUIT are left to the program, SIGTERM and SIGHUP are
 * passed on to it.
 *
 * Returns   0 and *status, as waitpid() has it; or the errno value that stopped the start, with
 *           *is_exec_failure true if it was the exec's own
 */
int vmr_launch_run(const struct vmr_launch *launch, int *status, bool *is_exec_failure);

#endif
