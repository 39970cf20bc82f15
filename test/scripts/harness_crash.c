/*
 * harness_crash - a program that crashes in its second test.      SPDX-License-Identifier: BSD-2-Clause
 */
#include "vmt.h"

#include <stdlib.h>

static void
test_that_passes(void)
{
    CHECK(true);
}

static void
test_that_never_returns(void)
{
    CHECK(true);
    abort();
}

static const struct vmt_test tests[] = {
    VMT_TEST(test_that_passes),
    VMT_TEST(test_that_never_returns),
};

VMT_SUITE(tests);
