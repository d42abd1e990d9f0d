/* SPDX-License-Identifier: MIT */

/*
 * Requests that are due at a fixed rate, whether or not the server keeps up.  Each goes out on a
 * keep-alive connection that is free, or waits for one; its time counts from when it was due, so a
 * server that stands still is charged for all that should have been asked meanwhile.
 *
 * How late a request was sent is counted apart: the load's own lateness, unless all connections
 * were busy.
 */
#ifndef WF_BENCH_OPEN_LOAD_H
#define WF_BENCH_OPEN_LOAD_H

#include "histogram.h"
#include "slow_clients.h"

/* What has no answer so long after the last was due is lost. */
#define OPEN_LOAD_PATIENCE 5e9

struct open_load {
    int port;
    pid_t server;
    size_t connections;
    double rate;    /* requests a second */
    double warm;    /* ns before what is measured */
    double measure; /* ns */
    bool spins;     /* looks again and again instead of sleeping: exact, if it has a core */
    struct slow_clients slow;

    int epoll;
    struct open_connection {
        int fd;
        double due;     /* of the request under way */
        size_t missing; /* bytes of its answer */
    } * connection;
    size_t *free_ones; /* a ring, so that all take turns */
    size_t free_from, free_count;
    size_t answer_bytes;
    double began, warm_until;
    size_t sent;          /* all of them */
    size_t due, answered; /* of what is measured; the difference was refused, or lost */
    double cpu;           /* the server's, of what is measured; ns */
    struct histogram times, late;
};

static inline void open_load_connect(struct open_load *load, size_t i)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = i};
    load->connection[i].fd = http_load_connect(load->port);
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, load->connection[i].fd, &event) < 0)
        http_load_die("epoll_ctl");
}

static inline void open_load_free(struct open_load *load, size_t i)
{
    size_t at = (load->free_from + load->free_count++) % load->connections;
    load->free_ones[at] = i;
}

/* What its first fields say is set; the slow clients' count and pace too. */
static inline void open_load_open(struct open_load *load)
{
    load->answer_bytes = http_load_answer_bytes(load->port);
    load->connection = calloc(load->connections, sizeof *load->connection);
    load->free_ones = calloc(load->connections, sizeof *load->free_ones);
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (load->connection == NULL || load->free_ones == NULL || load->epoll < 0)
        http_load_die("open");
    for (size_t i = 0; i < load->connections; i++) {
        open_load_connect(load, i);
        open_load_free(load, i);
    }
    load->slow.port = load->port;
    load->slow.epoll = load->epoll;
    load->slow.tag = load->connections;
    slow_clients_open(&load->slow);
}

static inline void open_load_close(struct open_load *load)
{
    for (size_t i = 0; i < load->connections; i++)
        close(load->connection[i].fd);
    slow_clients_close(&load->slow);
    close(load->epoll);
    free(load->connection);
    free(load->free_ones);
}

/* When the next request is due. */
static inline double open_load_due(const struct open_load *load)
{
    return load->began + (double)load->sent / load->rate * 1e9;
}

static inline void open_load_send(struct open_load *load, double due, double now)
{
    size_t i = load->free_ones[load->free_from];
    struct open_connection *connection = &load->connection[i];
    load->free_from = (load->free_from + 1) % load->connections;
    load->free_count--;
    load->sent++;
    connection->due = due;
    connection->missing = load->answer_bytes;
    if (due >= load->warm_until)
        histogram_add(&load->late, (uint64_t)(now - due));
    if (send(connection->fd, HTTP_LOAD_REQUEST, sizeof HTTP_LOAD_REQUEST - 1, MSG_NOSIGNAL) < 0 &&
        errno != EPIPE && errno != ECONNRESET)
        http_load_die("send");
}

/* Takes what came on connection i.  What is not the usual answer is a refusal. */
static inline void open_load_take(struct open_load *load, size_t i)
{
    static const char ok[] = "HTTP/1.1 200 ";
    struct open_connection *connection = &load->connection[i];
    char answer[4096];
    ssize_t count = recv(connection->fd, answer, sizeof answer, 0);
    bool begins = connection->missing == load->answer_bytes;
    if (count <= 0 || (size_t)count > connection->missing ||
        (begins && (count < 13 || memcmp(answer, ok, 13) != 0))) {
        close(connection->fd);
        open_load_connect(load, i);
        open_load_free(load, i);
        return;
    }
    connection->missing -= (size_t)count;
    if (connection->missing != 0)
        return;
    if (connection->due >= load->warm_until) {
        load->answered++;
        histogram_add(&load->times, (uint64_t)(bench_wall() - connection->due));
    }
    open_load_free(load, i);
}

/* Until something comes, or `until`. */
static inline void open_load_wait(struct open_load *load, double until)
{
    struct epoll_event events[64];
    double left = until - bench_wall();
    if (left < 0 || load->spins)
        left = 0;
    struct timespec time = {.tv_sec = (time_t)(left / 1e9)};
    time.tv_nsec = (long)(left - (double)time.tv_sec * 1e9);
    int count = epoll_pwait2(load->epoll, events, 64, &time, NULL);
    for (int k = 0; k < count; k++) {
        if (events[k].data.u64 < load->connections)
            open_load_take(load, events[k].data.u64);
        else
            slow_clients_event(&load->slow, events[k].data.u64 - load->connections);
    }
}

/* Sends what is due, at most one byte of a slow client between two looks at the requests.  When the
 * next thing is due. */
static inline double open_load_send_due(struct open_load *load, size_t count)
{
    double now = bench_wall(), due = open_load_due(load);
    while (load->sent < count && load->free_count != 0 && due <= now) {
        open_load_send(load, due, now);
        due = open_load_due(load);
        now = bench_wall();
    }
    if (load->sent == count || load->free_count == 0)
        due = now + 1e6;
    if (load->slow.count == 0)
        return due;
    if (load->slow.due <= now)
        slow_clients_send(&load->slow);
    return load->slow.due < due ? load->slow.due : due;
}

static inline void open_load_run(struct open_load *load)
{
    size_t warm = (size_t)(load->warm * load->rate / 1e9);
    load->due = (size_t)(load->measure * load->rate / 1e9);
    size_t count = warm + load->due;
    load->began = bench_wall();
    load->warm_until = load->began + ((double)warm - 0.5) / load->rate * 1e9;
    double end = load->warm_until + load->measure, now = load->began;
    bool is_warm = false;
    while (now < end || (now < end + OPEN_LOAD_PATIENCE &&
                         (load->sent < count || load->free_count < load->connections))) {
        if (!is_warm && now >= load->warm_until) {
            is_warm = true;
            load->cpu = http_load_server_cpu(load->server);
        }
        open_load_wait(load, open_load_send_due(load, count));
        now = bench_wall();
    }
    load->cpu = http_load_server_cpu(load->server) - load->cpu;
}

#endif
