/* SPDX-License-Identifier: MIT */

/* A profile, taken. */
#include "match/drift/profile.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "match/error.h"
#include "match/matcher_priv.h"

#include <stdlib.h>
#include <string.h>

/* Sums of one spread. */
struct sums {
    double sum[WF_SPACE_DIM], squares[WF_SPACE_DIM];
};

/* The making. */
struct taking {
    wf_call call;
    weft_m_profile *out;
    const weft_str *texts;
    size_t count;
    const weft_m_results *results;
    struct sums *sums; /* of all, then of each class */
    uint32_t *classes; /* of an entity: its class; WF_NO_CLASS: none */
};

#define WF_NO_CLASS UINT32_MAX

void weft_m_profile_free(weft_m_profile *profile)
{
    if (profile == NULL)
        return;
    wf_arena_fini(&profile->arena);
    wf_free(profile);
}

size_t weft_m_profile_text_count(const weft_m_profile *profile)
{
    return (size_t)profile->all.count;
}

int64_t weft_m_profile_time(const weft_m_profile *profile)
{
    return profile->time;
}

/* ---- classes ---- */

struct frequent {
    uint32_t entity, count;
};

static int by_count(const void *left, const void *right)
{
    const struct frequent *a = left, *b = right;
    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return (a->entity > b->entity) - (a->entity < b->entity);
}

/* The entity that a text means. */
static bool entity_of(const struct taking *it, size_t text, uint32_t *out)
{
    size_t count;
    const weft_m_hit *hits = weft_m_results_hits(it->results, text, &count);
    if (count == 0)
        return false;
    *out = hits[0].entity;
    return true;
}

static int name_classes(struct taking *it, const struct frequent *frequent, size_t count)
{
    weft_m_profile *out = it->out;
    out->classes = wf_arena_array(&out->arena, count, sizeof(*out->classes));
    if (out->classes == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        const weft_m_entity *entity = weft_m_results_entity(it->results, frequent[i].entity);
        out->classes[i] = (wf_spread){.count = frequent[i].count};
        if (!wf_arena_copy(&out->arena, entity->id, &out->classes[i].id))
            return -ENOMEM;
        it->classes[frequent[i].entity] = (uint32_t)i;
    }
    out->class_count = count;
    return 0;
}

static int choose_classes(struct taking *it, size_t entity_count)
{
    struct frequent *frequent = wf_array(entity_count, sizeof(*frequent));
    size_t kept = 0;
    uint32_t entity;
    it->classes = wf_array(entity_count, sizeof(*it->classes));
    if (frequent == NULL || it->classes == NULL) {
        wf_free(frequent);
        return -ENOMEM;
    }
    for (uint32_t e = 0; e < entity_count; e++) {
        frequent[e].entity = e;
        it->classes[e] = WF_NO_CLASS;
    }
    for (size_t i = 0; i < it->count; i++) {
        if (entity_of(it, i, &entity))
            frequent[entity].count++;
    }
    qsort(frequent, entity_count, sizeof(*frequent), by_count);
    while (kept < entity_count && kept < WF_PROFILE_CLASSES_MAX &&
           frequent[kept].count >= WF_PROFILE_CLASS_MIN)
        kept++;
    int rc = name_classes(it, frequent, kept);
    wf_free(frequent);
    return rc;
}

/* ---- points ---- */

static void add(struct sums *sums, const float vector[WF_SPACE_DIM])
{
    for (size_t k = 0; k < WF_SPACE_DIM; k++) {
        sums->sum[k] += (double)vector[k];
        sums->squares[k] += (double)vector[k] * (double)vector[k];
    }
}

static int add_all(struct taking *it, const wf_space *space, wf_seeker *seeker, const wf_job *job)
{
    float vector[WF_SPACE_DIM] = {0};
    uint32_t entity;
    int rc = 0;
    for (size_t i = 0; i < it->count && rc == 0; i++) {
        rc = wf_job_poll(job);
        if (rc == 0)
            rc = wf_space_place(space, seeker, it->texts[i], vector);
        if (rc < 0)
            break;
        add(&it->sums[0], vector);
        if (entity_of(it, i, &entity) && it->classes[entity] != WF_NO_CLASS)
            add(&it->sums[1 + it->classes[entity]], vector);
    }
    return rc;
}

