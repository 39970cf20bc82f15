/*
 * harness_skipped - a program whose only test is left out.        SPDX-License-Identifier: BSD-2-Clause
 */
#include "vmt.h"

static void
test_left_out(void)
{
    vmt_skip("on purpose");
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_left_out),
};

VMT_SUITE(tests);
