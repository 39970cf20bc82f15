/*
 * print - the kernel debugger's commands, as functions that write to a sink.
 *                                                                  SPDX-License-Identifier: BSD-2-Clause
 *
 * One line at a time is written into a buffer on the stack and handed to the sink without any lock:
 * no stdio, no allocation, and a sink may take as long as it likes.
 */
#include "inspect/inspect.h"

#include "base/text.h"
#include "engine/registry.h"
#include "engine/spans.h"

struct output {
    vmem_sink_fn *sink;
    void *arg;
    struct vmi_line line;
};

static void
flush_line(struct output *out)
{
    vmi_line_put(&out->line, "\n");
    out->sink(out->arg, out->line.text, out->line.length);
    vmi_line_clear(&out->line);
}

VMI_OUTSIDE static void
print_pair(struct output *out, const char *label, uint64_t value)
{
    vmi_line_put(&out->line, "  ");
    vmi_line_put(&out->line, label);
    vmi_line_pad(&out->line, 20);
    vmi_line_decimal(&out->line, value);
    vmi_line_put(&out->line, " (");
    vmi_line_hex(&out->line, value);
    vmi_line_put(&out->line, ")");
    flush_line(out);
}

static const char *
policy_name(unsigned policy)
{
    switch (policy) {
    case VMEM_BESTFIT:
        return "best fit";
    case VMEM_FIRSTFIT:
        return "first fit";
    case VMEM_NEXTFIT:
        return "next fit";
    default:
        return "instant fit";
    }
}

VMI_OUTSIDE static void
print_title(struct output *out, const struct vmem_arena *arena)
{
    vmi_line_put(&out->line, "arena ");
    vmi_line_put(&out->line, arena->name);
    vmi_line_put(&out->line, ": ");
    vmi_line_put(&out->line, policy_name(arena->policy));
    if (arena->source.arena != NULL) {
        vmi_line_put(&out->line, ", imports from ");
        vmi_line_put(&out->line, arena->source.arena->name);
    } else if (arena->source.import_fn != NULL) {
        vmi_line_put(&out->line, ", imports from a function");
    }
    flush_line(out);
}

void
vmi_print(struct vmem_arena *arena, vmem_sink_fn *sink, void *arg)
{
    struct output out = { .sink = sink, .arg = arg };
    struct vmem_stats stats;
    const vmem_size_t largest = vmi_figure(arena, VMEM_MAXFREE);

    vmi_stats_read(arena, &stats);
    print_title(&out, arena);
    print_pair(&out, "quantum", stats.quantum);
    print_pair(&out, "total", stats.total_size);
    print_pair(&out, "in use", stats.inuse_size);
    print_pair(&out, "peak", stats.inuse_peak);
    print_pair(&out, "free", stats.total_size - stats.inuse_size);
    print_pair(&out, "largest free", largest);
    print_pair(&out, "imported", stats.imported_size);
    print_pair(&out, "limit", stats.limit);
    print_pair(&out, "spans", stats.spans);
    print_pair(&out, "busy segments", stats.busy_segments);
    print_pair(&out, "holes", stats.holes);
    print_pair(&out, "allocs", stats.allocs);
    print_pair(&out, "frees", stats.frees);
    print_pair(&out, "metadata bytes", stats.metadata_bytes);
    for (unsigned i = 1; i < VMEM_REASON_COUNT; i++) {
        if (stats.fails[i] != 0) {
            vmi_line_put(&out.line, "  refused ");
            vmi_line_decimal(&out.line, stats.fails[i]);
            vmi_line_put(&out.line, " times: ");
            vmi_line_put(&out.line, vmi_reason_text((enum vmem_reason)i));
            flush_line(&out);
        }
    }
}

/* What the visitors of arenas need. */
struct to_all {
    vmem_sink_fn *sink;
    void *arg;
    vmem_addr_t addr;
    bool is_found;
};

VMI_OUTSIDE static bool
print_one(void *arg, struct vmem_arena *arena)
{
    const struct to_all *all = arg;

    vmi_print(arena, all->sink, all->arg);
    return true;
}

void
vmi_printall(vmem_sink_fn *sink, void *arg)
{
    struct to_all all = { .sink = sink, .arg = arg };

    vmi_registry_walk(print_one, &all);
}

/* One size class: its holes, and the units in them. */
struct class_sum {
    uint64_t holes;
    vmem_size_t size;
};

static struct class_sum
sum_class(struct vmem_arena *arena, unsigned class_index)
{
    struct class_sum sum = { 0, 0 };

    if (!vmi_enter(arena)) {
        return sum;
    }
    if (class_index < arena->bins.class_count) {
        const struct vmi_bin *bin = &arena->bins.bin[class_index];
        sum.holes = bin->count;
        for (uint32_t i = vmi_bin_head(bin); i != 0; i = vmi_bin_after(bin, &arena->tags, i)) {
            sum.size += vmi_tag(arena, i)->size;
        }
    }
    vmi_leave(arena);
    return sum;
}

