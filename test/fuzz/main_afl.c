/*
 * main_afl - a harness under AFL++, in persistent mode.           SPDX-License-Identifier: BSD-2-Clause
 *
 * For afl-clang-fast.  Inputs come through shared memory, and one process works on thousands of them.
 */
#include "fuzz.h"

#include <unistd.h>

enum { INPUTS_PER_PROCESS = 20000 };

__AFL_FUZZ_INIT();

int
main(void)
{
    const uint8_t *data;

    __AFL_INIT();
    data = __AFL_FUZZ_TESTCASE_BUF;
    while (__AFL_LOOP(INPUTS_PER_PROCESS)) {
        (void)LLVMFuzzerTestOneInput(data, (size_t)__AFL_FUZZ_TESTCASE_LEN);
    }
    return 0;
}
