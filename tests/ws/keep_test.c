/* SPDX-License-Identifier: MIT */

/* A client's WebSocket that is made again: after which ends, how soon, and when not. */

#include "../client/liar.h"
#include "ends.h"

/* How a server ends each connection in turn. */
struct turn {
    int code; /* of its close; 0: the connection is cut; HOLD: not, it says "done" */
    weft_time after;
};

#define HOLD 1

struct host {
    const struct turn *turns;
    unsigned count; /* of connections so far; the last turn is for all that come then */
    unsigned turn_count;
    weft_time came_at[32];
    int said; /* the client's code of the last one */
    weft_http_server *server;
    weft_client *client;
    weft_task serving;
    char url[64];
};

static int hold(weft_ws *ws, struct host *host)
{
    weft_ws_message message;
    int rc = weft_ws_send_text(ws, "done");
    while (rc >= 0 && (rc = weft_ws_receive(ws, &message)) > 0) {
    }
    host->said = weft_ws_get_close(ws, NULL);
    return weft_ws_close(ws, 1000, NULL);
}

static int meet(weft_http_request *req, weft_http_response *res, void *arg)
{
    struct host *host = arg;
    unsigned at = host->count < host->turn_count ? host->count : host->turn_count - 1;
    const struct turn *turn = &host->turns[at];
    weft_ws *ws;
    CHECK_LT(host->count, 32);
    host->came_at[host->count++] = weft_now();
    int rc = weft_ws_accept(&ws, req, res, NULL);
    if (rc <= 0)
        return rc;
    if (turn->code == HOLD)
        return hold(ws, host);
    rc = weft_sleep(turn->after);
    if (turn->code != 0) {
        (void)weft_ws_close(ws, turn->code, "so it is");
        return rc;
    }
    weft_ws_abort(ws);
    return -EIO; /* the connection is reset */
}

static int serve(void *arg)
{
    return weft_http_serve(arg);
}

static int host_begin(struct host *host)
{
    const weft_http_route route = {.method = "GET", .path = "/ws", .handler = meet, .arg = host};
    WEFT_TRY(weft_http_server_new(&host->server, NULL));
    WEFT_TRY(weft_http_server_add(host->server, &route));
    WEFT_TRY(weft_http_server_listen(host->server, "127.0.0.1:0"));
    WEFT_TRY(weft_client_new(&host->client, NULL));
    int port = weft_addr_get_port(weft_http_server_get_addr(host->server, 0));
    snprintf(host->url, sizeof host->url, "ws://127.0.0.1:%d/ws", port);
    host->serving = weft_spawn(serve, host->server);
    return 0;
}

static int host_open(struct host *host, const struct turn *turns, unsigned count)
{
    *host = (struct host){.turns = turns, .turn_count = count};
    int rc = host_begin(host);
    if (rc < 0) {
        weft_client_free(host->client);
        weft_http_server_free(host->server);
    }
    return rc;
}

#define HOST_OPEN(host_, turns_) host_open((host_), (turns_), sizeof(turns_) / sizeof(turns_)[0])

static int host_close(struct host *host)
{
    weft_http_server_stop(host->server);
    int rc = weft_gather(host->serving);
    weft_client_free(host->client);
    weft_http_server_free(host->server);
    return rc;
}

/* Hears until somebody says something, and has what it wanted then: 7. */
static int hear(weft_ws *ws, void *arg)
{
    weft_ws_message message;
    (void)arg;
    int rc = weft_ws_receive(ws, &message);
    return rc > 0 ? 7 : rc;
}

TASK_TEST(a_websocket_is_made_again_until_its_work_is_done)
{
    static const struct turn turns[] = {
        {1001, 0}, {0, 100 * WEFT_MS}, {4000, 0}, {1013, 0}, {HOLD, 0}};
    struct host host;
    CHECK_OK(HOST_OPEN(&host, turns));
    weft_time from = weft_now();
    CHECK_EQ(weft_ws_keep(host.client, host.url, NULL, hear, NULL), 7);
    CHECK_EQ(host.count, 5);
    CHECK_EQ(host.said, 1000);
    CHECK_GE(weft_now() - from, 7500 * WEFT_MS); /* halves of 1, 2, 4 and 8 s */
    CHECK_LE(weft_now() - from, 17 * WEFT_SEC);
    CHECK_OK(host_close(&host));
}

/* One that has served for a while is soon asked again; one that turns all away is not hammered. */
TASK_TEST(the_pause_grows_while_connections_do_not_last)
{
    static const struct turn turns[] = {
        {1013, 0}, {1013, 0}, {1013, 0}, {1013, 0}, {1013, 0}, {1013, 0}, {1001, 40 * WEFT_SEC},
        {HOLD, 0}};
    struct host host;
    CHECK_OK(HOST_OPEN(&host, turns));
    CHECK_EQ(weft_ws_keep(host.client, host.url, NULL, hear, NULL), 7);
    CHECK_EQ(host.count, 8);
    CHECK_GE(host.came_at[6] - host.came_at[5], 15 * WEFT_SEC);
    CHECK_LE(host.came_at[6] - host.came_at[5], 32 * WEFT_SEC);
    CHECK_LE(host.came_at[7] - host.came_at[6], 42 * WEFT_SEC);
    CHECK_OK(host_close(&host));
}

