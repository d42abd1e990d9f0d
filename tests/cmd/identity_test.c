/* SPDX-License-Identifier: MIT */

/* The library, the program and the service say the same of the same, to the byte. */
#include "child.h"

#include "base/json_write.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <weft/catalog.h>
#include <weft/discover.h>
#include <weft/drift.h>
#include <weft/hierarchy.h>
#include <weft/novelty.h>
#include <weft/review.h>

#define PRODUCTS test_source("examples/data/products.csv")

/* All of one catalogue. */
static struct {
    weft_matcher *matcher;
    struct child service;
    struct sockaddr_in addr;
    char dir[32];
    wf_buf answer;
} all;

/* ---- the library ---- */

static weft_matcher *open_products(void)
{
    weft_catalog *catalog;
    weft_matcher *matcher;
    size_t count;
    CHECK_OK(weft_catalog_new(&catalog));
    CHECK_OK(weft_catalog_read_file(catalog, PRODUCTS, NULL, NULL));
    const weft_m_entity *entities = weft_catalog_entities(catalog, &count);
    CHECK_OK(weft_m_open(&matcher, entities, count, NULL, NULL));
    CHECK_OK(weft_m_fit(matcher, NULL, 0, NULL, NULL));
    weft_catalog_free(catalog);
    return matcher;
}

/* ---- the service ---- */

/* Of entities (-e) or a matcher (-m). */
static void start_service(const char *option, const char *file)
{
    wf_buf line = {0};
    child_start(&all.service,
                (const char *const[]){"serve", option, file, "--listen", "127.0.0.1:0", "--data",
                                      all.dir, "--allow-changes", NULL});
    while (memchr(wf_buf_ptr(&line), '\n', wf_buf_bytes(&line)) == NULL)
        CHECK(child_read(&all.service.out, &line));
    wf_buf_putc(&line, '\0');
    const char *port = strrchr(wf_buf_ptr(&line), ':');
    CHECK(port != NULL);
    all.addr.sin_family = AF_INET;
    all.addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    all.addr.sin_port = htons((uint16_t)strtol(port + 1, NULL, 10));
    wf_buf_fini(&line);
}

static void begin(void)
{
    snprintf(all.dir, sizeof(all.dir), "/tmp/weft-same-XXXXXX");
    CHECK(mkdtemp(all.dir) != NULL);
    all.matcher = open_products();
    start_service("-e", PRODUCTS);
}

static const char *path_of(const char *name)
{
    static char path[80];
    snprintf(path, sizeof(path), "%s/%s", all.dir, name);
    return path;
}

static void stop_service(void)
{
    kill(all.service.pid, SIGTERM);
    CHECK_EQ(child_wait(&all.service), 0);
}

static void end(void)
{
    static const char *const names[] = {"texts.txt",
                                        "texts.ndjson",
                                        "m.weftm",
                                        "default.reviews.json",
                                        "default.reviews.json.lock",
                                        "default.profile.json"};
    stop_service();
    weft_m_close(all.matcher);
    wf_buf_fini(&all.answer);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        unlink(path_of(names[i]));
    CHECK_OK(rmdir(all.dir));
}

