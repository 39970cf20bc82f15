/*
 * translate.h - from a raw log to a trace.                        SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMEM_RECORD_TRANSLATE_H
#define VMEM_RECORD_TRANSLATE_H

#include "log.h"

#include <stdbool.h>
#include <stddef.h>

/* An open raw log.  It takes no more records, even if its process still runs. */
struct vmr_raw {
    struct vmr_log *log;
    struct vmr_record *records;
    size_t map_bytes;
    uint64_t count; /* slots to read */
    bool is_alive;  /* its process still runs: it ends at the first empty slot */
};

/* What a recording contains. */
struct vmr_summary {
    uint64_t alloc_count;
    uint64_t free_count;
    uint64_t live_count; /* at the end */
    uint64_t live_count_max;
    uint64_t bytes; /* live now, at last at the end */
    uint64_t bytes_max;
    uint64_t zero_count;   /* requests of 0 bytes, recorded as 1 */
    uint64_t unseen_count; /* frees that were not seen, known by the reuse of the address */
};

struct vmr_translation {
    const char *path;   /* of the trace; ".gz" at its end = compressed */
    bool has_alignment; /* write align=N */
};

/* Open a raw log.  Returns 0 and *raw; EINVAL if the file is none; an errno value of open or mmap. */
int vmr_raw_open(const char *path, struct vmr_raw *raw);

void vmr_raw_close(struct vmr_raw *raw);

/* The command line of the recorded process, printable, in `text`. */
void vmr_raw_command(const struct vmr_raw *raw, char *text, size_t bytes);

/* Count what the log contains.  Returns 0 and *summary, or ENOMEM. */
int vmr_survey(const struct vmr_raw *raw, struct vmr_summary *summary);

/*
 * Write the trace.  A regular file, or a new one, appears under its name only when it is complete.
 *
 * Returns   0; ENOMEM; an errno value of writing; EIO if that is all that is known
 */
int vmr_translate(const struct vmr_raw *raw, const struct vmr_summary *summary,
    const struct vmr_translation *translation);

#endif
