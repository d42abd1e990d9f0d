/* SPDX-License-Identifier: MIT */

/* A batch of more than one step is the same in all forms of the service, of the library and of the
 * program; so is what a matcher has learnt, as a job, by the library and by the program. */
#include "ways.h"

#include "base/arena.h"

#define COUNT 2500 /* the service goes on in steps of 2048 */

/* Any of these again and again, each a text of its own by what stands behind it. */
static void make_texts(wf_arena *arena, weft_str *out)
{
    for (size_t i = 0; i < COUNT; i++) {
        const weft_str *text = &ways_texts[i % (WAYS_TEXT_COUNT - 1)];
        wf_buf buf = {0};
        wf_buf_append(&buf, text->ptr, text->len);
        if (i % 3 == 0)
            wf_buf_printf(&buf, " %zu", i);
        CHECK(wf_arena_copy(arena, ways_str(&buf), &out[i]));
        wf_buf_fini(&buf);
    }
}

/* {"index":0,"result":…} a line. */
static void put_stream(wf_buf *out, const wf_buf *lines)
{
    const char *at = wf_buf_ptr(lines), *end = at + wf_buf_bytes(lines);
    for (size_t i = 0; at < end; i++) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        wf_buf_printf(out, "{\"index\":%zu,\"result\":", i);
        wf_buf_append(out, at, (size_t)(line_end - at));
        wf_buf_puts(out, "}\n");
        at = line_end + 1;
    }
    CHECK_OK(out->rc);
}

static void check_answer(const struct ways *ways, const char *head, weft_str json, const char *tail)
{
    const char *said = ways->answer.body;
    size_t before = strlen(head), behind = strlen(tail);
    CHECK_EQ(ways->answer.status, 200);
    CHECK_EQ(strlen(said), before + json.len + behind);
    CHECK_BYTES(said, before, head, before);
    CHECK_BYTES(said + before, json.len, json.ptr, json.len);
    CHECK_BYTES(said + before + json.len, behind, tail, behind);
}

static void check_forms(struct ways *ways, const weft_str *texts, const struct said *said)
{
    wf_buf body = {0}, bare = {0}, stream = {0};
    ways_put_body(&body, texts, COUNT, "}");
    ways_check_service(ways, "POST /v1/batch", wf_buf_ptr(&body), "{\"results\":[",
                       ways_str(&said->list), "]}");
    service_call_whole(&ways->service, "POST /v1/batch", "Accept: text/event-stream\r\n",
                       wf_buf_ptr(&body), &ways->answer);
    check_answer(ways,
                 "event: progress\ndata: {\"completed\":2048,\"total\":2500}\n\n"
                 "event: progress\ndata: {\"completed\":2500,\"total\":2500}\n\n"
                 "event: results\ndata: {\"results\":[",
                 ways_str(&said->list), "]}\n\nevent: done\ndata: {}\n\n");
    put_stream(&stream, &said->lines);
    service_call_whole(&ways->service, "POST /v1/batch", "Accept: application/x-ndjson\r\n",
                       wf_buf_ptr(&body), &ways->answer);
    check_answer(ways, "", ways_str(&stream), "");
    wf_json_strs(&(wf_json){.out = &bare}, texts, COUNT);
    wf_buf_putc(&bare, '\0');
    ways_check_service(ways, "POST /batch", wf_buf_ptr(&bare), "{\"results\":[",
                       ways_str(&said->list), "]}");
    wf_buf_fini(&body);
    wf_buf_fini(&bare);
    wf_buf_fini(&stream);
}

/* Whatever the steps: of one text, of five, of all. */
static void check_steps(const struct ways *ways, const weft_str *texts, const struct said *said)
{
    static const int64_t steps[] = {1, 5, COUNT, 10000};
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        weft_text json;
        CHECK_OK(weft_m_batch_json(ways->matcher, texts, COUNT, NULL, steps[i], &json, NULL));
        CHECK_EQ(json.len, wf_buf_bytes(&said->list) + 2);
        CHECK_BYTES(json.ptr + 1, json.len - 2, wf_buf_ptr(&said->list), wf_buf_bytes(&said->list));
        weft_text_free(&json);
    }
}

static void say_matches(const struct ways *ways, const weft_str *texts, size_t count,
                        struct said *said)
{
    weft_m_results *results;
    CHECK_OK(weft_m_match(ways->matcher, texts, count, NULL, &results, NULL));
    ways_say(said, results, count, weft_m_result_json);
    weft_m_results_free(results);
}

