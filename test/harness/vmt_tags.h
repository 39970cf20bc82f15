/*
 * vmt_tags.h - a tag source that counts, checks and fails.        SPDX-License-Identifier: BSD-2-Clause
 *
 *     struct vmt_tags tags;
 *     vmt_tags_init(&tags);
 *     vmt_fuse_set(&tags.fuse, k, false);            fail the k-th call from here, once
 *     options.tags = tags.source;
 *     ...
 *     vmt_tags_fini(&tags);                          fails the test if a block was not put back
 *
 * It checks the library's side of the contract: sizes are powers of two from 8192 up, and what is
 * put back was got, is put back once and with its size.  Blocks are zeroed as promised, guarded on
 * both sides, and overwritten when they come back.
 */
#ifndef VMT_TAGS_H
#define VMT_TAGS_H

#include "vmem/vmem.h"
#include "vmt.h"

struct vmt_tag_block;

struct vmt_tags {
    struct vmem_tag_source source; /* give this to the library */
    struct vmt_fuse fuse;          /* of get */
    uint64_t puts;
    size_t live_count; /* blocks out */
    size_t live_bytes;
    size_t peak_bytes;             /* largest live_bytes so far */
    void (*during_get)(void *arg); /* called inside of get, before anything else; NULL = none */
    void *during_get_arg;
    struct vmt_tag_block *blocks; /* those out, youngest first */
    struct vmt_spin spin;         /* holds for everything but source and during_get */
};

void vmt_tags_init(struct vmt_tags *tags);

/* Check that everything came back; give to the platform what did not. */
void vmt_tags_fini(struct vmt_tags *tags);

#endif
