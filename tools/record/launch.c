/*
 * launch - start a program with the recording library in it.      SPDX-License-Identifier: BSD-2-Clause
 *
 * The program inherits everything as it would without us: descriptors, signal dispositions and
 * mask, process group, environment.  The environment has two differences: LD_PRELOAD names the
 * library first, and VMEM_RECORD says where to write.
 */
#include "launch.h"

#include "log.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define LIBRARY_NAME "libvmem-record.so"
#define LIBRARY_VARIABLE "VMEM_RECORD_LIBRARY"
#define INTERPRETERS_MAX 4

/* -- What kind of program it is ---------------------------------------------------------------- */

/* Read where the kernel would find the program; false if nowhere. */
static bool
find_program(const char *name, char path[PATH_MAX])
{
    const char *search = getenv("PATH");

    if (strchr(name, '/') != NULL) {
        return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX;
    }
    for (search = search != NULL ? search : "/bin:/usr/bin"; *search != '\0';) {
        const size_t length = strcspn(search, ":");
        const int written =
            snprintf(path, PATH_MAX, "%.*s%s%s", (int)length, search, length != 0 ? "/" : "", name);
        if (written < PATH_MAX && access(path, X_OK) == 0) {
            return true;
        }
        search += length;
        search += *search == ':';
    }
    return false;
}

static bool
is_privileged(const char *path)
{
    struct stat info;

    if (stat(path, &info) != 0) {
        return false;
    }
    return ((info.st_mode & S_ISUID) != 0 && info.st_uid != getuid()) ||
        ((info.st_mode & S_ISGID) != 0 && info.st_gid != getgid()) ||
        (getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0);
}

/* The machine that this code was compiled for, from our own image. */
static bool
is_our_kind(const ElfW(Ehdr) * theirs)
{
    ElfW(Ehdr) ours;
    const int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    const ssize_t got = fd >= 0 ? read(fd, &ours, sizeof ours) : -1;

    if (fd >= 0) {
        (void)close(fd);
    }
    return got != (ssize_t)sizeof ours ||
        (ours.e_machine == theirs->e_machine &&
            memcmp(ours.e_ident, theirs->e_ident, EI_VERSION) == 0);
}

/* A program is dynamic if it names an interpreter: the dynamic linker. */
static bool
names_interpreter(int fd, const ElfW(Ehdr) * header)
{
    for (unsigned i = 0; i < header->e_phnum; i++) {
        ElfW(Phdr) part;
        const off_t at = (off_t)(header->e_phoff + (uint64_t)i * header->e_phentsize);
        if (pread(fd, &part, sizeof part, at) != (ssize_t)sizeof part) {
            break;
        }
        if (part.p_type == PT_INTERP) {
            return true;
        }
    }
    return false;
}

