/* SPDX-License-Identifier: MIT */

#include "h2/session.h"

#include "base/alloc.h"

/* ---- memory; wf_grow: it asks for no zeroes ---- */

static void *mem_malloc(size_t bytes, void *arg)
{
    (void)arg;
    return wf_grow(NULL, bytes, 1);
}

static void *mem_calloc(size_t count, size_t bytes, void *arg)
{
    (void)arg;
    return wf_array(count, bytes);
}

static void *mem_realloc(void *ptr, size_t bytes, void *arg)
{
    (void)arg;
    return wf_grow(ptr, bytes, 1);
}

static void mem_free(void *ptr, void *arg)
{
    (void)arg;
    wf_free(ptr);
}

nghttp2_mem wf_h2_mem = {NULL, mem_malloc, mem_free, mem_calloc, mem_realloc};

/* ---- options ---- */

int wf_h2_option_new(nghttp2_option **out, uint32_t control_count_max, uint32_t table_bytes_max)
{
    nghttp2_option *option;
    if (nghttp2_option_new(&option) != 0)
        return -ENOMEM;
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_max_outbound_ack(option, control_count_max);
    nghttp2_option_set_max_deflate_dynamic_table_size(option, table_bytes_max);
    for (unsigned type = WF_H2_TYPE_UNKNOWN; type <= UINT8_MAX; type++) /* so that we are told */
        nghttp2_option_set_user_recv_extension_type(option, (uint8_t)type);
        /* Counted by us, with a GOAWAY that says why. */
#if WF_NGHTTP2_HAS_RESET_LIMIT
    nghttp2_option_set_stream_reset_rate_limit(option, UINT32_MAX, UINT32_MAX);
#endif
#if WF_NGHTTP2_HAS_CONTINUATION_LIMIT
    nghttp2_option_set_max_continuations(option, UINT32_MAX);
#endif
    *out = option;
    return 0;
}

/* ---- what means nothing, and what means ill ---- */

static int unknown_came(nghttp2_session *session, void **payload, const nghttp2_frame_hd *hd,
                        void *arg)
{
    (void)session;
    (void)payload;
    (void)hd;
    (void)arg;
    return NGHTTP2_ERR_CANCEL;
}

void wf_h2_drop_unknown(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_unpack_extension_callback(callbacks, unknown_came);
}

static int field_was_wrong(nghttp2_session *session, const nghttp2_frame *frame,
                           const uint8_t *name, size_t name_bytes, const uint8_t *value,
                           size_t value_bytes, uint8_t flags, void *arg)
{
    (void)session;
    (void)frame;
    (void)name;
    (void)name_bytes;
    (void)value;
    (void)value_bytes;
    (void)flags;
    (void)arg;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

void wf_h2_refuse_wrong_fields(nghttp2_session_callbacks *callbacks)
{
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, field_was_wrong);
}

bool wf_h2_is_provoked(uint32_t code)
{
    return code != NGHTTP2_NO_ERROR && code != NGHTTP2_INTERNAL_ERROR && code != NGHTTP2_CANCEL;
}

/* ---- sending ---- */

/* One frame.  1; 0: the stream has no room, it is held back; or a failure. */
static int put(weft_stream *stream, wf_buf *held, const uint8_t *bytes, size_t count,
               uint64_t *sent_bytes)
{
    int rc = weft_stream_put(stream, bytes, count);
    if (rc == -EAGAIN) {
        rc = wf_buf_append(held, bytes, count);
        return rc < 0 ? rc : 0;
    }
    *sent_bytes += rc == 0 ? count : 0;
    return rc < 0 ? rc : 1;
}

static int put_held(weft_stream *stream, wf_buf *held, uint64_t *sent_bytes)
{
    size_t count = wf_buf_bytes(held);
    if (count == 0)
        return 1;
    int rc = weft_stream_put(stream, wf_buf_ptr(held), count);
    if (rc == -EAGAIN)
        return 0;
    *sent_bytes += rc == 0 ? count : 0;
    wf_buf_fini(held);
    return rc < 0 ? rc : 1;
}

int wf_h2_send(nghttp2_session *session, weft_stream *stream, wf_buf *held, uint64_t *sent_bytes)
{
    int rc = put_held(stream, held, sent_bytes);
    while (rc > 0) {
        const uint8_t *bytes;
        ssize_t count = nghttp2_session_mem_send(session, &bytes);
        if (count <= 0)
            return (int)count;
        rc = put(stream, held, bytes, (size_t)count, sent_bytes);
    }
    return rc;
}
