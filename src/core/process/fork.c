/* SPDX-License-Identifier: MIT */

#include "core/process/fork.h"

#include "core/loop/loop_priv.h"

#include <pthread.h>

static void after_fork(void)
{
    wf_loop_make_current(NULL);
    wf_registry_after_fork();
    wf_signals_after_fork();
    wf_peek_after_fork();
    wf_overflow_after_fork();
    wf_opened_after_fork();
    wf_terminals_after_fork();
}

static void watch(void)
{
    pthread_atfork(NULL, NULL, after_fork);
}

void wf_fork_watch(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch);
}
