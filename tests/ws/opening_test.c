/* SPDX-License-Identifier: MIT */

/* The opening handshake of both sides: who is refused, and what is agreed on. */

#include "ends.h"

#include "../client/liar.h"

/* ---- the server ---- */

static int ask(struct ends *ends, const char *head, char *answer, size_t bytes)
{
    weft_stream *stream;
    CHECK_OK(weft_stream_connect(&stream, &ends->addr));
    int status = raw_ask(stream, head, answer, bytes);
    weft_stream_abort(stream);
    return status;
}

#define GET "GET /ws HTTP/1.1\r\nHost: a.test:80\r\n"
#define UPGRADE "Connection: Upgrade\r\nUpgrade: websocket\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define KEY "Sec-WebSocket-Key: " RAW_KEY "\r\n"

TASK_TEST(requests_that_open_no_websocket_are_refused)
{
    static const struct {
        const char *head;
        int status;
    } table[] = {
        {GET UPGRADE VERSION KEY "\r\n", 101},
        {GET "Connection: x, upgrade\r\nUpgrade: h2c, WebSocket\r\n" VERSION KEY "\r\n", 101},
        {GET VERSION KEY "\r\n", 426},
        {GET "Upgrade: websocket\r\n" VERSION KEY "\r\n", 426},
        {GET "Connection: upgrade\r\n" VERSION KEY "\r\n", 426},
        {"GET /ws HTTP/1.0\r\nHost: a\r\n" UPGRADE VERSION KEY "\r\n", 426},
        {GET UPGRADE KEY "\r\n", 426},
        {GET UPGRADE "Sec-WebSocket-Version: 12\r\n" KEY "\r\n", 426},
        {GET UPGRADE "Sec-WebSocket-Version: 130\r\n" KEY "\r\n", 426},
        {GET UPGRADE VERSION "\r\n", 400},
        {GET UPGRADE VERSION "Sec-WebSocket-Key: short\r\n\r\n", 400},
        {GET UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==\r\n\r\n", 400},
        {"POST /ws HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n" UPGRADE VERSION KEY "\r\n", 405},
    };
    struct ends ends;
    char answer[1024];
    CHECK_OK(ends_open(&ends, NULL, ends_echo));
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        note("row %zu", i);
        CHECK_EQ(ask(&ends, table[i].head, answer, sizeof answer), table[i].status);
        if (table[i].status == 426)
            CHECK(strstr(answer, "\r\nSec-WebSocket-Version: 13\r\n") != NULL);
    }
    CHECK_OK(ends_close(&ends));
}

TASK_TEST(class_53_pages_of_other_origins_may_not_connect)
{
    static const char *const own[] = {"https://app.test", "https://b.test:8443"};
    static const char *const any[] = {"*"};
    static const struct {
        const char *const *origins;
        size_t count;
        const char *origin;
        int status;
    } table[] = {
        {NULL, 0, "Origin: http://a.test:80\r\n", 101},
        {NULL, 0, "Origin: http://A.test:80\r\n", 101},
        {NULL, 0, "", 101},
        {NULL, 0, "Origin: http://evil.test\r\n", 403},
        {NULL, 0, "Origin: http://a.test:80.evil.test\r\n", 403},
        {NULL, 0, "Origin: null\r\n", 403},
        {NULL, 0, "Origin: \r\n", 403},
        {own, 2, "Origin: https://app.test\r\n", 101},
        {own, 2, "Origin: https://b.test:8443\r\n", 101},
        {own, 2, "Origin: http://app.test\r\n", 403},
        {own, 2, "Origin: http://a.test:80\r\n", 403},
        {own, 2, "", 101},
        {any, 1, "Origin: http://evil.test\r\n", 101},
    };
    struct ends ends;
    char answer[1024], head[1024];
    CHECK_OK(ends_open(&ends, NULL, ends_echo));
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        note("row %zu", i);
        ends.options.origins = table[i].origins;
        ends.options.origin_count = table[i].count;
        snprintf(head, sizeof head, GET UPGRADE VERSION KEY "%s\r\n", table[i].origin);
        CHECK_EQ(ask(&ends, head, answer, sizeof answer), table[i].status);
    }
    CHECK_OK(ends_close(&ends));
}

TASK_TEST(a_subprotocol_is_chosen_by_the_servers_preference)
{
    static const char *const ours[] = {"chat.v2", "chat.v1"};
    static const char *const theirs[] = {"x", "chat.v1", "chat.v2"};
    static const char *const others[] = {"x", "y"};
    static const char *const wrong[] = {"a b"};
    struct ends ends;
    weft_ws *ws;
    CHECK_OK(ends_open(&ends, NULL, ends_echo));
    ends.options.protocols = ours;
    ends.options.protocol_count = 2;
    weft_ws_options options = {.protocols = theirs, .protocol_count = 3};
    CHECK_OK(ends_connect(&ends, &ws, &options));
    CHECK_STR(weft_ws_get_protocol(ws), "chat.v2");
    CHECK_EQ(weft_ws_close(ws, 1000, NULL), 0);

    options = (weft_ws_options){.protocols = others, .protocol_count = 2};
    CHECK_OK(ends_connect(&ends, &ws, &options));
    CHECK_STR(weft_ws_get_protocol(ws), "");
    CHECK_EQ(weft_ws_close(ws, 1000, NULL), 0);

    options = (weft_ws_options){.protocols = wrong, .protocol_count = 1};
    CHECK_EQ(ends_connect(&ends, &ws, &options), -EINVAL);
    CHECK_OK(ends_close(&ends));
}

