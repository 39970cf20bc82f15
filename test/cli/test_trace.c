/*
 * test_trace - the trace reader: numbers, lines, files, ids.  SPDX-License-Identifier: BSD-2-Clause
 *
 * Every complaint of the reader is provoked once and its line, column and words are checked.
 */
#include "idmap.h"
#include "number.h"
#include "parse.h"
#include "trace.h"
#include "vmt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

/* -------------------------------------------------------------------------------------------------
 * Numbers
 * ---------------------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    enum vmem_number_kind kind;
    enum vmem_number_status status;
    uint64_t value;
    size_t offset_index;
} number_cases[] = {
    { "0", VMEM_NUMBER_SIZE, VMEM_NUMBER_OK, 0, 0 },
    { "17", VMEM_NUMBER_SIZE, VMEM_NUMBER_OK, 17, 0 },
    { "007", VMEM_NUMBER_SIZE, VMEM_NUMBER_OK, 7, 0 },
    { "4K", VMEM_NUMBER_SIZE, VMEM_NUMBER_OK, 4096, 0 },
    { "3M", VMEM_NUMBER_SIZE, VMEM_NUMBER_OK, 3u << 20, 0 },
    { "1G", VMEM_NUMBER_SIZE, VMEM_NUMBER_OK, UINT64_C(1) << 30, 0 },
    { "1T", VMEM_NUMBER_SIZE, VMEM_NUMBER_OK, UINT64_C(1) << 40, 0 },
    { "1P", VMEM_NUMBER_SIZE, VMEM_NUMBER_OK, UINT64_C(1) << 50, 0 },
    { "15E", VMEM_NUMBER_SIZE, VMEM_NUMBER_OK, UINT64_C(15) << 60, 0 },
    { "0x10", VMEM_NUMBER_SIZE, VMEM_NUMBER_OK, 16, 0 },
    { "0x1E", VMEM_NUMBER_SIZE, VMEM_NUMBER_OK, 0x1e, 0 },
    { "0x1K", VMEM_NUMBER_SIZE, VMEM_NUMBER_OK, 1024, 0 },
    { "0xffffffffffffffff", VMEM_NUMBER_SIZE, VMEM_NUMBER_OK, UINT64_MAX, 0 },
    { "18446744073709551615", VMEM_NUMBER_SIZE, VMEM_NUMBER_OK, UINT64_MAX, 0 },
    { "MAX", VMEM_NUMBER_SIZE, VMEM_NUMBER_OK, UINT64_MAX, 0 },
    { "18446744073709551616", VMEM_NUMBER_SIZE, VMEM_NUMBER_OVERFLOW, 0, 0 },
    { "0x10000000000000000", VMEM_NUMBER_SIZE, VMEM_NUMBER_OVERFLOW, 0, 0 },
    { "16E", VMEM_NUMBER_SIZE, VMEM_NUMBER_OVERFLOW, 0, 0 },
    { "99999999999999999999K", VMEM_NUMBER_SIZE, VMEM_NUMBER_OVERFLOW, 0, 0 },
    { "", VMEM_NUMBER_SIZE, VMEM_NUMBER_EMPTY, 0, 0 },
    { "-1", VMEM_NUMBER_SIZE, VMEM_NUMBER_SIGN, 0, 0 },
    { "+1", VMEM_NUMBER_SIZE, VMEM_NUMBER_SIGN, 0, 0 },
    { "K", VMEM_NUMBER_SIZE, VMEM_NUMBER_NO_DIGITS, 0, 0 },
    { "0x", VMEM_NUMBER_SIZE, VMEM_NUMBER_NO_DIGITS, 0, 0 },
    { "0xg", VMEM_NUMBER_SIZE, VMEM_NUMBER_NO_DIGITS, 0, 2 },
    { "MAXI", VMEM_NUMBER_SIZE, VMEM_NUMBER_NO_DIGITS, 0, 0 },
    { "12q", VMEM_NUMBER_SIZE, VMEM_NUMBER_SUFFIX, 0, 2 },
    { "12k", VMEM_NUMBER_SIZE, VMEM_NUMBER_SUFFIX, 0, 2 },
    { "1.5", VMEM_NUMBER_SIZE, VMEM_NUMBER_SUFFIX, 0, 1 },
    { "4KB", VMEM_NUMBER_SIZE, VMEM_NUMBER_TRAILING, 0, 2 },
    { "4K", VMEM_NUMBER_PLAIN, VMEM_NUMBER_SUFFIX, 0, 1 },
    { "MAX", VMEM_NUMBER_PLAIN, VMEM_NUMBER_NO_DIGITS, 0, 0 },
    { "0xE", VMEM_NUMBER_PLAIN, VMEM_NUMBER_OK, 14, 0 },
};

static void
test_numbers_are_read_exactly_or_refused(void)
{
    for (size_t i = 0; i < sizeof(number_cases) / sizeof(number_cases[0]); i++) {
        uint64_t value = 4711;
        size_t offset_index = 99;
        vmt_context("case", i);
        CHECK_U64(vmem_number_parse(number_cases[i].text, strlen(number_cases[i].text),
                      number_cases[i].kind, &value, &offset_index),
            ==, number_cases[i].status);
        const bool is_ok = number_cases[i].status == VMEM_NUMBER_OK;
        CHECK_U64(value, ==, is_ok ? number_cases[i].value : 4711);
        CHECK(is_ok || offset_index == number_cases[i].offset_index);
        CHECK(strlen(vmem_number_advice(number_cases[i].status, number_cases[i].kind)) > 0);
    }
}

/* -------------------------------------------------------------------------------------------------
 * The map of live ids, against an array
 * ---------------------------------------------------------------------------------------------- */

