/* SPDX-License-Identifier: MIT */

#include "core/stack/probe.h"

#include "core/stack/stack_overflow.h"

#include <setjmp.h>

static _Thread_local sigjmp_buf *volatile probe_way_out
    __attribute__((tls_model("initial-exec"))); /* the handler must not allocate it */

bool wf_probe_run(void (*fn)(void *arg), void *arg)
{
    sigjmp_buf here;
    sigjmp_buf *volatile outer = probe_way_out;
    if (!wf_overflow_handles_faults())
        return false;
    volatile bool is_whole = false;
    if (sigsetjmp(here, 1) == 0) {
        probe_way_out = &here;
        fn(arg);
        is_whole = true;
    }
    probe_way_out = outer;
    return is_whole;
}

void wf_probe_on_fault(const siginfo_t *info)
{
    sigjmp_buf *way_out = probe_way_out;
    if (way_out != NULL && info->si_code > 0) /* not sent by somebody */
        siglongjmp(*way_out, 1);
}