static void end_spread(wf_spread *spread, const struct sums *sums)
{
    double count = (double)spread->count;
    for (size_t k = 0; k < WF_SPACE_DIM; k++) {
        double mean = sums->sum[k] / count;
        double variance = (sums->squares[k] - count * mean * mean) / (count - 1);
        spread->mean[k] = (float)mean;
        spread->variance[k] = variance > 0 ? (float)variance : 0;
    }
}

static int take_here(void *arg)
{
    struct taking *it = arg;
    wf_seekers *seekers = &it->call.matcher->seekers;
    wf_job job = wf_call_job(&it->call);
    wf_seeker *seeker = wf_seekers_take(seekers);
    wf_space space = {0};
    it->sums = wf_array(it->out->class_count + 1, sizeof(*it->sums));
    int rc = seeker != NULL && it->sums != NULL ? wf_space_init(&space) : -ENOMEM;
    if (rc == 0) {
        wf_space_weigh(&space); /* of no texts: all features are as rare */
        rc = add_all(it, &space, seeker, &job);
    }
    if (rc == 0)
        end_spread(&it->out->all, &it->sums[0]);
    for (size_t i = 0; i < it->out->class_count && rc == 0; i++)
        end_spread(&it->out->classes[i], &it->sums[i + 1]);
    wf_space_fini(&space);
    wf_seekers_give(seekers, seeker);
    return rc;
}

/* ---- the call ---- */

static int take(struct taking *it, weft_matcher *matcher, weft_m_error *error)
{
    weft_m_info info = {.size = sizeof(info)};
    int rc = weft_m_info_get(matcher, &info);
    if (rc < 0)
        return wf_m_fail_plain(error, rc);
    /* Those of the results' snapshot, should they be fewer by now, are all in it. */
    size_t entity_count = info.entity_count;
    for (size_t i = 0; i < it->count; i++) {
        uint32_t entity;
        if (entity_of(it, i, &entity) && entity >= entity_count)
            entity_count = (size_t)entity + 1;
    }
    rc = wf_call_begin(&it->call, matcher, WEFT_M_OP_NOVELTY, error);
    if (rc < 0)
        return rc;
    rc = choose_classes(it, entity_count);
    if (rc == 0)
        rc = wf_work_run(take_here, it);
    wf_free(it->sums);
    wf_free(it->classes);
    return wf_call_end(&it->call, rc < 0 ? wf_m_fail_plain(error, rc) : 0);
}

int weft_m_profile_take(weft_m_profile **out, weft_matcher *matcher, const weft_str *texts,
                        size_t text_count, weft_m_error *error)
{
    struct taking it = {.texts = texts, .count = text_count};
    weft_m_results *results = NULL;
    if (text_count < WF_PROFILE_TEXTS_MIN) {
        wf_m_fail(error, -WEFT_M_EVALID, "a profile needs %u texts or more", WF_PROFILE_TEXTS_MIN);
        wf_m_error_field(error, "texts");
        return -WEFT_M_EVALID;
    }
    weft_m_query query;
    weft_m_query_init(&query);
    query.threshold = 0; /* a text that is like none has its part in the nearest */
    int rc = weft_m_match(matcher, texts, text_count, &query, &results, error);
    if (rc < 0)
        return rc;
    it.results = results;
    it.out = wf_alloc(sizeof(*it.out));
    if (it.out == NULL) {
        rc = wf_m_fail_plain(error, -ENOMEM);
    } else {
        it.out->time = wf_sys_wall() / WEFT_SEC;
        it.out->all.count = text_count;
        rc = take(&it, matcher, error);
    }
    weft_m_results_free(results);
    if (rc < 0)
        weft_m_profile_free(it.out);
    else
        *out = it.out;
    return rc;
}
