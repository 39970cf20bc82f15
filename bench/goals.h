/*
 * goals.h - the figures to reach.                             SPDX-License-Identifier: BSD-2-Clause
 *
 * Each applies to one figure, named as in the tables; a subject or part of NULL stands for all of
 * the library's (not the baselines'), live 0 for any number.  docs/DESIGN.md says where they come
 * from.  They hold for a machine that does nothing else.
 */
#ifndef BENCH_GOALS_H
#define BENCH_GOALS_H

#include "report.h"

static const struct bench_goal bench_goals[] = {
    /* Churn at 75 % occupancy: ns a pair. */
    { "churn", "vmem address, locked", "pair", 1000, "mean", false, 65 },
    { "churn", "vmem address, locked", "pair", 100000, "mean", false, 115 },
    { "churn", "vmem address, locked", "pair", 1000000, "mean", false, 350 },
    { "churn", "vmem address", "pair", 1000, "mean", false, 50 },
    { "churn", "vmem address", "pair", 100000, "mean", false, 100 },
    { "churn", "vmem address", "pair", 1000000, "mean", false, 330 },
    { "churn", "vmem handle", "pair", 1000, "mean", false, 40 },
    { "churn", "vmem handle", "pair", 100000, "mean", false, 55 },
    { "churn", "vmem handle", "pair", 1000000, "mean", false, 150 },

    /* The tail of a pair against its median: with the noise of the machine, and without. */
    { "latency", "vmem address, locked", "pair", 100000, "p99.9/p50", false, 3 },
    { "latency", "vmem address", "pair", 100000, "p99.9/p50", false, 3 },
    { "latency", "vmem handle", "pair", 100000, "p99.9/p50", false, 3 },

    { "worst", "vmem address, locked", "churn pair", 100000, "p99.9/p50", false, 3 },
    { "worst", "vmem address", "churn pair", 100000, "p99.9/p50", false, 3 },
    { "worst", "vmem handle", "churn pair", 100000, "p99.9/p50", false, 3 },

    /* No operation takes long: filling, growing, churning, building the index, draining. */
    { "worst", NULL, NULL, 1000000, "max", false, 20000 },

    /* What only an ordered index can answer. */
    { "policy", "exact place", "alloc", 1000000, "mean", false, 1000 },
    { "policy", "window of 1/64 span", "alloc", 1000000, "mean", false, 1000 },
    { "policy", "window of 4096 quanta", "alloc", 1000000, "mean", false, 1000 },
    { "policy", "lowest fit", "alloc", 1000000, "mean", false, 1000 },
    { "policy", "next fit", "alloc", 1000000, "mean", false, 1000 },

    /* Requests that cannot be met. */
    { "fail", NULL, NULL, 1000000, "steady", false, 200 },

    /* Half of the requests aligned, 50 % occupied. */
    { "aligned", "vmem address", "pair", 1000, "mean", false, 60 },
    { "aligned", "vmem address", "pair", 100000, "mean", false, 100 },
    { "aligned", NULL, "pair", 0, "wrongly refused", false, 0 },

    /* Fragmentation of the default policy. */
    { "occupancy", "vmem default", "churn ramp", 10000, "1st failure", true, 87 },
    { "occupancy", "vmem default", "churn ramp", 100000, "1st failure", true, 94 },

    { "metadata", "vmem address", "after churn", 100000, "per block", false, 48 },
    { "metadata", "vmem address", "after churn", 1000000, "per block", false, 48 },
    { "metadata", "vmem handle", "after churn", 100000, "per block", false, 40 },
    { "metadata", "vmem handle", "after churn", 1000000, "per block", false, 40 },

    { "walk", NULL, NULL, 0, "mean", false, 20 },
};

#endif
