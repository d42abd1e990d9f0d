/* SPDX-License-Identifier: MIT */

/* The host's way to open a file beneath a directory, and the one for kernels without openat2. */
#ifndef WF_BENEATH_H
#define WF_BENEATH_H

/* As weft_platform.open_beneath. */
int wf_host_open_beneath(int dir, const char *path, int flags, unsigned how);

/* The same part by part, which refuses every symbolic link: -ELOOP. */
int wf_host_walk_beneath(int dir, const char *path, int flags);

#endif
