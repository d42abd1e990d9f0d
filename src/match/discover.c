/* SPDX-License-Identifier: MIT */

/* Discover: what is new, its clusters, their names. */
#include "match/matcher_priv.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/sys.h"
#include "base/utf8.h"
#include "match/check.h"
#include "match/discover/phrases.h"
#include "match/error.h"
#include "match/file/crc.h"
#include "match/json.h"
#include "match/novelty/cluster.h"
#include "match/score/probability.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/discover.h>

#define KEYWORDS_MAX 32
#define CLUSTER_SIZE_LEAST 3

/* The discovery and what its pointers lead to. */
struct discovery {
    weft_m_discovery shown; /* first: this is what the caller holds */
    wf_arena arena;
};

enum clustering { AVERAGE, HDBSCAN, COMPONENTS, LOUVAIN, CLUSTERING_COUNT };

static const char *const clustering_names[CLUSTERING_COUNT] = {"average", "hdbscan", "components",
                                                               "louvain"};

enum stage { NOVELTY, CLUSTER, EVIDENCE };

static const char *const stage_names[] = {"novelty", "cluster", "evidence"};

/* Each text is judged, placed, clustered and named; what it counts is about the time it takes where
 * half of the texts are new. */
enum step { JUDGED, PLACED, CLUSTERED, NAMED, STEP_COUNT };

static const size_t step_begins[STEP_COUNT + 1] = {0, 5, 6, 9, 10};

/* What the caller hears of it, in texts times what their steps count. */
struct course {
    weft_m_progress_fn *progress; /* may be NULL */
    void *progress_arg;
    size_t text_count, judged, said; /* judged: in earlier calls */
};

/* The making; of the novel texts, `count` of them. */
struct making {
    wf_call call;
    struct course course;
    wf_space space;
    wf_seeker *seeker;
    size_t from, to; /* the novel texts at hand */
    struct discovery *out;
    const weft_str *texts;
    uint32_t *places; /* in the caller's texts */
    size_t count, size_min, keyword_max;
    weft_str *folded;
    wf_spot *spots;
    enum clustering clustering;
    wf_average *average; /* as long as it is built */
    wf_clusters clusters;
    weft_m_cluster *named;
};

void weft_m_discover_options_init(weft_m_discover_options *options)
{
    *options = (weft_m_discover_options){.size = sizeof(*options), .keyword_max = 8};
}

void weft_m_discovery_free(weft_m_discovery *discovery)
{
    struct discovery *all = (struct discovery *)discovery;
    if (all == NULL)
        return;
    wf_arena_fini(&all->arena);
    wf_free(all);
}

/* ---- how far it is ---- */

/* `done` of `all` parts of a step are done.  0, or what the caller ends it with. */
static int tell(struct course *course, enum step step, size_t done, size_t all)
{
    size_t each = course->text_count, whole = each * (step_begins[step + 1] - step_begins[step]);
    size_t at = step_begins[step] * each + (all != 0 ? whole * done / all : whole);
    if (course->progress == NULL || at <= course->said)
        return 0;
    course->said = at;
    int rc = course->progress(at, step_begins[STEP_COUNT] * each, course->progress_arg);
    return rc > 0 ? -ECANCELED : rc;
}

static int tell_judged(size_t done, size_t total, void *arg)
{
    struct course *course = arg;
    (void)total; /* of one call */
    return tell(course, JUDGED, course->judged + done, course->text_count);
}

/* ---- texts as points ---- */

/* Beside the loop at a time, well under the time between two looks at a bar. */
#define SLICE_TEXTS 512

static int fold_slice(void *arg)
{
    struct making *it = arg;
    const wf_job job = wf_call_job(&it->call);
    int rc = 0;
    for (size_t i = it->from; i < it->to && rc == 0; i++) {
        rc = wf_job_poll(&job);
        if (rc == 0)
            rc = wf_space_count(&it->space, it->seeker, it->texts[it->places[i]]);
        const wf_buf *folded = &it->seeker->judge.text;
        weft_str text = {wf_buf_ptr(folded), wf_buf_bytes(folded)};
        if (rc == 0 && !wf_arena_copy(&it->out->arena, text, &it->folded[i]))
            rc = -ENOMEM;
    }
    return rc;
}

