/*
 * parse - one line of a trace.                                SPDX-License-Identifier: BSD-2-Clause
 *
 * A line is cut into fields at blanks; a field that begins with `#` ends it.  Every complaint names
 * the column of the field, or of the character in it, and says what would be right.
 */
#include "parse.h"

#include "number.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_SECOND UINT64_C(1000000000)
#define FIELD_SHOWN_BYTES 40 /* of a field, in a message */

/* What is left of a line. */
struct cursor {
    const char *text;
    size_t length;
    size_t at;
    struct vmem_trace_line *line;
};

struct field {
    const char *text;
    size_t length;
    size_t column; /* of its first byte, from 1 */
};

__attribute__((format(printf, 3, 4))) static bool
fail_at(struct cursor *cursor, size_t column, const char *format, ...)
{
    struct vmem_trace_line *line = cursor->line;
    line->error_column = column;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line->error, sizeof(line->error), format, args);
    va_end(args);
    return false;
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The next field.  Returns false at the end of the line; then field->column is where it ends. */
static bool
next_field(struct cursor *cursor, struct field *field)
{
    while (cursor->at < cursor->length && is_blank(cursor->text[cursor->at])) {
        cursor->at++;
    }
    *field = (struct field){ .text = cursor->text + cursor->at, .column = cursor->at + 1 };
    if (cursor->at == cursor->length || cursor->text[cursor->at] == '#') {
        return false;
    }
    while (cursor->at < cursor->length && !is_blank(cursor->text[cursor->at])) {
        cursor->at++;
    }
    field->length = cursor->at + 1 - field->column;
    return true;
}

/* A printable copy of a field for a message. */
struct shown {
    char text[FIELD_SHOWN_BYTES + 4];
};

static struct shown
show(const char *text, size_t length)
{
    struct shown shown;
    const size_t count = length > FIELD_SHOWN_BYTES ? FIELD_SHOWN_BYTES : length;
    for (size_t i = 0; i < count; i++) {
        shown.text[i] = (char)(text[i] >= ' ' && text[i] <= '~' ? text[i] : '?');
    }
    memcpy(shown.text + count, length > count ? "..." : "", length > count ? 4 : 1);
    return shown;
}

/* Read a field that is a number. */
static bool
read_number(struct cursor *cursor, const struct field *field, const char *what,
    enum vmem_number_kind kind, uint64_t *value)
{
    size_t offset_index;
    const enum vmem_number_status status =
        vmem_number_parse(field->text, field->length, kind, value, &offset_index);
    if (status == VMEM_NUMBER_OK) {
        return true;
    }
    return fail_at(cursor, field->column + offset_index, "%s \"%s\" %s", what,
        show(field->text, field->length).text, vmem_number_advice(status, kind));
}

static bool
read_id(struct cursor *cursor, char operation)
{
    struct field field;
    if (!next_field(cursor, &field)) {
        return fail_at(cursor, field.column, "the id is missing: \"%s\" is expected",
            operation == 'a' ? "a ID SIZE" : "f ID");
    }
    cursor->line->id_column = field.column;
    return read_number(cursor, &field, "id", VMEM_NUMBER_PLAIN, &cursor->line->id);
}

static bool
expect_end(struct cursor *cursor, const char *form)
{
    struct field field;
    if (!next_field(cursor, &field)) {
        return true;
    }
    return fail_at(cursor, field.column, "\"%s\" is too much: \"%s\" is all that may stand here",
        show(field.text, field.length).text, form);
}

/* The constraints by name. */
enum option { OPTION_ALIGN, OPTION_PHASE, OPTION_NOCROSS, OPTION_MIN, OPTION_MAX, OPTION_COUNT };

static const char *const option_names[OPTION_COUNT] = { "align", "phase", "nocross", "min", "max" };

/* Values as they were written, and where. */
struct options {
    uint64_t value[OPTION_COUNT];
    size_t column[OPTION_COUNT]; /* of the value; 0 = not given */
};

static bool
read_option(struct cursor *cursor, const struct field *field, struct options *options)
{
    const char *equals = memchr(field->text, '=', field->length);
    const size_t name_length = equals == NULL ? field->length : (size_t)(equals - field->text);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const char *name = option_names[i];
        if (strlen(name) != name_length || memcmp(name, field->text, name_length) != 0) {
            continue;
        }
        if (equals == NULL) {
            return fail_at(cursor, field->column, "%s needs a value: %s=N", name, name);
        }
        if (options->column[i] != 0) {
            return fail_at(cursor, field->column, "%s is given twice", name);
        }
        const struct field value = {
            .text = equals + 1,
            .length = field->length - name_length - 1,
            .column = field->column + name_length + 1,
        };
        options->column[i] = value.column;
        return read_number(cursor, &value, name, VMEM_NUMBER_SIZE, &options->value[i]);
    }
    return fail_at(cursor, field->column,
        "\"%s\" is not known: align=N, phase=N, nocross=N, min=A and max=A may follow the size",
        show(field->text, field->length).text);
}

