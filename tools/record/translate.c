/*
 * translate - from a raw log to a trace.                          SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. What it is for
 *    A raw log speaks of addresses; a trace speaks of identifiers that are never reused.
 *
 * 2. How it works
 *    The log is walked twice by the same code: once to count, because the counts stand at the head
 *    of the trace, and once to write.  A table of the live allocations gives each free its
 *    identifier; identifiers count upwards from 0.
 *
 * 3. What is not there
 *    A free of an unknown address is of something that was allocated before the recording began
 *    (before the fork, in a child): it is left out.  An allocation at an address that is live means
 *    that a free was not seen (it was made inside of another allocator call, say by a signal
 *    handler): the free is put before the allocation, and counted.
 */
#include "translate.h"

#include "live.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define BUFFER_BYTES 65536
#define LINE_BYTES_MAX 128
#define NS_PER_SECOND UINT64_C(1000000000)

/* -- Reading ----------------------------------------------------------------------------------- */

/* End before the first slot that a running thread has taken but yet to fill. */
static void
cut_at_gap(struct vmr_raw *raw)
{
    for (uint64_t slot = 0; slot < raw->count; slot++) {
        if (atomic_load_explicit(&raw->records[slot].what, memory_order_acquire) == VMR_EMPTY) {
            raw->count = slot;
        }
    }
}

