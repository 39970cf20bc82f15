/*
 * vmt_fault - the fatal hook of the tests.                        SPDX-License-Identifier: BSD-2-Clause
 *
 * The hook returns, which the library allows: the offending call then has no effect.  So misuse is
 * tested inside the process, and the arena can be checked afterwards.
 */
#include "vmt_fault.h"

struct vmt_fault_seen vmt_fault_seen;

static bool is_expecting;

/* Copy with truncation; NULL becomes "". */
static void
copy_text(char *to, size_t bytes, const char *from)
{
    size_t i = 0;

    while (from != NULL && from[i] != '\0' && i < bytes - 1) {
        to[i] = from[i];
        i++;
    }
    to[i] = '\0';
}

static void
on_fault(void *arg, const struct vmem_fault *fault)
{
    struct vmt_fault_seen *seen = arg;

    seen->others += seen->count != 0 && seen->fault.code != fault->code ? 1 : 0;
    seen->count++;
    seen->fault = *fault;
    copy_text(seen->arena, sizeof seen->arena, fault->arena);
    copy_text(seen->text, sizeof seen->text, fault->text);
    seen->fault.arena = seen->arena;
    seen->fault.text = seen->text;
    if (!is_expecting) {
        vmt_fail("fatal hook", 0, seen->text);
    }
}

void
vmt_fault_install(void)
{
    is_expecting = false;
    vmem_set_fatal_hook(on_fault, &vmt_fault_seen);
}

void
vmt_fault_expect(void)
{
    vmt_fault_install();
    vmt_fault_seen = (struct vmt_fault_seen){ .count = 0 };
    is_expecting = true;
}

void
vmt_fault_judge(enum vmem_fault_code expected_code, const char *expected_text, const char *file,
    int line, const char *statement)
{
    const struct vmt_fault_seen *seen = &vmt_fault_seen;

    is_expecting = false;
    vmt_count_check();
    if (seen->count != 1) {
        vmt_fail_u64(seen->count, 1, file, line, "faults seen and expected");
        vmt_fail(file, line, statement);
        return;
    }
    vmt_count_check();
    if (seen->fault.code != expected_code) {
        vmt_fail_u64((uint64_t)seen->fault.code, (uint64_t)expected_code, file, line,
            "fault code seen and expected");
        vmt_fail(file, line, seen->text);
    }
    vmt_count_check();
    if (expected_text != NULL) {
        (void)vmt_check_str(seen->text, expected_text, file, line, "fault text seen and expected");
    } else if (seen->text[0] == '\0') {
        vmt_fail(file, line, "the fault has no text");
    }
}

void
vmt_fault_judge_count(
    enum vmem_fault_code expected_code, unsigned expected_count, const char *file, int line)
{
    const struct vmt_fault_seen *seen = &vmt_fault_seen;

    is_expecting = false;
    vmt_count_check();
    if (seen->count != expected_count) {
        vmt_fail_u64(seen->count, expected_count, file, line, "faults seen and expected");
    }
    vmt_count_check();
    if (seen->others != 0 || (seen->count != 0 && seen->fault.code != expected_code)) {
        vmt_fail(file, line, seen->text);
    }
}