static int place_slice(void *arg)
{
    struct making *it = arg;
    const wf_job job = wf_call_job(&it->call);
    float vector[WF_SPACE_DIM];
    int rc = 0;
    for (size_t i = it->from; i < it->to && rc == 0; i++) {
        rc = wf_job_poll(&job);
        if (rc == 0)
            rc = wf_space_place(&it->space, it->seeker, it->texts[it->places[i]], vector);
        if (rc == 0)
            wf_spot_of(vector, &it->spots[i]);
    }
    return rc;
}

/* The second `pass` needs what the first has counted. */
static int run_slices(struct making *it, weft_fn *fn, size_t pass)
{
    int rc = 0;
    for (it->from = 0; it->from < it->count && rc == 0; it->from = it->to) {
        size_t left = it->count - it->from;
        it->to = it->from + (left < SLICE_TEXTS ? left : SLICE_TEXTS);
        rc = wf_work_run(fn, it);
        if (rc == 0)
            rc = tell(&it->course, PLACED, pass * it->count + it->to, 2 * it->count);
    }
    return rc;
}

static int place_all(struct making *it)
{
    wf_seekers *seekers = &it->call.matcher->seekers;
    it->seeker = wf_seekers_take(seekers);
    int rc = it->seeker != NULL ? wf_space_init(&it->space) : -ENOMEM;
    if (rc == 0)
        rc = run_slices(it, fold_slice, 0);
    if (rc == 0) {
        wf_space_weigh(&it->space);
        rc = run_slices(it, place_slice, 1);
    }
    if (it->seeker != NULL)
        wf_space_fini(&it->space);
    wf_seekers_give(seekers, it->seeker);
    return rc;
}

/* ---- clusters ---- */

struct member {
    uint32_t index; /* among the new texts */
    float cosine;
    weft_str folded;
    bool is_repeated; /* another one has the same text */
};

