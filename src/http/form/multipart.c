/* SPDX-License-Identifier: MIT */

#include "http/form/multipart.h"

#include "base/str.h"
#include "h1/chars.h"

#include <string.h>

enum {
    AT_DATA,      /* of a part, or of a delimiter; at the very first only of that */
    AT_DELIMITED, /* behind a delimiter: a line end, or "--" */
    AT_HEAD,      /* fields of a part */
    AT_END,       /* behind the last delimiter: a line end or nothing */
};

/* ---- the boundary ---- */

/* RFC 2046 5.1.1, bchars. */
static bool is_boundary(weft_str text)
{
    static const char others[] = "'()+_,-./:=? ";
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i], low = wf_str_lower(c);
        bool is_word = (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9');
        if (!is_word && (c == 0 || strchr(others, c) == NULL))
            return false;
    }
    return text.len > 0 && text.len <= WF_BOUNDARY_MAX && text.ptr[text.len - 1] != ' ';
}

/* Bytes up to the next ';' that no quotes are around. */
static size_t parameter_len(weft_str text)
{
    bool is_quoted = false;
    size_t i = 0;
    for (; i < text.len && (is_quoted || text.ptr[i] != ';'); i++)
        is_quoted ^= text.ptr[i] == '"';
    return i;
}

bool wf_multipart_boundary(weft_str content_type, weft_str *out)
{
    static const char key[] = "boundary=";
    size_t len = parameter_len(content_type), found = 0;
    weft_str kind = wf_str_trim((weft_str){content_type.ptr, len});
    if (!WF_HTTP_EQUAL(kind.ptr, kind.len, "multipart/form-data"))
        return false;
    for (weft_str rest = content_type; len < rest.len; len = parameter_len(rest)) {
        rest = (weft_str){rest.ptr + len + 1, rest.len - len - 1};
        weft_str one = wf_str_trim((weft_str){rest.ptr, parameter_len(rest)});
        if (one.len < sizeof key - 1 ||
            !wf_http_equal(one.ptr, sizeof key - 1, key, sizeof key - 1))
            continue;
        one = (weft_str){one.ptr + sizeof key - 1, one.len - (sizeof key - 1)};
        if (one.len >= 2 && one.ptr[0] == '"' && one.ptr[one.len - 1] == '"')
            one = (weft_str){one.ptr + 1, one.len - 2};
        *out = one;
        found++;
    }
    return found == 1 && is_boundary(*out);
}

/* ---- the whole ---- */

void wf_multipart_init(struct wf_multipart *it, weft_str boundary,
                       const struct wf_multipart_limits *limits)
{
    *it = (struct wf_multipart){
        .delimiter = {'\r', '\n', '-', '-'},
        .delimiter_len = (uint8_t)(boundary.len + 4),
        .matched = 2, /* the line end before the first one is not there */
        .state = AT_DATA,
        .is_first = true,
        .limits = limits,
        .head.bytes_max = limits->head_bytes_max,
    };
    memcpy(it->delimiter + 4, boundary.ptr, boundary.len);
}

void wf_multipart_fini(struct wf_multipart *it)
{
    wf_buf_fini(&it->head);
}

bool wf_multipart_is_done(const struct wf_multipart *it)
{
    return it->state == AT_END && !it->had_return;
}

/* ---- what is wrong ---- */

static int fail(struct wf_multipart *it, const char *message)
{
    it->fault = wf_http_fault(400, message, (int64_t)it->offset);
    return -WEFT_ESYNTAX;
}

static int fail_limit(struct wf_multipart *it, int status, const char *message, const char *name,
                      uint64_t limit, uint64_t seen)
{
    it->fault = wf_http_fault_limit(status, message, name, limit, seen, WF_HTTP_NOWHERE);
    return -WEFT_ELIMIT;
}

/* ---- data ---- */

/* How many more bytes the part may have. */
static uint64_t data_room(const struct wf_multipart *it)
{
    uint64_t max = it->limits->part_bytes_max;
    return max != 0 ? max - it->part_bytes : UINT64_MAX;
}

static int give_data(struct wf_multipart *it, const char *bytes, size_t count, weft_str *piece)
{
    uint64_t max = it->limits->part_bytes_max;
    if (count > data_room(it))
        return fail_limit(it, 413, "A part is too large.", "part_bytes_max", max, max + 1);
    it->part_bytes += count;
    *piece = (weft_str){bytes, count};
    return WF_MULTIPART_DATA;
}

/* Goes on with a delimiter that has begun.  It holds no CR but its first byte: if it breaks off,
 * what was held back is data, and no other can have begun in it. */
static int match_delimiter(struct wf_multipart *it, const char *text, size_t len, size_t *used,
                           weft_str *piece)
{
    while (*used < len && it->matched < it->delimiter_len &&
           text[*used] == it->delimiter[it->matched]) {
        ++*used;
        it->matched++;
    }
    if (it->matched == it->delimiter_len) {
        bool is_first = it->is_first;
        it->matched = 0;
        it->is_first = false;
        it->state = AT_DELIMITED;
        return is_first ? WF_MULTIPART_MORE : WF_MULTIPART_PART_END;
    }
    if (*used == len)
        return WF_MULTIPART_MORE;
    if (it->is_first) {
        it->offset += *used;
        return fail(it, "The body does not begin with its boundary.");
    }
    size_t held = it->matched;
    it->matched = 0;
    return give_data(it, it->delimiter, held, piece);
}

