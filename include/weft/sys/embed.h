/* SPDX-License-Identifier: MIT */

/*
 * Embed: a run inside a foreign loop (epoll by hand, GLib, asyncio, a game), on its thread.
 *
 * weft_run() turns its loop until the main task is done.  Here the foreign loop does, a turn at a
 * time; everything else is as there: tasks, timers, files, pools, deadlines, the order at the end.
 *
 *     weft_embed *embed;
 *     int rc = weft_embed_open(&embed, NULL, serve, &service);
 *     ... the foreign loop polls weft_embed_descriptor(embed) for reading, for at most
 *         weft_embed_timeout(embed), and then, whatever came, calls
 *     while (weft_embed_turn(embed) > 0)
 *         ...
 *     rc = weft_embed_close(embed);             // what serve returned
 *
 * The foreign loop's callbacks may do what callbacks of Weft's own loop may: set events and
 * futures, post, start and stop timers, call weft_embed_spawn(); they may not wait.  The descriptor
 * does not become readable by that: ask for the timeout again before polling (it is 0 then), or
 * call weft_embed_turn() right away.  What other threads send does make it readable.
 *
 * A thread has one loop: weft_run() outside a task returns -EBUSY while a run is embedded.
 * Deadlocks are not reported, since a callback of the foreign loop could always end one.  A task
 * that keeps the thread is reported as usual; the foreign loop's own time is not counted.
 *
 * All calls belong to the thread that opened it, and none may come from a task or a callback of the
 * run itself.
 */
#ifndef WEFT_SYS_EMBED_H
#define WEFT_SYS_EMBED_H

#include <weft/run.h>
#include <weft/task.h>

WEFT_BEGIN_DECLS

typedef struct weft_embed weft_embed;

/* Begins a run of fn(arg), and returns when fn has come to its first wait.  `config` (may be NULL)
 * as for weft_run_with(), but SIGINT and SIGTERM are always left alone.  0 and the run in *out,
 * which may be over already.  -ENOTSUP: the simulator or a virtual clock, which a foreign loop
 * cannot follow; -EBUSY: this thread has a loop; else as weft_run(). */
WEFT_API WEFT_MUST_USE int weft_embed_open(weft_embed **out, const weft_config *config, weft_fn *fn,
                                           void *arg);

/* A descriptor to poll: readable when there is something to do.  Stays the same as long as the run
 * is open, and must not be closed.
 */
WEFT_API int weft_embed_descriptor(const weft_embed *embed);

/* How long the foreign loop may wait for the descriptor.  0: call weft_embed_turn() now;
 * WEFT_FOREVER: no timer runs.  Changes with every turn and with what callbacks do in between. */
WEFT_API weft_time weft_embed_timeout(const weft_embed *embed);

/* One turn, without waiting: messages, input and output, due timers, and each task that is ready.
 * 1: there will be more; 0: the run is over. */
WEFT_API int weft_embed_turn(weft_embed *embed);

/* The run's loop, for the calls of <weft/sys/loop.h>; do not turn it.  NULL when it is over. */
WEFT_API weft_loop *weft_embed_loop(const weft_embed *embed);

/* Starts a task that the run owns, as weft_detach() does inside it.  -ESRCH in the handle when the
 * main task and all detached ones are done, even if the run is not over yet. */
#define weft_embed_spawn(embed, fn, arg) weft_embed_spawn_at((embed), (fn), (arg), WEFT_SITE(#fn))
WEFT_API weft_task weft_embed_spawn_at(weft_embed *embed, weft_fn *fn, void *arg, const char *site);

/* Cancels the main task.  The run is over some turns later. */
WEFT_API void weft_embed_cancel(weft_embed *embed, const char *why);

/* Ends the run, frees it, and returns what fn returned, or what went wrong when the run began.  A
 * run that is not over is cancelled and waited for: this call then blocks, as the end of weft_run()
 * does.  NULL is fine. */
WEFT_API int weft_embed_close(weft_embed *embed);

WEFT_END_DECLS

#endif