void
vmi_summary(struct vmem_arena *arena, vmem_sink_fn *sink, void *arg)
{
    struct output out = { .sink = sink, .arg = arg };

    print_title(&out, arena);
    vmi_line_put(&out.line, "  holes of at least");
    vmi_line_pad(&out.line, 26);
    vmi_line_put(&out.line, "count");
    vmi_line_pad(&out.line, 40);
    vmi_line_put(&out.line, "units");
    flush_line(&out);
    for (unsigned class_index = 1; class_index < VMI_CLASS_COUNT; class_index++) {
        const struct class_sum sum = sum_class(arena, class_index);
        if (sum.holes != 0) {
            vmi_line_put(&out.line, "  ");
            vmi_line_hex(&out.line, vmi_class_floor(class_index) << arena->quantum_log2);
            vmi_line_pad(&out.line, 26);
            vmi_line_decimal(&out.line, sum.holes);
            vmi_line_pad(&out.line, 40);
            vmi_line_decimal(&out.line, sum.size);
            flush_line(&out);
        }
    }
}

VMI_OUTSIDE static void
put_segment(struct output *out, const struct vmem_segment *segment)
{
    const bool is_span = segment->type == VMEM_SPAN;

    vmi_line_put(&out->line, is_span ? "  span " : "    ");
    vmi_line_hex(&out->line, segment->start);
    vmi_line_put(&out->line, "-");
    vmi_line_hex(&out->line, segment->start + (segment->size - 1));
    vmi_line_pad(&out->line, 46);
    vmi_line_decimal(&out->line, segment->size);
    if (!is_span) {
        vmi_line_put(&out->line, segment->type == VMEM_FREE ? " free" : " busy");
    } else if (segment->imported) {
        vmi_line_put(&out->line, " imported");
    }
    flush_line(out);
}

VMI_OUTSIDE static bool
dump_segment(void *arg, const struct vmem_segment *segment)
{
    put_segment(arg, segment);
    return true;
}

void
vmi_dump(struct vmem_arena *arena, vmem_sink_fn *sink, void *arg)
{
    struct output out = { .sink = sink, .arg = arg };

    vmi_print(arena, sink, arg);
    vmi_walk(arena, (unsigned)VMEM_SPAN | (unsigned)VMEM_ALLOC | (unsigned)VMEM_FREE, dump_segment,
        &out);
}

/* The segment of a span that holds a unit. */
static bool
segment_of(struct vmem_arena *arena, vmem_addr_t addr, struct vmem_segment *segment)
{
    bool is_found = false;
    uint32_t header;

    if (!vmi_enter(arena)) {
        return false;
    }
    header = vmi_span_of(arena, addr);
    if (header != 0) {
        struct vmi_entry entry;
        uint32_t index = vmi_tag_next(vmi_tag(arena, header));
        /* An index shortens the way: begin at the last hole that is not beyond. */
        if (arena->by_address.state == VMI_INDEX_READY &&
            vmi_order_seek_back(&arena->by_address.order, addr, 0, &entry) &&
            entry.key >= vmi_tag(arena, header)->start) {
            index = entry.tag;
        }
        while (vmi_tag_last(vmi_tag(arena, index)) < addr) {
            index = vmi_tag_next(vmi_tag(arena, index));
        }
        const struct vmi_tag *tag = vmi_tag(arena, index);
        *segment = (struct vmem_segment){ .start = tag->start,
            .size = tag->size,
            .type = vmi_tag_is_free(tag) ? VMEM_FREE : VMEM_ALLOC };
        is_found = true;
    }
    vmi_leave(arena);
    return is_found;
}

VMI_OUTSIDE static bool
print_owner(void *arg, struct vmem_arena *arena)
{
    struct to_all *all = arg;
    struct output out = { .sink = all->sink, .arg = all->arg };
    struct vmem_segment segment;

    if (segment_of(arena, all->addr, &segment)) {
        all->is_found = true;
        vmi_line_hex(&out.line, all->addr);
        vmi_line_put(&out.line, " is in arena ");
        vmi_line_put(&out.line, arena->name);
        vmi_line_put(&out.line, ":");
        flush_line(&out);
        put_segment(&out, &segment);
    }
    return true;
}

void
vmi_whatis(vmem_addr_t addr, vmem_sink_fn *sink, void *arg)
{
    struct to_all all = { .sink = sink, .arg = arg, .addr = addr };
    struct output out = { .sink = sink, .arg = arg };

    vmi_registry_walk(print_owner, &all);
    if (!all.is_found) {
        vmi_line_hex(&out.line, addr);
        vmi_line_put(&out.line, " is in no arena");
        flush_line(&out);
    }
}
