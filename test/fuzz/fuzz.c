/*
 * fuzz - what the fuzz harnesses share; the essay is in fuzz.h.   SPDX-License-Identifier: BSD-2-Clause
 */
#include "fuzz.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void
fuzz_broken(const char *file, int line, const char *rule)
{
    const char *slash = strrchr(file, '/');

    (void)fflush(stdout);
    (void)fprintf(stderr, "fuzz: %s:%d: %s\n", slash != NULL ? slash + 1 : file, line, rule);
    if (fuzz_told.count != 0) {
        (void)fprintf(stderr, "fuzz: the last of %u faults: %s\n", fuzz_told.count, fuzz_told.text);
    }
    abort();
}

/* -------------------------------------------------------------------------------------------------
 * The cursor
 * ---------------------------------------------------------------------------------------------- */

uint8_t
fuzz_byte(struct fuzz_input *in)
{
    if (in->left == 0) {
        return 0;
    }
    in->left--;
    return *in->at++;
}

unsigned
fuzz_below(struct fuzz_input *in, unsigned bound)
{
    return fuzz_byte(in) % bound;
}

bool
fuzz_chance(struct fuzz_input *in, unsigned of_256)
{
    return fuzz_byte(in) > 255 - of_256;
}

/* `count` bytes as a number. */
static uint64_t
raw(struct fuzz_input *in, unsigned count)
{
    uint64_t number = 0;

    for (unsigned i = 0; i < count; i++) {
        number = number << 8 | fuzz_byte(in);
    }
    return number;
}

uint64_t
fuzz_number(struct fuzz_input *in)
{
    const unsigned kind = fuzz_byte(in);

    switch (kind / 64) {
    case 0:
        return kind;
    case 1:
        return UINT64_C(1) << kind % 64;
    case 2:
        return (UINT64_C(1) << kind % 64) - 1;
    default:
        break;
    }
    if (kind < 224) {
        return UINT64_MAX - kind % 32;
    }
    return raw(in, kind < 236 ? 2 : kind < 244 ? 4 : 8);
}

struct fuzz_place
fuzz_place(struct fuzz_input *in, unsigned quanta_max)
{
    static const unsigned logs[] = { 0, 4, 12, 1, 0, 30, 55, 56 };
    const unsigned kind = fuzz_byte(in);
    const vmem_size_t quantum = (vmem_size_t)1 << logs[kind % 8];
    struct fuzz_place place = { .quantum = quantum, .quanta = 1 + fuzz_below(in, quanta_max) };

    switch (kind / 8 % 4) {
    case 0:
        break;
    case 1:
        place.base = 0 - place.quanta * quantum;
        break;
    case 2: /* with room on both sides */
        place.base = 16 * quantum;
        break;
    default: /* in the middle, across the sign bit */
        place.base = (UINT64_C(1) << 63) - place.quanta / 2 * quantum;
        break;
    }
    return place;
}

vmem_size_t
fuzz_size(struct fuzz_input *in, const struct fuzz_place *place)
{
    const unsigned kind = fuzz_byte(in);

    if (kind >= 252) {
        return fuzz_number(in);
    }
    if (kind < 128) {
        return (1 + kind % 16) * place->quantum;
    }
    if (kind < 192) { /* in need of rounding */
        return (1 + kind % 16) * place->quantum - fuzz_below(in, 4);
    }
    return fuzz_byte(in) * place->quantum;
}

vmem_addr_t
fuzz_addr(struct fuzz_input *in, const struct fuzz_place *place)
{
    const unsigned kind = fuzz_byte(in);
    vmem_addr_t addr;

    if (kind >= 248) {
        return fuzz_number(in);
    }
    addr = place->base + ((uint64_t)kind - 8) * place->quantum;
    switch (fuzz_below(in, 8)) {
    case 5:
        return addr + 1;
    case 6:
        return addr - 1;
    case 7:
        return addr + place->quantum / 2;
    default:
        return addr;
    }
}

unsigned
fuzz_flags(struct fuzz_input *in)
{
    static const unsigned policies[] = { 0, VMEM_INSTANTFIT, VMEM_BESTFIT, VMEM_FIRSTFIT,
        VMEM_NEXTFIT, VMEM_BESTFIT, VMEM_FIRSTFIT, VMEM_NEXTFIT };
    const unsigned kind = fuzz_byte(in);
    unsigned flags = policies[kind % 8];

    if (kind >= 244) { /* any flags: mostly wrong */
        return (unsigned)raw(in, 2);
    }
    flags |= kind / 8 % 4 == 3 ? VMEM_HIGH : 0;
    flags |= kind / 32 == 6 ? VMEM_NOWAIT : 0;
    return flags;
}

/* A power of two near the quantum and the size. */
static vmem_size_t
power(struct fuzz_input *in, const struct fuzz_place *place)
{
    const unsigned kind = fuzz_byte(in);

    return kind >= 248 ? fuzz_number(in) : place->quantum << kind % 8;
}

/* The last unit of a window that begins at addr_min. */
static vmem_addr_t
window_end(
    struct fuzz_input *in, const struct fuzz_place *place, const struct fuzz_request *request)
{
    const unsigned kind = fuzz_below(in, 4);
    const vmem_size_t rounded = (request->size + (place->quantum - 1)) & ~(place->quantum - 1);

