/* SPDX-License-Identifier: MIT */

#include "h2_peer.h"

#include <weft/error.h>

#include <stdlib.h>

static void put32(uint8_t *out, uint32_t value)
{
    out[0] = (uint8_t)(value >> 24);
    out[1] = (uint8_t)(value >> 16);
    out[2] = (uint8_t)(value >> 8);
    out[3] = (uint8_t)value;
}

static uint32_t get32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* ---- life ---- */

void h2_peer_begin(struct h2_peer *peer, weft_stream *stream)
{
    *peer = (struct h2_peer){.stream = stream};
    CHECK_EQ(nghttp2_hd_inflate_new(&peer->inflater), 0);
}

void h2_peer_open_with(struct h2_peer *peer, struct site *site, uint16_t setting, uint32_t value)
{
    uint8_t bytes[6] = {(uint8_t)(setting >> 8), (uint8_t)setting};
    put32(bytes + 2, value);
    h2_peer_begin(peer, client_open(site));
    client_send(peer->stream, H2_PREFACE);
    CHECK_OK(h2_peer_frame(peer, NGHTTP2_SETTINGS, 0, 0, bytes, setting != 0 ? 6 : 0));
}

void h2_peer_open(struct h2_peer *peer, struct site *site)
{
    h2_peer_open_with(peer, site, 0, 0);
}

int h2_peer_try(struct h2_peer *peer, const struct site *site)
{
    static const uint8_t settings[9] = {0, 0, 0, NGHTTP2_SETTINGS};
    weft_stream *stream;
    WEFT_TRY(weft_stream_connect(&stream, &site->addr));
    h2_peer_begin(peer, stream);
    int rc = weft_stream_write(stream, H2_PREFACE, sizeof H2_PREFACE - 1);
    if (rc == 0)
        rc = weft_stream_write(stream, settings, sizeof settings);
    if (rc < 0)
        h2_peer_close(peer);
    return rc;
}

void h2_peer_close(struct h2_peer *peer)
{
    nghttp2_hd_inflate_del(peer->inflater);
    weft_stream_abort(peer->stream);
}

void h2_site_open(struct site *site, struct h2_peer *peer, const weft_http_options *options)
{
    CHECK_OK(site_open(site, options));
    h2_peer_open(peer, site);
}

void h2_site_close(struct site *site, struct h2_peer *peer)
{
    h2_peer_close(peer);
    CHECK_OK(site_close(site));
}

/* ---- sending ---- */

int h2_peer_frame(struct h2_peer *peer, uint8_t type, uint8_t flags, int32_t id, const void *bytes,
                  size_t count)
{
    uint8_t head[9] = {(uint8_t)(count >> 16), (uint8_t)(count >> 8), (uint8_t)count, type, flags};
    put32(head + 5, (uint32_t)id);
    WEFT_TRY(weft_stream_write(peer->stream, head, sizeof head));
    return weft_stream_write(peer->stream, bytes, count);
}

static size_t put_text(uint8_t *out, const char *text, size_t len)
{
    size_t at = 0;
    if (len < 127) {
        out[at++] = (uint8_t)len;
    } else { /* RFC 7541 5.1 */
        out[at++] = 127;
        size_t rest = len - 127;
        for (; rest >= 128; rest /= 128)
            out[at++] = (uint8_t)(rest % 128 + 128);
        out[at++] = (uint8_t)rest;
    }
    memcpy(out + at, text, len);
    return at + len;
}

size_t h2_block(uint8_t *out, const char *lines)
{
    size_t at = 0;
    while (*lines != 0) {
        const char *end = strchr(lines, '\n'), *colon = strstr(lines + 1, ": ");
        out[at++] = 0;
        at += put_text(out + at, lines, (size_t)(colon - lines));
        at += put_text(out + at, colon + 2, (size_t)(end - colon) - 2);
        lines = end + 1;
    }
    return at;
}

void h2_peer_head(struct h2_peer *peer, int32_t id, uint8_t flags, const char *method,
                  const char *path, const char *lines)
{
    char text[4096];
    uint8_t block[4096];
    snprintf(text, sizeof text, ":method: %s\n:scheme: http\n:authority: a\n:path: %s\n%s", method,
             path, lines);
    (void)h2_peer_frame(peer, NGHTTP2_HEADERS, flags | NGHTTP2_FLAG_END_HEADERS, id, block,
                        h2_block(block, text));
}

void h2_peer_get(struct h2_peer *peer, int32_t id, const char *path)
{
    h2_peer_head(peer, id, NGHTTP2_FLAG_END_STREAM, "GET", path, "");
}

