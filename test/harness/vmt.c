/*
 * vmt - run tests, count, print.                                  SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. How it works
 *    A test is a function that returns.  Checks note failures and go on, so nothing here needs to
 *    unwind a stack: no setjmp, no signals, no processes.  A test that crashes ends its program;
 *    the missing last line and the exit status tell.
 *
 * 2. Output
 *    Each line is put together on the stack and written at once, so that lines of several threads
 *    do not mix.  Of each test only the first 20 failures are printed; all are counted.
 */
#include "vmt.h"

#include "vmt_fault.h"

enum {
    LINE_BYTES = 1024,
    FAILURES_PRINTED_MAX = 20,
};

/* One line in the making; what does not fit is cut off. */
struct line {
    char text[LINE_BYTES];
    size_t length;
};

atomic_ulong vmt_check_count;

/* State of the present test. */
static atomic_ulong failure_count;
static const char *skip_reason;
static const char *context_what;
static uint64_t context_value;
static uint64_t test_seed;

static uint64_t ops_wanted;
static uint64_t ops_max; /* 0 = no bound */

/* -------------------------------------------------------------------------------------------------
 * Lines
 * ---------------------------------------------------------------------------------------------- */

static void
line_put(struct line *line, const char *text)
{
    while (*text != '\0' && line->length < LINE_BYTES - 1) {
        line->text[line->length++] = *text++;
    }
}

static void
line_put_base(struct line *line, uint64_t value, unsigned base)
{
    char digits[21];
    size_t at = sizeof digits - 1;

    digits[at] = '\0';
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    line_put(line, &digits[at]);
}

static void
line_put_u64(struct line *line, uint64_t value)
{
    line_put_base(line, value, 10);
}

/* In decimal, and in hexadecimal where that is easier to read. */
static void
line_put_value(struct line *line, uint64_t value)
{
    line_put_u64(line, value);
    if (value > 0xffff) {
        line_put(line, " [0x");
        line_put_base(line, value, 16);
        line_put(line, "]");
    }
}

static void
line_end(struct line *line)
{
    line->text[line->length++] = '\n';
    vmt_port_write(line->text, line->length);
    line->length = 0;
}

/* -------------------------------------------------------------------------------------------------
 * Failures
 * ---------------------------------------------------------------------------------------------- */

/* Count a failure.  Returns true if it is to be printed, and has begun the line. */
static bool
failure_begin(struct line *line, const char *file, int line_number, const char *text)
{
    const unsigned long before = atomic_fetch_add(&failure_count, 1);

    if (before >= FAILURES_PRINTED_MAX) {
        return false;
    }
    line->length = 0;
    line_put(line, "# ");
    line_put(line, file);
    line_put(line, ":");
    line_put_u64(line, (uint64_t)line_number);
    line_put(line, ": ");
    line_put(line, text);
    return true;
}

static void
failure_end(struct line *line)
{
    if (context_what != NULL) {
        line_put(line, " (");
        line_put(line, context_what);
        line_put(line, " ");
        line_put_u64(line, context_value);
        line_put(line, ")");
    }
    line_end(line);
}

void
vmt_fail(const char *file, int line_number, const char *text)
{
    struct line line;

    if (failure_begin(&line, file, line_number, text)) {
        failure_end(&line);
    }
}

void
vmt_fail_u64(uint64_t a, uint64_t b, const char *file, int line_number, const char *text)
{
    struct line line;

    if (failure_begin(&line, file, line_number, text)) {
        line_put(&line, ": ");
        line_put_value(&line, a);
        line_put(&line, ", ");
        line_put_value(&line, b);
        failure_end(&line);
    }
}

