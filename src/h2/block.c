/* SPDX-License-Identifier: MIT */

#include "h2/block.h"

#include "h1/chars.h"
#include "h1/write.h"

#include <string.h>

#define KEEP_BYTES_MAX ((size_t)4 * 1024)

/* A header block may be so often as large as a head before its stream is reset; what a field counts
 * apart from its bytes is that of RFC 9113 6.5.2. */
#define BOMB_FACTOR 4
#define FIELD_OVERHEAD 32

static void buf_trim(wf_buf *buf)
{
    if (buf->capacity > KEEP_BYTES_MAX)
        wf_buf_fini(buf);
    wf_buf_reset(buf);
}

void wf_h2_block_begin(struct wf_h2_block *block, uint32_t bytes_max)
{
    buf_trim(&block->text);
    buf_trim(&block->pseudo);
    buf_trim(&block->cookies);
    block->method_len = block->path_len = block->authority_len = 0;
    block->bytes_max = bytes_max;
    block->counted_bytes = 0;
    block->is_answer = false;
    block->has_line = block->has_authority = block->is_malformed = false;
}

void wf_h2_block_begin_answer(struct wf_h2_block *block, uint32_t bytes_max)
{
    wf_h2_block_begin(block, bytes_max);
    block->is_answer = true;
}

bool wf_h2_block_count(struct wf_h2_block *block, size_t field_bytes)
{
    block->counted_bytes += field_bytes + FIELD_OVERHEAD;
    return block->counted_bytes <= (uint64_t)BOMB_FACTOR * block->bytes_max;
}

void wf_h2_block_fini(struct wf_h2_block *block)
{
    wf_buf_fini(&block->text);
    wf_buf_fini(&block->pseudo);
    wf_buf_fini(&block->cookies);
}

static bool is_all(weft_str text, unsigned classes)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!wf_http_is(text.ptr[i], classes))
            return false;
    }
    return true;
}

static weft_str piece(const struct wf_h2_block *block, uint32_t at, uint32_t len)
{
    return (weft_str){wf_buf_ptr(&block->pseudo) + at, len};
}

/* ---- pseudo-fields ---- */

static int add_pseudo(struct wf_h2_block *block, weft_str value, unsigned classes, uint32_t *at,
                      uint32_t *len)
{
    if (block->has_line || *len != 0 || !is_all(value, classes))
        block->is_malformed = true;
    *at = (uint32_t)wf_buf_bytes(&block->pseudo);
    *len = (uint32_t)value.len;
    return wf_buf_append(&block->pseudo, value.ptr, value.len);
}

/* The line of an answer; a reason is not said in HTTP/2. */
static int take_status(struct wf_h2_block *block, weft_str name, weft_str value)
{
    if (block->has_line || value.len != 3 || !is_all(value, WF_DIGIT) ||
        !WF_HTTP_EQUAL(name.ptr, name.len, ":status")) {
        block->is_malformed = true;
        return 0;
    }
    block->has_line = true;
    (void)wf_buf_puts(&block->text, "HTTP/1.1 ");
    (void)wf_buf_append(&block->text, value.ptr, value.len);
    (void)wf_buf_puts(&block->text, " \r\n");
    return block->text.rc;
}

static int take_pseudo(struct wf_h2_block *block, weft_str name, weft_str value)
{
    if (wf_buf_bytes(&block->pseudo) + value.len > block->bytes_max) /* the parser will say so */
        value.len = block->bytes_max - wf_buf_bytes(&block->pseudo);
    if (WF_HTTP_EQUAL(name.ptr, name.len, ":method"))
        return add_pseudo(block, value, WF_TOKEN, &block->method_at, &block->method_len);
    if (WF_HTTP_EQUAL(name.ptr, name.len, ":path"))
        return add_pseudo(block, value, WF_TARGET, &block->path_at, &block->path_len);
    if (WF_HTTP_EQUAL(name.ptr, name.len, ":authority")) {
        block->has_authority = true;
        return add_pseudo(block, value, WF_VISIBLE, &block->authority_at, &block->authority_len);
    }
    if (!WF_HTTP_EQUAL(name.ptr, name.len, ":scheme"))
        block->is_malformed = true;
    return 0;
}