/* ---- receiving ---- */

static bool read_frame(struct h2_peer *peer, struct h2_frame *out)
{
    uint8_t head[9];
    ssize_t count = weft_stream_read_exact(peer->stream, head, sizeof head);
    if (count <= 0)
        return false;
    out->count = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
    out->type = head[3];
    out->flags = head[4];
    out->id = (int32_t)get32(head + 5);
    CHECK_LE(out->count, sizeof out->bytes);
    return out->count == 0 || weft_stream_read_exact(peer->stream, out->bytes, out->count) > 0;
}

bool h2_peer_read(struct h2_peer *peer, struct h2_frame *out)
{
    if (!read_frame(peer, out)) {
        peer->is_closed = true;
        return false;
    }
    bool is_ack = (out->flags & NGHTTP2_FLAG_ACK) != 0;
    if (out->type == NGHTTP2_SETTINGS && !is_ack)
        (void)h2_peer_frame(peer, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, NULL, 0);
    if (out->type == NGHTTP2_PING && !is_ack) {
        peer->pings++;
        (void)h2_peer_frame(peer, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, out->bytes, out->count);
    }
    if (out->type == NGHTTP2_GOAWAY) {
        peer->has_goaway = true;
        peer->goaways++;
        peer->last_id = (int32_t)get32(out->bytes);
        peer->goaway = get32(out->bytes + 4);
    }
    return true;
}

static void take_fields(struct h2_peer *peer, const struct h2_frame *frame, struct h2_answer *out)
{
    const uint8_t *at = frame->bytes;
    size_t left = frame->count, used = 0;
    out->fields[0] = 0;
    for (;;) {
        nghttp2_nv nv;
        int flags = 0;
        ssize_t rc = nghttp2_hd_inflate_hd2(peer->inflater, &nv, &flags, at, left, 1);
        CHECK_GE(rc, 0);
        at += rc;
        left -= (size_t)rc;
        if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0)
            break;
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0)
            continue;
        if (strcmp((const char *)nv.name, ":status") == 0)
            out->status = atoi((const char *)nv.value);
        used += (size_t)snprintf(out->fields + used, sizeof out->fields - used, "%s: %s\n", nv.name,
                                 nv.value);
    }
    nghttp2_hd_inflate_end_headers(peer->inflater);
}

static void take_data(struct h2_peer *peer, const struct h2_frame *frame, struct h2_answer *out)
{
    size_t room =
        out->body_bytes < sizeof out->body - 1 ? sizeof out->body - 1 - out->body_bytes : 0;
    memcpy(out->body + (room != 0 ? out->body_bytes : 0), frame->bytes,
           frame->count < room ? frame->count : room);
    out->body_bytes += frame->count;
    if (frame->count == 0)
        return;
    uint8_t more[4];
    put32(more, (uint32_t)frame->count);
    (void)h2_peer_frame(peer, NGHTTP2_WINDOW_UPDATE, 0, 0, more, 4);
    (void)h2_peer_frame(peer, NGHTTP2_WINDOW_UPDATE, 0, frame->id, more, 4);
}

void h2_peer_answer(struct h2_peer *peer, int32_t id, struct h2_answer *out)
{
    struct h2_frame *frame = malloc(sizeof *frame);
    struct h2_answer dropped;
    *out = (struct h2_answer){0};
    while (!out->is_whole && !out->is_reset && h2_peer_read(peer, frame)) {
        if (frame->type == NGHTTP2_HEADERS)
            take_fields(peer, frame, frame->id == id ? out : &dropped);
        if (frame->id != id)
            continue;
        if (frame->type == NGHTTP2_DATA)
            take_data(peer, frame, out);
        if (frame->type == NGHTTP2_RST_STREAM) {
            out->is_reset = true;
            out->code = get32(frame->bytes);
        } else if ((frame->type == NGHTTP2_DATA || frame->type == NGHTTP2_HEADERS) &&
                   (frame->flags & NGHTTP2_FLAG_END_STREAM) != 0) {
            out->is_whole = true;
        }
    }
    free(frame);
}

void h2_peer_ask(struct h2_peer *peer, int32_t id, const char *path, struct h2_answer *out)
{
    h2_peer_get(peer, id, path);
    h2_peer_answer(peer, id, out);
}

long h2_peer_end(struct h2_peer *peer)
{
    struct h2_frame *frame = malloc(sizeof *frame);
    while (h2_peer_read(peer, frame))
        continue;
    free(frame);
    return peer->has_goaway ? (long)peer->goaway : -1;
}
