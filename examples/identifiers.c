/*
 * identifiers.c - numbers that are not reused soon.                SPDX-License-Identifier: BSD-2-Clause
 *
 * The resource need not be memory.  Here the units are the numbers 1 to 9, to be given to sessions.  A
 * number that was just given back should not name another session at once: a late message would reach
 * the wrong one.  Next fit goes round through all numbers before it uses one again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <vmem/vmem.h>

enum { FIRST_ID = 1, LAST_ID = 9 };

static void
require(bool is_true, const char *what)
{
    if (!is_true) {
        fprintf(stderr, "identifiers: %s\n", what);
        exit(1);
    }
}

static vmem_addr_t
open_session(struct vmem_arena *ids)
{
    vmem_addr_t id = 0;

    require(vmem_alloc(ids, 1, VMEM_NOWAIT, &id) == 0, "no number is left");
    return id;
}

/* Open a session and close it again, a few times. */
static void
open_and_close(struct vmem_arena *ids, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        const vmem_addr_t id = open_session(ids);
        printf(" %llu", (unsigned long long)id);
        vmem_free(ids, id, 1);
    }
    putchar('\n');
}

int
main(void)
{
    struct vmem_arena *ids = NULL;
    vmem_addr_t kept[LAST_ID];
    vmem_addr_t id = 0;
    unsigned count = 0;

    /* The policy given at creation is the default of the requests that name none. */
    require(
        vmem_create("session ids", FIRST_ID, LAST_ID - FIRST_ID + 1, 1, 0, VMEM_NEXTFIT, &ids) == 0,
        "cannot create the arena");

    printf("one after the other:");
    open_and_close(ids, 12);

    kept[count++] = open_session(ids);
    kept[count++] = open_session(ids);
    printf(
        "these stay open: %llu %llu\n", (unsigned long long)kept[0], (unsigned long long)kept[1]);
    printf("the others go on:");
    open_and_close(ids, 9);

    /* One request may have a policy of its own: the lowest free number.  The cursor stays. */
    require(vmem_alloc(ids, 1, VMEM_FIRSTFIT, &id) == 0, "no number is left");
    printf("the lowest: %llu\n", (unsigned long long)id);
    kept[count++] = id;

    while (vmem_alloc(ids, 1, VMEM_NOWAIT, &id) == 0) {
        kept[count++] = id;
    }
    printf("%u sessions are open, %llu numbers are free\n", count,
        (unsigned long long)vmem_size(ids, VMEM_FREE));
    require(vmem_alloc(ids, 1, VMEM_NOWAIT, &id) == ENOMEM, "a tenth number came from somewhere");

    /* A particular number is asked for as a window of one unit. */
    vmem_free(ids, 5, 1);
    require(vmem_xalloc(ids, 1, 0, 0, 0, 5, 5, VMEM_NOWAIT, &id) == 0 && id == 5, "5 was free");

    for (unsigned i = 0; i < count; i++) {
        vmem_free(ids, kept[i], 1);
    }
    require(vmem_destroy(ids) == 0, "something is still allocated");
    return 0;
}
