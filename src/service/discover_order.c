/* SPDX-License-Identifier: MIT */

#include "service/discover_order.h"

#include "service/ask.h"

#include <stdio.h>
#include <weft/error.h>
#include <weft/exec.h>
#include <weft/review.h>

#define TEXTS_MAX 100000
#define NOVEL_MAX 10000 /* a matcher's query_count_max */

struct discover_asked {
    weft_items texts;
    weft_str clustering;
    int64_t cluster_size, keywords;
    double alpha;
    bool all, review;
};

/* One text is no cluster. */
static void check_size(weft_issues *issues, const char *path, const void *member)
{
    if (*(const int64_t *)member == 1)
        weft_issue(issues, path, "must be 0 or from 2 to %d", NOVEL_MAX);
}

static const char *const clusterings[] = {"average", "hdbscan", "components", "louvain", NULL};
static const weft_field text_item = {.type = WEFT_TYPE_STRING};
static const struct discover_asked preset = {.keywords = 8, .alpha = 0.05};
static const weft_field fields[] = {
    {WEFT_FIELD_ARRAY(struct discover_asked, texts, &text_item), .flags = WEFT_REQUIRED,
     .range = WEFT_FROM(1), .about = "At most 100,000, of which 10,000 may be new; else 413."},
    {WEFT_FIELD_BOOL(struct discover_asked, all), .about = "Every text counts as new."},
    {WEFT_FIELD_INTEGER(struct discover_asked, cluster_size), .range = WEFT_RANGE(0, NOVEL_MAX),
     .check = check_size,
     .about = "The least texts of a cluster, 2 or more; 0: as many as suit how many texts are new, "
              "3 of 20, 7 of 1000."},
    {WEFT_FIELD_INTEGER(struct discover_asked, keywords), .range = WEFT_RANGE(1, 32),
     .about = "The most keywords of a cluster."},
    {WEFT_FIELD_STRING(struct discover_asked, clustering), .flags = WEFT_NULLABLE,
     .choices = clusterings, .about = "Without: texts alike in the mean."},
    {WEFT_FIELD_DOUBLE(struct discover_asked, alpha), .interval = WEFT_INTERVAL(0, 1),
     .check = ask_check_alpha, .about = "Part of known texts that may be taken for novel."},
    {WEFT_FIELD_BOOL(struct discover_asked, review),
     .about = "Adds each cluster to the reviews, as a proposal."},
};
const weft_schema ask_discover = {
    .name = "Discover",
    .bytes = sizeof(struct discover_asked),
    .fields = fields,
    .field_count = sizeof(fields) / sizeof(*fields),
    .preset = &preset,
};

int discover_order_check(const void *asked, weft_http_response *res)
{
    return ask_check_texts(res, ((const struct discover_asked *)asked)->texts.count, TEXTS_MAX);
}

bool discover_order_wants_review(const void *asked)
{
    return ((const struct discover_asked *)asked)->review;
}

/* ---- copying ---- */

struct copying {
    struct job_order *order;
    const struct discover_asked *asked;
};

static void read_options(const struct discover_asked *asked, struct job_order *order)
{
    weft_m_discover_options *out = &order->discover.options;
    weft_m_discover_options_init(out);
    weft_m_novelty_options_init(&order->discover.novelty);
    order->discover.novelty.alpha = asked->alpha;
    out->all_are_novel = asked->all;
    out->cluster_size_min = asked->cluster_size;
    out->keyword_max = asked->keywords;
}

static int copy_body(void *arg)
{
    const struct copying *copying = arg;
    const struct discover_asked *asked = copying->asked;
    struct job_order *order = copying->order;
    const weft_str *from = asked->texts.ptr;
    read_options(asked, order);
    if (asked->clustering.ptr != NULL &&
        !wf_arena_copy(&order->arena, asked->clustering, &order->discover.options.clustering))
        return -ENOMEM;
    weft_str *texts = wf_arena_array(&order->arena, asked->texts.count, sizeof(*texts));
    if (texts == NULL)
        return -ENOMEM;
    order->discover.texts = texts;
    for (size_t i = 0; i < asked->texts.count; i++) {
        if (!wf_arena_copy(&order->arena, from[i], &texts[i]))
            return -ENOMEM;
    }
    order->discover.text_count = asked->texts.count;
    return 0;
}

int discover_order_take(struct job_order *order, const void *asked, struct store *store)
{
    struct copying copying = {order, asked};
    *order = (struct job_order){.kind = &discover_kind};
    order->discover.reviews = discover_order_wants_review(asked) ? store : NULL;
    int rc = weft_run_cpu(copy_body, &copying);
    if (rc < 0)
        wf_arena_fini(&order->arena);
    return rc;
}

/* ---- the job ---- */

static int add_to(const char *path, const struct job_work *work, const weft_m_discovery *found)
{
    weft_m_reviews *reviews;
    int rc = weft_m_reviews_open(&reviews, path, work->error);
    if (rc < 0)
        return rc;
    rc = weft_m_reviews_add(reviews, found, work->order->discover.texts, work->error);
    weft_m_reviews_close(reviews);
    return rc;
}

static int add_reviews(const struct job_work *work, const weft_m_discovery *found)
{
    struct store *store = work->order->discover.reviews;
    char path[PATH_MAX];
    if (store == NULL)
        return 0;
    WEFT_TRY(store_path(store, weft_str_of(work->named->name), STORE_REVIEWS, path));
    WEFT_TRY(store_enter(store, work->named));
    int rc = add_to(path, work, found);
    store_leave(store);
    if (rc < 0)
        store_hide(store, work->error);
    return rc;
}

static int discover(const struct job_work *work)
{
    const struct job_order *order = work->order;
    weft_m_discover_options options = order->discover.options;
    weft_m_discovery *found;
    options.novelty = &order->discover.novelty;
    options.progress = work->progress;
    options.progress_arg = work->progress_arg;
    int rc = weft_m_discover(work->named->matcher, order->discover.texts,
                             order->discover.text_count, &options, &found, work->error);
    if (rc < 0)
        return rc;
    rc = add_reviews(work, found);
    if (rc == 0)
        rc = weft_m_discovery_json(found, order->discover.texts, work->result);
    weft_m_discovery_free(found);
    return rc;
}

const struct job_kind discover_kind = {.name = "discover", .has_result = true, .run = discover};
