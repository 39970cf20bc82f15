/*
 * record - the command `vmem record`: a program's heap calls as a trace.
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 * 1. What it is for
 *    Gives real workloads to `vmem replay`: runs any dynamically linked program with a library
 *    preloaded that notes each malloc and free, and writes what it noted as a trace.
 *
 * 2. How it works
 *    a. Find the library; make a scratch directory for raw logs (log.h) beside the trace, because
 *       a log can be large and that is where the user expects things to go.
 *    b. Run the program (launch.h) and wait for its end, whatever that is.
 *    c. Turn the raw logs into traces (finish.h) and remove the scratch directory.
 *    If step c cannot write, or this command is killed, the raw logs stay, and --recover does c.
 *
 * 3. What the program notices
 *    Two environment variables, one more library in its address space, and time.  Its heap, its
 *    descriptors, its signals and its exit status are as they would be.
 */
#include "record.h"

#include "finish.h"
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCRATCH_NAME ".vmem-record-XXXXXX"

static const char usage_text[] =
    "Usage: vmem record [OPTION]... [--] COMMAND [ARGUMENT]...\n"
    "       vmem record --recover DIR -o FILE\n"
    "Run COMMAND and record its malloc, free and relatives as a trace.\n"
    "\n"
    "  -o, --output FILE   write the trace to FILE (default: COMMAND.vmt.gz here);\n"
    "                      compressed if it ends in .gz\n"
    "  -f, --follow        record child processes too, each in its own file\n"
    "  -a, --align         keep the alignments that were asked for (default)\n"
    "      --no-align      leave them out\n"
    "      --time          record the passing of time\n"
    "  -q, --quiet         do not report what was written\n"
    "      --scratch DIR   keep raw logs in DIR while recording (default: beside FILE);\n"
    "                      16 bytes for each call\n"
    "      --recover DIR   turn the raw logs that a killed recording left in DIR into traces\n"
    "  -h, --help          print this and exit\n"
    "\n"
    "A realloc is recorded as a free and an allocation, a request of 0 bytes as 1 byte.\n"
    "Further programs that the process becomes by exec, and children with --follow, get\n"
    "FILE with their process id before the suffix: x.vmt.gz, x.4711.vmt.gz, x.4711-2.vmt.gz.\n"
    "\n"
    "Exit status: that of COMMAND, 128+N if signal N ended it; 125 if recording failed,\n"
    "126 if COMMAND cannot be executed, 127 if it cannot be found.\n";

struct options {
    char output[PATH_MAX];
    const char *scratch; /* --scratch; NULL = choose */
    const char *recover; /* --recover; NULL = run a program */
    bool does_follow;
    bool has_alignment;
    bool has_time;
    bool is_quiet;
    char **command; /* NULL at the end */
};

/* -- Options ----------------------------------------------------------------------------------- */

enum long_option { OPTION_NO_ALIGN = 256, OPTION_TIME, OPTION_SCRATCH, OPTION_RECOVER };

/* What parsing decided: go on, or leave with this status. */
enum verdict { GO_ON = -1, DONE = 0, REFUSED = VMR_EXIT_FAILED };

static enum verdict
refuse(const char *what, const char *which)
{
    (void)fprintf(stderr, "vmem record: %s%s\nTry 'vmem record --help'.\n", what, which);
    return REFUSED;
}

static enum verdict
set_output(struct options *options, const char *path)
{
    const int length = snprintf(options->output, sizeof options->output, "%s", path);
    struct stat info;

    if (length > 0 &&
        (path[strlen(path) - 1] == '/' || (stat(path, &info) == 0 && S_ISDIR(info.st_mode)))) {
        return refuse("the trace cannot be a directory: ", path);
    }
    /* Room for ".PID-IMAGE" and ".part". */
    if (length == 0 || length >= (int)sizeof options->output - 48) {
        return refuse("bad name for the trace: ", path);
    }
    return GO_ON;
}

/* COMMAND.vmt.gz in the current directory. */
static enum verdict
set_default_output(struct options *options)
{
    const char *slash = strrchr(options->command[0], '/');
    const char *name = slash != NULL ? slash + 1 : options->command[0];
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s.vmt.gz", *name != '\0' ? name : "command");
    return set_output(options, path);
}

static enum verdict
set_option(struct options *options, int option, const char *bad)
{
    switch (option) {
    case 'o':
        return set_output(options, optarg);
    case 'f':
        options->does_follow = true;
        return GO_ON;
    case 'a':
        options->has_alignment = true;
        return GO_ON;
    case OPTION_NO_ALIGN:
        options->has_alignment = false;
        return GO_ON;
    case OPTION_TIME:
        options->has_time = true;
        return GO_ON;
    case 'q':
        options->is_quiet = true;
        return GO_ON;
    case OPTION_SCRATCH:
        options->scratch = optarg;
        return GO_ON;
    case OPTION_RECOVER:
        options->recover = optarg;
        return GO_ON;
    case 'h':
        (void)fputs(usage_text, stdout);
        return fflush(stdout) == 0 ? DONE : REFUSED;
    case ':':
        return refuse("no argument given to ", bad);
    default:
        return refuse("unknown option ", bad);
    }
}