/* RFC 6455 11.3.2 and 11.3.4. */
TASK_TEST(lists_may_come_in_several_fields)
{
    static const char *const ours[] = {"chat.v2", "chat.v1"};
    static const char one[] = "Sec-WebSocket-Protocol: x, chat.v1, chat.v2\r\n"
                              "Sec-WebSocket-Extensions: y, permessage-deflate\r\n\r\n";
    static const char many[] = "Sec-WebSocket-Protocol: x\r\nSec-WebSocket-Extensions: y\r\n"
                               "Sec-WebSocket-Protocol: chat.v1\r\n"
                               "Sec-WebSocket-Extensions: permessage-deflate\r\n"
                               "Sec-WebSocket-Protocol: chat.v2\r\n\r\n";
    struct ends ends;
    char answers[2][1024], head[1024];
    CHECK_OK(ends_open(&ends, NULL, ends_echo));
    ends.options.protocols = ours;
    ends.options.protocol_count = 2;
    for (int i = 0; i < 2; i++) {
        snprintf(head, sizeof head, GET UPGRADE VERSION KEY "%s", i == 0 ? one : many);
        CHECK_EQ(ask(&ends, head, answers[i], sizeof answers[i]), 101);
        CHECK(strstr(answers[i], "\r\nSec-WebSocket-Protocol: chat.v2\r\n") != NULL);
    }
    CHECK_EQ(strstr(answers[0], "permessage-deflate") != NULL,
             strstr(answers[1], "permessage-deflate") != NULL);
    CHECK_OK(ends_close(&ends));
}

/* ---- the client ---- */

#define SWITCH "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"

static int connect_liar(const struct liar *liar, const weft_ws_options *options)
{
    weft_client *client;
    weft_ws *ws;
    char url[256]; /* its length must not push out of a text why it failed */
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/%0200d/?secret", (unsigned)liar->port, 0);
    CHECK_OK(weft_client_new(&client, NULL));
    int rc = weft_ws_connect(&ws, client, url, options);
    CHECK_LT(rc, 0);
    weft_client_free(client);
    return rc;
}

/* It cannot know the client's key, so no Sec-WebSocket-Accept of it is right. */
TASK_TEST(a_server_that_opens_no_websocket_is_refused)
{
    static const char *const answers[] = {
        OK_HI,
        "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
        SWITCH "\r\n",
        SWITCH "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    };
    static const int statuses[] = {200, 302, 403, 101, 101};
    weft_client_trace trace;
    const weft_ws_options options = {.trace = &trace};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        const struct liar_step steps[] = {{.answer = answers[i]}};
        struct liar liar;
        note("answer %zu", i);
        LIAR_OPEN(&liar, steps);
        CHECK_EQ(connect_liar(&liar, &options), -EPROTO);
        CHECK(strncmp(weft_error_text(), "http://127.0.0.1:", 17) == 0);
        CHECK(strstr(weft_error_text(), "00: the server") != NULL);
        CHECK_EQ(trace.status, statuses[i]);
        CHECK(liar_heard(&liar, 0, "Sec-WebSocket-Version: 13"));
        CHECK(liar_heard(&liar, 0, "Connection: Upgrade"));
        liar_close(&liar);
    }
}

TASK_TEST(what_no_client_may_ask_is_refused_before)
{
    static const weft_client_field own = {WEFT_STR("sec-websocket-key"), WEFT_STR("x")};
    static const weft_client_field split = {WEFT_STR("X-Name"), WEFT_STR("a\r\nb: c")};
    weft_client *client;
    weft_ws *ws;
    weft_ws_options options = {.fields = &own, .field_count = 1};
    CHECK_OK(weft_client_new(&client, NULL));
    CHECK_EQ(weft_ws_connect(&ws, client, "ws://127.0.0.1:1/", &options), -EINVAL);
    options.fields = &split;
    CHECK_EQ(weft_ws_connect(&ws, client, "ws://127.0.0.1:1/", &options), -EINVAL);
    CHECK_EQ(weft_ws_connect(&ws, client, "http://127.0.0.1:1/", NULL), -WEFT_ESYNTAX);
    CHECK_EQ(weft_ws_connect(&ws, client, "", NULL), -WEFT_ESYNTAX);
    CHECK_EQ(weft_ws_connect(&ws, client, NULL, NULL), -WEFT_ESYNTAX);
    weft_client_free(client);
}
