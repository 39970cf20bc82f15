/*
 * trace - any bytes to the reader of traces, plain and compressed. SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. What it is for
 *    docs/FORMATS.md says what a trace is; here any bytes are one, and those that begin as gzip does are
 *    taken for it.  After a byte 0xff, the bytes say which ids are allocated and freed, and the trace is
 *    made of that: right, and with many ids, as mutations of text hardly ever are.
 *
 * 2. What is judged
 *    Whether it is read whole or not, the operations that it holds are sound: every free names the slot
 *    of an allocation that is live, no slot is used twice at once, the counts add up (trace.c, L1 to L3).
 *    If not, the error has words, and a line and column that there can be.
 *    If it was read whole, it is written out again and read: the same operations; and, of every fourth
 *    input, once more compressed.
 *
 * 3. How
 *    The reader takes files by name.  One file in memory is used for all inputs.
 */
#define _GNU_SOURCE /* memfd_create() */
#include "fuzz.h"

#include "trace.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

enum { COMPRESSED_EVERY = 4, GZIP_WINDOW = 15 + 16, MADE = 0xff };

/* -------------------------------------------------------------------------------------------------
 * A file in memory
 * ---------------------------------------------------------------------------------------------- */

static int fd = -1;
static char path[64];

static void
put(const void *data, size_t size)
{
    if (fd < 0) {
        fd = memfd_create("trace", 0);
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (fd < 0 || ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size) {
        abort();
    }
}

/* Text that grows. */
struct text {
    char *at;
    size_t length;
    size_t capacity;
};

__attribute__((format(printf, 2, 3))) static void
append(struct text *text, const char *format, ...)
{
    va_list arguments;

    if (text->capacity - text->length < 512) {
        text->capacity = 2 * text->capacity + 4096;
        text->at = realloc(text->at, text->capacity);
        if (text->at == NULL) {
            abort();
        }
    }
    va_start(arguments, format);
    text->length += (size_t)vsnprintf(
        text->at + text->length, text->capacity - text->length, format, arguments);
    va_end(arguments);
}

/* -------------------------------------------------------------------------------------------------
 * What was read
 * ---------------------------------------------------------------------------------------------- */

static void
judge_constraint(const struct vmem_trace *trace, const struct vmem_trace_op *op)
{
    const struct vmem_trace_constraint *c;

    FUZZ_REQUIRE(op->constraint < trace->constraint_count, "a constraint is there");
    c = &trace->constraints[op->constraint];
    FUZZ_REQUIRE((c->align & (c->align - 1)) == 0 && (c->phase < c->align || c->phase == 0) &&
            (c->nocross & (c->nocross - 1)) == 0 && (c->nocross == 0 || c->nocross >= op->size) &&
            c->addr_min <= c->addr_max,
        "a constraint is valid by itself");
}

/* L1 to L3 of trace.c. */
static void
judge_ops(const struct vmem_trace *trace)
{
    uint64_t *id = calloc((size_t)trace->slot_count + 1, sizeof id[0]);
    bool *is_live = calloc((size_t)trace->slot_count + 1, sizeof is_live[0]);
    size_t allocs = 0;
    size_t live = 0;
    size_t live_max = 0;
    uint32_t line = 0;

    if (id == NULL || is_live == NULL) {
        abort();
    }
    for (size_t i = 0; i < trace->op_count; i++) {
        const struct vmem_trace_op *op = &trace->ops[i];

        FUZZ_REQUIRE(op->slot < trace->slot_count, "L2: a slot is below slot_count");
        FUZZ_REQUIRE(op->line > line && op->line <= trace->line_count, "lines ascend");
        line = op->line;
        if (op->kind == VMEM_TRACE_ALLOC) {
            FUZZ_REQUIRE(!is_live[op->slot] && op->size != 0, "L2: a slot is not live twice");
            allocs++;
            id[op->slot] = op->id;
            if (op->constraint != VMEM_TRACE_ANYWHERE) {
                judge_constraint(trace, op);
            }
        } else {
            FUZZ_REQUIRE(
                is_live[op->slot] && id[op->slot] == op->id, "L1: a free names what is live");
        }
        is_live[op->slot] = op->kind == VMEM_TRACE_ALLOC;
        live += op->kind == VMEM_TRACE_ALLOC ? 1 : (size_t)-1;
        live_max = live > live_max ? live : live_max;
    }
    FUZZ_REQUIRE(trace->slot_count - live_max <= (trace->error.text[0] != '\0' ? 1 : 0),
        "there are as many slots as were live at once");
    FUZZ_REQUIRE(trace->alloc_count == allocs && trace->free_count == trace->op_count - allocs &&
            trace->live_count == allocs - trace->free_count,
        "L3: the counts add up");
    free(id);
    free(is_live);
}

/* Live after the operations that were read, by looking at all of them. */
static bool
is_live_after(const struct vmem_trace *trace, uint64_t id)
{
    for (size_t i = trace->op_count; i-- > 0;) {
        if (trace->ops[i].id == id) {
            return trace->ops[i].kind == VMEM_TRACE_ALLOC;
        }
    }
    return false;
}

/* What an error says of an id must be true. */
static void
judge_id(const struct vmem_trace *trace)
{
    uint64_t id;
    char word[4] = "";

    if (sscanf(trace->error.text, "id %" SCNu64 " is %3s", &id, word) == 2) {
        FUZZ_REQUIRE(
            strncmp(word, "not", 3) == 0 || strncmp(word, "liv", 3) == 0, "an error of ids");
        FUZZ_REQUIRE(is_live_after(trace, id) == (strncmp(word, "liv", 3) == 0),
            "an id is live, or not, as the error says");
    }
}

static void
judge_error(const struct vmem_trace *trace)
{
    const struct vmem_trace_error *error = &trace->error;

    FUZZ_REQUIRE(error->text[0] != '\0', "an error has words");
    FUZZ_REQUIRE(error->line <= trace->line_count + 1, "an error names a line");
    FUZZ_REQUIRE(error->column <= VMEM_TRACE_LINE_BYTES + 2, "an error names a column");
    FUZZ_REQUIRE(strlen(error->excerpt) < sizeof error->excerpt &&
            (error->excerpt[0] == '\0' || error->excerpt_column <= sizeof error->excerpt),
        "an excerpt shows the place");
}

/* -------------------------------------------------------------------------------------------------
 * Written out, and read again
 * ---------------------------------------------------------------------------------------------- */

static void
write_op(struct text *text, const struct vmem_trace *trace, const struct vmem_trace_op *op)
{
    const struct vmem_trace_constraint *c;

    if (op->kind == VMEM_TRACE_FREE) {
        append(text, "f %" PRIu64 "\n", op->id);
        return;
    }
    append(text, "a %" PRIu64 " %" PRIu64, op->id, op->size);
    if (op->constraint != VMEM_TRACE_ANYWHERE) {
        c = &trace->constraints[op->constraint];
        if (c->align != 0) {
            append(text, " align=%" PRIu64 " phase=0x%" PRIx64, c->align, c->phase);
        }
        if (c->nocross != 0) {
            append(text, " nocross=%" PRIu64, c->nocross);
        }
        append(text, " min=0x%" PRIx64 " max=0x%" PRIx64, c->addr_min, c->addr_max);
    }
    append(text, "\n");
}

static void
write_trace(struct text *text, const struct vmem_trace *trace)
{
    append(text, "# vmem-trace 1\n");
    if (trace->title[0] != '\0') {
        append(text, "# %s\n", trace->title);
    }
    append(text, "t %" PRIu64 ".%09" PRIu64 "\n", trace->time_ns / 1000000000,
        trace->time_ns % 1000000000);
    for (size_t i = 0; i < trace->op_count; i++) {
        write_op(text, trace, &trace->ops[i]);
    }
}

static bool
is_same_place(const struct vmem_trace *a, uint32_t x, const struct vmem_trace *b, uint32_t y)
{
    if (x == VMEM_TRACE_ANYWHERE || y == VMEM_TRACE_ANYWHERE) {
        return x == y;
    }
    return memcmp(&a->constraints[x], &b->constraints[y], sizeof a->constraints[x]) == 0;
}

static void
judge_again(const struct vmem_trace *trace)
{
    struct vmem_trace again;

    FUZZ_REQUIRE(vmem_trace_load(&again, path), "what was written can be read");
    FUZZ_REQUIRE(again.op_count == trace->op_count && again.slot_count == trace->slot_count &&
            again.live_count == trace->live_count && strcmp(again.title, trace->title) == 0,
        "and is as long, with the same title");
    FUZZ_REQUIRE(again.time_ns == trace->time_ns, "and takes the same time");
    for (size_t i = 0; i < again.op_count; i++) {
        const struct vmem_trace_op *a = &again.ops[i];
        const struct vmem_trace_op *b = &trace->ops[i];

        FUZZ_REQUIRE(a->id == b->id && a->size == b->size && a->slot == b->slot &&
                a->kind == b->kind && is_same_place(&again, a->constraint, trace, b->constraint),
            "and has the same operations");
    }
    vmem_trace_dispose(&again);
}

static void
put_compressed(const struct text *text)
{
    z_stream stream = { 0 };
    unsigned char *out;
    uLong bound;

    if (deflateInit2(&stream, 1, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        abort();
    }
    bound = deflateBound(&stream, text->length);
    out = malloc(bound);
    stream.next_in = (unsigned char *)text->at;
    stream.avail_in = (uInt)text->length;
    stream.next_out = out;
    stream.avail_out = (uInt)bound;
    if (out == NULL || deflate(&stream, Z_FINISH) != Z_STREAM_END) {
        abort();
    }
    put(out, stream.total_out);
    (void)deflateEnd(&stream);
    free(out);
}

/* -------------------------------------------------------------------------------------------------
 * A trace that is right, from bytes
 * ---------------------------------------------------------------------------------------------- */

static uint64_t
id_of(uint8_t byte)
{
    return byte < 128 ? byte : (byte - 127u) * UINT64_C(0x0001000000010040);
}

/* Each byte allocates an id that is not live, or frees one that is. */
static void
judge_made(const uint8_t *data, size_t size)
{
    struct text text = { 0 };
    struct vmem_trace trace;
    bool is_live[256] = { false };
    bool is_alloc;

    append(&text, "# vmem-trace 1\n");
    for (size_t i = 0; i < size; i++) {
        is_live[data[i]] = !is_live[data[i]];
        append(&text, is_live[data[i]] ? "a %" PRIu64 " 1\n" : "f %" PRIu64 "\n", id_of(data[i]));
    }
    put(text.at, text.length);
    FUZZ_REQUIRE(vmem_trace_load(&trace, path), "what is right is read");
    judge_ops(&trace);
    FUZZ_REQUIRE(trace.op_count == size, "every line is an operation");
    for (size_t i = size; i-- > 0;) {
        is_alloc = is_live[data[i]];
        is_live[data[i]] = !is_alloc;
        FUZZ_REQUIRE(trace.ops[i].id == id_of(data[i]) &&
                (trace.ops[i].kind == VMEM_TRACE_ALLOC) == is_alloc,
            "and the one that was written");
    }
    vmem_trace_dispose(&trace);
    free(text.at);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct vmem_trace trace;
    struct text text = { 0 };
    bool is_whole;

    if (size > 0 && data[0] == MADE) {
        judge_made(data + 1, size - 1);
        return 0;
    }
    put(data, size);
    is_whole = vmem_trace_load(&trace, path);
    judge_ops(&trace);
    if (!is_whole) {
        judge_error(&trace);
        judge_id(&trace);
    } else if (trace.time_ns / 1000000000 < UINT64_MAX / 1000000000 - 1) {
        write_trace(&text, &trace);
        put(text.at, text.length);
        judge_again(&trace);
        if (size % COMPRESSED_EVERY == 0) {
            put_compressed(&text);
            judge_again(&trace);
        }
        free(text.at);
    }
    vmem_trace_dispose(&trace);
    return 0;
}
