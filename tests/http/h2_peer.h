/* SPDX-License-Identifier: MIT */

/*
 * A client of HTTP/2 for tests of the server: frames as the test says, well-formed or not.  Only
 * the fields of answers are read by nghttp2.  For tasks; what a test does not expect ends it.
 */
#ifndef TESTS_HTTP_H2_PEER_H
#define TESTS_HTTP_H2_PEER_H

#include "site.h"

#include <nghttp2/nghttp2.h>

#define H2_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

struct h2_peer {
    weft_stream *stream;
    nghttp2_hd_inflater *inflater;
    unsigned pings; /* of the server, answered */
    bool is_closed; /* nothing more comes */
    bool has_goaway;
    uint32_t goaway; /* its code ... */
    int32_t last_id; /* ... and its last stream */
    unsigned goaways;
};

/* Connects and sends the preface and SETTINGS; of `settings` each is an id and a value. */
void h2_peer_open(struct h2_peer *peer, struct site *site);
void h2_peer_open_with(struct h2_peer *peer, struct site *site, uint16_t setting, uint32_t value);

/* A site and a client of it, which sends no settings; and the end of both. */
void h2_site_open(struct site *site, struct h2_peer *peer, const weft_http_options *options);
void h2_site_close(struct site *site, struct h2_peer *peer);

/* The same as h2_peer_open(), where it may fail; then nothing is open. */
int h2_peer_try(struct h2_peer *peer, const struct site *site);

/* On a stream that is there already. */
void h2_peer_begin(struct h2_peer *peer, weft_stream *stream);
void h2_peer_close(struct h2_peer *peer);

/* Sends one frame; -EPIPE and the like if the server has gone. */
int h2_peer_frame(struct h2_peer *peer, uint8_t type, uint8_t flags, int32_t id, const void *bytes,
                  size_t count);

/* A header block of fields as they are: "name: value" lines, each literal and without Huffman. */
size_t h2_block(uint8_t *out, const char *lines);

/* HEADERS with END_HEADERS and `flags`; the usual four pseudo-fields and then `lines`. */
void h2_peer_head(struct h2_peer *peer, int32_t id, uint8_t flags, const char *method,
                  const char *path, const char *lines);
void h2_peer_get(struct h2_peer *peer, int32_t id, const char *path);

struct h2_frame {
    uint8_t type, flags;
    int32_t id;
    uint8_t bytes[16384];
    size_t count;
};

/* The next frame, SETTINGS and PING answered by the way.  False: the connection has ended. */
bool h2_peer_read(struct h2_peer *peer, struct h2_frame *out);

struct h2_answer {
    int status;
    bool is_whole; /* END_STREAM came */
    bool is_reset;
    uint32_t code; /* of the reset */
    size_t body_bytes;
    char body[64];     /* its beginning, NUL-terminated */
    char fields[1024]; /* "name: value\n" */
};

/* Reads until stream `id` has ended or the connection has; frames of other streams are dropped.
 * Windows are opened as bytes come. */
void h2_peer_answer(struct h2_peer *peer, int32_t id, struct h2_answer *out);

/* GET, and its answer. */
void h2_peer_ask(struct h2_peer *peer, int32_t id, const char *path, struct h2_answer *out);

/* Reads to the end: the code of the GOAWAY, or -1 if none came. */
long h2_peer_end(struct h2_peer *peer);

#endif
