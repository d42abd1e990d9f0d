/* SPDX-License-Identifier: MIT */

/* Clients and exchanges that were never closed: they, and not their connections. */

#include "fixture.h"
#include "liar.h"
#include "net/left_open.h"

static struct fixture fixture;
static weft_exchange *exchange;

static int body_asks(void *arg)
{
    WEFT_TRY(fixture_open(&fixture, NULL));
    weft_client_request request = {.url = fixture_url(&fixture, "/ok")};
    (void)arg;
    return weft_exchange_open(&exchange, fixture.client, &request);
}

/* With a connection that is kept for the next request. */
static int body_leaves_a_client(void *arg)
{
    char text[8];
    WEFT_TRY(body_asks(arg));
    CHECK_EQ(weft_exchange_read(exchange, text, sizeof text), 3);
    CHECK_EQ(weft_exchange_read(exchange, text, sizeof text), 0);
    weft_exchange_close(exchange);
    return site_close(&fixture.site);
}

static int body_leaves_an_exchange(void *arg)
{
    WEFT_TRY(body_asks(arg));
    return site_close(&fixture.site);
}

static int body_leaves_a_conversation(void *arg)
{
    WEFT_TRY(fixture_open(&fixture, NULL));
    weft_client_request request = {.url = fixture_url(&fixture, "/echo")};
    (void)arg;
    WEFT_TRY(weft_exchange_begin(&exchange, fixture.client, &request));
    return site_close(&fixture.site);
}

/* A stream that was the client's, until the server changed the protocol. */
static int detach(weft_stream **out)
{
    static const struct liar_step steps[] = {
        {.answer = "HTTP/1.1 101 Switching Protocols\r\n"
                   "Connection: Upgrade\r\nUpgrade: chatter\r\n\r\n",
         .then = LIAR_STALL},
    };
    static struct liar liar;
    weft_client *client;
    LIAR_OPEN(&liar, steps);
    weft_client_request request = {.url = liar_url(liar.port, "/"), .upgrade = "chatter"};
    WEFT_TRY(weft_client_new(&client, NULL));
    WEFT_TRY(weft_exchange_open(&exchange, client, &request));
    WEFT_TRY(weft_exchange_detach(exchange, out));
    weft_exchange_close(exchange);
    weft_client_free(client);
    liar_close(&liar);
    return 0;
}

static int body_leaves_a_detached_stream(void *arg)
{
    weft_stream *stream;
    (void)arg;
    return detach(&stream);
}

static int body_closes_a_detached_stream(void *arg)
{
    weft_stream *stream;
    (void)arg;
    WEFT_TRY(detach(&stream));
    return weft_stream_close(stream);
}

static int body_closes(void *arg)
{
    WEFT_TRY(body_asks(arg));
    weft_exchange_close(exchange);
    return fixture_close(&fixture);
}

TEST(test_L06_a_client_left_open_is_named_and_does_not_keep_the_run)
{
    static const char *const texts[] = {
        "debug: HTTP client was never closed: weft_client_close() it; opened: ",
        NULL,
    };
    check_left(body_leaves_a_client, texts);
}

TEST(test_L06_an_exchange_left_open_is_named_and_does_not_keep_the_run)
{
    static const char *const texts[] = {
        "debug: exchange with http://127.0.0.1:",
        " was never closed: weft_exchange_close() it; opened: ",
        NULL,
    };
    check_left(body_leaves_an_exchange, texts);
}

TEST(test_L06_an_exchange_of_both_ways_left_open_is_named_and_does_not_keep_the_run)
{
    static const char *const texts[] = {
        "debug: exchange with http://127.0.0.1:",
        " was never closed: weft_exchange_close() it; opened: ",
        NULL,
    };
    check_left(body_leaves_a_conversation, texts);
}

TEST(test_L06_a_stream_detached_from_an_exchange_is_its_users_to_close)
{
    static const char *const texts[] = {
        "debug: stream was never closed: weft_stream_close() it; opened: ",
        NULL,
    };
    check_left(body_leaves_a_detached_stream, texts);
    check_nothing_left(body_closes_a_detached_stream);
}

TEST(clients_that_were_closed_are_not_told)
{
    check_nothing_left(body_closes);
}
