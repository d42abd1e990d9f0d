/* SPDX-License-Identifier: MIT */

/*
 * File operations the kernel does not do by itself: threads of the loop do them, so that a disk
 * never blocks it (rule I06).  A pool of its own, which blocking bodies cannot fill.
 *
 * An operation is the pool's from submit until it has ended or was withdrawn; the thread works on
 * its record, which stays where it is (backend_priv.h).  Who waits for a thread is bounded by
 * op_count_max.
 */
#ifndef WF_FILE_POOL_H
#define WF_FILE_POOL_H

#include "core/backend/backend_priv.h"

/* Its final completion follows.  -ENOMEM, -EAGAIN: no thread can be started. */
int wf_file_pool_submit(weft_loop *loop, weft_op *op);

/* True: it had not begun, and the caller ends it.  Else its own outcome will be told. */
bool wf_file_pool_withdraw(weft_loop *loop, weft_op *op);

/* Ends the threads; no operation is left. */
void wf_file_pool_close(weft_loop *loop);

#endif
