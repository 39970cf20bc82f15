/*
 * unit.h - what several unit tests need: a fed slab, and checks of checkers.
 *                                                                  SPDX-License-Identifier: BSD-2-Clause
 *
 * CHECK_HOLDS(vmi_slab_check(&slab)) wants no broken invariant, CHECK_BREAKS(..., "SL2") wants exactly
 * that one: the text must begin with "SL2:".  Whatever else the checker says is printed.
 */
#ifndef VMT_UNIT_H
#define VMT_UNIT_H

#include "structures/slab.h"
#include "vmt.h"

#define CHECK_HOLDS(broken) vmt_check_invariant((broken), "", __FILE__, __LINE__)
#define CHECK_BREAKS(broken, id) vmt_check_invariant((broken), (id), __FILE__, __LINE__)

/* `id` names the invariant that must be broken; "" = none. */
static inline void
vmt_check_invariant(const char *broken, const char *id, const char *file, int line)
{
    size_t i = 0;

    vmt_count_check();
    if (broken == NULL || id[0] == '\0') {
        if (broken != NULL || id[0] != '\0') {
            vmt_fail(file, line, broken != NULL ? broken : "a broken invariant goes unnoticed");
            vmt_note(id);
        }
        return;
    }
    while (id[i] != '\0' && broken[i] == id[i]) {
        i++;
    }
    if (id[i] != '\0' || broken[i] != ':') {
        vmt_fail(file, line, broken);
        vmt_note(id);
    }
}

/* Zeroed memory from the platform. */
static inline void *
vmt_zeroed(size_t bytes)
{
    unsigned char *memory = vmt_port_get(bytes);

    for (size_t i = 0; memory != NULL && i < bytes; i++) {
        memory[i] = 0;
    }
    return memory;
}

static inline void
vmt_slab_put(void *arg, void *memory, size_t bytes)
{
    (void)arg;
    vmt_port_put(memory, bytes);
}

/* Add chunks, and a larger directory where it is needed, until `count` slots are free. */
static inline void
vmt_slab_feed(struct vmi_slab *slab, uint32_t count)
{
    while (slab->free_count < count) {
        size_t bytes;
        if (vmi_slab_dir_is_full(slab, &bytes)) {
            size_t old_bytes;
            void *old = vmi_slab_dir_replace(slab, vmt_zeroed(bytes), bytes, &old_bytes);
            if (old != NULL) {
                vmt_port_put(old, old_bytes);
            }
        }
        bytes = vmi_slab_chunk_bytes(slab);
        vmi_slab_add_chunk(slab, vmt_zeroed(bytes), bytes);
    }
}

static inline void
vmt_slab_end(struct vmi_slab *slab)
{
    vmi_slab_release(slab, vmt_slab_put, NULL);
}

#endif
