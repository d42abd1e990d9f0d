/* SPDX-License-Identifier: MIT */

#include "core/look/talk.h"

#include "base/sys.h"
#include "core/backend/eventfd.h"
#include "core/look/peek.h"
#include "core/look/symbol.h"
#include "core/loop/posts.h"
#include "core/task/sched_priv.h"

#include <poll.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

enum { TALK_IDLE, TALK_ASKED, TALK_TOLD };

#define TALK_PATIENCE (30 * WEFT_SEC)      /* with who asks, for all of it */
#define TALK_QUESTION (2 * WEFT_SEC)       /* for the question */
#define TALK_LOOP (1 * WEFT_SEC)           /* for each piece of the loop's answer */
#define TALK_SAMPLE_EVERY (997 * WEFT_US)  /* in step with nobody */
#define TALK_UNSENT_MAX ((size_t)64 << 10) /* with more the loop is not asked to go on */

/* ---- the loop's side ---- */

static void talk_told(struct wf_topic_job *job)
{
    struct wf_talk *talk = wf_container(job, struct wf_talk, job);
    int wake_fd = talk->wake_fd;
    atomic_store_explicit(&talk->asked, TALK_TOLD, memory_order_release);
    wf_eventfd_signal(wake_fd);
}

static void talk_collect(weft_msg *msg)
{
    struct wf_talk *talk = wf_container(msg, struct wf_talk, msg);
    talk->job.told = talk_told;
    if (talk->job.topic->ask != NULL) {
        talk->job.topic->ask(&talk->job);
        return;
    }
    talk->job.has_more = talk->job.topic->collect(&talk->job);
    talk_told(&talk->job);
}

/* The first line of an answer. */
#define TALK_GREETING WF_ASK_GREETING "%d" WF_ASK_TO "%u\n" /* loop_count, number */

/* The answer of a loop that ends: it has nothing to say, but it was counted. */
static void talk_answer_nothing(int fd, int loop_count, uint16_t number)
{
    char text[48];
    int len = snprintf(text, sizeof text, TALK_GREETING WF_ASK_END "\n", loop_count, number);
    (void)wf_sys_send(fd, text, (size_t)len, 0);
}

void wf_talk_fini(struct wf_talk *talk)
{
    if (talk->state == WF_TALK_READS)
        talk_answer_nothing(talk->fd, talk->loop_count, talk->number);
    while (atomic_load_explicit(&talk->asked, memory_order_acquire) == TALK_ASKED)
        (void)wf_posts_run(talk->sched->loop);
    if (talk->state != WF_TALK_NONE && talk->fd >= 0)
        (void)wf_sys_close(talk->fd);
    wf_topic_end(&talk->job);
    wf_buf_fini(&talk->out);
}

/* ---- the beginning and the end ---- */

/* A socket connected to who asks, if that is our user or root; or -errno. */
static int talk_connect(int pid)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int len = snprintf(addr.sun_path + 1, sizeof addr.sun_path - 1, WF_ASK_NAME, pid);
    socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
    struct ucred peer;
    socklen_t peer_bytes = sizeof peer;
    int fd = wf_sys_socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0)
        return fd;
    int rc = wf_sys_connect(fd, (const struct sockaddr *)&addr, bytes);
    if (rc == 0)
        rc = wf_sys_getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_bytes);
    if (rc == 0 && peer.uid != 0 && peer.uid != geteuid())
        rc = -EPERM;
    if (rc == 0)
        return fd;
    (void)wf_sys_close(fd);
    return rc;
}

void wf_talk_decline(const struct wf_peek_asker *asker)
{
    int fd = talk_connect(asker->pid);
    if (fd >= 0 && asker->has_question)
        talk_answer_nothing(fd, asker->loop_count, asker->number);
    if (fd >= 0)
        (void)wf_sys_close(fd);
}