#define MAP_IDS 512

static void
test_the_id_map_agrees_with_an_array(void)
{
    uint32_t line_of[MAP_IDS] = { 0 };
    struct vmem_idmap map = { 0 };
    uint64_t state = 88172645463325252u;
    for (uint32_t step = 1; step <= 200000; step++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        const uint32_t index = (uint32_t)(state % MAP_IDS);
        /* Ids that differ only in their upper half collide if the mixing forgets it. */
        const uint64_t id = (uint64_t)index << (index % 2 == 0 ? 32 : 0);
        const struct vmem_idmap_entry *entry = vmem_idmap_find(&map, id);
        CHECK_U64(entry == NULL ? 0 : entry->line, ==, line_of[index]);
        CHECK(entry == NULL || entry->slot == index);
        if (line_of[index] != 0) {
            vmem_idmap_remove(&map, id);
            line_of[index] = 0;
        } else {
            CHECK_OR_RETURN(vmem_idmap_add(&map, id, index, step));
            line_of[index] = step;
        }
    }
    vmem_idmap_dispose(&map);
}

/* -------------------------------------------------------------------------------------------------
 * Whole files
 * ---------------------------------------------------------------------------------------------- */

#define HEADER "# vmem-trace 1\n"

static char path[] = "vmem-test-trace-XXXXXX";
static char path_buffer[sizeof(path)];

/* Write a new file with these bytes.  Returns its name. */
static const char *
write_file(const void *bytes, size_t length)
{
    memcpy(path_buffer, path, sizeof(path));
    const int fd = mkstemp(path_buffer);
    CHECK(fd >= 0);
    CHECK_U64(write(fd, bytes, length), ==, length);
    close(fd);
    return path_buffer;
}

