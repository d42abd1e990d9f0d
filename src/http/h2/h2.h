/* SPDX-License-Identifier: MIT */

/* HTTP/2 as conn.c sees it: a connection that has begun to speak it is handed over whole. */
#ifndef WF_HTTP_H2_H
#define WF_HTTP_H2_H

#include "http/server/conn.h"

/* What a client that speaks HTTP/2 sends first: RFC 9113 3.4. */
#define WF_H2_PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define WF_H2_PREFACE_BYTES (sizeof WF_H2_PREFACE - 1)

/* False where it was built without nghttp2; then nothing else here is called. */
bool wf_h2_is_there(void);

/* The connection speaks HTTP/2 from now on; what it has sent is unread.  0 or -ENOMEM. */
int wf_h2_start(struct wf_conn *conn);

/* The stream's callbacks. */
void wf_h2_input(struct wf_conn *conn);
void wf_h2_output(struct wf_conn *conn);
void wf_h2_expired(struct wf_conn *conn);

/* The record goes: frees what it holds. */
void wf_h2_free(struct wf_h2 *h2);

/* Politely: no new requests, and the end when those in hand are answered. */
void wf_h2_drain(struct wf_conn *conn);

/* At once, but for what tasks still hold: the last of them ends it. */
void wf_h2_abort(struct wf_conn *conn);

#endif
