/* SPDX-License-Identifier: MIT */

#include "core/look/inspect.h"

#include "base/sys.h"

void wf_inspect_init(struct wf_inspect *inspect, struct wf_sched *sched, struct wf_peek *peek,
                     int wake_fd)
{
    inspect->peek = peek;
    for (int i = 0; i < WF_INSPECT_TALKS; i++) {
        inspect->talks[i].sched = sched;
        inspect->talks[i].peek = peek;
        inspect->talks[i].wake_fd = wake_fd;
    }
}

/* True if this question was answered already: it is repeated until all loops have answered, and its
 * signals may come late. */
static bool inspect_has_heard(const struct wf_inspect *inspect, const struct wf_peek_asker *asker)
{
    for (int i = 0; i < WF_INSPECT_HEARD; i++) {
        const struct wf_peek_asker *heard = &inspect->heard[i];
        if (heard->pid == asker->pid && heard->number == asker->number && asker->has_question)
            return true;
    }
    return false;
}

/* Takes the next question that is not answered yet. */
static bool inspect_take(const struct wf_inspect *inspect, struct wf_peek_asker *out)
{
    bool is_there;
    do
        is_there = wf_peek_take_asker(inspect->peek, out);
    while (is_there && inspect_has_heard(inspect, out));
    return is_there;
}

static void inspect_begin(struct wf_inspect *inspect, struct wf_talk *talk,
                          const struct wf_peek_asker *asker, weft_time now)
{
    if (wf_talk_begin(talk, asker, now) == 0 && asker->has_question)
        inspect->heard[inspect->heard_count++ % WF_INSPECT_HEARD] = *asker;
}

void wf_inspect_fini(struct wf_inspect *inspect)
{
    struct wf_peek_asker asker;
    while (inspect->peek != NULL && inspect_take(inspect, &asker))
        wf_talk_decline(&asker);
    for (int i = 0; i < WF_INSPECT_TALKS; i++)
        wf_talk_fini(&inspect->talks[i]);
}

void wf_inspect_poll(const struct wf_inspect *inspect, struct pollfd out[WF_INSPECT_TALKS])
{
    for (int i = 0; i < WF_INSPECT_TALKS; i++) {
        const struct wf_talk *talk = &inspect->talks[i];
        bool is_open = talk->state != WF_TALK_NONE && talk->state != WF_TALK_ENDING;
        out[i] = (struct pollfd){.fd = is_open ? talk->fd : -1, .events = wf_talk_events(talk)};
    }
}

weft_time wf_inspect_next(const struct wf_inspect *inspect)
{
    weft_time next = WEFT_FOREVER;
    bool has_room = false;
    for (int i = 0; i < WF_INSPECT_TALKS; i++) {
        weft_time at = wf_talk_next(&inspect->talks[i]);
        next = at < next ? at : next;
        has_room |= inspect->talks[i].state == WF_TALK_NONE;
    }
    return has_room && wf_peek_is_asked(inspect->peek) ? 0 : next;
}

void wf_inspect_work(struct wf_inspect *inspect, const struct pollfd polled[WF_INSPECT_TALKS])
{
    weft_time now = wf_sys_now();
    for (int i = 0; i < WF_INSPECT_TALKS; i++) {
        struct wf_talk *talk = &inspect->talks[i];
        wf_talk_work(talk, polled[i].revents, now);
        struct wf_peek_asker asker;
        if (talk->state == WF_TALK_NONE && inspect_take(inspect, &asker))
            inspect_begin(inspect, talk, &asker, now);
    }
}