TEST(a_batch_is_the_same_in_every_form)
{
    struct ways ways;
    wf_arena arena = {0};
    weft_str *texts = malloc(COUNT * sizeof(*texts));
    wf_buf lines = {0};
    struct said said = {0};
    CHECK(texts != NULL);
    ways_begin(&ways, PRODUCTS);
    make_texts(&arena, texts);
    say_matches(&ways, texts, COUNT, &said);
    check_steps(&ways, texts, &said);
    check_forms(&ways, texts, &said);
    ways_put_lines(&lines, texts, COUNT);
    WAYS_PROGRAM(ways_str(&lines), ways_str(&said.lines), "query", "-e", PRODUCTS, "-f", "-",
                 "--format", "ndjson", "--batch-size", "7");
    wf_buf_fini(&lines);
    said_fini(&said);
    wf_arena_fini(&arena);
    free(texts);
    ways_end(&ways);
}

/* ---- what was learnt ---- */

static const struct {
    const char *text, *label;
} learnt[] = {
    {"where do I cut bread", "bread"},
    {"loaf slicer", "bread"},
    {"ring me", "phones"},
    {"handset", "phones"},
    {"hole in the lawn", "spade"},
    {"dig a bed", "spade"},
};
#define LEARNT_COUNT (sizeof(learnt) / sizeof(*learnt))

static void learn_in_library(struct ways *ways, const char *mode)
{
    weft_m_example examples[LEARNT_COUNT];
    weft_m_fit_options options;
    for (size_t i = 0; i < LEARNT_COUNT; i++)
        examples[i] = (weft_m_example){.text = weft_str_of(learnt[i].text),
                                       .label = weft_str_of(learnt[i].label)};
    weft_m_fit_options_init(&options);
    options.mode = weft_str_of(mode);
    CHECK_OK(weft_m_fit(ways->matcher, examples, LEARNT_COUNT, &options, NULL));
}

/* As a job, to its end. */
static void learn_in_service(struct ways *ways, const char *mode)
{
    wf_buf body = {0};
    char line[64];
    wf_buf_printf(&body, "{\"mode\":\"%s\",\"training_data\":[", mode);
    for (size_t i = 0; i < LEARNT_COUNT; i++)
        wf_buf_printf(&body, "%s{\"text\":\"%s\",\"label\":\"%s\"}", i != 0 ? "," : "",
                      learnt[i].text, learnt[i].label);
    wf_buf_puts(&body, "]}");
    wf_buf_putc(&body, '\0');
    service_call_whole(&ways->service, "POST /v1/fit", "", wf_buf_ptr(&body), &ways->answer);
    CHECK_EQ(ways->answer.status, 202);
    snprintf(line, sizeof(line), "GET /v1/jobs/%.16s/events",
             ways->answer.body + strlen("{\"job\":\""));
    service_call_whole(&ways->service, line, "", NULL, &ways->answer);
    CHECK(strstr(ways->answer.body, "event: done\n") != NULL);
    wf_buf_fini(&body);
}

static void check_learnt(const char *mode)
{
    struct ways ways;
    wf_buf examples = {0}, lines = {0}, body = {0};
    struct said said = {0};
    for (size_t i = 0; i < LEARNT_COUNT; i++)
        wf_buf_printf(&examples, "%s\t%s\n", learnt[i].text, learnt[i].label);
    wf_buf_putc(&examples, '\0');
    const char *path = make_file("examples.tsv", wf_buf_ptr(&examples));
    note("%s", mode);
    ways_begin(&ways, PRODUCTS);
    learn_in_library(&ways, mode);
    learn_in_service(&ways, mode);
    say_matches(&ways, ways_texts, WAYS_TEXT_COUNT, &said);
    ways_put_body(&body, ways_texts, WAYS_TEXT_COUNT, "}");
    ways_check_service(&ways, "POST /v1/batch", wf_buf_ptr(&body), "{\"results\":[",
                       ways_str(&said.list), "]}");
    ways_put_lines(&lines, ways_texts, WAYS_TEXT_COUNT);
    WAYS_PROGRAM(ways_str(&lines), ways_str(&said.lines), "query", "-e", PRODUCTS, "-x", path,
                 "--mode", mode, "-f", "-", "--format", "ndjson");
    ways_end(&ways);
    drop_file(path);
    said_fini(&said);
    wf_buf_fini(&examples);
    wf_buf_fini(&lines);
    wf_buf_fini(&body);
}

TEST(what_was_learnt_is_the_same_three_ways)
{
    check_learnt("head-only");
    check_learnt("auto");
}
