/*
 * vmt_faulty - the loops and steps of vmt_faulty.h.                SPDX-License-Identifier: BSD-2-Clause
 */
#include "vmt_faulty.h"

#include "vmt_picture.h"

#include <errno.h>
#include <string.h>

static struct vmt_picture before;

static void
look_before(const struct vmt_faulty *f)
{
    if (f->is_careful) {
        vmt_picture_take(&before, f->arena);
    }
}

/* A call was refused: nothing else happened. */
static void
look_after_refusal(struct vmt_faulty *f)
{
    f->refused++;
    if (f->is_careful) {
        CHECK_UNCHANGED(&before, f->arena);
    }
}

bool
vmt_faulty_create(struct vmt_faulty *f, const struct vmem_options *options)
{
    struct vmem_options mine = *options;
    int status;

    mine.tags = f->tags.source;
    status = vmem_create_with(&mine, &f->arena);
    CHECK(status == 0 || status == ENOMEM);
    f->refused += status != 0;
    if (status != 0) {
        CHECK(f->arena == NULL);
        CHECK_U64(f->tags.live_count, ==, 0);
    }
    return status == 0;
}

void
vmt_faulty_add(struct vmt_faulty *f, vmem_addr_t start, vmem_size_t size)
{
    int status;

    look_before(f);
    status = vmem_add(f->arena, start, size, 0);
    CHECK(status == 0 || status == ENOMEM);
    if (status != 0) {
        look_after_refusal(f);
    }
}

bool
vmt_faulty_alloc(struct vmt_faulty *f, vmem_size_t size, const struct vmem_constraint *constraint,
    unsigned flags)
{
    vmem_addr_t addr = 77;
    int status;

    if (f->live == VMT_FAULTY_LIVE_MAX) {
        FAIL("too many allocations for the scenario's table");
        return false;
    }
    look_before(f);
    status = vmem_xalloc_with(f->arena, size, constraint, flags, &addr);
    CHECK(status == 0 || status == ENOMEM);
    if (status != 0) {
        CHECK_U64(addr, ==, 77);
        look_after_refusal(f);
        return false;
    }
    if (constraint != NULL) {
        CHECK_U64(addr, >=, constraint->addr_min);
    }
    f->range[f->live++] = (struct vmem_range){ .start = addr, .size = size };
    return true;
}

void
vmt_faulty_free(struct vmt_faulty *f, unsigned which)
{
    vmem_free(f->arena, f->range[which].start, f->range[which].size);
    f->range[which] = f->range[--f->live];
}

void
vmt_faulty_free_all(struct vmt_faulty *f)
{
    while (f->live > 0) {
        vmt_faulty_free(f, (unsigned)((f->live * 40503ull) % f->live));
        if (f->is_careful) {
            CHECK_INTACT(f->arena);
        }
    }
    CHECK_U64(vmem_size(f->arena, VMEM_ALLOC), ==, 0);
}

enum target { TAGS, IMPORTS };

/* One run.  Returns whether anything failed in it. */
static bool
run_once(vmt_faulty_fn *scenario, enum target target, uint64_t k, bool fail_on, uint64_t *calls)
{
    static struct vmt_faulty f;
    struct vmt_fuse *fuse = target == TAGS ? &f.tags.fuse : &f.source.fuse;

    memset(&f, 0, sizeof f);
    vmt_tags_init(&f.tags);
    vmt_source_init(&f.source, 0x100000, 0x1000000);
    f.is_careful = true;
    vmt_fuse_set(fuse, k, fail_on);
    scenario(&f);
    if (f.arena != NULL) {
        CHECK_INTACT(f.arena);
        vmt_faulty_free_all(&f);
        CHECK_INTACT(f.arena);
        CHECK_U64(vmem_destroy(f.arena), ==, 0);
    }
    vmt_source_fini(&f.source);
    vmt_tags_fini(&f.tags);
    CHECK(f.refused == 0 || fuse->failed != 0); /* no refusal without a reason */
    *calls = fuse->calls;
    return fuse->failed != 0;
}

static void
run_all(vmt_faulty_fn *scenario, enum target target, uint64_t calls_at_least)
{
    for (unsigned fail_on = 0; fail_on < 2; fail_on++) {
        uint64_t calls = 0;
        uint64_t k = 1;

        do {
            vmt_context(fail_on ? "failing from call" : "failing call", k);
        } while (run_once(scenario, target, k++, fail_on, &calls) && !vmt_failed());
        vmt_context(NULL, 0);
        CHECK_U64(calls, >=, calls_at_least); /* the scenario did use the callback */
    }
}

void
vmt_faulty_tags(vmt_faulty_fn *scenario, uint64_t calls_at_least)
{
    run_all(scenario, TAGS, calls_at_least);
}

void
vmt_faulty_imports(vmt_faulty_fn *scenario, uint64_t calls_at_least)
{
    run_all(scenario, IMPORTS, calls_at_least);
}
