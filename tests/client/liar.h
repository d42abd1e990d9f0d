/* SPDX-License-Identifier: MIT */

/*
 * A server that follows a script: for each request what it answers, to the byte, and what it does
 * then.  It keeps the heads it was sent.
 */
#ifndef TESTS_CLIENT_LIAR_H
#define TESTS_CLIENT_LIAR_H

#include <weft/client.h>
#include <weft/net.h>
#include <weft/scope.h>
#include <weft/task.h>

#include "harness/harness.h"

enum liar_then {
    LIAR_KEEP,  /* the next request comes over the same connection */
    LIAR_CLOSE, /* politely */
    LIAR_LATER, /* the same, after a second */
    LIAR_RESET,
    LIAR_STALL, /* neither sends nor closes, until the test ends */
};

struct liar_step {
    const char *answer; /* NULL: nothing */
    enum liar_then then;
    size_t len;        /* 0: strlen */
    bool is_blind;     /* answers without having read a request */
    size_t body_bytes; /* read behind the head before it answers */
};

#define LIAR_REQUESTS_MAX 16

struct liar {
    weft_listener *listener;
    const struct liar_step *steps;
    size_t step_count;
    weft_task task;
    char heads[LIAR_REQUESTS_MAX][512];
    unsigned requests, connections;
    uint16_t port;
};

static inline int liar_hear(struct liar *liar, weft_stream *stream, const struct liar_step *step)
{
    weft_str head;
    ssize_t count = weft_stream_peek_until(stream, (weft_str){"\r\n\r\n", 4}, 8192, &head);
    if (count <= 0)
        return count == 0 ? -WEFT_ETRUNCATED : (int)count;
    size_t kept = (size_t)count < 511 ? (size_t)count : 511;
    memcpy(liar->heads[liar->requests], head.ptr, kept);
    liar->heads[liar->requests++][kept] = 0;
    weft_stream_consume(stream, (size_t)count);
    for (size_t i = 0; i < step->body_bytes; i++) {
        char byte;
        ssize_t rc = weft_stream_read_exact(stream, &byte, 1);
        if (rc < 0)
            return (int)rc;
    }
    return 0;
}

/* 1: the next step is for this connection too. */
static inline int liar_step(struct liar *liar, weft_stream *stream, const struct liar_step *step)
{
    int rc = step->is_blind ? 0 : liar_hear(liar, stream, step);
    if (rc == 0 && step->answer != NULL)
        rc = weft_stream_write(stream, step->answer,
                               step->len != 0 ? step->len : strlen(step->answer));
    if (rc == 0)
        rc = weft_stream_flush(stream);
    if (rc < 0)
        return rc;
    if (step->then == LIAR_STALL)
        return weft_sleep(WEFT_FOREVER);
    if (step->then == LIAR_LATER)
        return weft_sleep(WEFT_SEC);
    return step->then == LIAR_KEEP;
}

static inline int liar_body(void *arg)
{
    struct liar *liar = arg;
    size_t at = 0;
    while (at < liar->step_count) {
        weft_stream *stream;
        WEFT_TRY(weft_listener_accept(liar->listener, &stream));
        liar->connections++;
        int rc = 1;
        enum liar_then then = LIAR_CLOSE;
        while (rc == 1 && at < liar->step_count) {
            unsigned heard = liar->requests;
            const struct liar_step *step = &liar->steps[at];
            then = step->then;
            rc = liar_step(liar, stream, step);
            at += rc >= 0 || step->is_blind || liar->requests != heard; /* else nobody asked */
        }
        if (rc < 0 || then == LIAR_RESET)
            weft_stream_abort(stream);
        else
            weft_stream_close(stream);
        if (rc == -ECANCELED)
            return rc;
    }
    return 0;
}

static inline void liar_open(struct liar *liar, const struct liar_step *steps, size_t count)
{
    weft_addr addr;
    *liar = (struct liar){.steps = steps, .step_count = count};
    CHECK_OK(weft_addr_parse(&addr, "127.0.0.1:0"));
    CHECK_OK(weft_listener_open(&liar->listener, &addr, NULL));
    liar->port = (uint16_t)weft_addr_get_port(weft_listener_get_addr(liar->listener));
    liar->task = weft_spawn(liar_body, liar);
}

#define LIAR_OPEN(liar_, steps_) liar_open((liar_), (steps_), sizeof(steps_) / sizeof(steps_)[0])

static inline void liar_close(struct liar *liar)
{
    weft_cancel(liar->task, "the test is over");
    (void)weft_await_for(liar->task, WEFT_SEC);
    weft_listener_close(liar->listener);
}

/* One connection served all.  In simulation the rest of an answer that is passed over may come
 * late, and then its connection is cut instead. */
#define CHECK_KEPT(liar_) CHECK(strcmp(test_backend(), "sim") == 0 || (liar_).connections == 1)

/* "http://127.0.0.1:PORT" and the path.  Static buffer. */
static inline const char *liar_url(uint16_t port, const char *path)
{
    static char url[512];
    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", (unsigned)port, path);
    return url;
}

#define OK_HI "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

/* One GET of "/": its status, or the failure.  `trace` may be NULL. */
static inline int liar_get(weft_client *client, const struct liar *liar, weft_client_trace *trace)
{
    weft_client_response page;
    weft_client_request request = {.url = liar_url(liar->port, "/"), .trace = trace};
    int rc = weft_client_fetch(client, &request, &page);
    if (rc < 0)
        return rc;
    rc = page.status;
    weft_client_response_free(&page);
    return rc;
}

/* The same as a body, for tasks that ask at one time. */
struct liar_asker {
    weft_client *client;
    const struct liar *liar;
    int rc;
};

static inline int liar_ask(void *arg)
{
    struct liar_asker *asker = arg;
    asker->rc = liar_get(asker->client, asker->liar, NULL);
    return 0;
}

/* True if the request's head has the line. */
static inline bool liar_heard(const struct liar *liar, unsigned request, const char *line)
{
    char text[300];
    snprintf(text, sizeof text, "\r\n%s\r\n", line);
    return request < liar->requests && strstr(liar->heads[request], text) != NULL;
}

#endif
