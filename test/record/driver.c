/*
 * driver - `vmem record` alone, so that its tests need no other part of the command.
 *                                                                 SPDX-License-Identifier: BSD-2-Clause
 */
#include "record.h"

int
main(int argc, char **argv)
{
    return vmem_cmd_record(argc, argv);
}
