/*
 * dma_window.c - buffers that a limited device can reach.          SPDX-License-Identifier: BSD-2-Clause
 *
 * The units are bytes of physical memory.  An old device has 24 address lines, so its buffers must end
 * below 16 MiB, and its counter has 16 bits, so a buffer must not cross a multiple of 64 KiB.  When a
 * request is refused, vmem_explain() says which of the conditions it was, and what would still do.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <vmem/vmem.h>

#define KIB 1024ull
#define MIB (1024 * KIB)
#define PAGE (4 * KIB)

static const struct vmem_constraint device = {
    .align = PAGE,
    .nocross = 64 * KIB,
    .addr_min = 0,
    .addr_max = 16 * MIB - 1 /* the last unit allowed */
};

static void
require(bool is_true, const char *what)
{
    if (!is_true) {
        fprintf(stderr, "dma_window: %s\n", what);
        exit(1);
    }
}

static void
explain(struct vmem_arena *memory, vmem_size_t size)
{
    struct vmem_explanation why;

    vmem_explain(memory, size, &device, VMEM_NOWAIT, &why);
    printf("%llu KiB: %s\n", (unsigned long long)(size / KIB), vmem_reason_text(why.reason));
    if (why.status == EINVAL) {
        return; /* then nothing was looked at */
    }
    printf("  free in all %llu KiB, largest hole %llu KiB, largest for the device %llu KiB\n",
        (unsigned long long)(why.free_size / KIB), (unsigned long long)(why.largest_hole / KIB),
        (unsigned long long)(why.largest_possible / KIB));
    printf("  holes: %llu, large enough %llu, also in the window %llu, with a place %llu\n",
        (unsigned long long)why.holes, (unsigned long long)why.holes_large_enough,
        (unsigned long long)why.holes_in_window, (unsigned long long)why.holes_fitting);
}

int
main(void)
{
    struct vmem_arena *memory = NULL;
    vmem_addr_t kernel = 0;
    vmem_addr_t buffer[4] = { 0 };
    vmem_addr_t rest = 0;

    /* 4 GiB of memory.  The first 15 MiB are taken by a kernel image, all but the last 28 KiB. */
    require(vmem_create("physical memory", 0, 4096 * MIB, PAGE, 0, 0, &memory) == 0, "create");
    require(vmem_xalloc(
                memory, 15 * MIB - 28 * KIB, 0, 0, 0, 0, 15 * MIB - 1, VMEM_FIRSTFIT, &kernel) == 0,
        "the kernel image");

    /* From the low end of what is left.  The second one must not cross 15 MiB, so it begins there. */
    for (unsigned i = 0; i < 4; i++) {
        require(vmem_xalloc_with(memory, 24 * KIB, &device, VMEM_FIRSTFIT, &buffer[i]) == 0,
            "a buffer of 24 KiB");
        printf("buffer %u: %#llx to %#llx\n", i, (unsigned long long)buffer[i],
            (unsigned long long)(buffer[i] + 24 * KIB - 1));
        require(buffer[i] >> 16 == (buffer[i] + 24 * KIB - 1) >> 16, "it crosses 64 KiB");
    }

    /* A size that no block of 64 KiB can hold contradicts itself, whatever is free. */
    require(vmem_xalloc_with(memory, 65 * KIB, &device, 0, &rest) == EINVAL, "65 KiB in 64 KiB");
    explain(memory, 65 * KIB);

    /* Take the rest of the window, all but one page of it. */
    require(vmem_xalloc(memory, 16 * MIB - PAGE - (buffer[3] + 24 * KIB), 0, 0, 0,
                buffer[3] + 24 * KIB, 16 * MIB - 1, VMEM_FIRSTFIT, &rest) == 0,
        "the rest of the window");
    require(vmem_xalloc_with(memory, 24 * KIB, &device, 0, &buffer[0]) == ENOMEM, "it is full");
    explain(memory, 24 * KIB);

    /* The same request without the window is answered at once. */
    require(vmem_alloc(memory, 24 * KIB, VMEM_NOWAIT, &rest) == 0 && rest >= 16 * MIB - PAGE,
        "there is plenty above");
    return 0;
}
