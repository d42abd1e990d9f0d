/* SPDX-License-Identifier: MIT */

/*
 * Multipart: a body of type multipart/form-data (RFC 7578, 2046) taken apart.  Pure: bytes in,
 * events out, the same for every way to cut them; memory for the fields of one part alone.
 *
 * Strict: the body begins with its boundary and ends with the last one and at most a line end;
 * lines end with CR LF; every part has one Content-Disposition: form-data with a name.
 */
#ifndef WF_HTTP_MULTIPART_H
#define WF_HTTP_MULTIPART_H

#include <weft/base.h>

#include "base/buf.h"
#include "h1/fault.h"

#define WF_BOUNDARY_MAX 70 /* RFC 2046 5.1.1 */

struct wf_multipart_limits {
    uint32_t part_count_max, head_bytes_max, name_bytes_max;
    uint64_t part_bytes_max;
};

enum wf_multipart_event {
    WF_MULTIPART_MORE = 0, /* all input is used up */
    WF_MULTIPART_PART,     /* a part begins: name, file_name, type */
    WF_MULTIPART_DATA,     /* `piece` of it */
    WF_MULTIPART_PART_END,
    WF_MULTIPART_END, /* behind the last part; what follows may be a line end */
};

struct wf_multipart {
    char delimiter[WF_BOUNDARY_MAX + 4]; /* CR LF "--" boundary */
    uint8_t delimiter_len, matched;      /* bytes of it that have come */
    uint8_t state;
    bool had_dash;   /* one '-' behind the delimiter */
    bool had_return; /* a CR that an LF must follow */
    bool is_first;   /* nothing but the delimiter may come */
    const struct wf_multipart_limits *limits;
    uint32_t part_count;
    uint64_t part_bytes, offset; /* of this part; of all input */
    wf_buf head;
    weft_str name, file_name, type; /* of this part; ptr NULL: not said.  In `head` */
    struct wf_http_fault fault;     /* what is wrong */
};

/* The boundary of a Content-Type; false: it is not multipart/form-data, or has none that is right.
 */
bool wf_multipart_boundary(weft_str content_type, weft_str *out);

/* `limits` must stay valid. */
void wf_multipart_init(struct wf_multipart *it, weft_str boundary,
                       const struct wf_multipart_limits *limits);
void wf_multipart_fini(struct wf_multipart *it);

/* The next event of text[0, len); *used bytes of it are done with.  `*piece` is borrowed until the
 * next call.  -WEFT_ESYNTAX, -WEFT_ELIMIT with it->fault; -ENOMEM. */
int wf_multipart_next(struct wf_multipart *it, const char *text, size_t len, size_t *used,
                      weft_str *piece);

/* True when the body may end here. */
bool wf_multipart_is_done(const struct wf_multipart *it);

/* ---- part_head.c ---- */

/* The fields of a part, as they came, without the empty line.  Fills name, file_name and type; the
 * text is changed in place.  NULL, or what is wrong. */
const char *wf_part_head_read(struct wf_multipart *it, char *text, size_t len);

#endif