/* ---- the text ---- */

static int add_field(struct wf_h2_block *block, weft_str name, weft_str value)
{
    if (wf_buf_bytes(&block->text) > block->bytes_max)
        return 0;
    int rc = wf_h1_write_field(&block->text, name, value);
    if (rc == -EINVAL) {
        block->is_malformed = true;
        rc = 0;
    }
    return rc;
}

/* HTTP/1 knows URLs as targets too, and asks the host they name.  nghttp2 sees to this for the
 * schemes http and https alone. */
static bool is_path(weft_str target)
{
    return target.ptr[0] == '/' || (target.len == 1 && target.ptr[0] == '*');
}

/* "GET /path HTTP/1.1" and Host, when the first field behind the pseudo-fields comes. */
static int add_line(struct wf_h2_block *block)
{
    if (block->is_answer) {
        block->is_malformed = true; /* no :status */
        return 0;
    }
    weft_str method = piece(block, block->method_at, block->method_len);
    weft_str path = piece(block, block->path_at, block->path_len);
    weft_str authority = piece(block, block->authority_at, block->authority_len);
    bool is_connect = method.len == 7 && memcmp(method.ptr, "CONNECT", 7) == 0;
    weft_str target = is_connect ? authority : path;
    block->has_line = true;
    if (method.len == 0 || target.len == 0 || (!is_connect && !is_path(target)))
        block->is_malformed = true;
    (void)wf_buf_append(&block->text, method.ptr, method.len);
    (void)wf_buf_putc(&block->text, ' ');
    (void)wf_buf_append(&block->text, target.ptr, target.len);
    (void)wf_buf_puts(&block->text, " HTTP/1.1\r\n");
    if (block->text.rc < 0)
        return block->text.rc;
    return block->has_authority ? add_field(block, (weft_str){"host", 4}, authority) : 0;
}

/* Where both are there they must say the same, and one is enough. */
static int take_host(struct wf_h2_block *block, weft_str name, weft_str value)
{
    if (!block->has_authority)
        return add_field(block, name, value);
    weft_str authority = piece(block, block->authority_at, block->authority_len);
    if (value.len != authority.len || memcmp(value.ptr, authority.ptr, value.len) != 0)
        block->is_malformed = true;
    return 0;
}

static int take_cookie(struct wf_h2_block *block, weft_str value)
{
    size_t bytes = wf_buf_bytes(&block->cookies);
    if (bytes > block->bytes_max)
        return 0;
    if (bytes != 0)
        (void)wf_buf_puts(&block->cookies, "; ");
    return wf_buf_append(&block->cookies, value.ptr, value.len);
}

int wf_h2_block_add(struct wf_h2_block *block, weft_str name, weft_str value)
{
    if (block->is_malformed)
        return 0;
    if (name.len != 0 && name.ptr[0] == ':')
        return block->is_answer ? take_status(block, name, value) : take_pseudo(block, name, value);
    int rc = block->has_line ? 0 : add_line(block);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] >= 'A' && name.ptr[i] <= 'Z')
            block->is_malformed = true;
    }
    if (block->is_answer)
        return add_field(block, name, value);
    if (WF_HTTP_EQUAL(name.ptr, name.len, "host"))
        return take_host(block, name, value);
    if (WF_HTTP_EQUAL(name.ptr, name.len, "cookie"))
        return take_cookie(block, value);
    return add_field(block, name, value);
}

int wf_h2_block_end(struct wf_h2_block *block, weft_str *out)
{
    weft_str cookies = {wf_buf_ptr(&block->cookies), wf_buf_bytes(&block->cookies)};
    int rc = block->has_line ? 0 : add_line(block);
    if (rc == 0 && cookies.len != 0)
        rc = add_field(block, (weft_str){"cookie", 6}, cookies);
    if (rc == 0)
        rc = wf_buf_puts(&block->text, "\r\n");
    if (rc < 0)
        return rc;
    *out = (weft_str){wf_buf_ptr(&block->text), wf_buf_bytes(&block->text)};
    return block->is_malformed ? -WEFT_ESYNTAX : 0;
}
