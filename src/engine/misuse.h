/*
 * misuse.h - what callers do wrong, said in one line and handed to the fatal hook.
 *                                                                  SPDX-License-Identifier: BSD-2-Clause
 *
 * Misuse is detected before anything is changed and reported without any lock; when the hook returns,
 * the call returns too, and the arena is as it was.  engine/free.c is where a bad free is caught.
 */
#ifndef VMI_MISUSE_H
#define VMI_MISUSE_H

#include "engine/arena.h"

/* Report to the hook.  `why` is the end of the line; fault->text is filled in here.  No locks. */
VMI_OUTSIDE void vmi_misuse(
    const struct vmem_arena *arena, struct vmem_fault *fault, const char *why);

/* The same where there is no arena, only its name. */
VMI_OUTSIDE void vmi_misuse_named(const char *name, struct vmem_fault *fault, const char *why);

/* The hook of the process. */
void vmi_misuse_set_hook(vmem_fatal_fn *hook, void *arg);

#endif
