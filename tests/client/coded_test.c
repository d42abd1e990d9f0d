/* SPDX-License-Identifier: MIT */

/* Compressed answers: decoded on the way, and never a short or an endless success. */

#include <weft.h>
#include <weft/client.h>

#include "coding/coding.h"
#include "liar.h"
#include "site.h"

#include <stdlib.h>

/* "hello" by gzip. */
#define GZIP "\x1f\x8b\x08\0\0\0\0\0\0\x03\xcb\x48\xcd\xc9\xc9\x07\0\x86\xa6\x10\x36\x05\0\0\0"
#define GZIP_HEAD "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"

#define STEP(answer_, ...)                                                                         \
    {                                                                                              \
        .answer = (answer_), .len = sizeof(answer_) - 1, __VA_ARGS__                               \
    }

static void need_gzip(void)
{
    if (!wf_coding_is_there(WF_CODING_GZIP))
        SKIP("a content coding is not built in");
}

TASK_TEST(client_decodes_what_a_server_compresses)
{
    struct site site;
    weft_client *client;
    need_gzip();
    CHECK_OK(site_open(&site, &(weft_http_options){.compress_bytes_min = 1024}));
    weft_client_options options = {.limits.decoded_ratio_max = 100000}; /* a dull text */
    CHECK_OK(weft_client_new(&client, &options));
    uint16_t port = (uint16_t)weft_addr_get_port(&site.addr);
    for (enum wf_coding coding = WF_CODING_IDENTITY; coding < WF_CODING_COUNT; coding++) {
        weft_client_response page;
        const weft_client_field field = {WEFT_STR("Accept-Encoding"),
                                         weft_str_of(wf_coding_name(coding))};
        weft_client_request request = {.url = liar_url(port, "/large?kib=300")};
        CHECK_OK(weft_client_fetch(client, &request, &page));
        CHECK(weft_client_response_field(&page, "content-encoding").ptr != NULL);
        CHECK_EQ(page.body.len, 300u * 1024);
        for (size_t i = 0; i < page.body.len; i++)
            CHECK_EQ(page.body.ptr[i], (char)('a' + i % 23));
        weft_client_response_free(&page);

        request.fields = &field; /* who asks himself gets what comes */
        request.field_count = 1;
        CHECK_OK(weft_client_fetch(client, &request, &page));
        CHECK_EQ(page.body.len == 300u * 1024, coding == WF_CODING_IDENTITY);
        weft_client_response_free(&page);
    }
    weft_client_free(client);
    CHECK_OK(site_close(&site));
}

TASK_TEST(client_asks_for_codings_only_where_it_may)
{
    static const struct liar_step steps[] = {
        STEP(GZIP_HEAD "Content-Length: 25\r\n\r\n" GZIP),
        STEP(GZIP_HEAD "Content-Length: 25\r\n\r\n" GZIP),
        STEP(GZIP_HEAD "Content-Length: 25\r\n\r\n" GZIP),
        STEP(GZIP_HEAD "Content-Length: 25\r\n\r\n"),
    };
    static const weft_client_field range = {WEFT_STR("Range"), WEFT_STR("bytes=0-24")};
    struct liar liar;
    weft_client *client;
    char line[64];
    need_gzip();
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    snprintf(line, sizeof line, "Accept-Encoding: %s", wf_coding_list());
    for (unsigned i = 0; i < 4; i++) {
        weft_client_response page;
        weft_client_request request = {
            .method = i == 3 ? "HEAD" : "GET",
            .url = liar_url(liar.port, "/"),
            .keeps_coding = i == 1,
            .fields = &range,
            .field_count = i == 2,
        };
        CHECK_OK(weft_client_fetch(client, &request, &page));
        CHECK_EQ(liar_heard(&liar, i, line), i == 0 || i == 3);
        if (i == 0)
            CHECK_BYTES(page.body.ptr, page.body.len, "hello", 5);
        else
            CHECK_EQ(page.body.len, i == 3 ? 0u : 25u);
        weft_client_response_free(&page);
    }
    weft_client_free(client);
    liar_close(&liar);
}

