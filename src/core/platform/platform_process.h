/* SPDX-License-Identifier: MIT */

/* Entries of the host's platform table that are about processes. */
#ifndef WF_PLATFORM_PROCESS_H
#define WF_PLATFORM_PROCESS_H

#include <weft/sys/platform.h>

int wf_host_process_start(const struct weft_process_plan *plan, int *out_pid, int *out_pidfd);
int wf_host_process_signal(int pid, bool is_group, int signal_number);
int wf_host_process_reap(int pid, bool waits, int *out_status);

#endif
