/* SPDX-License-Identifier: MIT */

/* A profile, taken. */
#include "match/drift/profile.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "match/check.h"
#include "match/error.h"
#include "match/matcher_priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sums of some points, and of the products of their numbers. */
struct sums {
    double sum[WF_SPACE_DIM], products[WF_SPREAD_NUMBERS];
};

/* The making. */
struct taking {
    wf_call call;
    weft_m_profile *out;
    const weft_str *texts;
    size_t count;
    const weft_m_results *results;
    uint32_t *classes;      /* of an entity: its class; NO_CLASS: none */
    uint32_t *order;        /* the texts, class by class, then those of none */
    struct sums *all, *one; /* of all texts; of the class at hand */
};

#define NO_CLASS UINT32_MAX

void weft_m_profile_free(weft_m_profile *profile)
{
    if (profile == NULL)
        return;
    wf_arena_fini(&profile->arena);
    wf_free(profile);
}

double wf_spread_trace(const wf_spread *spread)
{
    double sum = 0;
    for (size_t r = 0; r < WF_SPACE_DIM; r++)
        sum += (double)spread->covariance[r * (r + 3) / 2];
    return sum;
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
        out->classes[i] =
            (wf_spread){.id_is_integer = entity->id_is_integer, .count = frequent[i].count};
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
        it->classes[e] = NO_CLASS;
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

/* The class of a text's entity, or how many classes there are. */
static size_t class_of(const struct taking *it, size_t text)
{
    uint32_t entity;
    bool has_class = entity_of(it, text, &entity) && it->classes[entity] != NO_CLASS;
    return has_class ? it->classes[entity] : it->out->class_count;
}

/* So that sums are kept of one class at a time: those of all would be a quarter megabyte each. */
static int order_texts(struct taking *it)
{
    size_t starts[WF_PROFILE_CLASSES_MAX + 1] = {0};
    it->order = wf_array(it->count, sizeof(*it->order));
    if (it->order == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < it->out->class_count; i++)
        starts[i + 1] = starts[i] + it->out->classes[i].count;
    for (size_t i = 0; i < it->count; i++)
        it->order[starts[class_of(it, i)]++] = (uint32_t)i;
    return 0;
}

/* ---- points ---- */

static void add(struct sums *sums, const float vector[WF_SPACE_DIM])
{
    double *product = sums->products;
    for (size_t r = 0; r < WF_SPACE_DIM; r++) {
        double number = (double)vector[r];
        sums->sum[r] += number;
        for (size_t c = 0; c <= r; c++)
            *product++ += number * (double)vector[c];
    }
}

static void add_sums(struct sums *to, const struct sums *from)
{
    for (size_t k = 0; k < WF_SPACE_DIM; k++)
        to->sum[k] += from->sum[k];
    for (size_t k = 0; k < WF_SPREAD_NUMBERS; k++)
        to->products[k] += from->products[k];
}

/* The texts order[from, from + count), into it->one. */
static int add_texts(struct taking *it, const wf_space *space, wf_seeker *seeker, const wf_job *job,
                     size_t from, size_t count)
{
    float vector[WF_SPACE_DIM] = {0};
    memset(it->one, 0, sizeof(*it->one));
    for (size_t i = from; i < from + count; i++) {
        int rc = wf_job_poll(job);
        if (rc == 0)
            rc = wf_space_place(space, seeker, it->texts[it->order[i]], vector);
        if (rc < 0)
            return rc;
        add(it->one, vector);
    }
    add_sums(it->all, it->one);
    return 0;
}

static int end_spread(weft_m_profile *profile, wf_spread *spread, const struct sums *sums)
{
    double count = (double)spread->count;
    spread->covariance =
        wf_arena_array(&profile->arena, WF_SPREAD_NUMBERS, sizeof(*spread->covariance));
    if (spread->covariance == NULL)
        return -ENOMEM;
    for (size_t r = 0, at = 0; r < WF_SPACE_DIM; r++) {
        double mean = sums->sum[r] / count;
        spread->mean[r] = (float)mean;
        for (size_t c = 0; c <= r; c++, at++)
            spread->covariance[at] =
                (float)((sums->products[at] - mean * sums->sum[c]) / (count - 1));
        spread->covariance[at - 1] = fmaxf(spread->covariance[at - 1], 0); /* a variance */
    }
    return 0;
}

static int take_all(struct taking *it, const wf_space *space, wf_seeker *seeker, const wf_job *job)
{
    weft_m_profile *out = it->out;
    size_t done = 0;
    int rc = 0;
    for (size_t i = 0; i < out->class_count && rc == 0; i++) {
        rc = add_texts(it, space, seeker, job, done, out->classes[i].count);
        if (rc == 0)
            rc = end_spread(out, &out->classes[i], it->one);
        done += out->classes[i].count;
    }
    if (rc == 0)
        rc = add_texts(it, space, seeker, job, done, it->count - done);
    return rc == 0 ? end_spread(out, &out->all, it->all) : rc;
}

static int take_here(void *arg)
{
    struct taking *it = arg;
    wf_seekers *seekers = &it->call.matcher->seekers;
    wf_job job = wf_call_job(&it->call);
    wf_seeker *seeker = wf_seekers_take(seekers);
    wf_space space = {0};
    it->all = wf_alloc(sizeof(*it->all));
    it->one = wf_alloc(sizeof(*it->one));
    bool has_all = seeker != NULL && it->all != NULL && it->one != NULL;
    int rc = has_all ? wf_space_init(&space) : -ENOMEM;
    if (rc == 0) {
        wf_space_weigh(&space); /* of no texts: all features are as rare */
        rc = take_all(it, &space, seeker, &job);
    }
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
        rc = order_texts(it);
    if (rc == 0)
        rc = wf_work_run(take_here, it);
    wf_free(it->all);
    wf_free(it->one);
    wf_free(it->order);
    wf_free(it->classes);
    return wf_call_end(&it->call, rc < 0 ? wf_m_fail_plain(error, rc) : 0);
}

/* The nearest entity of each, of one snapshot.  They are more than a call may ask: no caller sees
 * the answers. */
static int match_all(weft_matcher *matcher, const weft_str *texts, size_t text_count,
                     weft_m_results **out, weft_m_error *error)
{
    weft_m_query query;
    wf_call call;
    wf_request request;
    weft_m_query_init(&query);
    query.threshold = 0; /* a text that is like none has its part in the nearest */
    int rc = wf_call_begin(&call, matcher, WEFT_M_OP_MATCH, error);
    if (rc < 0)
        return rc;
    rc = wf_check_each_query(texts, text_count, &matcher->options, error);
    if (rc == 0) {
        rc = wf_request_open(&request, &call, texts, text_count, &query);
        if (rc == 0)
            rc = wf_request_run(&request, &(wf_slices){.size = text_count, .together = 1});
        rc = wf_request_close(&request, rc, out);
    }
    return wf_call_end(&call, rc);
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
    int rc = match_all(matcher, texts, text_count, &results, error);
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