static int compare_texts(weft_str a, weft_str b)
{
    size_t bytes = a.len < b.len ? a.len : b.len;
    int order = bytes != 0 ? memcmp(a.ptr, b.ptr, bytes) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Each text once before those that come again: the same text has the same cosine, and the first
 * few, which are shown, would be one. */
static int by_cosine(const void *left, const void *right)
{
    const struct member *a = left, *b = right;
    if (a->is_repeated != b->is_repeated)
        return a->is_repeated ? 1 : -1;
    if (a->cosine != b->cosine)
        return a->cosine > b->cosine ? -1 : 1;
    int order = compare_texts(a->folded, b->folded);
    return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

static void order_members(struct member *members, size_t count)
{
    qsort(members, count, sizeof(*members), by_cosine);
    for (size_t i = 1; i < count; i++)
        members[i].is_repeated = wf_str_equals(members[i - 1].folded, members[i].folded);
    qsort(members, count, sizeof(*members), by_cosine);
}

/* Its texts, the most typical first. */
static int list_members(struct making *it, size_t label, struct member *members)
{
    weft_m_cluster *cluster = &it->named[label];
    wf_spot middle;
    size_t count = 0;
    wf_clusters_middle(&it->clusters, it->spots, (int32_t)label, &middle);
    for (uint32_t i = 0; i < it->count; i++) {
        if (it->clusters.labels[i] == (int32_t)label)
            members[count++] = (struct member){
                .index = i,
                .cosine = wf_spot_cosine(&it->spots[i], &middle),
                .folded = it->folded[i],
            };
    }
    uint32_t *places = wf_arena_array(&it->out->arena, count, sizeof(*places));
    if (places == NULL)
        return -ENOMEM;
    order_members(members, count);
    for (size_t i = 0; i < count; i++) {
        places[i] = it->places[members[i].index];
        cluster->cohesion += (double)members[i].cosine / (double)count;
    }
    cluster->members = places;
    cluster->member_count = count;
    return 0;
}

static int list_noise(struct making *it)
{
    weft_m_discovery *shown = &it->out->shown;
    uint32_t *noise = wf_arena_array(&it->out->arena, it->count, sizeof(*noise));
    if (noise == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < it->count; i++) {
        if (it->clusters.labels[i] < 0)
            noise[shown->noise_count++] = it->places[i];
    }
    shown->noise = noise;
    return 0;
}

static uint32_t first_of(const weft_m_cluster *cluster)
{
    uint32_t first = cluster->members[0];
    for (size_t i = 1; i < cluster->member_count; i++)
        first = cluster->members[i] < first ? cluster->members[i] : first;
    return first;
}

/* The larger first.  No two have a text in common. */
static int by_size(const void *left, const void *right)
{
    const weft_m_cluster *a = left, *b = right;
    if (a->member_count != b->member_count)
        return a->member_count > b->member_count ? -1 : 1;
    return first_of(a) < first_of(b) ? -1 : 1;
}

static int show(struct making *it, const wf_job *job)
{
    weft_m_discovery *shown = &it->out->shown;
    struct member *members = wf_array(it->count, sizeof(*members));
    it->named = wf_arena_array(&it->out->arena, it->clusters.count, sizeof(*it->named));
    int rc = members != NULL && it->named != NULL ? list_noise(it) : -ENOMEM;
    for (size_t i = 0; i < it->clusters.count && rc == 0; i++) {
        it->named[i] = (weft_m_cluster){0};
        rc = wf_job_poll(job);
        if (rc == 0)
            rc = list_members(it, i, members);
    }
    wf_free(members);
    if (rc == 0)
        rc = wf_phrases_find(it->folded, it->clusters.labels, it->count, it->keyword_max, it->named,
                             it->clusters.count, &it->out->arena, job);
    if (rc == 0 && it->clusters.count != 0)
        qsort(it->named, it->clusters.count, sizeof(*it->named), by_size);
    shown->clusters = it->named;
    shown->cluster_count = it->clusters.count;
    return rc;
}

static void time_stage(struct making *it, enum stage stage, weft_time from, weft_time to)
{
    assert(it->out != NULL);
    it->out->shown.stages[stage] =
        (weft_m_stage){stage_names[stage], (double)(to - from) / (double)WEFT_MS};
}

typedef int clustering_fn(wf_clusters *clusters, const wf_spot *spots, size_t count,
                          size_t size_min, const wf_job *job);

static clustering_fn *cluster_fn(const struct making *it)
{
    static clustering_fn *const all[CLUSTERING_COUNT] = {
        [HDBSCAN] = wf_cluster_hdbscan,
        [COMPONENTS] = wf_cluster_components,
        [LOUVAIN] = wf_cluster_louvain,
    };
    return all[it->clustering];
}

static int cluster_all(void *arg)
{
    struct making *it = arg;
    const wf_job job = wf_call_job(&it->call);
    return cluster_fn(it)(&it->clusters, it->spots, it->count, it->size_min, &job);
}

static int average_part(void *arg)
{
    struct making *it = arg;
    const wf_job job = wf_call_job(&it->call);
    int rc = it->average == NULL ? wf_average_new(&it->average, it->spots, it->count) : 0;
    if (rc == 0)
        rc = wf_average_part(it->average, &job);
    return rc == 0 ? wf_average_end(it->average, &it->clusters, it->size_min) : rc;
}

static int average_all(struct making *it)
{
    int rc;
    do {
        rc = wf_work_run(average_part, it);
        int told = rc > 0
                       ? tell(&it->course, CLUSTERED,
                              (size_t)((double)it->count * wf_average_done(it->average)), it->count)
                       : 0;
        rc = told < 0 ? told : rc;
    } while (rc > 0);
    wf_average_free(it->average);
    return rc;
}

static int name_all(void *arg)
{
    struct making *it = arg;
    const wf_job job = wf_call_job(&it->call);
    return show(it, &job);
}

static int make(struct making *it)
{
    weft_time started = wf_sys_now();
    int rc = place_all(it);
    if (rc == 0)
        rc = tell(&it->course, PLACED, 1, 1);
    if (rc == 0)
        rc = it->clustering == AVERAGE ? average_all(it) : wf_work_run(cluster_all, it);
    if (rc == 0)
        rc = tell(&it->course, CLUSTERED, 1, 1);
    weft_time clustered = wf_sys_now();
    time_stage(it, CLUSTER, started, clustered);
    if (rc == 0)
        rc = wf_work_run(name_all, it);
    if (rc == 0)
        rc = tell(&it->course, NAMED, 1, 1);
    time_stage(it, EVIDENCE, clustered, wf_sys_now());
    return rc;
}

/* ---- the call ---- */

static int check_clustering(weft_str name, enum clustering *out, weft_m_error *error)
{
    if (name.ptr == NULL)
        return 0;
    for (unsigned i = AVERAGE; i < CLUSTERING_COUNT; i++) {
        if (wf_str_is(name, clustering_names[i])) {
            *out = (enum clustering)i;
            return 0;
        }
    }
    wf_m_fail(error, -WEFT_M_EVALID, "Unknown clustering: %.*s",
              wf_utf8_shown(name.ptr, name.len, 40), name.ptr);
    wf_m_error_field(error, "clustering");
    wf_m_error_suggest(error, "Use 'average', 'hdbscan', 'components' or 'louvain'");
    return -WEFT_M_EVALID;
}

static int check(const weft_m_discover_options *options, weft_m_error *error)
{
    if (options->cluster_size_min < 0 || options->cluster_size_min == 1) {
        wf_m_fail(error, -WEFT_M_EVALID, "cluster_size_min must be 0 or >= 2");
        wf_m_error_field(error, "cluster_size_min");
        return -WEFT_M_EVALID;
    }
    if (options->keyword_max >= 1 && options->keyword_max <= KEYWORDS_MAX)
        return 0;
    wf_m_fail(error, -WEFT_M_EVALID, "keyword_max must be between 1 and %d", KEYWORDS_MAX);
    wf_m_error_field(error, "keyword_max");
    return -WEFT_M_EVALID;
}

/* Sentences asked of a catalogue of short names have no known texts of like length, and are what is
 * to be discovered: so texts are compared with all, unless the caller says otherwise. */
static weft_m_novelty_options options_of(const weft_m_novelty_options *given)
{
    const weft_str all = WEFT_STR("split");
    weft_m_novelty_options out;
    weft_m_novelty_options_init(&out);
    if (given != NULL)
        memcpy(&out, given, given->size < sizeof(out) ? given->size : sizeof(out));
    if (out.calibration.ptr == NULL)
        out.calibration = all;
    return out;
}

/* Of some texts, as many as one call may have. */
static int add_novel(weft_matcher *matcher, const weft_m_novelty_options *novelty, size_t from,
                     size_t count, bool all_are_novel, struct making *it, weft_m_error *error)
{
    weft_m_results *results = NULL;
    int rc = weft_m_novelty(matcher, it->texts + from, count, novelty, &results, error);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const weft_m_novelty_result *item = weft_m_results_novelty(results, i);
        assert(it->places != NULL); /* there is a text */
        if (item->is_novel || (all_are_novel && item->signal_count != 0))
            it->places[it->count++] = (uint32_t)(from + i);
    }
    weft_m_results_free(results);
    return rc;
}

/* All before the first is judged: a part would tell their places in it. */
static int check_texts(const weft_matcher *matcher, const weft_str *texts, size_t count,
                       weft_m_error *error)
{
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = wf_check_queries(&texts[i], 1, &matcher->options, error);
        if (rc < 0)
            wf_m_error_field(error, "queries[%zu]", i);
    }
    return rc;
}

