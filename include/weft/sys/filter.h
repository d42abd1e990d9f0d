/* SPDX-License-Identifier: MIT */

/*
 * Filters: a filter stands between a stream's user and its socket, and turns the bytes of the one
 * into those of the other, both ways.  TLS is one (<weft/tls.h>).  Those who use the stream, from
 * tasks or callbacks, need not know of it.
 *
 * The functions of a filter's class are called on the loop's own stack, never from inside a call on
 * the stream, and must not wait.  The one exception is `seal`, which a task that writes much calls
 * itself.
 *
 * Library: weft-net.
 */
#ifndef WEFT_SYS_FILTER_H
#define WEFT_SYS_FILTER_H

#include <weft/sys/stream.h>

WEFT_BEGIN_DECLS

typedef struct weft_filter weft_filter;

/* If any of them returns a negative code the stream fails with it, after an attempt to send what
 * weft_filter_send() was given. */
typedef struct weft_filter_class {
    /* The filter is in place.  What was unread on the stream is passed to `received` next. */
    int (*start)(weft_filter *filter);

    /* Bytes from the socket; it must take them all.  What it makes of them goes to
     * weft_filter_deliver(). */
    int (*received)(weft_filter *filter, const char *bytes, size_t count);

    /* The peer has closed its side of the socket.  Return 0 if that was announced, an error if not.
     */
    int (*ended)(weft_filter *filter);

    /* Bytes of the user to be sent; what it makes of them goes to weft_filter_send().  Returns how
     * many it took: all, or fewer, and then weft_filter_push() says when to call it again. */
    ssize_t (*seal)(weft_filter *filter, const char *bytes, size_t count);

    /* The user sends no more and everything was sealed: send what announces the end. */
    int (*finish)(weft_filter *filter);

    /* The stream has failed, or is being released: stop timers.  May be NULL. */
    void (*stop)(weft_filter *filter);

    /* The record is about to be freed: free what it holds.  May be NULL. */
    void (*free)(weft_filter *filter);

    /* The failure in words, or "".  May be NULL. */
    const char *(*text)(const weft_filter *filter);

    /* What the peers agreed to speak above it, such as "h2" by ALPN; empty: nothing.  May be NULL.
     */
    weft_str (*protocol)(const weft_filter *filter);

    size_t user_bytes; /* zeroed memory for the owner, see weft_filter_get_user */
} weft_filter_class;

/* Puts a filter on an open stream; -EBUSY if that has one, or unsent bytes.  The filter is freed
 * with the stream.  0, -ENOMEM, -EBADF, the stream's failure. */
WEFT_API WEFT_MUST_USE int weft_filter_open(weft_filter **out, weft_stream *stream,
                                            const weft_filter_class *filter_class);

/* The stream's filter, if it is of this class; else NULL. */
WEFT_API weft_filter *weft_filter_of(const weft_stream *stream,
                                     const weft_filter_class *filter_class);

/* The owner's memory, and the stream it filters. */
WEFT_API void *weft_filter_get_user(const weft_filter *filter);
WEFT_API weft_stream *weft_filter_get_stream(const weft_filter *filter);

/* Gives bytes to the user, borrowed for the time of the call.  False: nobody wants more of them. */
WEFT_API bool weft_filter_deliver(weft_filter *filter, const char *bytes, size_t count);

/* Nothing more will be delivered: the user reads what is left and then the end. */
WEFT_API void weft_filter_deliver_end(weft_filter *filter);

/* Gives bytes to the socket: copies them, to be sent at the end of the turn.  0 or -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_filter_send(weft_filter *filter, const void *bytes, size_t count);

/* Calls `seal` again at the end of the turn, for what it did not take before, and wakes the task in
 * weft_filter_wait(). */
WEFT_API void weft_filter_push(weft_filter *filter);

/* Fails the stream with `rc`. */
WEFT_API void weft_filter_fail(weft_filter *filter, int rc);

/* Waits, as the stream's reader, until the filter is pushed or something else has changed.  0, the
 * stream's failure with its text, -ECANCELED, -EBUSY, -EBADF: then the stream may be gone. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_filter_wait(weft_filter *filter);

WEFT_END_DECLS

#endif
