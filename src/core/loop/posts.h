/* SPDX-License-Identifier: MIT */

/*
 * Posts: messages from other threads and signal handlers to a loop (weft_post, weft_post_msg).
 * The loop calls these; posters use <weft/sys/loop.h>.
 */
#ifndef WF_POSTS_H
#define WF_POSTS_H

#include <weft/sys/loop.h>

/* Makes loop->posts and enters the loop into the registry; loop->backend must be open.
 * -ENOMEM, -EMFILE. */
int wf_posts_init(weft_loop *loop, uint32_t count_max);

/* Takes the loop out of the registry, so that later posts get -ESRCH; runs what was accepted before
 * (a post that returned 0 always runs).  loop->backend must still be open. */
void wf_posts_close(weft_loop *loop);

/* wf_posts_close(), if that was not called, and frees loop->posts.  Does nothing without
 * wf_posts_init(), or a second time. */
void wf_posts_fini(weft_loop *loop);

/* Runs what has arrived, in order, and returns how many there were; what arrives meanwhile is for
 * the next call. */
int wf_posts_run(weft_loop *loop);

/* The loop is about to wait, or to hand its descriptor back to a foreign loop that will.  True: the
 * next post calls backend->wake.  False: something has arrived; do not wait. */
bool wf_posts_sleep(weft_loop *loop);

/* The loop has stopped waiting, for whatever reason.  Harmless when called again. */
void wf_posts_awake(weft_loop *loop);

/* True between wf_posts_sleep() and wf_posts_awake().  Any thread. */
bool wf_posts_is_asleep(const weft_loop *loop);

/* True if something has arrived that wf_posts_run would run. */
bool wf_posts_pending(const weft_loop *loop);

/* The loop's number in the registry, see wf_loop_ref. */
uint32_t wf_loop_number(const weft_loop *loop);

#endif
