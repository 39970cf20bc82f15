/*
 * log.h - the raw log of a recorded process.                      SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. What it is for
 *    The preloaded library writes it inside of the recorded process; the command reads it when the
 *    process is gone and turns it into a trace.  This header is all that the two share.
 *
 * 2. How it works
 *    A log is a sparse file, mapped shared by the process that it records: one page of header, then
 *    an array of 16-byte records.  A thread takes the next slot with one atomic addition and fills
 *    it with two stores.  There is no lock, no buffer and nothing to flush: whatever ends the
 *    process, the pages belong to the file and stay.
 *
 * 3. Why the order is right
 *    A free takes its slot before the real free begins, an allocation after the real one returned.
 *    Whoever is given the same address next has synchronised with that free inside of the
 *    allocator, and whoever frees a pointer has received it from its allocation.  So both pairs are
 *    ordered by happens-before, and additions to one atomic variable follow that order:
 *
 *    R1  an allocation's slot is below that of its free.
 *    R2  a free's slot is below that of the next allocation at the same address.
 *    R3  a slot that was taken but never filled belongs to a call that never took effect for the
 *        program: the thread died with its process inside of it.
 *    R4  slots at or above `limit` are void, all of them: what is recorded is a prefix.
 */
#ifndef VMEM_RECORD_LOG_H
#define VMEM_RECORD_LOG_H

#include <stdatomic.h>
#include <stdint.h>

#define VMR_MAGIC "vmemrec"
#define VMR_VERSION 1
#define VMR_HEADER_BYTES 4096
#define VMR_COMMAND_BYTES 2048

/* The library finds "VERSION:ROOT PID:FLAGS:DIRECTORY" here; flags: f follow, t time. */
#define VMR_ENVIRONMENT "VMEM_RECORD"

enum vmr_kind {
    VMR_EMPTY = 0,    /* the slot was not filled (yet) */
    VMR_ALLOC = 1,    /* value = address, detail = size and alignment */
    VMR_FREE = 2,     /* value = address */
    VMR_TIME = 3,     /* value = nanoseconds since the log began */
    VMR_CANCELLED = 4 /* the free half of a realloc that failed */
};

enum vmr_log_flags {
    VMR_LOG_ROOT = 0x1,      /* of the process that the command started */
    VMR_LOG_OWN_HEAP = 0x2,  /* the program defines malloc itself: nothing can be intercepted */
    VMR_LOG_DISK_FULL = 0x4, /* recording stopped: no room for more pages */
    VMR_LOG_FULL = 0x8       /* recording stopped: the file is at its greatest size */
};

/* Kind in the top 3 bits of `what`; alignment, as a power of two, in the top 8 bits of `detail`. */
struct vmr_record {
    _Atomic uint64_t what; /* stored last, with release */
    _Atomic uint64_t detail;
};

#define VMR_KIND_SHIFT 61
#define VMR_ALIGN_SHIFT 56
#define VMR_VALUE_MASK ((UINT64_C(1) << VMR_KIND_SHIFT) - 1)
#define VMR_SIZE_MASK ((UINT64_C(1) << VMR_ALIGN_SHIFT) - 1)

struct vmr_log {
    char magic[8];
    uint32_t version;
    uint32_t image; /* 1 for the first program of this process, 2 after an exec */
    int64_t pid;
    uint64_t start_ns;               /* CLOCK_MONOTONIC */
    _Atomic uint32_t flags;          /* enum vmr_log_flags */
    char command[VMR_COMMAND_BYTES]; /* arguments, each with its zero, as /proc has them */
    uint32_t command_bytes;
    _Alignas(64) _Atomic uint64_t limit; /* slots */
    _Alignas(64) _Atomic uint64_t next;  /* slots taken; may exceed the limit */
};

_Static_assert(sizeof(struct vmr_record) == 16, "records are packed");
_Static_assert(sizeof(struct vmr_log) <= VMR_HEADER_BYTES, "the header is one page");

#endif
