/* SPDX-License-Identifier: MIT */

/*
 * A server of HTTP/2 that does what a script says, frame by frame, connection after connection, and
 * a client that asks it.
 */
#ifndef TESTS_CLIENT_H2_LIAR_H
#define TESTS_CLIENT_H2_LIAR_H

#include <weft.h>
#include <weft/client.h>

#include "h2_peer.h"

struct h2_liar;

/* What it does over one connection, whose preface it has read.  An error ends the connection by a
 * reset, 0 politely. */
typedef int h2_liar_fn(struct h2_liar *liar, struct h2_peer *peer);

struct h2_liar {
    weft_listener *listener;
    h2_liar_fn *fn;
    weft_client *client;
    weft_task task;
    unsigned connections;    /* the one at work is number `connections` */
    unsigned requests;       /* counted by h2_liar_hear */
    uint32_t setting, value; /* in its SETTINGS; 0: none */
    bool has_no_settings;
    long goaway; /* the code of the client's last one; -1: none came */
    int number;  /* what a test wants to tell its script */
    const void *bytes;
    size_t count;
    char url[64];
};

/* Reads to the client's end. */
static inline int h2_liar_drain(struct h2_peer *peer)
{
    static struct h2_frame frame;
    while (h2_peer_read(peer, &frame))
        ;
    return weft_check();
}

static inline int h2_liar_serve(struct h2_liar *liar, weft_stream *stream)
{
    struct h2_peer peer;
    char preface[24];
    uint8_t setting[6] = {(uint8_t)(liar->setting >> 8), (uint8_t)liar->setting,
                          (uint8_t)(liar->value >> 24),  (uint8_t)(liar->value >> 16),
                          (uint8_t)(liar->value >> 8),   (uint8_t)liar->value};
    ssize_t got = weft_stream_read_exact(stream, preface, sizeof preface);
    h2_peer_begin(&peer, stream);
    int rc = got < 0 ? (int)got : 0;
    if (rc == 0 && !liar->has_no_settings)
        rc = h2_peer_frame(&peer, NGHTTP2_SETTINGS, 0, 0, setting, liar->setting != 0 ? 6 : 0);
    if (rc == 0)
        rc = liar->fn(liar, &peer);
    if (rc == 0)
        rc = weft_stream_shutdown(stream);
    if (rc == 0)
        rc = h2_liar_drain(&peer); /* what is unread would make a reset of it */
    liar->goaway = peer.has_goaway ? (long)peer.goaway : -1;
    nghttp2_hd_inflate_del(peer.inflater);
    if (rc < 0)
        weft_stream_abort(stream);
    else
        (void)weft_stream_close(stream);
    return rc == -ECANCELED ? rc : 0;
}

static inline int h2_liar_body(void *arg)
{
    struct h2_liar *liar = arg;
    int rc = 0;
    while (rc == 0) {
        weft_stream *stream;
        WEFT_TRY(weft_listener_accept(liar->listener, &stream));
        liar->connections++;
        rc = h2_liar_serve(liar, stream);
    }
    return rc;
}

static inline void h2_liar_open(struct h2_liar *liar, h2_liar_fn *fn, weft_client_options options)
{
    weft_addr addr;
    liar->fn = fn;
    options.assumes_h2 = true;
    CHECK_OK(weft_addr_parse(&addr, "127.0.0.1:0"));
    CHECK_OK(weft_listener_open(&liar->listener, &addr, NULL));
    snprintf(liar->url, sizeof liar->url, "http://127.0.0.1:%d/",
             weft_addr_get_port(weft_listener_get_addr(liar->listener)));
    CHECK_OK(weft_client_new(&liar->client, &options));
    liar->task = weft_spawn(h2_liar_body, liar);
}

static inline void h2_liar_close(struct h2_liar *liar)
{
    weft_client_free(liar->client);
    weft_cancel(liar->task, "the test is over");
    (void)weft_await_for(liar->task, WEFT_SEC);
    weft_listener_close(liar->listener);
}

/* Reads until a request's HEADERS has come: its stream; 0: the client has ended. */
static inline int32_t h2_liar_hear(struct h2_liar *liar, struct h2_peer *peer)
{
    static struct h2_frame frame;
    while (h2_peer_read(peer, &frame)) {
        if (frame.type != NGHTTP2_HEADERS)
            continue;
        liar->requests++;
        return frame.id;
    }
    return 0;
}

/* HEADERS with END_HEADERS and `flags`: "name: value\n" lines. */
static inline int h2_liar_head(struct h2_peer *peer, int32_t id, uint8_t flags, const char *lines)
{
    static uint8_t block[16384];
    size_t count = h2_block(block, lines);
    return h2_peer_frame(peer, NGHTTP2_HEADERS, flags | NGHTTP2_FLAG_END_HEADERS, id, block, count);
}

#define H2_END NGHTTP2_FLAG_END_STREAM

/* "hi", whole. */
static inline int h2_liar_answer(struct h2_peer *peer, int32_t id)
{
    WEFT_TRY(h2_liar_head(peer, id, 0, ":status: 200\ncontent-length: 2\n"));
    return h2_peer_frame(peer, NGHTTP2_DATA, H2_END, id, "hi", 2);
}

/* One request: its status, or the failure.  `request` may have no url. */
static inline int h2_liar_ask(struct h2_liar *liar, weft_client_request request)
{
    weft_client_response page;
    request.url = liar->url;
    WEFT_TRY(weft_client_fetch(liar->client, &request, &page));
    int status = page.status;
    if (status == 200)
        CHECK_BYTES(page.body.ptr, page.body.len, "hi", 2);
    weft_client_response_free(&page);
    return status;
}

#endif
