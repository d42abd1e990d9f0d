/* SPDX-License-Identifier: MIT */

#include "http/coded/coded_answer.h"

#include <weft/error.h>
#include <weft/exec.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "coding/accept.h"
#include "coding/coding.h"
#include "h1/chars.h"
#include "h1/write.h"
#include "http/exchange/request.h"
#include "http/exchange/response.h"
#include "http/server/conn.h"
#include "http/server/server.h"

#include <string.h>

#define PIECE_BYTES ((size_t)16 * 1024)

struct wf_coded {
    struct wf_encoder *encoder;
    wf_buf out;
    bool has_length; /* as the handler set it */
    uint64_t length, taken;
};

const char *weft_http_codings(void)
{
    return wf_coding_list();
}

/* ---- fields of the answer ---- */

static bool line_is(weft_str line, const char *lower)
{
    size_t len = strlen(lower);
    return line.len > len && line.ptr[len] == ':' && wf_http_equal(line.ptr, len, lower, len);
}

/* The value of the first line of that name, as the handler gave it, or one with ptr NULL. */
static weft_str field_of(const weft_http_response *res, const char *lower)
{
    const char *at = wf_buf_ptr(&res->fields), *end = at + wf_buf_bytes(&res->fields);
    while (at < end) { /* each line is "name: value\r\n" */
        const char *stop = memchr(at, '\r', (size_t)(end - at));
        weft_str line = {at, (size_t)(stop - at)};
        size_t skip = strlen(lower) + 2;
        if (line_is(line, lower))
            return (weft_str){at + skip, line.len - skip};
        at = stop + 2;
    }
    return (weft_str){NULL, 0};
}

static int field_add(weft_http_response *res, const char *name, const char *value)
{
    return wf_h1_write_field(&res->fields, weft_str_of(name), weft_str_of(value));
}

/* Caches must not give one client's coding to another that does not know it. */
static int field_vary(weft_http_response *res)
{
    return field_add(res, "Vary", "Accept-Encoding");
}

/* What is coded here is not the same bytes each time: the tag says so (RFC 9110 8.8.3). */
static int field_weaken_tag(weft_http_response *res)
{
    weft_str tag = field_of(res, "etag");
    if (tag.len == 0 || tag.ptr[0] != '"')
        return 0;
    size_t at = (size_t)(tag.ptr - wf_buf_ptr(&res->fields));
    size_t behind = wf_buf_bytes(&res->fields) - at;
    char *room;
    int rc = wf_buf_reserve(&res->fields, 2, &room);
    if (rc < 0)
        return rc;
    memmove(room - behind + 2, room - behind, behind);
    memcpy(room - behind, "W/", 2);
    wf_buf_commit(&res->fields, 2);
    return 0;
}

/* ---- judging ---- */

static enum wf_coding coding_wanted(const weft_http_request *req, bool *out_is_refused)
{
    struct wf_accept_coding accept;
    wf_accept_coding_init(&accept);
    for (uint32_t i = 0; i < req->head.field_count; i++) {
        const struct wf_h1_field *field = &req->fields[i];
        if (WF_HTTP_EQUAL(req->text + field->name_at, field->name_len, "accept-encoding"))
            wf_accept_coding_add(&accept,
                                 (weft_str){req->text + field->value_at, field->value_len});
    }
    *out_is_refused = wf_accept_coding_refuses_identity(&accept);
    return wf_accept_coding_choose(&accept, wf_coding_offer());
}

/* Its bytes have a meaning that a coding would change, or it has none. */
static bool is_left_alone(const weft_http_response *res, int status)
{
    return status == 204 || status == 206 || status == 304 ||
           field_of(res, "content-encoding").ptr != NULL ||
           field_of(res, "content-range").ptr != NULL;
}

static bool is_worth_it(const weft_http_response *res, weft_str type, uint64_t bytes)
{
    return bytes >= res->req->conn->server->compress_bytes_min && wf_type_is_compressible(type);
}

/* The coding of this answer.  NONE: the client takes none that can be had. */
static enum wf_coding judge(weft_http_response *res, int status, weft_str type, uint64_t bytes)
{
    bool is_refused;
    res->is_judged = true;
    if (bytes == 0 || is_left_alone(res, status))
        return WF_CODING_IDENTITY;
    bool is_worth = is_worth_it(res, type, bytes);
    enum wf_coding coding = coding_wanted(res->req, &is_refused);
    bool is_forced = is_refused && status < 400; /* an error says what it is in any case */
    if (!is_worth && !is_forced)
        return WF_CODING_IDENTITY;
    if (coding == WF_CODING_NONE && !is_forced)
        coding = WF_CODING_IDENTITY;
    return field_vary(res) < 0 ? WF_CODING_IDENTITY : coding;
}

static int respond_none(weft_http_response *res)
{
    weft_http_error error = {
        .status = 406,
        .message = "The client refuses every content coding of this answer, and none at all.",
        .offset = -1,
    };
    wf_response_restart(res); /* ETag and the like are those of what is not sent */
    int rc = field_vary(res);
    return rc < 0 ? rc : weft_http_respond_error(res, &error);
}

int wf_coded_not_modified(weft_http_response *res, weft_str type, uint64_t bytes)
{
    if (res->req->conn->server->compress_bytes_min == 0)
        return 0;
    enum wf_coding coding = judge(res, 200, type, bytes);
    bool is_coded = coding != WF_CODING_IDENTITY && coding != WF_CODING_NONE;
    return is_coded ? field_weaken_tag(res) : 0;
}

