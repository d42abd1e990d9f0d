/* SPDX-License-Identifier: MIT */

/*
 * The client and whatever a server of HTTP/2 may send: two requests at a time, in a simulated
 * world. Every answer is whole and HTTP, or an error; nothing hangs and nothing is left.
 *
 * Input: a byte that says into what pieces the bytes are cut, and the bytes behind the server's
 * first SETTINGS.
 */

#include <weft.h>
#include <weft/client.h>
#include <weft/net.h>
#include <weft/sim.h>

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    const uint8_t *data;
    size_t size;
    size_t piece;
    weft_listener *listener;
    weft_client *client;
    char url[64];
};

/* ---- the server ---- */

static int say(weft_stream *stream, const struct world *world)
{
    static const char settings[9] = {0, 0, 0, 4};
    WEFT_TRY(weft_stream_write(stream, settings, sizeof settings));
    for (size_t at = 0; at < world->size; at += world->piece) {
        size_t left = world->size - at;
        WEFT_TRY(
            weft_stream_write(stream, world->data + at, left < world->piece ? left : world->piece));
        WEFT_TRY(weft_stream_flush(stream));
    }
    return weft_stream_shutdown(stream);
}

static int serve(void *arg)
{
    const struct world *world = arg;
    int rc = 0;
    while (rc != -ECANCELED) {
        weft_stream *stream;
        weft_str input;
        WEFT_TRY(weft_listener_accept(world->listener, &stream));
        rc = say(stream, world);
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
    const struct world *world = arg;
    weft_client_response page;
    weft_client_request request = {.url = world->url, .body = WEFT_STR("ask"), .method = "POST"};
    int rc = weft_client_fetch(world->client, &request, &page);
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

static int talk(void *arg)
{
    struct world *world = arg;
    weft_addr addr;
    const weft_client_options options = {
        .assumes_h2 = true,
        .limits = {.head_bytes_max = 1000, .retry_count_max = 1, .h2_odd_burst = 20}};
    WEFT_TRY(weft_addr_parse(&addr, "127.0.0.1:0"));
    WEFT_TRY(weft_listener_open(&world->listener, &addr, NULL));
    snprintf(world->url, sizeof world->url, "http://127.0.0.1:%d/",
             weft_addr_get_port(weft_listener_get_addr(world->listener)));
    assert(weft_client_new(&world->client, &options) == 0);
    weft_task server = weft_spawn(serve, world);
    assert(weft_gather(weft_spawn(ask, world), weft_spawn(ask, world)) == 0);
    weft_client_free(world->client);
    weft_cancel(server, "all was said");
    (void)weft_await(server);
    weft_listener_close(world->listener);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct world world = {.data = data + 1, .size = size - 1, .piece = 1 + data[0] * 16u};
    const weft_sim_options plan = {
        .delay_max = -1, .short_ppm = WEFT_SIM_NEVER, .wait_ppm = WEFT_SIM_NEVER};
    int rc = weft_sim_run_with(&plan, talk, &world);
    assert(rc == 0);
    return 0;
}
