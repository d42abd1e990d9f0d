/* SPDX-License-Identifier: MIT */

#include "service/service.h"

#include "service/ask.h"

#include <weft/task.h>

#include <string.h>

/* Bytes of JSON written before other tasks get their turn: well under a millisecond. */
#define WRITE_STEP_BYTES ((size_t)64 * 1024)

static int status_of(int rc)
{
    switch (rc) {
    case -WEFT_M_EVALID:
    case -WEFT_M_EMODE:
    case -WEFT_M_EMODEL:
        return 422;
    case -WEFT_M_ENOTREADY:
    case -WEFT_M_ETRAIN:
    case -WEFT_M_ECLOSED:
    case -EBUSY:
        return 409;
    case -WEFT_ELIMIT:
        return 413;
    case -ENOMEM:
        return 503;
    case -ETIMEDOUT:
        return 504;
    default:
        return 500;
    }
}

int answer_error(weft_http_request *req, weft_http_response *res, int rc, const weft_m_error *error)
{
    if (rc == -ECANCELED)
        return rc;
    weft_text text;
    const char *id = weft_http_request_id(req);
    int made = weft_m_error_json(error, (weft_str){id, strlen(id)}, &text);
    if (made < 0)
        return made;
    made = weft_http_respond_json(res, status_of(rc), (weft_str){text.ptr, text.len});
    weft_text_free(&text);
    return made;
}

int answer_keeps_nothing(weft_http_response *res)
{
    return weft_http_fail(res, 409, /* code= */ NULL,
                          "this service keeps nothing; weft serve --data DIR makes it");
}

int answer_kept(weft_http_request *req, weft_http_response *res, const struct store *store, int rc,
                const weft_m_error *error)
{
    weft_m_error shown = *error;
    if (rc == -ENOTDIR && error->rc == 0)
        return answer_keeps_nothing(res);
    if (rc == -ESTALE && error->rc == 0)
        return weft_http_fail(res, 409, /* code= */ NULL,
                              "the matcher was replaced or deleted meanwhile");
    if (error->rc == 0)
        return rc;
    store_hide(store, &shown);
    return answer_error(req, res, rc, &shown);
}

int answer_text(weft_http_response *res, weft_text *text)
{
    int rc = weft_http_respond_json(res, 200, (weft_str){text->ptr, text->len});
    weft_text_free(text);
    return rc;
}

int answer_buf(weft_http_response *res, wf_buf *body)
{
    return answer_buf_as(res, 200, body);
}

int answer_buf_as(weft_http_response *res, int status, wf_buf *body)
{
    int rc = body->rc;
    if (rc == 0)
        rc = weft_http_respond_json(res, status, (weft_str){wf_buf_ptr(body), wf_buf_bytes(body)});
    wf_buf_fini(body);
    return rc;
}

int answer_put_results(wf_buf *out, const weft_m_results *results, size_t count, result_json *put)
{
    size_t rested_at = wf_buf_bytes(out);
    for (size_t i = 0; i < count; i++) {
        weft_text text;
        int rc = put(results, i, &text);
        if (rc < 0)
            return rc;
        if (i != 0)
            wf_buf_putc(out, ',');
        wf_buf_append(out, text.ptr, text.len);
        weft_text_free(&text);
        if (wf_buf_bytes(out) - rested_at < WRITE_STEP_BYTES)
            continue;
        rested_at = wf_buf_bytes(out);
        rc = weft_yield();
        if (rc < 0)
            return rc;
    }
    return out->rc;
}

int answer_results(const struct ask *ask, weft_http_response *res, const weft_m_results *results,
                   result_json *put)
{
    wf_buf body = {0};
    if (ask->is_list)
        wf_buf_puts(&body, "{\"results\":[");
    int rc = answer_put_results(&body, results, ask->text_count, put);
    if (rc == 0 && ask->is_list)
        wf_buf_puts(&body, "]}");
    if (rc == 0)
        rc = answer_buf(res, &body);
    wf_buf_fini(&body);
    return rc;
}
