/* SPDX-License-Identifier: MIT */

/*
 * How long after a cancel is a matcher idle?  A call on a catalogue of made names is run once to
 * its end, and then cancelled at points evenly spread over that time.  Idle is when the call has
 * returned: nothing computes any more.
 *
 *     cancel_..._ms      the call, not cancelled
 *     ..._idle           wall time from when the cancel was due until idle: median of the points
 *     ..._idle_worst     the longest
 *     ..._cpu_worst      the most CPU time of the whole process between cancel and idle
 *     ..._late_worst     how late the cancel came: how long the call kept the loop
 *     ..._points         how many cancels met the call at work
 *
 * usage: cancel CALL [ENTITIES [POINTS [NAMES]]]   (400000 40 1); CALL is one of the table below, a
 * name is that many made ones, of 20 letters each.  On a busy machine read the CPU time.
 */
#include "names.h"

#include <unistd.h>
#include <weft.h>
#include <weft/discover.h>
#include <weft/encoder.h>
#include <weft/match.h>
#include <weft/novelty.h>

#define DIM 64u
#define QUERIES 3000
#define EXAMPLES_EACH 3
#define MANY 100000
#define GRAPH_ROWS_MIN 1000
#define JOINED_MAX 16

struct call {
    const char *name;
    const char *score_kind; /* NULL: the default */
    const char *mode;       /* of the fit; NULL: the default */
    bool is_ready;          /* the matcher is fitted before */
    bool is_kept;           /* ... and only once: the call does not change it */
    bool has_graph;         /* dense rows are searched by HNSW */
    int (*run)(void *arg);
};

static const struct call *call;
static weft_m_entity *entities;
static weft_m_example *examples;
static weft_str *queries;
static size_t entity_count, example_count;
static weft_matcher *matcher, *loaded;
static char path[64];

static void check(int rc, const char *what)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "cancel: %s: %s\n", what, weft_strerror(rc));
    exit(1);
}

static void *made(size_t count, size_t bytes)
{
    void *items = calloc(count, bytes);
    if (items == NULL)
        check(-ENOMEM, "memory");
    return items;
}

/* ---- texts ---- */

static weft_str make_text(size_t joined)
{
    char buf[JOINED_MAX * NAME_BYTES];
    size_t len = put_name(buf);
    for (size_t i = 1; i < joined; i++) {
        buf[len++] = ' ';
        len += put_name(buf + len);
    }
    char *text = made(len, 1);
    memcpy(text, buf, len);
    return (weft_str){text, len};
}

static weft_str slip(weft_str text)
{
    char *copy = made(text.len, 1);
    memcpy(copy, text.ptr, text.len);
    copy[roll() % text.len] = (char)('a' + roll() % 26);
    return (weft_str){copy, text.len};
}

static void make_texts(size_t joined)
{
    char(*ids)[24] = made(entity_count, sizeof(*ids));
    entities = made(entity_count, sizeof(*entities));
    queries = made(QUERIES, sizeof(*queries));
    for (size_t i = 0; i < entity_count; i++) {
        size_t id_len = (size_t)snprintf(ids[i], sizeof(ids[i]), "%zu", i);
        entities[i] = (weft_m_entity){.id = {ids[i], id_len}, .name = make_text(joined)};
    }
    for (size_t i = 0; i < QUERIES; i++)
        queries[i] = slip(entities[roll() % entity_count].name);
    if (call->mode == NULL || strcmp(call->mode, "hybrid") == 0)
        return;
    example_count = entity_count * EXAMPLES_EACH;
    examples = made(example_count, sizeof(*examples));
    for (size_t i = 0; i < example_count; i++) {
        const weft_m_entity *entity = &entities[i / EXAMPLES_EACH];
        examples[i] = (weft_m_example){.text = slip(entity->name), .label = entity->id};
    }
}

/* ---- calls ---- */

static int count_pairs(void *self, const weft_str *texts, size_t count, float *out)
{
    (void)self;
    memset(out, 0, count * DIM * sizeof(*out));
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k + 1 < texts[i].len; k++) {
            unsigned pair =
                (unsigned char)texts[i].ptr[k] * 31u + (unsigned char)texts[i].ptr[k + 1];
            out[i * DIM + pair * 2654435761u % DIM] += 1;
        }
    }
    return 0;
}

static void set_options(weft_m_options *options)
{
    static const weft_encoder_class pairs = {
        .size = sizeof(pairs), .kind = "pairs", .encode = count_pairs};
    weft_m_options_init(options);
    if (call->score_kind == NULL)
        return;
    options->score_kind = (weft_str){call->score_kind, strlen(call->score_kind)};
    if (strcmp(call->score_kind, "dense") == 0)
        check(weft_encoder_new(&options->encoder, &pairs, "pairs", DIM, NULL), "encoder");
    if (call->has_graph)
        options->ann_rows_min = GRAPH_ROWS_MIN;
}

