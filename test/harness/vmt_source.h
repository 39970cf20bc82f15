/*
 * vmt_source.h - an import source that counts, fails and lies.    SPDX-License-Identifier: BSD-2-Clause
 *
 *     struct vmt_source source;
 *     vmt_source_init(&source, 0x10000, 0x10000);
 *     vmt_fuse_set(&source.fuse, k, false);                  refuse the k-th import from here, once
 *     vmem_set_import(arena, vmt_source_import, vmt_source_release, &source, 0);
 *     ...
 *     vmt_source_fini(&source);                              fails the test if a span is still out
 *
 * It hands out the lowest place of its range that the request allows, takes spans back, and checks
 * that each comes back once and exactly as it went out.
 */
#ifndef VMT_SOURCE_H
#define VMT_SOURCE_H

#include "vmem/vmem.h"
#include "vmt.h"

#define VMT_SOURCE_SPANS_MAX 1024

/* How the source answers. */
enum vmt_source_manner {
    VMT_SOURCE_CONSTRAINED, /* `size` units where the request's constraints hold */
    VMT_SOURCE_ANYWHERE     /* `size_anywhere` units, multiple of the quantum, lowest place */
};

/* What is wrong with an answer. */
enum vmt_source_lie {
    VMT_LIE_NONE,
    VMT_LIE_OVERLAP,         /* a span that is out already, if there is one */
    VMT_LIE_START_UNALIGNED, /* start off by one unit; needs a quantum > 1 */
    VMT_LIE_SIZE_UNALIGNED,  /* size one unit too large; needs a quantum > 1 */
    VMT_LIE_TOO_SMALL,       /* one quantum less than asked for: nothing, if one was asked for */
    VMT_LIE_EMPTY,           /* no unit at all */
    VMT_LIE_WRAPS,           /* two quanta, of which the second is beyond the last address */
    VMT_LIE_UNCONSTRAINED    /* `size` units at the lowest place, whatever the constraints say */
};

struct vmt_source {
    vmem_addr_t start; /* of the range to hand out */
    vmem_addr_t last;  /* inclusive */
    enum vmt_source_manner manner;
    vmem_size_t extra;       /* units to give beyond what was asked for, where there is room */
    struct vmt_fuse fuse;    /* of import: a refusal returns `status` */
    int status;              /* ENOMEM unless changed */
    enum vmt_source_lie lie; /* told by ... */
    uint64_t lie_at;         /* ... this call of the fuse's count; 0 = every call */
    uint64_t imports;        /* spans handed out, lies not counted */
    uint64_t releases;       /* spans taken back, lies not counted */
    uint64_t lies;           /* told */
    uint64_t lies_released;  /* calls of release with what was a lie */
    struct vmem_range liar;  /* the last lie */
    bool has_lied;           /* liar means something */
    struct vmem_import_request request;            /* the last one */
    size_t span_count;                             /* spans out */
    vmem_size_t span_size;                         /* units out */
    struct vmem_range spans[VMT_SOURCE_SPANS_MAX]; /* those out, by address */
    void (*during_import)(void *arg); /* called inside of import, before anything else */
    void *during_import_arg;
    struct vmt_spin spin; /* holds for everything that import and release change */
};

/* size > 0; the range may end at VMEM_ADDR_MAX. */
void vmt_source_init(struct vmt_source *source, vmem_addr_t start, vmem_size_t size);

/* Check that every span came back. */
void vmt_source_fini(struct vmt_source *source);

/* The callbacks; arg is the struct vmt_source. */
vmem_import_fn vmt_source_import;
vmem_release_fn vmt_source_release;

#endif