/* What a route says, until the next call; by HTTP/1.0, so that what is streamed is one piece. */
static const char *call_for(const char *accept, const char *line, const char *body)
{
    wf_buf request = {0};
    wf_buf_printf(&request,
                  "%s HTTP/1.0\r\nHost: localhost\r\nAccept: %s\r\n"
                  "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                  line, accept, strlen(body), body);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_OK(fd);
    CHECK_OK(connect(fd, (const struct sockaddr *)&all.addr, sizeof(all.addr)));
    CHECK_EQ(write(fd, wf_buf_ptr(&request), wf_buf_bytes(&request)),
             (ssize_t)wf_buf_bytes(&request));
    wf_buf_fini(&request);
    wf_buf_reset(&all.answer);
    while (child_read(&fd, &all.answer))
        ;
    wf_buf_putc(&all.answer, '\0');
    const char *found = strstr(wf_buf_ptr(&all.answer), "\r\n\r\n");
    note("%s: %s", line, wf_buf_ptr(&all.answer));
    CHECK(found != NULL);
    return found + 4;
}

static const char *call(const char *line, const char *body)
{
    return call_for("*/*", line, body);
}

/* ---- all three ---- */

/* What `head` and `tail` are around. */
static void check_within(const char *said, const char *head, const weft_text *json,
                         const char *tail)
{
    size_t before = strlen(head), behind = strlen(tail);
    CHECK_BYTES(said, before, head, before);
    CHECK_GE(strlen(said), before + json->len + behind);
    CHECK_BYTES(said + before, json->len, json->ptr, json->len);
    CHECK_BYTES(said + before + json->len, behind, tail, behind);
}

/* The program's line is this, and no more. */
static void check_line(const struct run *run, const weft_text *json)
{
    CHECK_STR(run->err, "");
    CHECK_EQ(run->code, 0);
    CHECK_EQ(strlen(run->out), json->len + 1);
    check_within(run->out, "", json, "\n");
}

#define CHECK_PROGRAM(json_, ...)                                                                  \
    do {                                                                                           \
        struct run run_;                                                                           \
        RUN(&run_, "match", __VA_ARGS__);                                                          \
        check_line(&run_, (json_));                                                                \
        run_fini(&run_);                                                                           \
    } while (0)

static void check_matches(void)
{
    static const char body[] = "{\"query\":\"knife\",\"top_k\":3}";
    const weft_str query = WEFT_STR("knife");
    weft_m_query options;
    weft_text json;
    weft_m_query_init(&options);
    options.top_k = 3;
    CHECK_OK(weft_m_match_json(all.matcher, query, &options, &json, NULL));
    check_within(call("POST /v1/match", body), "{\"result\":", &json, ",\"mode\":\"zero-shot\"");
    check_within(call("POST /v1/batch", "{\"queries\":[\"knife\"],\"top_k\":3}"), "{\"results\":[",
                 &json, "]}");
    CHECK_PROGRAM(&json, "query", "-e", PRODUCTS, "-k", "3", "knife");
    weft_text_free(&json);

    CHECK_OK(weft_m_explain_json(all.matcher, query, 3, &json, NULL));
    check_within(call("POST /v1/explain", body), "", &json, "");
    CHECK_PROGRAM(&json, "explain", "-e", PRODUCTS, "-k", "3", "knife");
    weft_text_free(&json);

    CHECK_OK(weft_m_diagnose_json(all.matcher, query, 3, &json, NULL));
    CHECK(strstr(json.ptr, "Several are about as likely") != NULL);
    check_within(call("POST /v1/diagnose", body), "", &json, "");
    CHECK_PROGRAM(&json, "diagnose", "-e", PRODUCTS, "-k", "3", "knife");
    weft_text_free(&json);

    CHECK_OK(weft_m_info_json(all.matcher, &json));
    check_within(call("GET /v1/info", ""), "", &json, "");
    CHECK_PROGRAM(&json, "info", "-e", PRODUCTS);
    weft_text_free(&json);
}

static void check_novelty(void)
{
    const weft_str query = WEFT_STR("vegan lunch");
    weft_m_novelty_options options;
    weft_m_results *results;
    weft_text json;
    weft_m_novelty_options_init(&options);
    options.alpha = 0.1;
    CHECK_OK(weft_m_novelty(all.matcher, &query, 1, &options, &results, NULL));
    CHECK_OK(weft_m_novelty_result_json(results, 0, &json));
    weft_m_results_free(results);
    check_within(call("POST /v1/novelty", "{\"query\":\"vegan lunch\",\"alpha\":0.1}"), "", &json,
                 "");
    check_within(call("POST /v1/novelty", "{\"queries\":[\"vegan lunch\"],\"alpha\":0.1}"),
                 "{\"results\":[", &json, "]}");
    CHECK_PROGRAM(&json, "novelty", "-e", PRODUCTS, "--alpha", "0.1", "vegan lunch");
    weft_text_free(&json);
}

static void check_hierarchy(void)
{
    const weft_str query = WEFT_STR("knife");
    weft_m_hierarchy_options options;
    weft_m_results *results;
    weft_hierarchy *hierarchy;
    weft_text json;
    weft_m_hierarchy_options_init(&options);
    options.within = weft_str_of("kitchen");
    CHECK_OK(weft_m_hierarchy_match(all.matcher, &query, 1, &options, &results, NULL));
    CHECK_OK(weft_m_hierarchy_result_json(results, 0, &json));
    weft_m_results_free(results);
    check_within(call("POST /v1/hierarchy", "{\"query\":\"knife\",\"within\":\"kitchen\"}"), "",
                 &json, "");
    CHECK_PROGRAM(&json, "hierarchy", "-e", PRODUCTS, "--within", "kitchen", "knife");
    weft_text_free(&json);

    CHECK_OK(weft_m_hierarchy(all.matcher, &hierarchy, NULL));
    CHECK_OK(weft_hierarchy_entity_json(hierarchy, weft_str_of("shop"), 1, &json));
    check_within(call("GET /v1/hierarchy?id=shop&max_depth=1", ""), "", &json, "");
    CHECK_PROGRAM(&json, "hierarchy", "-e", PRODUCTS, "--show", "shop", "--max-depth", "1");
    weft_text_free(&json);
    CHECK_OK(weft_hierarchy_entity_json(hierarchy, weft_str_of("shop"), 3, &json));
    check_within(call("GET /v1/hierarchy?id=shop", ""), "", &json, "");
    CHECK_PROGRAM(&json, "hierarchy", "-e", PRODUCTS, "--show", "shop");
    weft_text_free(&json);
    weft_hierarchy_unref(hierarchy);
}

#define TEXTS(between_)                                                                            \
    "zebra crossing permit form" between_ "zebra crossing permit forms" between_                   \
    "the zebra crossing permit form" between_ "zebra crossing permit form?" between_               \
    "zebra crossing permit form a" between_ "zebra crossing permit form b"
#define TEXT_COUNT 6

static void take_texts(weft_str out[TEXT_COUNT])
{
    const char *at = TEXTS("\n");
    for (size_t i = 0; i < TEXT_COUNT; i++) {
        out[i] = (weft_str){at, strcspn(at, "\n")};
        at += out[i].len + 1;
    }
}

static void write_texts(void)
{
    static const char text[] = TEXTS("\n") "\n";
    int fd = open(path_of("texts.txt"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK_OK(fd);
    CHECK_EQ(write(fd, text, sizeof(text) - 1), (ssize_t)sizeof(text) - 1);
    close(fd);
}

/* The result of a discovery that has ended. */
static const char *call_discover(const char *body)
{
    char line[64], id[17];
    snprintf(id, sizeof(id), "%.16s", call("POST /v1/discover", body) + strlen("{\"job\":\""));
    snprintf(line, sizeof(line), "GET /v1/jobs/%s/events", id);
    (void)call(line, "");
    snprintf(line, sizeof(line), "GET /v1/jobs/%s/result", id);
    return call(line, "");
}

static void check_discovery(void)
{
    weft_str texts[TEXT_COUNT];
    weft_m_discover_options options;
    weft_m_discovery *found;
    weft_m_reviews *reviews;
    weft_text json;
    size_t count;
    weft_m_discover_options_init(&options);
    take_texts(texts);
    CHECK_OK(weft_m_discover(all.matcher, texts, TEXT_COUNT, &options, &found, NULL));
    CHECK_EQ(found->cluster_count, 1);
    CHECK_OK(weft_m_discovery_json(found, texts, &json));
    weft_m_discovery_free(found);
    check_within(call_discover("{\"texts\":[\"" TEXTS("\",\"") "\"],\"review\":true}"), "", &json,
                 "");
    CHECK_PROGRAM(&json, "discover", "-e", PRODUCTS, "-f", path_of("texts.txt"));
    weft_text_free(&json);

    CHECK_OK(weft_m_reviews_open(&reviews, path_of("default.reviews.json"), NULL));
    CHECK_OK(weft_m_review_json(&weft_m_reviews_list(reviews, &count)[0], &json));
    CHECK_EQ(count, 1u);
    weft_m_reviews_close(reviews);
    check_within(call("GET /v1/reviews", ""), "{\"reviews\":[", &json, "],\"total\":1}");
    CHECK_PROGRAM(&json, "review", "list", "--storage-path", path_of("default.reviews.json"));
    weft_text_free(&json);
}

static void check_drift(void)
{
    weft_str texts[TEXT_COUNT];
    weft_m_profile *before, *now;
    weft_m_drift_report *report;
    weft_text json;
    take_texts(texts);
    (void)call("PUT /v1/profile", "{\"texts\":[\"knife\",\"pan\",\"usb cable\",\"zephyr\"]}");
    CHECK_OK(weft_m_profile_load(&before, path_of("default.profile.json"), NULL));
    CHECK_OK(weft_m_profile_take(&now, all.matcher, texts, TEXT_COUNT, NULL));
    CHECK_OK(weft_m_drift(&report, before, now, NULL, NULL));
    CHECK_OK(weft_m_drift_report_json(report, &json));
    weft_m_drift_report_free(report);
    weft_m_profile_free(before);
    weft_m_profile_free(now);
    check_within(call("POST /v1/drift", "{\"texts\":[\"" TEXTS("\",\"") "\"]}"), "", &json, "");
    char profile[80];
    snprintf(profile, sizeof(profile), "%s", path_of("default.profile.json"));
    CHECK_PROGRAM(&json, "drift", "-e", PRODUCTS, "-f", path_of("texts.txt"), "--against", profile);
    weft_text_free(&json);
}

TEST(library_program_and_service_say_the_same)
{
    begin();
    write_texts();
    check_matches();
    check_novelty();
    check_hierarchy();
    check_discovery();
    check_drift();
    end();
}

/* ---- any text, in every mode ---- */

#define ODD_COUNT 24
#define LONG_BYTES 10000

static char long_text[LONG_BYTES], many_words[1200];

static const weft_str odd[ODD_COUNT] = {
    WEFT_STR("knife"),
    WEFT_STR(""),
    WEFT_STR(" "),
    WEFT_STR("\xE3\x80\x80\t\n"),
    WEFT_STR("kn\0ife"),
    WEFT_STR("\0"),
    WEFT_STR("\xF0\x9F\x94\xAA knife \xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB"),
    WEFT_STR("\xD8\xB3\xD9\x83\xD9\x8A\xD9\x86 \xE2\x80\xAEknife"),
    WEFT_STR("k\xCC\x81\xCC\x88\xCC\x81nife"),
    WEFT_STR("KNIFE"),
    WEFT_STR("\xEF\xBC\xAB\xEF\xBC\xAE\xEF\xBC\xA9\xEF\xBC\xA6\xEF\xBC\xA5"),
    WEFT_STR("\xE2\x80\x8Bknife\xEF\xBB\xBF"),
    WEFT_STR("usb\tcabel\r\n"),
    WEFT_STR("\"quoted\" \\ </script> %s %00"),
    WEFT_STR("k"),
    WEFT_STR("1234567890"),
    WEFT_STR("mobile phones|cell phones"),
    WEFT_STR("everything for sale"),
    WEFT_STR("cookwear"),
    WEFT_STR("\xF4\x8F\xBF\xBF\x01\x7F"),
    WEFT_STR("\xE6\x97\xA5\xE6\x9C\xAC"),
    WEFT_STR("knife"),
    {long_text, sizeof(long_text)},
    {many_words, sizeof(many_words)},
};

static void make_odd(void)
{
    for (size_t i = 0; i < sizeof(long_text); i++)
        long_text[i] = (char)('a' + i * i % 7);
    for (size_t i = 0; i < sizeof(many_words); i++)
        many_words[i] = "knife "[i % 6];
}

/* {"queries":[…],"top_k":3} */
static void put_body(wf_buf *out)
{
    wf_json json = {.out = out};
    wf_json_object(&json);
    wf_json_put_strs(&json, "queries", odd, ODD_COUNT);
    wf_json_key(&json, "top_k");
    wf_json_int(&json, 3);
    wf_json_object_end(&json);
    wf_buf_putc(out, '\0');
    CHECK_OK(out->rc);
}

static void write_odd(void)
{
    wf_buf lines = {0};
    for (size_t i = 0; i < ODD_COUNT; i++) {
        wf_json json = {.out = &lines};
        wf_json_object(&json);
        wf_json_key(&json, "query");
        wf_json_str(&json, odd[i]);
        wf_json_object_end(&json);
        wf_buf_putc(&lines, '\n');
    }
    int fd = open(path_of("texts.ndjson"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK_OK(fd);
    CHECK_EQ(write(fd, wf_buf_ptr(&lines), wf_buf_bytes(&lines)), (ssize_t)wf_buf_bytes(&lines));
    close(fd);
    wf_buf_fini(&lines);
}

/* The entities of half of the catalogue, by names of their own and some that only examples say. */
static void fit_mode(const char *mode)
{
    weft_m_fit_options options;
    weft_m_example examples[16];
    weft_matcher *matcher = open_products();
    size_t count = 0;
    weft_m_results *results;
    const weft_str text = WEFT_STR("knife");
    CHECK_OK(weft_m_match(matcher, &text, 1, NULL, &results, NULL));
    for (; count < 16; count++) {
        const weft_m_entity *entity = weft_m_results_entity(results, (uint32_t)(count % 8));
        examples[count] = (weft_m_example){.text = odd[count % 4 == 0 ? 17 : 18 - count % 3],
                                           .label = entity->id};
    }
    weft_m_fit_options_init(&options);
    options.mode = weft_str_of(mode);
    options.num_epochs = 1;
    CHECK_OK(weft_m_fit(matcher, examples, count, &options, NULL));
    CHECK_OK(weft_m_save(matcher, path_of("m.weftm"), NULL));
    weft_m_results_free(results);
    all.matcher = matcher;
}

/* The program's lines and those of the service's stream are the items of the list. */
static void check_lines(const weft_m_results *results, const char *lines, const char *stream)
{
    for (size_t i = 0; i < ODD_COUNT; i++) {
        weft_text json;
        char head[48];
        CHECK_OK(weft_m_result_json(results, i, &json));
        note("text %zu: %s", i, json.ptr);
        CHECK_EQ(strcspn(lines, "\n"), json.len);
        CHECK_BYTES(lines, json.len, json.ptr, json.len);
        int bytes = snprintf(head, sizeof(head), "{\"index\":%zu,\"result\":", i);
        CHECK_EQ(strcspn(stream, "\n"), (size_t)bytes + json.len + 1);
        CHECK_BYTES(stream, bytes, head, bytes);
        CHECK_BYTES(stream + bytes, json.len, json.ptr, json.len);
        lines += json.len + 1;
        stream += (size_t)bytes + json.len + 2;
        weft_text_free(&json);
    }
    CHECK_STR(lines, "");
}

static void check_odd(void)
{
    wf_buf body = {0};
    struct run run;
    weft_m_query query;
    weft_m_results *results;
    weft_text list;
    char matcher[80];
    weft_m_query_init(&query);
    query.top_k = 3;
    put_body(&body);
    snprintf(matcher, sizeof(matcher), "%s", path_of("m.weftm"));
    CHECK_OK(weft_m_batch_json(all.matcher, odd, ODD_COUNT, &query, 5, &list, NULL));
    check_within(call("POST /v1/batch", wf_buf_ptr(&body)), "{\"results\":", &list, "}");
    weft_text_free(&list);
    CHECK_OK(weft_m_match(all.matcher, odd, ODD_COUNT, &query, &results, NULL));
    RUN(&run, "match", "query", "-m", matcher, "-k", "3", "-f", path_of("texts.ndjson"));
    CHECK_STR(run.err, "");
    check_lines(results, run.out,
                call_for("application/x-ndjson", "POST /v1/batch", wf_buf_ptr(&body)));
    run_fini(&run);
    weft_m_results_free(results);
    wf_buf_fini(&body);

    CHECK_OK(weft_m_explain_json(all.matcher, odd[6], 3, &list, NULL));
    check_within(call("POST /v1/explain", "{\"query\":\"\xF0\x9F\x94\xAA knife "
                                          "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB\","
                                          "\"top_k\":3}"),
                 "", &list, "");
    CHECK_PROGRAM(&list, "explain", "-m", matcher, "-k", "3", odd[6].ptr);
    weft_text_free(&list);
}

TEST(every_mode_says_the_same_of_any_text)
{
    static const char *const modes[] = {"zero-shot", "head-only", "full", "bert", "hybrid"};
    snprintf(all.dir, sizeof(all.dir), "/tmp/weft-same-XXXXXX");
    CHECK(mkdtemp(all.dir) != NULL);
    make_odd();
    write_odd();
    for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
        fit_mode(modes[i]);
        start_service("-m", path_of("m.weftm"));
        check_odd();
        if (i + 1 == sizeof(modes) / sizeof(*modes))
            break;
        stop_service();
        weft_m_close(all.matcher);
    }
    end();
}
