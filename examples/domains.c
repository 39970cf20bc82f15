/*
 * domains.c - an arena for each memory domain, over one root.      SPDX-License-Identifier: BSD-2-Clause
 *
 * A kernel has one range of addresses and several memory domains.  Each domain has an arena of its own
 * that imports from the root in multiples of 2 MiB; so all addresses in one 2 MiB block belong to one
 * domain, and may share a large page.  A block in which nothing is allocated any more goes back to the
 * root, and another domain may have it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <vmem/vmem.h>

#define KIB 1024ull
#define MIB (1024 * KIB)
#define PAGE (4 * KIB)
#define BLOCK (2 * MIB)

enum { DOMAINS = 2 };

static void
require(bool is_true, const char *what)
{
    if (!is_true) {
        fprintf(stderr, "domains: %s\n", what);
        exit(1);
    }
}

/* Print one line for an arena; called for each one there is. */
static bool
print_arena(void *arg, struct vmem_arena *arena)
{
    struct vmem_stats stats;

    (void)arg;
    vmem_stats(arena, &stats);
    printf("  %-9s owns %2llu MiB, %4llu KiB of them busy; spans imported %llu, given back %llu\n",
        vmem_name(arena), (unsigned long long)(stats.total_size / MIB),
        (unsigned long long)(stats.inuse_size / KIB), (unsigned long long)stats.imports,
        (unsigned long long)stats.releases);
    return true;
}

static void
print_all(const char *when)
{
    printf("%s\n", when);
    vmem_walk_arenas(print_arena, NULL);
}

int
main(void)
{
    static const char *const names[DOMAINS] = { "domain 0", "domain 1" };
    struct vmem_arena *root = NULL;
    struct vmem_arena *domain[DOMAINS] = { NULL };
    vmem_addr_t small[DOMAINS];
    vmem_addr_t large = 0;
    vmem_addr_t none = 0;

    require(vmem_create("root", 64 * MIB, 16 * MIB, PAGE, 0, VMEM_FIRSTFIT, &root) == 0, "root");
    for (unsigned i = 0; i < DOMAINS; i++) {
        /* At most 8 MiB each; what is imported is a multiple of a block, and so aligned. */
        const struct vmem_options options = { .name = names[i],
            .quantum = PAGE,
            .source_arena = root,
            .import_quantum = BLOCK,
            .limit = 8 * MIB };
        require(vmem_create_with(&options, &domain[i]) == 0, "a domain");
    }

    for (unsigned i = 0; i < DOMAINS; i++) {
        require(vmem_xalloc(domain[i], 3 * PAGE, 0, 0, BLOCK, 0, VMEM_ADDR_MAX, 0, &small[i]) == 0,
            "a small one");
    }
    require(small[0] / BLOCK != small[1] / BLOCK, "two domains share a block");
    print_all("after one small allocation in each domain:");

    require(vmem_alloc(domain[0], 5 * MIB, VMEM_NOWAIT, &large) == 0, "a large one");
    print_all("after a large one in domain 0, which needs three blocks:");

    /* 2 + 6 MiB are owned: there is room for 1 MiB more, and the limit forbids another block. */
    require(vmem_alloc(domain[0], 3 * MIB, VMEM_NOWAIT, &none) == ENOMEM, "beyond the limit");
    {
        struct vmem_stats stats;
        vmem_stats(domain[0], &stats);
        require(stats.fails[VMEM_REASON_LIMIT] == 1, "the reason is the limit");
        printf("3 MiB more are refused: %s\n", vmem_reason_text(VMEM_REASON_LIMIT));
    }

    vmem_free(domain[0], large, 5 * MIB);
    vmem_xfree(domain[1], small[1], 3 * PAGE);
    print_all("after both were freed:");

    vmem_xfree(domain[0], small[0], 3 * PAGE);
    require(vmem_size(root, VMEM_ALLOC) == 0, "the root has everything back");
    for (unsigned i = 0; i < DOMAINS; i++) {
        require(vmem_destroy(domain[i]) == 0, "something is allocated in a domain");
    }
    require(vmem_destroy(root) == 0, "something is allocated in the root");
    return 0;
}
