/* SPDX-License-Identifier: MIT */

/* Requests after which the connection speaks another protocol. */

#include <weft.h>
#include <weft/client.h>

#include "liar.h"

#define SWITCH "HTTP/1.1 101 Switching Protocols\r\n"

static int ask(weft_exchange **out, weft_client *client, const struct liar *liar)
{
    weft_client_request request = {.url = liar_url(liar->port, "/"), .upgrade = "chatter"};
    return weft_exchange_open(out, client, &request);
}

TASK_TEST(client_gets_the_connection_that_was_upgraded)
{
    static const struct liar_step steps[] = {
        {.answer = SWITCH "Connection: Upgrade\r\nUpgrade: Chatter\r\n\r\nhello"},
        {.answer = OK_HI},
    };
    struct liar liar;
    weft_client *client;
    weft_exchange *exchange;
    weft_stream *stream;
    char seen[6] = "";
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    CHECK_OK(ask(&exchange, client, &liar));
    CHECK(liar_heard(&liar, 0, "Connection: Upgrade"));
    CHECK(liar_heard(&liar, 0, "Upgrade: chatter"));
    CHECK_EQ(weft_exchange_status(exchange), 101);
    CHECK_OK(weft_exchange_detach(exchange, &stream));
    CHECK_EQ(weft_exchange_detach(exchange, &stream), -EPROTO);
    weft_exchange_close(exchange);
    CHECK_EQ(weft_stream_read_exact(stream, seen, 5), 5);
    CHECK_STR(seen, "hello");
    CHECK_OK(weft_stream_close(stream));
    CHECK_EQ(liar_get(client, &liar, NULL), 200); /* over another one */
    CHECK_EQ(liar.connections, 2u);
    weft_client_free(client);
    liar_close(&liar);
}

TASK_TEST(client_cuts_an_upgraded_connection_that_nobody_takes)
{
    static const struct liar_step steps[] = {
        {.answer = SWITCH "Connection: Upgrade\r\nUpgrade: chatter\r\n\r\n", .then = LIAR_STALL},
    };
    struct liar liar;
    weft_client *client;
    weft_exchange *exchange;
    char byte;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    CHECK_OK(ask(&exchange, client, &liar));
    CHECK_EQ(weft_exchange_read(exchange, &byte, 1), 0);
    weft_exchange_close(exchange);
    weft_client_free(client);
    liar_close(&liar);
}

TASK_TEST(client_takes_no_upgrade_but_the_one_it_asked_for)
{
    static const char *const answers[] = {
        SWITCH "Connection: Upgrade\r\nUpgrade: other\r\n\r\n",
        SWITCH "Connection: Upgrade\r\n\r\n",
        SWITCH "Upgrade: chatter\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        const struct liar_step steps[] = {{.answer = answers[i]}};
        struct liar liar;
        weft_client *client;
        weft_exchange *exchange;
        note("answer %zu", i);
        LIAR_OPEN(&liar, steps);
        CHECK_OK(weft_client_new(&client, NULL));
        CHECK_EQ(ask(&exchange, client, &liar), -WEFT_ESYNTAX);
        weft_client_free(client);
        liar_close(&liar);
    }
}

TASK_TEST(client_may_be_answered_without_an_upgrade)
{
    static const struct liar_step steps[] = {{.answer = OK_HI}};
    struct liar liar;
    weft_client *client;
    weft_exchange *exchange;
    weft_stream *stream;
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    CHECK_OK(ask(&exchange, client, &liar));
    CHECK_EQ(weft_exchange_status(exchange), 200);
    CHECK_EQ(weft_exchange_detach(exchange, &stream), -EPROTO);
    weft_exchange_close(exchange);
    weft_client_request request = {.url = liar_url(liar.port, "/"), .upgrade = "a\r\nb"};
    CHECK_EQ(weft_exchange_open(&exchange, client, &request), -EINVAL);
    weft_client_free(client);
    liar_close(&liar);
}
