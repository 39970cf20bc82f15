/*
 * recorded - programs for `vmem record` to record, one for each mode.
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 * What a test judges stands between two allocations of MARK bytes, so that it does not matter what
 * the C library allocates on its own account.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARK 77777
#define EXIT_LOST 3 /* the heap did not do what it must */

/* The compiler may neither drop an allocation nor know what a call does. */
static void *volatile sink;
static const volatile size_t huge = SIZE_MAX;

static void
mark(void)
{
    sink = malloc(MARK);
}

static void *
keep(void *ptr)
{
    if (ptr == NULL) {
        _exit(EXIT_LOST);
    }
    memset(ptr, 0x5a, 1);
    sink = ptr;
    return ptr;
}

/* -- One thread -------------------------------------------------------------------------------- */

static int
plain(void)
{
    mark();
    char *a = keep(malloc(100));
    char *b = keep(calloc(10, 20));
    for (int i = 1; i < 200; i++) {
        if (b[i] != 0) {
            return EXIT_LOST;
        }
    }
    free(a);
    char *c = keep(malloc(0));
    a = keep(malloc(100));
    free(b);
    free(NULL);
    free(c);
    free(a);
    mark();
    return 0;
}

static int
grow(void)
{
    mark();
    char *a = keep(realloc(NULL, 10));
    for (size_t size = 20; size <= 100000; size *= 10) {
        a[9] = 'x';
        a = keep(realloc(a, size));
        if (a[9] != 'x') {
            return EXIT_LOST;
        }
    }
    a = keep(reallocarray(a, 30, 40));
    errno = 0;
    if (realloc(a, huge / 2 + 1) != NULL || errno != ENOMEM ||
        reallocarray(a, huge / 2, 3) != NULL || errno != ENOMEM) {
        return EXIT_LOST;
    }
    free(keep(malloc(1))); /* a is live while this is */
    errno = 77;
    a = keep(realloc(a, 50)); /* still there, and errno is not touched */
    sink = realloc(a, 0);     /* the GNU C library: a free */
    if (errno != 77) {
        return EXIT_LOST;
    }
    mark();
    return 0;
}

static int
aligned(void)
{
    void *a = NULL;

    mark();
    if (posix_memalign(&a, 256, 1000) != 0 || posix_memalign(&a, 3, 1000) != EINVAL) {
        return EXIT_LOST;
    }
    void *const all[] = { keep(a), keep(aligned_alloc(64, 640)), keep(memalign(4096, 10)),
        keep(valloc(20)), keep(pvalloc(30)), keep(malloc(40)) };
    static const size_t aligns[] = { 256, 64, 4096, 4096, 4096, 16 };
    for (size_t i = 0; i < 6; i++) {
        if ((uintptr_t)all[i] % aligns[i] != 0 || malloc_usable_size(all[i]) < 10) {
            return EXIT_LOST;
        }
        free(all[i]);
    }
    mark();
    return 0;
}

static int
refused(void)
{
    mark();
    for (int i = 0; i < 5; i++) {
        errno = 0;
        sink = i % 2 == 0 ? malloc(huge - 10) : calloc(huge / 2, 3);
        if (sink != NULL || errno != ENOMEM) {
            return EXIT_LOST;
        }
    }
    mark();
    return 0;
}

/* -- Threads ----------------------------------------------------------------------------------- */

enum { THREADS = 8, ROUNDS = 30000, SLOTS = 512 };
static _Atomic(void *) slots[SLOTS];

/* Put new allocations where others pick them up, and free what was there. */
static void *
exchange(void *arg)
{
    uint64_t random = (uintptr_t)arg * 2654435761u + 1;

    for (int i = 0; i < ROUNDS; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        void *mine = keep(malloc((random >> 40) % 200 + 1));
        if ((random >> 33) % 8 == 0) {
            mine = keep(realloc(mine, (random >> 20) % 3000 + 1));
        }
        free(atomic_exchange(&slots[(random >> 50) % SLOTS], mine));
    }
    return NULL;
}

static void *
exchange_forever(void *arg)
{
    for (;;) {
        (void)exchange(arg);
    }
    return NULL;
}

static int
threads(void)
{
    pthread_t all[THREADS];

    for (uintptr_t i = 0; i < THREADS; i++) {
        if (pthread_create(&all[i], NULL, exchange, (void *)i) != 0) {
            return EXIT_LOST;
        }
    }
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(all[i], NULL);
    }
    for (int i = 0; i < SLOTS; i++) {
        free(atomic_load(&slots[i]));
    }
    return 0;
}

/* Threads that come and go. */
static void *
brief(void *arg)
{
    free(keep(malloc(1234)));
    return arg;
}

static int
short_threads(void)
{
    for (int i = 0; i < 300; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, brief, NULL) != 0) {
            return EXIT_LOST;
        }
        (void)pthread_join(thread, NULL);
    }
    return 0;
}

/* -- Ends -------------------------------------------------------------------------------------- */

static void
work(void)
{
    for (size_t i = 1; i <= 1000; i++) {
        char *ptr = keep(malloc(i));
        if (i % 2 == 0) {
            free(ptr);
        }
    }
}

