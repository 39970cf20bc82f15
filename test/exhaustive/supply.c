/*
 * supply - memory for tags that may fail; the essay is in supply.h.
 *                                                                  SPDX-License-Identifier: BSD-2-Clause
 */
#include "supply.h"

#include <string.h>

enum { UNIT = VMX_SUPPLY_UNIT, UNITS = VMX_TAG_BYTES / UNIT };

struct vmx_fuse vmx_fuse;

void
vmx_fuse_set(unsigned at, bool onward)
{
    vmx_fuse = (struct vmx_fuse){ .at = at, .onward = onward };
}

bool
vmx_fuse_blows(void)
{
    const unsigned call = ++vmx_fuse.calls;
    const bool blows =
        vmx_fuse.at != 0 && (vmx_fuse.onward ? call >= vmx_fuse.at : call == vmx_fuse.at);

    vmx_fuse.failed += blows ? 1 : 0;
    return blows;
}

static bool
has(const uint64_t *set, unsigned unit)
{
    return (set[unit / 64] >> (unit % 64) & 1) != 0;
}

static void
flip(uint64_t *set, unsigned unit)
{
    set[unit / 64] ^= (uint64_t)1 << (unit % 64);
}

static void *
get(void *arg, size_t bytes)
{
    struct vmx_part *part = arg;
    const unsigned wanted = (unsigned)(bytes / UNIT);
    unsigned open = 0;

    if (vmx_fuse_blows()) {
        return NULL;
    }
    for (unsigned end = 0; end < UNITS;) {
        if (end % 64 == 0 && part->used[end / 64] == UINT64_MAX) {
            open = 0;
            end += 64;
            continue;
        }
        open = has(part->used, end) ? 0 : open + 1;
        end++;
        if (open == wanted) {
            for (unsigned i = end - wanted; i < end; i++) {
                flip(part->used, i);
            }
            flip(part->begins, end - wanted);
            (void)memset(&part->tags[(end - wanted) * UNIT], 0, bytes);
            return &part->tags[(end - wanted) * UNIT];
        }
    }
    vmx_fuse.is_full = true;
    return NULL;
}

static void
put(void *arg, void *memory, size_t bytes)
{
    struct vmx_part *part = arg;
    const size_t offset = (size_t)((unsigned char *)memory - part->tags);
    const unsigned from = (unsigned)(offset / UNIT);
    const unsigned end = from + (unsigned)(bytes / UNIT);

    if (offset % UNIT != 0 || bytes % UNIT != 0 || end > UNITS || !has(part->begins, from)) {
        vmx_fuse.is_misused = true;
        return;
    }
    flip(part->begins, from);
    for (unsigned i = from; i < end; i++) {
        vmx_fuse.is_misused = vmx_fuse.is_misused || !has(part->used, i) || has(part->begins, i);
        flip(part->used, i);
    }
    vmx_fuse.is_misused =
        vmx_fuse.is_misused || (end < UNITS && has(part->used, end) && !has(part->begins, end));
}

struct vmem_tag_source
vmx_supply_of(struct vmx_part *part)
{
    return (struct vmem_tag_source){ .get = get, .put = put, .arg = part };
}

size_t
vmx_supply_bytes(const struct vmx_part *part)
{
    size_t units = 0;

    for (unsigned i = 0; i < sizeof part->used / sizeof part->used[0]; i++) {
        units += (size_t)__builtin_popcountll(part->used[i]);
    }
    return units * UNIT;
}
