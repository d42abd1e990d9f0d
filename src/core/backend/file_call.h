/* SPDX-License-Identifier: MIT */

/*
 * One file operation by plain system calls, which may block: what a thread of the file pool does,
 * and the simulator on its disk.
 */
#ifndef WF_FILE_CALL_H
#define WF_FILE_CALL_H

#include <weft/sys/loop.h>
#include <weft/sys/platform.h>

/* True for the kinds that are about files whatever the descriptor is. */
static inline bool wf_op_is_file(const weft_op_args *args)
{
    bool is_transfer = args->kind == WEFT_OP_READ || args->kind == WEFT_OP_WRITE;
    return args->kind >= WEFT_OP_OPEN || (is_transfer && args->offset >= 0);
}

/* Reads a file whose bytes are in the page cache, up to one descriptor's share of a pass (rule
 * I10), without a thread or a submission; -EAGAIN if they are not all there. */
int wf_file_read_cached(const weft_op_args *args);

/* Opens a file whose name the kernel has in memory; else -EAGAIN. */
int wf_file_open_cached(const weft_op_args *args);

/* Stat of an open file, without asking the disk or a server (AT_STATX_DONT_SYNC). */
int wf_file_stat_cached(const weft_op_args *args);

/* Result or -errno.  Also for reads and writes at the descriptor's own position. */
int wf_file_call(const weft_platform *platform, const weft_op_args *args);

#endif