TASK_TEST(class_26_a_coded_answer_that_is_cut_or_wrong_is_an_error)
{
    static const struct liar_step steps[] = {
        /* A byte less, and yet framed whole. */
        {.answer = GZIP_HEAD "Content-Length: 24\r\n\r\n" GZIP,
         .len = sizeof(GZIP_HEAD "Content-Length: 24\r\n\r\n" GZIP) - 2},
        STEP(GZIP_HEAD "\r\n" GZIP, .then = LIAR_CLOSE),
        STEP("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 25\r\n\r\n" GZIP),
        STEP(GZIP_HEAD "Content-Length: 29\r\n\r\n" GZIP "tail"),
        STEP("HTTP/1.1 200 OK\r\nContent-Encoding: pack\r\nContent-Length: 25\r\n\r\n" GZIP),
        STEP("HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\nContent-Length: 25\r\n\r\n" GZIP),
        STEP(GZIP_HEAD "Content-Length: 0\r\n\r\n"),
        STEP(GZIP_HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    };
    static const int expected[] = {
        -WEFT_ETRUNCATED, 0, -WEFT_ESYNTAX, -WEFT_ESYNTAX, -WEFT_ESYNTAX, -WEFT_ESYNTAX, 0, 0,
    };
    struct liar liar;
    weft_client *client;
    if (!wf_coding_is_there(WF_CODING_BR))
        SKIP("a content coding is not built in");
    need_gzip();
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        note("step %zu", i);
        weft_client_trace trace;
        weft_client_response page;
        weft_client_request request = {.url = liar_url(liar.port, "/"), .trace = &trace};
        CHECK_EQ(weft_client_fetch(client, &request, &page), expected[i]);
        if (expected[i] < 0) {
            CHECK(weft_error_text()[0] != 0);
            CHECK_NE(trace.phase, WEFT_CLIENT_DONE);
        } else {
            CHECK_EQ(trace.phase, WEFT_CLIENT_DONE);
            weft_client_response_free(&page);
        }
    }
    weft_client_free(client);
    liar_close(&liar);
}

TASK_TEST(class_21_a_bomb_ends_at_the_client_s_limits)
{
    static char zeros[(size_t)1 << 20];
    static char bomb[8192];
    size_t head = (size_t)snprintf(bomb, sizeof bomb, GZIP_HEAD "\r\n");
    struct wf_encoder *encoder;
    struct liar liar;
    weft_client *client;
    weft_client_response page;
    need_gzip();
    struct wf_coding_io io = {zeros, sizeof zeros, bomb + head, sizeof bomb - head};
    CHECK_OK(wf_encoder_new(&encoder, WF_CODING_GZIP, sizeof zeros));
    CHECK_EQ(wf_encoder_step(encoder, &io, WF_CODING_FINISH), 1);
    wf_encoder_free(encoder);
    const struct liar_step step = {.answer = bomb, .len = sizeof bomb - io.room};
    const struct liar_step steps[] = {step, step};
    LIAR_OPEN(&liar, steps);
    weft_client_options options = {.limits.body_bytes_max = 100000};
    CHECK_OK(weft_client_new(&client, NULL));
    CHECK_EQ(liar_get(client, &liar, NULL), -WEFT_ELIMIT);
    CHECK(strstr(weft_error_text(), "decoded_ratio_max 200") != NULL);
    weft_client_free(client);
    options.limits.decoded_ratio_max = 10000;
    CHECK_OK(weft_client_new(&client, &options));
    CHECK_EQ(weft_client_get(client, liar_url(liar.port, "/"), &page), -WEFT_ELIMIT);
    CHECK(strstr(weft_error_text(), "body_bytes_max") != NULL);
    weft_client_free(client);
    liar_close(&liar);
}

/* Whatever fails: the text whole, or an error. */
SCENARIO(client_decodes_with_anything_failing)
{
    struct site site;
    weft_client *client = NULL;
    weft_client_response page;
    int rc = site_open(&site, &(weft_http_options){.compress_bytes_min = 1});
    if (rc < 0)
        return rc;
    rc = weft_client_new(&client, NULL);
    if (rc == 0)
        rc = weft_client_get(
            client, liar_url((uint16_t)weft_addr_get_port(&site.addr), "/count?n=3"), &page);
    if (rc == 0 && page.status == 200)
        CHECK_BYTES(page.body.ptr, page.body.len, "line 0\nline 1\nline 2\n", 21);
    if (rc == 0)
        weft_client_response_free(&page);
    weft_client_free(client);
    int closed = site_close(&site);
    return rc < 0 ? rc : closed;
}
