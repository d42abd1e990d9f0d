/* SPDX-License-Identifier: MIT */

/*
 * A register of open objects, for debug mode.  A module whose objects must be closed tells it when
 * one is opened and when it is closed; a run in debug mode then reports, as it ends, what was left
 * open and where it was opened.  Without debug mode each of the two calls just tests a flag.
 *
 *     static void pool_name(const void *object, char *out, size_t bytes)
 *     {
 *         const struct pool *pool = object;
 *         snprintf(out, bytes, "of %s", pool->host);
 *     }
 *     static const weft_open_kind pool_kind = {"connection pool", "pool_free()", pool_name};
 *
 *     weft_opened(pool, &pool_kind);       // at the end of pool_new()
 *     weft_closed(pool, &pool_kind);       // first in pool_free()
 */
#ifndef WEFT_SYS_OPENED_H
#define WEFT_SYS_OPENED_H

#include <weft/base.h>

WEFT_BEGIN_DECLS

/* A kind of object.  It must live as long as its objects, so make it static. */
typedef struct weft_open_kind {
    const char *what;  /* "stream" */
    const char *close; /* how it is closed: "weft_stream_close()" */

    /* What one of them is called: NUL-terminated, at most `bytes` with the NUL.  Called at the end
     * of the run on its loop's thread, if the object is still open; must not wait, nor open or
     * close.  NULL: they have no names. */
    void (*name)(const void *object, char *out, size_t bytes);
} weft_open_kind;

/* How many runs of this process are in debug mode, and what the calls below do if any is. */
WEFT_API extern unsigned weft_debug_runs_;
WEFT_API void weft_opened_(const void *object, const weft_open_kind *kind);
WEFT_API void weft_closed_(const void *object, const weft_open_kind *kind);

/* Call it when `object` has been opened; the caller's callers are noted.  Outside a run in debug
 * mode it does nothing.  If the address is registered already, the older object is taken for
 * closed. */
static inline void weft_opened(const void *object, const weft_open_kind *kind)
{
    if (__builtin_expect(__atomic_load_n(&weft_debug_runs_, __ATOMIC_RELAXED) != 0, 0))
        weft_opened_(object, kind);
}

/* Call it when `object` is being closed.  Any thread; harmless for an object that is not
 * registered.  `kind` NULL: the object now belongs to another one, which is registered in its
 * place.
 */
static inline void weft_closed(const void *object, const weft_open_kind *kind)
{
    if (__builtin_expect(__atomic_load_n(&weft_debug_runs_, __ATOMIC_RELAXED) != 0, 0))
        weft_closed_(object, kind);
}

WEFT_END_DECLS

#endif
