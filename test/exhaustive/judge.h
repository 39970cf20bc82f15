/*
 * judge.h - what a state must become.                              SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMX_JUDGE_H
#define VMX_JUDGE_H

#include "explore.h"

/* A call's answer. */
struct vmx_answer {
    int status;
    vmem_addr_t addr;
};

/*
 * Judge an allocation from an arena of the world: the answer, and the state after it.
 *
 *   may_lack  a callback failed: it may be refused for want of tags, or of what a source has
 *
 * Returns   NULL or what is wrong.  *is_open: refused, and an import that no rule demands would have
 *           served
 */
const char *vmx_judge_request(const struct vmx_world *world, const struct vmx_key *before,
    const struct vmx_view *view, const struct vmx_key *after, unsigned arena,
    const struct vmx_request *request, const struct vmx_answer *answer, bool may_lack,
    bool *is_open);

/* Judge a right free. */
const char *vmx_judge_free(const struct vmx_world *world, const struct vmx_key *before,
    const struct vmx_key *after, unsigned arena, unsigned position);

/* Judge vmem_add() of one of the world's spans. */
const char *vmx_judge_add(const struct vmx_world *world, const struct vmx_key *before,
    const struct vmx_key *after, const struct vmx_span *span, int status, bool may_lack);

/* Judge a call that changes nothing that a caller can see. */
const char *vmx_judge_nothing(
    const struct vmx_world *world, const struct vmx_key *before, const struct vmx_key *after);

#endif