static bool
is_power_of_two(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* Each value by itself, and those pairs that contradict each other at any quantum. */
static bool
check_options(struct cursor *cursor, const struct options *options)
{
    const uint64_t *value = options->value;
    const size_t *column = options->column;
    if (column[OPTION_ALIGN] != 0 && !is_power_of_two(value[OPTION_ALIGN])) {
        return fail_at(cursor, column[OPTION_ALIGN], "align must be a power of two");
    }
    if (column[OPTION_PHASE] != 0 && column[OPTION_ALIGN] == 0) {
        return fail_at(cursor, column[OPTION_PHASE], "phase needs an align=N that exceeds it");
    }
    if (column[OPTION_PHASE] != 0 && value[OPTION_PHASE] >= value[OPTION_ALIGN]) {
        return fail_at(cursor, column[OPTION_PHASE], "phase must be below align, which is %" PRIu64,
            value[OPTION_ALIGN]);
    }
    if (column[OPTION_NOCROSS] != 0 && !is_power_of_two(value[OPTION_NOCROSS])) {
        return fail_at(cursor, column[OPTION_NOCROSS], "nocross must be a power of two");
    }
    if (column[OPTION_NOCROSS] != 0 && value[OPTION_NOCROSS] < cursor->line->size) {
        return fail_at(cursor, column[OPTION_NOCROSS],
            "nocross must be at least the size, which is %" PRIu64, cursor->line->size);
    }
    if (column[OPTION_MAX] != 0 && value[OPTION_MIN] > value[OPTION_MAX]) {
        return fail_at(cursor, column[OPTION_MAX], "max must not be below min, which is %" PRIu64,
            value[OPTION_MIN]);
    }
    return true;
}

static bool
read_options(struct cursor *cursor)
{
    struct options options = { 0 };
    struct field field;
    while (next_field(cursor, &field)) {
        cursor->line->is_constrained = true;
        if (!read_option(cursor, &field, &options)) {
            return false;
        }
    }
    cursor->line->constraint = (struct vmem_trace_constraint){
        .align = options.value[OPTION_ALIGN],
        .phase = options.value[OPTION_PHASE],
        .nocross = options.value[OPTION_NOCROSS],
        .addr_min = options.value[OPTION_MIN],
        .addr_max = options.column[OPTION_MAX] == 0 ? UINT64_MAX : options.value[OPTION_MAX],
    };
    return check_options(cursor, &options);
}

static bool
parse_alloc(struct cursor *cursor)
{
    struct vmem_trace_line *line = cursor->line;
    struct field field;
    line->kind = VMEM_TRACE_LINE_ALLOC;
    if (!read_id(cursor, 'a')) {
        return false;
    }
    if (!next_field(cursor, &field)) {
        return fail_at(cursor, field.column, "the size is missing: \"a ID SIZE\" is expected");
    }
    if (!read_number(cursor, &field, "size", VMEM_NUMBER_SIZE, &line->size)) {
        return false;
    }
    if (line->size == 0) {
        return fail_at(cursor, field.column, "the size is 0: it must be at least 1");
    }
    return read_options(cursor);
}

static bool
parse_free(struct cursor *cursor)
{
    cursor->line->kind = VMEM_TRACE_LINE_FREE;
    return read_id(cursor, 'f') && expect_end(cursor, "f ID");
}

/* SECONDS: decimal digits, and perhaps a point and more digits. */
static bool
parse_time(struct cursor *cursor)
{
    struct field field;
    struct vmem_trace_line *line = cursor->line;
    line->kind = VMEM_TRACE_LINE_TIME;
    if (!next_field(cursor, &field)) {
        return fail_at(cursor, field.column, "the time is missing: \"t SECONDS\" is expected");
    }
    const char *point = memchr(field.text, '.', field.length);
    struct field whole = field;
    whole.length = point == NULL ? field.length : (size_t)(point - field.text);
    uint64_t seconds;
    if (!read_number(cursor, &whole, "time", VMEM_NUMBER_PLAIN, &seconds)) {
        return false;
    }
    if (seconds > UINT64_MAX / NS_PER_SECOND - 1) {
        return fail_at(cursor, field.column,
            "the time is too large: at most %" PRIu64 " seconds may pass at once",
            UINT64_MAX / NS_PER_SECOND - 1);
    }
    uint64_t fraction_ns = 0;
    uint64_t place_ns = NS_PER_SECOND / 10;
    for (size_t i = whole.length + 1; i < field.length; i++) {
        if (field.text[i] < '0' || field.text[i] > '9') {
            return fail_at(cursor, field.column + i,
                "time \"%s\" is not a number of seconds: use decimal digits and one point",
                show(field.text, field.length).text);
        }
        fraction_ns += place_ns * (uint64_t)(field.text[i] - '0');
        place_ns /= 10;
    }
    line->time_ns = seconds * NS_PER_SECOND + fraction_ns;
    return expect_end(cursor, "t SECONDS");
}

bool
vmem_trace_parse(const char *text, size_t length, struct vmem_trace_line *line)
{
    *line = (struct vmem_trace_line){ .kind = VMEM_TRACE_LINE_EMPTY };
    struct cursor cursor = { .text = text, .length = length, .line = line };
    struct field field;
    if (!next_field(&cursor, &field)) {
        return true;
    }
    if (field.length == 1) {
        switch (field.text[0]) {
        case 'a':
            return parse_alloc(&cursor);
        case 'f':
            return parse_free(&cursor);
        case 't':
            return parse_time(&cursor);
        default:
            break;
        }
    }
    return fail_at(&cursor, field.column,
        "\"%s\" is no operation: a line begins with a (allocate), f (free), t (time) or #",
        show(field.text, field.length).text);
}
