/* SPDX-License-Identifier: MIT */

#include "http/coded/coded_body.h"

#include <weft/error.h>
#include <weft/exec.h>

#include "base/buf.h"
#include "coding/coding.h"
#include "coding/read/decoding.h"
#include "http/exchange/request.h"
#include "http/exchange/transport.h"
#include "http/server/conn.h"
#include "http/server/server.h"

#include <string.h>

#define PIECE_BYTES ((size_t)16 * 1024)

/* ---- what is wrong ---- */

static struct wf_http_fault fault_of(const struct wf_decoder *decoder, int rc)
{
    uint64_t limit, seen;
    if (rc != -WEFT_ELIMIT)
        return wf_http_fault(400, "The body is not of the coding that Content-Encoding names.",
                             WF_HTTP_NOWHERE);
    const char *name = wf_decoder_limit(decoder, &limit, &seen);
    return wf_http_fault_limit(413, "The decoded body is too large.", name, limit, seen,
                               WF_HTTP_NOWHERE);
}

static struct wf_coding_limits limits_of(const weft_http_request *req)
{
    return (struct wf_coding_limits){
        .bytes_max = req->body_limits.body_bytes_max,
        .ratio_max = req->conn->server->limits.decoded_ratio_max,
    };
}

/* ---- all at once ---- */

struct job {
    struct wf_decoder *decoder;
    struct wf_coding_io io; /* its input */
    size_t out_max;         /* stop when so much has come out */
    wf_buf out;
};

/* 1: all is decoded; 0: out_max is reached. */
static int job_run(void *arg)
{
    struct job *job = arg;
    while (wf_buf_bytes(&job->out) < job->out_max) {
        int rc = wf_buf_reserve(&job->out, PIECE_BYTES, &job->io.out);
        if (rc < 0)
            return rc;
        job->io.room = PIECE_BYTES;
        rc = wf_decoder_step(job->decoder, &job->io);
        wf_buf_commit(&job->out, PIECE_BYTES - job->io.room);
        if (rc < 0)
            return rc;
        if (job->io.in_len == 0 && job->io.room != 0)
            return wf_decoder_is_whole(job->decoder) ? 1 : -WEFT_ESYNTAX;
    }
    return 0;
}

/* What is short here; in the executor a long body, of which nothing may come out for long, and the
 * rest of one of which more than 64 KiB come out. */
static int job_do(struct job *job)
{
    int rc = 0;
    if (job->io.in_len <= WF_CODING_STEP_BYTES) {
        job->out_max = WF_CODING_STEP_BYTES;
        rc = job_run(job);
    }
    job->out_max = SIZE_MAX;
    return rc == 0 ? weft_run_cpu(job_run, job) : rc;
}

/* Takes the place of what came; counted like it. */
static void body_replace(weft_http_request *req, wf_buf *body)
{
    weft_http_stats *stats = &req->conn->server->stats;
    wf_buf_fini(&req->body);
    req->body = *body;
    stats->bodies_bytes -= req->body_counted;
    req->body_counted = wf_buf_bytes(body);
    stats->bodies_bytes += req->body_counted;
    *body = (wf_buf){0};
}

static bool is_too_much_for_all(weft_http_request *req, size_t bytes)
{
    const weft_http_server *server = req->conn->server;
    uint64_t held = server->stats.bodies_bytes - req->body_counted;
    if (bytes <= server->limits.bodies_bytes_max - held)
        return false;
    req->fault =
        wf_http_fault_limit(503, "The server holds too many bodies now.", "bodies_bytes_max",
                            server->limits.bodies_bytes_max, held + bytes, WF_HTTP_NOWHERE);
    return true;
}

int wf_request_decode(weft_http_request *req)
{
    struct job job = {.io = {.in = wf_buf_ptr(&req->body), .in_len = wf_buf_bytes(&req->body)}};
    struct wf_coding_limits limits = limits_of(req);
    int rc = wf_decoder_new(&job.decoder, req->coding, &limits);
    if (rc < 0)
        return rc;
    rc = job_do(&job);
    if (rc == -WEFT_ESYNTAX || rc == -WEFT_ELIMIT)
        req->fault = fault_of(job.decoder, rc);
    else if (rc > 0 && !is_too_much_for_all(req, wf_buf_bytes(&job.out)))
        body_replace(req, &job.out);
    wf_decoder_free(job.decoder);
    wf_buf_fini(&job.out);
    return req->fault.status != 0 || rc > 0 ? 0 : rc;
}

/* ---- piece by piece ---- */

static ssize_t body_source(void *arg, char *buf, size_t bytes)
{
    weft_http_request *req = arg;
    return req->conn->transport->read(req, buf, bytes);
}

static ssize_t decoding_fail(weft_http_request *req, const struct wf_decoder *decoder, int rc)
{
    if (rc == -ENOMEM)
        return rc;
    if (rc == -WEFT_ETRUNCATED) /* the body came whole; what is coded in it is not */
        rc = -WEFT_ESYNTAX;
    req->framing.fault = fault_of(decoder, rc);
    return weft_fail(rc, "%s", req->framing.fault.message);
}

ssize_t wf_request_read_decoded(weft_http_request *req, char *buf, size_t bytes)
{
    struct wf_coding_limits limits = limits_of(req);
    if (req->decoding == NULL)
        WEFT_TRY(wf_decoding_new(&req->decoding, req->coding, &limits, body_source, req));
    ssize_t got = wf_decoding_read(req->decoding, buf, bytes);
    const struct wf_decoder *failed = got < 0 ? wf_decoding_failed(req->decoding) : NULL;
    return failed != NULL ? decoding_fail(req, failed, (int)got) : got;
}
