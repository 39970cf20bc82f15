/*
 * main_replay - repeat inputs with a harness, in a plain program.  SPDX-License-Identifier: BSD-2-Clause
 *
 *     replay_operations FILE|DIRECTORY...
 *
 * Every file is given to the harness; of a directory, every file in it.  The name of the input at hand is
 * printed if the harness ends the process.  The last line is "N passed, 0 failed".
 */
#define _FILE_OFFSET_BITS \
    64 /* or readdir() of a 32-bit program ends at a file with a large number */

#include "fuzz.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

static char current[PATH_BYTES]; /* the input at hand */

static void
on_abort(int number)
{
    static const char before[] = "fuzz: with the input ";
    static const char after[] = "\n0 passed, 1 failed\n";

    (void)!write(STDERR_FILENO, before, sizeof before - 1);
    (void)!write(STDERR_FILENO, current, strlen(current));
    (void)!write(STDERR_FILENO, after, sizeof after - 1);
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

/* Returns false if the file cannot be read. */
static bool
replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;
    size_t size = 0;
    size_t capacity = 0;
    size_t got;

    if (file == NULL) {
        perror(path);
        return false;
    }
    do {
        capacity = 2 * capacity + 4096;
        data = realloc(data, capacity);
        if (data == NULL) {
            abort();
        }
        got = fread(data + size, 1, capacity - size, file);
        size += got;
    } while (got != 0);
    (void)fclose(file);
    /* As large as the input and no more, so that a sanitizer sees a read beyond it. */
    data = realloc(data, size != 0 ? size : 1);
    (void)snprintf(current, sizeof current, "%s", path);
    (void)LLVMFuzzerTestOneInput(data, size);
    free(data);
    return true;
}

static bool
replay_directory(const char *path, unsigned *count)
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    bool is_good = directory != NULL;

    while (is_good && (entry = readdir(directory)) != NULL) {
        char name[PATH_BYTES];
        struct stat status;

        (void)snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (stat(name, &status) == 0 && S_ISREG(status.st_mode)) {
            is_good = replay_file(name);
            ++*count;
        }
    }
    if (directory == NULL) {
        perror(path);
    } else {
        (void)closedir(directory);
    }
    return is_good;
}

int
main(int argc, char **argv)
{
    unsigned count = 0;
    bool is_good = true;

    (void)signal(SIGABRT, on_abort);
    for (int i = 1; i < argc && is_good; i++) {
        struct stat status;

        if (stat(argv[i], &status) == 0 && S_ISDIR(status.st_mode)) {
            is_good = replay_directory(argv[i], &count);
        } else {
            is_good = replay_file(argv[i]);
            count++;
        }
    }
    if (count == 0) {
        (void)fprintf(stderr, "usage: %s FILE|DIRECTORY...  (no input was found)\n", argv[0]);
        return 2;
    }
    (void)printf("%u passed, %u failed\n", is_good ? count : count - 1, is_good ? 0u : 1u);
    return is_good ? 0 : 1;
}
