/* SPDX-License-Identifier: MIT */

/* How a client leaves the connections that it kept. */

#include "h2_liar.h"
#include "liar.h"

#include "client/client_priv.h"

/* Answers requests as they come; how the client left is in `goaway`. */
static int answer_all(struct h2_liar *liar, struct h2_peer *peer)
{
    for (int32_t id; (id = h2_liar_hear(liar, peer)) != 0;)
        WEFT_TRY(h2_liar_answer(peer, id));
    return 0;
}

static void part(struct h2_liar *liar)
{
    CHECK_OK(weft_sleep(3 * WEFT_SEC)); /* until the server has read to the end */
    CHECK_EQ(liar->client != NULL ? liar->client->conn_count : 0, 0);
    CHECK_EQ(liar->goaway, NGHTTP2_NO_ERROR);
}

TASK_TEST(h2_a_connection_that_was_idle_too_long_ends_by_goaway)
{
    struct h2_liar liar = {.goaway = -1};
    h2_liar_open(&liar, answer_all, (weft_client_options){.limits.idle_max = 5 * WEFT_SEC});
    CHECK_EQ(h2_liar_ask(&liar, (weft_client_request){0}), 200);
    CHECK_OK(weft_sleep(4 * WEFT_SEC));
    CHECK_EQ(liar.client->conn_count, 1);
    part(&liar);
    h2_liar_close(&liar);
}

TASK_TEST(h2_a_client_that_is_closed_says_goaway)
{
    struct h2_liar liar = {.goaway = -1};
    h2_liar_open(&liar, answer_all, (weft_client_options){0});
    CHECK_EQ(h2_liar_ask(&liar, (weft_client_request){0}), 200);
    weft_client_close(liar.client);
    liar.client = NULL;
    part(&liar);
    h2_liar_close(&liar);
}

/* Also one that is closed on the way out of a cancelled task. */
static int close_it(void *arg)
{
    struct h2_liar *liar = arg;
    int rc = weft_sleep(WEFT_FOREVER);
    weft_client_close(liar->client);
    liar->client = NULL;
    return rc;
}

TASK_TEST(h2_a_client_says_goaway_in_the_clean_up_of_a_cancelled_task)
{
    struct h2_liar liar = {.goaway = -1};
    h2_liar_open(&liar, answer_all, (weft_client_options){0});
    CHECK_EQ(h2_liar_ask(&liar, (weft_client_request){0}), 200);
    weft_task task = weft_spawn(close_it, &liar);
    CHECK_OK(weft_yield());
    weft_cancel(task, "out");
    CHECK_EQ(weft_await(task), -ECANCELED);
    part(&liar);
    h2_liar_close(&liar);
}

/* ---- HTTP/1.1: the end of the connection is all there is to say, and no reset ---- */

struct listening {
    weft_listener *listener;
    ssize_t last; /* what the server read behind the request */
};

static int serve_one(void *arg)
{
    struct listening *self = arg;
    weft_stream *stream;
    weft_str head;
    char byte;
    WEFT_TRY(weft_listener_accept(self->listener, &stream));
    ssize_t got = weft_stream_peek_until(stream, (weft_str){"\r\n\r\n", 4}, 4096, &head);
    CHECK_GT(got, 0);
    weft_stream_consume(stream, (size_t)got);
    CHECK_OK(weft_stream_write(stream, OK_HI, strlen(OK_HI)));
    CHECK_OK(weft_stream_flush(stream));
    self->last = weft_stream_read(stream, &byte, 1);
    return weft_stream_close(stream);
}

TASK_TEST(connections_that_were_kept_end_without_a_reset)
{
    for (int is_closed = 0; is_closed < 2; is_closed++) {
        struct listening self = {.last = 1};
        weft_client *client;
        weft_client_response page;
        weft_addr addr;
        CHECK_OK(weft_addr_parse(&addr, "127.0.0.1:0"));
        CHECK_OK(weft_listener_open(&self.listener, &addr, NULL));
        CHECK_OK(weft_client_new(&client, NULL));
        weft_task task = weft_spawn(serve_one, &self);
        int port = weft_addr_get_port(weft_listener_get_addr(self.listener));
        CHECK_OK(weft_client_get(client, liar_url((uint16_t)port, "/"), &page));
        weft_client_response_free(&page);
        CHECK_EQ(client->conn_count, 1);
        if (is_closed) {
            weft_client_close(client);
            CHECK_OK(weft_await(task));
        } else {
            CHECK_OK(weft_await(task)); /* the connection is not kept for ever */
            CHECK_EQ(client->conn_count, 0);
            weft_client_free(client);
        }
        CHECK_EQ(self.last, 0);
        weft_listener_close(self.listener);
    }
    weft_client_close(NULL);
}

/* A server that opens its windows wide and takes nothing is not waited for. */
static int stop_reading(struct h2_liar *liar, struct h2_peer *peer)
{
    (void)liar;
    WEFT_TRY(h2_peer_frame(peer, NGHTTP2_WINDOW_UPDATE, 0, 0, "\x7f\0\0\0", 4));
    return weft_sleep(WEFT_FOREVER);
}

static ssize_t endless_read(void *buf, size_t bytes, void *arg)
{
    (void)arg;
    memset(buf, 'x', bytes);
    return (ssize_t)bytes;
}

TASK_TEST(h2_a_close_does_not_wait_long_for_a_server_that_takes_nothing)
{
    struct h2_liar liar = {.setting = NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, .value = INT32_MAX};
    weft_client_response none;
    weft_client_options options = {.limits = {.between_max = WEFT_SEC, .retry_count_max = 1}};
    h2_liar_open(&liar, stop_reading, options);
    weft_client_request request = {.url = liar.url, .body_read = endless_read};
    CHECK_EQ(weft_client_fetch(liar.client, &request, &none), -ETIMEDOUT);
    CHECK_EQ(liar.client->conn_count, 1);
    weft_time since = weft_now();
    weft_client_close(liar.client);
    CHECK_EQ((weft_now() - since + WEFT_SEC / 2) / WEFT_SEC, 1);
    liar.client = NULL;
    h2_liar_close(&liar);
}