static void talk_over(struct wf_talk *talk)
{
    if (talk->fd >= 0)
        (void)wf_sys_close(talk->fd);
    talk->fd = -1;
    wf_buf_fini(&talk->out);
    if (atomic_load_explicit(&talk->asked, memory_order_acquire) == TALK_ASKED) {
        talk->state = WF_TALK_ENDING;
        return;
    }
    atomic_store_explicit(&talk->asked, TALK_IDLE, memory_order_relaxed);
    wf_topic_end(&talk->job);
    talk->state = WF_TALK_NONE;
}

/* ---- asking the loop ---- */

static void talk_ask_loop(struct wf_talk *talk, weft_time now)
{
    talk->state = WF_TALK_WAITS;
    talk->loop_end = now + TALK_LOOP;
    talk->msg.fn = talk_collect;
    atomic_store_explicit(&talk->asked, TALK_ASKED, memory_order_relaxed);
    weft_post_msg(talk->sched->loop, &talk->msg);
}

static void talk_begin_topic(struct wf_talk *talk, const struct wf_topic *topic, const char *about,
                             weft_time now)
{
    if (wf_topic_begin(&talk->job, topic, talk->sched, about) < 0) {
        talk_over(talk);
    } else if (talk->job.samples > 0) {
        talk->state = WF_TALK_SAMPLES;
        talk->sample_next = now;
        talk->sample_end = now + talk->job.samples;
    } else {
        talk_ask_loop(talk, now);
    }
}

static void talk_sample(struct wf_talk *talk, weft_time now)
{
    if (now >= talk->sample_next) {
        talk->job.topic->sample(&talk->job);
        talk->sample_next = now + TALK_SAMPLE_EVERY;
    }
    if (now >= talk->sample_end)
        talk_ask_loop(talk, now);
}

static void talk_end_answer(struct wf_talk *talk)
{
    if (!talk->is_plain)
        wf_buf_puts(&talk->out, WF_ASK_END "\n");
    talk->state = WF_TALK_SENDS;
}

static void talk_write_kept(struct wf_talk *talk, const struct wf_kept *kept)
{
    const struct wf_peek_answer *answer = &kept->answer;
    const char *aside = talk->job.topic->aside != NULL ? talk->job.topic->aside : "";
    struct wf_symbols symbols = {0};
    wf_buf_printf(&talk->out, "%sloop on %s does not answer: task %s keeps it, %s; spawned: %s\n",
                  aside, talk->sched->loop->backend->name, answer->name, kept->place.text,
                  answer->site);
    for (int i = 0; i < answer->frame_count; i++) {
        char text[WF_SYMBOL_TEXT_BYTES];
        wf_symbols_text(&symbols, answer->frames[i], text, sizeof text);
        wf_buf_printf(&talk->out, "%s  at %s\n", aside, text);
    }
    wf_symbols_fini(&symbols);
}

/* What the loop, or else the look from outside, has to say. */
static void talk_describe(struct wf_talk *talk)
{
    struct wf_kept kept;
    wf_peek_find(talk->peek, &kept.place);
    wf_peek_ask(talk->peek, kept.place.where, &kept.answer);
    if (talk->job.topic->write_kept != NULL)
        talk->job.topic->write_kept(talk->sched, &kept, &talk->out);
    else
        talk_write_kept(talk, &kept);
}

/* True if there is more to come and it is time to ask for it. */
static bool talk_hear_loop(struct wf_talk *talk, weft_time now)
{
    int asked = atomic_load_explicit(&talk->asked, memory_order_acquire);
    if (asked == TALK_TOLD) {
        atomic_store_explicit(&talk->asked, TALK_IDLE, memory_order_relaxed);
        talk->job.topic->write(&talk->job, &talk->out);
    } else if (asked == TALK_ASKED && now < talk->loop_end) {
        return false;
    } else if (asked == TALK_ASKED) {
        talk_describe(talk);
    }
    if (asked == TALK_ASKED || !talk->job.has_more) {
        talk_end_answer(talk);
        return false;
    }
    return wf_buf_bytes(&talk->out) < TALK_UNSENT_MAX;
}

/* ---- the question ---- */

