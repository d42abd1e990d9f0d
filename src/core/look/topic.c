/* SPDX-License-Identifier: MIT */

#include "core/look/topic.h"

#include "base/alloc.h"
#include "core/loops/loops_priv.h"
#include "core/task/sched_priv.h"

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

void wf_topic_tell(const struct wf_topic *topic, struct wf_sched *sched, const char *about,
                   wf_buf *out)
{
    struct wf_topic_job job;
    if (wf_topic_begin(&job, topic, sched, about) < 0)
        return;
    do {
        job.has_more = topic->collect(&job);
        topic->write(&job, out);
    } while (job.has_more);
    wf_topic_end(&job);
}
