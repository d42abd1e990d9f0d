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
 * The foreign loop's callbacks are to Weft what callbacks of its own loop are: they may set events
 * and futures, post, start and stop timers, weft_embed_spawn(), and may not wait.  A wake that they
 * cause by hand does not show at the descriptor: ask for the timeout again before polling (it is 0
 * then), or turn right behind it.  What other threads send does show.
 *
 * A thread has one loop: weft_run() outside a task says -EBUSY while a run is embedded.  A deadlock
 * is not looked for, since a callback of the foreign loop could always end it.  A task that keeps
 * the thread is reported as ever; the time in between belongs to the foreign loop and is not.
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

/* Begins a run of fn(arg); fn has come to its first wait when it returns.  `config` (may be NULL)
 * as for weft_run_with(), but SIGINT and SIGTERM are always left alone.  0 and the run in *out,
 * which may be over already.  -ENOTSUP: the simulator or a virtual clock, which a foreign loop
 * cannot follow; -EBUSY: this thread has a loop; else as weft_run(). */
WEFT_API WEFT_MUST_USE int weft_embed_open(weft_embed **out, const weft_config *config, weft_fn *fn,
                                           void *arg);

/* Readable when there is something to do.  The same as long as the run is open; not to be closed.
 */
WEFT_API int weft_embed_descriptor(const weft_embed *embed);

/* How long the foreign loop may wait for the descriptor: 0: turn now; WEFT_FOREVER: no timer runs.
 * Changes with every turn and with what callbacks do in between. */
WEFT_API weft_time weft_embed_timeout(const weft_embed *embed);

/* One turn, without waiting: messages, input and output, due timers, and each task that is ready.
 * 1: there will be more; 0: the run is over. */
WEFT_API int weft_embed_turn(weft_embed *embed);

/* The run's loop, for the calls of <weft/sys/loop.h>; do not turn it.  NULL when it is over. */
WEFT_API weft_loop *weft_embed_loop(const weft_embed *embed);

/* Starts a task that the run owns, as weft_detach() does inside.  In the handle: -ESRCH when the
 * main task and all detached ones are done, also while the run is still seen out. */
#define weft_embed_spawn(embed, fn, arg) weft_embed_spawn_at((embed), (fn), (arg), WEFT_SITE(#fn))
WEFT_API weft_task weft_embed_spawn_at(weft_embed *embed, weft_fn *fn, void *arg, const char *site);

/* Cancels the main task.  The run is over some turns later. */
WEFT_API void weft_embed_cancel(weft_embed *embed, const char *why);

/* Ends it and returns what fn did, or what went wrong in the making.  A run that is not over is
 * cancelled and waited for: this call then blocks, as the end of weft_run() does.  NULL is fine. */
WEFT_API int weft_embed_close(weft_embed *embed);

WEFT_END_DECLS

#endif
