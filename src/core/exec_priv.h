/* SPDX-License-Identifier: MIT */

/* The executor of a loop, as the run and the error texts see it. */
#ifndef WF_EXEC_PRIV_H
#define WF_EXEC_PRIV_H

#include <weft/sys/loop.h>

/* Ends the pool's threads.  No task may run any more. */
void wf_exec_fini(weft_loop *loop);

/* Where a blocking body on this thread keeps its error text (WEFT_ERROR_TEXT_BYTES); NULL outside.
 */
char *wf_exec_text(void);

/* Threads of the loop's pool that live now. */
uint32_t wf_exec_thread_count(weft_loop *loop);

#endif
