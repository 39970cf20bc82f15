/*
 * trace - a recorded workload, read and checked.              SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. How it works
 *    Text comes in chunks from the source and is cut into lines here; parse.c reads a line into a
 *    struct vmem_trace_line; this file checks it against what is live and appends an operation.
 *
 * 2. Invariants of a loaded trace, whole or not
 *    L1  a free names the slot of an allocation before it that no other free named since.
 *    L2  an allocation's slot is not live; slots are below slot_count.
 *    L3  alloc_count + free_count = op_count, alloc_count - free_count = live_count.
 *
 * 3. Costs
 *    O(1) expected a line; memory for the operations (32 bytes each) and for what is live.
 */
#include "trace.h"

#include "idmap.h"
#include "parse.h"
#include "source.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READ_CHUNK_BYTES 65536

/* Everything that exists only while a trace is loaded. */
struct loader {
    struct vmem_trace *trace;
    size_t op_capacity;
    size_t constraint_capacity;
    struct vmem_idmap live;
    uint32_t *spare_slots; /* a stack of slots that were freed */
    size_t spare_count;
    size_t spare_capacity;
    const char *text; /* of the line at hand */
    size_t length;
};

/* Copy the part of a line around a column to the error, with anything unprintable as '?'. */
static void
set_excerpt(struct vmem_trace_error *error, const char *text, size_t length)
{
    const size_t room = sizeof(error->excerpt) - 1;
    const size_t column = error->column == 0 ? 1 : (size_t)error->column;
    const size_t first = column > room / 2 && length > room ? column - 1 - room / 2 : 0;
    size_t count = length > first ? length - first : 0;
    if (count > room) {
        count = room;
    }
    for (size_t i = 0; i < count; i++) {
        const char c = text[first + i];
        error->excerpt[i] = (char)(c >= ' ' && c <= '~' ? c : c == '\t' ? ' ' : '?');
    }
    error->excerpt[count] = '\0';
    error->excerpt_column = column - first;
}

__attribute__((format(printf, 3, 4))) static bool
fail_at(struct loader *loader, size_t column, const char *format, ...)
{
    struct vmem_trace_error *error = &loader->trace->error;
    error->line = loader->trace->line_count;
    error->column = column;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
    if (column > 0 && loader->text != NULL) {
        set_excerpt(error, loader->text, loader->length);
    }
    return false;
}

/* Make room for one more element.  Returns false if there is no memory. */
static bool
reserve(void **array, size_t count, size_t *capacity, size_t element_bytes)
{
    if (count < *capacity) {
        return true;
    }
    const size_t wanted = *capacity == 0 ? 1024 : *capacity * 2;
    if (wanted > SIZE_MAX / element_bytes) {
        return false;
    }
    void *larger = realloc(*array, wanted * element_bytes);
    if (larger == NULL) {
        return false;
    }
    *array = larger;
    *capacity = wanted;
    return true;
}

static bool
append_op(struct loader *loader, const struct vmem_trace_op *op)
{
    struct vmem_trace *trace = loader->trace;
    void *ops = trace->ops;
    if (trace->op_count >= UINT32_MAX - 1 ||
        !reserve(&ops, trace->op_count, &loader->op_capacity, sizeof(*op))) {
        return fail_at(loader, 0, "no memory for more than %zu operations", trace->op_count);
    }
    trace->ops = ops;
    trace->ops[trace->op_count++] = *op;
    return true;
}

/* Number a constraint.  Equal ones that follow each other share a number. */
static bool
append_constraint(
    struct loader *loader, const struct vmem_trace_constraint *constraint, uint32_t *number)
{
    struct vmem_trace *trace = loader->trace;
    const size_t count = trace->constraint_count == 0 ? 1 : trace->constraint_count;
    if (count > 1 && memcmp(&trace->constraints[count - 1], constraint, sizeof(*constraint)) == 0) {
        *number = (uint32_t)(count - 1);
        return true;
    }
    void *constraints = trace->constraints;
    if (!reserve(&constraints, count, &loader->constraint_capacity, sizeof(*constraint))) {
        return fail_at(loader, 0, "no memory for more than %zu constraints", count);
    }
    trace->constraints = constraints;
    trace->constraints[0] = (struct vmem_trace_constraint){ .addr_max = UINT64_MAX };
    trace->constraints[count] = *constraint;
    trace->constraint_count = count + 1;
    *number = (uint32_t)count;
    return true;
}

static uint32_t
take_slot(struct loader *loader)
{
    if (loader->spare_count > 0) {
        return loader->spare_slots[--loader->spare_count];
    }
    return loader->trace->slot_count++;
}

