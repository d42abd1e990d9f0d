/* SPDX-License-Identifier: MIT */

/*
 * Generator: a body that yields one value after the other, and may wait between them.
 *
 *     static int countdown(weft_gen *self, void *arg)
 *     {
 *         for (int left = *(const int *)arg; left > 0; left--) {
 *             WEFT_TRY(weft_sleep(WEFT_SEC));           // other tasks run here
 *             WEFT_TRY(weft_gen_yield(self, &left));    // the consumer runs here
 *         }
 *         return 0;
 *     }
 *
 *     int from = 3, seconds, rc;
 *     weft_foreach(rc, seconds, weft_gen_open(countdown, &from))
 *         printf("%d\n", seconds);
 *     if (rc < 0) …                                     // the body's error, as it is
 *
 * The body has a stack of its own, but it is no task: it runs inside weft_gen_next(), as the task
 * that called it (the consumer), with that task's handle, scopes, deadlines, locals and error text.
 * Cancelling means cancelling the consumer; the body notices because its waits are the consumer's.
 * Between two steps nothing of it runs.
 *
 * A step costs two stack switches and one copy, straight from the yielded value to the consumer's
 * variable.  No other task runs in between, unless the body waits or 128 steps have gone by (rule
 * F03).
 *
 * Every scope and group that a body opened must be closed when it yields, or it would apply to the
 * consumer (-EBUSY).  Hold no mutex across a yield either: the next step may be another task's.  A
 * task that the body spawns is a child of the consumer, and goes on after the body has returned:
 * give it no pointer into the body's frame (use weft_spawn_copy), or join it in a group.
 */
#ifndef WEFT_GEN_H
#define WEFT_GEN_H

#include <weft/task.h>

WEFT_BEGIN_DECLS

typedef struct weft_gen weft_gen;

/* The body: returns 0 (or more) when there are no more values, or an error, which the consumer
 * gets. */
typedef int weft_gen_fn(weft_gen *self, void *arg);

/* Makes a generator; fn(self, arg) starts with the first weft_gen_next(), or never.  The generator
 * belongs to the calling task, or to the generator whose body calls this.  Close it; if it is still
 * open when its owner ends it is closed then, with a line in the log.
 *
 * NULL without memory for it, and outside a task.  No check is needed: weft_gen_next() and
 * weft_foreach() turn that into -ENOMEM or -EPERM. */
#define weft_gen_open(fn, arg) weft_gen_open_at((fn), (arg), WEFT_SITE(#fn))
WEFT_API weft_gen *weft_gen_open_at(weft_gen_fn *fn, void *arg, const char *site);

/* Like weft_gen_open(), but copies the `bytes` bytes at `arg` (aligned to 16) and passes the body
 * the copy's address; the source may go as soon as this returns. */
#define weft_gen_open_sized(fn, arg, bytes)                                                        \
    weft_gen_open_sized_at((fn), (arg), (bytes), WEFT_SITE(#fn))
#ifndef __cplusplus
#define weft_gen_open_copy(fn, ...) weft_gen_open_sized((fn), &(__VA_ARGS__), sizeof(__VA_ARGS__))
#else
#define weft_gen_open_copy(fn, ...) weft_gen_open_copy_at_((fn), (__VA_ARGS__), WEFT_SITE(#fn))
#endif
WEFT_API weft_gen *weft_gen_open_sized_at(weft_gen_fn *fn, const void *arg, size_t bytes,
                                          const char *site);

/* Runs the body until it yields, and copies the value to *out.  1: got a value.  0: the body has
 * returned.  < 0: the error it returned.  After 0 or an error every call returns the same again.
 *
 * With these nothing has happened, and it can be called again: -ECANCELED on entry; -EBUSY: another
 * task is in the middle of a step, or this is the body itself; -EPERM: it belongs to another loop.
 *
 * Tasks of one loop may take turns in calling it. */
#define weft_gen_next(gen, out) weft_gen_next_sized((gen), (out), sizeof *(out))
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_gen_next_sized(weft_gen *gen, void *out, size_t bytes);

/* Called by the body: hands *value to the consumer, and returns 0 when the consumer asks for the
 * next.  Works in a cancelled scope too; it is the consumer that sees the cancel.
 *
 * Errors after which the body must clean up and return: -ECANCELED: the generator is being closed.
 * -EPROTO: the same, and the body was told before.  -EINVAL: the consumer wants values of another
 * size; it gets -EINVAL too.  Errors with nothing yielded: -EBUSY: the body has a scope or group
 * open.  -EPERM: the caller is not this generator's body. */
#define weft_gen_yield(gen, value) weft_gen_yield_sized((gen), (value), sizeof *(value))
WEFT_API WEFT_MUST_USE int weft_gen_yield_sized(weft_gen *gen, const void *value, size_t bytes);

/* Ends the body, in the calling task, and frees the generator.  The body's pending yield returns
 * -ECANCELED; its cleanup may wait as far as the caller's scopes allow (a shield helps), and this
 * call waits for it.  Returns what the body returned, with 0 for -ECANCELED; 0 if it never started,
 * or for NULL.
 *
 * Errors, after which it is still open: -EBUSY: it is in the middle of a step; -EPERM: it belongs
 * to another loop, or the caller is no task. */
WEFT_API WEFT_WAITS int weft_gen_close(weft_gen *gen);

/* Makes `owner`, a generator that consumes `gen`, its owner: `gen` is closed when the body of
 * `owner` has returned, or when `owner` is closed without having started.  What a body opens itself
 * belongs to it from the start.  Either may be NULL. */
WEFT_API void weft_gen_give(weft_gen *gen, weft_gen *owner);

/* ---- foreach ---- */

struct weft_iter_ {
    weft_gen *gen;
    int *rc;
};
WEFT_API WEFT_WAITS void weft_iter_end_(struct weft_iter_ *iter);

#if defined(__GNUC__)
#define WEFT_ITER_PASTE_(line) weft_iter_##line##_
#define WEFT_ITER_NAME_(line) WEFT_ITER_PASTE_(line)
#define WEFT_FOREACH_(it, rc_, var, gen_)                                                          \
    for (struct weft_iter_ it __attribute__((cleanup(weft_iter_end_))) = {(gen_), &(rc_)};         \
         ((rc_) = weft_gen_next(it.gen, &(var))) > 0;)

/* Runs the statement that follows with each value in `var`.  However the loop is left, at its end
 * or by break, return or goto, the generator is closed in the calling task before the next
 * statement.  Afterwards `rc` (an int) is 0 or the first error: of the body, of its cleanup, of
 * opening it, or -ECANCELED. */
#define weft_foreach(rc, var, gen) WEFT_FOREACH_(WEFT_ITER_NAME_(__LINE__), rc, var, gen)
#endif

WEFT_END_DECLS

#ifdef __cplusplus
template <typename Arg>
weft_gen *weft_gen_open_copy_at_(weft_gen_fn *fn, const Arg &arg, const char *site)
{
    static_assert(__is_trivially_copyable(Arg), "it is copied byte by byte and never destroyed");
    return weft_gen_open_sized_at(fn, &arg, sizeof(arg), site);
}
#endif

#endif
