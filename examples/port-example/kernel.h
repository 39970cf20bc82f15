/*
 * kernel.h - what the imaginary kernel of this example has.        SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef EXAMPLE_KERNEL_H
#define EXAMPLE_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

/* Turn interrupts off.  Returns whether they were on. */
bool kernel_interrupts_off(void);

/* Turn them on again if they were on. */
void kernel_interrupts_restore(bool were_on);

/* Nanoseconds since the boot. */
uint64_t kernel_uptime_ns(void);

/* Print a line and stop the machine. */
_Noreturn void kernel_panic(const char *text);

#endif