static int run_fit(void *arg)
{
    (void)arg;
    weft_m_fit_options options;
    weft_m_fit_options_init(&options);
    if (call->mode != NULL)
        options.mode = (weft_str){call->mode, strlen(call->mode)};
    return weft_m_fit(matcher, examples, example_count, &options, NULL);
}

static int run_batch(void *arg)
{
    (void)arg;
    weft_m_results *results = NULL;
    int rc = weft_m_match(matcher, queries, QUERIES, NULL, &results, NULL);
    weft_m_results_free(results);
    return rc;
}

static int run_save(void *arg)
{
    (void)arg;
    return weft_m_save(matcher, path, NULL);
}

static int run_load(void *arg)
{
    (void)arg;
    weft_m_options options;
    set_options(&options);
    int rc = weft_m_load(&loaded, path, &options, NULL);
    weft_encoder_unref(options.encoder);
    return rc;
}

static int run_novelty(void *arg)
{
    (void)arg;
    static const weft_str all[] = {
        WEFT_STR("calibrated"),      WEFT_STR("confidence"),
        WEFT_STR("uncertainty"),     WEFT_STR("knn_distance"),
        WEFT_STR("setfit_centroid"), WEFT_STR("energy_ood"),
        WEFT_STR("mahalanobis"),     WEFT_STR("lof"),
        WEFT_STR("oneclass"),        WEFT_STR("clustering"),
        WEFT_STR("pattern"),
    };
    weft_m_novelty_options options;
    weft_m_novelty_options_init(&options);
    options.strategies = all;
    options.strategy_count = sizeof(all) / sizeof(*all);
    return weft_m_novelty_prepare(matcher, &options, NULL);
}

static int run_discover(void *arg)
{
    (void)arg;
    weft_m_discover_options options;
    weft_m_discovery *discovery = NULL;
    weft_m_discover_options_init(&options);
    options.all_are_novel = true;
    int rc = weft_m_discover(matcher, queries, QUERIES, &options, &discovery, NULL);
    weft_m_discovery_free(discovery);
    return rc;
}

/* Of which few are new, as where a batch is looked through. */
static int run_discover_many(void *arg)
{
    (void)arg;
    weft_m_discovery *discovery = NULL;
    weft_str *texts = made(MANY, sizeof(*texts));
    for (size_t i = 0; i < MANY; i++)
        texts[i] = queries[i % QUERIES];
    int rc = weft_m_discover(matcher, texts, MANY, NULL, &discovery, NULL);
    weft_m_discovery_free(discovery);
    free(texts);
    return rc;
}

static int run_add(void *arg)
{
    (void)arg;
    weft_m_entity entity = {.id = WEFT_STR("one more"), .name = queries[0]};
    return weft_m_add(matcher, &entity, 1, NULL);
}

static int run_remove(void *arg)
{
    (void)arg;
    return weft_m_remove(matcher, &entities[entity_count / 2].id, 1, NULL);
}

static int run_update(void *arg)
{
    (void)arg;
    weft_m_entity entity = entities[entity_count / 2];
    entity.name = queries[0];
    return weft_m_update(matcher, &entity, 1, NULL);
}

static const struct call calls[] = {
    {.name = "fit", .run = run_fit},
    {.name = "fit_cosine", .score_kind = "cosine", .run = run_fit},
    {.name = "fit_dense", .score_kind = "dense", .run = run_fit},
    {.name = "fit_graph", .score_kind = "dense", .has_graph = true, .run = run_fit},
    {.name = "fit_hybrid", .mode = "hybrid", .run = run_fit},
    {.name = "fit_head", .mode = "head-only", .run = run_fit},
    {.name = "fit_full", .mode = "full", .run = run_fit},
    {.name = "fit_bert", .mode = "bert", .run = run_fit},
    {.name = "batch", .is_ready = true, .is_kept = true, .run = run_batch},
    {.name = "batch_dense",
     .score_kind = "dense",
     .is_ready = true,
     .is_kept = true,
     .run = run_batch},
    {.name = "save", .is_ready = true, .is_kept = true, .run = run_save},
    {.name = "save_dense",
     .score_kind = "dense",
     .is_ready = true,
     .is_kept = true,
     .run = run_save},
    {.name = "load", .is_ready = true, .is_kept = true, .run = run_load},
    {.name = "load_dense",
     .score_kind = "dense",
     .is_ready = true,
     .is_kept = true,
     .run = run_load},
    {.name = "load_graph",
     .score_kind = "dense",
     .is_ready = true,
     .is_kept = true,
     .has_graph = true,
     .run = run_load},
    {.name = "novelty", .is_ready = true, .run = run_novelty},
    {.name = "discover", .is_ready = true, .is_kept = true, .run = run_discover},
    {.name = "discover_many", .is_ready = true, .is_kept = true, .run = run_discover_many},
    {.name = "add", .is_ready = true, .run = run_add},
    {.name = "update", .is_ready = true, .run = run_update},
    {.name = "remove", .is_ready = true, .run = run_remove},
};

