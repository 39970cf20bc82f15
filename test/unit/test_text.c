/*
 * test_text - lines of text without stdio.                        SPDX-License-Identifier: BSD-2-Clause
 *
 *  - Hexadecimal and decimal numbers as printf() writes them, at every digit count.
 *  - A line is terminated at all times, and what does not fit is cut off: the first 255 characters
 *    stay, nothing behind the line is written, and the length is that of the text.
 */
#include "base/text.h"
#include "vmt.h"

#include <inttypes.h>
#include <stdio.h>

/* The line is what its length and its terminator say. */
static void
check_line(const struct vmi_line *line, const char *want)
{
    CHECK_STR(line->text, want);
    CHECK_U64(line->length, ==, strlen(want));
}

static void
check_number(uint64_t value)
{
    struct vmi_line line;
    char want[32];

    vmi_line_clear(&line);
    vmi_line_decimal(&line, value);
    (void)snprintf(want, sizeof want, "%" PRIu64, value);
    check_line(&line, want);

    vmi_line_clear(&line);
    vmi_line_hex(&line, value);
    (void)snprintf(want, sizeof want, "0x%" PRIx64, value);
    check_line(&line, want);
}

static void
test_numbers_read_as_printf_writes_them(void)
{
    struct vmt_rng rng = { .state = vmt_seed() };

    check_number(0);
    check_number(UINT64_MAX);
    for (unsigned bit = 0; bit < 64; bit++) {
        const uint64_t power = (uint64_t)1 << bit;
        check_number(power - 1);
        check_number(power);
        check_number(power + 1);
    }
    for (uint64_t power = 1;; power *= 10) {
        check_number(power - 1);
        check_number(power);
        check_number(power + 1);
        check_number(power * 9 / 10);
        if (power > UINT64_MAX / 10) {
            break;
        }
    }
    for (uint64_t i = 0; i < vmt_ops(2000); i++) {
        check_number(vmt_rng_next(&rng) >> vmt_rng_below(&rng, 64));
    }
}

static void
test_pieces_follow_one_another(void)
{
    struct vmi_line line;

    vmi_line_clear(&line);
    check_line(&line, "");
    vmi_line_put(&line, "");
    check_line(&line, "");
    vmi_line_put(&line, "at ");
    vmi_line_hex(&line, 0x1f);
    vmi_line_put(&line, ", ");
    vmi_line_decimal(&line, 31);
    vmi_line_put(&line, " units");
    check_line(&line, "at 0x1f, 31 units");
    vmi_line_clear(&line);
    check_line(&line, "");
}

static void
test_padding_reaches_a_column_and_no_further(void)
{
    struct vmi_line line;

    vmi_line_clear(&line);
    vmi_line_pad(&line, 0);
    check_line(&line, "");
    vmi_line_put(&line, "ab");
    vmi_line_pad(&line, 5);
    check_line(&line, "ab   ");
    vmi_line_pad(&line, 5);
    vmi_line_pad(&line, 3);
    check_line(&line, "ab   ");
    vmi_line_put(&line, "c");
    check_line(&line, "ab   c");
}

/* A line between two words that must not change. */
struct guarded {
    uint64_t before;
    struct vmi_line line;
    uint64_t after;
};

static void
check_cut(const struct guarded *g)
{
    CHECK_U64(g->before, ==, 0xa5a5a5a5a5a5a5a5);
    CHECK_U64(g->after, ==, 0xa5a5a5a5a5a5a5a5);
    CHECK_U64(g->line.length, ==, 255);
    CHECK_U64(g->line.text[VMI_LINE_BYTES - 1], ==, 0);
}

static void
test_what_does_not_fit_is_cut_off(void)
{
    for (size_t room = 0; room < 24; room++) {
        for (unsigned what = 0; what < 4; what++) {
            struct guarded g = { .before = 0xa5a5a5a5a5a5a5a5, .after = 0xa5a5a5a5a5a5a5a5 };
            static const char *const wants[] = { "0123456789abcdefghijklmnopqrstuvwxyz",
                "0xfedcba9876543210", "18446744073709551615", "                        " };
            vmt_context("room and piece", room * 10 + what);
            vmi_line_clear(&g.line);
            while (g.line.length < VMI_LINE_BYTES - 1 - room) {
                vmi_line_put(&g.line, "x");
            }
            if (what == 0) {
                vmi_line_put(&g.line, wants[0]);
            } else if (what == 1) {
                vmi_line_hex(&g.line, 0xfedcba9876543210);
            } else if (what == 2) {
                vmi_line_decimal(&g.line, UINT64_MAX);
            } else {
                vmi_line_pad(&g.line, VMI_LINE_BYTES + 100);
            }
            if (strlen(wants[what]) >= room) {
                check_cut(&g);
            }
            CHECK(strncmp(&g.line.text[VMI_LINE_BYTES - 1 - room], wants[what],
                      room < strlen(wants[what]) ? room : strlen(wants[what])) == 0);
        }
    }
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_numbers_read_as_printf_writes_them),
    VMT_TEST(test_pieces_follow_one_another),
    VMT_TEST(test_padding_reaches_a_column_and_no_further),
    VMT_TEST(test_what_does_not_fit_is_cut_off),
};

VMT_SUITE(tests);
