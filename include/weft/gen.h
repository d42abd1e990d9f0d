/* SPDX-License-Identifier: MIT */

/*
 * Generator: a body that hands out one value after the other, and may wait between them.
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
 * that called it, with that task's handle, scopes, deadlines, locals and error text.  What is
 * cancelled is the consumer; the body sees it because its waits are the consumer's.  Between two
 * steps nothing runs.
 *
 * A step is two stack switches and a copy, straight from the yielded value to where the consumer
 * wants it; no other task runs unless the body waits, or 128 steps have gone by (rule F03).
 *
 * Everything a body opened must be closed when it yields: a scope or a group left open would be the
 * consumer's (-EBUSY).  Hold no mutex across a yield either: the next step may be another task's.
 * A task that the body spawns is a child of the consumer, and goes on when the body has returned:
 * lend it nothing of the body's frame (weft_spawn_copy), or join it in a group.
 */
#ifndef WEFT_GEN_H
#define WEFT_GEN_H

#include <weft/task.h>

WEFT_BEGIN_DECLS

typedef struct weft_gen weft_gen;

/* The body: 0 (or more) at the end of the values, or an error, which the consumer gets. */
typedef int weft_gen_fn(weft_gen *self, void *arg);

/* Makes a generator; fn(self, arg) starts at the first next, and never if there is none.  It
 * belongs to the calling task, or to the generator whose body calls: close it, or the end of that
 * does, with a line in the log.
 *
 * NULL without memory or stacks, and outside a task.  No check is needed: next and foreach turn
 * that into -ENOMEM or -EPERM. */
#define weft_gen_open(fn, arg) weft_gen_open_at((fn), (arg), WEFT_SITE(#fn))
WEFT_API weft_gen *weft_gen_open_at(weft_gen_fn *fn, void *arg, const char *site);

/* Copies `bytes` bytes from `arg` (aligned to 16) and hands the body their address; the source may
 * go at once. */
#define weft_gen_open_sized(fn, arg, bytes)                                                        \
    weft_gen_open_sized_at((fn), (arg), (bytes), WEFT_SITE(#fn))
#ifndef __cplusplus
#define weft_gen_open_copy(fn, ...) weft_gen_open_sized((fn), &(__VA_ARGS__), sizeof(__VA_ARGS__))
#else
#define weft_gen_open_copy(fn, ...) weft_gen_open_copy_at_((fn), (__VA_ARGS__), WEFT_SITE(#fn))
#endif
WEFT_API weft_gen *weft_gen_open_sized_at(weft_gen_fn *fn, const void *arg, size_t bytes,
                                          const char *site);

/* Runs the body until it yields, and copies the value to *out.  1: got one.  0: the body has
 * returned.  < 0: the error it returned.  After 0 or an error: the same again, for ever.
 *
 * Nothing has happened, and the generator can be asked again: -ECANCELED on entry; -EBUSY: another
 * task is in the middle of a step, or this is the body itself; -EPERM: another loop's.
 *
 * Tasks of one loop may take turns. */
#define weft_gen_next(gen, out) weft_gen_next_sized((gen), (out), sizeof *(out))
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_gen_next_sized(weft_gen *gen, void *out, size_t bytes);

/* From the body: hands *value to the consumer and returns 0 when it asks for the next.  Never waits
 * for anything else, so it also works in a cancelled scope; the consumer sees the cancel.
 *
 * Then clean up and return: -ECANCELED: closed.  -EPROTO: closed, and the body was told before.
 * -EINVAL: the consumer wants values of another size; it gets -EINVAL too.
 * Nothing was yielded: -EBUSY: a scope or group of the body's is open.  -EPERM: this is not its
 * body. */
#define weft_gen_yield(gen, value) weft_gen_yield_sized((gen), (value), sizeof *(value))
WEFT_API WEFT_MUST_USE int weft_gen_yield_sized(weft_gen *gen, const void *value, size_t bytes);

/* Ends the body, on this task, and frees the generator.  Its pending yield returns -ECANCELED; it
 * may still wait, as far as the caller's scopes allow (a shield helps), and is waited for.  Returns
 * what the body did, -ECANCELED counted as 0; 0 if it never started, or for NULL.
 *
 * Still open: -EBUSY: in the middle of a step; -EPERM: another loop's, or outside a task. */
WEFT_API WEFT_WAITS int weft_gen_close(weft_gen *gen);

/* Gives a generator to another, which is going to ask it: it is closed when the body of `owner` has
 * returned, or when `owner` is closed without ever having started.  What a body opens itself
 * belongs to it from the start.  NULLs are fine. */
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

/* Runs the statement that follows with each value in `var`, and closes the generator however the
 * loop is left: at the end, by break, return or goto, on this task, before the next statement.
 * Afterwards `rc` (an int) is 0, or the first error: of the body, of its clean-up, of opening it,
 * -ECANCELED. */
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