/* Compress text as one gzip member.  Returns its length. */
static size_t
gzip(const char *text, unsigned char *out, size_t room)
{
    z_stream deflater = { 0 };
    CHECK(deflateInit2(&deflater, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    unsigned char *in = (unsigned char *)strdup(text);
    deflater.next_in = in;
    deflater.avail_in = (uInt)strlen(text);
    deflater.next_out = out;
    deflater.avail_out = (uInt)room;
    CHECK(deflate(&deflater, Z_FINISH) == Z_STREAM_END);
    const size_t length = room - deflater.avail_out;
    deflateEnd(&deflater);
    free(in);
    return length;
}

static bool
load_bytes(struct vmem_trace *trace, const void *bytes, size_t length)
{
    const char *name = write_file(bytes, length);
    const bool is_whole = vmem_trace_load(trace, name);
    unlink(name);
    return is_whole;
}

static bool
load(struct vmem_trace *trace, const char *text)
{
    return load_bytes(trace, text, strlen(text));
}

static const char sound[] = HEADER "# a title \n"
                                   "\n"
                                   "  # another comment\n"
                                   "a 5 100\n"
                                   "a 0x6\t4K align=64 phase=32   # odd, but right\r\n"
                                   "f 5\n"
                                   "t 1.5\n"
                                   "a 5 0x10 min=1M max=MAX nocross=16\n"
                                   "t 0.25\n"
                                   "f 6\n"
                                   "a 7 1 max=0\n";

static void
check_sound(const struct vmem_trace *trace)
{
    CHECK_U64(trace->op_count, ==, 6);
    CHECK_U64(trace->alloc_count, ==, 4);
    CHECK_U64(trace->free_count, ==, 2);
    CHECK_U64(trace->live_count, ==, 2);
    CHECK_U64(trace->slot_count, ==, 2);
    CHECK_U64(trace->time_ns, ==, 1750000000);
    CHECK_STR(trace->title, "a title");
    CHECK_OR_RETURN(trace->op_count == 6 && trace->constraint_count == 4);
    CHECK_U64(trace->ops[0].size, ==, 100);
    CHECK_U64(trace->ops[0].line, ==, 5);
    CHECK_U64(trace->ops[0].constraint, ==, VMEM_TRACE_ANYWHERE);
    CHECK_U64(trace->ops[1].size, ==, 4096);
    const struct vmem_trace_constraint *first = &trace->constraints[trace->ops[1].constraint];
    CHECK(first->align == 64 && first->phase == 32 && first->nocross == 0);
    CHECK(first->addr_min == 0 && first->addr_max == UINT64_MAX);
    const struct vmem_trace_constraint *second = &trace->constraints[trace->ops[3].constraint];
    CHECK(second->align == 0 && second->nocross == 16 && second->addr_min == 1 << 20);
    CHECK_U64(trace->constraints[trace->ops[5].constraint].addr_max, ==, 0);
    CHECK_U64(trace->ops[2].kind, ==, VMEM_TRACE_FREE);
    CHECK_U64(trace->ops[2].slot, ==, trace->ops[0].slot);
    CHECK_U64(trace->ops[3].slot, ==, trace->ops[0].slot);
    CHECK_U64(trace->ops[4].slot, ==, trace->ops[1].slot);
}

static void
test_a_sound_trace_is_loaded(void)
{
    struct vmem_trace trace;
    CHECK(load(&trace, sound));
    check_sound(&trace);
    CHECK(!trace.lacks_newline && !trace.is_compressed);
    vmem_trace_dispose(&trace);
}

static void
test_a_last_line_without_an_end_is_loaded_and_noted(void)
{
    struct vmem_trace trace;
    CHECK(load_bytes(&trace, sound, sizeof(sound) - 2));
    check_sound(&trace);
    CHECK(trace.lacks_newline);
    vmem_trace_dispose(&trace);
}

/* Each line follows one sound operation, so that `op_count` must be 1 or 2. */
static const struct {
    const char *line;
    size_t column;
    const char *words; /* that the complaint must contain */
} bad_lines[] = {
    { "b 2 3", 1, "\"b\" is no operation" },
    { "alloc 2 3", 1, "\"alloc\" is no operation" },
    { "a", 2, "id is missing" },
    { "a 2", 4, "size is missing" },
    { "a 2 # 3", 5, "size is missing" },
    { "a x 3", 3, "id \"x\" is not a number" },
    { "a 2K 3", 4, "only digits may stand here" },
    { "a -2 3", 3, "unsigned" },
    { "a 18446744073709551616 3", 3, "too large" },
    { "a 2 0", 5, "must be at least 1" },
    { "a 2 3k", 6, "suffixes" },
    { "a 2 16E", 5, "too large" },
    { "a 2 3 4", 7, "\"4\" is not known" },
    { "a 2 3 aling=4", 7, "\"aling=4\" is not known" },
    { "a 2 3 align", 7, "align needs a value: align=N" },
    { "a 2 3 align=", 13, "align \"\" is empty" },
    { "a 2 3 align=3", 13, "power of two" },
    { "a 2 3 align=0", 13, "power of two" },
    { "a 2 3 align=4 align=8", 15, "given twice" },
    { "a 2 3 phase=1", 13, "needs an align" },
    { "a 2 3 align=8 phase=8", 21, "below align, which is 8" },
    { "a 2 3 nocross=6", 15, "power of two" },
    { "a 2 3 nocross=2", 15, "at least the size, which is 3" },
    { "a 2 3 min=9 max=8", 17, "not be below min, which is 9" },
    { "a 1 3", 3, "id 1 is live: line 2 allocated it" },
    { "f", 2, "id is missing" },
    { "f 9", 3, "no line above allocates it" },
    { "f 1 1", 5, "\"1\" is too much" },
    { "f 1\nf 1", 3, "line 3 freed it already" },
    { "t", 2, "time is missing" },
    { "t -1", 3, "unsigned" },
    { "t 1.x", 5, "number of seconds" },
    { "t 1.5.5", 6, "number of seconds" },
    { "t 18446744073", 3, "too large" },
    { "t 1 2", 5, "too much" },
    { "\x1b[2J", 1, "\"?[2J\" is no operation" },
};

static void
test_every_bad_line_is_placed_and_explained(void)
{
    for (size_t i = 0; i < sizeof(bad_lines) / sizeof(bad_lines[0]); i++) {
        char text[512];
        struct vmem_trace trace;
        vmt_context("case", i);
        snprintf(text, sizeof(text), HEADER "a 1 64\n%s\na 100 5\n", bad_lines[i].line);
        CHECK(!load(&trace, text));
        const bool has_two = strchr(bad_lines[i].line, '\n') != NULL;
        CHECK_U64(trace.error.line, ==, has_two ? 4 : 3);
        CHECK_U64(trace.error.column, ==, bad_lines[i].column);
        if (strstr(trace.error.text, bad_lines[i].words) == NULL) {
            CHECK_STR(trace.error.text, bad_lines[i].words);
        }
        CHECK_U64(trace.op_count, ==, has_two ? 2 : 1);
        CHECK(trace.error.excerpt[0] != '\0' && trace.error.excerpt[0] != '\x1b');
        vmem_trace_dispose(&trace);
    }
}

static const struct {
    const char *text;
    uint64_t line;
    uint64_t column;
    const char *words;
} bad_starts[] = {
    { "", 0, 0, "empty" },
    { "\n", 1, 1, "first line must be" },
    { "a 1 2\n", 1, 1, "first line must be" },
    { "# vmem-trace 2\n", 1, 14, "version" },
    { "# vmem-trace 10\n", 1, 14, "version" },
    { "# vmem-trace", 1, 1, "first line must be" },
    { "\x28\xb5\x2f\xfd....", 0, 0, "zstd" },
    { "\xfd"
      "7zXZ...",
        0, 0, "xz -dc" },
    { "BZh9....", 0, 0, "bzip2" },
};

static void
test_what_is_no_trace_is_refused_at_its_start(void)
{
    for (size_t i = 0; i < sizeof(bad_starts) / sizeof(bad_starts[0]); i++) {
        struct vmem_trace trace;
        vmt_context("case", i);
        CHECK(!load(&trace, bad_starts[i].text));
        CHECK_U64(trace.error.line, ==, bad_starts[i].line);
        CHECK_U64(trace.error.column, ==, bad_starts[i].column);
        if (strstr(trace.error.text, bad_starts[i].words) == NULL) {
            CHECK_STR(trace.error.text, bad_starts[i].words);
        }
        CHECK_U64(trace.op_count, ==, 0);
        vmem_trace_dispose(&trace);
    }
}

static void
test_a_line_that_never_ends_is_refused(void)
{
    static char text[200000];
    struct vmem_trace trace;
    memcpy(text, HEADER, sizeof(HEADER) - 1);
    memset(text + sizeof(HEADER) - 1, ' ', sizeof(text) - sizeof(HEADER));
    CHECK(!load(&trace, text));
    CHECK_U64(trace.error.line, ==, 2);
    CHECK_U64(trace.error.column, ==, VMEM_TRACE_LINE_BYTES + 1);
    vmem_trace_dispose(&trace);
}

static void
test_unreadable_files_say_why(void)
{
    struct vmem_trace trace;
    CHECK(!vmem_trace_load(&trace, "/nonexistent/trace.vmt"));
    CHECK(strstr(trace.error.text, "No such file") != NULL);
    vmem_trace_dispose(&trace);
    CHECK(!vmem_trace_load(&trace, "/"));
    CHECK(strstr(trace.error.text, "directory") != NULL);
    vmem_trace_dispose(&trace);
}

/* -------------------------------------------------------------------------------------------------
 * gzip
 * ---------------------------------------------------------------------------------------------- */

static void
test_gzip_members_and_padding_are_read(void)
{
    unsigned char bytes[2048] = { 0 };
    struct vmem_trace trace;
    enum { half = 40 };
    char first[half + 1];
    memcpy(first, sound, half);
    first[half] = '\0';
    size_t length = gzip(first, bytes, 1024);
    length += gzip(sound + half, bytes + length, 1024 - 100);
    CHECK(load_bytes(&trace, bytes, length));
    CHECK(trace.is_compressed);
    check_sound(&trace);
    vmem_trace_dispose(&trace);
    CHECK(load_bytes(&trace, bytes, length + 50)); /* zero bytes follow */
    check_sound(&trace);
    vmem_trace_dispose(&trace);
    bytes[length + 20] = 'x';
    CHECK(!load_bytes(&trace, bytes, length + 50));
    CHECK(strstr(trace.error.text, "garbage follows the gzip data") != NULL);
    check_sound(&trace); /* what precedes the garbage is there */
    vmem_trace_dispose(&trace);
}

static void
test_gzip_cut_anywhere_is_reported(void)
{
    unsigned char bytes[2048];
    const size_t length = gzip(sound, bytes, sizeof(bytes));
    for (size_t cut = 2; cut < length; cut++) {
        struct vmem_trace trace;
        vmt_context("cut", cut);
        CHECK(!load_bytes(&trace, bytes, cut));
        CHECK(strstr(trace.error.text, "truncated") != NULL);
        vmem_trace_dispose(&trace);
    }
}

static void
test_gzip_damaged_anywhere_is_reported(void)
{
    unsigned char bytes[2048];
    const size_t length = gzip(sound, bytes, sizeof(bytes));
    /* The header's time, flags and system may be anything; the rest is covered by check sums. */
    for (size_t at = 10; at < length; at++) {
        struct vmem_trace trace;
        vmt_context("byte", at);
        bytes[at] ^= 0x55;
        CHECK(!load_bytes(&trace, bytes, length));
        CHECK(trace.error.text[0] != '\0');
        vmem_trace_dispose(&trace);
        bytes[at] ^= 0x55;
    }
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_numbers_are_read_exactly_or_refused),
    VMT_TEST(test_the_id_map_agrees_with_an_array),
    VMT_TEST(test_a_sound_trace_is_loaded),
    VMT_TEST(test_a_last_line_without_an_end_is_loaded_and_noted),
    VMT_TEST(test_every_bad_line_is_placed_and_explained),
    VMT_TEST(test_what_is_no_trace_is_refused_at_its_start),
    VMT_TEST(test_a_line_that_never_ends_is_refused),
    VMT_TEST(test_unreadable_files_say_why),
    VMT_TEST(test_gzip_members_and_padding_are_read),
    VMT_TEST(test_gzip_cut_anywhere_is_reported),
    VMT_TEST(test_gzip_damaged_anywhere_is_reported),
};
VMT_SUITE(tests);
