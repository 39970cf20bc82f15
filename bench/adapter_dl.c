/*
 * adapter_dl - see adapter_dl.h.                              SPDX-License-Identifier: BSD-2-Clause
 */
#include "adapter_dl.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RESERVE "glibc.rtld.optional_static_tls=16384"

void *
bench_dl_open(const char *path)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    (void)path;
    return NULL;
#else
    return dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
#endif
}

void *
bench_dl_symbol(void *library, const char *name)
{
    return dlsym(library, name);
}

static const char *
base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* True if `symbol` lies in the library at `path`, whichever link led there. */
static bool
lies_in(void *symbol, const char *path)
{
    Dl_info info;
    char wanted[4096];
    char found[4096];

    if (dladdr(symbol, &info) == 0 || info.dli_fname == NULL) {
        return false;
    }
    if (realpath(path, wanted) == NULL || realpath(info.dli_fname, found) == NULL) {
        return strcmp(base_name(path), base_name(info.dli_fname)) == 0;
    }
    return strcmp(wanted, found) == 0;
}

static bool
find_call(
    void *library, const char *path, const char *name, struct bench_malloc_calls *calls, void *call)
{
    void *symbol = dlsym(library, name);

    if (symbol == NULL || !lies_in(symbol, path)) {
        snprintf(calls->problem, sizeof calls->problem, "not used: %s has no %s of its own",
            base_name(path), name);
        return false;
    }
    memcpy(call, &symbol, sizeof symbol);
    return true;
}

bool
bench_dl_load(
    const char *path, const char *const names[3], struct bench_malloc_calls *calls, void **library)
{
    calls->problem[0] = '\0';
    if (path[0] == '\0') {
        snprintf(calls->problem, sizeof calls->problem, "not built: not installed at build time");
        return false;
    }
    *library = bench_dl_open(path);
    if (*library == NULL) {
        const char *text = dlerror();

        snprintf(calls->problem, sizeof calls->problem, "not loaded: %.140s",
            text == NULL ? "not with sanitizers" : text);
        return false;
    }
    return find_call(*library, path, names[0], calls, &calls->alloc) &&
        find_call(*library, path, names[1], calls, &calls->free_) &&
        find_call(*library, path, names[2], calls, &calls->alloc_aligned);
}

void
bench_dl_reserve(char **argv)
{
    const char *tunables = getenv("GLIBC_TUNABLES");
    char text[1024];
    char self[4096];

    if (tunables != NULL && strstr(tunables, "optional_static_tls") != NULL) {
        return;
    }
    snprintf(text, sizeof text, "%s%s" RESERVE, tunables == NULL ? "" : tunables,
        tunables == NULL || tunables[0] == '\0' ? "" : ":");
    const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length > 0 && setenv("GLIBC_TUNABLES", text, 1) == 0) {
        self[length] = '\0';
        execv(self, argv);
    }
    /* Without it jemalloc may be missing from the tables, with the reason. */
}
