/*
 * vmem-bench - what the library costs.                        SPDX-License-Identifier: BSD-2-Clause
 *
 * Measures the library as it is shipped, and other allocators in the same run on the same traces.
 * Each family of rows is one file, row_*.c; each subject one adapter_*.c; goals.h has the figures
 * to reach.  How sizes, times and repeats are chosen stands at the head of workload.h, clock.h and
 * each row.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapter_dl.h"
#include "bench.h"
#include "clock.h"
#include "machine.h"
#include "workload.h"

#define LIVE_MIN 100u
#define LIVE_MAX 16000000u

static const struct bench_family *const families[] = {
    &bench_churn,
    &bench_latency,
    &bench_worst,
    &bench_policy,
    &bench_fail,
    &bench_aligned,
    &bench_occupancy,
    &bench_metadata,
    &bench_walk,
    &bench_threads,
};
#define FAMILIES (sizeof families / sizeof families[0])

static const char help_text[] =
    "Usage: vmem-bench [OPTION]...\n"
    "Measure OpenVMEM and other allocators on the same synthetic loads.\n"
    "\n"
    "  -r, --row NAME        run this family of rows only; may be repeated\n"
    "  -l, --list            list the families\n"
    "  -n, --live N,...      numbers of live blocks (default 1k,100k,1M; with --quick 1k,100k)\n"
    "  -k, --repeat N        interleaved repeats of every timing (default 7; with --quick 3)\n"
    "  -o, --occupancy P     per cent of the arena that is busy: 50, 75 or 90 (default 75)\n"
    "  -q, --quick           less than a minute: fewer repeats, shorter traces\n"
    "  -s, --seed N          another trace (default 1)\n"
    "  -j, --json FILE       write all figures, with every sample, to FILE\n"
    "      --no-baselines    the library and the harness floor only\n"
    "  -h, --help            this text\n"
    "\n"
    "Goals apply to an idle machine and a Release build.  Exit status: 0 measured, 1 trouble,\n"
    "2 wrong usage; goals that were missed do not change it.\n";

_Noreturn static void
refuse(const char *what, const char *text)
{
    fprintf(stderr, "vmem-bench: %s: %s\nTry 'vmem-bench --help'.\n", what, text);
    exit(2);
}

/* A number with an optional k or M, ended by the end of the text or by a comma. */
static uint64_t
parse_number(const char **text, const char *what)
{
    const char *start = *text;
    char *end = NULL;

    errno = 0;
    uint64_t value = strtoull(start, &end, 10);
    if (errno != 0 || end == start || start[0] == '-') {
        refuse(what, start);
    }
    if (*end == 'k' || *end == 'M') {
        const uint64_t factor = *end == 'k' ? 1000 : 1000000;

        if (value > UINT64_MAX / factor) {
            refuse(what, start);
        }
        value *= factor;
        end++;
    }
    if (*end != '\0' && *end != ',') {
        refuse(what, start);
    }
    *text = end;
    return value;
}

static uint64_t
parse_one(const char *text, const char *what, uint64_t min, uint64_t max)
{
    const char *at = text;
    const uint64_t value = parse_number(&at, what);

    if (*at != '\0' || value < min || value > max) {
        refuse(what, text);
    }
    return value;
}

