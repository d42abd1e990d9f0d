/* SPDX-License-Identifier: MIT */

/*
 * Compressed messages (RFC 7692 7.2): raw deflate, each message ended by a flush whose last four
 * bytes are left out.  deflate.c by zlib; deflate_none.c where there is none.
 *
 * Where the window does not go on, its memory is taken for a message and given back with its end:
 * an idle connection has none.
 */
#ifndef WF_WS_DEFLATE_H
#define WF_WS_DEFLATE_H

#include <weft/base.h>

#include "base/buf.h"
#include "ws/deflate_terms.h"
#include "ws/frame.h"

struct wf_ws_deflate;

/* False where Weft is built without zlib: nothing is offered then, and nothing agreed on. */
bool wf_ws_deflate_is_there(void);

/* NULL: no memory. */
struct wf_ws_deflate *wf_ws_deflate_new(const struct wf_ws_deflate_terms *terms);
void wf_ws_deflate_free(struct wf_ws_deflate *deflate);

/* Appends a message, compressed.  0 or -ENOMEM; then nothing more can be compressed. */
int wf_ws_compress(struct wf_ws_deflate *deflate, weft_str message, wf_buf *out);

struct wf_ws_inflate_limits {
    uint64_t message_bytes_max; /* what comes out */
    uint32_t ratio_max;         /* so many times as much may come out as went in … */
};
#define WF_WS_RATIO_FREE 65536u /* … besides so many bytes */

/* Appends what a piece of a compressed message becomes.  0; -ENOMEM; -WEFT_ESYNTAX or -WEFT_ELIMIT
 * with a fault. */
int wf_ws_inflate(struct wf_ws_deflate *deflate, weft_str piece, bool is_end,
                  const struct wf_ws_inflate_limits *limits, wf_buf *out,
                  struct wf_ws_fault *fault);

#endif