static int fail_many(size_t max, size_t count, weft_m_error *error)
{
    wf_m_fail_limit(error, "new texts", "query_count_max", max, count);
    wf_m_error_field(error, "texts");
    wf_m_error_suggest(error, "Give fewer texts at a time");
    return -WEFT_ELIMIT;
}

/* The places of the texts that are new.  Once for no text, too: that may be refused. */
static int find_novel(weft_matcher *matcher, const weft_m_discover_options *options,
                      struct making *it, weft_m_error *error)
{
    weft_m_novelty_options novelty = options_of(options->novelty);
    size_t count = it->course.text_count, most = matcher->options.query_count_max, done = 0;
    int rc = check_texts(matcher, it->texts, count, error);
    if (rc < 0)
        return rc;
    if (options->progress != NULL) {
        novelty.progress = tell_judged;
        novelty.progress_arg = &it->course;
    }
    do {
        size_t some = count - done < most ? count - done : most;
        it->course.judged = done;
        rc = add_novel(matcher, &novelty, done, some, options->all_are_novel, it, error);
        done += some;
    } while (rc == 0 && done < count);
    return rc == 0 && it->count > most ? fail_many(most, it->count, error) : rc;
}

static int discover(struct making *it)
{
    it->folded = wf_array(it->count, sizeof(*it->folded));
    it->spots = wf_array(it->count, sizeof(*it->spots));
    int rc = it->folded != NULL && it->spots != NULL ? make(it) : -ENOMEM;
    if (rc == 0) {
        wf_metric(it->call.matcher, "clusters_found", (double)it->clusters.count, "count",
                  "discover");
        wf_metric_took(&it->call, "clustering_duration", "discover");
    }
    wf_clusters_fini(&it->clusters);
    wf_free(it->folded);
    wf_free(it->spots);
    return rc < 0 ? wf_m_fail_plain(it->call.error, rc) : 0;
}

