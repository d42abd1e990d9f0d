/* SPDX-License-Identifier: MIT */

#include "core/sched_priv.h"

void wf_mutex_abandon_all(wf_task *task)
{
    task->owned_mutexes = NULL;
}
