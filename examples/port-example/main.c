/*
 * main.c - the imaginary kernel, as a program: it boots, uses the port, and stops.
 *                                                                  SPDX-License-Identifier: BSD-2-Clause
 *
 * The library's core and port.c are compiled freestanding; only this file knows that there is a host.
 */
#include <stdio.h>
#include <stdlib.h>
#include <vmem/vmem.h>

#include "kernel.h"

static bool interrupts_are_on = true;
static unsigned times_turned_off;

bool
kernel_interrupts_off(void)
{
    const bool were_on = interrupts_are_on;

    times_turned_off += were_on ? 1 : 0;
    interrupts_are_on = false;
    return were_on;
}

void
kernel_interrupts_restore(bool were_on)
{
    interrupts_are_on = were_on;
}

uint64_t
kernel_uptime_ns(void)
{
    static uint64_t now;

    return now += 1000;
}

_Noreturn void
kernel_panic(const char *text)
{
    printf("panic: %s\n", text);
    fflush(stdout);
    exit(3);
}

static void
require(bool is_true, const char *what)
{
    if (!is_true) {
        kernel_panic(what);
    }
}

/* One boot: every structure of an arena is used once, the indexes too. */
static void
boot(void)
{
    enum { COUNT = 300 };
    static vmem_addr_t addr[COUNT];
    struct vmem_arena *arena = NULL;
    struct vmem_violation violation;

    require(vmem_create("kva", 1 << 30, 1 << 28, 4096, 0, 0, &arena) == 0, "create");
    for (unsigned i = 0; i < COUNT; i++) {
        require(vmem_alloc(arena, 4096 * (1 + i % 5), 0, &addr[i]) == 0, "alloc");
    }
    for (unsigned i = 0; i < COUNT; i += 2) {
        vmem_free(arena, addr[i], 4096 * (1 + i % 5));
    }
    for (unsigned i = 0; i < COUNT; i += 2) {
        require(vmem_xalloc(arena, 4096 * (1 + i % 5), 0, 0, 0, 0, VMEM_ADDR_MAX,
                    i % 4 == 0 ? VMEM_BESTFIT : VMEM_FIRSTFIT, &addr[i]) == 0,
            "alloc with an index");
    }
    require(vmem_check(arena, &violation), "an invariant is broken");
    for (unsigned i = 0; i < COUNT; i++) {
        vmem_free(arena, addr[i], 4096 * (1 + i % 5));
    }
    require(vmem_size(arena, VMEM_MAXFREE) == 1 << 28, "one hole again");
    require(vmem_destroy(arena) == 0, "destroy");
}

int
main(void)
{
    struct vmem_arena *arena = NULL;

    /* The pool is small: this only works because everything comes back to it. */
    for (unsigned i = 0; i < 100; i++) {
        boot();
    }
    require(interrupts_are_on && times_turned_off != 0, "a lock was not left");
    printf("booted 100 times\n");

    /* Misuse ends in the kernel's panic. */
    require(vmem_create("kva", 4096, 4096, 4096, 0, 0, &arena) == 0, "create");
    vmem_free(arena, 4096, 4096);
    return 0;
}
