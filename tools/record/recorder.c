/*
 * recorder - the raw log, written from inside of the recorded process.
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 * 1. What it is for
 *    Gives the hooks one operation, "append", that neither locks nor allocates.  log.h says what a
 *    log is and why its order is right.
 *
 * 2. How it works
 *    The file is made as large as it can ever get (sparse), mapped once, and closed: the program's
 *    descriptors stay as they would be, and a chroot, a closefrom() or a setuid() later does no harm.
 *    Touching a page of a sparse file on a full disk kills a process with SIGBUS.  Therefore pages
 *    are populated ahead of their use, a chunk at a time, by a call that fails instead; then the
 *    limit falls to what is there, and the program goes on unrecorded.
 *
 * 3. Fork
 *    What this process knows about its log is in one page that the kernel wipes in a forked child,
 *    however it was made, so a child can never write into its parent's log.  It finds the page
 *    empty at its first call and opens a log of its own, or none.  (A vfork child shares its
 *    parent's memory, heap and log, which is right.)  An exec starts from nothing anyway.
 *
 * 4. Invariants
 *    R5  control->log is not NULL  =>  the log belongs to this process.
 *    R6  slots below control->ready have their pages.
 */
#include "recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define LOG_BYTES_MAX (UINT64_C(1) << 36) /* 4 billion records; sparse */
#define LOG_BYTES_MIN (UINT64_C(1) << 20)
#define CHUNK_SLOTS UINT64_C(16384) /* populated at once: 256 KiB */
#define TIME_STEP_NS UINT64_C(1000000)
#define DIRECTORY_BYTES 3072
#define IMAGES_MAX 100000u

enum state { STATE_NONE, STATE_STARTING, STATE_ON, STATE_OFF };

/* Wiped by the kernel in a forked child: all zero = nothing has begun. */
struct control {
    _Atomic(struct vmr_log *) log; /* NULL unless state is STATE_ON */
    _Atomic uint64_t ready;        /* slots */
    _Atomic uint64_t time_ns;      /* of the last time record, since the log began */
    _Atomic int state;
};

/* What the environment said, kept because the program may change it.  Written once. */
static struct {
    _Atomic bool is_known;
    bool is_wanted;
    bool does_follow;
    bool has_time;
    long root_pid;
    size_t page_bytes;
    char directory[DIRECTORY_BYTES];
} config;

static _Atomic(struct control *) control;
static _Thread_local bool is_starting;

static uint64_t
clock_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* False as long as the environment is not there yet (calls from the dynamic linker). */
static bool
config_read(void)
{
    if (atomic_load(&config.is_known)) {
        return true;
    }
    if (environ == NULL) {
        return false;
    }
    config.page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    const char *text = getenv(VMR_ENVIRONMENT);
    if (text != NULL && strncmp(text, "1:", 2) == 0) {
        char *flags = NULL;
        const long pid = strtol(text + 2, &flags, 10);
        const char *directory = *flags == ':' ? strchr(flags + 1, ':') : NULL;
        if (directory != NULL && strlen(directory + 1) < DIRECTORY_BYTES) {
            config.root_pid = pid;
            config.does_follow = memchr(flags, 'f', (size_t)(directory - flags)) != NULL;
            config.has_time = memchr(flags, 't', (size_t)(directory - flags)) != NULL;
            memcpy(config.directory, directory + 1, strlen(directory + 1) + 1);
            config.is_wanted = true;
        }
    }
    atomic_store(&config.is_known, true);
    return true;
}

static struct control *
control_map(void)
{
    struct control *expected = NULL;
    const size_t bytes = config.page_bytes;
    void *page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED) {
        return NULL;
    }
    /* Before Linux 4.14 this fails, and only the handler of pthread_atfork() protects the log. */
    (void)madvise(page, bytes, MADV_WIPEONFORK);
    if (!atomic_compare_exchange_strong(&control, &expected, page)) {
        (void)munmap(page, bytes);
        return expected;
    }
    return page;
}

/* The bytes that the log may grow to: what the program's own limits leave room for. */
static uint64_t
log_bytes_allowed(void)
{
    uint64_t bytes = LOG_BYTES_MAX;
    struct rlimit limit;

    /* To pass the file size limit would send a signal; half of it is surely below. */
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur / 2 < bytes) {
        bytes = limit.rlim_cur / 2;
    }
    /* Address space that is scarce belongs to the program. */
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur / 16 < bytes) {
        bytes = limit.rlim_cur / 16;
    }
    return bytes & ~(uint64_t)0xffff;
}

