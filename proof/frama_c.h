/*
 * frama_c.h - what Frama-C is told before it reads a source.      SPDX-License-Identifier: BSD-2-Clause
 *
 * Included by scripts/prove in front of every file, and by nothing else: C11 keywords that this Frama-C
 * does not know, the compiler's builtins with contracts (test/unit/test_builtins.c holds the builtins to
 * them), and the fatal hook, of which is proved that it is never called: so no VMI_ASSERT() can fail.
 */
#ifndef VMEM_PROOF_FRAMA_C_H
#define VMEM_PROOF_FRAMA_C_H

#include "bits.h"
#include <stdbool.h>
#include <stddef.h>

#define VMEM_CHECK_LEVEL 1

#define _Alignas(type)
#define _Alignof(type) 16
#define __builtin_expect(value, expected) (value)
#define __builtin_prefetch(...) ((void)0)
#define __builtin_clzll vmp_clzll
#define __builtin_ctzll vmp_ctzll
#define __builtin_sub_overflow vmp_sub_overflow

/*@ requires value != 0;
    assigns \nothing;
    ensures 0 <= \result < 64;
    ensures is_log2(63 - \result, value);
 */
int vmp_clzll(unsigned long long value);

/*@ requires value != 0;
    assigns \nothing;
    ensures 0 <= \result < 64;
    ensures has_bit(value, \result);
    ensures \forall integer i; 0 <= i < \result ==> !has_bit(value, i);
 */
int vmp_ctzll(unsigned long long value);

/*@ requires \valid(difference);
    assigns *difference;
    ensures *difference == (uint64_t)(a - b);
    ensures \result <==> a < b;
 */
bool vmp_sub_overflow(uint64_t a, uint64_t b, uint64_t *difference);

/*@ requires \false;
    assigns \nothing;
    ensures \false;
 */
_Noreturn void vmi_port_fatal(const char *text);

#endif