static int
end(const char *how)
{
    work();
    if (strcmp(how, "kill") == 0) {
        (void)raise(SIGKILL);
    } else if (strcmp(how, "abort") == 0) {
        abort();
    } else if (strcmp(how, "_exit") == 0) {
        _exit(7);
    } else if (strcmp(how, "quick_exit") == 0) {
        quick_exit(8);
    } else if (strcmp(how, "term") == 0) {
        (void)raise(SIGTERM);
    } else if (strcmp(how, "wait") == 0) {
        (void)!write(STDOUT_FILENO, "ready\n", 6);
        for (;;) {
            (void)pause();
        }
    } else if (strcmp(how, "busy") == 0) { /* until somebody kills it, with many threads */
        pthread_t thread;
        for (uintptr_t i = 0; i < 3; i++) {
            (void)pthread_create(&thread, NULL, exchange_forever, (void *)i);
        }
        (void)!write(STDOUT_FILENO, "ready\n", 6);
        (void)exchange_forever((void *)3);
    }
    return 9;
}

/* -- Fork and exec ----------------------------------------------------------------------------- */

static int
result_of(pid_t pid)
{
    int status = 0;

    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status)
                                                                           : EXIT_LOST;
}

/* In the child: free what came from the parent, allocate, and so on. */
static int
child(void *inherited)
{
    free(inherited);
    mark();
    char *ptr = keep(malloc(555));
    free(ptr);
    mark();
    return 11;
}

static int
forks(void)
{
    char *inherited = keep(malloc(444));

    mark();
    const pid_t pid = fork();
    if (pid == 0) {
        _exit(child(inherited));
    }
    const int first = result_of(pid);
    /* Without the C library's help. */
    const pid_t raw = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (raw == 0) {
        _exit(child(inherited));
    }
    const int second = result_of(raw);
    free(inherited);
    mark();
    return first == 11 && second == 11 ? 0 : EXIT_LOST;
}

/* Fork while other threads are busy with the heap, many times. */
static int
threads_fork(void)
{
    pthread_t all[3];

    for (uintptr_t i = 0; i < 3; i++) {
        (void)pthread_create(&all[i], NULL, exchange, (void *)i);
    }
    for (int i = 0; i < 50; i++) {
        const pid_t pid = fork();
        if (pid == 0) {
            work();
            _exit(5);
        }
        if (result_of(pid) != 5) {
            return EXIT_LOST;
        }
    }
    for (int i = 0; i < 3; i++) {
        (void)pthread_join(all[i], NULL);
    }
    return 0;
}

static int
becomes(char **argv)
{
    char *const next[] = { argv[0], (char[]){ "plain" }, NULL };

    free(keep(malloc(333)));
    (void)execv(argv[0], next);
    return EXIT_LOST;
}

/* A child that goes on when its parent is gone. */
static int
leaves_child(void)
{
    free(keep(malloc(333)));
    if (fork() == 0) {
        for (int i = 0; i < 100; i++) {
            free(keep(malloc(222)));
            (void)usleep(10000);
        }
        _exit(0);
    }
    (void)usleep(100000);
    return 0;
}

/* -- What a program can see -------------------------------------------------------------------- */

static void
on_alarm(int number)
{
    (void)number;
    free(malloc(64)); /* not allowed, and yet done everywhere */
}

/* Each signal interrupts a thread in or out of the heap, which must survive it. */
static int
signals(void)
{
    (void)signal(SIGUSR1, on_alarm);
    for (int i = 0; i < 2000; i++) {
        void *ptr = keep(malloc(100));
        (void)raise(SIGUSR1);
        free(ptr);
    }
    return 0;
}

/* Print the numbers of the open descriptors, and what the standard ones carry. */
static int
look(int argc, char **argv)
{
    char text[256];
    ssize_t got;

    for (int fd = 0; fd < 1024; fd++) {
        if (fcntl(fd, F_GETFD) >= 0) {
            (void)printf("descriptor %d\n", fd);
        }
    }
    for (int i = 0; i < argc; i++) {
        (void)printf("argument %s\n", argv[i]);
    }
    for (int number = 1; number < 32; number++) {
        struct sigaction action;
        sigset_t mask;
        (void)sigprocmask(SIG_SETMASK, NULL, &mask);
        if (sigaction(number, NULL, &action) == 0) {
            (void)printf("signal %d %s %d\n", number,
                action.sa_handler == SIG_IGN       ? "ignored"
                    : action.sa_handler == SIG_DFL ? "default"
                                                   : "handled",
                sigismember(&mask, number));
        }
    }
    (void)fflush(stdout);
    while ((got = read(STDIN_FILENO, text, sizeof text)) > 0) {
        (void)!write(STDOUT_FILENO, text, (size_t)got);
    }
    (void)fputs("to standard error\n", stderr);
    return 42;
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } modes[] = { { "plain", plain }, { "grow", grow }, { "aligned", aligned },
        { "refused", refused }, { "threads", threads }, { "short_threads", short_threads },
        { "forks", forks }, { "threads_fork", threads_fork }, { "leaves_child", leaves_child },
        { "signals", signals } };

    for (size_t i = 0; argc >= 2 && i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(argv[1], modes[i].name) == 0) {
            return modes[i].run();
        }
    }
    if (argc >= 3 && strcmp(argv[1], "end") == 0) {
        return end(argv[2]);
    }
    if (argc >= 2 && strcmp(argv[1], "becomes") == 0) {
        return becomes(argv);
    }
    return look(argc, argv);
}
