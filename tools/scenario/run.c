/*
 * run - the command `vmem run`.                                   SPDX-License-Identifier: BSD-2-Clause
 *
 * Reads each file whole, parses it, runs it.  The last line of standard output is always the tally
 * over all files.
 */
#include "run.h"

#include "execute.h"
#include "text.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "Usage: vmem run [OPTION]... FILE...\n"
    "Run scenario files (.vms) on the library and judge every line against a model.\n"
    "FILE '-' is standard input.\n"
    "\n"
    "  -v, --verbose   print each line that was judged, and what it did\n"
    "  -q, --quiet     print failures and the tally only\n"
    "      --seed=N    use seed N for all random lines, instead of their own\n"
    "  -h, --help      print this and exit\n"
    "\n"
    "A line passes if the model finds what the library did right (the place was free and obeys\n"
    "the constraints, a refusal means that no place exists, the policy's choice was made, the\n"
    "figures and segments agree), and if it is what the line expects.  Failures are printed with\n"
    "file, line and column.  A scenario that is broken in the middle is run up to there, and\n"
    "counts as failed.  A file whose 'needs' line names a feature that is not built is skipped.\n"
    "\n"
    "The last line of the output is 'N passed, N failed', counted in lines over all files; a line\n"
    "inside a repeat counts each time that it is run.\n"
    "\n"
    "Exit status: 0 all passed, 1 something failed or a scenario is broken, 2 wrong usage or a\n"
    "file that cannot be read.\n"
    "\n"
    "Examples:\n"
    "  vmem run test/cases/*.vms\n"
    "  vmem run -v --seed=7 test/cases/uvm-range-random.vms\n"
    "  printf 'arena a quantum=1 size=8\\nalloc a x 8 = @0\\n' | vmem run -\n";

/* Read all of a stream.  NULL and errno if that fails. */
static char *
read_stream(FILE *stream, size_t *length)
{
    size_t capacity = 1u << 16;
    char *text = vmem_scenario_realloc(NULL, capacity, 1);
    size_t got;

    *length = 0;
    errno = 0;
    while ((got = fread(&text[*length], 1, capacity - *length, stream)) != 0) {
        *length += got;
        if (*length == capacity) {
            capacity *= 2;
            text = vmem_scenario_realloc(text, capacity, 1);
        }
    }
    if (ferror(stream)) {
        const int saved = errno;

        free(text);
        errno = saved;
        return NULL;
    }
    return text;
}

static char *
read_file(const char *path, size_t *length)
{
    const bool is_stdin = strcmp(path, "-") == 0;
    FILE *stream = is_stdin ? stdin : fopen(path, "rb");
    char *text = stream != NULL ? read_stream(stream, length) : NULL;
    const int saved = errno;

    if (stream != NULL && !is_stdin) {
        (void)fclose(stream);
    }
    errno = saved;
    return text;
}

/* Returns false if the file cannot be read. */
static bool
run_file(const char *path, const struct vmem_run_options *options, struct vmem_tally *tally)
{
    const char *name = strcmp(path, "-") == 0 ? "(standard input)" : path;
    struct vmem_scenario scenario;
    size_t length = 0;
    char *text = read_file(path, &length);

    if (text == NULL) {
        (void)fflush(stdout);
        (void)fprintf(stderr, "vmem run: %s: %s\n", name, strerror(errno));
        return false;
    }
    (void)vmem_scenario_parse(&scenario, text, length);
    vmem_execute(&scenario, name, options, tally);
    vmem_scenario_fini(&scenario);
    free(text);
    return true;
}

/* The number after --seed. */
static bool
parse_seed(const char *argument, uint64_t *seed)
{
    struct vmem_scenario errors = { 0 };
    const struct vmem_word word = { argument, strlen(argument), 1 };

    if (!vmem_text_number(&errors, &word, seed)) {
        (void)fprintf(stderr, "vmem run: --seed: %s\n", errors.error);
        return false;
    }
    return true;
}

static int
usage(void)
{
    (void)fputs("Try 'vmem run --help'.\n", stderr);
    return 2;
}

/* Options into *options.  Returns -1 to go on, or the exit status. */
static int
parse_options(int argc, char **argv, struct vmem_run_options *options, uint64_t *seed)
{
    static const struct option names[] = { { "verbose", no_argument, NULL, 'v' },
        { "quiet", no_argument, NULL, 'q' }, { "seed", required_argument, NULL, 's' },
        { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 } };
    static char name[] = "vmem run";
    int option;

    argv[0] = name; /* getopt_long() begins its messages with it */
    optind = 0;     /* the command may have parsed its own options already */
    while ((option = getopt_long(argc, argv, "vqh", names, NULL)) != -1) {
        switch (option) {
        case 'v':
            options->is_verbose = true;
            break;
        case 'q':
            options->is_quiet = true;
            break;
        case 's':
            if (!parse_seed(optarg, seed)) {
                return usage();
            }
            options->seed = seed;
            break;
        case 'h':
            (void)fputs(help, stdout);
            return 0;
        default:
            return usage();
        }
    }
    return -1;
}

int
vmem_cmd_run(int argc, char **argv)
{
    struct vmem_run_options options = { .out = stdout, .err = stderr };
    struct vmem_tally tally = { 0 };
    uint64_t seed = 0;
    bool is_read = true;
    const int status = parse_options(argc, argv, &options, &seed);

    if (status >= 0) {
        return status;
    }
    if (optind >= argc) {
        (void)fputs("vmem run: no FILE is given\n", stderr);
        return usage();
    }
    for (int i = optind; i < argc; i++) {
        is_read = run_file(argv[i], &options, &tally) && is_read;
    }
    if (tally.skipped != 0) {
        (void)printf("%" PRIu64 " file%s skipped\n", tally.skipped, tally.skipped == 1 ? "" : "s");
    }
    (void)printf("%" PRIu64 " passed, %" PRIu64 " failed\n", tally.passed, tally.failed);
    if (fflush(stdout) != 0) {
        (void)fprintf(stderr, "vmem run: standard output: %s\n", strerror(errno));
        return 2;
    }
    return !is_read ? 2 : tally.failed != 0 ? 1 : 0;
}