/* ---- coding ---- */

/* A piece for the encoder; all that comes out of it stands behind what is in `out`. */
struct job {
    struct wf_encoder *encoder;
    weft_str in;
    enum wf_coding_flush flush;
    wf_buf *out;
};

static int job_run(void *arg)
{
    struct job *job = arg;
    struct wf_coding_io io = {.in = job->in.ptr, .in_len = job->in.len};
    int rc = 0;
    while (rc == 0) {
        rc = wf_buf_reserve(job->out, PIECE_BYTES, &io.out);
        if (rc < 0)
            return rc;
        io.room = PIECE_BYTES;
        rc = wf_encoder_step(job->encoder, &io, job->flush);
        wf_buf_commit(job->out, PIECE_BYTES - io.room);
    }
    return rc < 0 ? rc : 0;
}

/* What is long does not hold the loop. */
static int job_do(struct job *job)
{
    return job->in.len <= WF_CODING_STEP_BYTES ? job_run(job) : weft_run_cpu(job_run, job);
}

/* ---- an answer that is there whole ---- */

static int respond_coded(weft_http_response *res, int status, const char *type, weft_str coded,
                         enum wf_coding coding)
{
    int rc = field_add(res, "Content-Encoding", wf_coding_name(coding));
    if (rc == 0)
        rc = field_weaken_tag(res);
    return rc == 0 ? weft_http_respond(res, status, type, coded.ptr, coded.len) : rc;
}

int wf_coded_respond(weft_http_response *res, int status, const char *type, weft_str body)
{
    struct job job = {.in = body, .flush = WF_CODING_FINISH};
    wf_buf out = {0};
    weft_str said = type != NULL ? weft_str_of(type) : field_of(res, "content-type");
    enum wf_coding coding = judge(res, status, said, body.len);
    if (coding == WF_CODING_NONE)
        return respond_none(res);
    if (coding == WF_CODING_IDENTITY)
        return weft_http_respond(res, status, type, body.ptr, body.len);
    job.out = &out;
    int rc = wf_encoder_new(&job.encoder, coding, body.len);
    if (rc == 0) {
        rc = job_do(&job);
        wf_encoder_free(job.encoder);
    }
    if (rc == 0)
        rc = respond_coded(res, status, type, (weft_str){wf_buf_ptr(&out), wf_buf_bytes(&out)},
                           coding);
    wf_buf_fini(&out);
    return rc;
}

/* ---- piece by piece ---- */

static int coded_new(weft_http_response *res, enum wf_coding coding)
{
    struct wf_coded *coded = wf_alloc(sizeof *coded);
    if (coded == NULL)
        return -ENOMEM;
    uint64_t bytes = res->has_length ? res->length : WF_CODING_UNKNOWN_BYTES;
    int rc = wf_encoder_new(&coded->encoder, coding, bytes);
    if (rc == 0)
        rc = field_add(res, "Content-Encoding", wf_coding_name(coding));
    if (rc == 0)
        rc = field_weaken_tag(res);
    if (rc < 0) {
        wf_coded_free(coded);
        return rc;
    }
    coded->has_length = res->has_length;
    coded->length = res->length;
    res->has_length = false; /* that of the coded body is not known */
    res->length = 0;
    res->coded = coded;
    return 0;
}

int wf_coded_begin(weft_http_response *res)
{
    int status = res->status != 0 ? res->status : 200;
    uint64_t bytes = res->has_length ? res->length : WF_CODING_UNKNOWN_BYTES;
    enum wf_coding coding = judge(res, status, field_of(res, "content-type"), bytes);
    if (coding == WF_CODING_IDENTITY)
        return 0;
    if (coding != WF_CODING_NONE)
        return coded_new(res, coding);
    int rc = respond_none(res);
    return rc < 0 ? rc : weft_fail(-EALREADY, "the client takes no coding of this answer: 406");
}

/* Codes a piece and sends what comes of it. */
static int coded_send(weft_http_response *res, weft_str in, enum wf_coding_flush flush)
{
    struct wf_coded *coded = res->coded;
    struct job job = {coded->encoder, in, flush, &coded->out};
    int rc = job_do(&job);
    if (rc == 0 && wf_buf_bytes(&coded->out) != 0)
        rc = wf_response_write(res, wf_buf_ptr(&coded->out), wf_buf_bytes(&coded->out));
    wf_buf_reset(&coded->out);
    res->is_cut |= rc < 0; /* what the encoder gave is lost */
    return rc;
}

int wf_coded_write(weft_http_response *res, weft_str bytes)
{
    struct wf_coded *coded = res->coded;
    if (coded->has_length && bytes.len > coded->length - coded->taken)
        return -EINVAL;
    if (bytes.len == 0)
        return wf_response_write(res, NULL, 0);
    coded->taken += bytes.len;
    return coded_send(res, bytes, WF_CODING_FLUSH);
}

int wf_coded_finish(weft_http_response *res)
{
    const struct wf_coded *coded = res->coded;
    if (coded->has_length && coded->taken != coded->length)
        return -WEFT_ETRUNCATED;
    return coded_send(res, (weft_str){"", 0}, WF_CODING_FINISH);
}

void wf_coded_free(struct wf_coded *coded)
{
    if (coded == NULL)
        return;
    wf_encoder_free(coded->encoder);
    wf_buf_fini(&coded->out);
    wf_free(coded);
}
