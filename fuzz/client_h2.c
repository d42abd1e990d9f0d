/* SPDX-License-Identifier: MIT */

/*
 * The client and whatever a server of HTTP/2 may send, in a simulated world: one request, and for
 * one input in four two at a time.  The client's limits are so small that few frames reach them.
 * Every answer is whole and HTTP, or an error; nothing hangs, and of the client's connections none
 * stays behind.
 *
 * Input: a byte that says how large the first pieces are, and the bytes behind the server's first
 * SETTINGS.
 */

#include "cut.h"
#include "world.h"

#include <weft.h>
#include <weft/client.h>
#include <weft/net.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PIECES_MAX = 4, WAIT_SECONDS_MAX = 60 };

struct answer {
    const uint8_t *data;
    size_t size;
    size_t piece;
    bool asks_twice; /* two requests at a time */
};

struct server {
    const struct answer *answer;
    weft_listener *listener;
    char url[64];
};

struct question {
    weft_client *client;
    const char *url;
};

/* ---- the server ---- */

static int say(weft_stream *stream, const struct answer *answer)
{
    static const char settings[9] = {0, 0, 0, 4};
    WEFT_TRY(weft_stream_write(stream, settings, sizeof settings));
    size_t left = answer->size;
    for (int piece = 1; left != 0; piece++) {
        size_t count = left < answer->piece || piece == PIECES_MAX ? left : answer->piece;
        WEFT_TRY(weft_stream_write(stream, answer->data + answer->size - left, count));
        WEFT_TRY(weft_stream_flush(stream));
        left -= count;
    }
    return weft_stream_shutdown(stream);
}

static int serve(void *arg)
{
    const struct server *server = arg;
    int rc = 0;
    while (rc != -ECANCELED) {
        weft_stream *stream;
        weft_str input;
        WEFT_TRY(weft_listener_accept(server->listener, &stream));
        rc = say(stream, server->answer);
        for (ssize_t got = 1; rc == 0 && got > 0; rc = got < 0 ? (int)got : 0) {
            got = weft_stream_peek(stream, 1, &input);
            weft_stream_consume(stream, got > 0 ? input.len : 0);
        }
        weft_stream_abort(stream);
    }
    return rc;
}

/* ---- the requests ---- */

static int ask(void *arg)
{
    const struct question *question = arg;
    weft_client_response page;
    weft_client_request request = {.url = question->url, .body = WEFT_STR("ask"), .method = "POST"};
    int rc = weft_client_fetch(question->client, &request, &page);
    if (rc < 0)
        return 0;
    assert(page.version == 20);
    assert(page.status >= 200 && page.status <= 999);
    for (size_t i = 0; i < page.field_count; i++)
        assert(memchr(page.fields[i].value.ptr, '\n', page.fields[i].value.len) == NULL);
    weft_str length = weft_client_response_field(&page, "content-length");
    if (length.ptr != NULL && weft_client_response_field(&page, "content-encoding").ptr == NULL &&
        page.status != 204 && page.status != 304)
        assert(page.body.len == strtoull(length.ptr, NULL, 10));
    weft_client_response_free(&page);
    return 0;
}

static void talk(const struct answer *answer, const char *url)
{
    static const weft_client_options options = {.assumes_h2 = true,
                                                .limits = {.head_bytes_max = 1000,
                                                           .retry_count_max = 1,
                                                           .h2_stream_window = 512,
                                                           .h2_table_bytes_max = 256,
                                                           .h2_continuation_count_max = 3,
                                                           .h2_reset_burst = 2,
                                                           .h2_odd_burst = 8,
                                                           .h2_control_count_max = 4}};
    struct question question = {.url = url};
    int rc = weft_client_new(&question.client, &options);
    assert(rc == 0);
    if (answer->asks_twice)
        rc = weft_gather(weft_spawn(ask, &question), weft_spawn(ask, &question));
    else
        rc = ask(&question);
    assert(rc == 0);
    weft_client_free(question.client);
}

/* ---- the world ---- */

static void server_open(struct server *server)
{
    weft_addr addr;
    int rc = weft_addr_parse(&addr, "127.0.0.1:0");
    assert(rc == 0);
    rc = weft_listener_open(&server->listener, &addr, NULL);
    assert(rc == 0);
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%d/",
             weft_addr_get_port(weft_listener_get_addr(server->listener)));
}

/* Connections end in their own time, which is bounded. */
static void wait_for_end(uint32_t descriptors)
{
    for (int seconds = 0; world_descriptors() != descriptors; seconds++) {
        assert(seconds < WAIT_SECONDS_MAX);
        int rc = weft_sleep(WEFT_SEC);
        assert(rc == 0);
    }
}

static int live(void *arg)
{
    struct server server = {.answer = NULL};
    (void)arg;
    server_open(&server);
    weft_task serving = weft_spawn(serve, &server);
    uint32_t descriptors = world_descriptors();
    while ((server.answer = world_next()) != NULL) {
        talk(server.answer, server.url);
        wait_for_end(descriptors);
    }
    weft_cancel(serving, "all was said");
    (void)weft_await(serving);
    weft_listener_close(server.listener);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct answer answer = {.data = data + 1,
                            .size = size - 1,
                            .piece = 1 + data[0],
                            .asks_twice = input_hash(data, size) % 4 == 0};
    world_try(live, &answer);
    return 0;
}
