/* SPDX-License-Identifier: MIT */

#include "core/look/watcher.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "core/backend/eventfd.h"
#include "core/look/hog.h"
#include "core/look/inspect.h"
#include "core/look/peek.h"
#include "core/look/trace.h"
#include "core/loop/posts.h"
#include "core/task/sched_priv.h"

#include <poll.h>
#include <stdatomic.h>

#define WATCHER_STACK_BYTES ((size_t)128 << 10)
#define WATCHER_LOOKS 4 /* looks a limit */

struct wf_watcher {
    struct wf_sched *sched;
    weft_thread thread;
    int wake_fd; /* says that this has changed, or the loop is over, or somebody asks */
    _Atomic bool is_parked;
    uint64_t turn; /* the loop's, as last seen, ... */
    weft_time turn_since;
    struct wf_peek *peek;
    struct wf_hog hog;
    struct wf_inspect inspect;
};

/* ---- the thread ---- */

static weft_time watcher_tick(const struct wf_watcher *watcher)
{
    return watcher->hog.limit / WATCHER_LOOKS;
}

/* True: the loop is idle and has been so since a look ago; it says when it is not.  A loop that
 * only waits for the next bytes must not be made to say so each time: that is a call and a switch
 * of threads for each of its turns. */
static bool watcher_park(struct wf_watcher *watcher, weft_time now)
{
    const weft_loop *loop = watcher->sched->loop;
    uint64_t turn = atomic_load_explicit(&loop->turn_count, memory_order_relaxed);
    if (watcher->turn != turn) {
        watcher->turn = turn;
        watcher->turn_since = now;
    }
    if (watcher->hog.limit != WEFT_FOREVER &&
        (now - watcher->turn_since < watcher_tick(watcher) || !wf_posts_is_asleep(loop)))
        return false;
    atomic_store_explicit(&watcher->is_parked, true, memory_order_seq_cst);
    if (watcher->hog.limit == WEFT_FOREVER || wf_posts_is_asleep(loop))
        return true;
    atomic_store_explicit(&watcher->is_parked, false, memory_order_relaxed);
    return false;
}

/* Until the next look, or there is something to do for who asks; that is in `polled`. */
static void watcher_wait(struct wf_watcher *watcher, struct pollfd polled[1 + WF_INSPECT_TALKS])
{
    weft_time now = wf_sys_now(), next = wf_inspect_next(&watcher->inspect);
    bool is_parked = watcher_park(watcher, now);
    weft_time tick = is_parked ? WEFT_FOREVER : watcher_tick(watcher);
    if (next != WEFT_FOREVER && next - now < tick)
        tick = next > now ? next - now : 0;
    struct timespec until = {.tv_sec = tick / WEFT_SEC, .tv_nsec = tick % WEFT_SEC};
    polled[0] = (struct pollfd){.fd = watcher->wake_fd, .events = POLLIN};
    wf_inspect_poll(&watcher->inspect, polled + 1);
    int count = ppoll(polled, 1 + WF_INSPECT_TALKS, tick == WEFT_FOREVER ? NULL : &until, NULL);
    for (int i = 0; count < 0 && i <= WF_INSPECT_TALKS; i++)
        polled[i].revents = 0;
    if (polled[0].revents != 0)
        wf_eventfd_drain(watcher->wake_fd);
    if (is_parked) {
        watcher->turn_since = wf_sys_now();
        wf_hog_restart(&watcher->hog);
    }
}

static void watcher_main(void *arg)
{
    struct wf_watcher *watcher = arg;
    struct pollfd polled[1 + WF_INSPECT_TALKS];
    wf_trace_prepare();
    while (!atomic_load_explicit(&watcher->hog.is_over, memory_order_acquire)) {
        watcher_wait(watcher, polled);
        if (watcher->hog.limit != WEFT_FOREVER)
            wf_hog_watch(&watcher->hog);
        wf_inspect_work(&watcher->inspect, polled + 1);
    }
}

/* ---- the loop's side ---- */

bool wf_watcher_is_parked(const struct wf_watcher *watcher)
{
    return atomic_load_explicit(&watcher->is_parked, memory_order_seq_cst);
}

void wf_watcher_awake(struct wf_watcher *watcher)
{
    if (watcher->hog.limit == WEFT_FOREVER || !wf_watcher_is_parked(watcher))
        return;
    atomic_store_explicit(&watcher->is_parked, false, memory_order_relaxed);
    wf_eventfd_signal(watcher->wake_fd);
}

uint64_t wf_watcher_hogs(const struct wf_watcher *watcher)
{
    return atomic_load_explicit(&watcher->hog.count, memory_order_relaxed);
}

static void watcher_free(struct wf_watcher *watcher)
{
    if (watcher->peek != NULL)
        wf_peek_retire(watcher->peek);
    wf_inspect_fini(&watcher->inspect);
    wf_peek_free(watcher->peek);
    if (watcher->wake_fd >= 0)
        (void)wf_sys_close(watcher->wake_fd);
    wf_free(watcher);
}

static int watcher_start(struct wf_watcher *watcher, weft_time limit)
{
    struct wf_sched *sched = watcher->sched;
    watcher->wake_fd = -1;
    int rc = wf_eventfd_open(&watcher->wake_fd);
    if (rc == 0)
        rc = wf_peek_new(&watcher->peek, sched, watcher->wake_fd);
    if (rc < 0)
        return rc;
    wf_hog_init(&watcher->hog, limit, sched, watcher->peek);
    wf_inspect_init(&watcher->inspect, sched, watcher->peek, watcher->wake_fd);
    return wf_sys_thread_start(&watcher->thread, watcher_main, watcher, WATCHER_STACK_BYTES);
}

void wf_watcher_begin(struct wf_sched *sched)
{
    weft_time limit = sched->config.hog != 0 ? sched->config.hog : WF_HOG_LIMIT_DEFAULT;
    if (sched->loop->platform->advance != NULL)
        return;
    struct wf_watcher *watcher = wf_alloc(sizeof *watcher);
    if (watcher == NULL)
        return;
    watcher->sched = sched;
    if (watcher_start(watcher, limit) < 0) {
        watcher_free(watcher);
        return;
    }
    sched->loop->watcher = watcher;
}

void wf_watcher_end(struct wf_sched *sched)
{
    struct wf_watcher *watcher = sched->loop->watcher;
    if (watcher == NULL)
        return;
    sched->loop->watcher = NULL;
    atomic_store_explicit(&watcher->hog.is_over, true, memory_order_release);
    wf_eventfd_signal(watcher->wake_fd);
    wf_sys_thread_join(watcher->thread);
    watcher_free(watcher);
}