static int
compare_lives(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a;
    const uint32_t y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void
parse_lives(struct bench_options *options, const char *text)
{
    const char *at = text;

    options->live_count = 0;
    for (;;) {
        const uint64_t live = parse_number(&at, "live blocks");

        if (live < LIVE_MIN || live > LIVE_MAX || options->live_count == BENCH_LIVES_MAX) {
            refuse("live blocks (100 to 16M, at most 8 numbers)", text);
        }
        options->lives[options->live_count++] = (uint32_t)live;
        if (*at == '\0') {
            break;
        }
        at++;
    }
    qsort(options->lives, options->live_count, sizeof options->lives[0], compare_lives);
}

static void
add_row(struct bench_options *options, const char *name)
{
    for (size_t i = 0; i < FAMILIES; i++) {
        if (strcmp(families[i]->name, name) == 0 && options->row_count < BENCH_ROWS_MAX) {
            options->rows[options->row_count++] = name;
            return;
        }
    }
    refuse("no such row (see --list)", name);
}

static void
list_families(void)
{
    for (size_t i = 0; i < FAMILIES; i++) {
        printf("%-10s %s\n", families[i]->name, families[i]->title);
    }
}

static void
apply(struct bench_options *options, int option, const char *value)
{
    switch (option) {
    case 'r':
        add_row(options, value);
        break;
    case 'n':
        parse_lives(options, value);
        break;
    case 'k':
        options->repeats = (unsigned)parse_one(value, "repeats (1 to 64)", 1, BENCH_REPEATS_MAX);
        break;
    case 'o':
        options->occupancy = (unsigned)parse_one(value, "occupancy (10 to 95)", 10, 95);
        break;
    case 's':
        options->seed = parse_one(value, "seed", 0, UINT64_MAX);
        break;
    case 'j':
        options->json_path = value;
        break;
    case 'q':
        options->is_quick = true;
        break;
    case 'B':
        options->has_baselines = false;
        break;
    case 'l':
        list_families();
        exit(0);
    case 'h':
        fputs(help_text, stdout);
        exit(0);
    default:
        fprintf(stderr, "Try 'vmem-bench --help'.\n");
        exit(2);
    }
}

static void
parse(struct bench_options *options, int argc, char **argv)
{
    static const struct option long_options[] = {
        { "row", required_argument, NULL, 'r' },
        { "list", no_argument, NULL, 'l' },
        { "live", required_argument, NULL, 'n' },
        { "repeat", required_argument, NULL, 'k' },
        { "occupancy", required_argument, NULL, 'o' },
        { "quick", no_argument, NULL, 'q' },
        { "seed", required_argument, NULL, 's' },
        { "json", required_argument, NULL, 'j' },
        { "no-baselines", no_argument, NULL, 'B' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    int option;

    while ((option = getopt_long(argc, argv, "r:ln:k:o:qs:j:h", long_options, NULL)) != -1) {
        apply(options, option, optarg);
    }
    if (optind < argc) {
        refuse("unexpected argument", argv[optind]);
    }
    if (options->live_count == 0) {
        parse_lives(options, options->is_quick ? "1k,100k" : "1k,100k,1M");
    }
    if (options->repeats == 0) {
        options->repeats = options->is_quick ? 3 : 7;
    }
}

static bool
is_wanted(const struct bench_options *options, const char *name)
{
    for (unsigned i = 0; i < options->row_count; i++) {
        if (strcmp(options->rows[i], name) == 0) {
            return true;
        }
    }
    return options->row_count == 0;
}

/* So that a run of minutes does not end with nothing to show. */
static void
require_writable(const char *path)
{
    FILE *file = path == NULL ? NULL : fopen(path, "w");

    if (path != NULL && file == NULL) {
        fprintf(stderr, "vmem-bench: cannot write %s: %s\n", path, strerror(errno));
        exit(1);
    }
    if (file != NULL) {
        fclose(file);
    }
}

int
main(int argc, char **argv)
{
    struct bench_options options = {
        .occupancy = BENCH_GOAL_OCCUPANCY, .seed = 1, .has_baselines = true
    };
    struct bench_run run = { .options = &options };
    struct bench_machine machine;
    int status = 0;

    bench_dl_reserve(argv);
    parse(&options, argc, argv);
    run.report.is_judged = options.occupancy == BENCH_GOAL_OCCUPANCY;
    require_writable(options.json_path);
    bench_sizes_init();
    bench_machine_read(&machine);
    bench_clock_calibrate();
    bench_machine_print(&machine);
    for (size_t i = 0; i < FAMILIES; i++) {
        if (is_wanted(&options, families[i]->name)) {
            bench_report_begin(&run.report, families[i]->name, families[i]->title);
            families[i]->run(&run);
            bench_progress_clear();
            bench_report_table(&run.report);
        }
    }
    bench_report_goals(&run.report);
    if (options.json_path != NULL) {
        status = bench_report_json(&run.report, &machine, &options, options.json_path);
    }
    bench_report_fini(&run.report);
    return status == 0 ? 0 : 1;
}
