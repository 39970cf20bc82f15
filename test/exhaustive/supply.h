/*
 * supply.h - memory for tags that may fail.                        SPDX-License-Identifier: BSD-2-Clause
 *
 * Where callbacks fail, every arena has a tag source that hands out memory from its own part of the block, so
 * that what it has handed out is saved and restored like all else.  It fails when the *fuse* blows; the
 * import function of a world that has one hangs on the same fuse.
 */
#ifndef VMX_SUPPLY_H
#define VMX_SUPPLY_H

#include "explore.h"

/* When fallible callbacks fail.  Set anew before each call; counts what that call does. */
struct vmx_fuse {
    unsigned at;     /* the call that fails, from 1; 0 = none */
    bool onward;     /* and all later ones */
    unsigned calls;  /* made */
    unsigned failed; /* of these */
    bool is_full;    /* the part has no memory left: the explorer's fault */
    bool is_misused; /* what came back had not been handed out like that */
};

extern struct vmx_fuse vmx_fuse;

/* Arm the fuse, or with 0 disarm it, and begin to count. */
void vmx_fuse_set(unsigned at, bool onward);

/* A fallible callback is made: does it fail? */
bool vmx_fuse_blows(void);

/* The tag source of a part. */
struct vmem_tag_source vmx_supply_of(struct vmx_part *part);

/* Bytes that are handed out. */
size_t vmx_supply_bytes(const struct vmx_part *part);

#endif