static bool
give_slot(struct loader *loader, uint32_t slot)
{
    void *spare = loader->spare_slots;
    if (!reserve(&spare, loader->spare_count, &loader->spare_capacity, sizeof(slot))) {
        return fail_at(loader, 0, "no memory for %zu free slots", loader->spare_count);
    }
    loader->spare_slots = spare;
    loader->spare_slots[loader->spare_count++] = slot;
    return true;
}

static bool
load_alloc(struct loader *loader, const struct vmem_trace_line *line)
{
    struct vmem_trace *trace = loader->trace;
    const struct vmem_idmap_entry *live = vmem_idmap_find(&loader->live, line->id);
    if (live != NULL) {
        return fail_at(loader, line->id_column,
            "id %" PRIu64 " is live: line %" PRIu32
            " allocated it; free it first, or use an id that is not live",
            line->id, live->line);
    }
    struct vmem_trace_op op = {
        .id = line->id,
        .size = line->size,
        .line = (uint32_t)trace->line_count,
        .kind = VMEM_TRACE_ALLOC,
    };
    if (line->is_constrained && !append_constraint(loader, &line->constraint, &op.constraint)) {
        return false;
    }
    op.slot = take_slot(loader);
    if (!append_op(loader, &op)) {
        return false;
    }
    trace->alloc_count++;
    trace->live_count++;
    if (!vmem_idmap_add(&loader->live, op.id, op.slot, op.line)) {
        return fail_at(loader, 0, "no memory for more than %zu live ids", trace->live_count);
    }
    return true;
}

/* The last line that freed an id, or 0. */
static uint32_t
line_of_free(const struct vmem_trace *trace, uint64_t id)
{
    for (size_t i = trace->op_count; i > 0; i--) {
        const struct vmem_trace_op *op = &trace->ops[i - 1];
        if (op->id == id && op->kind == VMEM_TRACE_FREE) {
            return op->line;
        }
    }
    return 0;
}

static bool
load_free(struct loader *loader, const struct vmem_trace_line *line)
{
    struct vmem_trace *trace = loader->trace;
    const struct vmem_idmap_entry *live = vmem_idmap_find(&loader->live, line->id);
    if (live == NULL) {
        const uint32_t freed_line = line_of_free(trace, line->id);
        if (freed_line != 0) {
            return fail_at(loader, line->id_column,
                "id %" PRIu64 " is not live: line %" PRIu32 " freed it already", line->id,
                freed_line);
        }
        return fail_at(loader, line->id_column,
            "id %" PRIu64 " is not live: no line above allocates it", line->id);
    }
    const struct vmem_trace_op op = {
        .id = line->id,
        .slot = live->slot,
        .line = (uint32_t)trace->line_count,
        .kind = VMEM_TRACE_FREE,
    };
    if (!append_op(loader, &op)) {
        return false;
    }
    trace->free_count++;
    trace->live_count--;
    vmem_idmap_remove(&loader->live, line->id);
    return give_slot(loader, op.slot);
}

/* Keep the first comment as the title, without "#" and blanks around it. */
static void
keep_title(struct vmem_trace *trace, const char *text, size_t length)
{
    while (length > 0 && (*text == '#' || *text == ' ' || *text == '\t')) {
        text++;
        length--;
    }
    if (length >= sizeof(trace->title)) {
        length = sizeof(trace->title) - 1;
    }
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t')) {
        length--;
    }
    for (size_t i = 0; i < length; i++) {
        trace->title[i] = (char)(text[i] >= ' ' && text[i] <= '~' ? text[i] : '?');
    }
    trace->title[length] = '\0';
}

static bool
load_header(struct loader *loader, const char *text, size_t length)
{
    static const char expected[] = "# vmem-trace 1";
    const size_t expected_length = sizeof(expected) - 1;
    while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t')) {
        length--;
    }
    if (length == expected_length && memcmp(text, expected, expected_length) == 0) {
        return true;
    }
    const size_t known_length = expected_length - 1;
    if (length > known_length && memcmp(text, expected, known_length) == 0) {
        return fail_at(loader, expected_length,
            "this version of the trace format is not known: \"%s\" is expected", expected);
    }
    return fail_at(loader, 1, "this is not a trace: the first line must be \"%s\"", expected);
}

