/*
 * recorder.h - append to this process' raw log.                   SPDX-License-Identifier: BSD-2-Clause
 *
 * Safe in any thread and in signal handlers; needs no memory; leaves errno alone.
 */
#ifndef VMEM_RECORD_RECORDER_H
#define VMEM_RECORD_RECORDER_H

#include "log.h"

#include <stdbool.h>
#include <stddef.h>

/* Open the log if this process is to be recorded and has none yet; also in a forked child. */
void vmr_recorder_begin(void);

/* The program defines malloc itself. */
void vmr_recorder_own_heap(void);

/* Record that [ptr, ptr + size) was allocated; align a power of two, 0 = none was asked for. */
void vmr_recorder_alloc(const void *ptr, size_t size, size_t align);

/* Record that ptr is about to be freed.  Returns the record, NULL if nothing is recorded. */
struct vmr_record *vmr_recorder_free(const void *ptr);

/* The free that `record` stands for did not happen; NULL is allowed. */
void vmr_recorder_cancel(struct vmr_record *record);

#endif