/* ---- measuring ---- */

static void prepare(void)
{
    weft_m_options options;
    if (matcher != NULL && call->is_kept)
        return;
    weft_m_close(matcher);
    set_options(&options);
    check(weft_m_open(&matcher, entities, entity_count, &options, NULL), "open");
    weft_encoder_unref(options.encoder);
    if (!call->is_ready)
        return;
    check(weft_m_fit(matcher, NULL, 0, NULL, NULL), "fit");
    if (call->run == run_load)
        check(weft_m_save(matcher, path, NULL), "save");
}

static double cpu_now(void)
{
    return bench_clock(CLOCK_PROCESS_CPUTIME_ID) / 1e6;
}

struct point {
    double idle, cpu, late; /* ms */
};

/* True if the call was still at work. */
static bool cancel_after(double delay, struct point *out)
{
    prepare();
    double start = bench_wall() / 1e6;
    weft_task task = weft_spawn(call->run, NULL);
    check(weft_sleep((weft_time)(delay * WEFT_MS)), "sleep");
    double now = bench_wall() / 1e6, cpu = cpu_now();
    weft_cancel(task, "measured");
    int rc = weft_await(task);
    *out = (struct point){.idle = bench_wall() / 1e6 - start - delay,
                          .cpu = cpu_now() - cpu,
                          .late = now - start - delay};
    weft_m_close(loaded);
    loaded = NULL;
    check(rc == -ECANCELED ? 0 : rc, call->name);
    return rc == -ECANCELED;
}

static void print(const char *what, const char *unit, double value)
{
    char name[64];
    snprintf(name, sizeof(name), "cancel_%s_%zu_%s", call->name, entity_count, what);
    bench_print_one(name, unit, value);
}

static int measure(void *arg)
{
    size_t points = *(const size_t *)arg, met = 0;
    double *idle = made(points + 1, sizeof(*idle));
    struct point point, worst = {0};
    prepare();
    double start = bench_wall() / 1e6;
    check(call->run(NULL), call->name);
    double whole = bench_wall() / 1e6 - start;
    weft_m_close(loaded);
    loaded = NULL;
    for (size_t i = 0; i < points; i++) {
        if (!cancel_after(whole * ((double)i + 0.5) / (double)points, &point))
            continue;
        idle[met++] = point.idle;
        worst.idle = point.idle > worst.idle ? point.idle : worst.idle;
        worst.cpu = point.cpu > worst.cpu ? point.cpu : worst.cpu;
        worst.late = point.late > worst.late ? point.late : worst.late;
    }
    print("ms", "ms", whole);
    print("idle", "ms", met != 0 ? bench_quantile(idle, met, 0.5) : 0);
    print("idle_worst", "ms", worst.idle);
    print("cpu_worst", "ms", worst.cpu);
    print("late_worst", "ms", worst.late);
    print("points", "", (double)met);
    free(idle);
    weft_m_close(matcher);
    unlink(path);
    return 0;
}

int main(int argc, char **argv)
{
    size_t points = argc > 3 ? strtoul(argv[3], NULL, 10) : 40;
    size_t joined = argc > 4 ? strtoul(argv[4], NULL, 10) : 1;
    entity_count = argc > 2 ? strtoul(argv[2], NULL, 10) : 400000;
    for (size_t i = 0; i < sizeof(calls) / sizeof(*calls) && argc > 1; i++) {
        if (strcmp(calls[i].name, argv[1]) == 0)
            call = &calls[i];
    }
    if (call == NULL || entity_count == 0 || points == 0 || joined == 0 || joined > JOINED_MAX) {
        fprintf(stderr, "usage: cancel CALL [ENTITIES [POINTS [NAMES]]]\n");
        return 2;
    }
    snprintf(path, sizeof(path), "/tmp/weft-cancel-%d.weftm", (int)getpid());
    make_texts(joined);
    return weft_main(measure, &points);
}
