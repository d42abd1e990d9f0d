/* SPDX-License-Identifier: MIT */

/* What both ends do with a session of nghttp2's. */
#ifndef WF_H2_SESSION_H
#define WF_H2_SESSION_H

#include <weft/sys/stream.h>

#include "base/buf.h"

#include <nghttp2/nghttp2.h>

#define WF_H2_TYPE_UNKNOWN 0x0a /* the first type of frame that RFC 9113 does not know */

/* nghttp2's memory is ours: each call a fault point.  It takes a pointer that is not const. */
extern nghttp2_mem wf_h2_mem;

/* Windows open by us alone, at most so many answers to PING and SETTINGS wait, the peer's
 * compression gets a table of so many bytes of ours; what floods is counted by <h2/flood.h>.
 * 0 or -ENOMEM. */
int wf_h2_option_new(nghttp2_option **out, uint32_t control_count_max, uint32_t table_bytes_max);

/* Frames of types that nobody knows are dropped; they were counted when they began. */
void wf_h2_drop_unknown(nghttp2_session_callbacks *callbacks);

/* A field whose name or value HTTP forbids costs its stream (RFC 9113 8.2.1); nghttp2 before 1.50
 * would leave the field out and go on. */
void wf_h2_refuse_wrong_fields(nghttp2_session_callbacks *callbacks);

/* A RST_STREAM of ours with this code was brought about by the peer's own mistake. */
bool wf_h2_is_provoked(uint32_t code);

/* Frames into the stream's output, as far as it takes them; one that it has no room for is kept in
 * `held` and goes first the next time.  Adds what was sent to *sent_bytes.  0, or a failure. */
int wf_h2_send(nghttp2_session *session, weft_stream *stream, wf_buf *held, uint64_t *sent_bytes);

#endif
