/* SPDX-License-Identifier: MIT */

/* What can be looked at: the start page, health, readiness, settings, statistics. */
#include "service/service.h"

#include <string.h>

int route_health(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)arg;
    static const char body[] = "{\"status\":\"ok\"}";
    return weft_http_respond_json(res, 200, (weft_str){body, sizeof(body) - 1});
}

int route_ready(weft_http_request *req, weft_http_response *res, void *arg)
{
    const struct service *service = arg;
    const char *body = "{\"status\":\"ready\"}";
    int status = 200;
    if (weft_http_server_is_stopping(weft_http_get_server(req))) {
        body = "{\"status\":\"stopping\"}";
        status = 503;
    } else if (!__atomic_load_n(&service->is_ready, __ATOMIC_ACQUIRE)) {
        body = "{\"status\":\"starting\"}";
        status = 503;
    }
    return weft_http_respond_json(res, status, (weft_str){body, strlen(body)});
}

int route_info(weft_http_request *req, weft_http_response *res, const struct target *target)
{
    weft_text text;
    (void)req;
    int rc = weft_m_info_json(target->matcher, &text);
    return rc < 0 ? rc : answer_text(res, &text);
}

int route_stats(weft_http_request *req, weft_http_response *res, const struct target *target)
{
    weft_text text;
    (void)req;
    int rc = weft_m_stats_json(target->matcher, &text);
    return rc < 0 ? rc : answer_text(res, &text);
}

/* ---- the start page ---- */

static const char page_head[] =
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width\">\n<title>Weft</title>\n"
    "<style>\n"
    "body{max-width:44rem;margin:2rem auto;padding:0 1rem;font:1rem/1.5 system-ui,sans-serif;"
    "color:#1a1a1a;background:#fff}\n"
    "pre{padding:.7rem;overflow-x:auto;background:#f0f0ec}\n"
    "td,th{padding:.15rem 1rem .15rem 0;text-align:left;vertical-align:top}\n"
    "@media(prefers-color-scheme:dark){body{color:#e8e8e8;background:#161616}"
    "pre{background:#262626}}\n"
    "</style>\n<h1>Weft</h1>\n";

static const char page_routes[] =
    "<table>\n<tr><th>Call<th>Body<th>Answer\n"
    "<tr><td>POST /v1/match<td>query (text or list), top_k, threshold, candidates, metadata"
    "<td>result or results, mode, threshold, took_ms\n"
    "<tr><td>POST /v1/batch<td>queries, top_k, threshold, candidates, batch_size"
    "<td>results; with Accept: application/x-ndjson one line a text, with text/event-stream"
    " progress too\n"
    "<tr><td>POST /v1/explain<td>query, top_k<td>the candidates and why they score so\n"
    "<tr><td>POST /v1/diagnose<td>query, top_k<td>why it is not found, what to try\n"
    "<tr><td>POST /v1/novelty<td>query (text or list), alpha, strategies, combine, threshold"
    "<td>is it a match, is it novel, and how likely\n"
    "<tr><td>POST /v1/hierarchy<td>query or queries, top_k, match_level, max_depth, within, alpha, "
    "beta, threshold"
    "<td>matches with what lies above and below, and what is certain\n"
    "<tr><td>GET /v1/hierarchy?id=ID<td><td>what lies above and below an entity\n"
    "<tr><td>POST /match?query=TEXT<td><td>matched\n"
    "<tr><td>POST /batch<td>a list of texts<td>results\n"
    "<tr><td>GET /v1/info, /v1/stats<td><td>settings, statistics\n"
    "<tr><td>GET /v1/matchers<td><td>the matchers there are; each has all of these calls under"
    " /v1/matchers/NAME/\n"
    "<tr><td>GET /healthz, /readyz<td><td>alive, ready for questions\n"
    "<tr><td>GET /metrics<td><td>counters for Prometheus\n"
    "<tr><td>GET /openapi.json<td><td>all of this for programs\n"
    "</table>\n";

static void put_html(wf_buf *page, weft_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '<' || c == '>' || c == '&' || c == '"' || c == '\'')
            wf_buf_printf(page, "&#%d;", c);
        else
            wf_buf_putc(page, c);
    }
}

static void put_example(wf_buf *page, const char *scheme, weft_str host, const char *path,
                        const char *data)
{
    wf_buf_puts(page, "<pre>curl -X POST &#39;");
    wf_buf_puts(page, scheme);
    put_html(page, host.len != 0 ? host : (weft_str){"localhost", 9});
    wf_buf_puts(page, path);
    wf_buf_puts(page, "&#39;");
    if (data[0] != '\0') {
        wf_buf_puts(page, " \\\n  -H &#39;Content-Type: application/json&#39; -d &#39;");
        put_html(page, (weft_str){data, strlen(data)});
        wf_buf_puts(page, "&#39;");
    }
    wf_buf_puts(page, "</pre>\n");
}

static int set(weft_http_response *res, const char *name, const char *value)
{
    return weft_http_set_field(res, name, (weft_str){value, strlen(value)});
}

int route_page(weft_http_request *req, weft_http_response *res, void *arg)
{
    const struct service *service = arg;
    weft_str host = weft_http_host(req);
    wf_buf page = {0};
    wf_buf_puts(&page, page_head);
    wf_buf_puts(&page, "<p>Finds which of the entities of <b>");
    put_html(&page, weft_str_of(service->title));
    wf_buf_puts(&page, "</b> a text means.</p>\n");
    put_example(&page, service->scheme, host, "/match?query=Deutschland", "");
    put_example(&page, service->scheme, host, "/v1/match",
                "{\"query\":\"Deutschland\",\"top_k\":3}");
    put_example(&page, service->scheme, host, "/v1/batch",
                "{\"queries\":[\"Burma\",\"Ivory Coast\"]}");
    wf_buf_puts(&page, page_routes);

    /* Nothing is loaded from anywhere, and nobody may frame it. */
    int rc = set(res, "Content-Security-Policy",
                 "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    if (rc == 0)
        rc = set(res, "X-Content-Type-Options", "nosniff");
    if (rc == 0)
        rc = page.rc;
    if (rc == 0)
        rc = weft_http_respond(res, 200, "text/html; charset=utf-8", wf_buf_ptr(&page),
                               wf_buf_bytes(&page));
    wf_buf_fini(&page);
    return rc;
}
