/* SPDX-License-Identifier: MIT */

/* Clients and exchanges that were never closed: they, and not their connections. */

#include "fixture.h"
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

TEST(clients_that_were_closed_are_not_told)
{
    check_nothing_left(body_closes);
}