static bool
same_text(const char *a, const char *b)
{
    if (a == NULL || b == NULL) {
        return a == b;
    }
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

bool
vmt_check_str(const char *a, const char *b, const char *file, int line_number, const char *text)
{
    struct line line;

    vmt_count_check();
    if (same_text(a, b)) {
        return true;
    }
    if (failure_begin(&line, file, line_number, text)) {
        line_put(&line, ": \"");
        line_put(&line, a != NULL ? a : "(NULL)");
        line_put(&line, "\", \"");
        line_put(&line, b != NULL ? b : "(NULL)");
        line_put(&line, "\"");
        failure_end(&line);
    }
    return false;
}

bool
vmt_failed(void)
{
    return atomic_load(&failure_count) != 0;
}

/* -------------------------------------------------------------------------------------------------
 * What a test may say and ask
 * ---------------------------------------------------------------------------------------------- */

void
vmt_note(const char *text)
{
    struct line line = { .length = 0 };

    line_put(&line, "# ");
    line_put(&line, text);
    line_end(&line);
}

void
vmt_note_u64(const char *text, uint64_t value)
{
    struct line line = { .length = 0 };

    line_put(&line, "# ");
    line_put(&line, text);
    line_put(&line, " ");
    line_put_u64(&line, value);
    line_end(&line);
}

void
vmt_context(const char *what, uint64_t value)
{
    context_what = what;
    context_value = value;
}

void
vmt_skip(const char *why)
{
    skip_reason = why;
}

uint64_t
vmt_seed(void)
{
    return test_seed;
}

uint64_t
vmt_ops(uint64_t proposed)
{
    const uint64_t ops = ops_wanted != 0 ? ops_wanted : proposed;

    return ops_max != 0 && ops > ops_max ? ops_max : ops;
}

uint64_t
vmt_rng_next(struct vmt_rng *rng)
{
    uint64_t z;

    rng->state += 0x9e3779b97f4a7c15u;
    z = rng->state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t
vmt_rng_below(struct vmt_rng *rng, uint64_t bound)
{
    uint64_t value;

    if (bound == 0) {
        return 0;
    }
    /* Values beyond the last whole multiple of bound would favour small results. */
    do {
        value = vmt_rng_next(rng);
    } while (value > UINT64_MAX - (UINT64_MAX % bound + 1) % bound);
    return value % bound;
}

bool
vmt_fuse_blows(struct vmt_fuse *fuse)
{
    const uint64_t call = ++fuse->calls;
    const bool blows =
        fuse->fail_at != 0 && (fuse->fail_on ? call >= fuse->fail_at : call == fuse->fail_at);

    fuse->failed += blows;
    return blows;
}

void
vmt_fuse_set(struct vmt_fuse *fuse, uint64_t fail_at, bool fail_on)
{
    *fuse = (struct vmt_fuse){ .fail_at = fail_at, .fail_on = fail_on };
}

void
vmt_spin_enter(struct vmt_spin *spin)
{
    while (atomic_exchange_explicit(&spin->is_held, 1, memory_order_acquire)) {
    }
}

void
vmt_spin_exit(struct vmt_spin *spin)
{
    atomic_store_explicit(&spin->is_held, 0, memory_order_release);
}

/* -------------------------------------------------------------------------------------------------
 * Running
 * ---------------------------------------------------------------------------------------------- */

static bool
contains_text(const char *text, const char *part)
{
    for (; *text != '\0'; text++) {
        size_t i = 0;

        while (part[i] != '\0' && text[i] == part[i]) {
            i++;
        }
        if (part[i] == '\0') {
            return true;
        }
    }
    return *part == '\0';
}

static bool
is_wanted(const struct vmt_test *test, const struct vmt_options *options)
{
    return options->filter == NULL || contains_text(test->name, options->filter);
}

/* The same whichever other tests are run. */
static uint64_t
seed_of(const struct vmt_test *test, uint64_t run_seed)
{
    struct vmt_rng rng = { .state = run_seed };

    for (const char *c = test->name; *c != '\0'; c++) {
        rng.state = vmt_rng_next(&rng) ^ (unsigned char)*c;
    }
    return vmt_rng_next(&rng);
}

enum outcome {
    OUTCOME_PASSED,
    OUTCOME_FAILED,
    OUTCOME_SKIPPED,
    OUTCOME_COUNT,
};

static enum outcome
run_test(const struct vmt_test *test, uint64_t run_seed)
{
    atomic_store(&vmt_check_count, 0);
    atomic_store(&failure_count, 0);
    skip_reason = NULL;
    vmt_context(NULL, 0);
    test_seed = seed_of(test, run_seed);

    vmt_fault_install();
    test->run();
    vmt_fault_install(); /* whatever hook the test left behind */

    if (!vmt_failed() && skip_reason != NULL) {
        return OUTCOME_SKIPPED;
    }
    if (!vmt_failed() && atomic_load(&vmt_check_count) == 0) {
        vmt_fail(test->name, 0, "the test made no check");
    }
    if (atomic_load(&failure_count) > FAILURES_PRINTED_MAX) {
        vmt_note_u64("failures in all:", atomic_load(&failure_count));
    }
    return vmt_failed() ? OUTCOME_FAILED : OUTCOME_PASSED;
}

static void
print_outcome(enum outcome outcome, uint64_t number, const struct vmt_test *test)
{
    struct line line = { .length = 0 };

    line_put(&line, outcome == OUTCOME_FAILED ? "not ok " : "ok ");
    line_put_u64(&line, number);
    line_put(&line, " - ");
    line_put(&line, test->name);
    if (outcome == OUTCOME_SKIPPED) {
        line_put(&line, " # SKIP ");
        line_put(&line, skip_reason);
    }
    line_end(&line);
}

static void
print_counts(const uint64_t counts[OUTCOME_COUNT])
{
    struct line line = { .length = 0 };

    line_put_u64(&line, counts[OUTCOME_PASSED]);
    line_put(&line, " passed, ");
    line_put_u64(&line, counts[OUTCOME_FAILED]);
    line_put(&line, " failed");
    if (counts[OUTCOME_SKIPPED] != 0) {
        line_put(&line, ", ");
        line_put_u64(&line, counts[OUTCOME_SKIPPED]);
        line_put(&line, " skipped");
    }
    line_end(&line);
}

/* "1..N", the plan that TAP begins with. */
static void
print_plan(const struct vmt_suite *suite, const struct vmt_options *options)
{
    struct line line = { .length = 0 };
    uint64_t wanted = 0;

    for (size_t i = 0; i < suite->count; i++) {
        wanted += is_wanted(&suite->tests[i], options);
    }
    line_put(&line, "1..");
    line_put_u64(&line, wanted);
    line_end(&line);
}

static void
print_name(const struct vmt_test *test)
{
    struct line line = { .length = 0 };

    line_put(&line, test->name);
    line_end(&line);
}

int
vmt_run(const struct vmt_suite *suite, const struct vmt_options *options)
{
    uint64_t counts[OUTCOME_COUNT] = { 0 };
    uint64_t number = 0;

    if (!options->list_only) {
        print_plan(suite, options);
        vmt_note_u64("repeat with --seed", options->seed);
    }
    ops_wanted = options->ops;
    ops_max = options->ops_max;
    for (size_t i = 0; i < suite->count; i++) {
        const struct vmt_test *test = &suite->tests[i];

        if (!is_wanted(test, options)) {
            continue;
        }
        if (options->list_only) {
            print_name(test);
        } else {
            const enum outcome outcome = run_test(test, options->seed);

            counts[outcome]++;
            print_outcome(outcome, ++number, test);
        }
    }
    if (options->list_only) {
        return 0;
    }
    print_counts(counts);
    /* A file whose tests are all left out on purpose has not failed; one that ran nothing has. */
    return counts[OUTCOME_FAILED] == 0 && number != 0 ? 0 : 1;
}