TASK_TEST(a_server_that_has_closed_for_good_is_not_asked_again)
{
    static const int codes[] = {1000, 1002, 1003, 1007, 1008, 1009, 1010};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct turn turn = {codes[i], 0};
        struct host host;
        char want[64];
        note("code %d", codes[i]);
        CHECK_OK(host_open(&host, &turn, 1));
        int rc = weft_ws_keep(host.client, host.url, NULL, hear, NULL);
        CHECK_EQ(rc, codes[i] == 1000 ? 0 : -EPROTO);
        snprintf(want, sizeof want, "/ws: the server closes with %d: so it is", codes[i]);
        CHECK(rc == 0 || strstr(weft_error_text(), want) != NULL);
        CHECK_EQ(host.count, 1);
        CHECK_OK(host_close(&host));
    }
}

/* Returns a result of its own, when the connection has ended or while it is open. */
struct own {
    bool waits;
    int rc;
};

static int return_own(weft_ws *ws, void *arg)
{
    const struct own *own = arg;
    weft_ws_message message;
    if (own->waits)
        CHECK_EQ(weft_ws_receive(ws, &message), 0);
    return own->rc;
}

TASK_TEST(a_result_that_is_not_the_connections_is_that_of_the_call)
{
    static const struct turn closes = {1001, 0}, holds = {HOLD, 0};
    static const struct {
        struct own own;
        int said;
    } rows[] = {
        {{true, -EIO}, 0},  {{true, 3}, 0},        {{false, 0}, 1000},
        {{false, 5}, 1000}, {{false, -EIO}, 1011}, {{false, -ECANCELED}, 1001},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct own own = rows[i].own;
        struct host host;
        note("row %zu", i);
        CHECK_OK(host_open(&host, own.waits ? &closes : &holds, 1));
        CHECK_EQ(weft_ws_keep(host.client, host.url, NULL, return_own, &own), own.rc);
        CHECK_EQ(host.count, 1);
        CHECK_OK(host_close(&host));
        CHECK_EQ(host.said, rows[i].said);
    }
}

#define ANSWER(status_)                                                                            \
    {                                                                                              \
        .answer = "HTTP/1.1 " status_ " No\r\nContent-Length: 0\r\n\r\n"                           \
    }

TASK_TEST(a_server_that_is_busy_is_asked_again_and_one_that_refuses_is_not)
{
    static const struct liar_step steps[] = {
        ANSWER("429"),        ANSWER("500"),        {.then = LIAR_RESET},
        {.then = LIAR_RESET}, {.then = LIAR_RESET}, ANSWER("401"),
    };
    weft_client_trace trace;
    weft_ws_options options = {.trace = &trace};
    struct liar liar;
    weft_client *client;
    char url[64];
    LIAR_OPEN(&liar, steps);
    CHECK_OK(weft_client_new(&client, NULL));
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/", liar.port);
    CHECK_EQ(weft_ws_keep(client, url, &options, hear, NULL), -EPROTO);
    CHECK_EQ(trace.status, 401);
    CHECK(strstr(weft_error_text(), "status 401 instead of a WebSocket") != NULL);
    CHECK_EQ(liar.requests, 6);
    liar_close(&liar);
    CHECK_EQ(weft_ws_keep(client, "http://a/", NULL, hear, NULL), -WEFT_ESYNTAX);
    weft_client_free(client);
}

TASK_TEST(a_pause_and_a_conversation_can_be_cut_off)
{
    static const struct turn turns[] = {{1001, 0}, {1001, 60 * WEFT_SEC}};
    static const weft_time times[] = {490 * WEFT_MS, 10 * WEFT_SEC};
    for (unsigned i = 0; i < 2; i++) {
        struct host host;
        weft_scope scope;
        CHECK_OK(HOST_OPEN(&host, turns));
        CHECK_OK(weft_scope_open(&scope, weft_after(times[i]), 0));
        int rc = weft_ws_keep(host.client, host.url, NULL, hear, NULL);
        CHECK_EQ(weft_scope_close(&scope, rc), -ETIMEDOUT);
        CHECK_EQ(host.count, i + 1);
        CHECK_OK(host_close(&host));
    }
}

SCENARIO(a_kept_websocket_under_everything)
{
    static const struct turn turns[] = {{1001, 0}, {HOLD, 0}};
    struct host host;
    WEFT_TRY(HOST_OPEN(&host, turns));
    weft_scope limit; /* the server may be what fails */
    (void)weft_scope_open(&limit, weft_after(20 * WEFT_SEC), 0);
    int rc = weft_ws_keep(host.client, host.url, NULL, hear, NULL);
    rc = weft_scope_close(&limit, rc);
    int ended = host_close(&host);
    return rc < 0 ? rc : ended;
}
