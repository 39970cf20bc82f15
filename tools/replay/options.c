/*
 * options - what the command line of vmem replay says.        SPDX-License-Identifier: BSD-2-Clause
 *
 * getopt_long() cuts the line up; every complaint is made here, says what would be right, and is
 * one line.  An option may be given once; options that contradict each other are refused instead of
 * one of them silently losing.
 */
#include "options.h"

#include "number.h"
#include "suggest.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const struct replay_policy replay_policies[REPLAY_POLICY_COUNT] = {
    { "instant", VMEM_INSTANTFIT },
    { "best", VMEM_BESTFIT },
    { "first", VMEM_FIRSTFIT },
    { "next", VMEM_NEXTFIT },
};

enum option_code {
    OPTION_POLICY = 256,
    OPTION_COMPARE,
    OPTION_HIGH,
    OPTION_QUANTUM,
    OPTION_BASE,
    OPTION_SIZE,
    OPTION_GROW,
    OPTION_IMPORT_QUANTUM,
    OPTION_CHECK,
    OPTION_HANDLES,
    OPTION_NOLOCK,
    OPTION_JSON,
    OPTION_QUIET,
    OPTION_HELP,
    OPTION_CODE_END
};

static const struct option long_options[] = {
    { "policy", required_argument, NULL, OPTION_POLICY },
    { "compare", no_argument, NULL, OPTION_COMPARE },
    { "high", no_argument, NULL, OPTION_HIGH },
    { "quantum", required_argument, NULL, OPTION_QUANTUM },
    { "base", required_argument, NULL, OPTION_BASE },
    { "size", required_argument, NULL, OPTION_SIZE },
    { "grow", required_argument, NULL, OPTION_GROW },
    { "import-quantum", required_argument, NULL, OPTION_IMPORT_QUANTUM },
    { "check", no_argument, NULL, OPTION_CHECK },
    { "handles", no_argument, NULL, OPTION_HANDLES },
    { "nolock", no_argument, NULL, OPTION_NOLOCK },
    { "json", no_argument, NULL, OPTION_JSON },
    { "quiet", no_argument, NULL, OPTION_QUIET },
    { "help", no_argument, NULL, OPTION_HELP },
    { NULL, 0, NULL, 0 },
};

static const char help[] =
    "Usage: vmem replay [OPTION]... FILE...\n"
    "\n"
    "Replay recorded workloads (.vmt, plain or compressed by gzip; - is the standard\n"
    "input) through an arena and report on it.\n"
    "\n"
    "What is replayed\n"
    "  --policy instant|best|first|next   how a hole is chosen; default instant\n"
    "  --compare                all four policies side by side\n"
    "  --high                   allocate from the top end\n"
    "  --quantum N              granularity, a power of two; default 16\n"
    "  --size N|auto|fit        units of the span.  auto: the trace's peak and an eighth\n"
    "                           (the default); fit: a smallest size at which nothing fails\n"
    "  --base A                 first unit of the span; default 0\n"
    "  --grow none|import       import: start empty and import spans from a parent arena\n"
    "  --import-quantum N       units of an import; default a 64th of the peak\n"
    "  --handles                allocate and free by handle instead of by address\n"
    "  --nolock                 an arena without a lock\n"
    "\n"
    "What is reported\n"
    "  --check                  check every invariant and compare with the replayer's own\n"
    "                           books every 1000 operations and at the end\n"
    "  --json                   one JSON document instead of tables\n"
    "  -q, --quiet              no progress bar and no notes\n"
    "  -h, --help               this text\n"
    "\n"
    "Sizes take the suffixes K M G T P E (powers of 1024) and 0x for hex.\n"
    "Exit status: 0 all is well (failed allocations that are explained included);\n"
    "1 a check failed or a failure is unexplained; 2 bad usage or unreadable input.\n";

