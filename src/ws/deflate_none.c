/* SPDX-License-Identifier: MIT */

/* Without zlib: nothing is agreed on, so none of this is ever asked. */

#include "ws/deflate.h"

bool wf_ws_deflate_is_there(void)
{
    return false;
}

struct wf_ws_deflate *wf_ws_deflate_new(const struct wf_ws_deflate_terms *terms)
{
    (void)terms;
    return NULL;
}

void wf_ws_deflate_free(struct wf_ws_deflate *deflate)
{
    (void)deflate;
}

int wf_ws_compress(struct wf_ws_deflate *deflate, weft_str message, wf_buf *out)
{
    (void)deflate;
    (void)message;
    (void)out;
    return -ENOSYS;
}

int wf_ws_inflate(struct wf_ws_deflate *deflate, weft_str piece, bool is_end,
                  const struct wf_ws_inflate_limits *limits, wf_buf *out, struct wf_ws_fault *fault)
{
    (void)deflate;
    (void)piece;
    (void)is_end;
    (void)limits;
    (void)out;
    (void)fault;
    return -ENOSYS;
}
