/*
 * main - the vmem command.                                    SPDX-License-Identifier: BSD-2-Clause
 *
 * Dispatches to the subcommands; each reads its own arguments and returns its exit status.
 */
#include "bench.h"
#include "suggest.h"

#ifdef VMEM_HAVE_REPLAY
#include "../replay/replay.h"
#endif
#ifdef VMEM_HAVE_RUN
#include "../scenario/run.h"
#endif
#ifdef VMEM_HAVE_RECORD
#include "../record/record.h"
#endif

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <vmem/vmem.h>

#define EXIT_USAGE 2

struct command {
    const char *name;
    int (*run)(int argc, char **argv); /* NULL = not part of this build */
    const char *summary;
};

static const struct command commands[] = {
#ifdef VMEM_HAVE_RUN
    { "run", vmem_cmd_run, "execute scenario files and judge every line against a model" },
#else
    { "run", NULL, "execute scenario files (not part of this build)" },
#endif
#ifdef VMEM_HAVE_REPLAY
    { "replay", vmem_cmd_replay, "replay recorded workloads and report on them" },
#else
    { "replay", NULL, "replay recorded workloads (not part of this build)" },
#endif
#ifdef VMEM_HAVE_RECORD
    { "record", vmem_cmd_record, "record the malloc and free calls of a program as a trace" },
#else
    { "record", NULL, "record a program (not part of this build)" },
#endif
    { "bench", vmem_cmd_bench, "run the benchmarks" },
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void
print_help(FILE *out)
{
    (void)fputs("Usage: vmem COMMAND [ARGUMENT]...\n"
                "\n"
                "OpenVMEM: hand out ranges of integers.\n"
                "\n",
        out);
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        (void)fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
    }
    (void)fputs(
        "\n"
        "  vmem COMMAND --help     options of a command; vmem help COMMAND too\n"
        "  vmem --help             this text\n"
        "  vmem --version          the version\n"
        "  man vmem                all of it, with examples\n"
        "\n"
        "Exit status: 0 all is well; 1 something was checked and found wrong, or a scenario is\n"
        "broken; 2 bad usage, unreadable input, or a trace is broken.  Record ends as the program\n"
        "did, or with 125, 126 or 127 if there was no recording or no program.\n",
        out);
}

static void
print_version(void)
{
    (void)printf(
        "vmem (OpenVMEM) %d.%d.%d\n", VMEM_VERSION_MAJOR, VMEM_VERSION_MINOR, VMEM_VERSION_PATCH);
}

static const struct command *
find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(name, commands[i].name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static int
complain_unknown(const char *word)
{
    static const char *const more_names[] = { "help", "--help", "--version" };
    const char *names[COMMAND_COUNT + sizeof(more_names) / sizeof(more_names[0])];
    size_t count = 0;
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        names[count++] = commands[i].name;
    }
    for (size_t i = 0; i < sizeof(more_names) / sizeof(more_names[0]); i++) {
        names[count++] = more_names[i];
    }
    const char *nearest = vmem_suggest(word, names, count);
    (void)fprintf(stderr, "vmem: \"%s\" is not a command", word);
    if (nearest != NULL) {
        (void)fprintf(stderr, ", did you mean \"%s\"?\n", nearest);
    } else {
        (void)fputs("; see vmem --help\n", stderr);
    }
    return EXIT_USAGE;
}

static int
complain_surplus(const char *word)
{
    (void)fprintf(stderr, "vmem: \"%s\" is one word too many; see vmem --help\n", word);
    return EXIT_USAGE;
}

static int
run_command(const struct command *command, int argc, char **argv)
{
    if (command->run == NULL) {
        (void)fprintf(stderr, "vmem: this build does not contain \"%s\"\n", command->name);
        return EXIT_USAGE;
    }
    return command->run(argc, argv);
}

static int
dispatch(int argc, char **argv)
{
    const char *word = argc < 2 ? NULL : argv[1];
    if (word == NULL) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        if (argc > 2) {
            return complain_surplus(argv[2]);
        }
        print_version();
        return 0;
    }
    const bool is_help =
        strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
    if (is_help && argc == 2) {
        print_help(stdout);
        return 0;
    }
    const struct command *command = find_command(is_help ? argv[2] : word);
    if (command == NULL) {
        return complain_unknown(is_help ? argv[2] : word);
    }
    if (is_help && argc > 3) {
        return complain_surplus(argv[3]);
    }
    if (is_help) {
        static char help[] = "--help";
        char *help_argv[] = { argv[2], help, NULL };
        return run_command(command, 2, help_argv);
    }
    return run_command(command, argc - 1, argv + 1);
}

int
main(int argc, char **argv)
{
    (void)setlocale(LC_CTYPE, "");
    const int status = dispatch(argc, argv);
    const bool is_lost = ferror(stdout) != 0;
    if (fclose(stdout) != 0 || is_lost) {
        (void)fprintf(stderr, "vmem: cannot write the output: %s\n", strerror(errno));
        return status == 0 ? EXIT_USAGE : status;
    }
    return status;
}
