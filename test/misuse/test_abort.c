/*
 * test_abort - without a hook, misuse prints one line and ends the process.
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 */
#define _POSIX_C_SOURCE 200809L

#include "vmem/vmem.h"
#include "vmt.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUTPUT_BYTES = 1024 };

/* What the child does: free twice, with the default hook. */
static void
free_twice(void)
{
    const struct rlimit no_core = { 0, 0 };
    struct vmem_arena *arena = NULL;
    vmem_addr_t addr = 0;

    (void)setrlimit(RLIMIT_CORE, &no_core);
    (void)signal(SIGABRT, SIG_DFL); /* a sanitizer may have its own */
    vmem_set_fatal_hook(NULL, NULL);
    if (vmem_create("kva", 0x1000, 0x1000, 16, 0, 0, &arena) != 0 ||
        vmem_alloc(arena, 64, 0, &addr) != 0) {
        _exit(3);
    }
    vmem_free(arena, addr, 64);
    vmem_free(arena, addr, 64);
    _exit(4); /* it went on */
}

/* Run it in a process of its own.  Returns how that ended, and what it printed. */
static int
run_child(char output[OUTPUT_BYTES])
{
    size_t length = 0;
    ssize_t got;
    int ends[2];
    int status = 0;
    pid_t child;

    if (pipe(ends) != 0) {
        return -1;
    }
    child = fork();
    if (child == 0) {
        (void)dup2(ends[1], STDERR_FILENO);
        (void)close(ends[0]);
        free_twice();
    }
    (void)close(ends[1]);
    while ((got = read(ends[0], output + length, OUTPUT_BYTES - 1 - length)) > 0) {
        length += (size_t)got;
    }
    output[length] = '\0';
    (void)close(ends[0]);
    return child > 0 && waitpid(child, &status, 0) == child ? status : -1;
}

/* An emulator of another machine adds a line of its own when the program dies. */
static void
cut_emulator(char *output)
{
    char *line = strstr(output, "\nqemu: uncaught target signal 6");

    if (line != NULL) {
        line[1] = '\0';
    }
}

static void
test_the_default_hook_prints_one_line_and_aborts(void)
{
    static char output[OUTPUT_BYTES];
    const int status = run_child(output);

    cut_emulator(output);
    CHECK(WIFSIGNALED(status));
    CHECK_U64(WTERMSIG(status), ==, SIGABRT);
    CHECK_STR(output,
        "vmem: BAD_FREE arena=kva addr=0x1000 size=0x40: nothing is allocated there, it is free; "
        "found 0x1000+0x1000\n");
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_the_default_hook_prints_one_line_and_aborts),
};

VMT_SUITE(tests);
