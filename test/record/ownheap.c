/*
 * ownheap - a program with a malloc of its own.                   SPDX-License-Identifier: BSD-2-Clause
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static _Alignas(16) char memory[1 << 20];
static size_t used;

void *
malloc(size_t size)
{
    const size_t step = (size + 31) & ~(size_t)15;

    if (size > sizeof memory || used + step > sizeof memory) {
        return NULL;
    }
    used += step;
    return memory + used - step;
}

void
free(void *ptr)
{
    (void)ptr;
}

void *
calloc(size_t count, size_t each)
{
    return malloc(count * each);
}

void *
realloc(void *ptr, size_t size)
{
    void *moved = malloc(size);

    if (moved != NULL && ptr != NULL) {
        memmove(moved, ptr, size);
    }
    return moved;
}

int
main(void)
{
    static void *volatile sink;

    for (size_t i = 1; i < 100; i++) {
        sink = malloc(i);
        free(sink);
    }
    return 6;
}
