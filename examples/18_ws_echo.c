/* SPDX-License-Identifier: MIT */

/*
 * Lesson: a WebSocket is messages both ways.  A server that says each message again, in one loop,
 * or without a task that waits: then a silent connection is a record of two kilobytes, and a
 * message begins a task.  A client that sends three, iterates over what comes back, and closes.
 */

#include <weft.h>
#include <weft/client.h>
#include <weft/http.h>
#include <weft/ws.h>

#include <stdio.h>

/* ---- the server ---- */

static int echo(weft_ws *ws, void *arg)
{
    weft_ws_message message;
    int rc;
    (void)arg;
    while ((rc = weft_ws_receive(ws, &message)) > 0)
        WEFT_TRY(weft_ws_send(ws, message.type, message.data));
    return rc;
}

static int open_loop(weft_http_request *req, weft_http_response *res, void *arg)
{
    return weft_ws_serve(req, res, NULL, echo, arg);
}

static int echo_one(weft_ws *ws, const weft_ws_message *message, void *arg)
{
    (void)arg;
    return weft_ws_send(ws, message->type, message->data);
}

static int open_by_message(weft_http_request *req, weft_http_response *res, void *arg)
{
    static const weft_ws_handler by_message = {.message = echo_one};
    return weft_ws_answer(req, res, NULL, &by_message, arg);
}

static int serve(void *arg)
{
    return weft_http_serve(arg);
}

static int server_open(weft_http_server **out)
{
    static const weft_http_route routes[] = {
        {.method = "GET", .path = "/loop", .handler = open_loop},
        {.method = "GET", .path = "/by-message", .handler = open_by_message},
    };
    WEFT_TRY(weft_http_server_new(out, NULL));
    for (int i = 0; i < 2; i++)
        WEFT_TRY(weft_http_server_add(*out, &routes[i]));
    return weft_http_server_listen(*out, "127.0.0.1:0");
}

/* ---- the client ---- */

static int talk(weft_ws *ws, void *arg)
{
    (void)arg;
    static const char *const words[] = {"one", "two", "three"};
    weft_ws_message message;
    int rc, count = 0;
    for (int i = 0; i < 3; i++)
        WEFT_TRY(weft_ws_send_text(ws, words[i]));
    weft_foreach(rc, message, weft_ws_messages(ws))
    {
        printf("%.*s\n", (int)message.data.len, message.data.ptr);
        if (++count == 3)
            break;
    }
    return rc;
}

static int ask(weft_client *client, int port, const char *path)
{
    char url[64];
    weft_ws *ws;
    snprintf(url, sizeof url, "ws://127.0.0.1:%d%s", port, path);
    WEFT_TRY(weft_ws_connect(&ws, client, url, NULL));
    int rc = talk(ws, NULL);
    int closed = weft_ws_close(ws, 1000, "that was all");
    printf("%s closed: %s\n", path, weft_strerror(closed));
    return rc < 0 ? rc : closed;
}

/* The same for who has to get through: a connection that breaks is made again, and talk() begins
 * anew. */
static int insist(weft_client *client, int port, const char *path)
{
    char url[64];
    snprintf(url, sizeof url, "ws://127.0.0.1:%d%s", port, path);
    int rc = weft_ws_keep(client, url, NULL, talk, NULL);
    printf("%s closed: %s\n", path, weft_strerror(rc));
    return rc;
}

/* ---- both ---- */

static int program(void *arg)
{
    weft_http_server *server = NULL;
    weft_client *client = NULL;
    (void)arg;
    int rc = server_open(&server);
    if (rc == 0)
        rc = weft_client_new(&client, NULL);
    if (rc == 0) {
        weft_task serving = weft_spawn(serve, server);
        int port = weft_addr_get_port(weft_http_server_get_addr(server, 0));
        rc = ask(client, port, "/loop");
        if (rc == 0)
            rc = insist(client, port, "/by-message");
        weft_http_server_stop(server);
        int served = weft_gather(serving);
        rc = rc < 0 ? rc : served;
    }
    weft_client_free(client);
    weft_http_server_free(server);
    return rc;
}

int main(void)
{
    return weft_main(program, NULL);
}
