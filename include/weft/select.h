/* SPDX-License-Identifier: MIT */

/*
 * Select: waits for several things and does exactly one of them.
 *
 *     int got;
 *     switch (weft_select(WEFT_CASE_RECV(jobs, &job, &got),
 *                         WEFT_CASE_EVENT(&stop),
 *                         WEFT_CASE_DEADLINE(weft_after(5 * WEFT_SEC)))) {
 *     case 0: ...                // got is 1 and job is filled, or got is 0: closed and drained
 *     case 1: ...                // stop is set
 *     case 2: ...                // five seconds passed
 *     default: ...               // -ECANCELED, or another error: nothing has happened
 *     }
 *
 * If several cases are possible at once, a channel goes first whose other side has waited longest.
 * Where nobody waits, a call takes the case with the lowest index the first time it is made, and
 * then each in turn, so that no case starves.
 */
#ifndef WEFT_SELECT_H
#define WEFT_SELECT_H

#include <weft/base.h>
#include <weft/chan.h>
#include <weft/event.h>
#include <weft/sys/loop.h>
#include <weft/sys/park.h>
#include <weft/task.h>

WEFT_BEGIN_DECLS

enum weft_case_kind {
    WEFT_CASE_KIND_SEND,
    WEFT_CASE_KIND_RECV,
    WEFT_CASE_KIND_DONE,
    WEFT_CASE_KIND_EVENT,
    WEFT_CASE_KIND_READY,
    WEFT_CASE_KIND_DEADLINE,
    WEFT_CASE_KIND_NONE,
};

/* Make one with a macro below.  An array of them is good for any number of calls, one at a time. */
typedef struct weft_case {
    int kind;      /* enum weft_case_kind */
    int events;    /* READY: POLLIN, POLLOUT … */
    int *out_rc;   /* where the outcome goes if this case happens; NULL: nobody asks */
    void *object;  /* the channel or event */
    void *item;    /* of the channel */
    int64_t value; /* DONE: the task's id; READY: the descriptor; DEADLINE: the time */

    weft_chan_waiter priv_wait;
    struct wf_select *priv_select; /* the call this case waits in */
    weft_op *priv_op;              /* READY: the operation in flight, or NULL */
} weft_case;

#ifndef __cplusplus
#define WEFT_CASE_(kind_, events_, out_rc_, object_, item_, value_)                                \
    {                                                                                              \
        .kind = (kind_), .events = (events_), .out_rc = (out_rc_), .object = (object_),            \
        .item = (item_), .value = (value_)                                                         \
    }
#else /* where initialisers in braces cannot name fields */
#define WEFT_CASE_(...) weft_case_make_(__VA_ARGS__)
static inline weft_case weft_case_make_(int kind, int events, int *out_rc, void *object, void *item,
                                        int64_t value)
{
    weft_case made = weft_case();
    made.kind = kind;
    made.events = events;
    made.out_rc = out_rc;
    made.object = object;
    made.item = item;
    made.value = value;
    return made;
}
#endif

/* Sends *item.  *out_rc: 0, or -EPIPE if the channel is closed. */
#define WEFT_CASE_SEND(chan, item_, out_rc_)                                                       \
    WEFT_CASE_(WEFT_CASE_KIND_SEND, 0, (out_rc_), (chan), (void *)(item_), 0)

/* Receives into *out_item.  *out_rc: 1, or 0 if the channel is closed and nothing is left. */
#define WEFT_CASE_RECV(chan, out_item, out_rc_)                                                    \
    WEFT_CASE_(WEFT_CASE_KIND_RECV, 0, (out_rc_), (chan), (out_item), 0)

/* A task is done.  *out_rc: what weft_await() would return; its text comes along as there.  A
 * failure of a task whose case does not happen is still to be received. */
#define WEFT_CASE_DONE(task, out_rc_)                                                              \
    WEFT_CASE_(WEFT_CASE_KIND_DONE, 0, (out_rc_), NULL, NULL, (int64_t)(task).id)

/* An event is set. */
#define WEFT_CASE_EVENT(event) WEFT_CASE_(WEFT_CASE_KIND_EVENT, 0, NULL, (event), NULL, 0)

/* A descriptor is ready for `events_` (POLLIN, POLLOUT).  *out_rc: the events that are there, or
 * -errno if it cannot be waited for. */
#define WEFT_CASE_READY(fd, events_, out_rc_)                                                      \
    WEFT_CASE_(WEFT_CASE_KIND_READY, (events_), (out_rc_), NULL, NULL, (fd))

/* A point in time has come. */
#define WEFT_CASE_DEADLINE(time) WEFT_CASE_(WEFT_CASE_KIND_DEADLINE, 0, NULL, NULL, NULL, (time))

/* Taken if no other case is possible now, so that the call does not wait (the `default` of other
 * languages).  With a WEFT_CASE_READY among the others it waits for one turn of the loop, which
 * looks at the descriptor. */
#define WEFT_NONE_READY WEFT_CASE_(WEFT_CASE_KIND_NONE, 0, NULL, NULL, NULL, 0)

/* Which case is next in turn, kept for each call of weft_select() in the source. */
typedef struct weft_select_site {
    uint32_t priv_run; /* the loop in which the rest counts */
    bool priv_was_passed_over;
    size_t priv_turn;
} weft_select_site;

/* Waits until one of the cases happens and returns its index; no other has happened then.
 * -ECANCELED: none has.  -EINVAL: there are no cases.  Errors of the case itself are in its out_rc.
 */
#ifndef __cplusplus
#define weft_select(...)                                                                           \
    weft_select_n(((weft_case[]){__VA_ARGS__}),                                                    \
                  sizeof((weft_case[]){__VA_ARGS__}) / sizeof(weft_case))
#else
#define weft_select(...)                                                                           \
    __extension__({                                                                                \
        weft_case weft_cases_[] = {__VA_ARGS__};                                                   \
        weft_select_n(weft_cases_, sizeof weft_cases_ / sizeof *weft_cases_);                      \
    })
#endif
#define weft_select_n(cases, count)                                                                \
    __extension__({                                                                                \
        static __thread weft_select_site weft_site_;                                               \
        weft_select_at((cases), (count), &weft_site_);                                             \
    })

/* weft_select_n() for wrappers of your own: `site` is zeroed static data, one for each place that
 * calls the wrapper; with NULL the lowest index always goes first. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_select_at(weft_case cases[], size_t count,
                                                     weft_select_site *site);

WEFT_END_DECLS

#endif