static int
log_create(long pid, unsigned *image)
{
    char path[DIRECTORY_BYTES + 64];

    for (*image = 1; *image < IMAGES_MAX; ++*image) {
        (void)snprintf(path, sizeof path, "%s/%ld.%u", config.directory, pid, *image);
        const int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd >= 0 || errno != EEXIST) {
            return fd;
        }
    }
    return -1;
}

static void
read_command(struct vmr_log *log)
{
    const int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);

    if (fd >= 0) {
        const ssize_t got = read(fd, log->command, sizeof log->command);
        log->command_bytes = got > 0 ? (uint32_t)got : 0;
        (void)close(fd);
    }
}

static bool
populate(void *start, size_t bytes)
{
    int result;

    do {
        result = madvise(start, bytes, MADV_POPULATE_WRITE);
    } while (result != 0 && (errno == EINTR || errno == EAGAIN));
    /* EINVAL: before Linux 5.14 nobody can tell; then a full disk does harm. */
    return result == 0 || errno == EINVAL;
}

static struct vmr_log *
log_open(long pid)
{
    unsigned image;
    void *map = MAP_FAILED;
    uint64_t bytes = log_bytes_allowed();
    const int fd = log_create(pid, &image);

    if (fd < 0) {
        return NULL;
    }
    for (; map == MAP_FAILED && bytes >= LOG_BYTES_MIN; bytes /= 2) {
        if (ftruncate(fd, (off_t)bytes) == 0) {
            map = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        }
        if (map != MAP_FAILED) {
            break;
        }
    }
    (void)close(fd);
    if (map == MAP_FAILED) {
        return NULL;
    }
    if (!populate(map, VMR_HEADER_BYTES)) {
        (void)munmap(map, (size_t)bytes);
        return NULL;
    }
    struct vmr_log *log = map;
    read_command(log);
    log->version = VMR_VERSION;
    log->image = image;
    log->pid = pid;
    log->start_ns = clock_ns();
    atomic_store(&log->flags, pid == config.root_pid ? VMR_LOG_ROOT : 0);
    atomic_store(&log->limit, (bytes - VMR_HEADER_BYTES) / sizeof(struct vmr_record));
    memcpy(log->magic, VMR_MAGIC, sizeof log->magic);
    return log;
}

static void
begin_as(struct control *c)
{
    const long pid = (long)getpid();
    struct vmr_log *log = NULL;

    if (config.is_wanted && (config.does_follow || pid == config.root_pid)) {
        log = log_open(pid);
    }
    atomic_store(&c->ready, 0);
    atomic_store(&c->time_ns, 0);
    atomic_store(&c->log, log);
    atomic_store(&c->state, log != NULL ? STATE_ON : STATE_OFF);
}

/* The log of this process, NULL if it is not recorded (or not yet). */
static struct vmr_log *
begin(void)
{
    const int errno_before = errno;
    struct control *c = atomic_load(&control);
    int expected = STATE_NONE;

    if (is_starting || (c != NULL && atomic_load(&c->state) == STATE_OFF)) {
        return NULL;
    }
    is_starting = true;
    if (!config_read() || (c == NULL && (c = control_map()) == NULL)) {
        is_starting = false;
        errno = errno_before;
        return NULL;
    }
    if (atomic_compare_exchange_strong(&c->state, &expected, STATE_STARTING)) {
        begin_as(c);
    }
    while (atomic_load(&c->state) == STATE_STARTING) {
        (void)sched_yield();
    }
    is_starting = false;
    errno = errno_before;
    return atomic_load(&c->log);
}

void
vmr_recorder_begin(void)
{
    (void)begin();
}

/* Only needed where the kernel cannot wipe the page; harmless where it can. */
static void
after_fork_in_child(void)
{
    struct control *c = atomic_load(&control);
    struct vmr_log *log = c != NULL ? atomic_load(&c->log) : NULL;

    if (log != NULL && log->pid != (int64_t)getpid()) {
        atomic_store(&c->log, NULL);
        atomic_store(&c->state, STATE_NONE);
    }
    (void)begin();
}

__attribute__((constructor)) static void
recorder_constructor(void)
{
    (void)begin();
    (void)pthread_atfork(NULL, NULL, after_fork_in_child);
}

void
vmr_recorder_own_heap(void)
{
    struct vmr_log *log = begin();

    if (log != NULL) {
        atomic_fetch_or(&log->flags, VMR_LOG_OWN_HEAP);
    }
}

