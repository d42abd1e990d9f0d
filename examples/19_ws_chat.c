/* SPDX-License-Identifier: MIT */

/*
 * Lesson: a chat over WebSockets that one slow reader cannot hold up.  What somebody says goes into
 * the channel of everybody in the room, which holds a few messages; a task a guest sends them. When
 * a guest reads too slowly the channel is full, and the guest is sent away instead of making the
 * others wait, or memory grow.
 *
 * Two guests talk; a third one joins and never reads.
 */

#include <weft.h>
#include <weft/client.h>
#include <weft/http.h>
#include <weft/ws.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GUESTS_MAX = 16, WAITING_MAX = 8, LINE_BYTES_MAX = 64 * 1024 };

/* ---- the room ---- */

/* What was said, shared by all who have not sent it yet. */
struct line {
    unsigned users;
    size_t bytes;
    char text[LINE_BYTES_MAX];
};

struct guest {
    weft_ws *ws;
    weft_chan *lines; /* of struct line *: waiting to be sent */
    weft_scope stay;  /* cancelled to send the guest away */
};

static struct guest *room[GUESTS_MAX];

static void line_drop(struct line *line)
{
    if (--line->users == 0)
        free(line);
}

/* Never waits: who has no place for it reads too slowly. */
static void hand_out(struct guest *guest, struct line *line)
{
    line->users++;
    if (weft_try_send(guest->lines, &line) == 0)
        return;
    line_drop(line);
    weft_scope_cancel(&guest->stay, "reads too slowly");
}

static int say(weft_str text)
{
    struct line *line = malloc(sizeof *line);
    if (line == NULL)
        return -ENOMEM;
    line->users = 1;
    line->bytes = text.len < LINE_BYTES_MAX ? text.len : LINE_BYTES_MAX;
    memcpy(line->text, text.ptr, line->bytes);
    for (int i = 0; i < GUESTS_MAX; i++) {
        if (room[i] != NULL)
            hand_out(room[i], line);
    }
    line_drop(line);
    return 0;
}

/* ---- a guest: one task hears, another one sends ---- */

static int send_lines(void *arg)
{
    const struct guest *guest = arg;
    struct line *line;
    int rc;
    while ((rc = weft_recv(guest->lines, &line)) > 0) {
        rc = weft_ws_send(guest->ws, WEFT_WS_TEXT, (weft_str){line->text, line->bytes});
        line_drop(line);
        if (rc < 0)
            break;
    }
    return rc;
}

static int hear(struct guest *guest)
{
    weft_ws_message message;
    int rc;
    while ((rc = weft_ws_receive(guest->ws, &message)) > 0)
        WEFT_TRY(say(message.data));
    return rc;
}

static int stay(struct guest *guest, struct guest **chair)
{
    weft_task sending = weft_spawn(send_lines, guest);
    (void)weft_scope_open(&guest->stay, WEFT_FOREVER, 0);
    *chair = guest;
    int rc = hear(guest);
    *chair = NULL;
    if (weft_scope_close(&guest->stay, rc) != rc)
        printf("a guest who reads too slowly is sent away\n");
    weft_cancel(sending, "the guest has left");
    (void)weft_await(sending);
    weft_release(sending);
    return rc;
}

static int chat(weft_ws *ws, void *arg)
{
    struct guest guest = {.ws = ws};
    struct line *line;
    int free_chair = 0;
    (void)arg;
    while (free_chair < GUESTS_MAX && room[free_chair] != NULL)
        free_chair++;
    if (free_chair == GUESTS_MAX)
        return weft_fail(-EBUSY, "the room is full");
    WEFT_TRY(weft_chan_new(&guest.lines, sizeof(struct line *), WAITING_MAX));
    int rc = stay(&guest, &room[free_chair]);
    while (weft_try_recv(guest.lines, &line) > 0)
        line_drop(line);
    weft_chan_free(guest.lines);
    return rc;
}

