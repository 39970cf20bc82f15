/*
 * vmt_faulty.h - one scenario, run with the k-th call of a callback failing, for every k.
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 *
 *     static void
 *     scenario(struct vmt_faulty *f)
 *     {
 *         if (vmt_faulty_create(f, &options)) {
 *             vmt_faulty_alloc(f, 16, NULL, VMEM_BESTFIT);
 *             vmt_faulty_free_all(f);
 *         }
 *     }
 *     ...
 *     vmt_faulty_tags(scenario, 3);
 *
 * The loop ends with the first run in which nothing failed.  The steps check what every run must hold:
 * a refusal has a documented status and changes no range, all invariants hold, no free fails, and
 * in the end everything that was obtained is put back.
 */
#ifndef VMT_FAULTY_H
#define VMT_FAULTY_H

#include "vmem/vmem.h"
#include "vmt.h"
#include "vmt_source.h"
#include "vmt_tags.h"

enum { VMT_FAULTY_LIVE_MAX = 8192 };

struct vmt_faulty {
    struct vmt_tags tags;
    struct vmt_source source;
    struct vmem_arena *arena;
    uint64_t refused; /* calls that returned an error */
    bool is_careful;  /* compare the whole arena around every call */
    unsigned live;
    struct vmem_range range[VMT_FAULTY_LIVE_MAX]; /* what is allocated */
};

typedef void vmt_faulty_fn(struct vmt_faulty *f);

/* Create the arena, with the run's tag source; add a span.  False: refused. */
bool vmt_faulty_create(struct vmt_faulty *f, const struct vmem_options *options);
void vmt_faulty_add(struct vmt_faulty *f, vmem_addr_t start, vmem_size_t size);

/* Allocate; false: refused for want of memory or of a span. */
bool vmt_faulty_alloc(struct vmt_faulty *f, vmem_size_t size,
    const struct vmem_constraint *constraint, unsigned flags);

/* Free one, in any order, and all. */
void vmt_faulty_free(struct vmt_faulty *f, unsigned which);
void vmt_faulty_free_all(struct vmt_faulty *f);

/* Run it with the k-th request for metadata failing, once and then from then on, for every k. */
void vmt_faulty_tags(vmt_faulty_fn *scenario, uint64_t calls_at_least);

/* The same with the k-th import. */
void vmt_faulty_imports(vmt_faulty_fn *scenario, uint64_t calls_at_least);

#endif
