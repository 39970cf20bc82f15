/*
 * vmt.h - the project's test harness.                             SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. What it is for
 *    One test file is one program.  It lists its tests in a table, and its name ends there:
 *
 *        static void
 *        test_a_new_arena_is_empty(void)
 *        {
 *            CHECK_U64(vmem_size(arena, VMEM_ALLOC), ==, 0);
 *        }
 *
 *        static const struct vmt_test tests[] = {
 *            VMT_TEST(test_a_new_arena_is_empty),
 *        };
 *        VMT_SUITE(tests);
 *
 * 2. What it prints
 *    TAP, a seed, and as the last line "N passed, N failed" (", N skipped" if any).  The exit status
 *    is 0 only if a test was run and none failed.  A test that makes no check has failed.
 *
 * 3. Where it runs
 *    vmt.c, vmt_fault.c, vmt_tags.c and vmt_source.c are freestanding: they need the four
 *    vmt_port_ functions below and memcpy/memset.  vmt_host.c provides those, and main(), for a
 *    POSIX system; a kernel provides its own and calls vmt_run(&vmt_suite, &options).
 *
 * 4. Threads
 *    Checks may be made from any thread.  vmt_context() and EXPECT_FATAL are for one thread.
 */
#ifndef VMT_VMT_H
#define VMT_VMT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* -------------------------------------------------------------------------------------------------
 * Tests and how to run them
 * ---------------------------------------------------------------------------------------------- */

struct vmt_test {
    const char *name; /* a sentence: test_a_failed_add_changes_nothing */
    void (*run)(void);
};

struct vmt_suite {
    const char *file;
    const struct vmt_test *tests;
    size_t count;
};

/* What the command line says. */
struct vmt_options {
    const char *filter; /* run tests whose name contains it; NULL = all */
    bool list_only;     /* print the names, run nothing */
    uint64_t seed;      /* of this run */
    uint64_t ops;       /* what vmt_ops() returns; 0 = what the test proposes */
    uint64_t ops_max;   /* but never more than so many; 0 = no bound */
};

/* The program's tests; VMT_SUITE defines it. */
extern const struct vmt_suite vmt_suite;

#define VMT_TEST(function) \
    { \
#function, function \
    }
#define VMT_SUITE(table) \
    const struct vmt_suite vmt_suite = { __FILE__, table, sizeof(table) / sizeof(table)[0] }

/* Run the suite.  Returns the exit status: 0 if a test was run and none failed, else 1. */
int vmt_run(const struct vmt_suite *suite, const struct vmt_options *options);

/* Leave the test out: the present one counts as skipped.  Return from it after the call. */
void vmt_skip(const char *why);

/* -------------------------------------------------------------------------------------------------
 * Checks: they report, count and go on
 * ---------------------------------------------------------------------------------------------- */

#define CHECK(cond) (void)vmt_check((cond), __FILE__, __LINE__, "CHECK(" #cond ")")

/* CHECK_U64(found, ==, 7): any comparison; both values are printed. */
#define CHECK_U64(a, op, b) \
    do { \
        const uint64_t vmt_a_ = (uint64_t)(a); \
        const uint64_t vmt_b_ = (uint64_t)(b); \
        (void)vmt_check_u64( \
            vmt_a_ op vmt_b_, vmt_a_, vmt_b_, __FILE__, __LINE__, #a " " #op " " #b); \
    } while (0)

/* Equal text; NULL equals only NULL. */
#define CHECK_STR(a, b) (void)vmt_check_str((a), (b), __FILE__, __LINE__, #a " is " #b)

/* For what the rest of a test stands on; only in functions that return void. */
#define CHECK_OR_RETURN(cond) \
    do { \
        if (!vmt_check((cond), __FILE__, __LINE__, "CHECK_OR_RETURN(" #cond ")")) { \
            return; \
        } \
    } while (0)

/* Report a failure that is not the value of an expression. */
#define FAIL(text) vmt_fail(__FILE__, __LINE__, (text))

/* Checks made in the present test: exact unless threads check at the same time. */
extern atomic_ulong vmt_check_count;

void vmt_fail(const char *file, int line, const char *text);
void vmt_fail_u64(uint64_t a, uint64_t b, const char *file, int line, const char *text);
bool vmt_check_str(const char *a, const char *b, const char *file, int line, const char *text);

/* Two plain moves on most machines, so that a check costs next to nothing in a long random test. */
static inline void
vmt_count_check(void)
{
    const unsigned long count = atomic_load_explicit(&vmt_check_count, memory_order_relaxed);

    atomic_store_explicit(&vmt_check_count, count + 1, memory_order_relaxed);
}

static inline bool
vmt_check(bool holds, const char *file, int line, const char *text)
{
    vmt_count_check();
    if (!holds) {
        vmt_fail(file, line, text);
    }
    return holds;
}

static inline bool
vmt_check_u64(bool holds, uint64_t a, uint64_t b, const char *file, int line, const char *text)
{
    vmt_count_check();
    if (!holds) {
        vmt_fail_u64(a, b, file, line, text);
    }
    return holds;
}

/* True if the present test has failed already: for ending long loops. */
bool vmt_failed(void);

/* -------------------------------------------------------------------------------------------------
 * What a test may say and ask
 * ---------------------------------------------------------------------------------------------- */

/* Print "# text" and "# text value". */
void vmt_note(const char *text);
void vmt_note_u64(const char *text, uint64_t value);

/* Added to each failure that follows in this test: "... (operation 4711)".  NULL takes it away. */
void vmt_context(const char *what, uint64_t value);

/* Seed of the present test: follows from the run's seed and the test's name alone. */
uint64_t vmt_seed(void);

/* How many operations a random test makes: `proposed`, unless the command line says --ops. */
uint64_t vmt_ops(uint64_t proposed);

/* A small random number generator (splitmix64). */
struct vmt_rng {
    uint64_t state;
};

uint64_t vmt_rng_next(struct vmt_rng *rng);

/* Uniform in 0 .. bound - 1; 0 if bound is 0. */
uint64_t vmt_rng_below(struct vmt_rng *rng, uint64_t bound);

/* Fails the k-th of a series of calls, once or from then on.  Zero-initialised: never. */
struct vmt_fuse {
    uint64_t calls;   /* so far */
    uint64_t fail_at; /* number of the call to fail, from 1; 0 = none */
    bool fail_on;     /* and every call after it */
    uint64_t failed;  /* calls failed so far */
};

/* Count one call.  Returns true if it is to fail. */
bool vmt_fuse_blows(struct vmt_fuse *fuse);

/* Start counting anew; fail call number `fail_at` from here, 0 = none. */
void vmt_fuse_set(struct vmt_fuse *fuse, uint64_t fail_at, bool fail_on);

/* A lock for the harness's own records, where callbacks may come from several threads. */
struct vmt_spin {
    atomic_uint is_held; /* 0 or 1: an exchange of single bytes is a library call on riscv64 */
};

void vmt_spin_enter(struct vmt_spin *spin);
void vmt_spin_exit(struct vmt_spin *spin);

/* -------------------------------------------------------------------------------------------------
 * What the platform provides
 * ---------------------------------------------------------------------------------------------- */

/* Print. */
void vmt_port_write(const char *text, size_t length);

/* A number that differs from run to run. */
uint64_t vmt_port_entropy(void);

/* Memory aligned to 64, not cleared; NULL if there is none.  And back. */
void *vmt_port_get(size_t bytes);
void vmt_port_put(void *memory, size_t bytes);

#endif
