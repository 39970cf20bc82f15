/*
 * vmt_fault.h - misuse is caught by name, and the test goes on.   SPDX-License-Identifier: BSD-2-Clause
 *
 *     EXPECT_FATAL(vmem_free(arena, addr + 8, 8), VMEM_FAULT_BAD_FREE);
 *     CHECK_U64(vmt_fault_seen.fault.found_start, ==, addr);
 *
 * The harness installs a fatal hook that returns before every test.  A fault that no EXPECT_FATAL
 * waits for is a failure of the test, with the fault's own text.
 */
#ifndef VMT_FAULT_H
#define VMT_FAULT_H

#include "vmem/vmem.h"
#include "vmt.h"

#define VMT_FAULT_TEXT_BYTES 512

/* What the last EXPECT_FATAL saw. */
struct vmt_fault_seen {
    unsigned count;          /* faults during the statement */
    unsigned others;         /* of these, of another code than the first */
    struct vmem_fault fault; /* the last one; arena and text point to the copies below */
    char arena[VMEM_NAME_BYTES];
    char text[VMT_FAULT_TEXT_BYTES];
};

extern struct vmt_fault_seen vmt_fault_seen;

/* Run a statement: it must report exactly one fault, with this code. */
#define EXPECT_FATAL(statement, expected_code) EXPECT_FATAL_TEXT(statement, expected_code, NULL)

/* And with exactly this text. */
#define EXPECT_FATAL_TEXT(statement, expected_code, expected_text) \
    do { \
        vmt_fault_expect(); \
        statement; \
        vmt_fault_judge((expected_code), (expected_text), __FILE__, __LINE__, #statement); \
    } while (0)

/* Install the harness's hook.  vmt_run() does so before each test; call it after a hook of your own. */
void vmt_fault_install(void);

/* The two halves of EXPECT_FATAL; expected_text NULL = any, but not none. */
void vmt_fault_expect(void);
void vmt_fault_judge(enum vmem_fault_code expected_code, const char *expected_text,
    const char *file, int line, const char *statement);

/* The second half for a statement that reports so many faults, all of this code. */
#define vmt_fault_judge_all(expected_code, expected_count) \
    vmt_fault_judge_count((expected_code), (expected_count), __FILE__, __LINE__)
void vmt_fault_judge_count(
    enum vmem_fault_code expected_code, unsigned expected_count, const char *file, int line);

#endif
