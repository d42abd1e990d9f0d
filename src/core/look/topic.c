/* SPDX-License-Identifier: MIT */

#include "core/look/topic.h"

#include <weft/event.h>
#include <weft/scope.h>

#include "base/alloc.h"
#include "base/list.h"
#include "core/loops/loops_priv.h"
#include "core/task/sched_priv.h"

#include <assert.h>
#include <string.h>

static const struct wf_topic *const topics[] = {
    &wf_topic_dot,   &wf_topic_graph, &wf_topic_ps,  &wf_topic_ps_json,
    &wf_topic_stack, &wf_topic_stats, &wf_topic_top,
};

const struct wf_topic *wf_topic_named(weft_str word)
{
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++) {
        if (strlen(topics[i]->word) == word.len && memcmp(topics[i]->word, word.ptr, word.len) == 0)
            return topics[i];
    }
    return NULL;
}

int wf_topic_begin(struct wf_topic_job *job, const struct wf_topic *topic, struct wf_sched *sched,
                   const char *about)
{
    void *data = wf_alloc(topic->data_bytes);
    if (data == NULL)
        return -ENOMEM;
    *job = (struct wf_topic_job){.sched = sched, .topic = topic, .about = about, .data = data};
    if (topic->begin != NULL)
        job->samples = topic->begin(job);
    return 0;
}

void wf_topic_end(struct wf_topic_job *job)
{
    if (job->data == NULL)
        return;
    if (job->topic->fini != NULL)
        job->topic->fini(job);
    wf_free(job->data);
    job->data = NULL;
}

void wf_topic_put_loop(const struct wf_sched *sched, wf_buf *out)
{
    wf_buf_puts(out, "loop");
    if (sched->loops->count > 1)
        wf_buf_printf(out, " %u of %u", (unsigned)sched->index, (unsigned)sched->loops->count);
    wf_buf_printf(out, " on %s", sched->loop->backend->name);
}

struct topic_tell {
    struct wf_topic_job job;
    weft_event told;
};

static void topic_told(struct wf_topic_job *job)
{
    weft_event_set(&wf_container(job, struct topic_tell, job)->told);
}

static void topic_ask(struct topic_tell *tell)
{
    WEFT_SCOPE_(asking, WEFT_FOREVER, WEFT_SCOPE_SHIELD | WEFT_SCOPE_ENDLESS);
    tell->job.told = topic_told;
    tell->job.topic->ask(&tell->job);
    int rc = weft_event_wait(&tell->told);
    assert(rc == 0); /* `tell` is theirs until then */
}

void wf_topic_tell(const struct wf_topic *topic, struct wf_sched *sched, const char *about,
                   wf_buf *out)
{
    struct topic_tell tell = {0};
    if (wf_topic_begin(&tell.job, topic, sched, about) < 0)
        return;
    do {
        if (topic->ask != NULL)
            topic_ask(&tell);
        else
            tell.job.has_more = topic->collect(&tell.job);
        topic->write(&tell.job, out);
    } while (tell.job.has_more);
    wf_topic_end(&tell.job);
}
