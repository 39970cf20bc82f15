/*
 * adapter.h - what is measured, behind one face.              SPDX-License-Identifier: BSD-2-Clause
 *
 * A *subject* is one way to allocate: the library with some options, or a baseline.  The calls go
 * through pointers, alike for all; the harness floor, a subject that does nothing, shows what that
 * costs.
 */
#ifndef BENCH_ADAPTER_H
#define BENCH_ADAPTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "workload.h"

#ifdef __cplusplus
extern "C" {
#endif

struct bench_adapter {
    const char *name;
    const char *what; /* one line */
    bool is_thread_safe;
    bool is_baseline;

    /* NULL if it can be used, else why not: "not built", ... */
    const char *(*unavailable)(void);

    /* An arena of `span_quanta` quanta.  Ends the program if there is none. */
    void *(*create)(uint64_t span_quanta);
    void (*destroy)(void *arena); /* with nothing allocated */

    /* Sizes and alignments are in units.  `key` names the block for free_. */
    bool (*alloc)(void *arena, uint64_t size, uint64_t *key);
    bool (*alloc_aligned)(void *arena, uint64_t size, uint64_t align, uint64_t *key);
    void (*free_)(void *arena, uint64_t key, uint64_t size);

    /* Memory for metadata now; NULL = not known. */
    size_t (*metadata_bytes)(void *arena);
};

extern const struct bench_adapter bench_floor;
extern const struct bench_adapter bench_vmem_locked; /* by address, default lock */
extern const struct bench_adapter bench_vmem_addr;   /* by address, VMEM_NOLOCK */
extern const struct bench_adapter bench_vmem_handle; /* by handle, VMEM_NOLOCK */
extern const struct bench_adapter bench_vmem_handle_locked;
extern const struct bench_adapter bench_vmem_indexed; /* by address, VMEM_NOLOCK, VMEM_INDEXED */
extern const struct bench_adapter bench_vmem_best;    /* the other policies, VMEM_NOLOCK */
extern const struct bench_adapter bench_vmem_first;
extern const struct bench_adapter bench_vmem_next;
extern const struct bench_adapter
    bench_vmem_shared;                       /* as bench_vmem_addr, from the shared library */
extern const struct bench_adapter bench_map; /* standard library trees, best fit */
extern const struct bench_adapter bench_map_locked; /* the same under a std::mutex */
extern const struct bench_adapter bench_glibc;
extern const struct bench_adapter bench_jemalloc;
extern const struct bench_adapter bench_mimalloc;
extern const struct bench_adapter bench_tcmalloc;

/* The map baseline at a given place: the exact range, if it is free. */
bool bench_map_alloc_at(void *arena, uint64_t addr, uint64_t size);

/* A subject with an arena and the blocks that live in it. */
struct bench_slot {
    uint64_t key;
    uint64_t size; /* units; 0 = empty */
};

struct bench_instance {
    const struct bench_adapter *adapter;
    void *arena;
    struct bench_slot *slots;
    uint32_t slot_count;
    uint64_t pairs;   /* run so far */
    uint64_t refused; /* of these, allocations that failed; their slot stays empty */
};

void bench_instance_open(struct bench_instance *instance, const struct bench_adapter *adapter,
    uint32_t slot_count, uint64_t span_quanta);

/* Free every block, then the arena. */
void bench_instance_close(struct bench_instance *instance);

/* Run operations of a trace, as fast as it goes. */
void bench_instance_run(struct bench_instance *instance, const struct bench_op *ops, size_t count);

/* The same for a trace with alignments. */
void bench_instance_run_aligned(
    struct bench_instance *instance, const struct bench_op *ops, size_t count);

/*
 * Run the same with a stamp around every call.  free_ticks[i] and alloc_ticks[i] receive the
 * smaller of what they hold and what operation i took; an operation on an empty slot has no free.
 */
void bench_instance_stamp(struct bench_instance *instance, const struct bench_op *ops, size_t count,
    uint32_t *free_ticks, uint32_t *alloc_ticks);

/* Free all blocks in slot order, stamped in the same way; ticks[slot_count] or NULL. */
void bench_instance_drain(struct bench_instance *instance, uint32_t *ticks);

#ifdef __cplusplus
}
#endif

#endif
