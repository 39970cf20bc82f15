/*
 * misuse - what callers do wrong, said in one line and handed to the fatal hook.
 *                                                                  SPDX-License-Identifier: BSD-2-Clause
 *
 * Only the words are found here.  A bad free is caught in free.c, a bad span in import.c, a destroy of
 * what is in use in lifecycle.c.
 */
#include "engine/misuse.h"

#include "base/text.h"

static vmem_fatal_fn *fatal_hook;
static void *fatal_hook_arg;

void
vmi_misuse_set_hook(vmem_fatal_fn *hook, void *arg)
{
    fatal_hook = hook;
    fatal_hook_arg = arg;
}

static const char *const code_names[VMEM_FAULT_CODE_END] = {
    [VMEM_FAULT_BAD_FREE] = "BAD_FREE",
    [VMEM_FAULT_WRONG_SIZE] = "WRONG_SIZE",
    [VMEM_FAULT_BAD_HANDLE] = "BAD_HANDLE",
    [VMEM_FAULT_HANDLE_ONLY] = "HANDLE_ONLY",
    [VMEM_FAULT_DESTROY_BUSY] = "DESTROY_BUSY",
    [VMEM_FAULT_REENTRY] = "REENTRY",
    [VMEM_FAULT_BAD_IMPORT] = "BAD_IMPORT",
    [VMEM_FAULT_CORRUPT] = "CORRUPT",
};

static void
put_range(struct vmi_line *line, const char *before, vmem_addr_t start, vmem_size_t size)
{
    vmi_line_put(line, before);
    vmi_line_hex(line, start);
    vmi_line_put(line, "+");
    vmi_line_hex(line, size);
}

void
vmi_misuse(const struct vmem_arena *arena, struct vmem_fault *fault, const char *why)
{
    vmi_misuse_named(arena->name, fault, why);
}

void
vmi_misuse_named(const char *name, struct vmem_fault *fault, const char *why)
{
    struct vmi_line line;

    vmi_line_clear(&line);
    fault->arena = name;
    vmi_line_put(&line, "vmem: ");
    vmi_line_put(&line, code_names[fault->code]);
    vmi_line_put(&line, " arena=");
    vmi_line_put(&line, name);
    vmi_line_put(&line, " addr=");
    vmi_line_hex(&line, fault->addr);
    vmi_line_put(&line, " size=");
    vmi_line_hex(&line, fault->size);
    vmi_line_put(&line, ": ");
    vmi_line_put(&line, why);
    if (fault->found_size != 0) {
        put_range(&line, "; found ", fault->found_start, fault->found_size);
    }
    if (fault->count != 0) {
        vmi_line_put(&line, "; ");
        vmi_line_decimal(&line, fault->count);
        vmi_line_put(&line, " live, the first at");
    }
    for (unsigned i = 0; i < VMEM_FAULT_RANGES && fault->live[i].size != 0; i++) {
        put_range(&line, " ", fault->live[i].start, fault->live[i].size);
    }
    fault->text = line.text;
    if (fatal_hook == NULL) {
        vmi_port_fatal(line.text);
    }
    fatal_hook(fatal_hook_arg, fault);
}

void
vmi_report_reentry(const struct vmem_arena *arena)
{
    struct vmem_fault fault = { .code = VMEM_FAULT_REENTRY };

    vmi_misuse(arena, &fault, "the calling thread is in a call on this arena already");
}
