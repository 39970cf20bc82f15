/*
 * vmt_host - the harness on a POSIX system.                       SPDX-License-Identifier: BSD-2-Clause
 */
#define _POSIX_C_SOURCE 200809L

#include "vmt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

_Static_assert(ENOMEM == 12, "vmt_source.c returns ENOMEM by number");

void
vmt_port_write(const char *text, size_t length)
{
    while (length > 0) {
        const ssize_t written = write(STDOUT_FILENO, text, length);

        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            abort(); /* results that nobody can read are no results */
        }
        text += written;
        length -= (size_t)written;
    }
}

uint64_t
vmt_port_entropy(void)
{
    struct timespec now;
    struct vmt_rng rng;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    rng.state = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    rng.state ^= (uint64_t)getpid() << 40;
    return vmt_rng_next(&rng) >> 32; /* short enough to type */
}

void *
vmt_port_get(size_t bytes)
{
    void *memory = NULL;

    return posix_memalign(&memory, 64, bytes) == 0 ? memory : NULL;
}

void
vmt_port_put(void *memory, size_t bytes)
{
    (void)bytes;
    free(memory);
}

static void
usage(FILE *to, const char *program)
{
    (void)fprintf(to,
        "usage: %s [--list] [--filter TEXT] [--seed N] [--ops N]\n"
        "  --list         print the names of the tests\n"
        "  --filter TEXT  run only tests whose name contains TEXT\n"
        "  --seed N       repeat a run (also: environment VMT_SEED); fresh by default\n"
        "  --ops N        operations of each random test (also: environment VMT_OPS)\n"
        "environment:\n"
        "  VMT_OPS_MAX    no random test makes more than so many, for slow machines\n",
        program);
}

/* A number, decimal or 0x hex.  False if it is not one. */
static bool
parse_u64(const char *text, uint64_t *value)
{
    char *end = NULL;

    errno = 0;
    *value = strtoull(text, &end, 0);
    return errno == 0 && end != text && *end == '\0' && text[0] != '-';
}

/* The value of an option; ends the program if it is no number. */
static uint64_t
number_or_exit(const char *program, const char *name, const char *text)
{
    uint64_t value = 0;

    if (text == NULL || !parse_u64(text, &value)) {
        (void)fprintf(
            stderr, "%s: %s: not a number: %s\n", program, name, text != NULL ? text : "(none)");
        exit(2);
    }
    return value;
}

int
main(int argc, char **argv)
{
    const char *seed = getenv("VMT_SEED");
    const char *ops = getenv("VMT_OPS");
    const char *ops_max = getenv("VMT_OPS_MAX");
    struct vmt_options options = { .filter = NULL };

    options.seed = seed != NULL ? number_or_exit(argv[0], "VMT_SEED", seed) : vmt_port_entropy();
    options.ops = ops != NULL ? number_or_exit(argv[0], "VMT_OPS", ops) : 0;
    options.ops_max = ops_max != NULL ? number_or_exit(argv[0], "VMT_OPS_MAX", ops_max) : 0;
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;

        if (strcmp(name, "--list") == 0) {
            options.list_only = true;
        } else if (strcmp(name, "--help") == 0) {
            usage(stdout, argv[0]);
            return 0;
        } else if (strcmp(name, "--filter") == 0 && value != NULL) {
            options.filter = value;
            i++;
        } else if (strcmp(name, "--seed") == 0) {
            options.seed = number_or_exit(argv[0], name, value);
            i++;
        } else if (strcmp(name, "--ops") == 0) {
            options.ops = number_or_exit(argv[0], name, value);
            i++;
        } else {
            usage(stderr, argv[0]);
            return 2;
        }
    }
    return vmt_run(&vmt_suite, &options);
}