/* Little is kept for a guest who does not read: the rest waits in the channel. */
static int open_chat(weft_http_request *req, weft_http_response *res, void *arg)
{
    static const weft_ws_options options = {.limits = {.unsent_bytes_max = 128 * 1024}};
    return weft_ws_serve(req, res, &options, chat, arg);
}

/* ---- three guests ---- */

struct visit {
    weft_client *client;
    char url[64];
};

static int say_text(weft_ws *ws, const char *text)
{
    weft_ws_message message;
    WEFT_TRY(weft_ws_send_text(ws, text));
    int rc = weft_ws_receive(ws, &message); /* it comes back to who said it, too */
    return rc == 1 ? 0 : rc < 0 ? rc : -EPIPE;
}

static int alice_talks(weft_ws *ws)
{
    static char essay[LINE_BYTES_MAX];
    memset(essay, 'x', sizeof essay - 1);
    WEFT_TRY(say_text(ws, "hello"));
    for (int i = 0; i < 200; i++)
        WEFT_TRY(say_text(ws, essay));
    return say_text(ws, "bye");
}

static int alice(void *arg)
{
    const struct visit *visit = arg;
    weft_ws *ws;
    WEFT_TRY(weft_ws_connect(&ws, visit->client, visit->url, NULL));
    int rc = alice_talks(ws);
    int closed = weft_ws_close(ws, 1000, NULL);
    return rc < 0 ? rc : closed;
}

static int bob_reads(weft_ws *ws)
{
    weft_ws_message message;
    int rc, essays = 0;
    weft_foreach(rc, message, weft_ws_messages(ws))
    {
        if (message.data.len > 10)
            essays++;
        else
            printf("bob reads: %.*s\n", (int)message.data.len, message.data.ptr);
        if (message.data.len == 3) /* bye */
            break;
    }
    printf("bob has read %d essays\n", essays);
    return rc;
}

static int bob(void *arg)
{
    const struct visit *visit = arg;
    weft_ws *ws;
    WEFT_TRY(weft_ws_connect(&ws, visit->client, visit->url, NULL));
    int rc = bob_reads(ws);
    int closed = weft_ws_close(ws, 1000, NULL);
    return rc < 0 ? rc : closed;
}

static int carol_sleeps(struct visit *visit)
{
    weft_ws *ws;
    WEFT_TRY(weft_ws_connect(&ws, visit->client, visit->url, NULL));
    weft_task talkers[] = {weft_spawn(bob, visit), weft_spawn(alice, visit)};
    int rc = weft_gather_n(talkers, 2);
    weft_ws_abort(ws);
    return rc;
}

/* ---- all ---- */

static int serve(void *arg)
{
    return weft_http_serve(arg);
}

static int server_open(weft_http_server **out)
{
    const weft_http_route route = {.method = "GET", .path = "/chat", .handler = open_chat};
    WEFT_TRY(weft_http_server_new(out, NULL));
    WEFT_TRY(weft_http_server_add(*out, &route));
    return weft_http_server_listen(*out, "127.0.0.1:0");
}

static int program(void *arg)
{
    weft_http_server *server = NULL;
    struct visit visit = {.client = NULL};
    (void)arg;
    int rc = server_open(&server);
    if (rc == 0)
        rc = weft_client_new(&visit.client, NULL);
    if (rc == 0) {
        int port = weft_addr_get_port(weft_http_server_get_addr(server, 0));
        snprintf(visit.url, sizeof visit.url, "ws://127.0.0.1:%d/chat", port);
        weft_task serving = weft_spawn(serve, server);
        rc = carol_sleeps(&visit);
        weft_http_server_stop(server);
        int served = weft_gather(serving);
        rc = rc < 0 ? rc : served;
    }
    weft_client_free(visit.client);
    weft_http_server_free(server);
    return rc;
}

int main(void)
{
    return weft_main(program, NULL);
}
