/*
 * vmt_profile - coverage is written however a program ends.       SPDX-License-Identifier: BSD-2-Clause
 *
 * The profile of a program is written by exit().  One that aborts, or that a signal ends, would lose
 * what it covered, and tests of the fatal hook end like that.  So builds that measure coverage contain
 * this file: it has the last word in abort(), and in signals that nobody else takes.
 */
#define _POSIX_C_SOURCE 200809L

#include <signal.h>
#include <stddef.h>
#include <stdlib.h>

int __llvm_profile_write_file(void); /* of the compiler's runtime library */

static void
end_by(int number)
{
    (void)__llvm_profile_write_file();
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

/* In place of the C library's, whose callers need not know of it. */
_Noreturn void
abort(void)
{
    end_by(SIGABRT);
    for (;;) {
        (void)raise(SIGKILL);
    }
}

__attribute__((constructor)) static void
take_signals(void)
{
    static const int numbers[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTERM, SIGINT };

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        (void)signal(numbers[i], end_by);
    }
}