int
vmr_raw_open(const char *path, struct vmr_raw *raw)
{
    struct stat info;
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    int status = fd >= 0 && fstat(fd, &info) == 0 ? 0 : errno;
    void *map = MAP_FAILED;

    if (status == 0 && (!S_ISREG(info.st_mode) || info.st_size < VMR_HEADER_BYTES)) {
        status = EINVAL;
    }
    if (status == 0) {
        map = mmap(NULL, (size_t)info.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        status = map != MAP_FAILED ? 0 : errno;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    if (status != 0) {
        return status;
    }
    struct vmr_log *log = map;
    if (memcmp(log->magic, VMR_MAGIC, sizeof log->magic) != 0 || log->version != VMR_VERSION) {
        (void)munmap(map, (size_t)info.st_size);
        return EINVAL;
    }
    const uint64_t room = ((uint64_t)info.st_size - VMR_HEADER_BYTES) / sizeof(struct vmr_record);
    const uint64_t next = atomic_load(&log->next);
    uint64_t count = atomic_load(&log->limit);
    count = count < next ? count : next;
    count = count < room ? count : room;
    atomic_store(&log->limit, count);
    *raw = (struct vmr_raw){ .log = log,
        .records = (struct vmr_record *)(void *)((char *)log + VMR_HEADER_BYTES),
        .map_bytes = (size_t)info.st_size,
        .count = count,
        .is_alive = kill((pid_t)log->pid, 0) == 0 || errno == EPERM };
    if (raw->is_alive) {
        cut_at_gap(raw);
    }
    return 0;
}

void
vmr_raw_close(struct vmr_raw *raw)
{
    (void)munmap(raw->log, raw->map_bytes);
    raw->log = NULL;
}

void
vmr_raw_command(const struct vmr_raw *raw, char *text, size_t bytes)
{
    size_t length = raw->log->command_bytes;
    size_t used = 0;

    length = length < VMR_COMMAND_BYTES ? length : VMR_COMMAND_BYTES;
    while (length > 0 && raw->log->command[length - 1] == '\0') {
        length--;
    }
    for (; used < length && used + 1 < bytes; used++) {
        const unsigned char byte = (unsigned char)raw->log->command[used];
        text[used] = byte == '\0' ? ' ' : byte < ' ' || byte == 0x7f ? '?' : (char)byte;
    }
    text[used] = '\0';
}

/* -- Writing ----------------------------------------------------------------------------------- */

/* Text on its way to a file.  After an error nothing more is written. */
struct writer {
    gzFile file;
    int status; /* first error, an errno value */
    size_t used;
    char buffer[BUFFER_BYTES];
};

static void
writer_flush(struct writer *w)
{
    if (w->status == 0 && w->used != 0) {
        errno = 0;
        if (gzwrite(w->file, w->buffer, (unsigned)w->used) != (int)w->used) {
            w->status = errno != 0 ? errno : EIO;
        }
    }
    w->used = 0;
}

static void
put_text(struct writer *w, const char *text, size_t length)
{
    while (length > 0) {
        if (w->used == sizeof w->buffer) {
            writer_flush(w);
        }
        const size_t room = sizeof w->buffer - w->used;
        const size_t part = length < room ? length : room;
        memcpy(w->buffer + w->used, text, part);
        w->used += part;
        text += part;
        length -= part;
    }
}

static void
put_string(struct writer *w, const char *text)
{
    put_text(w, text, strlen(text));
}

static size_t
format_number(char *text, uint64_t value)
{
    char reversed[20];
    size_t length = 0;

    do {
        reversed[length++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    for (size_t i = 0; i < length; i++) {
        text[i] = reversed[length - 1 - i];
    }
    return length;
}

static void
put_alloc(struct writer *w, uint64_t id, uint64_t size_bytes, unsigned align_log2)
{
    char line[LINE_BYTES_MAX] = "a ";
    size_t used = 2;

    used += format_number(line + used, id);
    line[used++] = ' ';
    used += format_number(line + used, size_bytes);
    if (align_log2 != 0) {
        memcpy(line + used, " align=", 7);
        used += 7;
        used += format_number(line + used, UINT64_C(1) << align_log2);
    }
    line[used++] = '\n';
    put_text(w, line, used);
}

static void
put_free(struct writer *w, uint64_t id)
{
    char line[LINE_BYTES_MAX] = "f ";
    size_t used = 2 + format_number(line + 2, id);

    line[used++] = '\n';
    put_text(w, line, used);
}

static void
put_time(struct writer *w, uint64_t elapsed_ns)
{
    char line[LINE_BYTES_MAX];
    const int length = snprintf(line, sizeof line, "t %llu.%09llu\n",
        (unsigned long long)(elapsed_ns / NS_PER_SECOND),
        (unsigned long long)(elapsed_ns % NS_PER_SECOND));

    put_text(w, line, (size_t)length);
}

/* The last part of the program's name; `raw_command` ends it with a zero, `command` does not. */
static void
put_program(struct writer *w, const char *command, const char *raw_command)
{
    const size_t length = strnlen(raw_command, strlen(command));
    size_t start = length;

    while (start > 0 && command[start - 1] != '/') {
        start--;
    }
    put_text(w, command + start, length - start);
}

static void
put_head(struct writer *w, const struct vmr_raw *raw, const struct vmr_summary *s)
{
    char command[VMR_COMMAND_BYTES + 1];
    char text[1024];
    const uint32_t flags = atomic_load(&raw->log->flags);
    int length;

    vmr_raw_command(raw, command, sizeof command);
    put_string(w, "# vmem-trace 1\n# malloc/free recording of ");
    put_program(w, command, raw->log->command);
    put_string(w, "\n# command: ");
    put_string(w, command);
    length = snprintf(text, sizeof text,
        "\n# allocs=%llu frees=%llu live_at_end=%llu peak_live=%llu peak_bytes=%llu\n"
        "# a realloc is a free and an allocation; zero_size=%llu requests of 0 bytes stand as 1\n",
        (unsigned long long)s->alloc_count, (unsigned long long)s->free_count,
        (unsigned long long)s->live_count, (unsigned long long)s->live_count_max,
        (unsigned long long)s->bytes_max, (unsigned long long)s->zero_count);
    put_text(w, text, (size_t)length);
    if (s->unseen_count != 0) {
        length = snprintf(text, sizeof text,
            "# unseen_frees=%llu known by the reuse of the address, placed before it\n",
            (unsigned long long)s->unseen_count);
        put_text(w, text, (size_t)length);
    }
    if ((flags & VMR_LOG_DISK_FULL) != 0) {
        put_string(w, "# incomplete: the disk was full\n");
    } else if ((flags & VMR_LOG_FULL) != 0 && !raw->is_alive) {
        put_string(w, "# incomplete: the log was full\n");
    } else if (raw->is_alive) {
        put_string(w, "# its process was still running when this was written\n");
    }
}

/* -- The walk ---------------------------------------------------------------------------------- */

struct walk {
    struct writer *writer; /* NULL = only count */
    bool has_alignment;
    struct vmr_live live;
    struct vmr_summary summary;
    uint64_t time_ns; /* of the last time record */
};

static void
walk_free(struct walk *walk, uint64_t addr, bool is_seen)
{
    struct vmr_live_entry entry;

    if (!vmr_live_remove(&walk->live, addr, &entry)) {
        return;
    }
    walk->summary.free_count++;
    walk->summary.live_count--;
    walk->summary.bytes -= entry.size_bytes;
    walk->summary.unseen_count += is_seen ? 0 : 1;
    if (walk->writer != NULL) {
        put_free(walk->writer, entry.id);
    }
}

static int
walk_alloc(struct walk *walk, uint64_t addr, uint64_t detail)
{
    struct vmr_summary *s = &walk->summary;
    const uint64_t asked_bytes = detail & VMR_SIZE_MASK;
    const struct vmr_live_entry entry = {
        .addr = addr, .id = s->alloc_count, .size_bytes = asked_bytes != 0 ? asked_bytes : 1
    };

    walk_free(walk, addr, false);
    if (vmr_live_add(&walk->live, &entry) != 0) {
        return ENOMEM;
    }
    s->alloc_count++;
    s->zero_count += asked_bytes == 0 ? 1 : 0;
    s->bytes += entry.size_bytes;
    s->live_count++;
    s->bytes_max = s->bytes > s->bytes_max ? s->bytes : s->bytes_max;
    s->live_count_max = s->live_count > s->live_count_max ? s->live_count : s->live_count_max;
    if (walk->writer != NULL) {
        const unsigned align_log2 = (unsigned)(detail >> VMR_ALIGN_SHIFT) & 63u;
        put_alloc(walk->writer, entry.id, entry.size_bytes, walk->has_alignment ? align_log2 : 0);
    }
    return 0;
}

static void
walk_time(struct walk *walk, uint64_t now_ns)
{
    /* Threads may have taken their slots in another order than they read the clock. */
    if (now_ns > walk->time_ns) {
        if (walk->writer != NULL) {
            put_time(walk->writer, now_ns - walk->time_ns);
        }
        walk->time_ns = now_ns;
    }
}

static int
walk_all(const struct vmr_raw *raw, struct walk *walk)
{
    int status = 0;

    for (uint64_t slot = 0; slot < raw->count && status == 0; slot++) {
        const uint64_t what = atomic_load_explicit(&raw->records[slot].what, memory_order_acquire);
        const uint64_t detail =
            atomic_load_explicit(&raw->records[slot].detail, memory_order_relaxed);
        const uint64_t value = what & VMR_VALUE_MASK;
        switch (what >> VMR_KIND_SHIFT) {
        case VMR_ALLOC:
            status = walk_alloc(walk, value, detail);
            break;
        case VMR_FREE:
            walk_free(walk, value, true);
            break;
        case VMR_TIME:
            walk_time(walk, value);
            break;
        default: /* cancelled, or never filled (R3) */
            break;
        }
        if (walk->writer != NULL && status == 0) {
            status = walk->writer->status;
        }
    }
    vmr_live_fini(&walk->live);
    return status;
}

int
vmr_survey(const struct vmr_raw *raw, struct vmr_summary *summary)
{
    struct walk walk = { .writer = NULL };
    const int status = walk_all(raw, &walk);

    if (status == 0) {
        *summary = walk.summary;
    }
    return status;
}

/* Write to `path`, which is opened for the purpose. */
static int
write_to(const char *path, bool is_compressed, const struct vmr_raw *raw,
    const struct vmr_summary *summary, bool has_alignment)
{
    struct writer *w = malloc(sizeof *w);
    int status;

    if (w == NULL) {
        return ENOMEM;
    }
    w->status = 0;
    w->used = 0;
    errno = 0;
    w->file = gzopen(path, is_compressed ? "wbe6" : "wbeT");
    if (w->file == NULL) {
        status = errno != 0 ? errno : ENOMEM;
    } else {
        struct walk walk = { .writer = w, .has_alignment = has_alignment };
        put_head(w, raw, summary);
        status = walk_all(raw, &walk);
        writer_flush(w);
        status = status != 0 ? status : w->status;
        errno = 0;
        if (gzclose(w->file) != Z_OK && status == 0) {
            status = errno != 0 ? errno : EIO;
        }
    }
    free(w);
    return status;
}

int
vmr_translate(const struct vmr_raw *raw, const struct vmr_summary *summary,
    const struct vmr_translation *translation)
{
    const char *path = translation->path;
    const size_t length = strlen(path);
    const bool is_compressed = length > 3 && strcmp(path + length - 3, ".gz") == 0;
    struct stat info;
    int status;

    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        return write_to(path, is_compressed, raw, summary, translation->has_alignment);
    }
    char *part = malloc(length + sizeof ".part");
    if (part == NULL) {
        return ENOMEM;
    }
    (void)snprintf(part, length + sizeof ".part", "%s.part", path);
    status = write_to(part, is_compressed, raw, summary, translation->has_alignment);
    if (status == 0 && rename(part, path) != 0) {
        status = errno;
    }
    if (status != 0) {
        (void)unlink(part);
    }
    free(part);
    return status;
}
