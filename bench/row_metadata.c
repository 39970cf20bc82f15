/*
 * row_metadata - bytes of metadata for each live block.       SPDX-License-Identifier: BSD-2-Clause
 *
 * What the arena says that it has obtained, itself included, over the number of live blocks: after
 * the fill, and after 2 n pairs, when there are holes as well.  The naive baseline counts what its
 * trees hold, without what malloc adds.
 */
#include "bench.h"
#include "workload.h"

static const struct bench_adapter *const subjects[] = {
    &bench_vmem_addr,
    &bench_vmem_handle,
    &bench_vmem_indexed,
    &bench_map,
    NULL,
};

static void
add_figure(struct bench_run *run, const struct bench_instance *instance, const char *part)
{
    const struct bench_key key = { instance->adapter->name, part, instance->slot_count };
    const double bytes = (double)instance->adapter->metadata_bytes(instance->arena);
    const double per_block = bytes / instance->slot_count;
    const double total = bytes / 1024.0;

    bench_report_add(&run->report, &key, "per block", "B", &per_block, 1);
    bench_report_add(&run->report, &key, "in all", "KiB", &total, 1);
}

static void
run_live(struct bench_run *run, uint32_t live)
{
    const struct bench_adapter *chosen[sizeof subjects / sizeof subjects[0]];
    const unsigned count = bench_choose(run, subjects, chosen, live, "after fill");
    struct bench_trace fill = { 0 };
    struct bench_trace churn = { 0 };
    struct bench_load load;

    bench_load_init(&load, live, run->options->occupancy, false, run->options->seed);
    bench_load_fill(&load, &fill);
    bench_load_churn(&load, &churn, 2 * (size_t)live);
    for (unsigned i = 0; i < count; i++) {
        struct bench_instance instance;

        bench_progress("metadata, %u live: %s", live, chosen[i]->name);
        bench_instance_open(&instance, chosen[i], live, load.span_quanta);
        bench_instance_run(&instance, fill.ops, fill.count);
        add_figure(run, &instance, "after fill");
        bench_instance_run(&instance, churn.ops, churn.count);
        add_figure(run, &instance, "after churn");
        bench_instance_close(&instance);
    }
    bench_trace_fini(&fill);
    bench_trace_fini(&churn);
    bench_load_fini(&load);
}

static void
run_metadata(struct bench_run *run)
{
    for (unsigned i = 0; i < run->options->live_count; i++) {
        run_live(run, run->options->lives[i]);
    }
}

const struct bench_family bench_metadata = {
    "metadata",
    "memory for metadata over live blocks",
    run_metadata,
};
