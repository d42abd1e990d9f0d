/* SPDX-License-Identifier: MIT */

/*
 * Lesson: a WebSocket is messages both ways.  A server that says each message again, in one loop; a
 * client that sends three, iterates over what comes back, and closes.
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

static int open_echo(weft_http_request *req, weft_http_response *res, void *arg)
{
    return weft_ws_serve(req, res, NULL, echo, arg);
}

static int serve(void *arg)
{
    return weft_http_serve(arg);
}

static int server_open(weft_http_server **out)
{
    const weft_http_route route = {.method = "GET", .path = "/echo", .handler = open_echo};
    WEFT_TRY(weft_http_server_new(out, NULL));
    WEFT_TRY(weft_http_server_add(*out, &route));
    return weft_http_server_listen(*out, "127.0.0.1:0");
}

/* ---- the client ---- */

static int talk(weft_ws *ws)
{
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

static int ask(weft_client *client, int port)
{
    char url[64];
    weft_ws *ws;
    snprintf(url, sizeof url, "ws://127.0.0.1:%d/echo", port);
    WEFT_TRY(weft_ws_connect(&ws, client, url, NULL));
    int rc = talk(ws);
    int closed = weft_ws_close(ws, 1000, "that was all");
    printf("closed: %s\n", weft_strerror(closed));
    return rc < 0 ? rc : closed;
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
        rc = ask(client, weft_addr_get_port(weft_http_server_get_addr(server, 0)));
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