__attribute__((format(printf, 1, 2))) static bool
complain(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fputs("vmem replay: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputs("\n", stderr);
    va_end(args);
    return false;
}

/* Position of an option among all. */
static size_t
index_of(int code)
{
    return (size_t)(code - OPTION_POLICY);
}

static const char *
name_of(int code)
{
    for (const struct option *option = long_options; option->name != NULL; option++) {
        if (option->val == code) {
            return option->name;
        }
    }
    return "?";
}

static bool
read_size(int code, const char *text, vmem_size_t *value)
{
    size_t offset_index;
    const enum vmem_number_status status =
        vmem_number_parse(text, strlen(text), VMEM_NUMBER_SIZE, value, &offset_index);
    if (status == VMEM_NUMBER_OK) {
        return true;
    }
    return complain(
        "--%s \"%s\" %s", name_of(code), text, vmem_number_advice(status, VMEM_NUMBER_SIZE));
}

static bool
read_power_of_two(int code, const char *text, vmem_size_t *value)
{
    if (!read_size(code, text, value)) {
        return false;
    }
    if (*value == 0 || (*value & (*value - 1)) != 0) {
        return complain(
            "--%s %s: it must be a power of two, such as 1, 16 or 4K", name_of(code), text);
    }
    return true;
}

static bool
read_policy(struct replay_options *options, const char *text)
{
    const char *names[REPLAY_POLICY_COUNT];
    for (size_t i = 0; i < REPLAY_POLICY_COUNT; i++) {
        names[i] = replay_policies[i].name;
        if (strcmp(text, names[i]) == 0) {
            options->policy = &replay_policies[i];
            return true;
        }
    }
    const char *nearest = vmem_suggest(text, names, REPLAY_POLICY_COUNT);
    return complain("--policy \"%s\" is not known%s%s: instant, best, first and next are", text,
        nearest == NULL ? "" : ", did you mean ", nearest == NULL ? "" : nearest);
}

static bool
read_span_size(struct replay_options *options, const char *text)
{
    if (strcmp(text, "auto") == 0) {
        options->size_rule = REPLAY_SIZE_AUTO;
        return true;
    }
    if (strcmp(text, "fit") == 0) {
        options->size_rule = REPLAY_SIZE_FIT;
        return true;
    }
    options->size_rule = REPLAY_SIZE_GIVEN;
    if (!read_size(OPTION_SIZE, text, &options->size)) {
        return complain("--size takes a number of units, auto or fit");
    }
    return options->size > 0 || complain("--size 0: a span has at least one quantum");
}

static bool
read_grow(struct replay_options *options, const char *text)
{
    options->is_importing = strcmp(text, "import") == 0;
    return options->is_importing || strcmp(text, "none") == 0 ||
        complain("--grow \"%s\" is not known: none and import are", text);
}

/* Apply one option.  OPTION_HELP never comes here. */
static bool
apply(struct replay_options *options, int code)
{
    switch (code) {
    case OPTION_POLICY:
        return read_policy(options, optarg);
    case OPTION_QUANTUM:
        return read_power_of_two(code, optarg, &options->quantum);
    case OPTION_BASE:
        return read_size(code, optarg, &options->base);
    case OPTION_SIZE:
        return read_span_size(options, optarg);
    case OPTION_GROW:
        return read_grow(options, optarg);
    case OPTION_IMPORT_QUANTUM:
        return read_power_of_two(code, optarg, &options->import_quantum);
    case OPTION_COMPARE:
        options->policy = NULL;
        return true;
    case OPTION_HIGH:
        options->is_high = true;
        return true;
    case OPTION_CHECK:
        options->is_checked = true;
        return true;
    case OPTION_HANDLES:
        options->uses_handles = true;
        return true;
    case OPTION_NOLOCK:
        options->is_unlocked = true;
        return true;
    case OPTION_JSON:
        options->is_json = true;
        return true;
    default:
        options->is_quiet = true;
        return true;
    }
}

/* Complain about what getopt_long() could not read: result is '?' or ':'. */
static bool
complain_unread(int result, char **argv)
{
    const char *text = argv[optind - 1];
    if (result == ':') {
        return complain("%s needs a value", text);
    }
    if (optopt >= OPTION_POLICY) {
        return complain("--%s takes no value", name_of(optopt));
    }
    if (optopt != 0) {
        return complain("unknown option -%c; see vmem replay --help", optopt);
    }
    const char *names[OPTION_CODE_END - OPTION_POLICY];
    size_t count = 0;
    for (const struct option *option = long_options; option->name != NULL; option++) {
        names[count++] = option->name;
    }
    const char *nearest = vmem_suggest(text + 2, names, count);
    if (nearest != NULL) {
        return complain("unknown option %s, did you mean --%s?", text, nearest);
    }
    return complain("unknown option %s; see vmem replay --help", text);
}

/* Options that are right by themselves but not together. */
static bool
check_together(const struct replay_options *options, const bool *is_given)
{
    if (is_given[index_of(OPTION_POLICY)] && is_given[index_of(OPTION_COMPARE)]) {
        return complain("--policy and --compare contradict each other: --compare replays all");
    }
    if (options->size_rule == REPLAY_SIZE_FIT && options->is_importing) {
        return complain("--size fit and --grow import contradict each other: an arena that grows "
                        "always fits");
    }
    if (options->import_quantum != 0 && !options->is_importing) {
        return complain("--import-quantum needs --grow import");
    }
    if (options->import_quantum != 0 && options->import_quantum < options->quantum) {
        return complain("--import-quantum must be a multiple of --quantum");
    }
    if (options->base % options->quantum != 0) {
        return complain("--base must be a multiple of --quantum");
    }
    if (options->file_count == 0) {
        return complain("no trace is named; give at least one FILE, or - for the standard input");
    }
    size_t stdin_count = 0;
    for (size_t i = 0; i < options->file_count; i++) {
        stdin_count += strcmp(options->files[i], "-") == 0;
    }
    return stdin_count <= 1 || complain("- is given twice, but the standard input ends only once");
}

enum replay_options_result
replay_options_read(struct replay_options *options, int argc, char **argv)
{
    bool is_given[OPTION_CODE_END - OPTION_POLICY] = { false };
    *options = (struct replay_options){
        .policy = &replay_policies[0],
        .quantum = REPLAY_QUANTUM_DEFAULT,
    };
    optind = 1;
    opterr = 0;
    int result;
    while ((result = getopt_long(argc, argv, ":qh", long_options, NULL)) != -1) {
        const int code = result == 'q' ? OPTION_QUIET : result == 'h' ? OPTION_HELP : result;
        if (code == OPTION_HELP) {
            (void)fputs(help, stdout);
            return REPLAY_OPTIONS_DONE;
        }
        if (code < OPTION_POLICY) {
            complain_unread(code, argv);
            return REPLAY_OPTIONS_WRONG;
        }
        if (is_given[index_of(code)] && code != OPTION_QUIET) {
            complain("--%s is given twice", name_of(code));
            return REPLAY_OPTIONS_WRONG;
        }
        is_given[index_of(code)] = true;
        if (!apply(options, code)) {
            return REPLAY_OPTIONS_WRONG;
        }
    }
    options->files = argv + optind;
    options->file_count = (size_t)(argc - optind);
    return check_together(options, is_given) ? REPLAY_OPTIONS_RUN : REPLAY_OPTIONS_WRONG;
}