static enum verdict
parse(int argc, char **argv, struct options *options)
{
    static const struct option names[] = { { "output", required_argument, NULL, 'o' },
        { "follow", no_argument, NULL, 'f' }, { "align", no_argument, NULL, 'a' },
        { "no-align", no_argument, NULL, OPTION_NO_ALIGN },
        { "time", no_argument, NULL, OPTION_TIME }, { "quiet", no_argument, NULL, 'q' },
        { "scratch", required_argument, NULL, OPTION_SCRATCH },
        { "recover", required_argument, NULL, OPTION_RECOVER }, { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 } };
    enum verdict verdict = GO_ON;
    int option;

    *options = (struct options){ .has_alignment = true };
    opterr = 0;
    optind = 0; /* start afresh: the caller may have used getopt() */
    while (verdict == GO_ON && (option = getopt_long(argc, argv, "+:o:fahq", names, NULL)) != -1) {
        verdict = set_option(options, option, argv[optind - 1]);
    }
    if (verdict != GO_ON) {
        return verdict;
    }
    options->command = argv + optind;
    if (options->recover != NULL) {
        return options->output[0] == '\0' ? refuse("--recover needs -o FILE", "")
            : optind < argc               ? refuse("--recover runs no command: ", argv[optind])
                                          : GO_ON;
    }
    if (optind >= argc) {
        return refuse("no command given", "");
    }
    return options->output[0] != '\0' ? GO_ON : set_default_output(options);
}

/* -- The scratch directory --------------------------------------------------------------------- */

/* The directory that the trace will be in.  False if the trace is to be no regular file. */
static bool
directory_of(const char *output, char path[PATH_MAX])
{
    const char *slash = strrchr(output, '/');
    struct stat info;

    if (stat(output, &info) == 0 && !S_ISREG(info.st_mode)) {
        return false;
    }
    (void)snprintf(path, PATH_MAX, "%.*s", slash == NULL ? 1 : (int)(slash - output + 1),
        slash == NULL ? "." : output);
    return true;
}

/* Some file systems cannot map a file shared; then no log can be there. */
static int
probe(const char *directory)
{
    char path[PATH_MAX + 16];
    void *map = MAP_FAILED;
    int status = 0;

    (void)snprintf(path, sizeof path, "%s/probe", directory);
    const int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return errno;
    }
    if (ftruncate(fd, 4096) == 0) {
        map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    if (map == MAP_FAILED) {
        status = errno;
    } else {
        (void)munmap(map, 4096);
    }
    (void)close(fd);
    (void)unlink(path);
    return status;
}

/* Make a scratch directory in `where`; its absolute path to `scratch`. */
static int
scratch_make_in(const char *where, char scratch[PATH_MAX])
{
    char *base = realpath(where, NULL);
    int status = base != NULL ? 0 : errno;

    if (status == 0 && snprintf(scratch, PATH_MAX, "%s/" SCRATCH_NAME, base) >= PATH_MAX) {
        status = ENAMETOOLONG;
    }
    free(base);
    if (status == 0 && mkdtemp(scratch) == NULL) {
        status = errno;
    }
    if (status == 0) {
        status = probe(scratch);
        if (status != 0) {
            (void)rmdir(scratch);
        }
    }
    return status;
}

static int
scratch_make(const struct options *options, char scratch[PATH_MAX])
{
    const char *temporary = getenv("TMPDIR");
    char beside[PATH_MAX];

    if (options->scratch != NULL) {
        return scratch_make_in(options->scratch, scratch);
    }
    if (directory_of(options->output, beside)) {
        const int status = scratch_make_in(beside, scratch);
        if (status != ENODEV && status != EINVAL) { /* what mmap() says where it cannot */
            return status;
        }
    }
    return scratch_make_in(temporary != NULL && *temporary != '\0' ? temporary : "/tmp", scratch);
}

/* -- The command ------------------------------------------------------------------------------- */

/* The dynamic linker takes LD_PRELOAD apart at spaces and colons: then name the library by a link. */
static int
link_library(const char *library, char link_directory[PATH_MAX], char link_path[PATH_MAX])
{
    (void)snprintf(link_directory, PATH_MAX, "/tmp/vmem-record-XXXXXX");
    if (mkdtemp(link_directory) == NULL) {
        link_directory[0] = '\0';
        return errno;
    }
    (void)snprintf(link_path, PATH_MAX, "%.*s/libvmem-record.so", PATH_MAX - 64, link_directory);
    return symlink(library, link_path) == 0 ? 0 : errno;
}

