/*
 * base.h - assertions and small words that every file needs.       SPDX-License-Identifier: BSD-2-Clause
 *
 * Three kinds of "this cannot be":
 *   VMI_ASSERT       level >= 1 (debug, CI): O(1) facts about our own code
 *   VMI_ASSERT_SLOW  level >= 2: facts that cost O(n) to check
 *   VMI_NEVER        what cannot be, as far as is known, with the reason, and what to do if it is all the
 *                    same: a second line of defence in releases
 * What a caller does wrong is none of these: see engine/misuse.h.
 */
#ifndef VMI_BASE_H
#define VMI_BASE_H

#include "vmem/vmem.h"
#include "vmi_port.h"

#if !defined(__STDC_HOSTED__) || __STDC_HOSTED__ == 1
#include <string.h>
#endif

_Static_assert(VMI_PORT_ABI == 1, "the port header was written for another port contract");
_Static_assert(sizeof(vmem_addr_t) == sizeof(vmem_size_t), "a size must reach every address");

#ifndef VMEM_CHECK_LEVEL
#define VMEM_CHECK_LEVEL 0
#endif

#define VMI_TEXT_(x) #x
#define VMI_TEXT(x) VMI_TEXT_(x)
#define VMI_BROKEN(cond) \
    vmi_port_fatal("vmem: internal: " #cond " is false at " __FILE__ ":" VMI_TEXT(__LINE__))

/*
 * Consume without evaluating: the expression must still compile.  (Of a type's size, because clang
 * counts the branches of an expression whose size is asked for.)
 */
#define VMI_UNUSED_EXPR(e) ((void)sizeof(__typeof__((e) ? 1 : 0)))

#if VMEM_CHECK_LEVEL >= 1
#define VMI_ASSERT(cond) ((cond) ? (void)0 : VMI_BROKEN(cond))
#else
#define VMI_ASSERT(cond) VMI_UNUSED_EXPR(cond)
#endif

#if VMEM_CHECK_LEVEL >= 2
#define VMI_ASSERT_SLOW(cond) ((cond) ? (void)0 : VMI_BROKEN(cond))
#else
#define VMI_ASSERT_SLOW(cond) VMI_UNUSED_EXPR(cond)
#endif

/*
 * VMI_NEVER(cond, "why it is never true", statement);
 *
 * The statement is a defence that no test can reach, so a build that measures coverage has none of it;
 * scripts/coverage lists them all.  Before one is added: can the branch go, or a test get there?
 */
#if defined(VMEM_COVERAGE)
#define VMI_NEVER(cond, why, ...) VMI_UNUSED_EXPR(cond)
#elif VMEM_CHECK_LEVEL >= 1
#define VMI_NEVER(cond, why, ...) VMI_ASSERT(!(cond))
#else
#define VMI_NEVER(cond, why, ...) \
    if (VMI_UNLIKELY(cond)) { \
        __VA_ARGS__; \
    } else \
        (void)0
#endif

#if defined(VMEM_COVERAGE)
#define VMI_LIKELY /* only the parentheses: what is in them is then found where it was written */
#define VMI_UNLIKELY
#else
#define VMI_LIKELY(cond) __builtin_expect(!!(cond), 1)
#define VMI_UNLIKELY(cond) __builtin_expect(!!(cond), 0)
#endif
/*
 * Who holds an arena's lock, of which a call never holds two: for clang -Wthread-safety, which
 * scripts/check_static runs.  Nobody defines vmi_an_arena.  What calls the user is VMI_OUTSIDE.
 */
#if defined(__clang__)
struct __attribute__((capability("arena"))) vmi_capability {
    char unused;
};
extern struct vmi_capability vmi_an_arena;
#define VMI_LOCK_RULE(...) __attribute__((__VA_ARGS__))
#else
#define VMI_LOCK_RULE(...)
#endif
#define VMI_ENTERS VMI_LOCK_RULE(acquire_capability(vmi_an_arena))
#define VMI_ENTERS_IF_TRUE VMI_LOCK_RULE(try_acquire_capability(1, vmi_an_arena))
#define VMI_LEAVES VMI_LOCK_RULE(release_capability(vmi_an_arena))
#define VMI_ENTERED VMI_LOCK_RULE(requires_capability(vmi_an_arena))
#define VMI_OUTSIDE VMI_LOCK_RULE(locks_excluded(vmi_an_arena))
#define VMI_LOCK_UNCHECKED \
    VMI_LOCK_RULE(no_thread_safety_analysis) /* does what it says, by other means */

#define VMI_NOINLINE __attribute__((noinline))
#define VMI_INLINE inline __attribute__((always_inline)) /* of the common way only */

#endif
