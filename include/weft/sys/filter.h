/* SPDX-License-Identifier: MIT */

/*
 * Filters: what stands between a stream's user and its socket and turns the bytes of one into those
 * of the other.  TLS is one (<weft/tls.h>).  Whoever uses the stream, as a task or by callbacks,
 * notices nothing but that bytes come later.
 *
 * All calls of a filter's class are made on the loop's own stack, never from inside a call on the
 * stream, and never wait; but `seal`, which a task that writes much calls itself.
 *
 * Library: weft-net.
 */
#ifndef WEFT_SYS_FILTER_H
#define WEFT_SYS_FILTER_H

#include <weft/sys/stream.h>

WEFT_BEGIN_DECLS

typedef struct weft_filter weft_filter;

/* A negative result of any of them fails the stream with it, after what weft_filter_send() was
 * given has been tried to be sent. */
typedef struct weft_filter_class {
    /* It is in place.  What was unread on the stream comes next, as received. */
    int (*start)(weft_filter *filter);

    /* Bytes from the socket, all to be taken.  What they mean goes to weft_filter_deliver(). */
    int (*received)(weft_filter *filter, const char *bytes, size_t count);

    /* The socket has ended.  0 if it was to end here. */
    int (*ended)(weft_filter *filter);

    /* Bytes of the user to be sent; what they become goes to weft_filter_send().  How many were
     * taken: all, or less, and then weft_filter_push() says when to ask again. */
    ssize_t (*seal)(weft_filter *filter, const char *bytes, size_t count);

    /* The user sends no more, and everything was sealed: the last bytes. */
    int (*finish)(weft_filter *filter);

    /* The stream has failed, or is being released: stop timers.  May be NULL. */
    void (*stop)(weft_filter *filter);

    /* The record goes: free what it holds.  May be NULL. */
    void (*free)(weft_filter *filter);

    /* The failure in words, or "".  May be NULL. */
    const char *(*text)(const weft_filter *filter);

    /* What the peers agreed to speak above it, such as "h2" by ALPN; empty: nothing.  May be NULL.
     */
    weft_str (*protocol)(const weft_filter *filter);

    size_t user_bytes; /* zeroed memory for the owner, see weft_filter_get_user */
} weft_filter_class;

/* Puts a filter into an open stream that has none and has nothing unsent (-EBUSY).  It goes with
 * the stream.  0, -ENOMEM, -EBADF, the stream's failure. */
WEFT_API WEFT_MUST_USE int weft_filter_open(weft_filter **out, weft_stream *stream,
                                            const weft_filter_class *filter_class);

/* The stream's filter, if it is of this class; else NULL. */
WEFT_API weft_filter *weft_filter_of(const weft_stream *stream,
                                     const weft_filter_class *filter_class);

/* The owner's memory, and the stream it filters. */
WEFT_API void *weft_filter_get_user(const weft_filter *filter);
WEFT_API weft_stream *weft_filter_get_stream(const weft_filter *filter);

/* Bytes for the user, borrowed for the time of the call.  False: nobody wants more of them. */
WEFT_API bool weft_filter_deliver(weft_filter *filter, const char *bytes, size_t count);

/* No more will be delivered: the user reads to its end. */
WEFT_API void weft_filter_deliver_end(weft_filter *filter);

/* Bytes for the socket, copied; they leave at the end of the turn.  0 or -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_filter_send(weft_filter *filter, const void *bytes, size_t count);

/* What could not be sealed may now be, at the end of the turn; and who waits below is woken. */
WEFT_API void weft_filter_push(weft_filter *filter);

/* Fails the stream. */
WEFT_API void weft_filter_fail(weft_filter *filter, int rc);

/* Waits, as the stream's reader, until the filter is pushed or something else has changed.  0, the
 * stream's failure with its text, -ECANCELED, -EBUSY, -EBADF: then the stream may be gone. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_filter_wait(weft_filter *filter);

WEFT_END_DECLS

#endif
