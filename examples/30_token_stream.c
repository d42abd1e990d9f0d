/* SPDX-License-Identifier: MIT */

/*
 * Lesson: tokens arrive while the model still thinks, as server-sent events.  Each has a number, so
 * a stream that breaks off goes on where it was: the client says what it had last.  A client that
 * has read enough goes away, and the model stops.
 */

#include <weft.h>
#include <weft/client_sse.h>
#include <weft/http.h>
#include <weft/http_sse.h>

#include <stdio.h>

/* ---- the model ---- */

static const char *const tokens[] = {"Tasks", " end", " before", " what", " began", " them", "."};
enum { TOKENS = sizeof tokens / sizeof tokens[0] };

struct model {
    int connections;
    int thought; /* tokens */
};

static int send_token(weft_http_response *res, int number)
{
    char id[12];
    snprintf(id, sizeof id, "%d", number);
    const weft_sse_event event = {
        .id = weft_str_of(id), .data = weft_str_of(tokens[number - 1]), .retry = 500 * WEFT_MS};
    return weft_http_sse_send(res, &event);
}

static int think(weft_http_request *req, weft_http_response *res, void *arg)
{
    static const weft_sse_event done = {.event = WEFT_STR("done"), .data = WEFT_STR("that is all")};
    struct model *model = arg;
    weft_str id = weft_http_sse_last_id(req);
    model->connections++;
    int number = id.len == 1 ? id.ptr[0] - '0' : 0; /* of the last token that arrived */
    WEFT_TRY(weft_http_sse_begin(res));
    while (number >= 0 && number < TOKENS) {
        WEFT_TRY(weft_sleep(100 * WEFT_MS)); /* stands for the work */
        model->thought++;
        WEFT_TRY(send_token(res, ++number));
        if (model->connections == 1 && number == 4)
            return weft_fail(-EIO, "the power fails"); /* and the token is lost on its way */
    }
    return weft_http_sse_send(res, &done);
}

/* ---- the client ---- */

/* Prints what comes, as it comes, until the end or so many tokens. */
static int read_tokens(weft_client *client, const char *url, int count_max)
{
    const weft_client_request request = {.url = url};
    weft_event_source *source;
    weft_sse_event event;
    int rc, count = 0;
    WEFT_TRY(weft_event_source_open(&source, client, &request));
    while ((rc = weft_event_source_next(source, &event)) == 1) {
        if (event.event.len == 4) { /* "done", not "message" */
            printf(" (%.*s)", (int)event.data.len, event.data.ptr);
            break;
        }
        printf("%.*s", (int)event.data.len, event.data.ptr);
        if (++count == count_max)
            break;
    }
    weft_event_source_close(source);
    return rc < 0 ? rc : printf("\n");
}

static int talk(const char *url, struct model *model)
{
    weft_client *client;
    WEFT_TRY(weft_client_new(&client, NULL));
    weft_time from = weft_now();
    int rc = read_tokens(client, url, /* count_max= */ 100);
    if (rc >= 0) {
        printf("%d tokens thought of, over %d connections, in %d ms\n", model->thought,
               model->connections, (int)((weft_now() - from) / WEFT_MS));
        model->thought = 0;
        rc = read_tokens(client, url, /* count_max= */ 2);
    }
    weft_client_free(client);
    return rc;
}

/* ---- both ---- */

static int serve(void *arg)
{
    return weft_http_serve(arg);
}

static int program(void *arg)
{
    struct model model = {0};
    const weft_http_route route = {
        .method = "GET", .path = "/think", .handler = think, .arg = &model};
    weft_http_server *server;
    char url[64];
    (void)arg;
    WEFT_TRY(weft_http_server_new(&server, NULL));
    int rc = weft_http_server_add(server, &route);
    if (rc == 0)
        rc = weft_http_server_listen(server, "127.0.0.1:0");
    if (rc == 0) {
        weft_task serving = weft_spawn(serve, server);
        snprintf(url, sizeof url, "http://127.0.0.1:%d/think",
                 weft_addr_get_port(weft_http_server_get_addr(server, 0)));
        rc = talk(url, &model);
        weft_http_server_stop(server);
        int served = weft_gather(serving);
        rc = rc < 0 ? rc : served;
    }
    if (rc >= 0)
        printf("the model thought of %d before it was told to stop\n", model.thought);
    weft_http_server_free(server);
    return rc;
}

int main(void)
{
    return weft_main(program, NULL);
}
