/* SPDX-License-Identifier: MIT */

/*
 * The loop's file pool: threads that do the file operations which the kernel does not do
 * asynchronously, so that a disk never blocks the loop (rule I06).  Not the pool of blocking
 * bodies, so that those cannot fill it.
 *
 * An operation is the pool's from submit until it has ended or was withdrawn; the thread works on
 * its record, which stays where it is (backend_priv.h).  op_count_max bounds how many can wait for
 * a thread.
 */
#ifndef WF_FILE_POOL_H
#define WF_FILE_POOL_H

#include "core/backend/backend_priv.h"

/* Queues the operation; its final completion follows.  -ENOMEM, -EAGAIN: no thread can be started.
 */
int wf_file_pool_submit(weft_loop *loop, weft_op *op);

/* Takes an operation back.  True: it had not begun, and the caller ends it.  False: it ends by
 * itself. */
bool wf_file_pool_withdraw(weft_loop *loop, weft_op *op);

/* Ends the threads; no operation is left. */
void wf_file_pool_close(weft_loop *loop);

#endif
