/* SPDX-License-Identifier: MIT */

/*
 * Clients that keep a server waiting without breaking a rule, a quarter of each kind: one sends its
 * heads a byte at a time, one its bodies, one never reads the large answer it has asked for, one is
 * idle after its first answer.  Each byte is `pace` after the client's last; they are spread evenly
 * over time, so that it is the server's waiting for them that costs, and no burst.  One that the
 * server has sent away comes again.
 */
#ifndef WF_BENCH_SLOW_CLIENTS_H
#define WF_BENCH_SLOW_CLIENTS_H

#include "http_load.h"

#define SLOW_BODY_BYTES "64"

enum slow_kind { SLOW_HEAD, SLOW_BODY, SLOW_READER, SLOW_IDLE, SLOW_KINDS };

struct slow_client {
    int fd;
    enum slow_kind kind;
    size_t at; /* bytes sent of its text */
};

struct slow_clients {
    size_t count;
    int port;
    double pace; /* ns between two bytes of one client */

    int epoll;
    uint64_t tag; /* of the first one's events; the others follow */
    struct slow_client *clients;
    size_t turn; /* who sends next */
    double due;  /* when */
    size_t bytes, came_again;
};

/* What is sent at once, and what follows a byte at a time, again and again. */
static const struct {
    const char *opening, *text;
} slow_texts[SLOW_KINDS] = {
    [SLOW_HEAD] = {"", HTTP_LOAD_REQUEST},
    [SLOW_BODY] = {"POST /body HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: " SLOW_BODY_BYTES
                   "\r\n\r\n",
                   "................................................................"},
    [SLOW_READER] = {"GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", ""},
    [SLOW_IDLE] = {HTTP_LOAD_REQUEST, ""},
};

static inline void slow_client_open(struct slow_clients *slow, size_t i)
{
    struct slow_client *client = &slow->clients[i];
    const char *opening = slow_texts[client->kind].opening;
    bool reads = client->kind != SLOW_READER;
    struct epoll_event event = {.events = EPOLLRDHUP | (reads ? EPOLLIN : 0),
                                .data.u64 = slow->tag + i};
    int room = 4096;
    client->at = 0;
    client->fd = http_load_connect(slow->port);
    if (!reads)
        (void)setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    if (send(client->fd, opening, strlen(opening), MSG_NOSIGNAL) < 0 ||
        epoll_ctl(slow->epoll, EPOLL_CTL_ADD, client->fd, &event) < 0)
        http_load_die("a slow client");
}

static inline void slow_client_come_again(struct slow_clients *slow, size_t i)
{
    close(slow->clients[i].fd);
    slow->came_again++;
    slow_client_open(slow, i);
}

/* `port`, `count`, `pace`, `epoll` and `tag` are set. */
static inline void slow_clients_open(struct slow_clients *slow)
{
    slow->clients = calloc(slow->count + 1, sizeof *slow->clients);
    if (slow->clients == NULL)
        http_load_die("open");
    for (size_t i = 0; i < slow->count; i++) {
        slow->clients[i].kind = (enum slow_kind)(i % SLOW_KINDS);
        slow_client_open(slow, i);
    }
    slow->due = bench_wall();
}

static inline void slow_clients_close(struct slow_clients *slow)
{
    for (size_t i = 0; i < slow->count; i++)
        close(slow->clients[i].fd);
    free(slow->clients);
}

/* The next byte of whose turn it is.  One whose answer is awaited sends none. */
static inline void slow_clients_send(struct slow_clients *slow)
{
    struct slow_client *client = &slow->clients[slow->turn];
    const char *text = slow_texts[client->kind].text;
    slow->turn = (slow->turn + 1) % slow->count;
    slow->due += slow->pace / (double)slow->count;
    if (text[client->at] == 0)
        return;
    if (send(client->fd, text + client->at, 1, MSG_NOSIGNAL) == 1)
        slow->bytes++; /* else its end is on its way here */
    client->at++;
}

/* The whole answer of an honest server fits one receive; the next request begins after it. */
static inline void slow_clients_event(struct slow_clients *slow, size_t i)
{
    struct slow_client *client = &slow->clients[i];
    const char *opening = slow_texts[client->kind].opening;
    char answer[4096];
    if (client->kind == SLOW_READER || recv(client->fd, answer, sizeof answer, 0) <= 0) {
        slow_client_come_again(slow, i);
        return;
    }
    if (client->kind == SLOW_IDLE)
        return;
    client->at = 0;
    (void)send(client->fd, opening, strlen(opening), MSG_NOSIGNAL);
}

#endif