/* Nothing at or above `slots` counts any more. */
static void
stop_at(struct vmr_log *log, uint64_t slots, enum vmr_log_flags why)
{
    uint64_t limit = atomic_load(&log->limit);

    while (slots < limit && !atomic_compare_exchange_weak(&log->limit, &limit, slots)) {
    }
    atomic_fetch_or(&log->flags, (uint32_t)why);
}

static struct vmr_record *
record_at(struct vmr_log *log, uint64_t slot)
{
    return (struct vmr_record *)(void *)((char *)log + VMR_HEADER_BYTES) + slot;
}

/*
 * Make the pages of all slots up to `slot` exist.  No lock, so that a signal handler may interrupt
 * it and do the same: populating twice is harmless, and `ready` only ever rises.
 */
static bool
prepare(struct control *c, struct vmr_log *log, uint64_t slot)
{
    const int errno_before = errno;
    const uint64_t limit = atomic_load(&log->limit);
    uint64_t ready = atomic_load(&c->ready);
    uint64_t wanted = (slot / CHUNK_SLOTS + 1) * CHUNK_SLOTS;
    bool is_done = true;

    wanted = wanted < limit ? wanted : limit;
    if (wanted <= slot) { /* the limit fell */
        return false;
    }
    if (ready < wanted) {
        char *start = (char *)record_at(log, ready);
        char *page = start - ((uintptr_t)start & (config.page_bytes - 1));
        is_done = populate(page, (size_t)((char *)record_at(log, wanted) - page));
        if (!is_done) {
            stop_at(log, ready, VMR_LOG_DISK_FULL);
        }
        while (
            is_done && ready < wanted && !atomic_compare_exchange_weak(&c->ready, &ready, wanted)) {
        }
    }
    errno = errno_before;
    return is_done || slot < atomic_load(&c->ready);
}

static struct vmr_record *
append(struct control *c, struct vmr_log *log, enum vmr_kind kind, uint64_t value, uint64_t detail)
{
    const uint64_t slot = atomic_fetch_add(&log->next, 1);

    if (slot >= atomic_load_explicit(&log->limit, memory_order_relaxed)) {
        if ((atomic_load_explicit(&log->flags, memory_order_relaxed) & VMR_LOG_FULL) == 0) {
            atomic_fetch_or(&log->flags, VMR_LOG_FULL);
        }
        return NULL;
    }
    if (slot >= atomic_load_explicit(&c->ready, memory_order_acquire) && !prepare(c, log, slot)) {
        return NULL;
    }
    struct vmr_record *record = record_at(log, slot);
    atomic_store_explicit(&record->detail, detail, memory_order_relaxed);
    atomic_store_explicit(
        &record->what, ((uint64_t)kind << VMR_KIND_SHIFT) | value, memory_order_release);
    return record;
}

static void
append_time(struct control *c, struct vmr_log *log)
{
    const uint64_t now = clock_ns() - log->start_ns;
    uint64_t last = atomic_load_explicit(&c->time_ns, memory_order_relaxed);

    if (now > last && now - last >= TIME_STEP_NS &&
        atomic_compare_exchange_strong(&c->time_ns, &last, now)) {
        (void)append(c, log, VMR_TIME, now & VMR_VALUE_MASK, 0);
    }
}

static struct vmr_record *
record_event(enum vmr_kind kind, uint64_t value, uint64_t detail)
{
    struct control *c = atomic_load_explicit(&control, memory_order_acquire);
    struct vmr_log *log = c != NULL ? atomic_load_explicit(&c->log, memory_order_acquire) : NULL;

    if (log == NULL) {
        log = begin();
        if (log == NULL) {
            return NULL;
        }
        c = atomic_load(&control);
    }
    if (config.has_time) {
        append_time(c, log);
    }
    return append(c, log, kind, value & VMR_VALUE_MASK, detail);
}

void
vmr_recorder_alloc(const void *ptr, size_t size, size_t align)
{
    const uint64_t log2 = align > 1 ? (uint64_t)__builtin_ctzll((unsigned long long)align) : 0;

    (void)record_event(
        VMR_ALLOC, (uintptr_t)ptr, ((uint64_t)size & VMR_SIZE_MASK) | log2 << VMR_ALIGN_SHIFT);
}

struct vmr_record *
vmr_recorder_free(const void *ptr)
{
    return record_event(VMR_FREE, (uintptr_t)ptr, 0);
}

void
vmr_recorder_cancel(struct vmr_record *record)
{
    if (record != NULL) {
        atomic_store_explicit(
            &record->what, (uint64_t)VMR_CANCELLED << VMR_KIND_SHIFT, memory_order_release);
    }
}
