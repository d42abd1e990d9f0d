/* SPDX-License-Identifier: MIT */

/* Novelty, explanations and hierarchies are the same bytes from library, service and program, of
 * any text and with every option. */
#include "ways.h"

#include <weft/hierarchy.h>
#include <weft/novelty.h>

#define TEXTS ways_texts, WAYS_TEXT_COUNT
#define LINES "-e", PRODUCTS, "-f", "-", "--format", "ndjson"
#define OPTIONS_MAX 10 /* words of the program */

/* The program, with these further words, says these lines of all texts. */
static void check_program(const char *command, const char *const *options, weft_str expected)
{
    const char *words[CHILD_WORDS_MAX] = {"match", command, LINES};
    wf_buf lines = {0};
    size_t count = 0;
    while (words[count] != NULL)
        count++;
    for (size_t i = 0; i < OPTIONS_MAX && options[i] != NULL; i++)
        words[count++] = options[i];
    ways_put_lines(&lines, TEXTS);
    ways_check_program(ways_str(&lines), expected, words);
    wf_buf_fini(&lines);
}

static void check_all(struct ways *ways, const char *command, const char *tail,
                      const char *const *options, const struct said *said)
{
    char line[32];
    wf_buf body = {0};
    snprintf(line, sizeof(line), "POST /v1/%s", command);
    ways_put_body(&body, TEXTS, tail);
    ways_check_service(ways, line, wf_buf_ptr(&body), "{\"results\":[", ways_str(&said->list),
                       "]}");
    check_program(command, options, ways_str(&said->lines));
    wf_buf_fini(&body);
}

/* ---- novelty ---- */

static const weft_str near[] = {WEFT_STR("knn_distance"), WEFT_STR("lof")};

static const struct {
    const char *tail, *words[OPTIONS_MAX];
    weft_m_novelty_options asked; /* zeros: as usual */
} novelties[] = {
    {"}", {NULL}, {0}},
    {",\"alpha\":0.2,\"top_k\":1}", {"-a", "0.2", "-k", "1"}, {.alpha = 0.2, .top_k = 1}},
    {",\"strategies\":[\"knn_distance\",\"lof\"],\"combine\":\"voting\",\"neighbours\":3}",
     {"-s", "knn_distance,lof", "--combine", "voting", "--neighbours", "3"},
     {.strategies = near, .strategy_count = 2, .combine = WEFT_STR("voting"), .neighbours = 3}},
    {",\"calibration\":\"split\",\"threshold\":0.3}",
     {"--calibration", "split", "-t", "0.3"},
     {.calibration = WEFT_STR("split"), .threshold = 0.3f}},
    {",\"calibration\":\"mondrian\",\"top_k\":1000}",
     {"--calibration", "mondrian", "-k", "1000"},
     {.calibration = WEFT_STR("mondrian"), .top_k = 1000}},
};

static weft_m_novelty_options novelty_options(const weft_m_novelty_options *asked)
{
    weft_m_novelty_options options;
    weft_m_novelty_options_init(&options);
    options.strategies = asked->strategies;
    options.strategy_count = asked->strategy_count;
    options.combine = asked->combine;
    options.calibration = asked->calibration;
    options.alpha = asked->alpha != 0 ? asked->alpha : options.alpha;
    options.neighbours = asked->neighbours != 0 ? asked->neighbours : options.neighbours;
    options.top_k = asked->top_k != 0 ? asked->top_k : options.top_k;
    options.threshold = asked->threshold != 0 ? asked->threshold : options.threshold;
    return options;
}

static void say_novelty(struct ways *ways, const weft_m_novelty_options *options, struct said *said)
{
    weft_m_results *results;
    CHECK_OK(weft_m_novelty(ways->matcher, TEXTS, options, &results, NULL));
    ways_say(said, results, WAYS_TEXT_COUNT, weft_m_novelty_result_json);
    weft_m_results_free(results);
}

TEST(novelty_is_the_same_three_ways)
{
    struct ways ways;
    ways_begin(&ways, PRODUCTS);
    for (size_t i = 0; i < sizeof(novelties) / sizeof(*novelties); i++) {
        weft_m_novelty_options options = novelty_options(&novelties[i].asked);
        struct said said = {0};
        say_novelty(&ways, &options, &said);
        check_all(&ways, "novelty", novelties[i].tail, novelties[i].words, &said);
        said_fini(&said);
    }
    ways_end(&ways);
}

/* Which entities are there for whom asks; the program cannot be told. */
TEST(novelty_outside_some_entities_is_the_same_two_ways)
{
    static const weft_str ids[] = {WEFT_STR("kitchen"), WEFT_STR("nobody")};
    static const char *const tails[] = {",\"existing\":[]}", ",\"existing\":[\"kitchen\"]}",
                                        ",\"existing\":[{\"id\":\"kitchen\"},\"nobody\"]}"};
    struct ways ways;
    ways_begin(&ways, PRODUCTS);
    for (size_t count = 0; count < 3; count++) {
        weft_m_novelty_options options;
        wf_buf body = {0};
        struct said said = {0};
        weft_m_novelty_options_init(&options);
        options.existing = ids;
        options.existing_count = count;
        say_novelty(&ways, &options, &said);
        ways_put_body(&body, TEXTS, tails[count]);
        ways_check_service(&ways, "POST /v1/novelty", wf_buf_ptr(&body), "{\"results\":[",
                           ways_str(&said.list), "]}");
        wf_buf_fini(&body);
        said_fini(&said);
    }
    ways_end(&ways);
}