static int take_data(struct wf_multipart *it, const char *text, size_t len, size_t *used,
                     weft_str *piece)
{
    if (it->matched == 0) {
        const char *end = memchr(text, '\r', len);
        size_t count = end != NULL ? (size_t)(end - text) : len;
        uint64_t room = data_room(it);
        if (count > room && room != 0)
            count = (size_t)room; /* so that the verdict is the same for every cut */
        if (count != 0) {
            *used = count;
            return give_data(it, text, count, piece);
        }
    }
    return match_delimiter(it, text, len, used, piece);
}

/* ---- between parts ---- */

static int begin_part(struct wf_multipart *it)
{
    if (++it->part_count > it->limits->part_count_max)
        return fail_limit(it, 400, "The body has too many parts.", "part_count_max",
                          it->limits->part_count_max, it->part_count);
    wf_buf_reset(&it->head);
    it->part_bytes = 0;
    it->state = AT_HEAD;
    return WF_MULTIPART_MORE;
}

/* RFC 2046 lets blanks stand before the line end. */
static int take_delimited(struct wf_multipart *it, char c)
{
    if (it->had_dash) {
        it->had_dash = false;
        it->state = AT_END;
        return c == '-' ? WF_MULTIPART_END : fail(it, "A boundary is followed by something else.");
    }
    if (it->had_return) {
        it->had_return = false;
        return c == '\n' ? begin_part(it) : fail(it, "A boundary is followed by something else.");
    }
    it->had_dash = c == '-';
    it->had_return = c == '\r';
    if (it->had_dash || it->had_return || c == ' ' || c == '\t')
        return WF_MULTIPART_MORE;
    return fail(it, "A boundary is followed by something else.");
}

static int take_end(struct wf_multipart *it, char c)
{
    bool is_right = it->had_return ? c == '\n' : c == '\r' && !it->had_dash;
    it->had_dash = true; /* one line end alone */
    it->had_return = !it->had_return && is_right;
    return is_right ? WF_MULTIPART_MORE : fail(it, "Something stands behind the last boundary.");
}

/* ---- fields ---- */

static int finish_head(struct wf_multipart *it)
{
    size_t len = wf_buf_bytes(&it->head);
    len -= len == 2 ? 2 : 4; /* no fields at all: the empty line alone */
    const char *what = wf_part_head_read(it, it->head.mem + it->head.start, len);
    if (what != NULL)
        return fail(it, what);
    if (it->name.len > it->limits->name_bytes_max)
        return fail_limit(it, 400, "The name of a part is too long.", "name_bytes_max",
                          it->limits->name_bytes_max, it->name.len);
    it->state = AT_DATA;
    it->matched = 0;
    return WF_MULTIPART_PART;
}

static bool head_is_whole(const wf_buf *head)
{
    size_t len = wf_buf_bytes(head);
    const char *end = wf_buf_ptr(head) + len;
    return (len == 2 && memcmp(end - 2, "\r\n", 2) == 0) ||
           (len >= 4 && memcmp(end - 4, "\r\n\r\n", 4) == 0);
}

static int take_head(struct wf_multipart *it, char c)
{
    wf_buf *head = &it->head;
    size_t len = wf_buf_bytes(head);
    bool is_behind_return = len > 0 && wf_buf_ptr(head)[len - 1] == '\r';
    if (is_behind_return != (c == '\n'))
        return fail(it, "A line of a part does not end with CR LF.");
    int rc = wf_buf_putc(head, c);
    if (rc == -WEFT_ELIMIT)
        return fail_limit(it, 431, "The fields of a part are too large.", "head_bytes_max",
                          it->limits->head_bytes_max, len + 1);
    if (rc < 0)
        return rc;
    return head_is_whole(head) ? finish_head(it) : WF_MULTIPART_MORE;
}

static int take_byte(struct wf_multipart *it, char c)
{
    if (it->state == AT_DELIMITED)
        return take_delimited(it, c);
    return it->state == AT_HEAD ? take_head(it, c) : take_end(it, c);
}

int wf_multipart_next(struct wf_multipart *it, const char *text, size_t len, size_t *used,
                      weft_str *piece)
{
    int rc = WF_MULTIPART_MORE;
    *used = 0;
    if (it->fault.status != 0)
        return -WEFT_ESYNTAX;
    while (rc == WF_MULTIPART_MORE && *used < len) {
        size_t count = 0;
        if (it->state == AT_DATA) {
            rc = take_data(it, text + *used, len - *used, &count, piece);
        } else {
            rc = take_byte(it, text[*used]);
            count = rc >= 0;
        }
        *used += count;
        it->offset += count;
    }
    return rc;
}
