/*
 * finish - turn a directory of raw logs into traces.              SPDX-License-Identifier: BSD-2-Clause
 *
 * The preloaded library names a raw log PROCESS.IMAGE; the image counts the programs that a process
 * has become by exec.  Anything else in the directory is left alone.
 */
#include "finish.h"

#include "log.h"
#include "translate.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct name {
    long pid;
    unsigned image;
};

struct names {
    struct name *all;
    size_t count;
    size_t capacity;
};

static bool
parse_name(const char *text, struct name *name)
{
    char check[64];

    if (sscanf(text, "%ld.%u", &name->pid, &name->image) != 2) {
        return false;
    }
    (void)snprintf(check, sizeof check, "%ld.%u", name->pid, name->image);
    return strcmp(check, text) == 0;
}

static int
compare_names(const void *left, const void *right)
{
    const struct name *a = left;
    const struct name *b = right;

    if (a->pid != b->pid) {
        return a->pid < b->pid ? -1 : 1;
    }
    return a->image < b->image ? -1 : a->image > b->image;
}

static int
add_name(struct names *names, const struct name *name)
{
    if (names->count == names->capacity) {
        const size_t capacity = names->capacity != 0 ? names->capacity * 2 : 64;
        struct name *all = realloc(names->all, capacity * sizeof *all);
        if (all == NULL) {
            return ENOMEM;
        }
        names->all = all;
        names->capacity = capacity;
    }
    names->all[names->count++] = *name;
    return 0;
}

static int
list(const char *directory, struct names *names)
{
    DIR *stream = opendir(directory);
    struct dirent *entry;
    struct name name;
    int status = 0;

    if (stream == NULL) {
        return errno;
    }
    while (status == 0 && (entry = readdir(stream)) != NULL) {
        if (parse_name(entry->d_name, &name)) {
            status = add_name(names, &name);
        }
    }
    (void)closedir(stream);
    if (names->count > 1) {
        qsort(names->all, names->count, sizeof names->all[0], compare_names);
    }
    return status;
}

/* Where the suffix of a trace's name begins, the last one of ".vmt.gz", ".vmt" or ".gz". */
static size_t
suffix_start(const char *path)
{
    static const char *const suffixes[] = { ".vmt.gz", ".vmt", ".gz" };
    const size_t length = strlen(path);

    for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
        const size_t suffix = strlen(suffixes[i]);
        if (length > suffix && strcmp(path + length - suffix, suffixes[i]) == 0) {
            return length - suffix;
        }
    }
    return length;
}

static void
trace_path(const char *output, const struct name *name, char path[PATH_MAX])
{
    const size_t stem = suffix_start(output);
    char image[16] = "";

    if (name->image > 1) {
        (void)snprintf(image, sizeof image, "-%u", name->image);
    }
    (void)snprintf(
        path, PATH_MAX, "%.*s.%ld%s%s", (int)stem, output, name->pid, image, output + stem);
}

static void
report(const struct vmr_raw *raw, const struct vmr_summary *s, const char *path)
{
    char command[64];
    const uint32_t flags = atomic_load(&raw->log->flags);

    vmr_raw_command(raw, command, sizeof command);
    (void)fprintf(stderr,
        "vmem record: %s: %llu allocations, %llu frees, peak %llu bytes live: %s\n", command,
        (unsigned long long)s->alloc_count, (unsigned long long)s->free_count,
        (unsigned long long)s->bytes_max, path);
    if (raw->is_alive) {
        (void)fprintf(stderr, "vmem record: process %ld still runs; its trace ends here\n",
            (long)raw->log->pid);
    } else if ((flags & (VMR_LOG_DISK_FULL | VMR_LOG_FULL)) != 0) {
        (void)fprintf(stderr, "vmem record: %s: the trace is incomplete: the %s full\n", path,
            (flags & VMR_LOG_DISK_FULL) != 0 ? "disk was" : "log was");
    }
}

static int
finish_open(const struct vmr_finish *finish, const struct name *name, const struct vmr_raw *raw,
    struct vmr_finish_result *result)
{
    char path[PATH_MAX];
    struct vmr_summary summary;
    const uint32_t flags = atomic_load(&raw->log->flags);
    const bool is_main = (flags & VMR_LOG_ROOT) != 0 && name->image == 1;
    int status = vmr_survey(raw, &summary);

    if (status != 0) {
        return status;
    }
    if (summary.alloc_count == 0 && (!is_main || (flags & VMR_LOG_OWN_HEAP) != 0)) {
        result->has_own_heap = result->has_own_heap || (flags & VMR_LOG_OWN_HEAP) != 0;
        return 0;
    }
    if (is_main) {
        (void)snprintf(path, sizeof path, "%s", finish->output);
    } else {
        trace_path(finish->output, name, path);
    }
    const struct vmr_translation translation = { .path = path,
        .has_alignment = finish->has_alignment };
    status = vmr_translate(raw, &summary, &translation);
    if (status == 0) {
        result->trace_count++;
        if (!finish->is_quiet) {
            report(raw, &summary, path);
        }
    } else {
        (void)fprintf(stderr, "vmem record: %s: %s\n", path, strerror(status));
    }
    return status;
}

static void
finish_one(
    const struct vmr_finish *finish, const struct name *name, struct vmr_finish_result *result)
{
    char path[PATH_MAX];
    struct vmr_raw raw;

    (void)snprintf(path, sizeof path, "%s/%ld.%u", finish->directory, name->pid, name->image);
    int status = vmr_raw_open(path, &raw);
    if (status != 0) {
        /* A process that was killed before its log had a header has recorded nothing. */
        if (status != EINVAL) {
            (void)fprintf(stderr, "vmem record: %s: %s\n", path, strerror(status));
            result->failed_count++;
            return;
        }
    } else {
        status = finish_open(finish, name, &raw, result);
        vmr_raw_close(&raw);
        if (status != 0) {
            result->failed_count++;
            return;
        }
    }
    (void)unlink(path);
}

int
vmr_finish(const struct vmr_finish *finish, struct vmr_finish_result *result)
{
    struct names names = { .all = NULL };
    const int status = list(finish->directory, &names);

    *result = (struct vmr_finish_result){ 0 };
    for (size_t i = 0; i < names.count && status == 0; i++) {
        finish_one(finish, &names.all[i], result);
    }
    free(names.all);
    return status;
}