/* Of `count` new texts; as D. Birant and A. Kut, "ST-DBSCAN: An algorithm for clustering
 * spatial-temporal data" (2007), have it for the neighbours of a dense place.  Two texts alike are
 * no kind yet: by chance there are some among few. */
static size_t usual_size_min(size_t count)
{
    long size = count > 1 ? lround(log((double)count)) : 0;
    return size > CLUSTER_SIZE_LEAST ? (size_t)size : CLUSTER_SIZE_LEAST;
}

/* In a call of its own, so that the matcher stays. */
static int discover_novel(weft_matcher *matcher, struct making *it, weft_m_error *error)
{
    int rc = wf_call_begin(&it->call, matcher, WEFT_M_OP_NOVELTY, error);
    if (it->size_min == 0)
        it->size_min = usual_size_min(it->count);
    return rc < 0 ? rc : wf_call_end(&it->call, discover(it));
}

static void identify(weft_m_discovery *out, const weft_str *texts, size_t count)
{
    weft_time wall = wf_sys_wall();
    uint32_t sum = wf_crc32c(0, &wall, sizeof(wall));
    for (size_t i = 0; i < count; i++)
        sum = wf_crc32c(sum, texts[i].ptr, texts[i].len);
    snprintf(out->id, sizeof(out->id), "%08x", sum);
    out->time = wall / WEFT_SEC;
}

int weft_m_discover(weft_matcher *matcher, const weft_str *texts, size_t text_count,
                    const weft_m_discover_options *options, weft_m_discovery **out,
                    weft_m_error *error)
{
    weft_m_discover_options full;
    weft_m_discover_options_init(&full);
    if (options != NULL)
        memcpy(&full, options, options->size < sizeof(full) ? options->size : sizeof(full));
    int rc = check(&full, error);
    if (rc < 0)
        return rc;
    struct making it = {.texts = texts,
                        .size_min = (size_t)full.cluster_size_min,
                        .keyword_max = (size_t)full.keyword_max,
                        .course = {.progress = full.progress,
                                   .progress_arg = full.progress_arg,
                                   .text_count = text_count}};
    rc = check_clustering(full.clustering, &it.clustering, error);
    if (rc < 0)
        return rc;
    weft_time started = wf_sys_now();
    it.places = wf_array(text_count, sizeof(*it.places));
    it.out = wf_alloc(sizeof(*it.out));
    if (it.places == NULL || it.out == NULL)
        rc = wf_m_fail_plain(error, -ENOMEM);
    if (rc == 0)
        rc = find_novel(matcher, &full, &it, error);
    if (rc == 0)
        time_stage(&it, NOVELTY, started, wf_sys_now());
    if (rc == 0)
        rc = discover_novel(matcher, &it, error);
    wf_free(it.places);
    if (rc < 0) {
        weft_m_discovery_free(it.out != NULL ? &it.out->shown : NULL);
        return rc;
    }
    assert(it.out != NULL);
    identify(&it.out->shown, texts, text_count);
    it.out->shown.clustering = clustering_names[it.clustering];
    it.out->shown.text_count = text_count;
    it.out->shown.cluster_size_min = it.size_min;
    it.out->shown.novel_count = it.count;
    *out = &it.out->shown;
    return 0;
}
