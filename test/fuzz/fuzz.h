/*
 * fuzz.h - what the fuzz harnesses share.                         SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. What it is for
 *    A *harness* is one function, LLVMFuzzerTestOneInput(), that does something with any bytes and
 *    ends the process if the library (or a parser) was wrong.  The same object works under libFuzzer,
 *    under AFL++ (main_afl.c) and in a plain program that repeats files (main_replay.c): README.md.
 *
 * 2. How bytes become calls
 *    Harnesses about arenas read their input through a cursor.  It never ends: behind the last byte
 *    there are zeros, and a harness stops where the input is used up.  Numbers are drawn so that the
 *    interesting ones are short: a byte or two say "the arena's third quantum, less one unit", and
 *    any number of 64 bits can be said as well.  So a mutated byte is another call, not noise.
 *
 * 3. What is judged
 *    FUZZ_REQUIRE(condition, "rule") is checked in every build.  A broken rule is printed with file
 *    and line, and abort() tells the engine.
 *
 * 4. Locking and failure
 *    One thread; one input at a time.  No state is kept from one input to the next but the fatal hook.
 */
#ifndef VMEM_FUZZ_H
#define VMEM_FUZZ_H

#include "model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <vmem/vmem.h>

/* The harness.  Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_REQUIRE(condition, rule) \
    do { \
        if (!(condition)) { \
            fuzz_broken(__FILE__, __LINE__, (rule)); \
        } \
    } while (0)

/* Print the rule that was broken, and end the process. */
_Noreturn void fuzz_broken(const char *file, int line, const char *rule);

/* -------------------------------------------------------------------------------------------------
 * The cursor
 * ---------------------------------------------------------------------------------------------- */

struct fuzz_input {
    const uint8_t *at;
    size_t left;
};

uint8_t fuzz_byte(struct fuzz_input *in);

/* A number below `bound`, 1 .. 256, from one byte. */
unsigned fuzz_below(struct fuzz_input *in, unsigned bound);

/* True `of_256` times of 256; a missing byte is false. */
bool fuzz_chance(struct fuzz_input *in, unsigned of_256);

/* Any number of 64 bits: small ones, powers of two and their neighbours in one byte. */
uint64_t fuzz_number(struct fuzz_input *in);

/* Where an arena lies, so that numbers can be drawn where something happens. */
struct fuzz_place {
    vmem_addr_t base;
    vmem_size_t quantum;
    unsigned quanta; /* at most FUZZ_QUANTA_MAX */
};

enum { FUZZ_QUANTA_MAX = 224 };

/* A place at address 0, somewhere, or ending at 2^64-1, of up to `quanta_max` quanta. */
struct fuzz_place fuzz_place(struct fuzz_input *in, unsigned quanta_max);

/* A size or an address, mostly of that place, sometimes anything. */
vmem_size_t fuzz_size(struct fuzz_input *in, const struct fuzz_place *place);
vmem_addr_t fuzz_addr(struct fuzz_input *in, const struct fuzz_place *place);

/* The arguments of vmem_xalloc(). */
struct fuzz_request {
    vmem_size_t size;
    vmem_size_t align;
    vmem_size_t phase;
    vmem_size_t nocross;
    vmem_addr_t addr_min;
    vmem_addr_t addr_max;
    unsigned flags;
};

/* Mostly a valid one; any argument can be any number. */
void fuzz_request(
    struct fuzz_input *in, const struct fuzz_place *place, struct fuzz_request *request);

unsigned fuzz_flags(struct fuzz_input *in);

/* What the model says of it: 0 and *request, or the status of a request that is not valid. */
int fuzz_judge_request(const struct vmem_model *model, const struct fuzz_request *asked,
    bool has_lock, struct vmem_model_request *request);

/* -------------------------------------------------------------------------------------------------
 * The fatal hook: it notes what it is told, and returns
 * ---------------------------------------------------------------------------------------------- */

struct fuzz_told {
    unsigned count;
    struct vmem_fault fault; /* the last one; its text is in `text` */
    char text[256];
};

extern struct fuzz_told fuzz_told;

/* Install the hook and forget what was told. */
void fuzz_listen(void);

/* Nothing was told since fuzz_listen() or the last fuzz_expect_fault(). */
void fuzz_expect_silence(void);

/* One fault was told, this one. */
void fuzz_expect_fault(enum vmem_fault_code code);

/* -------------------------------------------------------------------------------------------------
 * A source of tags that fails when it is told to
 * ---------------------------------------------------------------------------------------------- */

struct fuzz_tags {
    struct vmem_tag_source source; /* give this to the library */
    unsigned fuse;                 /* the fuse-th get from now fails; 0 = none */
    bool stays_blown;              /* and so do all after it */
    uint64_t refused;              /* gets that failed */
    size_t live;                   /* blocks out */
};

void fuzz_tags_init(struct fuzz_tags *tags);

/* All blocks came back. */
void fuzz_tags_fini(const struct fuzz_tags *tags);

#endif
