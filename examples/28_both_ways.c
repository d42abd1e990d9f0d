/* SPDX-License-Identifier: MIT */

/*
 * Lesson: a request can be a conversation.  A transcriber answers each word while the next is still
 * being spoken: one task writes the body of the request, another reads the answer's.
 */

#include <weft.h>
#include <weft/client.h>
#include <weft/http.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* ---- the client ---- */

static int speak(void *exchange)
{
    static const char *const words[] = {"may ", "I ", "interrupt?"};
    for (int i = 0; i < 3; i++) {
        printf("said  \"%s\"\n", words[i]);
        WEFT_TRY(weft_exchange_write(exchange, words[i], strlen(words[i])));
        WEFT_TRY(weft_sleep(100 * WEFT_MS));
    }
    return weft_exchange_write_end(exchange);
}

static int hear(void *exchange)
{
    char piece[64];
    ssize_t got = 1;
    WEFT_TRY(weft_exchange_answer(exchange));
    while (got > 0) {
        WEFT_TRY(got = weft_exchange_read(exchange, piece, sizeof piece));
        if (got > 0)
            printf("heard \"%.*s\"\n", (int)got, piece);
    }
    return 0;
}

static int talk(weft_client *client, int port)
{
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/transcribe", port);
    const weft_client_request request = {.url = url, .type = "text/plain"};
    weft_exchange *exchange;
    WEFT_TRY(weft_exchange_begin(&exchange, client, &request));
    int rc = weft_gather(weft_spawn(speak, exchange), weft_spawn(hear, exchange));
    weft_exchange_close(exchange);
    return rc;
}

/* ---- the server ---- */

static int transcribe(weft_http_request *req, weft_http_response *res, void *arg)
{
    char piece[64];
    ssize_t got;
    (void)arg;
    while ((got = weft_http_read(req, piece, sizeof piece)) > 0) {
        for (ssize_t i = 0; i < got; i++)
            piece[i] = (char)toupper((unsigned char)piece[i]);
        WEFT_TRY(weft_http_write(res, piece, (size_t)got));
    }
    return (int)got;
}

static int serve(void *arg)
{
    return weft_http_serve(arg);
}

/* ---- both ---- */

static int program(void *arg)
{
    static const weft_http_route route = {.method = "POST",
                                          .path = "/transcribe",
                                          .handler = transcribe,
                                          .flags = WEFT_HTTP_STREAM_BODY};
    weft_http_server *server = NULL;
    weft_client *client = NULL;
    (void)arg;
    int rc = weft_http_server_new(&server, NULL);
    if (rc == 0)
        rc = weft_http_server_add(server, &route);
    if (rc == 0)
        rc = weft_http_server_listen(server, "127.0.0.1:0");
    if (rc == 0)
        rc = weft_client_new(&client, NULL);
    if (rc == 0) {
        weft_task serving = weft_spawn(serve, server);
        rc = talk(client, weft_addr_get_port(weft_http_server_get_addr(server, 0)));
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