static bool
load_line(struct loader *loader, const char *text, size_t length)
{
    struct vmem_trace *trace = loader->trace;
    if (length > 0 && text[length - 1] == '\r') {
        length--;
    }
    loader->text = text;
    loader->length = length;
    if (++trace->line_count >= UINT32_MAX) {
        return fail_at(loader, 0, "the trace has more lines than the 2^32-2 that can be read");
    }
    if (trace->line_count == 1) {
        return load_header(loader, text, length);
    }
    if (trace->title[0] == '\0' && length > 0 && text[0] == '#') {
        keep_title(trace, text, length);
    }
    struct vmem_trace_line line;
    if (!vmem_trace_parse(text, length, &line)) {
        return fail_at(loader, line.error_column, "%s", line.error);
    }
    switch (line.kind) {
    case VMEM_TRACE_LINE_EMPTY:
        return true;
    case VMEM_TRACE_LINE_ALLOC:
        return load_alloc(loader, &line);
    case VMEM_TRACE_LINE_FREE:
        return load_free(loader, &line);
    case VMEM_TRACE_LINE_TIME:
        trace->time_ns =
            line.time_ns > UINT64_MAX - trace->time_ns ? UINT64_MAX : trace->time_ns + line.time_ns;
        return true;
    }
    return false;
}

/*
 * Load the lines that text[0 .. bytes-1] holds to the end.  *taken_bytes says how many bytes they
 * were.
 */
static bool
load_lines(struct loader *loader, const char *text, size_t bytes, size_t *taken_bytes)
{
    size_t at = 0;
    const char *end;
    while ((end = memchr(text + at, '\n', bytes - at)) != NULL) {
        const size_t length = (size_t)(end - text) - at;
        if (length > VMEM_TRACE_LINE_BYTES) {
            break;
        }
        if (!load_line(loader, text + at, length)) {
            return false;
        }
        at += length + 1;
    }
    *taken_bytes = at;
    if (bytes - at > VMEM_TRACE_LINE_BYTES) {
        loader->trace->line_count++;
        loader->text = text + at;
        loader->length = bytes - at;
        return fail_at(loader, VMEM_TRACE_LINE_BYTES + 1, "the line is longer than %d bytes",
            VMEM_TRACE_LINE_BYTES);
    }
    return true;
}

/* The last line has no newline; bytes is its length. */
static bool
load_rest(struct loader *loader, const struct vmem_source *source, const char *text, size_t bytes)
{
    struct vmem_trace *trace = loader->trace;
    loader->text = NULL;
    if (source->error[0] != '\0') {
        trace->error.line = source->text_bytes == 0 ? 0 : trace->line_count + 1;
        (void)snprintf(trace->error.text, sizeof(trace->error.text), "%s", source->error);
        return false;
    }
    if (bytes > 0) {
        trace->lacks_newline = true;
        return load_line(loader, text, bytes);
    }
    if (trace->line_count == 0) {
        return fail_at(
            loader, 0, "it is empty: the first line of a trace must be \"# vmem-trace 1\"");
    }
    return true;
}

static bool
load_text(struct loader *loader, struct vmem_source *source, char *text)
{
    size_t kept_bytes = 0;
    for (;;) {
        const size_t got_bytes =
            vmem_source_read(source, text + kept_bytes, READ_CHUNK_BYTES - kept_bytes);
        if (got_bytes == 0) {
            break;
        }
        const size_t bytes = kept_bytes + got_bytes;
        size_t taken_bytes;
        if (!load_lines(loader, text, bytes, &taken_bytes)) {
            return false;
        }
        kept_bytes = bytes - taken_bytes;
        memmove(text, text + taken_bytes, kept_bytes);
    }
    return load_rest(loader, source, text, kept_bytes);
}

bool
vmem_trace_load(struct vmem_trace *trace, const char *name)
{
    *trace = (struct vmem_trace){ .name = name };
    struct loader loader = { .trace = trace };
    struct vmem_source *source = malloc(sizeof(*source));
    char *text = malloc(READ_CHUNK_BYTES);
    bool is_whole = false;
    if (source == NULL || text == NULL) {
        fail_at(&loader, 0, "no memory to read it");
    } else {
        if (!vmem_source_open(source, name)) {
            (void)snprintf(trace->error.text, sizeof(trace->error.text), "%s", source->error);
        } else {
            is_whole = load_text(&loader, source, text);
            trace->is_compressed = source->is_gzip;
        }
        vmem_source_close(source);
    }
    free(text);
    free(source);
    free(loader.spare_slots);
    vmem_idmap_dispose(&loader.live);
    return is_whole;
}

void
vmem_trace_dispose(struct vmem_trace *trace)
{
    free(trace->ops);
    free(trace->constraints);
    *trace = (struct vmem_trace){ 0 };
}