/* One file.  If it is a script, `path` becomes that of its interpreter, else it becomes empty. */
static enum vmr_obstacle
inspect_file(char path[PATH_MAX])
{
    enum vmr_obstacle found = VMR_OBSTACLE_NONE;
    union {
        ElfW(Ehdr) header;
        char text[PATH_MAX];
    } start = { .text = "" };
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const ssize_t got = fd >= 0 ? pread(fd, &start, sizeof start.text - 1, 0) : -1;

    if (got > 2 && memcmp(start.text, "#!", 2) == 0) {
        const char *name = start.text + 2 + strspn(start.text + 2, " \t");
        (void)snprintf(path, PATH_MAX, "%.*s", (int)strcspn(name, " \t\r\n"), name);
        (void)close(fd);
        return VMR_OBSTACLE_NONE;
    }
    if (is_privileged(path)) {
        found = VMR_OBSTACLE_PRIVILEGED;
    } else if (got >= (ssize_t)sizeof start.header && memcmp(start.text, ELFMAG, SELFMAG) == 0) {
        if (!is_our_kind(&start.header)) {
            found = VMR_OBSTACLE_FOREIGN;
        } else if (!names_interpreter(fd, &start.header)) {
            found = VMR_OBSTACLE_STATIC;
        }
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    path[0] = '\0';
    return found;
}

enum vmr_obstacle
vmr_launch_inspect(const char *name)
{
    char path[PATH_MAX];
    enum vmr_obstacle found = VMR_OBSTACLE_NONE;

    if (!find_program(name, path)) {
        return VMR_OBSTACLE_NONE;
    }
    for (int i = 0; i < INTERPRETERS_MAX && path[0] != '\0' && found == VMR_OBSTACLE_NONE; i++) {
        found = inspect_file(path);
    }
    return found;
}

/* -- The library ------------------------------------------------------------------------------- */

int
vmr_launch_find_library(char **path)
{
    static const char *const places[] = { "/" LIBRARY_NAME, "/../lib/openvmem/" LIBRARY_NAME };
    const char *chosen = getenv(LIBRARY_VARIABLE);
    char self[PATH_MAX];
    char candidate[PATH_MAX + 64];
    const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

    if (chosen != NULL && *chosen != '\0') {
        *path = realpath(chosen, NULL);
        return *path != NULL ? 0 : errno;
    }
    self[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (slash == NULL) {
        return ENOENT;
    }
    *slash = '\0';
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        (void)snprintf(candidate, sizeof candidate, "%s%s", self, places[i]);
        *path = realpath(candidate, NULL);
        if (*path != NULL) {
            return 0;
        }
    }
    return ENOENT;
}

/* -- The run ----------------------------------------------------------------------------------- */

/* Signal state as it was before us, and as the program gets it. */
struct inherited {
    sigset_t mask;
    struct sigaction on_child;
    struct sigaction on_interrupt;
    struct sigaction on_quit;
};

static int
set_environment(const struct vmr_launch *launch)
{
    const char *before = getenv("LD_PRELOAD");
    const bool has_more = before != NULL && *before != '\0';
    const size_t bytes =
        strlen(launch->library) + strlen(launch->directory) + (has_more ? strlen(before) : 0) + 64;
    char *text = malloc(bytes);
    int status = text != NULL ? 0 : ENOMEM;

    if (status == 0) {
        (void)snprintf(
            text, bytes, "%s%s%s", launch->library, has_more ? ":" : "", has_more ? before : "");
        status = setenv("LD_PRELOAD", text, 1) == 0 ? 0 : errno;
    }
    if (status == 0) {
        (void)snprintf(text, bytes, "1:%ld:%s%s:%s", (long)getpid(), launch->does_follow ? "f" : "",
            launch->has_time ? "t" : "", launch->directory);
        status = setenv(VMR_ENVIRONMENT, text, 1) == 0 ? 0 : errno;
    }
    free(text);
    return status;
}

static _Noreturn void
become(const struct vmr_launch *launch, const struct inherited *before, int report)
{
    /* First whether it is the exec's own error, then which. */
    int failure[2] = { 0, launch->library != NULL ? set_environment(launch) : 0 };

    if (failure[1] == 0) {
        (void)sigaction(SIGCHLD, &before->on_child, NULL);
        (void)sigprocmask(SIG_SETMASK, &before->mask, NULL);
        (void)execvp(launch->argv[0], launch->argv);
        failure[0] = 1;
        failure[1] = errno;
    }
    (void)!write(report, failure, sizeof failure);
    _exit(127);
}

/* The signals that wait_for() takes.  What is ignored, as under nohup, is left alone. */
static void
signals_waited_for(sigset_t *set)
{
    static const int passed_on[] = { SIGTERM, SIGHUP };
    struct sigaction action;

    (void)sigemptyset(set);
    (void)sigaddset(set, SIGCHLD);
    for (size_t i = 0; i < sizeof passed_on / sizeof passed_on[0]; i++) {
        if (sigaction(passed_on[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN) {
            (void)sigaddset(set, passed_on[i]);
        }
    }
}

/*
 * Block what wait_for() takes, before the program starts.  SIGCHLD must not be ignored from now
 * on, or there would be no status to wait for.
 */
static void
block_signals(struct inherited *before)
{
    const struct sigaction standard = { .sa_handler = SIG_DFL };
    sigset_t block;

    signals_waited_for(&block);
    (void)sigprocmask(SIG_BLOCK, &block, &before->mask);
    (void)sigaction(SIGCHLD, &standard, &before->on_child);
}

/* The terminal sends these to the program too, which decides. */
static void
ignore_terminal(struct inherited *before)
{
    const struct sigaction ignore = { .sa_handler = SIG_IGN };

    (void)sigaction(SIGINT, &ignore, &before->on_interrupt);
    (void)sigaction(SIGQUIT, &ignore, &before->on_quit);
}

static void
restore_signals(const struct inherited *before)
{
    (void)sigaction(SIGINT, &before->on_interrupt, NULL);
    (void)sigaction(SIGQUIT, &before->on_quit, NULL);
    (void)sigaction(SIGCHLD, &before->on_child, NULL);
    (void)sigprocmask(SIG_SETMASK, &before->mask, NULL);
}

/* Wait for the program's end; pass SIGTERM and SIGHUP on to it. */
static int
wait_for(pid_t pid, int *status)
{
    sigset_t set;
    int number;
    pid_t ended;

    signals_waited_for(&set);
    while ((ended = waitpid(pid, status, WNOHANG)) == 0 || (ended < 0 && errno == EINTR)) {
        if (sigwait(&set, &number) == 0 && number != SIGCHLD) {
            (void)kill(pid, number);
        }
    }
    return ended == pid ? 0 : errno;
}

int
vmr_launch_run(const struct vmr_launch *launch, int *status, bool *is_exec_failure)
{
    struct inherited before;
    int report[2];
    int failure[2] = { 0, 0 };
    int result = 0;

    *is_exec_failure = false;
    if (pipe2(report, O_CLOEXEC) != 0) {
        return errno;
    }
    block_signals(&before);
    const pid_t pid = fork();
    if (pid == 0) {
        become(launch, &before, report[1]);
    }
    if (pid < 0) {
        result = errno;
    }
    (void)close(report[1]);
    ignore_terminal(&before);
    /* Nothing comes if the exec succeeds: it closes the pipe. */
    if (pid > 0 && read(report[0], failure, sizeof failure) == (ssize_t)sizeof failure) {
        *is_exec_failure = failure[0] != 0;
        result = failure[1];
    }
    (void)close(report[0]);
    if (pid > 0) {
        const int wait_error = wait_for(pid, status);
        result = result != 0 ? result : wait_error;
    }
    restore_signals(&before);
    return result;
}