    if (kind == 0) { /* one place */
        return request->addr_min + (rounded - 1);
    }
    if (kind == 1) { /* some places */
        return request->addr_min + (rounded - 1) + fuzz_byte(in) * (place->quantum / 2 + 1);
    }
    return fuzz_addr(in, place);
}

void
fuzz_request(struct fuzz_input *in, const struct fuzz_place *place, struct fuzz_request *request)
{
    enum { ALIGN = 1, PHASE = 2, NOCROSS = 4, MIN = 8, MAX = 16, ORDERED = 32, WILD = 0xc0 };
    const unsigned parts = fuzz_byte(in);
    const bool is_wild = (parts & WILD) == WILD;

    *request = (struct fuzz_request){ .size = fuzz_size(in, place), .addr_max = VMEM_ADDR_MAX };
    request->flags = fuzz_flags(in);
    if ((parts & ALIGN) != 0) {
        request->align = is_wild ? fuzz_number(in) : power(in, place);
    }
    if ((parts & PHASE) != 0) {
        request->phase = is_wild ? fuzz_number(in) : fuzz_byte(in) * place->quantum;
        if (!is_wild && request->align != 0) {
            request->phase %= request->align;
        }
    }
    if ((parts & NOCROSS) != 0) {
        request->nocross = is_wild ? fuzz_number(in) : power(in, place);
    }
    if ((parts & MIN) != 0) {
        request->addr_min = is_wild ? fuzz_number(in) : fuzz_addr(in, place);
    }
    if ((parts & MAX) != 0) {
        request->addr_max = is_wild ? fuzz_number(in) : window_end(in, place, request);
    }
    if ((parts & ORDERED) != 0 && request->addr_min > request->addr_max) {
        const vmem_addr_t other = request->addr_min;
        request->addr_min = request->addr_max;
        request->addr_max = other;
    }
}

int
fuzz_judge_request(const struct vmem_model *model, const struct fuzz_request *asked, bool has_lock,
    struct vmem_model_request *request)
{
    /* Without a lock nobody could wait: the model knows of no lock. */
    if (!has_lock && (asked->flags & VMEM_WAIT) != 0) {
        return EINVAL;
    }
    return vmem_model_request(model, asked->size, asked->align, asked->phase, asked->nocross,
        asked->addr_min, asked->addr_max, asked->flags, request);
}

/* -------------------------------------------------------------------------------------------------
 * The fatal hook
 * ---------------------------------------------------------------------------------------------- */

struct fuzz_told fuzz_told;

static void
hear(void *arg, const struct vmem_fault *fault)
{
    (void)arg;
    FUZZ_REQUIRE(fault->text != NULL && strncmp(fault->text, "vmem: ", 6) == 0,
        "a fault has a line of text");
    fuzz_told.count++;
    fuzz_told.fault = *fault;
    (void)snprintf(fuzz_told.text, sizeof fuzz_told.text, "%s", fault->text);
}

void
fuzz_listen(void)
{
    fuzz_told.count = 0;
    vmem_set_fatal_hook(hear, NULL);
}

void
fuzz_expect_silence(void)
{
    FUZZ_REQUIRE(fuzz_told.count == 0, "the fatal hook is not called for what is right");
}

void
fuzz_expect_fault(enum vmem_fault_code code)
{
    FUZZ_REQUIRE(fuzz_told.count == 1, "misuse is reported, once");
    FUZZ_REQUIRE(fuzz_told.fault.code == code, "misuse is reported as what it is");
    fuzz_told.count = 0;
}

/* -------------------------------------------------------------------------------------------------
 * Tags
 * ---------------------------------------------------------------------------------------------- */

enum { TAG_ALIGN_BYTES = 64, TAG_BYTES_MIN = 8192 };

static bool
is_refused(struct fuzz_tags *tags)
{
    if (tags->fuse == 0 || --tags->fuse != 0) {
        return false;
    }
    tags->fuse = tags->stays_blown ? 1 : 0;
    tags->refused++;
    return true;
}

static void *
tags_get(void *arg, size_t bytes)
{
    struct fuzz_tags *tags = arg;
    void *memory;

    FUZZ_REQUIRE(bytes >= TAG_BYTES_MIN && (bytes & (bytes - 1)) == 0,
        "tags are asked for in powers of two from 8192");
    if (is_refused(tags)) {
        return NULL;
    }
    memory = aligned_alloc(TAG_ALIGN_BYTES, bytes);
    if (memory == NULL) {
        abort();
    }
    memset(memory, 0, bytes);
    tags->live++;
    return memory;
}

static void
tags_put(void *arg, void *memory, size_t bytes)
{
    struct fuzz_tags *tags = arg;

    (void)bytes;
    FUZZ_REQUIRE(tags->live > 0, "what is put back was got");
    tags->live--;
    free(memory);
}

void
fuzz_tags_init(struct fuzz_tags *tags)
{
    *tags = (struct fuzz_tags){ 0 };
    tags->source = (struct vmem_tag_source){ .get = tags_get, .put = tags_put, .arg = tags };
}

void
fuzz_tags_fini(const struct fuzz_tags *tags)
{
    FUZZ_REQUIRE(tags->live == 0, "all memory for tags is put back");
}