static const char *
why_nothing(enum vmr_obstacle obstacle, bool has_own_heap)
{
    if (has_own_heap) {
        return "it defines malloc itself, and such calls cannot be intercepted";
    }
    switch (obstacle) {
    case VMR_OBSTACLE_STATIC:
        return "it is statically linked";
    case VMR_OBSTACLE_PRIVILEGED:
        return "it is set-uid, set-gid or has capabilities, and such programs load no library";
    case VMR_OBSTACLE_FOREIGN:
        return "it is for another kind of machine than vmem";
    case VMR_OBSTACLE_NONE:
        break;
    }
    return "the library was not loaded, or could not write its log";
}

static int
exit_status(int status)
{
    return WIFSIGNALED(status) ? VMR_EXIT_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Traces from the raw logs, then away with them.  False if something could not be written. */
static bool
finish(const struct options *options, const char *scratch, struct vmr_finish_result *result)
{
    const struct vmr_finish todo = { .directory = scratch,
        .output = options->output,
        .has_alignment = options->has_alignment,
        .is_quiet = options->is_quiet };
    const int status = vmr_finish(&todo, result);

    if (status != 0) {
        (void)fprintf(stderr, "vmem record: %s: %s\n", scratch, strerror(status));
        return false;
    }
    if (result->failed_count != 0) {
        (void)fprintf(stderr,
            "vmem record: raw logs are kept; to try again: vmem record --recover %s -o FILE\n",
            scratch);
        return false;
    }
    (void)rmdir(scratch);
    return true;
}

static int
run(const struct options *options, const char *library, const char *scratch)
{
    const char *name = options->command[0];
    const enum vmr_obstacle obstacle = vmr_launch_inspect(name);
    const struct vmr_launch launch = { .library = obstacle != VMR_OBSTACLE_FOREIGN ? library : NULL,
        .directory = scratch,
        .argv = options->command,
        .does_follow = options->does_follow,
        .has_time = options->has_time };
    struct vmr_finish_result result;
    bool is_exec_failure;
    int status = 0;
    const int failure = vmr_launch_run(&launch, &status, &is_exec_failure);

    if (failure != 0) {
        (void)fprintf(stderr, "vmem record: cannot run %s: %s\n", name, strerror(failure));
        (void)rmdir(scratch);
        return !is_exec_failure ? VMR_EXIT_FAILED
            : failure == ENOENT ? VMR_EXIT_NOT_FOUND
                                : VMR_EXIT_NOT_EXECUTABLE;
    }
    if (!finish(options, scratch, &result)) {
        return VMR_EXIT_FAILED;
    }
    if (result.trace_count == 0) {
        (void)fprintf(stderr, "vmem record: nothing was recorded of %s: %s; %s was not written\n",
            name, why_nothing(obstacle, result.has_own_heap), options->output);
    }
    return exit_status(status);
}

static int
record(const struct options *options)
{
    char scratch[PATH_MAX];
    char link_directory[PATH_MAX] = "";
    char link_path[PATH_MAX] = "";
    char *library = NULL;
    int status = vmr_launch_find_library(&library);

    if (status != 0) {
        (void)fprintf(stderr,
            "vmem record: cannot find libvmem-record.so (VMEM_RECORD_LIBRARY can name it): %s\n",
            strerror(status));
        return VMR_EXIT_FAILED;
    }
    if (strpbrk(library, " :") != NULL) {
        status = link_library(library, link_directory, link_path);
    }
    if (status == 0) {
        status = scratch_make(options, scratch);
    }
    if (status == 0) {
        status = run(options, link_path[0] != '\0' ? link_path : library, scratch);
    } else {
        (void)fprintf(stderr, "vmem record: cannot make a log for %s: %s\n", options->output,
            strerror(status));
        status = VMR_EXIT_FAILED;
    }
    if (link_directory[0] != '\0') {
        (void)unlink(link_path);
        (void)rmdir(link_directory);
    }
    free(library);
    return status;
}

static int
recover(const struct options *options)
{
    struct vmr_finish_result result;

    if (!finish(options, options->recover, &result)) {
        return VMR_EXIT_FAILED;
    }
    if (result.trace_count == 0) {
        (void)fprintf(stderr, "vmem record: no raw logs in %s\n", options->recover);
        return VMR_EXIT_FAILED;
    }
    return 0;
}

int
vmem_cmd_record(int argc, char **argv)
{
    struct options options;
    const enum verdict verdict = parse(argc, argv, &options);

    if (verdict != GO_ON) {
        return (int)verdict;
    }
    return options.recover != NULL ? recover(&options) : record(&options);
}