static void talk_understand(struct wf_talk *talk, weft_time now)
{
    wf_buf_printf(&talk->out, TALK_GREETING, talk->loop_count, talk->number);
    size_t len = strcspn(talk->question, " ");
    const struct wf_topic *topic = wf_topic_named((weft_str){talk->question, len});
    const char *about = talk->question + len + strspn(talk->question + len, " ");
    if (topic != NULL) {
        talk_begin_topic(talk, topic, about, now);
        return;
    }
    wf_buf_puts(&talk->out, "this version of Weft does not know that question\n");
    talk_end_answer(talk);
}

static void talk_read(struct wf_talk *talk, weft_time now)
{
    size_t room = sizeof talk->question - talk->question_bytes;
    char *to = talk->question + talk->question_bytes;
    ssize_t count = wf_sys_recv(talk->fd, to, room, 0);
    if (count == -EAGAIN || count == -EINTR)
        return;
    char *end = count > 0 ? memchr(to, '\n', (size_t)count) : NULL;
    if (end != NULL) {
        *end = '\0';
        talk_understand(talk, now);
    } else if (count <= 0 || (size_t)count == room) {
        talk_over(talk);
    } else {
        talk->question_bytes += (size_t)count;
    }
}

int wf_talk_begin(struct wf_talk *talk, const struct wf_peek_asker *asker, weft_time now)
{
    talk->fd = talk_connect(asker->pid);
    if (talk->fd < 0)
        return talk->fd;
    talk->is_plain = !asker->has_question;
    talk->loop_count = asker->loop_count;
    talk->number = asker->number;
    talk->question_bytes = 0;
    talk->state = WF_TALK_READS;
    talk->end = now + (talk->is_plain ? TALK_PATIENCE : TALK_QUESTION);
    if (talk->is_plain)
        talk_begin_topic(talk, &wf_topic_ps, "", now);
    return 0;
}

/* ---- going on ---- */

static void talk_send(struct wf_talk *talk)
{
    while (wf_buf_bytes(&talk->out) > 0) {
        ssize_t count = wf_sys_send(talk->fd, wf_buf_ptr(&talk->out), wf_buf_bytes(&talk->out), 0);
        if (count == -EAGAIN || count == -EINTR)
            return;
        if (count <= 0) { /* who asked has gone */
            talk_over(talk);
            return;
        }
        wf_buf_consume(&talk->out, (size_t)count);
    }
    if (talk->state == WF_TALK_SENDS)
        talk_over(talk);
}

short wf_talk_events(const struct wf_talk *talk)
{
    short events = talk->state == WF_TALK_READS ? POLLIN : 0;
    return wf_buf_bytes(&talk->out) > 0 ? (short)(events | POLLOUT) : events;
}

weft_time wf_talk_next(const struct wf_talk *talk)
{
    bool waits = talk->state == WF_TALK_WAITS && talk->loop_end < talk->end;
    if (talk->state == WF_TALK_NONE || talk->state == WF_TALK_ENDING)
        return WEFT_FOREVER;
    if (talk->state == WF_TALK_SAMPLES)
        return talk->sample_next;
    return waits ? talk->loop_end : talk->end;
}

void wf_talk_work(struct wf_talk *talk, int events, weft_time now)
{
    bool is_gone = (events & (POLLHUP | POLLERR)) != 0 && (events & POLLIN) == 0;
    if (talk->state == WF_TALK_ENDING ||
        (talk->state != WF_TALK_NONE && (is_gone || now >= talk->end)))
        talk_over(talk);
    if (talk->state == WF_TALK_READS) {
        talk_read(talk, now);
        if (talk->state != WF_TALK_READS)
            talk->end = now + TALK_PATIENCE;
    }
    if (talk->state == WF_TALK_SAMPLES)
        talk_sample(talk, now);
    if (talk->state == WF_TALK_WAITS && talk_hear_loop(talk, now))
        talk_ask_loop(talk, now);
    if (talk->state > WF_TALK_READS && talk->state < WF_TALK_ENDING)
        talk_send(talk);
    if (talk->out.rc < 0)
        talk_over(talk); /* no memory for the answer */
}