/* ---- hierarchies ---- */

static const struct {
    const char *tail, *words[OPTIONS_MAX];
    int64_t top_k, max_depth; /* -1: as usual */
    double alpha, beta;
    float threshold;
    const char *level, *within;
} hierarchies[] = {
    {"}", {NULL}, -1, -1, -1, -1, -1, NULL, NULL},
    {",\"top_k\":9,\"max_depth\":0,\"threshold\":0.001}",
     {"-k", "9", "--max-depth", "0", "-t", "0.001"},
     9,
     0,
     -1,
     -1,
     0.001f,
     NULL,
     NULL},
    {",\"match_level\":\"ancestors\",\"max_depth\":1,\"top_k\":1000,\"threshold\":0}",
     {"--level", "ancestors", "--max-depth", "1", "-k", "1000", "-t", "0"},
     1000,
     1,
     -1,
     -1,
     0,
     "ancestors",
     NULL},
    {",\"within\":\"kitchen\",\"threshold\":0.01}",
     {"--within", "kitchen", "-t", "0.01"},
     -1,
     -1,
     -1,
     -1,
     0.01f,
     NULL,
     "kitchen"},
    {",\"match_level\":\"descendants\",\"alpha\":0,\"beta\":1,\"threshold\":0}",
     {"--level", "descendants", "--alpha", "0", "--beta", "1", "-t", "0"},
     -1,
     -1,
     0,
     1,
     0,
     "descendants",
     NULL},
};

static void say_hierarchy(struct ways *ways, size_t index, struct said *said)
{
    weft_m_hierarchy_options options;
    weft_m_results *results;
    weft_m_hierarchy_options_init(&options);
    if (hierarchies[index].top_k >= 0)
        options.top_k = hierarchies[index].top_k;
    if (hierarchies[index].max_depth >= 0)
        options.max_depth = hierarchies[index].max_depth;
    if (hierarchies[index].alpha >= 0)
        options.alpha = hierarchies[index].alpha;
    if (hierarchies[index].beta >= 0)
        options.beta = hierarchies[index].beta;
    if (hierarchies[index].threshold >= 0)
        options.threshold = hierarchies[index].threshold;
    if (hierarchies[index].level != NULL)
        options.match_level = weft_str_of(hierarchies[index].level);
    if (hierarchies[index].within != NULL)
        options.within = weft_str_of(hierarchies[index].within);
    CHECK_OK(weft_m_hierarchy_match(ways->matcher, TEXTS, &options, &results, NULL));
    ways_say(said, results, WAYS_TEXT_COUNT, weft_m_hierarchy_result_json);
    weft_m_results_free(results);
}

TEST(hierarchies_are_the_same_three_ways)
{
    struct ways ways;
    ways_begin(&ways, PRODUCTS);
    for (size_t i = 0; i < sizeof(hierarchies) / sizeof(*hierarchies); i++) {
        struct said said = {0};
        say_hierarchy(&ways, i, &said);
        check_all(&ways, "hierarchy", hierarchies[i].tail, hierarchies[i].words, &said);
        said_fini(&said);
    }
    ways_end(&ways);
}

/* ---- explanations ---- */

typedef int explain_fn(weft_matcher *matcher, weft_str query, int64_t top_k, weft_text *out,
                       weft_m_error *error);

/* `top_k` as text; "": as usual. */
static void check_explanations(struct ways *ways, const char *command, explain_fn *explain,
                               int64_t top_k, const char *asked)
{
    const char *words[OPTIONS_MAX] = {asked[0] != '\0' ? "-k" : NULL, asked};
    struct said said = {0};
    char line[32];
    snprintf(line, sizeof(line), "POST /v1/%s", command);
    for (size_t i = 0; i < WAYS_TEXT_COUNT; i++) {
        weft_text json;
        wf_buf body = {0};
        CHECK_OK(explain(ways->matcher, ways_texts[i], top_k, &json, NULL));
        wf_buf_puts(&body, "{\"query\":");
        wf_json_str(&(wf_json){.out = &body}, ways_texts[i]);
        wf_buf_printf(&body, "%s%s}", asked[0] != '\0' ? ",\"top_k\":" : "", asked);
        wf_buf_putc(&body, '\0');
        ways_check_service(ways, line, wf_buf_ptr(&body), "", ways_text(&json), "");
        said_add(&said, &json);
        wf_buf_fini(&body);
    }
    check_program(command, words, ways_str(&said.lines));
    said_fini(&said);
}

TEST(explanations_are_the_same_three_ways)
{
    struct ways ways;
    ways_begin(&ways, PRODUCTS);
    check_explanations(&ways, "explain", weft_m_explain_json, 5, "");
    check_explanations(&ways, "explain", weft_m_explain_json, 1, "1");
    check_explanations(&ways, "explain", weft_m_explain_json, 1000, "1000");
    check_explanations(&ways, "diagnose", weft_m_diagnose_json, 3, "");
    check_explanations(&ways, "diagnose", weft_m_diagnose_json, 1000, "1000");
    ways_end(&ways);
}
