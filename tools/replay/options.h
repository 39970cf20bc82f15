/*
 * options.h - what the command line of vmem replay says.              SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMEM_TOOLS_REPLAY_OPTIONS_H
#define VMEM_TOOLS_REPLAY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <vmem/vmem.h>

#define REPLAY_POLICY_COUNT 4
#define REPLAY_QUANTUM_DEFAULT 16

/* How the size of the span is chosen. */
enum replay_size_rule {
    REPLAY_SIZE_AUTO, /* from the trace's peak */
    REPLAY_SIZE_FIT,  /* a smallest one in which nothing fails */
    REPLAY_SIZE_GIVEN
};

struct replay_policy {
    const char *name;
    unsigned flag;
};

/* All policies, in the order in which they are compared. */
extern const struct replay_policy replay_policies[REPLAY_POLICY_COUNT];

struct replay_options {
    char **files; /* argv's */
    size_t file_count;
    const struct replay_policy *policy; /* NULL = compare all */
    enum replay_size_rule size_rule;
    vmem_size_t size;           /* units, if given */
    vmem_size_t quantum;        /* units */
    vmem_addr_t base;           /* units: first of the span */
    vmem_size_t import_quantum; /* units; 0 = from the peak */
    bool is_high;
    bool is_importing;
    bool is_checked;
    bool is_json;
    bool is_unlocked;
    bool is_quiet;
    bool uses_handles;
};

enum replay_options_result {
    REPLAY_OPTIONS_RUN,
    REPLAY_OPTIONS_DONE, /* help was asked for and printed */
    REPLAY_OPTIONS_WRONG /* the error was printed */
};

enum replay_options_result replay_options_read(
    struct replay_options *options, int argc, char **argv);

#endif
